"""A spoken question in, an answer out: understood as words of the knowledge base, and looked for as sound.

Documents are found through the words, which are asked like typed ones. Recordings are found through the same words and,
where the question is no longer than a word or a phrase, by its sound itself (query by example), which needs no word to
be known.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Final

from ...pipeline.embed import Utterance
from ...pipeline.errors import QueryError
from ...pipeline.scale import PHONEME
from ..confidence.assess import Beside, assessed_sound, settled
from ..hit import Answer, Hit, ranked
from ..retrieve import retrieve
from ..tracing import timed
from .by_example import by_example
from .hits import NO_RECORDINGS, short, sound_hits
from .keyword import best_phones
from .spoken import WINDOW_PHONES, SpokenHit
from .understanding import understand

if TYPE_CHECKING:
    from ..notes import Notes
    from ..retrieve import Encoders
    from ..store.filter import Filter
    from ..store.ranges import Ranges
    from ..store.snapshot import Snapshot
    from .hearing import Hearing

SURE: Final = 0.5
"""Probability from which a place found by example joins the hits of the words."""


def ask_aloud(
    utterances: Sequence[Utterance],
    snapshot: Snapshot,
    encoders: Encoders,
    *,
    k: int = 5,
    budget: int | None = None,
    scales: Sequence[str] = (),
    where: Filter | None = None,
    sounds: Ranges | None = None,
    words: str | None = None,
    abstain_below: float | None = None,
    notes: Notes | None = None,
) -> Answer:
    """Answer a spoken question.

    Args:
        k, budget, scales, where, sounds: As for :func:`octavo.indexes.retrieve.retrieve`; with the scale ``phoneme``
            alone the question is an example, and every hit a place in a recording where it is said again.
        words: What a speech recogniser made of the question, where there is one.
        abstain_below: Confidence below which the answer abstains.
        notes: Gets what led to the answer.

    Raises:
        QueryError: An option makes no sense.
        FingerprintMismatch: The vectors were made by other encoders.
    """
    hearing = encoders.hearing
    began = perf_counter()
    timings: dict[str, float] = {}
    ranges = snapshot.contents(where) if where and sounds is None else sounds
    if tuple(scales) == (PHONEME.name,):
        if budget is not None:
            raise QueryError(f"a budget of {budget} characters means nothing for places in recordings: ask with -k")
        answer = _by_sound(utterances, snapshot, hearing, k, where, ranges, began, notes)
        return assessed_sound(answer, snapshot, abstain_below)
    with timed(timings, "understand"):
        understood = understand(utterances, snapshot, hearing, words)
    examples: list[SpokenHit] = []
    if budget is None and (not scales or PHONEME.name in scales):
        with timed(timings, "example"):
            whole = not understood.query or _phones(utterances) <= WINDOW_PHONES
            examples = by_example(utterances, snapshot, hearing, k=k, ranges=ranges) if whole else []
        if notes is not None:
            notes.said = examples
    if not understood.query:
        hits = tuple(sound_hits(examples, snapshot, where))
        warning = "no word of the knowledge base was understood in the question: these places only sound like it"
        timings["total"] = (perf_counter() - began) * 1000
        answer = Answer("", snapshot.generation, hits, timings, warnings=(warning,))
        return assessed_sound(answer, snapshot, abstain_below)
    sure = [one for one in examples if one.probability >= SURE]
    answer = retrieve(
        understood.query,
        snapshot,
        encoders,
        k=k,
        budget=budget,
        scales=scales,
        where=where,
        sounds=sounds,
        beside=Beside(abstain_below, understood.certainty, max((one.probability for one in sure), default=0.0)),
        notes=notes,
    )
    timings = {**answer.timings_ms, **timings, "total": (perf_counter() - began) * 1000}
    return replace(
        settled(answer, _merged(answer.hits, sound_hits(sure, snapshot, where), k) if sure else answer.hits),
        heard_words=understood.words,
        timings_ms=timings,
    )


def _by_sound(
    utterances: Sequence[Utterance],
    snapshot: Snapshot,
    hearing: Hearing,
    k: int,
    where: Filter | None,
    ranges: Ranges | None,
    began: float,
    notes: Notes | None,
) -> Answer:
    found = by_example(utterances, snapshot, hearing, k=k, ranges=ranges)
    if notes is not None:
        notes.said = found
    warnings: tuple[str, ...] = () if snapshot.holds(PHONEME) else (NO_RECORDINGS,)
    keywords = [best_phones(one.posteriors) for one in utterances]
    if not warnings and any(keywords):
        warnings = short("the example", [max(keywords, key=len)])
    hits = tuple(sound_hits(found, snapshot, where))
    return Answer("", snapshot.generation, hits, {"total": (perf_counter() - began) * 1000}, warnings=warnings)


def _phones(utterances: Iterable[Utterance]) -> int:
    return sum(len(best_phones(one.posteriors)) for one in utterances)


def _merged(hits: Sequence[Hit], examples: Sequence[Hit], k: int) -> tuple[Hit, ...]:
    """Hits of the words and of the sound itself; a place that both found is the words'."""
    best = max((hit.score for hit in hits), default=1.0)
    made = list(hits)
    for one in examples:
        if not any(_same(one, hit) for hit in hits):
            score = one.score * best
            made.append(replace(one, score=score, contributions={PHONEME.name: score}))
    return ranked(made, k)


def _same(one: Hit, other: Hit) -> bool:
    """Whether two hits cite the same time of a recording."""
    if one.citation.source.sha256 != other.citation.source.sha256:
        return False
    a, b = (next(iter(hit.citation.places), None) for hit in (one, other))
    if a is None or b is None or a.start_seconds is None or b.start_seconds is None:
        return False
    return a.start_seconds < (b.stop_seconds or 0) and b.start_seconds < (a.stop_seconds or 0)
