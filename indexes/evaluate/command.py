"""``octavo eval``: questions read, measured, compared, written down."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...pipeline.errors import QueryError
from ..collection import KnowledgeBase
from ..retrieve import Encoders
from .compare import Comparison, compare
from .gate import Condition, Verdict, judge, parse_gate
from .granularity import BUDGETS, Evaluation, evaluate
from .questions import read_questions
from .run import read_run
from .summary import Summary, summarise
from .trec import qrels_lines, run_lines


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be measured, and where it goes.

    Attributes:
        questions: A JSONL or SQuAD-format file.
        budgets: Characters of context.
        against: An earlier run to compare with.
        fail_if: Conditions, see :mod:`octavo.indexes.evaluate.gate`.
        report: Where to write the run.
        trec: Where to write the fused ranking of sources; its judgments go beside it, with ``.qrels`` added.
    """

    questions: Path
    budgets: tuple[int, ...] = BUDGETS
    against: Path | None = None
    fail_if: str = ""
    report: Path | None = None
    trec: Path | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """All that one ``octavo eval`` found.

    Attributes:
        comparison: With the earlier run, if one was named.
        verdicts: Of the gate, if there is one.
    """

    evaluation: Evaluation
    summary: Summary
    comparison: Comparison | None
    verdicts: tuple[Verdict, ...]

    @property
    def failed(self) -> bool:
        """Whether a condition of the gate tripped."""
        return any(verdict.tripped for verdict in self.verdicts)

    def to_json(self, *, whole: bool) -> dict[str, Any]:
        """For ``--json``; with ``whole`` question by question too, for ``--report`` and a later ``--against``."""
        run = self.evaluation.run.to_json()
        if not whole:
            run = {name: value for name, value in run.items() if name not in ("scores", "signals", "questions")}
            run["questions"] = len(self.evaluation.run.questions)
        run["summary"] = self.summary.to_json()
        if self.comparison:
            run["comparison"] = self.comparison.to_json()
        if self.verdicts:
            run["gate"] = [
                {"condition": one.condition.text, "value": round(one.value, 4), "failed": one.tripped}
                for one in self.verdicts
            ]
        return run


def parse_budgets(text: str) -> tuple[int, ...]:
    """Budgets in characters from ``400,800``.

    Raises:
        QueryError: One is no whole number of 1 or more.
    """
    budgets = []
    for part in text.split(","):
        if not part.strip().isdecimal() or not int(part):
            raise QueryError(f"{part.strip()!r} is no budget: give characters, such as {','.join(map(str, BUDGETS))}")
        budgets.append(int(part))
    return tuple(sorted(set(budgets)))


def run_evaluation(
    asked: Asked,
    base: KnowledgeBase,
    *,
    device: str = "auto",
    counting: Callable[[int, str], AbstractContextManager[Callable[[], None]]] | None = None,
) -> Outcome:
    """Measure a knowledge base on a file of questions.

    Args:
        counting: Shows how far it is.

    Raises:
        QueryError: Questions, conditions or the earlier run make no sense. Nothing was measured then.
    """
    # Everything that can be wrong with what was asked is found before minutes are spent.
    conditions: tuple[Condition, ...] = parse_gate(asked.fail_if) if asked.fail_if.strip() else ()
    questions = read_questions(asked.questions)
    earlier = read_run(asked.against) if asked.against else None
    if earlier is None and (relative := [one.text for one in conditions if one.relative]):
        raise QueryError(f"{relative[0]!r} asks for a change: name the earlier run with --against")
    encoders = Encoders.load(base.model, device)
    with counting(len(questions), "questions") if counting else nullcontext(lambda: None) as step:
        evaluation = evaluate(base, encoders, questions, asked.budgets, step=step)
    run = evaluation.run
    outcome = Outcome(
        evaluation,
        summarise(run),
        compare(earlier, run) if earlier else None,
        tuple(judge(conditions, run, earlier)),
    )
    if asked.report:
        _write(asked.report, json.dumps(outcome.to_json(whole=True)) + "\n")
    if asked.trec:
        ids = [question.id for question in run.questions]
        rankings = zip(ids, evaluation.ranked_sources, strict=True)
        judgments = zip(ids, evaluation.relevant_sources, strict=True)
        _write(asked.trec, "".join(f"{line}\n" for line in run_lines(rankings, "octavo")))
        _write(Path(f"{asked.trec}.qrels"), "".join(f"{line}\n" for line in qrels_lines(judgments)))
    return outcome


def _write(path: Path, text: str) -> None:
    """All of it or nothing: a report that was there stays whole if this one cannot be written."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8", errors="surrogateescape")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
