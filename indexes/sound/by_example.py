"""Query by example: a word or phrase that was recorded, and the places in recordings where it is said again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...pipeline.embed import Utterance, Vectors
from ...pipeline.posteriors import window_grid
from .keyword import Sought, example
from .spoken import WINDOW_PHONES, SpokenHit, pieces, spoken

if TYPE_CHECKING:
    from ..store.ranges import Ranges
    from ..store.snapshot import Snapshot
    from .hearing import Hearing


def by_example(
    utterances: Sequence[Utterance],
    snapshot: Snapshot,
    hearing: Hearing,
    *,
    k: int,
    ranges: Ranges | None = None,
    exhaustive: bool | None = None,
) -> list[SpokenHit]:
    """Places where a spoken example is said again; of a long one, where parts of it are.

    The likeliest phone sequences of the example are the keyword; its windows are looked for beside them.
    """
    found: list[SpokenHit] = []
    for utterance in utterances:
        ways = example(utterance.posteriors)
        if not ways:
            continue
        if len(ways[0].phones) > WINDOW_PHONES:
            ways = [Sought(piece) for piece in pieces(ways[0].phones)]
        windows = telling_windows(utterance)
        found += spoken(ways, snapshot, hearing, k=k, ranges=ranges, exhaustive=exhaustive, example=windows)
    return _distinct(found)[:k]


def telling_windows(utterance: Utterance) -> Vectors:
    """The windows that hold what is said in an example and little else: of a longer one, all that are full of speech.

    *Shape:* (n, width)
    """
    grid = window_grid(len(utterance.posteriors))
    peaks = np.flatnonzero(utterance.posteriors.symbols[:, 0] != 0)
    if not len(peaks):
        return utterance.windows[:0]
    first, last = int(peaks[0]), int(peaks[-1]) + 1
    inside = np.minimum(grid[:, 1], last) - np.maximum(grid[:, 0], first)
    union = np.maximum(grid[:, 1], last) - np.minimum(grid[:, 0], first)
    overlap = inside / union
    # The last of the longest windows may be the whole example, cut off by its end; others of its kind are then too.
    telling: Vectors = utterance.windows[overlap >= 0.9 * overlap.max()]
    return telling


def _distinct(found: Iterable[SpokenHit]) -> list[SpokenHit]:
    """Each place once, the likeliest first."""
    chosen: list[SpokenHit] = []
    for one in sorted(found, key=lambda hit: (-hit.probability, hit.utterance, hit.start)):
        beside = (other for other in chosen if other.utterance == one.utterance)
        if all(one.stop <= other.start or other.stop <= one.start for other in beside):
            chosen.append(one)
    return chosen
