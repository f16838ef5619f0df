"""Whether a changed answer is better or worse, where it is known what should have been found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ...pipeline.errors import QueryError
from ...pipeline.scale import Medium
from ..evaluate.gold import Gold, Judge
from ..evaluate.metrics import off_axis
from ..evaluate.questions import Question
from ..evaluate.said_times import milliseconds
from ..hit import Answer, Citation
from ..sound.as_written import CHARACTERS_A_SECOND
from ..store.sources import StoredSource
from .sides import Side, Texts
from .sources import Pair

Outcome = Literal["better", "worse", "same", "unknown"]

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How both answers fare.

    Attributes:
        before, after: Share of what should be found that the answer's spans cover, in characters or, where times of a
            recording are named, in milliseconds; of sources as a whole the share of them that is cited; 1 or 0 for
            rightly or wrongly abstaining. ``None`` where it cannot be judged.
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
        covered = total = 0.0
        for one in wanted:
            digest = one.source.sha256 if one.source else ""
            own = [hit.citation for hit in answer.hits if hit.citation.source.sha256 == digest]
            if one.whole:
                total += 1
                covered += bool(own)
                continue
            weight = CHARACTERS_A_SECOND / 1000 if one.timed else 1.0
            spans = [self._placed(cited, one.source, one.timed, side) for cited in own if one.source]
            total += one.lost * weight
            for start, stop in one.places:
                total += (stop - start) * weight
                covered += _covered((start, stop), spans) * weight
        return covered / total if total else None

    def _placed(self, cited: Citation, source: StoredSource, timed: bool, side: int) -> Place:
        """Where a citation stands, in the characters or milliseconds that it is judged by."""
        times = self._judges[side].times
        if cited.medium is Medium.TEXT:
            if not timed:
                return cited.start, cited.stop
            start, stop = times.said(source.content, np.array([cited.start]), np.array([cited.stop]))
            return int(start[0]), int(stop[0])
        if timed:
            return int(milliseconds(cited.start)), int(milliseconds(cited.stop))
        return times.written(source.content, cited.start, cited.stop, source.text_length) or (0, 0)

    def _wanted(self, question: Question, side: int) -> list[_Wanted] | None:
        """What should be found on one side."""
        for written_for in (0, 1):
            try:
                gold = self._judges[written_for].gold(question)
            except QueryError:
                continue  # of a source that this side does not hold, or of another version of it
            wanted = self._carried(gold, written_for, side)
            return wanted if any(one.held for one in wanted) else None
        return None

    def _carried(self, gold: Gold, written_for: int, side: int) -> list[_Wanted]:
        """Gold of one side as it stands on a side: characters move with the text, times stay in the same recording."""
        wanted = []
        by_content = {own.content: pair for pair in self._pairs if (own := _of(pair, written_for))}
        contents, starts = off_axis(gold.starts)
        stops = off_axis(gold.stops)[1]
        for content in gold.contents.tolist():
            own = contents == content
            places = list(zip(starts[own].tolist(), stops[own].tolist(), strict=True))
            timed, whole = content in gold.timed, not len(gold.starts)
            pair = by_content.get(content)
            there = _of(pair, side) if pair else None
            kept: list[Place] = []
            if pair is not None and there is not None:
                if written_for == side:
                    kept = places
                elif timed:  # in another recording nothing says where the place is now
                    kept = places if pair.before and pair.after and pair.before.sha256 == pair.after.sha256 else []
                else:
                    kept = [place for one in places if (place := self._moved(pair, one, written_for))]
            # What was cut is still wanted: losing it must not make an answer better.
            lost = max(_length(places) - _length(kept), 0) if len(kept) < len(places) else 0
            wanted.append(_Wanted(there, timed, whole, tuple(kept), lost))
        return wanted

    def _moved(self, pair: Pair, place: Place, written_for: int) -> Place | None:
        assert pair.before is not None
        assert pair.after is not None
        if written_for == 0:
            return self._texts.moved(pair.before, pair.after, *place)
        return self._texts.moved_back(pair.before, pair.after, *place)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What should be found in one source of a side.

    Attributes:
        source: ``None`` where the side does not hold it.
        timed: It is judged in milliseconds, as by ``octavo eval``.
        whole: The source as a whole is wanted.
        places: Characters, or milliseconds.
        lost: Length of the places that the side does not hold.
    """

    source: StoredSource | None
    timed: bool
    whole: bool
    places: tuple[Place, ...]
    lost: int

    @property
    def held(self) -> bool:
        """Whether the side holds any of it."""
        return self.source is not None and (self.whole or bool(self.places))


def _length(places: Sequence[Place]) -> int:
    return sum(stop - start for start, stop in places)


def _of(pair: Pair, side: int) -> StoredSource | None:
    return pair.after if side else pair.before


def _covered(wanted: Place, spans: Sequence[Place]) -> int:
    """Characters or milliseconds of a place that some spans cover."""
    covered, upto = 0, wanted[0]
    for start, stop in sorted(spans):
        start, stop = max(start, upto), min(stop, wanted[1])
        if start < stop:
            covered, upto = covered + stop - start, stop
    return covered


def _compared(before: float, after: float) -> Verdict:
    outcome: Outcome = "better" if after > before else "worse" if after < before else "same"
    return Verdict(outcome, round(before, 4), round(after, 4))
