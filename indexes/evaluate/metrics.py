"""What is measured, as plain functions of numpy arrays.

Characters: two sets of half-open intervals on one axis (documents lie far apart on it, see :func:`on_axis`), each set
disjoint and sorted (see :func:`union`). Ranks: the gains of what was ranked, best first.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

NOT_APPLICABLE = float("nan")
"""The value of a metric for a question that it says nothing about; means leave it out."""


def on_axis(content: npt.ArrayLike, position: npt.ArrayLike) -> Ints:
    """Characters of many documents on one axis, 2^32 apart: no document is that long."""
    documents, characters = np.asarray(content, np.int64), np.asarray(position, np.int64)
    placed: Ints = np.left_shift(documents, 32) + characters
    return placed


def union(starts: Ints, stops: Ints) -> tuple[Ints, Ints]:
    """Intervals sorted, and joined where they touch or overlap. *Shape:* (m,), (m,)"""
    if not len(starts):
        return starts, stops
    order = np.argsort(starts, kind="stable")
    starts, reach = starts[order], np.maximum.accumulate(stops[order])
    heads = np.flatnonzero(np.concatenate([[True], starts[1:] > reach[:-1]]))
    return starts[heads], reach[np.concatenate([heads[1:], [len(starts)]]) - 1]


def overlaps(starts: Ints, stops: Ints, gold_starts: Ints, gold_stops: Ints) -> Ints:
    """Characters that each pair shares. *Shape:* (spans, gold)"""
    ends, begins = np.minimum(stops[:, None], gold_stops), np.maximum(starts[:, None], gold_starts)
    shared: Ints = np.maximum(ends - begins, 0)
    return shared


def recall(shared: float, gold: float) -> float:
    """Share of the gold characters that were retrieved: |gold ∩ retrieved| / |gold|.

    Smith and Troynikov 2024, *Evaluating Chunking Strategies for Retrieval* (Chroma technical report), section 3.
    """
    return shared / gold if gold else NOT_APPLICABLE


def precision(shared: float, retrieved: float) -> float:
    """Share of the retrieved characters that are gold: |gold ∩ retrieved| / |retrieved|; 0 where nothing is retrieved.

    Smith and Troynikov 2024.
    """
    return shared / retrieved if retrieved else 0.0


def intersection_over_union(shared: float, retrieved: float, gold: float) -> float:
    """|gold ∩ retrieved| / |gold ∪ retrieved| (Jaccard 1912), over characters: Smith and Troynikov 2024."""
    return shared / (retrieved + gold - shared) if retrieved + gold else NOT_APPLICABLE


def precision_omega(starts: Ints, stops: Ints, gold_starts: Ints, gold_stops: Ints) -> float:
    """The precision that perfect recall would have: |gold ∩ units| / |units| over all units that hold gold.

    The units that hold any gold are the smallest set of units that holds all of it: what a scale can reach at best,
    whatever ranks it. Smith and Troynikov 2024.

    Args:
        starts, stops: All units of a scale in the gold's documents, disjoint. *Shape:* (n,)
    """
    shared = overlaps(starts, stops, gold_starts, gold_stops).sum(axis=1)
    held = shared > 0
    return precision(float(shared.sum()), float((stops - starts)[held].sum())) if held.any() else NOT_APPLICABLE


def recall_at(gains: Floats, relevant: int, k: int) -> float:
    """Share of what is relevant among the first ``k``.

    Args:
        gains: Of what was ranked, best first; above 0 is relevant. *Shape:* (n,)
        relevant: How many relevant there are in all.
    """
    return float(np.count_nonzero(gains[:k] > 0)) / relevant if relevant else NOT_APPLICABLE


def ndcg_at(gains: Floats, all_gains: Floats, k: int) -> float:
    """Normalised discounted cumulative gain: DCG = sum of gain / log2(rank + 1), divided by that of the best order.

    Järvelin and Kekäläinen 2002, with linear gains as in trec_eval.

    Args:
        gains: Of what was ranked, best first. *Shape:* (n,)
        all_gains: Of everything relevant, ranked or not. *Shape:* (m,)
    """
    ideal = np.sort(all_gains)[::-1][:k]
    best = float(np.sum(ideal / np.log2(np.arange(2, len(ideal) + 2))))
    got = gains[:k]
    return float(np.sum(got / np.log2(np.arange(2, len(got) + 2)))) / best if best else NOT_APPLICABLE


def reciprocal_rank(gains: Floats) -> float:
    """1 / rank of the first relevant, 0 if there is none; its mean is MRR (Voorhees 1999)."""
    first = int(np.argmax(gains > 0)) if len(gains) else 0
    return 1 / (first + 1) if len(gains) and gains[first] > 0 else 0.0
