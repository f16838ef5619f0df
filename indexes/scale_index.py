"""The vectors of one scale, searched: FAISS over immutable shards. The only import of faiss.

FAISS never sees an id and nothing is ever removed from an index of its: it numbers the rows of a shard from 0, a row
is mapped to its id here, and what is dead or filtered out is kept from the answer by a selector over rows. (Removing
ids from an ``IndexIDMap`` over an IVF returns wrong neighbours without a word.) Every score is the exact inner
product with the stored float16 row: approximate kinds only propose.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal

import numpy as np
import numpy.typing as npt

from ..pipeline.errors import KnowledgeBaseError, QueryError
from .kinds import KINDS, IndexKind
from .ranges import Ranges, normalised, within
from .shard import Halves, Ids, Shard, Vectors

Device = Literal["auto", "cpu", "cuda"]

_EXACT_ROWS = 16_384
"""Where a filter leaves no more rows than this, all of them are scored: faster than a selector, and exact."""
_CHUNK = 1 << 15
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


def _faiss() -> Any:
    """The library, imported at the first search; untyped, since its stubs lack what its Python layer adds."""
    import faiss

    return faiss


def top(scores: Vectors, k: int) -> tuple[npt.NDArray[np.int64], Vectors]:
    """Columns and values of the k best of each row, best first; ties in order of column. *Shape:* (q, min(k, n))."""
    k = min(k, scores.shape[1])
    if k < scores.shape[1]:
        columns = np.sort(np.argpartition(-scores, k - 1, axis=1)[:, :k], axis=1)
    else:
        columns = np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
    values = np.take_along_axis(scores, columns, 1)
    order = np.argsort(-values, axis=1, kind="stable")
    return np.take_along_axis(columns, order, 1), np.take_along_axis(values, order, 1)


def brute_force(queries: Vectors, halves: Halves, rows: npt.NDArray[np.int64] | None, k: int) -> tuple[Ids, Vectors]:
    """Exact best rows for each query, with the memory of one chunk. *Shape:* (q, min(k, rows)) each."""
    count = len(halves) if rows is None else len(rows)
    best_rows = np.empty((len(queries), 0), np.int64)
    best = np.empty((len(queries), 0), np.float32)
    for start in range(0, count, _CHUNK):
        stop = min(start + _CHUNK, count)
        chunk = np.arange(start, stop) if rows is None else rows[start:stop]
        vectors = halves[start:stop] if rows is None else halves[chunk]
        columns, values = top(queries @ vectors.astype(np.float32).T, k)
        best_rows = np.concatenate((best_rows, chunk[columns]), axis=1)
        best = np.concatenate((best, values), axis=1)
        columns, best = top(best, k)
        best_rows = np.take_along_axis(best_rows, columns, 1)
    return best_rows, best


def exact_scores(queries: Vectors, halves: Halves, rows: npt.NDArray[np.int64]) -> Vectors:
    """Inner products of each query with its own candidate rows; -inf where a row is -1. *Shape:* (q, r)."""
    scores = np.einsum("qw,qrw->qr", queries, halves[np.maximum(rows, 0)].astype(np.float32))
    return np.where(rows < 0, np.float32(-np.inf), scores).astype(np.float32)


def gpus() -> int:
    """GPUs that FAISS can search on; 0 in its CPU-only build."""
    faiss = _faiss()

    return int(faiss.get_num_gpus()) if hasattr(faiss, "get_num_gpus") else 0


def flat_index(halves: Halves) -> Any:
    """An exact FAISS index of float16 rows: half the memory of float32, and the bytes are the file's own."""
    faiss = _faiss()

    index = faiss.IndexScalarQuantizer(halves.shape[1], faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    if len(halves):
        index.add_sa_codes(np.ascontiguousarray(halves).view(np.uint8))
    return index


def read_index(file: BinaryIO) -> Any:
    """An index from an open file whose checksum was compared: FAISS itself loads damaged ones without a word."""
    faiss = _faiss()

    return faiss.read_index(faiss.PyCallbackIOReader(file.read))


def search_parameters(index: Any, probes: int, selector: Any) -> Any:
    """FAISS's parameters of one search. The selector must outlive the search."""
    faiss = _faiss()

    if not probes:
        return faiss.SearchParameters(sel=selector) if selector is not None else None
    parameters: dict[str, Any] = {"nprobe": probes}
    if selector is not None:
        parameters["sel"] = selector
    if isinstance(faiss.downcast_index(index.quantizer), faiss.IndexHNSW):
        parameters["quantizer_params"] = faiss.SearchParametersHNSW(efSearch=max(64, 2 * probes))
    return faiss.SearchParametersIVF(**parameters)


@contextmanager
def _few_threads(queries: int) -> Iterator[None]:
    """As many threads as queries: more would spin waiting for work, and on a busy machine that takes longest."""
    import faiss

    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(max(1, min(threads, queries)))
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)


def propose(
    index: Any,
    kind: IndexKind,
    probes: int,
    queries: Vectors,
    halves: Halves,
    k: int,
    allowed: npt.NDArray[np.bool_] | None = None,
) -> tuple[Ids, Vectors]:
    """Best rows of one index with exact scores, -1 and -inf where there are fewer. *Shape:* (q, <= k) each.

    Args:
        allowed: *Shape:* (rows,); rows that may be answered.
    """
    faiss = _faiss()

    # IDSelectorBitmap keeps a bare pointer: both objects have to stay alive until the search is over.
    bitmap = None if allowed is None else np.packbits(allowed, bitorder="little")
    selector = None if bitmap is None else faiss.IDSelectorBitmap(bitmap)
    wanted = min(kind.candidates(k), index.ntotal)
    if probes and allowed is not None:
        # A list that is mostly filtered out yields less, so more lists are visited, in proportion.
        probes = min(index.nlist, max(probes, int(probes * len(allowed) / max(int(allowed.sum()), 1))))
    with _few_threads(len(queries)):
        scores, rows = index.search(queries, wanted, params=search_parameters(index, probes, selector))
    if kind.exact:
        return rows, np.where(rows < 0, np.float32(-np.inf), scores)
    columns, scores = top(exact_scores(queries, halves, rows), k)
    return np.take_along_axis(rows, columns, 1), scores


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
        """Flat search in float16 on the first GPU. FAISS's GPU resources are not for several threads at once."""
        faiss = _faiss()

        with _gpu_lock:
            if shard.row.name not in self._gpu:
                resources = faiss.StandardGpuResources()
                config = faiss.GpuIndexFlatConfig()
                config.useFloat16 = True
                index = faiss.GpuIndexFlatIP(resources, self.width, config)
                for start in range(0, len(shard), _CHUNK):
                    index.add(shard.halves[start : start + _CHUNK].astype(np.float32))
                self._gpu[shard.row.name] = (resources, index)
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


def train_index(kind: IndexKind, halves: Halves, sample: npt.NDArray[np.int64]) -> Any:
    """An index of an approximate kind, trained on a sample of rows and filled with all, a chunk at a time.

    Raises:
        RuntimeError: FAISS cannot build this kind for this width and number.
    """
    faiss = _faiss()

    index = faiss.index_factory(halves.shape[1], kind.recipe(*halves.shape), faiss.METRIC_INNER_PRODUCT)
    # The number of lists was chosen with training in mind; FAISS need not warn about it on standard error.
    faiss.extract_index_ivf(index).cp.min_points_per_centroid = 1
    index.train(halves[sample].astype(np.float32))
    for start in range(0, len(halves), _CHUNK):
        index.add(halves[start : start + _CHUNK].astype(np.float32))
    return index


def write_index(index: Any, file: BinaryIO) -> None:
    """Writes an index to an open file."""
    faiss = _faiss()

    faiss.write_index(index, faiss.PyCallbackIOWriter(file.write))
