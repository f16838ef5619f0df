"""FAISS indexes over the rows of one shard: made, trained, read, written and searched. The only import of faiss.

FAISS never sees an id and nothing is ever removed from an index of its: it numbers rows from 0, and what is dead or
filtered out is kept from the answer by a selector over rows. (Removing ids from an ``IndexIDMap`` over an IVF returns
wrong neighbours without a word.)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from ...pipeline.embed import Vectors
from .exact_search import CHUNK, exact_scores, top
from .kinds import IndexKind
from .shard import Halves, Ids


def _faiss() -> Any:
    """The library, imported at the first search; untyped, since its stubs lack what its Python layer adds."""
    import faiss

    return faiss


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


def gpu_index(halves: Halves) -> tuple[Any, Any]:
    """An exact index of float16 rows on the first GPU, behind the resources that must live as long as it does.

    FAISS's GPU resources are not for several threads at once.
    """
    faiss = _faiss()

    resources = faiss.StandardGpuResources()
    config = faiss.GpuIndexFlatConfig()
    config.useFloat16 = True
    index = faiss.GpuIndexFlatIP(resources, halves.shape[1], config)
    for start in range(0, len(halves), CHUNK):
        index.add(halves[start : start + CHUNK].astype(np.float32))
    return resources, index


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
    for start in range(0, len(halves), CHUNK):
        index.add(halves[start : start + CHUNK].astype(np.float32))
    return index


def read_index(file: BinaryIO) -> Any:
    """An index from an open file whose checksum was compared: FAISS itself loads damaged ones without a word."""
    faiss = _faiss()

    return faiss.read_index(faiss.PyCallbackIOReader(file.read))


def write_index(index: Any, file: BinaryIO) -> None:
    """Writes an index to an open file."""
    faiss = _faiss()

    faiss.write_index(index, faiss.PyCallbackIOWriter(file.write))


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
