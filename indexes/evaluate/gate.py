"""Conditions under which an evaluation fails a build: ``recall@1600<-1 p95>+20% source-mrr<70``.

A condition is a measure, ``<`` or ``>``, and a bound. A bound without a sign is compared with the value itself; one
with a sign with the change since the run given by ``--against``: in the measure's own unit, or with ``%`` in percent of
the earlier value. Shares (recall, precision, nDCG…) are in points of 100, times in milliseconds.

Measures: any score of a run (``recall@1600``, ``source-mrr``), of the fused answer or, with a prefix, of another row
(``paragraph:recall@1600``); ``duplicates@1600``; ``p50`` and ``p95`` of the whole answer or of a stage (``p95-score``);
``broken``, the citations in a hundred that do not resolve.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from ...pipeline.errors import QueryError
from .rows import FUSED
from .run import EvaluationRun
from .summary import STAGES

_CONDITION = re.compile(
    r"(?:(?P<row>[\w+]+):)?(?P<measure>[a-z0-9@-]+?)(?P<sign>[<>])(?P<bound>[+-]?\d+(?:\.\d+)?)(?P<percent>%?)"
)
_TIME = re.compile(r"p(\d{1,2})(?:-([a-z]+))?")


@dataclass(frozen=True, slots=True)
class Condition:
    """The run fails if the measure is below or above the bound.

    Attributes:
        text: As written.
        below: Fails below the bound, else above it.
        relative: Compares the change since an earlier run, not the value.
        percent: The change is in percent of the earlier value.
    """

    text: str
    row: str
    measure: str
    below: bool
    bound: float
    relative: bool
    percent: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """A condition and the value it was tried on."""

    condition: Condition
    value: float
    tripped: bool

    def __str__(self) -> str:
        unit = " %" if self.condition.percent else ""
        change = " change" if self.condition.relative else ""
        state = "FAILS" if self.tripped else "holds"
        return (
            f"{state}  {self.condition.text}  ({self.value:+.2f}{unit}{change})"
            if change
            else (f"{state}  {self.condition.text}  ({self.value:.2f})")
        )


def parse_gate(text: str) -> tuple[Condition, ...]:
    """Conditions, white space or commas between them.

    Raises:
        QueryError: One makes no sense; the message names it.
    """
    conditions = []
    for part in re.split(r"[\s,]+", text.strip()):
        found = _CONDITION.fullmatch(part)
        if not found:
            raise QueryError(
                f"{part!r} is no condition: write a measure, < or >, and a bound, such as recall@1600<-1 or p95>+20%"
            )
        bound = found["bound"]
        relative = bound[0] in "+-"
        if found["percent"] and not relative:
            raise QueryError(
                f"{part!r}: a bound in percent is a change and needs a sign, such as +{bound}% or -{bound}%"
            )
        conditions.append(
            Condition(
                part,
                found["row"] or FUSED,
                found["measure"],
                found["sign"] == "<",
                float(bound),
                relative,
                bool(found["percent"]),
            )
        )
    return tuple(conditions)


def judge(conditions: tuple[Condition, ...], run: EvaluationRun, before: EvaluationRun | None) -> list[Verdict]:
    """Try every condition.

    Raises:
        QueryError: A measure is not in a run, or a change is asked for without an earlier run.
    """
    verdicts = []
    for condition in conditions:
        value = measured(run, condition)
        if condition.relative:
            if before is None:
                raise QueryError(f"{condition.text!r} asks for a change: name the earlier run with --against")
            start = measured(before, condition)
            value -= start
            if condition.percent:
                value = 100 * value / start if start else float("inf") if value > 0 else 0.0
        tripped = value < condition.bound if condition.below else value > condition.bound
        verdicts.append(Verdict(condition, value, tripped))
    return verdicts


def measured(run: EvaluationRun, condition: Condition) -> float:
    """The value of a condition's measure: points of 100, milliseconds or characters.

    Raises:
        QueryError: The run does not hold it.
    """
    name = condition.measure
    time = _TIME.fullmatch(name)
    if time:
        stage = time[2] or "total"
        if f"ms {stage}" not in run.signals or stage not in (*STAGES, "total"):
            raise QueryError(f"{condition.text!r}: {stage!r} is no stage; the stages are {', '.join(STAGES)}")
        return float(np.percentile(run.signals[f"ms {stage}"], int(time[1])))
    if name == "broken":
        cited = float(run.signals["citations"].sum())
        return 100 * float(run.signals["citations broken"].sum()) / cited if cited else 0.0
    if name.startswith("duplicates@") and name in run.signals:
        values = run.signals[name]
    elif name in run.scores:
        values = run.scores[name][:, run.row(condition.row)]
    else:
        budgets = ", ".join(map(str, run.budgets))
        kinds = sorted({score for score in run.scores if "@" not in score or "-recall@" in score or "-ndcg@" in score})
        raise QueryError(
            f"{condition.text!r}: the run of {run.made} has no {name!r}. It has recall, precision, iou, whole-gold, "
            f"wrong-source, duplicates and characters at the budgets {budgets}; {', '.join(kinds)}; broken, p50, p95"
        )
    if np.isnan(values).all():
        raise QueryError(f"{condition.text!r}: no question of the run of {run.made} has a value for {name}")
    mean = float(np.nanmean(values))
    return mean if name.startswith("characters@") else 100 * mean
