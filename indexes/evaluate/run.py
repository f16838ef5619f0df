"""The record of an evaluation: every question's value in every metric, in a file and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...pipeline.errors import QueryError
from ..weighting.weights import Weights
from .rows import FUSED, Kind, Row
from .spans import Spans

Floats = npt.NDArray[np.float64]

FORMAT = "octavo evaluation"
VERSION = 1

SELF_MADE = (
    "made from the knowledge base itself: they share words with their answers, which are whole sentences, paragraphs or"
    " sections, so exact words and the scales of these look better here than with questions of people"
)
"""What was not measured with :attr:`Judged.self_made` questions."""

RUN_FILE = "run.json"
"""Name of a run in the folder of a report."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A question of a run.

    Attributes:
        key: The same in every run of the same questions: the text, with a number where it is asked more than once.
        self_made: Whether it was made from the knowledge base itself.
    """

    id: str
    key: str
    text: str
    question_class: str = ""
    answerable: bool = True
    self_made: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class EvaluationRun:
    """What one evaluation found.

    Attributes:
        knowledge_base: Its folder. ``generation`` is the commit that answered, ``model`` its text encoder.
        made: When, ISO 8601. ``octavo`` is the version that measured.
        budgets: Characters of context, rising.
        scores: By metric, such as ``recall@1600`` (characters found in a budget), ``span-recall@10`` (of the first ten
            spans) or ``source-mrr``. *Shape of each:* (questions, rows); NaN where a metric says nothing.
        signals: Of the fused answer, by name: ``ms total`` and other stages, ``ms index sentence`` and other scales,
            ``characters@1600``, ``duplicates@1600``, ``citations``, ``citations broken``… *Shape of each:* (questions,)
        spans: Gold and returned, for the examples of the report; ``None`` in runs of earlier versions.
        weights: ``query`` or ``fixed``, see :class:`octavo.indexes.weighting.weights.Weights`; runs of earlier versions
            had fixed ones.

    Raises:
        ValueError: Arrays have other shapes than questions and rows.
    """

    knowledge_base: str
    generation: int
    model: str
    made: str
    octavo: str
    budgets: tuple[int, ...]
    rows: tuple[Row, ...]
    questions: tuple[Judged, ...]
    scores: Mapping[str, Floats] = field(default_factory=dict)
    signals: Mapping[str, Floats] = field(default_factory=dict)
    spans: Spans | None = None
    weights: str = Weights.FIXED.value

    def __post_init__(self) -> None:
        if not self.questions or not self.budgets or FUSED not in {row.name for row in self.rows}:
            raise ValueError("a run needs questions, budgets and the fused row")
        if list(self.budgets) != sorted(set(self.budgets)) or self.budgets[0] < 1:
            raise ValueError(f"budgets {self.budgets} do not rise from 1 on")
        for name, values in self.scores.items():
            if values.shape != (len(self.questions), len(self.rows)):
                raise ValueError(f"{name} has shape {values.shape}, not {(len(self.questions), len(self.rows))}")
        for name, values in self.signals.items():
            if values.shape != (len(self.questions),):
                raise ValueError(f"{name} has shape {values.shape}, not {(len(self.questions),)}")
        if self.spans and len(self.spans.gold) != len(self.questions):
            raise ValueError(f"spans of {len(self.spans.gold)} questions, not of {len(self.questions)}")

    def row(self, name: str) -> int:
        """Position of a row.

        Raises:
            QueryError: The run has no such row.
        """
        for position, row in enumerate(self.rows):
            if row.name == name:
                return position
        raise QueryError(f"the run has no row {name!r}: it has {', '.join(row.name for row in self.rows)}")

    def positions(self, kind: Kind) -> list[int]:
        """Positions of all rows of a kind."""
        return [position for position, row in enumerate(self.rows) if row.kind is kind]

    def judged_by_characters(self) -> bool:
        """Whether any question names characters or pages, not sources alone."""
        return bool(np.isfinite(self.scores[f"recall@{self.budgets[0]}"]).any())

    @property
    def caveat(self) -> str:
        """What questions made from the knowledge base itself do not show, a sentence for people; "" without them."""
        made = sum(question.self_made for question in self.questions)
        if not made:
            return ""
        of = "the" if made == len(self.questions) else f"{made:,} of the {len(self.questions):,}"
        return f"{of[0].upper()}{of[1:]} questions were {SELF_MADE}."

    @property
    def leading(self) -> tuple[str, ...]:
        """The metrics that lead in tables: recall at each budget, else the ranking of sources."""
        if self.judged_by_characters():
            return tuple(f"recall@{budget}" for budget in self.budgets)
        return ("source-recall@1", "source-recall@5", "source-recall@10", "source-ndcg@10", "source-mrr")

    @property
    def main(self) -> str:
        """The one metric for which questions are called won or lost."""
        if not self.judged_by_characters():
            return "source-ndcg@10"
        return f"recall@{main_budget(self.budgets)}"

    def to_json(self) -> dict[str, Any]:
        """All of it; numbers are rounded to six digits after the point."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "knowledge_base": self.knowledge_base,
            "generation": self.generation,
            "model": self.model,
            "made": self.made,
            "octavo": self.octavo,
            "weights": self.weights,
            **({"caveat": self.caveat} if self.caveat else {}),
            "budgets": list(self.budgets),
            "rows": [{"name": row.name, "kind": row.kind.value, "scales": list(row.scales)} for row in self.rows],
            "questions": [
                {
                    "id": one.id,
                    "key": one.key,
                    "question": one.text,
                    "class": one.question_class,
                    "unanswerable": not one.answerable,
                    **({"self_made": True} if one.self_made else {}),
                }
                for one in self.questions
            ],
            "scores": {
                name: {row.name: _listed(values[:, at]) for at, row in enumerate(self.rows)}
                for name, values in self.scores.items()
            },
            "signals": {name: _listed(values) for name, values in self.signals.items()},
            **({"spans": self.spans.to_json()} if self.spans else {}),
        }

    @classmethod
    def from_json(cls, made: Mapping[str, Any]) -> EvaluationRun:
        """The run that :meth:`to_json` wrote.

        Raises:
            QueryError: It is something else, or of a version this one cannot read.
        """
        if made.get("format") != FORMAT:
            raise QueryError("this is no evaluation run: write one with octavo eval --report FILE")
        if made.get("version") != VERSION:
            raise QueryError(f"the run has version {made.get('version')!r}, not {VERSION}: evaluate again")
        try:
            rows = tuple(Row(row["name"], Kind(row["kind"]), tuple(row["scales"])) for row in made["rows"])
            return cls(
                made["knowledge_base"],
                int(made["generation"]),
                made["model"],
                made["made"],
                made["octavo"],
                tuple(int(budget) for budget in made["budgets"]),
                rows,
                tuple(
                    Judged(
                        one["id"],
                        one["key"],
                        one["question"],
                        one["class"],
                        not one["unanswerable"],
                        bool(one.get("self_made", False)),
                    )
                    for one in made["questions"]
                ),
                {
                    name: np.stack([np.array(by_row[row.name], np.float64) for row in rows], axis=1)
                    for name, by_row in made["scores"].items()
                },
                {name: np.array(values, np.float64) for name, values in made["signals"].items()},
                Spans.from_json(made["spans"]) if "spans" in made else None,
                str(made.get("weights", Weights.FIXED.value)),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise QueryError(f"the run is damaged ({error!r}): evaluate again") from error


def main_budget(budgets: Sequence[int]) -> int:
    """The budget at which single answers are compared: 1,600 characters, else the middle one."""
    return 1600 if 1600 in budgets else budgets[len(budgets) // 2]


def read_run(path: Path) -> EvaluationRun:
    """A run from its file, or from the folder that ``octavo eval --report`` wrote.

    Raises:
        QueryError: There is none, or it is not a run.
    """
    path = path / RUN_FILE if path.is_dir() else path
    try:
        made = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise QueryError(f"the run {path} cannot be read: {error}; write one with octavo eval --report") from error
    if not isinstance(made, dict):
        raise QueryError(f"{path} is no evaluation run: write one with octavo eval --report")
    return EvaluationRun.from_json(made)


def _listed(values: Floats) -> list[float | None]:
    """JSON has no NaN."""
    return [None if value != value else round(value, 6) for value in values.tolist()]
