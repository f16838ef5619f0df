"""Evidence once a question; then each scale alone, every pair and all fused, at equal budgets of context."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version

import numpy as np

from ...pipeline.errors import QueryError
from ..collection import KnowledgeBase
from ..retrieve import QUESTION_CHARACTERS, Encoders, retrieve
from ..weighting.weights import Weights
from .gold import Judge
from .measuring import Asker, Ranked
from .metrics import NOT_APPLICABLE
from .questions import Question
from .rows import Kind, rows
from .run import EvaluationRun, Judged

BUDGETS = (400, 800, 1600, 3200, 6400)


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """A run, and the fused rankings behind it for a TREC run file.

    Attributes:
        ranked_sources: By question: paths, best first.
    """

    run: EvaluationRun
    ranked_sources: list[Ranked]
    relevant_sources: list[dict[str, int]]


def evaluate(
    base: KnowledgeBase,
    encoders: Encoders,
    questions: Sequence[Question],
    budgets: Sequence[int] = BUDGETS,
    *,
    weights: Weights = Weights.QUERY,
    step: Callable[[], None] = lambda: None,
) -> Evaluation:
    """Measure how well every scale, alone and fused, finds what the questions ask for.

    Candidates are those of all scales in every row, so rows differ by what ranks them.

    Args:
        weights: Whether what counts depends on the question.
        step: Called after each question.

    Raises:
        QueryError: A question names a place that the knowledge base does not hold, or is far too long.
        FingerprintMismatch: The vectors were made by other encoders.
    """
    budgets = sorted(set(budgets))
    if not questions:
        raise QueryError("there are no questions to evaluate with: give at least one")
    for question in questions:
        if len(question.text) > QUESTION_CHARACTERS:
            length = len(question.text)
            raise QueryError(
                f"question {question.id} has {length} characters, at most {QUESTION_CHARACTERS} are allowed"
            )
    # One snapshot for all questions: a run is of one generation. SQLite's log grows meanwhile if others write.
    with base.snapshot() as snapshot:
        judge = Judge(base, snapshot)
        golds = [judge.gold(question) for question in questions]
        allowed = [judge.ranges(question) for question in questions]
        table = rows(snapshot.scales, tokens=bool(snapshot.token_fingerprint))
        asker = Asker(snapshot, encoders, table, budgets, judge.times, weights)
        # Refuses vectors of another model, and pays what only the first question pays: files opened, code warmed up.
        retrieve(questions[0].text, snapshot, encoders, budget=budgets[-1])
        measured, ranked = [], []
        for question, gold, ranges in zip(questions, golds, allowed, strict=True):
            values, sources = asker.measure(question, gold, ranges)
            measured.append(values)
            ranked.append(sources)
            step()
        relevant = [
            {
                asker.uri(content): grade
                for content, grade in zip(gold.contents.tolist(), gold.grades.tolist(), strict=True)
            }
            for gold in golds
        ]
        generation = snapshot.generation
    run = EvaluationRun(
        knowledge_base=str(base.path),
        generation=generation,
        model=base.model,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        octavo=version("octavo"),
        budgets=tuple(budgets),
        rows=table,
        questions=tuple(_judged(questions)),
        scores={name: np.array([one.scores[name] for one in measured], np.float64) for name in measured[0].scores},
        signals={name: np.array([one.signals[name] for one in measured], np.float64) for name in measured[0].signals},
        weights=weights.value,
    )
    singles = {run.rows[at].name: run.scores[run.main][:, at] for at in run.positions(Kind.SINGLE)}
    means = [(name, float(np.nanmean(v)) if np.isfinite(v).any() else NOT_APPLICABLE) for name, v in singles.items()]
    return Evaluation(replace(run, spans=asker.collector.spans(means)), ranked, relevant)


def _judged(questions: Sequence[Question]) -> Iterator[Judged]:
    asked: Counter[str] = Counter()
    for question in questions:
        asked[question.text] += 1
        again = asked[question.text]
        key = question.text if again == 1 else f"{question.text} ({again})"
        yield Judged(question.id, key, question.text, question.question_class, question.answerable, question.self_made)
