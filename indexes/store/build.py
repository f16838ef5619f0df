"""Choosing a shard's index by measurement.

The kinds of the shard's band are built in turn, each is compared with brute force on held-out queries, and the first
that reaches the recall with some number of probes is written; the rest of the band is more exact, its end is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...pipeline.embed import Vectors
from .durable import checksum, durable
from .exact_search import brute_force
from .faiss_index import propose, train_index, write_index
from .kinds import BANDS, RECALL_TARGET, Band, IndexKind, band_for, lists
from .shard import FOLDER, INDEX_SUFFIX, Halves, Shard, ShardRow

AT = 10
_QUERIES = 256
_TRAINING_ROWS_A_LIST = 50


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """Questions put to an index while it is built, and their true neighbours.

    Half of them are rows of the shard, kept out of the training sample; a row is not its own neighbour. The other
    half lie midway between two rows: people's questions are unlike the stored passages, and an index tuned on
    passages alone finds less for them than it claims.

    Attributes:
        rows: *Shape:* (q,); the row a query is, -1 for those in between, which come last.
        queries: *Shape:* (q, width).
        truth: *Shape:* (q, AT), rows of the nearest by brute force.
    """

    rows: npt.NDArray[np.int64]
    queries: Vectors
    truth: npt.NDArray[np.int64]

    @classmethod
    def draw(cls, halves: Halves, generator: np.random.Generator) -> HeldOut:
        """Draws queries and finds their neighbours the slow way."""
        number = min(_QUERIES // 2, len(halves) // 2)
        own = np.sort(generator.choice(len(halves), number, replace=False))
        pairs = halves[generator.choice(len(halves), (2, number))].astype(np.float32).sum(axis=0)
        lengths = np.linalg.norm(pairs, axis=1, keepdims=True)
        queries = np.concatenate((halves[own].astype(np.float32), pairs / np.maximum(lengths, 1e-6)))
        rows = np.concatenate((own, np.full(number, -1)))
        found, _ = brute_force(queries, halves, None, AT + 1)
        return cls(rows, queries, _without(found, rows))

    def recall(self, index: Any, kind: IndexKind, probes: int, halves: Halves) -> float:
        """Share of the true neighbours found, by the very code that answers searches; of the worse half."""
        found = _without(propose(index, kind, probes, self.queries, halves, AT + 1)[0], self.rows)
        hits = np.array([len(np.intersect1d(a, b)) for a, b in zip(self.truth, found, strict=True)])
        within = self.rows >= 0
        return float(min(hits[within].mean(), hits[~within].mean()) / self.truth.shape[1])


def _without(found: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Drops each query's own row; its last neighbour where it has no row or an equal vector took its place."""
    own = (found == rows[:, None]) & (rows[:, None] >= 0)
    own[~own.any(axis=1), -1] = True
    rest: npt.NDArray[np.int64] = found[~own].reshape(len(found), found.shape[1] - 1)
    return rest


def fewest_probes(recall: Callable[[int], float], most: int, target: float) -> tuple[int, float]:
    """The smallest number of probes that reaches the target, and the recall with it; (0, best) if none does.

    Doubles until the target is reached, then halves the interval; recall is taken to rise with probes.
    """
    low, high, reached = 0, 1, recall(1)
    while reached < target:
        if high >= most:
            return 0, reached
        low, high = high, min(2 * high, most)
        reached = recall(high)
    while high - low > 1:
        middle = (low + high) // 2
        if (measured := recall(middle)) >= target:
            high, reached = middle, measured
        else:
            low = middle
    return high, reached


def build_index(root: Path, row: ShardRow, bands: Sequence[Band] = BANDS, target: float = RECALL_TARGET) -> ShardRow:
    """Builds the index that a finished shard's size and data call for, and writes it beside the vectors.

    Returns:
        The shard's row with kind, probes, measured recall and the index file's checksum; unchanged where the flat
        kind serves, which needs no file.
    """
    kinds = [kind for kind in band_for(row.count, bands).kinds if row.width >= kind.least_width]
    if kinds[0].exact:
        return row
    halves = Shard(root, row).halves
    generator = np.random.default_rng(row.count)
    held_out = HeldOut.draw(halves, generator)
    most = lists(row.count)
    others = np.setdiff1d(np.arange(row.count), held_out.rows)
    sample = np.sort(generator.choice(others, min(len(others), _TRAINING_ROWS_A_LIST * most), replace=False))
    for kind in kinds:
        if kind.exact:
            break
        try:
            index = train_index(kind, halves, sample)
        except RuntimeError:
            continue  # FAISS has no such index for this width; the band goes on to a kind that always fits
        probes, recall = fewest_probes(lambda n: held_out.recall(index, kind, n, halves), most, target)  # noqa: B023
        if probes:
            return _write(root, replace(row, kind=kind.name, probes=probes, recall=recall), index)
    return row


def _write(root: Path, row: ShardRow, index: Any) -> ShardRow:
    with durable(root / FOLDER / row.scale / (row.name + INDEX_SUFFIX)) as file:
        write_index(index, file)
        size = file.tell()
        digest = checksum(file)
    return replace(row, index_bytes=size, index_checksum=digest)
