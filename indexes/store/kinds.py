"""Kinds of vector index, and which to try at which size: data, chosen from by measurement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt


@dataclass(frozen=True, slots=True)
class IndexKind:
    """A kind of vector index.

    Attributes:
        name: As in the catalog.
        factory: FAISS index factory string; empty for the exact kind. ``{lists}`` and ``{half}`` are filled in.
        refine: How many times more candidates it proposes than are asked for; exact scores choose among them.
        least_width: Narrower vectors are not tried with it: their codes have too few bits to tell them apart.
    """

    name: str
    factory: str = ""
    refine: int = 1
    least_width: int = 1

    @property
    def exact(self) -> bool:
        """Whether it compares every vector."""
        return not self.factory

    def candidates(self, k: int) -> int:
        """Rows to propose where k are asked for."""
        return k if self.exact else max(self.refine * k, 64)

    def recipe(self, count: int, width: int) -> str:
        """The factory string for a number of vectors."""
        return self.factory.format(lists=lists(count), half=max(width // 2, 1))


def lists(count: int) -> int:
    """Lists of an IVF over so many vectors: four times the root, and FAISS's least of 39 vectors to train each."""
    return max(1, min(int(4 * sqrt(count)), count // 48))


FLAT = IndexKind("flat")
IVF_SQ8 = IndexKind("ivf-sq8", "IVF{lists},SQ8", refine=4)
# Eight million windows of 32 numbers: built for ten minutes, and short of the recall (tests/benchmarks/hours.py).
IVF_HNSW_PQ4 = IndexKind("ivf-hnsw-pq4", "IVF{lists}_HNSW32,PQ{half}x4fs", refine=20, least_width=128)

KINDS = {kind.name: kind for kind in (FLAT, IVF_SQ8, IVF_HNSW_PQ4)}


@dataclass(frozen=True, slots=True)
class Band:
    """Shards of fewer than ``below`` vectors try these kinds in turn; the first that reaches the recall is taken."""

    below: float
    kinds: tuple[IndexKind, ...]

    def __post_init__(self) -> None:
        if not self.kinds or not self.kinds[-1].exact:
            raise ValueError("the last kind of a band must be exact: it is what is left when recall is not reached")


BANDS: Sequence[Band] = (
    Band(50_000, (FLAT,)),
    Band(1_000_000, (IVF_SQ8, FLAT)),
    Band(inf, (IVF_HNSW_PQ4, IVF_SQ8, FLAT)),
)
"""From the design's measurements (40k x 384: IVF,SQ8 reaches recall 0.989 at a tenth of the time of flat)."""

RECALL_TARGET = 0.99


def band_for(count: int, bands: Sequence[Band] = BANDS) -> Band:
    """The band of a number of vectors."""
    return next(band for band in bands if count < band.below)
