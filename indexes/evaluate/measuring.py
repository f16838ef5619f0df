"""One question: every row ranks the same candidates, and what it retrieves at every budget is judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import cast

import numpy as np
import numpy.typing as npt

from ...pipeline.scale import PHONEME, TEXT_SCALES
from ..choose import Ints, Ranking, pack, rank, runs
from ..confidence.assess import calibration_of
from ..evidence import LEXICAL, Universe
from ..found import Found
from ..late_interaction import TOKEN
from ..metered import Metered
from ..names import NAME
from ..retrieve import Encoders, find
from ..sound.audible import UTTERANCES, Audible
from ..sound.joined import listen_for, listened_for
from ..store.ranges import Ranges
from ..store.snapshot import Snapshot
from ..weighting.weights import Weights
from . import metrics
from .citing import Citing
from .collecting import Collector
from .confidence_signals import confidence_signals
from .gold import Gold
from .ground import Ground
from .metrics import NOT_APPLICABLE
from .questions import Question
from .rows import FUSED, Row
from .run import main_budget
from .said_times import SaidTimes

Floats = npt.NDArray[np.float64]

RANKS = (1, 5, 10)
RUN_DEPTH = 100
"""Spans a question that a TREC run file holds."""

Ranked = list[tuple[str, float]]
"""What was ranked for a question, best first: name and score."""


@dataclass(slots=True)
class Measured:
    """The values of one question."""

    scores: dict[str, list[float]] = field(default_factory=dict)
    signals: dict[str, float] = field(default_factory=dict)

    def put(self, name: str, value: float) -> None:
        self.scores.setdefault(name, []).append(value)


class Asker:
    """Asks one question after the other."""

    def __init__(
        self,
        snapshot: Snapshot,
        encoders: Encoders,
        table: Sequence[Row],
        budgets: Sequence[int],
        times: SaidTimes,
        weights: Weights = Weights.QUERY,
    ) -> None:
        self._snapshot, self._encoders, self._table, self._budgets = snapshot, encoders, table, budgets
        self._times, self._weights = times, weights
        self._uris: dict[int, str] = {}
        self._citing = Citing(snapshot)
        self._calibration = calibration_of(snapshot)
        self._shown = self._budgets.index(main_budget(self._budgets))
        self.collector = Collector(snapshot, self._budgets[self._shown])

    def uri(self, content: int) -> str:
        """The first path of a content."""
        if content not in self._uris:
            self._uris[content] = self._snapshot.content(content).source.uri
        return self._uris[content]

    def measure(self, question: Question, gold: Gold, ranges: Ranges | None) -> tuple[Measured, Ranked]:
        """The values of a question in every row, and the paths that the fused row ranks, best first."""
        measured = Measured()
        self.collector.ask(gold)
        ms: dict[str, float] = {}
        metered = Metered(self._snapshot)
        # It passes on everything a snapshot has, which the type checker cannot see.
        snapshot = cast(Snapshot, metered)
        found = find(question.text, snapshot, self._encoders, ms, ranges=ranges, weights=self._weights)
        evidence, count = found.evidence, len(found.universe)
        index_ms = metered.reset()
        audible = self._listen(question, found, ranges, ms) if snapshot.holds(PHONEME) else None
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
        cited = self._citing.cite(measured, universe, audible, packed[-1], ms)
        self._citing.duplicates(measured, universe, zip(self._budgets, packed, strict=True), cited)
        measured.signals |= {f"ms {stage}": spent for stage, spent in ms.items()} | {"ms total": sum(ms.values())}
        tokens = (TOKEN,) if snapshot.token_fingerprint else ()
        for name in [*(scale.name for scale in (*TEXT_SCALES, PHONEME)), LEXICAL, NAME, *tokens]:
            measured.signals[f"ms index {name}"] = index_ms.get(name, 0.0)
        measured.signals["sentences scored"] = float(count)
        measured.signals |= confidence_signals(question, found, gold, self._calibration)
        return measured, sources

    def _listen(self, question: Question, found: Found, ranges: Ranges | None, ms: dict[str, float]) -> Audible | None:
        """The utterances in which the question's words are heard, beside the sentences."""
        began = perf_counter()
        sought = listened_for(question.text, self._snapshot, found.words)
        heard = listen_for(sought, self._snapshot, self._encoders.hearing, k=UTTERANCES, ranges=ranges)
        audible = Audible.of(found.universe, heard, self._snapshot) if heard else None
        ms["listen"] = (perf_counter() - began) * 1000
        return audible

    def _score(
        self,
        measured: Measured,
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
    def _ranks(measured: Measured, of: str, gains: Floats, all_gains: Floats, applies: bool) -> None:
        for k in RANKS:
            found = metrics.recall_at(gains, len(all_gains), k)
            measured.put(f"{of}-recall@{k}", found if applies else NOT_APPLICABLE)
        measured.put(f"{of}-ndcg@10", metrics.ndcg_at(gains, all_gains, 10) if applies else NOT_APPLICABLE)
        measured.put(f"{of}-mrr", metrics.reciprocal_rank(gains) if applies else NOT_APPLICABLE)

    def _sources(self, universe: Universe, ranking: Ranking) -> Ranked:
        contents, at = _first_of_each(universe.content[ranking.first])
        pairs = zip(contents.tolist(), ranking.score[at].tolist(), strict=True)
        return [(self.uri(content), score) for content, score in pairs][:RUN_DEPTH]


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
