"""Measures, functionals and baselines of voices made for it."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from octavo.pipeline.voice.contour import RATE, contour
from octavo.pipeline.voice.functionals import FUNCTIONALS, column, functionals
from octavo.pipeline.voice.measures import BASELINE_SECONDS, MEASURES, Baseline, measures
from octavo.pipeline.voice.rhythm import estimated_nuclei, pauses, runs, speech_frames
from octavo.tests.pipeline.voice import SAMPLE_RATE, Floats, babble, silence, steady, sung

NAMES = [measure.name for measure in MEASURES]


def measured(samples: Floats, baseline: Baseline | None = None) -> dict[str, float]:
    return dict(zip(NAMES, measures(contour(samples), None, baseline).tolist(), strict=True))


def test_every_functional_and_measure_has_a_name_of_its_own() -> None:
    assert len(set(FUNCTIONALS)) == len(FUNCTIONALS) == len(functionals(contour(babble(1.5, 4))))
    assert len(set(NAMES)) == len(NAMES)
    assert column("f0_p50") == 2


def test_f0_its_range_and_level_are_those_of_the_voice() -> None:
    time = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    found = measured(sung(200 * 2 ** (3 * np.sin(2 * np.pi * 2 * time) / 12), -18.0))
    assert found["f0"] == pytest.approx(200, rel=0.02)
    # A sine spends 90 % of its time within sin(0.45 pi) = 0.988 of its peak.
    assert found["f0_range"] == pytest.approx(2 * 3 * 0.988, abs=0.5)
    assert found["energy"] == pytest.approx(-18, abs=1)
    assert found["voiced"] > 0.95
    assert found["pauses"] == 0


@pytest.mark.parametrize("rate", [2.5, 4.0, 6.0])
def test_syllables_are_counted(rate: float) -> None:
    found = measured(babble(4.0, rate))
    assert found["rate"] == pytest.approx(rate, rel=0.12)


def test_marked_and_likely_nuclei_count_instead_of_estimated_ones() -> None:
    row = contour(babble(2.0, 4.0))
    marked = np.zeros(len(row), np.bool_)
    marked[[10, 40, 70]] = True
    likely = np.zeros(len(row), np.float32)
    likely[[10, 40, 41, 70]] = [0.9, 0.8, 0.7, 0.6]  # two neighbours are one vowel
    likely[80] = 0.2  # too unlikely
    at = NAMES.index("rate")
    assert measures(row, marked)[at] == pytest.approx(3 / 2, rel=0.05)
    np.testing.assert_allclose(measures(row, likely)[at], measures(row, marked)[at])
    with pytest.raises(ValueError, match="nuclei"):
        measures(row, marked[:-1])


def test_pauses_are_measured_and_left_out_of_the_rate() -> None:
    spoken = babble(2.0, 4.0)
    found = measured(np.concatenate([silence(0.5), spoken, silence(0.6), spoken, silence(0.5)]))
    assert found["longest_pause"] == pytest.approx(0.6, abs=0.1)
    assert found["pauses"] == pytest.approx(0.6 / 4.6, abs=0.03)
    assert found["rate"] == pytest.approx(4, rel=0.12)


def test_the_end_of_a_question_rises_and_of_a_statement_falls() -> None:
    time = np.arange(round(1.2 * SAMPLE_RATE)) / SAMPLE_RATE
    bend = np.clip((time - 0.9) / 0.3, 0, 1)
    assert measured(sung(150 * 2 ** (6 * bend / 12)))["rise"] > 3
    assert measured(sung(150 * 2 ** (-6 * bend / 12)))["rise"] < -3


def test_measures_against_the_baseline() -> None:
    baseline = Baseline()
    baseline.add(functionals(contour(babble(3.0, 4.0, 120.0, -30.0))), 3.0)
    found = measured(babble(3.0, 6.0, 120.0 * 2 ** (5 / 12), -20.0), baseline)
    assert found["pitch"] == pytest.approx(5, abs=0.3)
    assert found["loudness"] == pytest.approx(10, abs=0.7)
    assert found["tempo"] == pytest.approx(1.5, rel=0.15)
    alone = measured(babble(3.0, 6.0))
    assert np.isnan([alone["pitch"], alone["loudness"], alone["tempo"]]).all()


def test_silence_has_nothing_to_measure() -> None:
    for samples in (np.zeros(SAMPLE_RATE, np.float32), silence(1.0), np.zeros(0, np.float32)):
        row = contour(samples)
        assert np.isnan(measures(row)).all()
        assert np.isnan(functionals(row)).all()
        assert len(estimated_nuclei(row)) == 0


def test_unvoiced_speech_has_no_pitch_but_a_level() -> None:
    noise = (0.05 * np.random.default_rng(0).normal(size=SAMPLE_RATE)).astype(np.float32)
    found = measured(noise)
    assert np.isnan(found["f0"])
    assert found["energy"] == pytest.approx(-26, abs=1)
    assert found["voiced"] == pytest.approx(0, abs=0.1)


@given(st.lists(st.booleans(), max_size=60))
def test_runs_are_the_true_stretches(values: list[bool]) -> None:
    mask = np.array(values, np.bool_)
    rebuilt = np.zeros(len(mask), np.bool_)
    for start, stop in runs(mask).tolist():
        assert start < stop
        rebuilt[start:stop] = True
    np.testing.assert_array_equal(rebuilt, mask)
    assert all(first[1] < second[0] for first, second in pairwise(runs(mask).tolist()))


def test_pauses_lie_inside_speech_and_are_long() -> None:
    speech = np.zeros(100, np.bool_)
    speech[10:30] = speech[36:50] = speech[70:80] = True
    assert pauses(speech).tolist() == [[50, 70]]
    assert pauses(np.zeros(5, np.bool_)).shape == (0, 2)


def test_speech_is_told_from_the_room() -> None:
    row = contour(np.concatenate([silence(0.4), steady(0.4), silence(0.4)]))
    found = np.flatnonzero(speech_frames(row))
    assert abs(found[0] - 0.4 * RATE) <= 2
    assert abs(found[-1] - 0.8 * RATE) <= 2


ROWS = st.lists(
    st.tuples(st.floats(-50, 50, width=32), st.floats(0.5, 12)), min_size=1, max_size=12
)  # one number stands for all functionals


@settings(max_examples=40)
@given(ROWS, st.integers(0, 12))
def test_a_streamed_baseline_equals_one_made_at_once(rows: list[tuple[float, float]], stop: int) -> None:
    baseline = Baseline()
    taken: list[tuple[float, float]] = []
    for number, (value, seconds) in enumerate(rows):
        if number == stop:  # the recording is read in two goes
            baseline = Baseline.from_json(json.loads(json.dumps(baseline.to_json())))
        if not baseline.settled:
            taken.append((value, seconds))
        baseline.add(np.full(len(FUNCTIONALS), value, np.float32), seconds)
    values, weights = np.array(taken).T
    assert baseline.seconds == pytest.approx(weights.sum())
    np.testing.assert_allclose(baseline.means(), np.average(values, weights=weights), atol=1e-6)
    expected = np.average((values - np.average(values, weights=weights)) ** 2, weights=weights)
    np.testing.assert_allclose(baseline.variances(), expected, atol=1e-3)


def test_a_settled_baseline_stays_and_nan_counts_for_nothing() -> None:
    row = np.full(len(FUNCTIONALS), 2.0, np.float32)
    row[0] = np.nan
    baseline = Baseline()
    baseline.add(np.full(len(FUNCTIONALS), np.nan, np.float32), 10.0)
    assert baseline.seconds == 0
    baseline.add(row, BASELINE_SECONDS)
    assert baseline.settled
    baseline.add(row + 5, 10.0)
    assert np.isnan(baseline.means()[0])
    assert baseline.weights()[0] == 0
    np.testing.assert_allclose(baseline.means()[1:], 2)


def test_a_baseline_refuses_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="functionals"):
        Baseline().add(np.zeros(3, np.float32), 1.0)
    with pytest.raises(ValueError, match="weigh"):
        Baseline().add(np.zeros(len(FUNCTIONALS), np.float32), 0.0)
    with pytest.raises(ValueError, match="encode again"):
        Baseline.from_json({"seconds": 1.0, "weights": [1.0], "sums": [1.0], "squares": [1.0]})
