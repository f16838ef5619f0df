"""Whether a changed answer is better or worse, where it is known what should have been found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ...pipeline.errors import QueryError
from ...pipeline.scale import Medium
from ..collection import StoredSource
from ..evaluate.gold import Gold, Judge
from ..evaluate.questions import Question
from ..hit import Answer
from .sides import Side, Texts
from .sources import Pair

Outcome = Literal["better", "worse", "same", "unknown"]

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How both answers fare.

    Attributes:
        before, after: Share of what should be found that the answer's spans cover; of sources as a whole the share of
            them that is cited; 1 or 0 for rightly or wrongly abstaining. ``None`` where it cannot be judged.
    """

    outcome: Outcome
    before: float | None = None
    after: float | None = None

    def to_json(self) -> dict[str, Any]:
        """As in ``octavo diff --json``."""
        return {"outcome": self.outcome, "before": self.before, "after": self.after}


class Jury:
    """Judges answers of both sides by the same labels, which may be written for either."""

    def __init__(self, before: Side, after: Side, pairs: Sequence[Pair], texts: Texts) -> None:
        self._texts = texts
        self._judges = Judge(before.base, before.snapshot), Judge(after.base, after.snapshot)
        self._pairs = pairs

    def verdict(self, question: Question, before: Answer, after: Answer) -> Verdict:
        """Whether the answer after is better."""
        if not question.answerable:
            return _compared(float(before.abstain), float(after.abstain))
        scores = [self._score(question, 0, before), self._score(question, 1, after)]
        if scores[0] is None and scores[1] is None:
            return Verdict("unknown")
        # What a side does not hold it cannot find.
        return _compared(scores[0] or 0.0, scores[1] or 0.0)

    def _score(self, question: Question, side: int, answer: Answer) -> float | None:
        """``None`` if the side does not hold what should be found."""
        wanted = self._wanted(question, side)
        if wanted is None:
            return None
        covered = total = 0
        for uri, places in wanted.items():
            own = [hit.citation for hit in answer.hits if hit.citation.source.uri == uri]
            if not places:
                total += 1
                covered += bool(own)
            for start, stop in places:
                spans = [(one.start, one.stop) for one in own if one.medium is Medium.TEXT]
                total += stop - start
                covered += _covered((start, stop), spans)
        return covered / total if total else None

    def _wanted(self, question: Question, side: int) -> dict[str, list[Place]] | None:
        """Places by path on one side; without places for a source as a whole."""
        for written_for in (0, 1):
            try:
                gold = self._judges[written_for].gold(question)
            except QueryError:
                continue  # of a source that this side does not hold, or of another version of it
            return self._carried(gold, written_for, side)
        return None

    def _carried(self, gold: Gold, written_for: int, side: int) -> dict[str, list[Place]] | None:
        wanted: dict[str, list[Place]] = {}
        by_content = {own.content: pair for pair in self._pairs if (own := _of(pair, written_for))}
        for content in gold.contents.tolist():
            pair = by_content.get(content)
            there = _of(pair, side) if pair else None
            if pair is None or there is None:
                continue
            places = [(start, stop) for one, start, stop in gold.written if one == content]
            if written_for != side:
                places = [place for one in places if (place := self._moved(pair, one, written_for))]
            wanted[there.uri] = places
        return wanted or None

    def _moved(self, pair: Pair, place: Place, written_for: int) -> Place | None:
        assert pair.before is not None
        assert pair.after is not None
        if written_for == 0:
            return self._texts.moved(pair.before, pair.after, *place)
        return self._texts.moved_back(pair.before, pair.after, *place)


def _of(pair: Pair, side: int) -> StoredSource | None:
    return pair.after if side else pair.before


def _covered(wanted: Place, spans: Sequence[Place]) -> int:
    """Characters of a place that some spans cover."""
    covered, upto = 0, wanted[0]
    for start, stop in sorted(spans):
        start, stop = max(start, upto), min(stop, wanted[1])
        if start < stop:
            covered, upto = covered + stop - start, stop
    return covered


def _compared(before: float, after: float) -> Verdict:
    outcome: Outcome = "better" if after > before else "worse" if after < before else "same"
    return Verdict(outcome, round(before, 4), round(after, 4))
