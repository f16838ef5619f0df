"""What is measured, as plain functions of numpy arrays.

Characters and milliseconds: two sets of half-open intervals on one axis (contents lie far apart on it, see
:func:`on_axis`), each set disjoint and sorted (see :func:`union`). Ranks: the gains of what was ranked, best first.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..sound.as_written import CHARACTERS_A_SECOND

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_NONE: Ints = np.empty(0, np.int64)
NOT_APPLICABLE = float("nan")
"""The value of a metric for a question that it says nothing about; means leave it out."""


def on_axis(content: npt.ArrayLike, position: npt.ArrayLike) -> Ints:
    """Positions in many contents on one axis, 2^32 apart: none is that long.

    What a position counts is a content's own affair: characters, or milliseconds in a recording that is judged by time.
    """
    contents, positions = np.asarray(content, np.int64), np.asarray(position, np.int64)
    placed: Ints = np.left_shift(contents, 32) + positions
    return placed


def off_axis(place: npt.ArrayLike) -> tuple[Ints, Ints]:
    """Contents of places on the axis, and positions in them."""
    places = np.asarray(place, np.int64)
    return places >> 32, places & ((1 << 32) - 1)


def extent(starts: Ints, stops: Ints, timed: Ints) -> Floats:
    """How much of a budget intervals take up, in characters; milliseconds count as if written. *Shape:* (m,)

    Args:
        timed: The contents in which positions are milliseconds.
    """
    lengths = (stops - starts).astype(np.float64)
    if not len(timed):
        return lengths
    return np.where(np.isin(off_axis(starts)[0], timed), lengths * (CHARACTERS_A_SECOND / 1000), lengths)


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


def precision_omega(starts: Ints, stops: Ints, gold_starts: Ints, gold_stops: Ints, timed: Ints = _NONE) -> float:
    """The precision that perfect recall would have: |gold ∩ units| / |units| over all units that hold gold.

    The units that hold any gold are the smallest set of units that holds all of it: what a scale can reach at best,
    whatever ranks it. Smith and Troynikov 2024.

    Args:
        starts, stops: All units of a scale in the gold's documents, disjoint. *Shape:* (n,)
        timed: See :func:`extent`.
    """
    shared = overlaps(starts, stops, gold_starts, gold_stops).sum(axis=1)
    held = shared > 0
    if not held.any():
        return NOT_APPLICABLE
    whole = extent(starts[held], stops[held], timed)
    return precision(float((whole * shared[held] / (stops - starts)[held]).sum()), float(whole.sum()))


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
