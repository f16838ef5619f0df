"""A run in a few numbers: means with intervals, the best scale for each question, and the four signals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .grounding import Grounding
from .intervals import bootstrap, sign_flip_test
from .risk import risk_summary
from .rows import FUSED, Kind
from .run import EvaluationRun

Floats = npt.NDArray[np.float64]

STAGES = ("encode", "expand", "search", "score", "listen", "choose", "cite")
"""Of an answer; only knowledge bases with recordings listen."""
CLASSES_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over questions with its 95 % bootstrap interval; NaN where no question has a value."""

    mean: float
    low: float
    high: float
    count: int

    def to_json(self) -> dict[str, float | int | None]:
        """JSON has no NaN."""
        return {name: None if value != value else round(value, 6) for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class Worth:
    """What a kind of evidence costs and what it adds.

    Attributes:
        name: A scale, ``lexical`` (exact words), ``token`` (words in context) or ``window`` (the widths between two
            scales).
        ms: Mean milliseconds a question spent reading its index; NaN for what has no index of its own.
        gain: Of the leading metrics' mean, fused against fused without it.
    """

    name: str
    ms: float
    gain: Estimate

    @property
    def verdict(self) -> str:
        """``earns``, ``harms`` or ``no gain shown``, by the interval of the gain."""
        if self.gain.low > 0:
            return "earns"
        return "harms" if self.gain.high < 0 else "no gain shown"


@dataclass(frozen=True, slots=True)
class Versus:
    """How far a row is from the fused one in the main metric: row less fused, and the paired randomisation test's p."""

    change: Estimate
    p: float

    def to_json(self) -> dict[str, Any]:
        """The change and p."""
        return {"change": self.change.to_json(), "p": round(self.p, 6)}


@dataclass(frozen=True, slots=True)
class Summary:
    """What tables and JSON show of a run.

    Attributes:
        estimates: By metric, then by row.
        oracle: By leading metric: the best single scale, chosen for each question in hindsight.
        headroom: By leading metric: oracle less fused. Below 0, fusion beats even the best choice of one scale.
        versus_fused: By row: whether it differs from the fused one by more than chance.
        winners: Share of questions for which each scale alone is best in the main metric; ties are split, questions
            that no scale finds anything for are left out.
        classes: By class of question, then by row (and ``oracle``), in the main metric.
        signals: Slower answers, weaker grounding, noisy retrieval, confusing handoff.
    """

    estimates: Mapping[str, Mapping[str, Estimate]]
    oracle: Mapping[str, Estimate]
    headroom: Mapping[str, Estimate]
    versus_fused: Mapping[str, Versus]
    winners: Mapping[str, float]
    worth: tuple[Worth, ...]
    classes: Mapping[str, Mapping[str, Estimate]]
    signals: Mapping[str, Mapping[str, Any]]

    def to_json(self) -> dict[str, Any]:
        """Shares are 0 to 1."""
        return {
            "estimates": {metric: _json(by_row) for metric, by_row in self.estimates.items()},
            "oracle": _json(self.oracle),
            "headroom": _json(self.headroom),
            "versus_fused": {name: versus.to_json() for name, versus in self.versus_fused.items()},
            "winners": {name: round(share, 6) for name, share in self.winners.items()},
            "worth": [
                {
                    "name": worth.name,
                    "ms": None if worth.ms != worth.ms else round(worth.ms, 3),
                    "gain": worth.gain.to_json(),
                    "verdict": worth.verdict,
                }
                for worth in self.worth
            ],
            "classes": {name: _json(by_row) for name, by_row in self.classes.items()},
            "signals": self.signals,
        }


def summarise(run: EvaluationRun) -> Summary:
    """The summary of a run."""
    names = [row.name for row in run.rows]
    stacked = np.concatenate(list(run.scores.values()), axis=1)
    found = iter(estimate(stacked))
    estimates = {metric: {name: next(found) for name in names} for metric in run.scores}
    best = {metric: oracle(run, metric) for metric in run.leading}
    fused = run.row(FUSED)
    lost = {metric: best[metric] - run.scores[metric][:, fused] for metric in run.leading}
    return Summary(
        estimates,
        dict(zip(best, estimate(np.stack(list(best.values()), axis=1)), strict=True)),
        dict(zip(lost, estimate(np.stack(list(lost.values()), axis=1)), strict=True)),
        _versus_fused(run),
        _winners(run),
        _worth(run),
        _classes(run),
        _signals(run, estimates),
    )


def estimate(values: Floats) -> list[Estimate]:
    """An estimate for each column."""
    columns = zip(*bootstrap(values), np.sum(~np.isnan(values), axis=0).tolist(), strict=True)
    return [Estimate(float(mean), float(low), float(high), count) for mean, low, high, count in columns]


def oracle(run: EvaluationRun, metric: str) -> Floats:
    """Each question's value with the single scale that serves it best. *Shape:* (questions,)"""
    return np.asarray(np.max(run.scores[metric][:, run.positions(Kind.SINGLE)], axis=1), np.float64)


def leading_mean(run: EvaluationRun, row: int) -> Floats:
    """Mean of the leading metrics of each question. *Shape:* (questions,)"""
    return np.asarray(np.mean([run.scores[metric][:, row] for metric in run.leading], axis=0), np.float64)


def percentiles(values: Floats) -> dict[str, float]:
    """Median and 95th percentile."""
    return {f"p{q}": round(float(np.nanpercentile(values, q)), 3) for q in (50, 95)}


def _versus_fused(run: EvaluationRun) -> dict[str, Versus]:
    values = run.scores[run.main]
    changes = values - values[:, [run.row(FUSED)]]
    found = zip(run.rows, estimate(changes), sign_flip_test(changes).tolist(), strict=True)
    return {row.name: Versus(change, p) for row, change, p in found if row.kind is not Kind.FUSED}


def _winners(run: EvaluationRun) -> dict[str, float]:
    singles = run.positions(Kind.SINGLE)
    values = run.scores[run.main][:, singles]
    values = values[np.nan_to_num(values).max(axis=1) > 0]
    best = values == values.max(axis=1, keepdims=True)
    shares = (best / best.sum(axis=1, keepdims=True)).mean(axis=0) if len(values) else np.zeros(len(singles))
    return {run.rows[at].name: float(share) for at, share in zip(singles, shares, strict=True)}


def _worth(run: EvaluationRun) -> tuple[Worth, ...]:
    without = run.positions(Kind.WITHOUT)
    fused = leading_mean(run, run.row(FUSED))
    gains = estimate(np.stack([fused - leading_mean(run, at) for at in without], axis=1))
    made = []
    for at, gain in zip(without, gains, strict=True):
        name = run.rows[at].scales[0]
        spent = run.signals.get(f"ms index {name}")
        made.append(Worth(name, float("nan") if spent is None else float(np.mean(spent)), gain))
    return tuple(made)


def _classes(run: EvaluationRun) -> dict[str, dict[str, Estimate]]:
    """Largest classes first; a question without a class is in none."""
    members: dict[str, list[int]] = {}
    for at, question in enumerate(run.questions):
        if question.question_class and question.answerable:
            members.setdefault(question.question_class, []).append(at)
    singles, fused = run.positions(Kind.SINGLE), run.row(FUSED)
    names = [*(run.rows[at].name for at in singles), "oracle", FUSED]
    columns = np.column_stack([run.scores[run.main][:, singles], oracle(run, run.main), run.scores[run.main][:, fused]])
    largest = sorted(members, key=lambda name: (-len(members[name]), name))[:CLASSES_SHOWN]
    return {name: dict(zip(names, estimate(columns[members[name]]), strict=True)) for name in largest}


def _signals(run: EvaluationRun, estimates: Mapping[str, Mapping[str, Estimate]]) -> dict[str, dict[str, Any]]:
    signals = run.signals
    cited = float(signals["citations"].sum())
    unanswerable = np.array([not question.answerable for question in run.questions])
    answered = unanswerable & (signals["citations"] > 0)
    if "abstained" in signals:
        answered &= signals["abstained"] == 0
    duplicates = estimate(np.stack([signals[f"duplicates@{budget}"] for budget in run.budgets], axis=1))

    def fused(metric: str) -> dict[str, Any]:
        return {str(budget): estimates[f"{metric}@{budget}"][FUSED].to_json() for budget in run.budgets}

    return {
        "slower_answers": {
            "ms": {
                stage: percentiles(signals[f"ms {stage}"]) for stage in (*STAGES, "total") if f"ms {stage}" in signals
            },
            "ms_index": _per_index(signals),
            "characters": fused("characters"),
        },
        "weaker_grounding": {
            "citations": int(cited),
            **{outcome.value: int(signals[f"citations {outcome}"].sum()) for outcome in Grounding},
            "whole_gold": fused("whole-gold"),
        },
        "noisy_retrieval": {
            "precision": fused("precision"),
            "iou": fused("iou"),
            "wrong_source": fused("wrong-source"),
            "duplicates": {str(budget): found.to_json() for budget, found in zip(run.budgets, duplicates, strict=True)},
        },
        "confusing_handoff": {
            "unanswerable": int(unanswerable.sum()),
            "answered_all_the_same": int(answered.sum()),
            **risk_summary(run),
        },
    }


def _per_index(signals: Mapping[str, Floats]) -> dict[str, dict[str, float]]:
    prefix = "ms index "
    return {name.removeprefix(prefix): percentiles(v) for name, v in signals.items() if name.startswith(prefix)}


def _json(by_name: Mapping[str, Estimate]) -> dict[str, Any]:
    return {name: found.to_json() for name, found in by_name.items()}
