"""Calibration error and risk-coverage against slow ways; the calibration map against its promises."""

from __future__ import annotations

import json
from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from octavo.indexes.confidence.calibration import CalibrationMap, cross_validated, fit_map
from octavo.indexes.confidence.features import FEATURES
from octavo.indexes.confidence.model import newton, sigmoid
from octavo.indexes.confidence.quality import (
    area_under_risk,
    calibration_error,
    error_by_chance,
    least_area,
    reliability,
    risk_coverage,
)
from octavo.pipeline.errors import KnowledgeBaseError

COUNTS = st.integers(1, 60)


def drawn(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    return np.round(generator.random(count), 2), generator.random(count) < 0.5


def slow_error(probabilities: np.ndarray, right: np.ndarray, bins: int) -> float:
    """Bin by bin, as Naeini et al. write it; bins are (i/15, (i+1)/15], the first one closed."""
    total = 0.0
    for number in range(bins):
        low, high = number / bins, (number + 1) / bins
        mine = [
            (p, r)
            for p, r in zip(probabilities.tolist(), right.tolist(), strict=True)
            if (low < p <= high) or (number == 0 and p == 0)
        ]
        if mine:
            gap = abs(sum(r for _, r in mine) / len(mine) - sum(p for p, _ in mine) / len(mine))
            total += len(mine) / len(right) * gap
    return total


@given(COUNTS, st.integers(0, 10_000), st.integers(1, 20))
def test_calibration_error_is_the_definitions(count: int, seed: int, bins: int) -> None:
    probabilities, right = drawn(count, seed)
    # Two decimals and bins of 1/n: keep off the borders, where floating point decides.
    probabilities = probabilities + 0.001 * (probabilities < 0.99)
    assert calibration_error(probabilities, right, bins) == pytest.approx(slow_error(probabilities, right, bins))


def test_calibration_error_of_known_cases() -> None:
    assert calibration_error(np.array([0.0, 1.0]), np.array([False, True])) == 0
    assert calibration_error(np.array([0.0, 1.0]), np.array([True, False])) == 1
    assert calibration_error(np.full(4, 0.5), np.array([True, False, True, False])) == 0
    assert np.isnan(calibration_error(np.array([]), np.array([], bool)))


def slow_area(scores: np.ndarray, right: np.ndarray) -> float:
    """Mean over all orders of equal scores, risk by risk."""
    areas = []
    for order in permutations(range(len(scores))):
        if all(scores[a] >= scores[b] for a, b in pairwise(order)):
            risks = [sum(not right[at] for at in order[: n + 1]) / (n + 1) for n in range(len(order))]
            areas.append(sum(risks) / len(risks))
    return sum(areas) / len(areas)


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=6))
def test_area_is_the_mean_over_all_orders_of_ties(pairs: list[tuple[int, bool]]) -> None:
    scores = np.array([score for score, _ in pairs], np.float64)
    right = np.array([one for _, one in pairs])
    assert area_under_risk(scores, right) == pytest.approx(slow_area(scores, right))


@given(COUNTS, st.integers(0, 10_000))
def test_no_score_beats_knowing(count: int, seed: int) -> None:
    probabilities, right = drawn(count, seed)
    area = area_under_risk(probabilities, right)
    assert least_area(right) - 1e-12 <= area <= 1
    coverage, risk = risk_coverage(probabilities, right)
    assert coverage[-1] == 1
    assert risk[-1] == pytest.approx(1 - right.mean())
    assert area_under_risk(np.zeros(count), right) == pytest.approx(1 - right.mean())


@given(COUNTS, st.integers(0, 10_000))
def test_reliability_counts_everyone_once(count: int, seed: int) -> None:
    probabilities, right = drawn(count, seed)
    rows = reliability(probabilities, right)
    assert sum(number for _, _, number in rows) == count
    weighted = sum(abs(said - true) * number for said, true, number in rows) / count
    assert weighted == pytest.approx(calibration_error(probabilities, right))


LOGITS = arrays.arrays(np.float64, st.integers(1, 40), elements=st.floats(-30, 30))


@given(LOGITS, st.integers(0, 10_000))
def test_the_map_rises_and_stays_a_probability(logits: np.ndarray, seed: int) -> None:
    right = np.random.default_rng(seed).random(len(logits)) < 0.5
    rows = np.random.default_rng(seed).normal(size=(len(logits), len(FEATURES)))
    made = fit_map(logits, right, rows)
    at = np.linspace(-40, 40, 200)
    probabilities = made.probabilities(at, np.tile(rows[0], (200, 1)))
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    assert (np.diff(probabilities) >= 0).all()
    assert made.stretch > 0
    values = dict(zip(FEATURES, rows[0].tolist(), strict=True))
    assert made.probability(float(at[7]), values) == pytest.approx(float(probabilities[7]))


def test_few_questions_hardly_move_it_and_many_do() -> None:
    generator = np.random.default_rng(3)
    logits = generator.normal(0, 3, 20_000)
    right = generator.random(20_000) < sigmoid(0.4 * logits + 1.5)
    many, few, none = (fit_map(logits[:count], right[:count]) for count in (20_000, 12, 0))
    assert np.allclose((many.stretch, many.shift), (0.4, 1.5), atol=0.06)
    assert abs(few.stretch - 1) < abs(many.stretch - 1)
    assert np.allclose((none.stretch, none.shift), (1, 0))


def test_many_questions_find_a_feature_that_the_shipped_model_missed() -> None:
    generator = np.random.default_rng(9)
    logits, rows = generator.normal(0, 2, 6000), generator.normal(size=(6000, len(FEATURES)))
    rows[:, 0] = 3.0  # the same for all
    right = generator.random(6000) < sigmoid(logits + 2 * rows[:, 4])
    seen, unseen = np.arange(6000) < 3000, np.arange(6000) >= 3000
    made = fit_map(logits[seen], right[seen], rows[seen])
    assert 1.5 < made.slopes[FEATURES[4]] <= 2  # its prior holds it back
    assert made.slopes[FEATURES[0]] == 0
    assert area_under_risk(made.probabilities(logits[unseen], rows[unseen]), right[unseen]) < 0.8 * area_under_risk(
        logits[unseen], right[unseen]
    )
    few = fit_map(logits[:15], right[:15], rows[:15])
    assert max(map(abs, few.slopes.values())) < 0.35
    with pytest.raises(ValueError, match="features"):
        made.probabilities(logits)


def test_calibrating_on_one_half_is_right_on_the_other() -> None:
    generator = np.random.default_rng(4)
    logits = generator.normal(0, 3, 4000)
    right = generator.random(4000) < sigmoid(0.5 * logits - 1)
    before, after = sigmoid(logits[2000:]), fit_map(logits[:2000], right[:2000]).probabilities(logits[2000:])
    assert calibration_error(after, right[2000:]) < 0.04 < calibration_error(before, right[2000:])


def test_score_against_truth_leaves_the_level() -> None:
    logits = np.linspace(-5, 5, 400)
    made = fit_map(logits, logits < 0)
    assert 0 < made.stretch <= 0.05
    assert made.probabilities(logits).mean() == pytest.approx(0.5, abs=0.05)


def test_cross_validation_never_sees_the_question() -> None:
    """Each fold's probabilities are those of a map fitted on the others."""
    generator = np.random.default_rng(5)
    logits, right = generator.normal(0, 2, 60), generator.random(60) < 0.5
    groups = np.repeat(np.arange(30), 2)
    usual = cross_validated(logits, right, groups)
    for group in (0, 7, 29):
        changed = right.copy()
        changed[groups == group] ^= True
        assert np.allclose(cross_validated(logits, changed, groups)[groups == group], usual[groups == group])


def test_newton_agrees_with_scikit_learn() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model", reason="scikit-learn is not installed")
    generator = np.random.default_rng(6)
    columns = generator.normal(size=(500, 3))
    right = generator.random(500) < sigmoid(columns @ np.array([1.0, -2.0, 0.5]) + 0.3)
    with_bias = np.concatenate((np.ones((500, 1)), columns), axis=1)
    ours = newton(with_bias, right.astype(np.float64), np.ones(500), np.array([0.0, 1.0, 1.0, 1.0]))
    theirs = linear_model.LogisticRegression(C=1.0, tol=1e-10, max_iter=1000).fit(columns, right)
    assert np.allclose(ours, [theirs.intercept_[0], *theirs.coef_[0]], atol=1e-4)


def test_maps_are_kept_as_text() -> None:
    made = CalibrationMap(0.7, -0.2, 40, 20, 0.2, 0.05, 0.4, "2026-11-23T10:00:00+00:00", {"fused": 0.5})
    assert CalibrationMap.from_json(json.dumps(made.to_json())) == made
    for text in (
        "{",
        "[]",
        '{"stretch": -1}',
        '{"threshold": 2}',
        '{"other": 1}',
        '{"questions": 1, "unanswerable": 2}',
    ):
        with pytest.raises(KnowledgeBaseError, match="octavo calibrate"):
            CalibrationMap.from_json(text)


def test_the_error_that_is_left_by_chance_falls_with_the_questions() -> None:
    """About the mean distance of a coin's share from a half: 0.8 standard deviations of a binomial in one bin."""
    few, many = (error_by_chance(np.full(count, 0.5)) for count in (25, 2_500))
    assert few == pytest.approx(0.8 * 0.5 / 5, rel=0.15)
    assert many == pytest.approx(few / 10, rel=0.2)
    assert np.isnan(error_by_chance(np.empty(0)))
