"""How much of the answer each scale finds in how many characters: does fusing pay, and from where on?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ....pipeline.scale import PHONEME
from ..intervals import sign_flip_test
from ..rows import FUSED, Kind
from ..run import EvaluationRun
from ..summary import Estimate, Summary
from .axis import Axis, around
from .drawing import SERIES, Drawing, spread, text_width
from .figure import Figure, listed, percent

SURE = 0.05
"""Below this p a difference is called one."""
NOTHING_FITS = 0.05
"""Share of the budget: a row that uses less has no spans short enough."""

ORACLE = "oracle: best scale per question"

_WIDTH, _HEIGHT = 860.0, 470.0
_LEFT, _TOP, _BOTTOM = 58.0, 40.0, 56.0


@dataclass(frozen=True, slots=True)
class Curve:
    """A row from budget to budget; budgets at which none of its spans fit are left out."""

    name: str
    budgets: tuple[int, ...]
    estimates: tuple[Estimate, ...]
    colour: str
    kind: str = "line"


def recall_figure(run: EvaluationRun, summary: Summary) -> Figure:
    """Recall against budget, of each scale alone, fused, and of the best scale for each question."""
    finding = fused_finding(run, summary)
    made = curves(run, summary)
    reading = (
        "Each line: the share of the gold characters that an answer of so many characters holds, on average over the "
        "questions. Bands are 95 % intervals. The oracle is told in hindsight which single scale serves each question "
        "best."
    )
    drawing, cut = _drawn(finding, run.budgets, made)
    if cut:
        reading += f" The axis begins at {cut:.0f} %, not at zero."
    drawn = {curve.name for curve in made}
    if missing := [run.rows[at].name for at in run.positions(Kind.SINGLE) if run.rows[at].name not in drawn]:
        reading += (
            f" Not drawn: {listed(missing)}, whose spans do not fit into these budgets or hold nothing of the answers."
        )
    table = [("evidence", *(f"{budget:,} characters" for budget in run.budgets))]
    for curve in reversed(made):
        by_budget = dict(zip(curve.budgets, curve.estimates, strict=True))
        cells = (_cell(by_budget[budget]) if budget in by_budget else "none fit" for budget in run.budgets)
        table.append((curve.name, *cells))
    return Figure("recall", finding, reading, drawing, tuple(table))


def curves(run: EvaluationRun, summary: Summary) -> list[Curve]:
    """What is drawn, the most important last, on top."""
    made = []
    for colour, at in zip(SERIES * 3, run.positions(Kind.SINGLE), strict=False):
        name = run.rows[at].name
        fits = [budget for budget in run.budgets if fits_into(name, budget, summary)]
        made.append(Curve(name, tuple(fits), tuple(summary.estimates[f"recall@{b}"][name] for b in fits), colour))
    oracle = tuple(summary.oracle[f"recall@{b}"] for b in run.budgets)
    made.append(Curve(ORACLE, run.budgets, oracle, "oracle", "line dashed"))
    fused = tuple(summary.estimates[f"recall@{b}"][FUSED] for b in run.budgets)
    made.append(Curve(FUSED, run.budgets, fused, "fused", "line thick"))
    # A scale that finds nothing would be a line on the axis.
    return [curve for curve in made if any(one.high > 0 for one in curve.estimates)]


def fits_into(row: str, budget: int, summary: Summary) -> bool:
    """Whether spans of a row are short enough for a budget; of sound there may just be little to hear."""
    return row == PHONEME.name or summary.estimates[f"characters@{budget}"][row].mean >= NOTHING_FITS * budget


def fused_finding(run: EvaluationRun, summary: Summary) -> str:
    """Whether fused beats the single scales, and from which budget on, by paired tests."""
    singles = run.positions(Kind.SINGLE)
    at = int(run.main.partition("@")[2])
    best = max((_mean(summary, run.main, run.rows[one].name), run.rows[one].name) for one in singles)
    ours = _mean(summary, run.main, FUSED)
    both = f"{percent(ours)} against {percent(best[0])} of the best ({best[1]})"
    beaten, beating = _verdicts(run, singles)
    won = [budget for budget, yes in zip(run.budgets, beaten, strict=True) if yes]
    if won == list(run.budgets):
        where = "at this budget" if len(won) == 1 else "at every budget"
        return f"Fused beats every single scale {where}: {both} in {at:,} characters"
    there = f"{'' if at in won else 'not shown '}in {at:,}: {both}"
    if won and won == list(run.budgets[-len(won) :]) and not any(beating):
        return f"Fused beats every single scale from {won[0]:,} characters on; {there}"
    if won and won == list(run.budgets[: len(won)]) and not any(beating):
        there = f": {both}" if at == won[-1] else f"; {there}"
        return f"Fused beats every single scale up to {won[-1]:,} characters{there}"
    if won and not any(beating):
        some = listed([f"{budget:,}" for budget in won])
        return f"Fused beats every single scale at {some} characters; {there}"
    if names := next((names for b, names in zip(run.budgets, beating, strict=True) if b == at and names), None):
        alone = f"{listed(names).capitalize()} alone {'beat' if len(names) > 1 else 'beats'} fused"
        return f"{alone}: {percent(best[0])} ({best[1]}) against {percent(ours)} in {at:,} characters"
    if any(beating):
        budget, names = next((b, names) for b, names in zip(run.budgets, beating, strict=True) if names)
        return f"Fused is beaten by {listed(names)} alone in {budget:,} characters; in {at:,}: {both}"
    return (
        f"No difference shown between fused and the best single scale, {best[1]}:"
        f" {percent(ours)} and {percent(best[0])} in {at:,} characters"
    )


def _verdicts(run: EvaluationRun, singles: Sequence[int]) -> tuple[list[bool], list[list[str]]]:
    """At each budget: whether fused surely beats all single scales, and which of them surely beat fused."""
    fused = run.row(FUSED)
    lead = np.stack([run.scores[m][:, [fused]] - run.scores[m][:, singles] for m in run.leading], axis=1)
    p = sign_flip_test(lead.reshape(len(lead), -1)).reshape(len(run.leading), len(singles))
    mean = np.nan_to_num(np.nanmean(lead, axis=0))
    beaten = [bool(((mean[at] > 0) & (p[at] < SURE)).all()) for at in range(len(run.leading))]
    # Which of several scales is best is seen in the same questions, so each has to be surer (Bonferroni).
    surer = SURE / len(singles)
    beating = [
        [run.rows[one].name for number, one in enumerate(singles) if mean[at, number] < 0 and p[at, number] < surer]
        for at in range(len(run.leading))
    ]
    return beaten, beating


def _drawn(title: str, budgets: Sequence[int], made: Sequence[Curve]) -> tuple[Drawing, float]:
    drawing = Drawing(_WIDTH, _HEIGHT, title)
    labels = [f"{percent(curve.estimates[-1].mean)}  {curve.name}" for curve in made]
    right = _WIDTH - 24 - max(text_width(label, strong=True) for label in labels)
    bottom = _HEIGHT - _BOTTOM
    x = Axis(budgets[0] / 1.06, budgets[-1] * 1.02, _LEFT, right, logarithmic=True)
    ends = (100 * value for curve in made for one in curve.estimates for value in (one.low, one.high))
    y = around(ends, bottom, _TOP, floor=0, top=100)
    for tick in y.ticks(6):
        drawing.line([(_LEFT, y(tick)), (right, y(tick))])
        drawing.text((_LEFT - 8, y(tick) + 5), f"{tick:g} %", "soft", anchor="end")
    for budget in budgets:
        drawing.line([(x(budget), bottom), (x(budget), bottom + 6)], "axis")
        drawing.text((x(budget), bottom + 23), f"{budget:,}", "soft", anchor="middle")
    drawing.line([(_LEFT, bottom), (right, bottom)], "axis")
    drawing.text((4, 18), "share found of what answers the question", "soft")
    doubling = all(b == 2 * a for a, b in pairwise(budgets))
    label = "characters handed over a question" + (" (each step doubles)" if doubling else "")
    drawing.text(((_LEFT + right) / 2, bottom + 46), label, "soft", anchor="middle")
    for curve in made:
        xs = [x(budget) for budget in curve.budgets]
        upper = [(a, y(100 * one.high)) for a, one in zip(xs, curve.estimates, strict=True)]
        lower = [(a, y(100 * one.low)) for a, one in zip(xs, curve.estimates, strict=True)]
        drawing.area([*upper, *reversed(lower)], curve.colour, 0.2 if "thick" in curve.kind else 0.1)
    for curve in made:
        line = [(x(b), y(100 * one.mean)) for b, one in zip(curve.budgets, curve.estimates, strict=True)]
        drawing.line(line, curve.kind, curve.colour)
        for at, budget, one in zip(line, curve.budgets, curve.estimates, strict=True):
            tip = f"{curve.name}, {budget:,} characters: {_cell(one)}"
            drawing.dot(at, 4.5 if "thick" in curve.kind else 3.2, curve.colour, tip=tip)
    wanted = [y(100 * curve.estimates[-1].mean) for curve in made]
    for curve, label, want, place in zip(made, labels, wanted, spread(wanted, 19, _TOP, bottom), strict=True):
        drawing.line(
            [(x(curve.budgets[-1]) + 5, want), (right + 8, place)],
            "line dashed" if "dashed" in curve.kind else "line",
            curve.colour,
        )
        drawing.text((right + 12, place + 5), label, "strong" if curve.name == FUSED else "", colour=curve.colour)
    if y.low > 0:
        _cut_mark(drawing, bottom)
    return drawing, y.low


def _cut_mark(drawing: Drawing, bottom: float) -> None:
    """A break in the axis: it does not begin at zero."""
    drawing.line([(_LEFT, _TOP), (_LEFT, bottom - 14)], "axis")
    drawing.line([(_LEFT, bottom - 14), (_LEFT - 5, bottom - 11), (_LEFT + 5, bottom - 6), (_LEFT, bottom - 3)], "axis")


def _mean(summary: Summary, metric: str, row: str) -> float:
    mean = summary.estimates[metric][row].mean
    return mean if mean == mean else -1.0


def _cell(one: Estimate) -> str:
    return f"{percent(one.mean)} ({percent(one.low)} to {percent(one.high)})"
