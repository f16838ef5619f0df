"""Why a place that was expected is not in the answer: was it proposed, and what does it lack?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...pipeline.errors import QueryError
from ...pipeline.scale import SECTION, SENTENCE
from ..evidence import Universe
from ..found import Found
from .origin import Glimpse, glimpse, ids_of
from .places import named_place
from .scoring import Column, Proposal, columns_of, proposals

if TYPE_CHECKING:
    from ..ask import Question
    from ..collection import KnowledgeBase
    from ..hit import Answer
    from ..metered import Proposed
    from ..notes import Notes
    from ..store.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Expected:
    """What became of an expected place.

    Attributes:
        seen: Its best sentence.
        rank: Of the hit that holds it; ``None`` if it is in none.
        considered: Whether any index proposed its section; if not, the scores say what it would have had.
        position: Of its best sentence among all that came into question, from 1.
        score: Of that sentence.
        least: Score of the answer's last hit: what had to be reached.
        verdict: The reason, in a sentence.
    """

    seen: Glimpse
    rank: int | None
    considered: bool
    position: int
    score: float
    least: float | None
    verdict: str
    proposals: tuple[Proposal, ...]
    columns: tuple[Column, ...]

    def to_json(self) -> dict[str, Any]:
        """As in ``octavo explain --json``."""
        return {
            "place": self.seen.to_json(),
            "in_hit": self.rank,
            "considered": self.considered,
            "position": self.position,
            "score": round(self.score, 6),
            "least_score_of_the_answer": None if self.least is None else round(self.least, 6),
            "verdict": self.verdict,
            "proposals": [one.to_json() for one in self.proposals],
            "columns": [column.to_json() for column in self.columns],
        }


def expected_at(
    base: KnowledgeBase,
    snapshot: Snapshot,
    answer: Answer,
    notes: Notes,
    noted: Sequence[Proposed],
    place: str,
    question: Question,
) -> Expected:
    """Looks for a place, see :func:`.places.named_place`, in what a search left behind.

    Raises:
        QueryError: It names no text of the knowledge base.
    """
    found = notes.found
    if found is None:
        raise QueryError(f"{place}: a search by sound alone chooses no text; leave out --scale phoneme")
    named = named_place(base, snapshot, place)
    content_id, start, stop = named.content, named.start, named.stop
    content = snapshot.content(content_id)
    spans = snapshot.between(np.array([[content.first, content.stop]], np.int64))
    own = (spans.rank == SENTENCE.rank) & (spans.start < stop) & (spans.stop > start)
    if not own.any():
        raise QueryError(
            f"{place}: no sentence of {content.source.uri} stands there; it has {content.text_length:,} characters"
        )
    sentences = spans.id[own]
    considered = bool(np.isin(sentences, found.universe.spans.id).any())
    if not considered:
        found = _with(found, spans.id[(spans.rank == SECTION.rank) & (spans.start < stop) & (spans.stop > start)])
    universe, total = found.universe, found.fused.total
    rows = np.flatnonzero(np.isin(universe.spans.id[universe.sentence], sentences))
    best = int(rows[total[rows].argmax()])
    score = float(total[best])
    position = int((total > score).sum()) + 1
    seen = glimpse(snapshot, content_id, int(universe.start[best]), int(universe.stop[best]))
    rank = next(
        (
            hit.rank
            for hit in answer.hits
            if hit.citation.source.sha256 == content.source.sha256
            and hit.citation.start < seen.stop
            and seen.start < hit.citation.stop
        ),
        None,
    )
    least = answer.hits[-1].score if answer.hits else None
    allowed = question.where is None or bool(
        len(snapshot.contents(question.where)) and content.first in _starts(snapshot, question)
    )
    return Expected(
        seen,
        rank,
        considered,
        position,
        score,
        least,
        _verdict(rank, considered, allowed, position, score, least),
        proposals(found, ids_of(universe, best), noted),
        columns_of(found, (best, best + 1), score),
    )


def _starts(snapshot: Snapshot, question: Question) -> set[int]:
    allowed = snapshot.contents(question.where)
    live = snapshot.between(allowed)
    return set(live.id.tolist())


def _verdict(
    rank: int | None, considered: bool, allowed: bool, position: int, score: float, least: float | None
) -> str:
    if rank is not None:
        return f"it is in the answer, in hit {rank}"
    if not allowed:
        return "its source was left out by a filter of the question"
    if not considered:
        return (
            "no index proposed it or its section, so it was never scored; if it had been, it would have had"
            f" {score:.3f} and place {position:,} among the sentences"
        )
    if least is not None and score < least:
        return f"scored {score:.3f}, place {position:,} among the sentences: less than the last hit's {least:.3f}"
    return (
        f"scored {score:.3f}, place {position:,} among the sentences, and gave way: a better hit stands beside it,"
        " or its score is shared by others before it"
    )


def _with(found: Found, sections: np.ndarray) -> Found:
    """What was found, had these sections been proposed too."""
    spans = found.universe.spans
    every = np.union1d(spans.id[spans.rank == SECTION.rank], sections)
    return found.over(Universe.of(found.snapshot.subtree(every)))
