"""The vectors of one scale, searched: immutable shards, whose rows are numbered from 0 and mapped to their ids here.

Every score is the exact inner product with the stored float16 row: approximate kinds only propose.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ...pipeline.embed import Vectors
from ...pipeline.errors import KnowledgeBaseError, QueryError
from .exact_search import brute_force, exact_scores, top
from .faiss_index import flat_index, gpu_index, gpus, propose, read_index
from .kinds import KINDS
from .ranges import Ranges, normalised, within
from .shard import Ids, Shard

Device = Literal["auto", "cpu", "cuda"]

_EXACT_ROWS = 16_384
"""Where a filter leaves no more rows than this, all of them are scored: faster than a selector, and exact."""
_GPU_MAX_K = 2048

_gpu_lock = threading.Lock()


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """The nearest of each query, best first.

    Attributes:
        ids: *Shape:* (q, k), int64, -1 where fewer than k were found.
        scores: *Shape:* (q, k), float32, higher is nearer, -inf where there is no id.
    """

    ids: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.ids.shape != self.scores.shape or self.ids.ndim != 2:
            raise ValueError(
                f"neighbours need ids and scores of one shape (q, k), not {self.ids.shape}, {self.scores.shape}"
            )


class ScaleIndex:
    """Everything searchable of one scale.

    Attributes:
        shards: Immutable; of one width.
        live: Ids that may be answered, ``None`` if all may.
    """

    def __init__(
        self,
        width: int,
        shards: Sequence[Shard] = (),
        *,
        live: Ranges | None = None,
        device: Device = "auto",
        exact_after: int | None = None,
        count: int | None = None,
    ) -> None:
        """Args:
        exact_after: Generation being read. The index of a shard that came later is not the one that answered then:
            every vector is compared instead.
        count: Vectors, if not all in the shards count.
        """
        self._exact_after, self._count = exact_after, count
        self.width = width
        self.shards = list(shards)
        self.live = live
        self._device = device
        self._masks: dict[str, npt.NDArray[np.bool_] | None] = {}
        self._gpu: dict[str, Any] = {}

    def __len__(self) -> int:
        """Vectors, dead ones included."""
        return sum(len(shard) for shard in self.shards) if self._count is None else self._count

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Adds vectors in memory, for trials and evaluation; a knowledge base adds by committing shards.

        *Shape:* (n,), rising, and (n, width).
        """
        if vectors.ndim != 2 or vectors.shape[1] != self.width:
            raise KnowledgeBaseError(f"vectors of shape {vectors.shape} do not fit an index of width {self.width}")
        scale = self.shards[0].row.scale if self.shards else "character"
        self.shards.append(Shard.in_memory(scale, ids, vectors))

    def search(self, vectors: Vectors, k: int, ranges: Ranges | None = None) -> Neighbours:
        """The k nearest of each query.

        Args:
            vectors: *Shape:* (q, width), float32.
            ranges: *Shape:* (m, 2); ids that may be answered, in addition to being live. ``None`` allows all.

        Raises:
            QueryError: ``k`` is not positive, or the queries do not fit the index.
            DamagedFile: A shard is not what was committed. Nothing is answered from the others either.
        """
        queries = np.ascontiguousarray(vectors, np.float32)
        if queries.ndim != 2 or queries.shape[1] != self.width or not np.all(np.isfinite(queries)):
            raise QueryError(
                f"queries of shape {queries.shape} do not fit vectors of width {self.width}, or are not finite"
            )
        if k < 1:
            raise QueryError(f"the number of neighbours is {k}; ask for at least 1")
        if ranges is not None:
            ranges = normalised(ranges)
        ids = np.full((len(queries), k), -1, np.int64)
        scores = np.full((len(queries), k), -np.inf, np.float32)
        for shard in self.shards:
            if not len(shard) or not len(queries):
                continue
            rows, found = self._search_shard(shard, queries, k, ranges)
            own = np.where(rows < 0, -1, shard.ids[np.maximum(rows, 0)])
            columns, scores = top(np.concatenate((scores, found), axis=1), k)
            ids = np.take_along_axis(np.concatenate((ids, own), axis=1), columns, 1)
        ids[np.isneginf(scores)] = -1
        return Neighbours(ids, scores)

    def _allowed(self, shard: Shard, ranges: Ranges | None) -> npt.NDArray[np.bool_] | None:
        """*Shape:* (rows,); ``None`` if every row may be answered."""
        if shard.row.name not in self._masks:
            mask = None if self.live is None else within(shard.ids, self.live)
            self._masks[shard.row.name] = None if mask is None or mask.all() else mask
        live = self._masks[shard.row.name]
        if ranges is None:
            return live
        asked = within(shard.ids, ranges)
        return asked if live is None else asked & live

    def _search_shard(self, shard: Shard, queries: Vectors, k: int, ranges: Ranges | None) -> tuple[Ids, Vectors]:
        halves = shard.halves
        allowed = self._allowed(shard, ranges)
        kind = KINDS[shard.row.kind]
        later = self._exact_after is not None and shard.row.added > self._exact_after and not kind.exact
        if allowed is not None or later:
            rows = np.arange(len(shard)) if allowed is None else np.flatnonzero(allowed)
            if later or len(rows) <= _EXACT_ROWS:
                return brute_force(queries, halves, rows, k)
        if kind.exact and allowed is None and k <= _GPU_MAX_K and self._gpus():
            return self._search_on_gpu(shard, queries, k)
        index = shard.index(read_index, flat_index)
        return propose(index, kind, shard.row.probes, queries, halves, k, allowed)

    def _gpus(self) -> int:
        if self._device == "cpu":
            return 0
        count = gpus()
        if self._device == "cuda" and not count:
            raise KnowledgeBaseError(
                "device cuda was asked for and FAISS sees no GPU: use --device cpu, or run octavo doctor"
            )
        return count

    def _search_on_gpu(self, shard: Shard, queries: Vectors, k: int) -> tuple[Ids, Vectors]:
        """Flat search in float16 on the first GPU."""
        with _gpu_lock:
            if shard.row.name not in self._gpu:
                self._gpu[shard.row.name] = gpu_index(shard.halves)
            _, index = self._gpu[shard.row.name]
            _, rows = index.search(queries, min(k, len(shard)))
        # The GPU sums in float16: the order of near ties and the scores are settled here.
        columns, scores = top(exact_scores(queries, shard.halves, rows), k)
        return np.take_along_axis(rows, columns, 1), scores

    def vectors(self, ids: Ids) -> Vectors:
        """The stored vectors of ids, in their order. *Shape:* (n, width), float32.

        Raises:
            KnowledgeBaseError: No vector has one of the ids.
        """
        ids = np.asarray(ids, np.int64)
        found = np.empty((len(ids), self.width), np.float32)
        missing = np.ones(len(ids), np.bool_)
        for shard in self.shards:
            rows = shard.rows_of(ids)
            here = rows >= 0
            found[here] = shard.halves[rows[here]]
            missing &= ~here
            if not missing.any():
                break
        if missing.any():
            raise KnowledgeBaseError(f"no vector of this scale has the id {ids[missing][0]}")
        return found
