"""``octavo eval``: questions read, measured, compared, written down."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...pipeline.errors import QueryError
from ..collection import KnowledgeBase
from ..retrieve import Encoders
from ..sound.hearing import Hearing
from ..weighting.weights import Weights
from .compare import Comparison, compare
from .gate import Condition, Verdict, judge, parse_gate
from .granularity import BUDGETS, Evaluation, evaluate
from .question_model import Generated
from .question_styles import STYLES, Style
from .questions import Question, read_questions, write_questions
from .run import read_run
from .self_questions import COUNT, self_questions
from .summary import Summary, summarise
from .writing import check_report, write_report, write_trec


@dataclass(frozen=True, slots=True)
class SelfMade:
    """Questions are to be made from the knowledge base itself.

    Attributes:
        model: A folder, or a name on the hub, of a language model that asks too; "" for none.
        write: Where to write the questions, for people to edit and ask again.
    """

    count: int = COUNT
    seed: int = 0
    model: str = ""
    write: Path | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be measured, and where it goes.

    Attributes:
        questions: A JSONL or SQuAD-format file, or how to make questions.
        budgets: Characters of context.
        against: An earlier run to compare with.
        fail_if: Conditions, see :mod:`octavo.indexes.evaluate.gate`.
        report: Where to write the run: ``.json``, ``.html`` (a page, with the JSON beside it), or a folder for all.
        trec: Where to write the fused ranking of sources; its judgments go beside it, with ``.qrels`` added.
        weights: Whether what counts depends on the question.
    """

    questions: Path | SelfMade
    budgets: tuple[int, ...] = BUDGETS
    against: Path | None = None
    fail_if: str = ""
    report: Path | None = None
    trec: Path | None = None
    weights: Weights = Weights.QUERY


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
    given = None if isinstance(asked.questions, SelfMade) else read_questions(asked.questions)
    earlier = read_run(asked.against) if asked.against else None
    if asked.report:
        check_report(asked.report)
    if earlier is None and (relative := [one.text for one in conditions if one.relative]):
        raise QueryError(f"{relative[0]!r} asks for a change: name the earlier run with --against")
    questions = made_questions(asked.questions, base, device) if isinstance(asked.questions, SelfMade) else given or []
    encoders = Encoders.load(base.model, device, Hearing(device=device, model=base.speech_model), width=base.width)
    with counting(len(questions), "questions") if counting else nullcontext(lambda: None) as step:
        evaluation = evaluate(base, encoders, questions, asked.budgets, weights=asked.weights, step=step)
    run = evaluation.run
    outcome = Outcome(
        evaluation,
        summarise(run),
        compare(earlier, run) if earlier else None,
        tuple(judge(conditions, run, earlier)),
    )
    if asked.report:
        named = "--self" if isinstance(asked.questions, SelfMade) else str(asked.questions)
        write_report(asked.report, outcome, base, earlier, named)
    if asked.trec:
        write_trec(asked.trec, outcome.evaluation)
    return outcome


def made_questions(wish: SelfMade, base: KnowledgeBase, device: str = "auto") -> list[Question]:
    """Questions from the knowledge base itself, written down where that is wished.

    Raises:
        QueryError: The knowledge base holds no text to ask for.
        ModelError: The language model cannot be loaded.
    """
    styles: list[Style] = list(STYLES)
    if wish.model:
        from ...pipeline.encoders.text_generator import TextGenerator

        styles.append(Generated(TextGenerator(wish.model, device)))
    questions = self_questions(base, wish.count, wish.seed, styles=styles)
    if wish.write:
        write_questions(wish.write, questions)
    return questions
