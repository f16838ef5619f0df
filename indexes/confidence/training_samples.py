"""Questions asked, answered and judged: rows of features, each with whether the answer was in the hits.

Every question is asked with the source that answers it and again without, from all sources of its shelf and from a few
of them, and from the other shelves, which do not know it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from ..retrieve import Encoders, find
from ..store.ranges import Ranges, normalised
from .features import FEATURES, HITS, signs

if TYPE_CHECKING:
    from ..evaluate.gold import Gold
    from ..found import Found
    from ..store.snapshot import Snapshot

Floats = npt.NDArray[np.float64]

FEW: Final = 3
"""Sources of the smallest knowledge base."""


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Judged answers.

    Attributes:
        rows: *Shape:* (n, len(FEATURES))
        right: Whether the answer was in the hits. *Shape:* (n,)
        kind: Of each, such as ``keywords, dropped source``.
    """

    rows: Floats
    right: npt.NDArray[np.bool_]
    kind: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.rows.shape != (len(self.right), len(FEATURES)) or len(self.kind) != len(self.right):
            raise ValueError(f"{self.rows.shape} features, {len(self.right)} judgments and {len(self.kind)} kinds")

    def __len__(self) -> int:
        return len(self.right)

    @classmethod
    def of(cls, rows: Sequence[tuple[Floats, bool, str]]) -> Samples:
        """From single rows."""
        features = np.array([row[0] for row in rows], np.float64).reshape(-1, len(FEATURES))
        return cls(features, np.array([row[1] for row in rows], np.bool_), tuple(row[2] for row in rows))

    @classmethod
    def joined(cls, parts: Sequence[Samples]) -> Samples:
        """One after the other."""
        return cls(
            np.concatenate([part.rows for part in parts]),
            np.concatenate([part.right for part in parts]),
            tuple(kind for part in parts for kind in part.kind),
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with the spans that answer it.

    Attributes:
        gold: By content, half-open characters; an empty list for a content that is relevant as a whole.
    """

    text: str
    kind: str
    gold: Mapping[int, Sequence[tuple[int, int]]]


def in_hits(found: Found, gold: Mapping[int, Sequence[tuple[int, int]]], count: int = HITS) -> bool:
    """Whether one of the first hits of the default answer overlaps a place that answers the question."""
    universe = found.universe
    for choice in found.choose(count, None)[:count]:
        content = int(universe.content[choice.first])
        if content not in gold:
            continue
        start, stop = int(universe.start[choice.first]), int(universe.stop[choice.last - 1])
        if not gold[content] or any(a < stop and start < b for a, b in gold[content]):
            return True
    return False


def spans_of(gold: Gold) -> dict[int, list[tuple[int, int]]]:
    """The characters that answer a question, by content; none for a content that is relevant as a whole."""
    if not gold.written:
        return {content: [] for content in gold.contents.tolist()}
    made: dict[int, list[tuple[int, int]]] = {}
    for content, start, stop in gold.written:
        made.setdefault(content, []).append((start, stop))
    return made


def contents(snapshot: Snapshot) -> dict[int, tuple[int, int]]:
    """The ids of spans of every content that has text: ``first <= id < stop``."""
    spans = snapshot.between(snapshot.ranges())
    roots = np.flatnonzero(spans.parent < 0)
    return {int(spans.content[at]): (int(spans.id[at]), int(spans.last[at]) + 1) for at in roots.tolist()}


def ranges_of(chosen: Sequence[tuple[int, int]]) -> Ranges:
    """Ids as ranges."""
    return normalised(np.array(chosen, np.int64).reshape(-1, 2))


def judged(
    asked: Sequence[Asked],
    snapshot: Snapshot,
    encoders: Encoders,
    generator: np.random.Generator,
    *,
    few: bool = True,
    step: Callable[[], None] = lambda: None,
) -> Iterator[tuple[Floats, bool, str]]:
    """Ask every question of a knowledge base with what answers it and without.

    Args:
        few: Ask a quarter of them of a few sources only, so that knowledge bases of all sizes are seen.
    """
    held = contents(snapshot)
    for question in asked:
        gold = [one for one in question.gold if one in held]
        others = [one for one in held if one not in question.gold]
        if few and len(others) > FEW and generator.random() < 0.25:
            size = int(np.exp(generator.uniform(np.log(FEW), np.log(len(others)))))
            others = [others[at] for at in generator.choice(len(others), size, replace=False).tolist()]
        ways = [("", gold + others), (", source left out", others)] if gold else [("", others)]
        for name, allowed in ways:
            if allowed:
                ranges = ranges_of([held[one] for one in allowed])
                found = find(question.text, snapshot, encoders, {}, ranges=ranges)
                row = signs(question.text, found).row(FEATURES)
                yield row, in_hits(found, question.gold), question.kind + name
        step()
