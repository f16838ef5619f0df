"""Everything between the bytes of a source and one hit: asked of the search itself, which leaves its notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, cast

from ...pipeline.errors import QueryError
from ...pipeline.scale import PHONEME, Medium
from ..ask import Question, ask
from ..choose import AGREEMENT, LEAST_CHARACTERS, Choice, Verdict
from ..hit import Answer, Hit
from ..metered import Metered
from ..notes import Notes
from ..retrieve import MOST_HITS
from .expected import Expected, expected_at
from .heard import HeardPlace, heard_places
from .origin import Level, Origin, chain, ids_of, origin_of, sound_chain
from .scoring import DIGITS, Column, Proposal, Word, columns_of, first_sentence, proposals, summed, words_of

if TYPE_CHECKING:
    from ..collection import KnowledgeBase
    from ..found import Found
    from ..store.snapshot import Snapshot

RUNNERS_UP: Final = 3
"""Spans shown that came next after the answer."""
_FOLLOWING: Final = 20
"""Spans after the answer that can be asked for by their rank."""
_LOOKED_AT: Final = 50
"""Choices beyond the answer among which they are looked for: some are in the answer already."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one hit of an answer is where it is.

    Attributes:
        answer: All hits of the answer.
        hit: The one that is explained; ``None`` where nothing was found.
        beyond: It is no part of the answer: as many hits were not asked for.
        origin: Its source.
        levels: The spans that hold it, finest first.
        words: Of the question.
        proposals: What each index made of it.
        columns: The evidence; what sound adds is not among them. Shares sum to the score of the text.
        shares: What each name adds to the score of the hit; they sum to it.
        reasons: Why it has the size that it has, in sentences.
        heard: The words that were heard in it.
        close: The other hits, and those that came next.
        expected: What became of a place that was expected instead.
    """

    answer: Answer
    hit: Hit | None
    beyond: bool = False
    origin: Origin | None = None
    levels: tuple[Level, ...] = ()
    words: tuple[Word, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    columns: tuple[Column, ...] = ()
    shares: Mapping[str, float] | None = None
    reasons: tuple[str, ...] = ()
    heard: tuple[HeardPlace, ...] = ()
    close: tuple[Hit, ...] = ()
    expected: Expected | None = None

    def to_json(self) -> dict[str, Any]:
        """As ``octavo explain --json`` prints it."""
        return {
            "query": self.answer.query,
            "generation": self.answer.generation,
            "timings_ms": {stage: round(ms, 2) for stage, ms in self.answer.timings_ms.items()},
            "warnings": list(self.answer.warnings),
            "hit": self.hit.to_json() if self.hit else None,
            "beyond_the_answer": self.beyond,
            "source": self.origin.to_json() if self.origin else None,
            "spans": [level.to_json() for level in self.levels],
            "words": [word.to_json() for word in self.words],
            "proposals": [one.to_json() for one in self.proposals],
            "columns": [column.to_json() for column in self.columns],
            "shares": dict(self.shares or {}),
            "reasons": list(self.reasons),
            "heard": [one.to_json() for one in self.heard],
            "close": [hit.to_json() for hit in self.close],
            "expected": self.expected.to_json() if self.expected else None,
        }


def explain(
    base: KnowledgeBase, question: Question, *, rank: int = 1, place: str = "", generation: int | None = None
) -> Explanation:
    """Asks a question and says why the hit of a rank was chosen.

    Args:
        rank: From 1; one beyond the answer is a span that came next.
        place: What was expected instead: characters, a page or a time, see :func:`.places.named_place`.
        generation: Explain the answer of an earlier one than the newest.

    Raises:
        QueryError: There is no such rank or place, or the question makes no sense.
        GenerationGone: The generation can no longer be read in full.
    """
    with base.snapshot(generation) as snapshot:
        metered = Metered(snapshot, keep=True)
        # It passes on everything a snapshot has, which the type checker cannot see.
        watched = cast("Snapshot", metered)
        notes = Notes()
        answer = ask(question, watched, base.encoders(), notes)
        answer = replace(answer, warnings=(*answer.warnings, *snapshot.notes))
        noted = list(metered.proposed)
        found = notes.found
        next_hits = _next(found, question, answer) if found is not None else ()
        hit, beyond = _subject(answer, next_hits, rank)
        expected = expected_at(base, snapshot, answer, notes, noted, place, question) if place else None
        words = words_of(answer.query, found, None) if found is not None else ()
        close = (*(one for one in answer.hits if one is not hit), *(one for one in next_hits if one is not hit))
        if hit is None:
            return Explanation(answer, None, words=words, close=close[:RUNNERS_UP], expected=expected)
        content = _content(snapshot, hit)
        choice = _choice(found, hit, notes.choices) if found is not None else None
        heard = heard_places(snapshot, base.encoders().hearing, notes, hit, answer.query)
        explained = Explanation(
            answer,
            hit,
            beyond,
            origin=origin_of(snapshot, content, hit.citation),
            words=words,
            heard=heard,
            close=close[: len(answer.hits) + RUNNERS_UP - 1],
            expected=expected,
        )
        if found is None or choice is None:
            score = round(hit.score, DIGITS)
            return replace(
                explained,
                levels=sound_chain(snapshot, heard[0].utterance) if heard else (),
                shares={next(iter(hit.contributions)): score} if len(hit.contributions) == 1 else {},
                reasons=("the span is the word as it was heard, from the first to the last of its phones",),
            )
        ids = ids_of(found.universe, first_sentence(found, choice))
        columns = columns_of(found, choice.core, choice.score)
        shares = summed(columns)
        if sound := round(hit.score * 10**DIGITS) - round(choice.score * 10**DIGITS):
            shares[PHONEME.name] = sound / 10**DIGITS
        return replace(
            explained,
            levels=chain(snapshot, ids),
            words=words_of(answer.query, found, choice),
            proposals=proposals(found, ids, noted),
            columns=columns,
            shares=shares,
            reasons=reasons(choice, question.budget, bool(question.scales)),
        )


def reasons(choice: Choice, budget: int | None, pinned: bool) -> tuple[str, ...]:
    """Why a span has the size that it has."""
    if budget is not None:
        return (f"with a budget of {budget:,} characters spans are taken best first as long as they fit",)
    if pinned:
        return (f"the scale {choice.scale} was asked for, so nothing was widened",)
    said = []
    for step in choice.steps:
        agreement = f"{step.agreement:.0%} of the best sentence's own score; {AGREEMENT:.0%} is needed"
        said.append(
            {
                Verdict.AGREED: f"widened to the {step.scale}: its sentences agree (they reach {agreement})",
                Verdict.HEADING: "the best sentence is a heading, which answers nothing: its paragraph took its place",
                Verdict.DISAGREED: f"not widened to the {step.scale}: its sentences disagree (they reach {agreement})",
                Verdict.TAKEN: f"not widened to the {step.scale}: a better hit has a part of it already",
                Verdict.SHORT: f"shorter than {LEAST_CHARACTERS} characters, so its neighbours came along",
            }[step.verdict]
        )
    return tuple(said) or ("the sentence is enough by itself",)


def _subject(answer: Answer, following: tuple[Hit, ...], rank: int) -> tuple[Hit | None, bool]:
    if rank <= len(answer.hits):
        return answer.hits[rank - 1], False
    if not answer.hits and not following:
        return None, False
    at = rank - len(answer.hits) - 1
    if at >= len(following):
        raise QueryError(
            f"there is no hit {rank}: the answer has {len(answer.hits)} and {len(following)} more came into question"
        )
    return following[at], True


def _next(found: Found, question: Question, answer: Answer) -> tuple[Hit, ...]:
    """Spans of text that would have come next."""
    have = {(hit.citation.source.sha256, hit.citation.start, hit.citation.stop) for hit in answer.hits}
    choices = found.choose(question.k + _LOOKED_AT, None) if question.budget is None else ()
    hits = found.hits(choices, None, question.where)
    fresh = (hit for hit in hits if (hit.citation.source.sha256, hit.citation.start, hit.citation.stop) not in have)
    return tuple(islice(fresh, _FOLLOWING))


def _content(snapshot: Snapshot, hit: Hit) -> int:
    found = snapshot.contents_of(hit.citation.source.sha256)
    for one in found:
        content = snapshot.content(one)
        if hit.citation.source.uri in content.uris:
            return one
    return found[0]


def _choice(found: Found, hit: Hit, chosen: Sequence[Choice]) -> Choice | None:
    """Which choice became a hit."""
    if hit.citation.medium is not Medium.TEXT:
        return None
    universe = found.universe
    for choice in (*chosen, *found.choose(MOST_HITS, None)):
        placed = found.place(choice)
        if placed is None or placed[:2] != (hit.citation.start, hit.citation.stop):
            continue
        content = found.snapshot.content(int(universe.content[choice.first]))
        if content.source.sha256 == hit.citation.source.sha256:
            return choice
    return None
