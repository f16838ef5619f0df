"""Two runs of the same questions: what changed, and by more than chance?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...pipeline.errors import QueryError
from .intervals import bootstrap, sign_flip_test
from .rows import FUSED, Kind
from .run import EvaluationRun

Floats = npt.NDArray[np.float64]

_MOVED = 1e-6
"""Smaller differences are rounding: run files keep six digits."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One metric of one row, later run less earlier run, over the questions both hold.

    Attributes:
        low, high: 95 % bootstrap interval of the difference.
        p: Of the paired randomisation test, two-sided.
        won, lost, tied: Questions.
    """

    row: str
    metric: str
    before: float
    after: float
    low: float
    high: float
    p: float
    won: int
    lost: int
    tied: int

    @property
    def change(self) -> float:
        """After less before."""
        return self.after - self.before

    def to_json(self) -> dict[str, Any]:
        """Shares are 0 to 1."""
        made = {
            name: getattr(self, name) for name in ("row", "metric", "before", "after", "change", "low", "high", "p")
        }
        made = {key: _number(value) if isinstance(value, float) else value for key, value in made.items()}
        return made | {"won": self.won, "lost": self.lost, "tied": self.tied}


@dataclass(frozen=True, slots=True)
class Moved:
    """A question whose fused answer got better or worse in the main metric."""

    question: str
    question_class: str
    before: float
    after: float

    def to_json(self) -> dict[str, Any]:
        """The question and both values."""
        return {
            "question": self.question,
            "class": self.question_class,
            "before": _number(self.before),
            "after": _number(self.after),
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed from one run to another.

    Attributes:
        questions: How many both hold; the rest of either is left out.
        rows: Each scale alone and fused, in each leading metric.
        classes: The same in the main metric, by class of question.
        won, lost: Questions, the largest change first.
        ms: Median and 95th percentile of all milliseconds a question, before and after.
    """

    questions: int
    only_before: int
    only_after: int
    generation_before: int
    generation_after: int
    model_before: str
    model_after: str
    main: str
    rows: tuple[Difference, ...]
    classes: Mapping[str, tuple[Difference, ...]]
    won: tuple[Moved, ...]
    lost: tuple[Moved, ...]
    ms: Mapping[str, tuple[float, float]]
    weights_before: str
    weights_after: str

    def to_json(self) -> dict[str, Any]:
        """Everything."""
        return {
            "questions": self.questions,
            "only_before": self.only_before,
            "only_after": self.only_after,
            "generation": {"before": self.generation_before, "after": self.generation_after},
            "model": {"before": self.model_before, "after": self.model_after},
            "weights": {"before": self.weights_before, "after": self.weights_after},
            "main": self.main,
            "rows": [one.to_json() for one in self.rows],
            "classes": {name: [one.to_json() for one in ones] for name, ones in self.classes.items()},
            "won": [one.to_json() for one in self.won],
            "lost": [one.to_json() for one in self.lost],
            "ms": {name: {"before": a, "after": b} for name, (a, b) in self.ms.items()},
        }


def compare(before: EvaluationRun, after: EvaluationRun) -> Comparison:
    """Pair two runs question by question.

    Raises:
        QueryError: They share no question, or no metric.
    """
    there = {question.key: at for at, question in enumerate(before.questions)}
    pairs = [(there[q.key], at) for at, q in enumerate(after.questions) if q.key in there]
    if not pairs:
        raise QueryError("the two runs share no question: compare runs of the same questions")
    metrics = [name for name in after.leading if name in before.scores]
    if after.main not in metrics:
        raise QueryError(
            f"the earlier run has no {after.main}: evaluate with its budgets, {', '.join(map(str, before.budgets))}"
        )
    old, new = (np.array(side) for side in zip(*pairs, strict=True))
    kept = {row.name for row in before.rows}
    names = [row.name for row in after.rows if row.kind in (Kind.SINGLE, Kind.FUSED) and row.name in kept]
    classes: dict[str, list[int]] = {}
    for position, at in enumerate(new.tolist()):
        if name := after.questions[at].question_class:
            classes.setdefault(name, []).append(position)

    def differences(chosen: Sequence[str], members: npt.NDArray[np.int64]) -> tuple[Difference, ...]:
        keys = [(name, metric) for metric in chosen for name in names]
        a = np.stack([before.scores[m][old[members], before.row(n)] for n, m in keys], axis=1)
        b = np.stack([after.scores[m][new[members], after.row(n)] for n, m in keys], axis=1)
        return _differences(keys, a, b)

    fused_before = before.scores[after.main][old, before.row(FUSED)]
    fused_after = after.scores[after.main][new, after.row(FUSED)]
    moved = [
        Moved(after.questions[at].text, after.questions[at].question_class, a, b)
        for at, a, b in zip(new.tolist(), fused_before.tolist(), fused_after.tolist(), strict=True)
        if abs(b - a) > _MOVED
    ]
    moved.sort(key=lambda one: -abs(one.after - one.before))
    ms = {
        f"p{q}": (
            float(np.percentile(before.signals["ms total"], q)),
            float(np.percentile(after.signals["ms total"], q)),
        )
        for q in (50, 95)
    }
    return Comparison(
        len(pairs),
        len(before.questions) - len(pairs),
        len(after.questions) - len(pairs),
        before.generation,
        after.generation,
        before.model,
        after.model,
        after.main,
        differences(metrics, np.arange(len(pairs))),
        {name: differences([after.main], np.array(members)) for name, members in sorted(classes.items())},
        tuple(one for one in moved if one.after > one.before),
        tuple(one for one in moved if one.after < one.before),
        ms,
        before.weights,
        after.weights,
    )


def _differences(keys: Sequence[tuple[str, str]], before: Floats, after: Floats) -> tuple[Difference, ...]:
    change = after - before
    change = np.where(np.abs(change) <= _MOVED, 0.0, change)
    mean, low, high = bootstrap(change)
    p = sign_flip_test(change)
    both = ~np.isnan(change)
    count = both.sum(axis=0)
    made = []
    for at, (row, metric) in enumerate(keys):
        if not count[at]:
            continue  # no question of these has a value
        start = float(np.mean(before[both[:, at], at]))
        won, lost = int(np.sum(change[:, at] > 0)), int(np.sum(change[:, at] < 0))
        made.append(
            Difference(
                row,
                metric,
                start,
                start + float(mean[at]),
                float(low[at]),
                float(high[at]),
                float(p[at]),
                won,
                lost,
                int(count[at]) - won - lost,
            )
        )
    return tuple(made)


def _number(value: float) -> float | None:
    return None if value != value else round(value, 6)
