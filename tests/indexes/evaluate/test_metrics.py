"""Metrics against ir_measures, and against sets of single characters."""

from __future__ import annotations

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ir_measures import RR, R, nDCG
from octavo.indexes.evaluate import metrics

intervals = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 12)).map(lambda pair: (pair[0], sum(pair))), max_size=8
)


def arrays(spans: list[tuple[int, int]]) -> tuple[metrics.Ints, metrics.Ints]:
    table = np.array(spans, np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def characters(spans: list[tuple[int, int]]) -> set[int]:
    return {at for start, stop in spans for at in range(start, stop)}


@given(intervals)
def test_union_holds_the_same_characters_in_disjoint_intervals(spans: list[tuple[int, int]]) -> None:
    starts, stops = metrics.union(*arrays(spans))
    assert characters(list(zip(starts.tolist(), stops.tolist(), strict=True))) == characters(spans)
    assert (starts[1:] > stops[:-1]).all()


@given(intervals, intervals)
def test_character_metrics_agree_with_sets(spans: list[tuple[int, int]], gold: list[tuple[int, int]]) -> None:
    found, wanted = characters(spans), characters(gold)
    retrieved, relevant = metrics.union(*arrays(spans)), metrics.union(*arrays(gold))
    shared = float(metrics.overlaps(*retrieved, *relevant).sum())
    size, whole = float((retrieved[1] - retrieved[0]).sum()), float((relevant[1] - relevant[0]).sum())
    assert shared == len(found & wanted)
    if wanted:
        assert metrics.recall(shared, whole) == pytest.approx(len(found & wanted) / len(wanted), abs=1e-12)
        iou = metrics.intersection_over_union(shared, size, whole)
        assert iou == pytest.approx(len(found & wanted) / len(found | wanted), abs=1e-12)
    else:
        assert np.isnan(metrics.recall(shared, whole))
    assert metrics.precision(shared, size) == pytest.approx(len(found & wanted) / max(len(found), 1), abs=1e-12)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=15), intervals)
def test_precision_omega_is_that_of_the_fewest_units_that_hold_all_gold(
    lengths: list[int], gold: list[tuple[int, int]]
) -> None:
    bounds = np.concatenate([[0], np.cumsum(lengths)])
    end = int(bounds[-1])
    gold = [(start, min(stop, end)) for start, stop in gold if start < end]
    units = [set(range(a, b)) for a, b in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)]
    wanted = characters(gold)
    held = set().union(*(unit for unit in units if unit & wanted))
    omega = metrics.precision_omega(bounds[:-1], bounds[1:], *metrics.union(*arrays(gold)))
    if wanted:
        assert omega == pytest.approx(len(wanted) / len(held), abs=1e-12)
    else:
        assert np.isnan(omega)


def test_characters_of_two_documents_never_meet() -> None:
    starts, stops = metrics.on_axis([1, 2], [5, 5]), metrics.on_axis([1, 2], [9, 9])
    assert metrics.overlaps(starts, stops, starts[:1], stops[:1]).tolist() == [[4], [0]]


@given(
    st.lists(st.integers(0, 3), max_size=25),
    st.lists(st.integers(1, 3), max_size=6),
    st.sampled_from([1, 5, 10]),
)
def test_rank_metrics_agree_with_ir_measures(ranked: list[int], missed: list[int], k: int) -> None:
    everything = [grade for grade in ranked if grade] + missed
    if not everything:
        return
    qrels = [ir_measures.Qrel("q", f"d{at}", grade) for at, grade in enumerate(ranked)]
    qrels += [ir_measures.Qrel("q", f"m{at}", grade) for at, grade in enumerate(missed)]
    run = [ir_measures.ScoredDoc("q", f"d{at}", 100.0 - at) for at in range(len(ranked))] or [
        ir_measures.ScoredDoc("q", "nothing relevant", 1.0)
    ]
    gains, all_gains = np.array(ranked, float), np.array(everything, float)
    wanted = ir_measures.calc_aggregate([R @ k, nDCG @ k, RR], qrels, run)
    assert metrics.recall_at(gains, len(everything), k) == pytest.approx(wanted[R @ k], abs=1e-9)
    assert metrics.ndcg_at(gains, all_gains, k) == pytest.approx(wanted[nDCG @ k], abs=1e-9)
    assert metrics.reciprocal_rank(gains) == pytest.approx(wanted[RR], abs=1e-9)


def test_what_cannot_be_measured_is_not_zero() -> None:
    nothing = np.empty(0)
    assert np.isnan(metrics.recall_at(nothing, 0, 5))
    assert np.isnan(metrics.ndcg_at(nothing, nothing, 5))
    assert metrics.reciprocal_rank(nothing) == 0
