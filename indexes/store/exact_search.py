"""Exact search over rows of float16: every score is the inner product with the row as it is stored."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from ...pipeline.embed import Vectors
from .shard import Halves, Ids

CHUNK: Final = 1 << 15
"""Rows that are taken up to float32 at a time."""


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
    for start in range(0, count, CHUNK):
        stop = min(start + CHUNK, count)
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
