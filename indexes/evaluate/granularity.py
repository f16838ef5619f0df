"""Evidence once a question; then each scale alone, every pair and all fused, at equal budgets of context."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from time import perf_counter
from typing import cast

import numpy as np
import numpy.typing as npt

from ...pipeline.errors import QueryError
from ...pipeline.posteriors import FRAME
from ...pipeline.scale import PHONEME, TEXT_SCALES, Medium
from ..choose import Ints, Ranking, pack, rank, runs
from ..cite import cite, cite_sound
from ..collection import KnowledgeBase
from ..confidence.assess import calibration_of
from ..evidence import Universe
from ..hit import Citation
from ..metered import Metered
from ..ranges import Ranges
from ..retrieve import QUESTION_CHARACTERS, Encoders, find, retrieve
from ..snapshot import Snapshot
from ..sound.audible import UTTERANCES, Audible
from ..sound.joined import listen_for, listened_for
from . import metrics
from .collecting import Collector
from .confidence_signals import confidence_signals
from .gold import Gold, Judge
from .ground import Ground
from .grounding import Grounder, Grounding
from .metrics import NOT_APPLICABLE
from .questions import Question
from .rows import FUSED, Kind, Row, rows
from .run import EvaluationRun, Judged, main_budget
from .said_times import SaidTimes

Floats = npt.NDArray[np.float64]

BUDGETS = (400, 800, 1600, 3200, 6400)
RANKS = (1, 5, 10)
RUN_DEPTH = 100
"""Spans a question that a TREC run file holds."""

Ranked = list[tuple[str, float]]
"""What was ranked for a question, best first: name and score."""


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """A run, and the fused rankings behind it for a TREC run file.

    Attributes:
        ranked_sources: By question: paths, best first.
    """

    run: EvaluationRun
    ranked_sources: list[Ranked]
    relevant_sources: list[dict[str, int]]


@dataclass(slots=True)
class _Measured:
    """The values of one question."""

    scores: dict[str, list[float]] = field(default_factory=dict)
    signals: dict[str, float] = field(default_factory=dict)

    def put(self, name: str, value: float) -> None:
        self.scores.setdefault(name, []).append(value)


def evaluate(
    base: KnowledgeBase,
    encoders: Encoders,
    questions: Sequence[Question],
    budgets: Sequence[int] = BUDGETS,
    *,
    step: Callable[[], None] = lambda: None,
) -> Evaluation:
    """Measure how well every scale, alone and fused, finds what the questions ask for.

    Candidates are those of all scales in every row, so rows differ by what ranks them.

    Args:
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
        table = rows(snapshot.scales)
        asker = _Asker(snapshot, encoders, table, budgets, judge.times)
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


class _Asker:
    """Asks one question after the other."""

    def __init__(
        self,
        snapshot: Snapshot,
        encoders: Encoders,
        table: Sequence[Row],
        budgets: Sequence[int],
        times: SaidTimes,
    ) -> None:
        self._snapshot, self._encoders, self._table, self._budgets = snapshot, encoders, table, budgets
        self._times = times
        self._uris: dict[int, str] = {}
        self._grounder = Grounder()
        self._calibration = calibration_of(snapshot)
        self._shown = self._budgets.index(main_budget(self._budgets))
        self.collector = Collector(snapshot, self._budgets[self._shown])

    def uri(self, content: int) -> str:
        """The first path of a content."""
        if content not in self._uris:
            self._uris[content] = self._snapshot.content(content).source.uri
        return self._uris[content]

    def measure(self, question: Question, gold: Gold, ranges: Ranges | None) -> tuple[_Measured, Ranked]:
        measured = _Measured()
        self.collector.ask(gold)
        ms: dict[str, float] = {}
        metered = Metered(self._snapshot)
        # It passes on everything a snapshot has, which the type checker cannot see.
        snapshot = cast(Snapshot, metered)
        found = find(question.text, snapshot, self._encoders, ms, ranges=ranges)
        evidence, count = found.evidence, len(found.universe)
        index_ms = metered.reset()
        audible = self._listen(question, found.universe, ranges, ms) if snapshot.holds(PHONEME) else None
        index_ms[PHONEME.name] = ms.get("listen", 0.0)
        ground = Ground.of(found.universe, audible, gold, self._times)
        universe = ground.universe
        sources: Ranked = []
        packed: list[npt.NDArray[np.bool_]] = []
        for row in self._table:
            scores = row.scores(evidence, count, audible)
            scored = perf_counter()
            ranking = rank(universe, scores, row.unit)
            ranked = perf_counter()
            taken = [pack(universe, ranking, budget)[1] for budget in self._budgets]
            self.collector.answer(row, universe, ranking, taken[self._shown])
            if row.name == FUSED:
                # A search has one budget.
                ms["choose"] = (ranked - scored + (perf_counter() - ranked) / len(self._budgets)) * 1000
                packed = taken
                sources = self._sources(universe, ranking)
            self._score(measured, ground, gold, row, ranking, taken)
        cited = self._cite(measured, universe, audible, packed, ms)
        self._duplicates(measured, universe, packed, cited)
        measured.signals |= {f"ms {stage}": spent for stage, spent in ms.items()} | {"ms total": sum(ms.values())}
        for name in [*(scale.name for scale in (*TEXT_SCALES, PHONEME)), "lexical"]:
            measured.signals[f"ms index {name}"] = index_ms.get(name, 0.0)
        measured.signals["sentences scored"] = float(count)
        measured.signals |= confidence_signals(question, found, gold, self._calibration)
        return measured, sources

    def _listen(
        self, question: Question, universe: Universe, ranges: Ranges | None, ms: dict[str, float]
    ) -> Audible | None:
        """The utterances in which the question's words are heard, beside the sentences."""
        began = perf_counter()
        sought = listened_for(question.text, self._snapshot)
        heard = listen_for(sought, self._snapshot, self._encoders.hearing, k=UTTERANCES, ranges=ranges)
        audible = Audible.of(universe, heard, self._snapshot) if heard else None
        ms["listen"] = (perf_counter() - began) * 1000
        return audible

    def _score(
        self,
        measured: _Measured,
        ground: Ground,
        gold: Gold,
        row: Row,
        ranking: Ranking,
        taken: Sequence[npt.NDArray[np.bool_]],
    ) -> None:
        whole = gold.characters
        by_characters = whole > 0
        judged = len(gold.contents) > 0
        universe = ground.universe
        for budget, mask in zip(self._budgets, taken, strict=True):
            first, last = runs(universe, mask)
            measured.put(f"characters@{budget}", float((universe.stop[last - 1] - universe.start[first]).sum()))
            starts, stops = ground.answer(first, last)
            extents = metrics.extent(starts, stops, gold.timed)
            retrieved = float(extents.sum())
            wrong = float(extents[~np.isin(metrics.off_axis(starts)[0], gold.contents)].sum())
            measured.put(f"wrong-source@{budget}", wrong / retrieved if judged and retrieved else NOT_APPLICABLE)
            shared = metrics.overlaps(starts, stops, gold.starts, gold.stops)
            both = float((extents * shared.sum(axis=1) / np.maximum(stops - starts, 1)).sum())
            for name, value in (
                ("recall", metrics.recall(both, whole)),
                ("precision", metrics.precision(both, retrieved)),
                ("iou", metrics.intersection_over_union(both, retrieved, whole)),
                # A gold span is there as a whole if one span of the answer holds all of it.
                (
                    "whole-gold",
                    float(np.mean(shared.max(axis=0, initial=0) == gold.stops - gold.starts)) if whole else 0.0,
                ),
            ):
                measured.put(f"{name}@{budget}", value if by_characters else NOT_APPLICABLE)
        measured.put("precision-omega", gold.omega.get(row.unit, NOT_APPLICABLE))
        held = _holds_gold(*ground.spans(ranking), gold).astype(np.float64)
        self._ranks(measured, "span", held, np.ones(gold.units.get(row.unit, 0)), by_characters)
        contents, _ = _first_of_each(universe.content[ranking.first])
        grade = dict(zip(gold.contents.tolist(), gold.grades.tolist(), strict=True))
        gains = np.array([grade.get(content, 0) for content in contents.tolist()], np.float64)
        self._ranks(measured, "source", gains, gold.grades.astype(np.float64), judged)

    @staticmethod
    def _ranks(measured: _Measured, of: str, gains: Floats, all_gains: Floats, applies: bool) -> None:
        for k in RANKS:
            found = metrics.recall_at(gains, len(all_gains), k)
            measured.put(f"{of}-recall@{k}", found if applies else NOT_APPLICABLE)
        measured.put(f"{of}-ndcg@10", metrics.ndcg_at(gains, all_gains, 10) if applies else NOT_APPLICABLE)
        measured.put(f"{of}-mrr", metrics.reciprocal_rank(gains) if applies else NOT_APPLICABLE)

    def _sources(self, universe: Universe, ranking: Ranking) -> Ranked:
        contents, at = _first_of_each(universe.content[ranking.first])
        pairs = zip(contents.tolist(), ranking.score[at].tolist(), strict=True)
        return [(self.uri(content), score) for content, score in pairs][:RUN_DEPTH]

    def _cite(
        self,
        measured: _Measured,
        universe: Universe,
        audible: Audible | None,
        packed: Sequence[npt.NDArray[np.bool_]],
        ms: dict[str, float],
    ) -> list[tuple[int, int, Citation]]:
        """Cite the fused answer at the widest budget, and try every citation on its source."""
        cited = []
        outcomes: Counter[Grounding] = Counter()
        spent = 0.0
        for a, b in zip(*(side.tolist() for side in runs(universe, packed[-1])), strict=True):
            began = perf_counter()
            content = self._snapshot.content(int(universe.content[a]))
            if audible and a >= audible.sentences:
                sound = a - audible.sentences
                citation = cite_sound(self._snapshot, content, int(audible.start[sound]), int(audible.stop[sound]))
            else:
                citation = cite(self._snapshot, content, int(universe.start[a]), int(universe.stop[b - 1]))
                cited.append((a, b, citation))
            spent += (perf_counter() - began) * 1000
            # A last frame may have been filled up with silence.
            length = content.text_length if citation.medium is Medium.TEXT else content.samples + FRAME
            outcomes[self._grounder.grounding(citation, length)] += 1
        ms["cite"] = spent
        measured.signals["citations"] = float(outcomes.total())
        for outcome in Grounding:
            measured.signals[f"citations {outcome}"] = float(outcomes[outcome])
        return cited

    def _duplicates(
        self,
        measured: _Measured,
        universe: Universe,
        packed: Sequence[npt.NDArray[np.bool_]],
        cited: Sequence[tuple[int, int, Citation]],
    ) -> None:
        """Share of what was retrieved, by characters, whose words the answer holds already; sound has none."""
        words: dict[int, str] = {}
        for a, b, citation in cited:
            for at in range(a, b):
                here = slice(int(universe.start[at]) - citation.start, int(universe.stop[at]) - citation.start)
                words[at] = _bare(citation.quote[here])
        for budget, mask in zip(self._budgets, packed, strict=True):
            seen: set[str] = set()
            again = total = 0
            for at in np.flatnonzero(mask).tolist():
                start, stop = int(universe.start[at]), int(universe.stop[at])
                if at not in words:
                    sounds = universe.sentence[at] < 0
                    words[at] = "" if sounds else _bare(self._snapshot.text(int(universe.content[at]), start, stop))
                total += stop - start
                again += stop - start if words[at] and words[at] in seen else 0
                seen.add(words[at])
            measured.signals[f"duplicates@{budget}"] = again / total if total else NOT_APPLICABLE


def _holds_gold(starts: Ints, stops: Ints, gold: Gold) -> npt.NDArray[np.bool_]:
    """Which spans on the axis hold gold. *Shape:* (m,)"""
    # Gold is disjoint and sorted: the first to end behind a span's start is held by the span, or none is.
    at = np.searchsorted(gold.stops, starts, side="right")
    inside = at < len(gold.starts)
    held = np.zeros(len(starts), np.bool_)
    held[inside] = gold.starts[at[inside]] < stops[inside]
    return held


def _first_of_each(values: Ints) -> tuple[Ints, Ints]:
    """Distinct values in order of appearance, and where each appears first."""
    distinct, at = np.unique(values, return_index=True)
    order = np.argsort(at)
    return distinct[order], at[order]


def _bare(text: str) -> str:
    return " ".join(text.casefold().split())
