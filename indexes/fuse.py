"""Containment fusion: a sentence is scored together with everything that contains it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..pipeline.scale import CHARACTER, Scale
from .evidence import LEXICAL, Evidence

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Fused:
    """Scores of sentences and where they come from.

    Attributes:
        total: *Shape:* (n,), at most 1: a sentence that is best in every column has 1.
        shares: What each name adds to ``total``. *Shape of each:* (n,)
        parts: The evidence that was taken. Each adds its scores, divided by the number of columns, to its share.
        columns: How many columns the parts are of.
    """

    total: Floats
    shares: dict[str, Floats]
    parts: tuple[Evidence, ...] = ()
    columns: int = 1


def fuse(evidence: Sequence[Evidence], count: int, scales: Collection[Scale] = ()) -> Fused:
    """The mean of all columns, every column divided by its best score beforehand.

    Score sums keep what reciprocal-rank fusion forgets: by how much one container is better than the next
    (measured in ``docs/log.md``).

    Args:
        count: Number of sentences.
        scales: Take only evidence of these scales; empty takes all, the windows between scales included. The
            character scale stands for words and their neighbours in spelling, sentence by sentence.
    """
    chosen = [part for part in evidence if not scales or _counts(part, scales)]
    columns = max(1, len({part.column for part in chosen}))
    shares: dict[str, Floats] = {}
    for part in chosen:
        shares[part.credit] = shares.get(part.credit, np.zeros(count, np.float32)) + part.scores / np.float32(columns)
    total = np.sum(list(shares.values()), axis=0, dtype=np.float32) + np.zeros(count, np.float32)
    return Fused(total, shares, tuple(chosen), columns)


def _counts(part: Evidence, scales: Collection[Scale]) -> bool:
    if part.scale in scales:
        return True
    words = part.credit in (LEXICAL, CHARACTER.name)
    return CHARACTER in scales and words and part.scale is not None and part.scale.rank == CHARACTER.rank + 1
