"""Intervals and tests against slow ways of getting them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from octavo.indexes.evaluate.intervals import EXACT_UP_TO, bootstrap, sign_flip_test


def test_bootstrap_agrees_with_resampling_in_a_loop() -> None:
    generator = np.random.default_rng(1)
    values = generator.beta(2, 3, size=(80, 2))
    mean, low, high = bootstrap(values, rounds=4_000)
    for column in range(2):
        means = [generator.choice(values[:, column], 80).mean() for _ in range(4_000)]
        assert mean[column] == pytest.approx(values[:, column].mean())
        assert low[column] == pytest.approx(np.percentile(means, 2.5), abs=0.006)
        assert high[column] == pytest.approx(np.percentile(means, 97.5), abs=0.006)


def test_bootstrap_leaves_out_what_is_not_there_and_repeats_itself() -> None:
    values = np.array([[0.2, np.nan, np.nan], [0.4, 0.5, np.nan], [0.9, 0.7, np.nan]])
    mean, low, high = bootstrap(values)
    assert mean[:2] == pytest.approx([0.5, 0.6])
    assert 0.5 <= low[1] <= 0.6 <= high[1] <= 0.7
    assert np.isnan([mean[2], low[2], high[2]]).all()
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip((mean, low, high), bootstrap(values), strict=True))


def test_bootstrap_of_no_questions_is_unknown() -> None:
    assert np.isnan(bootstrap(np.empty((0, 2)))).all()


@settings(max_examples=30)
@given(st.lists(st.integers(-5, 5), min_size=1, max_size=8))
def test_few_pairs_are_counted_exactly(differences: list[int]) -> None:
    observed = abs(sum(differences))
    sums = [
        abs(sum(sign * one for sign, one in zip(signs, differences, strict=True)))
        for signs in itertools.product((1, -1), repeat=len(differences))
    ]
    wanted = sum(one >= observed for one in sums) / len(sums)
    assert sign_flip_test(np.array(differences, float)[:, None])[0] == pytest.approx(wanted)


def test_many_pairs_come_near_the_exact_value() -> None:
    # 20 of 30 equal differences are won: the sign test's binomial tail is the exact value.
    differences = np.array([1.0] * 20 + [-1.0] * 10)[:, None]
    assert len(differences) > EXACT_UP_TO
    assert sign_flip_test(differences)[0] == pytest.approx(0.0987, abs=0.01)


def test_nothing_that_differs_is_no_evidence_and_p_is_never_zero() -> None:
    p = sign_flip_test(np.stack([np.zeros(50), np.full(50, 0.3), np.full(50, np.nan)], axis=1))
    assert p.tolist() == [1, pytest.approx(1 / 10_001), 1]
