"""Two answers to one question: which spans stayed, moved, changed their words, came or went."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ...pipeline.scale import Medium
from ..hit import Answer, Hit
from .sides import Texts
from .sources import Pair

Status = Literal["same", "moved", "reworded", "new", "gone"]

SAME_PLACE = 0.5
"""Share of what two spans cover together that both must cover to stand in the same place."""


@dataclass(frozen=True, slots=True, eq=False)
class HitChange:
    """A span of one answer or of both.

    Attributes:
        status: ``same``; ``moved`` to another rank; ``reworded``, at the same place with other words, or more or fewer
            of them; ``new`` or ``gone``.
        pair: Its source on both sides; ``None`` only if the source is unknown to both.
    """

    status: Status
    before: Hit | None
    after: Hit | None
    pair: Pair | None

    def to_json(self) -> dict[str, Any]:
        """As in ``octavo diff --json``."""
        return {"status": self.status, "before": _hit_json(self.before), "after": _hit_json(self.after)}


@dataclass(frozen=True, slots=True, eq=False)
class AnswerChange:
    """Two answers to one question.

    Attributes:
        hits: In the order of the answer after, then what is gone.
    """

    before: Answer
    after: Answer
    hits: tuple[HitChange, ...]

    @property
    def handed_over(self) -> bool:
        """Whether one of them abstains and the other does not."""
        return self.before.abstain is not self.after.abstain

    @property
    def spans_changed(self) -> bool:
        """Whether they cite other spans, or the same in another order."""
        return any(hit.status != "same" for hit in self.hits)

    @property
    def changed(self) -> bool:
        """Whether a reader would see a difference. Scores alone make none: they only rank."""
        return self.spans_changed or self.handed_over

    def counts(self) -> dict[str, int]:
        """Spans by status."""
        found: dict[str, int] = {}
        for hit in self.hits:
            found[hit.status] = found.get(hit.status, 0) + 1
        return found


class Matcher:
    """Tells which spans of two sides are the same."""

    def __init__(self, pairs: Sequence[Pair], texts: Texts) -> None:
        self._texts = texts
        self._before = {pair.before.uri: pair for pair in pairs if pair.before}
        self._after = {pair.after.uri: pair for pair in pairs if pair.after}

    def pair(self, hit: Hit, *, after: bool) -> Pair | None:
        """The source that a hit cites, of the side after or before; a replay may cite it by its other path."""
        first, second = (self._after, self._before) if after else (self._before, self._after)
        uri = hit.citation.source.uri
        return first.get(uri) or second.get(uri)

    def compared(
        self, before: Answer, after: Answer, applied: Callable[[Pair], bool] = lambda pair: True
    ) -> AnswerChange:
        """What became of every span.

        Args:
            applied: Whether the answer after has seen the newer version of a source; in a replay it may not.
        """
        left = list(before.hits)
        found = []
        for hit in after.hits:
            pair = self.pair(hit, after=True)
            shares = [self._shared(older, hit, pair, applied) for older in left]
            best = max(range(len(left)), key=shares.__getitem__, default=-1)
            if best < 0 or shares[best] < SAME_PLACE:
                found.append(HitChange("new", None, hit, pair))
                continue
            match = left.pop(best)
            found.append(HitChange(_status(match, hit), match, hit, pair))
        gone = (HitChange("gone", hit, None, self.pair(hit, after=False)) for hit in left)
        return AnswerChange(before, after, (*found, *gone))

    def _shared(self, older: Hit, newer: Hit, pair: Pair | None, applied: Callable[[Pair], bool]) -> float:
        """How well an older hit covers the place of a newer one, 0 to 1."""
        old, new = older.citation, newer.citation
        if old.medium is not new.medium or pair is None or self.pair(older, after=False) is not pair:
            return 0.0
        place: tuple[int, int] | None = (old.start, old.stop)
        if old.medium is Medium.TEXT and pair.before and pair.after and applied(pair):
            place = self._texts.moved(pair.before, pair.after, old.start, old.stop)
        if place is None:
            return 0.0
        both = min(place[1], new.stop) - max(place[0], new.start)
        return max(both, 0) / (max(place[1], new.stop) - min(place[0], new.start))


def _status(before: Hit, after: Hit) -> Status:
    if before.citation.quote != after.citation.quote:
        return "reworded"
    return "same" if before.rank == after.rank else "moved"


def _hit_json(hit: Hit | None) -> dict[str, Any] | None:
    if hit is None:
        return None
    cited = hit.citation
    return {
        "rank": hit.rank,
        "score": round(hit.score, 6),
        "scale": hit.scale,
        "source": cited.source.uri,
        "sha256": cited.source.sha256,
        "medium": cited.medium.value,
        "start": cited.start,
        "stop": cited.stop,
        "text": cited.quote,
    }
