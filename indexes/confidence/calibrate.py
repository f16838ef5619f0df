"""``octavo calibrate``: a team's own questions make confidence right for its own knowledge base."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from ...pipeline.errors import KnowledgeBaseError, QueryError
from ..evaluate.gold import Gold, Judge
from ..evaluate.questions import Question, read_questions
from ..retrieve import Encoders, find
from ..sound.hearing import Hearing
from .calibration import SETTING, CalibrationMap, cross_validated, fit_map
from .features import FEATURES, signs
from .model import shipped, sigmoid
from .quality import area_under_risk, calibration_error, error_by_chance
from .training_samples import contents, in_hits, ranges_of, spans_of

if TYPE_CHECKING:
    from ..collection import KnowledgeBase
    from ..store.snapshot import Snapshot

Floats = npt.NDArray[np.float64]

LEAST_QUESTIONS: Final = 10
"""Fewer say nothing about a probability."""


@dataclass(frozen=True, slots=True)
class Calibrated:
    """What calibrating did.

    Attributes:
        map: As kept.
        questions, unanswerable: Asked; how many of those had no answer, and of these made by leaving out the source.
        left_out: Of the unanswerable ones, those made by leaving out the source.
        right: Share of the questions whose answer was in the hits.
        ece_before: Expected calibration error of the shipped model.
        ece_after: Of the new map, each question judged by a map that was fitted without it.
        ece_by_chance: What a perfect map would show with so many questions.
        risk_area_before, risk_area_after: Area under the risk-coverage curve, likewise.
        generation: Of the commit that keeps the map; ``None`` for a dry run.
    """

    map: CalibrationMap
    questions: int
    unanswerable: int
    left_out: int
    right: float
    ece_before: float
    ece_after: float
    ece_by_chance: float
    risk_area_before: float
    risk_area_after: float
    generation: int | None = None

    def to_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "questions": self.questions,
            "unanswerable": self.unanswerable,
            "left_out": self.left_out,
            "right": round(self.right, 4),
            "ece_before": round(self.ece_before, 4),
            "ece_after": round(self.ece_after, 4),
            "ece_by_chance": round(self.ece_by_chance, 4),
            "risk_area_before": round(self.risk_area_before, 4),
            "risk_area_after": round(self.risk_area_after, 4),
            "stretch": round(self.map.stretch, 4),
            "shift": round(self.map.shift, 4),
            "slopes": dict(self.map.slopes),
            "threshold": self.map.threshold,
            "generation": self.generation,
        }


@dataclass(frozen=True, slots=True, eq=False)
class JudgedScores:
    """Answers to questions whose answers are known.

    Attributes:
        logits: By the shipped model. *Shape:* (n,)
        rows: Features. *Shape:* (n, len(FEATURES))
        right: Whether the answer was in the hits. *Shape:* (n,)
        group: Number of the question; one asked twice, with and without its source, has the same. *Shape:* (n,)
        answerable: Whether there is an answer. *Shape:* (n,)
    """

    logits: Floats
    rows: Floats
    right: npt.NDArray[np.bool_]
    group: npt.NDArray[np.int64]
    answerable: npt.NDArray[np.bool_]


def calibrate(
    base: KnowledgeBase,
    encoders: Encoders,
    questions: Sequence[Question],
    *,
    threshold: float | None = None,
    dry_run: bool = False,
    step: Callable[[], None] = lambda: None,
) -> Calibrated:
    """Fit the map of a knowledge base on questions whose answers are known, and keep it there.

    Where every question has an answer, each is asked a second time without the sources that answer it.

    Args:
        threshold: Confidence below which answers abstain from now on; by default as it is.
        dry_run: Measure and keep nothing.

    Raises:
        QueryError: Fewer than 10 questions that count, or a place that the knowledge base does not hold, or all answers
            of one kind.
        FingerprintMismatch: The vectors were made by other encoders.
        KnowledgeBaseBusy: Another process is writing.
    """
    if len(questions) < LEAST_QUESTIONS:
        raise QueryError(
            f"{len(questions)} questions are too few to calibrate with: give at least {LEAST_QUESTIONS},"
            " better a hundred"
        )
    with base.snapshot() as snapshot:
        judged = ask_all(base, snapshot, encoders, questions, step=step)
        kept = snapshot.setting(SETTING)
    usable = len(np.unique(judged.group))
    if usable < LEAST_QUESTIONS:
        raise QueryError(
            f"{usable} of {len(questions)} questions are too few to calibrate with, and only recordings without a"
            f" transcript answer the others: give at least {LEAST_QUESTIONS} that text answers, or that nothing does"
        )
    if judged.right.all() or not judged.right.any():
        all_or_none = "every" if judged.right.all() else "no"
        raise QueryError(
            f"{all_or_none} answer was found in the hits, so nothing can be learned of which to trust:"
            " add questions that are harder, or easier, or that nothing answers"
        )
    if threshold is None:
        threshold = _threshold(kept)
    shipped_says = sigmoid(judged.logits)
    fitted = fit_map(judged.logits, judged.right, judged.rows)
    after = cross_validated(judged.logits, judged.right, judged.group, judged.rows)
    asked, without = len(judged.right), int((~judged.answerable).sum())
    ece_before, ece_after = calibration_error(shipped_says, judged.right), calibration_error(after, judged.right)
    made = replace(
        fitted,
        questions=asked,
        unanswerable=without,
        ece_before=round(ece_before, 4),
        ece_after=round(ece_after, 4),
        threshold=threshold,
        at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    done = Calibrated(
        made,
        asked,
        without,
        without - sum(not question.answerable for question in questions),
        float(judged.right.mean()),
        ece_before,
        ece_after,
        error_by_chance(after),
        area_under_risk(shipped_says, judged.right),
        area_under_risk(after, judged.right),
    )
    return done if dry_run else replace(done, generation=keep(base, made))


def _threshold(kept: str | None) -> float:
    """That of the map of before; the default where there is none, or one that cannot be read and is replaced now."""
    try:
        return CalibrationMap().threshold if kept is None else CalibrationMap.from_json(kept).threshold
    except KnowledgeBaseError:
        return CalibrationMap().threshold


def keep(base: KnowledgeBase, made: CalibrationMap) -> int:
    """Store a map in a commit of its own; the new generation."""
    with base.writer() as writer:
        writer.keep(SETTING, json.dumps(made.to_json()))
        return writer.commit({"action": "calibrate", "questions": made.questions})


def ask_all(
    base: KnowledgeBase,
    snapshot: Snapshot,
    encoders: Encoders,
    questions: Sequence[Question],
    *,
    step: Callable[[], None] = lambda: None,
) -> JudgedScores:
    """Ask questions, and where all have answers each again without the sources that hold them.

    One that only recordings without a transcript answer is left out: the map is of the confidence of text.
    """
    judge = Judge(base, snapshot)
    golds = [judge.gold(question) for question in questions]
    held = contents(snapshot)
    leave_out = all(question.answerable for question in questions)
    model = shipped()
    logits: list[float] = []
    rows: list[Floats] = []
    right: list[bool] = []
    group: list[int] = []
    answerable: list[bool] = []
    for number, (question, gold) in enumerate(zip(questions, golds, strict=True)):
        if question.answerable and held.keys().isdisjoint(gold.contents.tolist()):
            step()
            continue
        for without, has_answer in _ways(question, gold, judge, leave_out):
            allowed = [one for content, one in held.items() if content not in without]
            if without and not allowed:
                continue
            ranges = ranges_of(allowed) if without else None
            found = find(question.text, snapshot, encoders, {}, sections=5, ranges=ranges)
            seen = signs(question.text, found)
            logits.append(model.logit(seen.values))
            rows.append(seen.row(FEATURES))
            right.append(has_answer and in_hits(found, spans_of(gold)))
            group.append(number)
            answerable.append(has_answer)
        step()
    return JudgedScores(
        np.array(logits),
        np.array(rows),
        np.array(right, np.bool_),
        np.array(group),
        np.array(answerable, np.bool_),
    )


def _ways(question: Question, gold: Gold, judge: Judge, leave_out: bool) -> list[tuple[set[int], bool]]:
    """The contents to leave out, and whether there is then an answer, for each time that a question is asked."""
    named = judge.left_out(question)
    ways = [(named, question.answerable)]
    if leave_out:
        ways.append((named | set(gold.contents.tolist()), False))
    return ways


def run_calibration(
    path: Path,
    base: KnowledgeBase,
    *,
    device: str = "auto",
    threshold: float | None = None,
    dry_run: bool = False,
    counting: Callable[[int, str], AbstractContextManager[Callable[[], None]]] | None = None,
) -> Calibrated:
    """``octavo calibrate``: questions read, asked, and the map kept.

    Raises:
        QueryError: The questions make no sense; see :func:`calibrate`.
    """
    questions = read_questions(path)
    encoders = Encoders.load(base.model, device, Hearing(device=device, model=base.speech_model), width=base.width)
    with counting(len(questions), "questions") if counting else nullcontext(lambda: None) as step:
        return calibrate(base, encoders, questions, threshold=threshold, dry_run=dry_run, step=step)
