"""Confidence in an evaluation: the signals of every run, and what the summary makes of them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.confidence.quality import area_under_risk, calibration_error
from octavo.indexes.evaluate.granularity import evaluate
from octavo.indexes.evaluate.risk import risk_summary
from octavo.indexes.evaluate.run import EvaluationRun
from octavo.indexes.evaluate.summary import summarise

from .shelf import BUDGETS, QUESTIONS, encoders, kb

__all__ = ["kb"]


@pytest.fixture
def run(kb: KnowledgeBase) -> EvaluationRun:
    return evaluate(kb, encoders(), QUESTIONS, BUDGETS).run


def test_every_run_has_the_signals(run: EvaluationRun) -> None:
    signals = run.signals
    assert ((signals["confidence"] >= 0) & (signals["confidence"] <= 1)).all()
    assert signals["answer in hits"].tolist() == [1, 1, 1, 1, 1, 0]
    assert np.array_equal(signals["abstained"] > 0, signals["confidence"] < 0.5)
    assert np.array_equal(np.isnan(signals["handoff complete"]), signals["abstained"] == 0)
    for name in ("score cosine", "score words", "score fused", "score margin"):
        assert np.isfinite(signals[name]).all()
    assert np.nanmin(signals["handoff complete"], initial=1.0) == 1


def test_the_summary_is_by_definition(run: EvaluationRun) -> None:
    found = risk_summary(run)
    right = run.signals["answer in hits"] > 0
    confidence = run.signals["confidence"]
    assert found["judged"] == 6
    assert found["calibration_error"] == pytest.approx(calibration_error(confidence, right), abs=1e-6)
    assert found["risk_area"] == pytest.approx(area_under_risk(confidence, right), abs=1e-6)
    best = min(found["risk_area_of"].values())
    assert found["risk_area_of"][found["best_single_score"]] == best
    assert found["abstained"] == found["abstained_rightly"] + int(((run.signals["abstained"] > 0) & right).sum())
    assert found["risk_coverage"][-1] == {"coverage": 1.0, "risk": pytest.approx(1 / 6, abs=1e-4)}
    assert sum(row["questions"] for row in found["reliability"]) == 6
    json.dumps(found, allow_nan=False)


def test_it_is_in_the_summary_of_a_run(run: EvaluationRun) -> None:
    handoff = summarise(run).signals["confusing_handoff"]
    assert handoff["judged"] == 6
    assert handoff["unanswerable"] == 1
    json.dumps(handoff, allow_nan=False)


def test_runs_of_before_have_none(run: EvaluationRun) -> None:
    old = replace(run, signals={name: values for name, values in run.signals.items() if name != "confidence"})
    assert risk_summary(old) == {}
    unknown = dict(run.signals) | {"answer in hits": np.full(6, np.nan)}
    assert risk_summary(replace(run, signals=unknown)) == {"judged": 0}
