"""Confusing handoff in a few numbers: does confidence mean what it says, and does it know right from wrong?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..confidence.quality import BINS, area_under_risk, calibration_error, least_area, reliability, risk_coverage
from .confidence_signals import ABSTAINED, COMPLETE, CONFIDENCE, IN_HITS, SINGLE_SCORES

if TYPE_CHECKING:
    from .run import EvaluationRun

Floats = npt.NDArray[np.float64]

COVERAGES = 20
"""Points of the curve that are given."""


def risk_summary(run: EvaluationRun) -> dict[str, Any]:
    """Calibration, risk and abstention of a run; empty for runs of versions that did not measure them.

    ``gain`` is by how much the area under the risk-coverage curve is smaller than that of the best single score, as
    a share of the latter.
    """
    if CONFIDENCE not in run.signals or IN_HITS not in run.signals:
        return {}
    known = ~np.isnan(run.signals[IN_HITS])
    right = run.signals[IN_HITS][known] > 0
    if not len(right):
        return {"judged": 0}
    confidence = run.signals[CONFIDENCE][known]
    abstained = run.signals[ABSTAINED][known] > 0
    area = area_under_risk(confidence, right)
    single = {
        name.removeprefix("score "): area_under_risk(run.signals[name][known], right)
        for name in SINGLE_SCORES
        if name in run.signals
    }
    best = min(single, key=lambda name: single[name]) if single else ""
    packets = run.signals.get(COMPLETE, np.array([]))
    packets = packets[~np.isnan(packets)]
    return {
        "judged": len(right),
        "right": round(float(right.mean()), 6),
        "calibration_error": round(calibration_error(confidence, right), 6),
        "bins": BINS,
        "reliability": [
            {"confidence": round(said, 4), "right": round(true, 4), "questions": count}
            for said, true, count in reliability(confidence, right)
        ],
        "risk_area": round(area, 6),
        "least_risk_area": round(least_area(right), 6),
        "risk_area_of": {name: round(value, 6) for name, value in single.items()},
        "best_single_score": best,
        "gain": round(1 - area / single[best], 6) if best and single[best] > 0 else None,
        "risk_coverage": _curve(confidence, right),
        "abstained": int(abstained.sum()),
        "abstained_rightly": int((abstained & ~right).sum()),
        "answered_wrongly": int((~abstained & ~right).sum()),
        "handoff_complete": round(float(packets.mean()), 6) if len(packets) else None,
    }


def _curve(scores: Floats, right: npt.NDArray[np.bool_]) -> list[dict[str, float]]:
    coverage, risk = risk_coverage(scores, right)
    at = np.unique(np.ceil(np.linspace(1 / COVERAGES, 1, COVERAGES) * len(right)).astype(np.int64) - 1)
    return [{"coverage": round(float(coverage[one]), 4), "risk": round(float(risk[one]), 4)} for one in at.tolist()]
