"""Confidence: does it know right answers from wrong ones, and does it mean what it says?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ...confidence.quality import area_under_risk, calibration_error, least_area, reliability, risk_coverage
from ..confidence_signals import CONFIDENCE, IN_HITS
from ..run import EvaluationRun
from .axis import Axis, around
from .drawing import Drawing, spread, text_width
from .figure import Figure, percent

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

CALIBRATED = 0.05
"""A calibration error up to this is called good."""

STEPS = 10
"""Of the reliability diagram: fewer than of the error, so that a dot stands for more questions."""
FEW = 10

ROUNDS = 500
_SEED = 20_020
_WIDTH, _HEIGHT = 860.0, 400.0
_LEFT, _TOP, _BOTTOM = 62.0, 40.0, 54.0

_NONE = "This run does not hold how confident its answers were: an earlier version of octavo made it."


def risk_figure(run: EvaluationRun, handoff: Mapping[str, Any]) -> Figure:
    """Risk against coverage, by confidence, by the best single score, and by one that knew."""
    found = _judged(run)
    if found is None:
        return Figure("risk", "Whether confidence knows right from wrong was not measured", _NONE)
    confidence, right, known = found
    wrong = float(1 - right.mean())
    if right.all() or not right.any():
        every = "Every" if right.all() else "No"
        return Figure("risk", f"{every} answer was right, so there is nothing to tell apart", _judged_by(len(right)))
    curves = {"confidence": risk_coverage(confidence, right)}
    best = handoff["best_single_score"]
    half = percent(_at(curves["confidence"], 0.5))
    finding, span = f"Of the surest half of the answers {half} are wrong, of all {percent(wrong)}", ""
    if best:
        scores = run.signals[f"score {best}"][known]
        curves[f"best single score: {best}"] = risk_coverage(scores, right)
        gain, low, high = _gain(confidence, scores, right)
        span = f"{100 * low:+.0f} to {100 * high:+.0f} %".replace("-", "−")
        if low > 0:
            finding += f"; confidence tells them apart better than any single score (by {100 * gain:.0f} %)"
        elif high < 0:
            finding += f"; the score “{best}” alone tells them apart better"
        else:
            finding += f"; confidence is not shown to beat the score “{best}” alone"
    curves["knew every wrong one"] = risk_coverage(right.astype(np.float64), right)
    reading = (
        "From left to right more questions are answered, the surest first, and the rest is handed to a person. The "
        f"lower a line, the fewer of the given answers are wrong. {_judged_by(len(right))} Area under the line of "
        f"confidence {area_under_risk(confidence, right):.3f}, least possible {least_area(right):.3f}"
    )
    reading += f", best single score {handoff['risk_area_of'][best]:.3f}; gain {span} (95 % interval)." if best else "."
    table = [("answered", *curves)]
    table += [
        (percent(share, 0), *(percent(_at(curve, share)) for curve in curves.values()))
        for share in (0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
    ]
    return Figure("risk", finding, reading, _risk_drawn(finding, curves), tuple(table))


def _risk_drawn(title: str, curves: Mapping[str, tuple[Floats, Floats]]) -> Drawing:
    drawing = Drawing(_WIDTH, _HEIGHT, title)
    looks = dict(zip(curves, (("fused", "line thick"), ("series1", "line"), ("oracle", "line dashed")), strict=False))
    looks["knew every wrong one"] = ("oracle", "line dashed")
    labels = {name: name.split(": ")[-1] if ": " not in name else f"score {name.split(': ')[1]}" for name in curves}
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - 26 - max(text_width(label) for label in labels.values())
    # Where few are answered a single one is a large share: the axis ends at what a tenth and more of them show.
    highest = max(float(risk[share >= 0.1].max()) for share, risk in curves.values())
    y, x = (
        Axis(0, around([0, 100 * highest * 1.05], 0, 1, floor=0, top=100).high, bottom, _TOP),
        Axis(0, 100, _LEFT, right),
    )
    for tick in y.ticks(5):
        drawing.line([(_LEFT, y(tick)), (right, y(tick))])
        drawing.text((_LEFT - 8, y(tick) + 5), f"{tick:g} %", "soft", anchor="end")
    for tick in x.ticks(5):
        drawing.text((x(tick), bottom + 22), f"{tick:g} %", "soft", anchor="middle")
    drawing.line([(_LEFT, bottom), (right, bottom)], "axis")
    drawing.text(((_LEFT + right) / 2, bottom + 45), "questions answered, the surest first", "soft", anchor="middle")
    drawing.text((4, 18), "wrong, of the questions answered", "soft")
    ends = []
    for name, (share, risk) in reversed(list(curves.items())):
        # Two hundred points of a curve look like thousands.
        at = np.unique(np.linspace(0, len(share) - 1, 200).astype(np.int64))
        line = [(x(100 * share[i]), y(min(100 * risk[i], y.high))) for i in at.tolist()]
        drawing.line(line, looks[name][1], looks[name][0])
        # All lines end in the same point, so their names stand where they are apart.
        ends.append((name, float(np.interp(0.8, share, risk))))
    places = spread([y(100 * end) for _, end in ends], 20, _TOP + 20, bottom)
    for (name, end), place in zip(ends, places, strict=True):
        colour = looks[name][0]
        drawing.line([(x(80), y(100 * end)), (right + 4, place)], "line", "rule")
        drawing.dot((x(80), y(100 * end)), 3.5, colour)
        drawing.text((right + 8, place + 5), labels[name], "strong" if name == CONFIDENCE else "", colour=colour)
    return drawing


def calibration_figure(run: EvaluationRun, handoff: Mapping[str, Any]) -> Figure:
    """The reliability diagram, with how many questions each dot stands for."""
    found = _judged(run)
    if found is None:
        return Figure("calibration", "Whether confidence means what it says was not measured", _NONE)
    confidence, right, _ = found
    error = handoff["calibration_error"]
    by_chance = _by_chance(confidence)
    said = f"on average it says {percent(float(confidence.mean()), 0)}, and {percent(float(right.mean()), 0)} are right"
    off = f"off by {100 * error:.1f} points"
    if error <= CALIBRATED:
        finding = f"Confidence means what it says, {off}: {said}"
    elif error <= by_chance:
        finding = f"Confidence is {off}, no more than chance in so few questions: {said}"
    else:
        much = confidence.mean() - right.mean()
        way = "is off" if abs(much) < error / 2 else "promises too much" if much > 0 else "promises too little"
        finding = f"Confidence {way}, {off}: {said}"
    reading = (
        "Each dot: the questions whose confidence fell into one step of ten points, counted below. On the diagonal "
        "confidence means what it says; above, it is too modest; below, too sure. Lines are 95 % intervals (Wilson); "
        f"hollow: fewer than {FEW} questions. "
        f"{_judged_by(len(right))} A perfect confidence would seem off by up to {100 * by_chance:.1f} points by chance."
    )
    table = [("confidence, mean", "right", "95 % interval", "questions")]
    steps = reliability(confidence, right, STEPS)
    for mean, share, count in steps:
        low, high = _wilson(share, count)
        table.append((percent(mean), percent(share), f"{percent(low, 0)} to {percent(high, 0)}", f"{count:,}"))
    drawing = _calibration_drawn(finding, steps)
    return Figure("calibration", finding, reading, drawing, tuple(table))


def _calibration_drawn(title: str, steps: Sequence[tuple[float, float, int]]) -> Drawing:
    drawing = Drawing(_WIDTH, 520, title)
    bottom, base, tallest = 370.0, 460.0, 52.0
    x, y = Axis(0, 100, _LEFT, _WIDTH - 150), Axis(0, 100, bottom, _TOP)
    for tick in (0, 20, 40, 60, 80, 100):
        drawing.line([(x(0), y(tick)), (x(100), y(tick))], "axis" if not tick else "rule")
        drawing.text((x(0) - 8, y(tick) + 5), f"{tick} %", "soft", anchor="end")
        drawing.text((x(tick), base + 21), f"{tick} %", "soft", anchor="middle")
    drawing.text((4, 18), "really right", "soft")
    drawing.line([(x(0), y(0)), (x(100), y(100))], "axis dashed")
    drawing.text((x(100) + 10, y(100) + 5), "means what it says", "soft")
    drawing.text((x(100) + 10, y(50) + 5), "below: too sure", "soft")
    drawing.line([(x(0), base), (x(100), base)], "axis")
    drawing.text(((x(0) + x(100)) / 2, base + 45), "confidence of the answer", "soft", anchor="middle")
    drawing.text((x(100) + 10, base - 4), "questions", "soft")
    most = max(count for _, _, count in steps)
    for mean, share, count in steps:
        at = (x(100 * mean), y(100 * share))
        low, high = _wilson(share, count)
        drawing.line([(at[0], y(100 * low)), (at[0], y(100 * high))], "line", "fused")
        tip = f"{count:,} questions: confidence {percent(mean)}, right {percent(share)}"
        drawing.dot(at, 6.5, "fused", hollow=count < FEW, tip=tip)
        height = tallest * count / most
        drawing.box((at[0] - 16, base - height), (32, height), "fused", 0.45, tip=tip)
        drawing.text((at[0], base - height - 5), f"{count:,}", "small", anchor="middle")
    return drawing


def _judged(run: EvaluationRun) -> tuple[Floats, Bools, Bools] | None:
    """Confidence and truth of the questions for which both are known, and which those are."""
    if CONFIDENCE not in run.signals or IN_HITS not in run.signals:
        return None
    known = ~np.isnan(run.signals[IN_HITS]) & ~np.isnan(run.signals[CONFIDENCE])
    if not known.any():
        return None
    return run.signals[CONFIDENCE][known], run.signals[IN_HITS][known] > 0, known


def _judged_by(count: int) -> str:
    return f"An answer is right if a gold place is in the hits ({count:,} questions)."


def _at(curve: tuple[Floats, Floats], share: float) -> float:
    coverage, risk = curve
    return float(risk[max(int(np.ceil(share * len(coverage) - 1e-9)) - 1, 0)])


def _gain(confidence: Floats, scores: Floats, right: Bools) -> tuple[float, float, float]:
    """How much smaller the area by confidence is, as a share; with a 95 % bootstrap interval over questions."""
    generator = np.random.default_rng(_SEED)

    def gain(at: npt.NDArray[np.int64]) -> float:
        other = area_under_risk(scores[at], right[at])
        return 1 - area_under_risk(confidence[at], right[at]) / other if other > 0 else 0.0

    every = np.arange(len(right))
    drawn = [gain(generator.integers(0, len(right), len(right))) for _ in range(ROUNDS)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return gain(every), float(low), float(high)


def _by_chance(confidence: Floats) -> float:
    """The calibration error that a perfect confidence stays below in 95 of 100 cases."""
    generator = np.random.default_rng(_SEED)
    drawn = [calibration_error(confidence, generator.random(len(confidence)) < confidence) for _ in range(ROUNDS)]
    return float(np.percentile(drawn, 95))


def _wilson(share: float, count: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927)."""
    z = 1.96
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * (share * (1 - share) / count + z * z / (4 * count * count)) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)
