"""Text and sound in one list: what is written about a question's words, and the utterances in which they are heard."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from ...pipeline.scale import PHONEME, Medium
from ...pipeline.terms import query_stems
from ..cite import cite_sound
from ..hit import Hit, ranked
from ..store.bm25 import inverse_document_frequency
from ..weighting.emphasis import is_code
from .keyword import SHORT
from .spoken import SpokenHit, spoken

if TYPE_CHECKING:
    from ..expand import QueryTerm
    from ..store.filter import Filter
    from ..store.ranges import Ranges
    from ..store.snapshot import Snapshot, StoredContent
    from .hearing import Hearing

MOST_WORDS: Final = 8
"""Words of a question that are listened for, rarest first."""

LEAST_PROBABILITY: Final = 0.3
"""A word that is heard less surely than this counts as not heard."""

SURE: Final = 0.5
"""Probability from which a word that no text holds counts as said."""

ALONE: Final = 0.1
"""In place of both where such a word is all that is asked: no text can be nearer to it than where it may be said."""

LEAST_SHARE: Final = 0.3
"""Share of a question's weight of words that an utterance must hold to be a hit by itself."""

SOUND_BESIDE_TEXT: Final = 0.3
"""What sound adds to a sentence of a transcript, where text speaks for it already: the two are not independent."""


@dataclass(frozen=True, slots=True)
class Listened:
    """A word of a question that is listened for.

    Attributes:
        weight: Its inverse document frequency on the text side; 1 where there is no text.
        written: Whether any text holds it.
        at: Which word of the question it is.
    """

    text: str
    weight: float
    written: bool = True
    at: int = 0


@dataclass(frozen=True, slots=True)
class HeardIn:
    """An utterance in which words of a question are heard.

    Attributes:
        share: Of the weight of all words listened for, each counted by its probability; from 0 to 1.
        unwritten: The part of it that is of words which no text holds and which are probably said there.
        places: Of the words, in order of time.
    """

    utterance: int
    content: int
    share: float
    unwritten: float
    places: tuple[SpokenHit, ...]

    @property
    def start(self) -> int:
        """Sample at which the first word begins."""
        return min(place.start for place in self.places)

    @property
    def stop(self) -> int:
        """Sample at which the last word ends."""
        return max(place.stop for place in self.places)

    def score(self, best: float) -> float:
        """As a hit by itself, beside text of which the best scores ``best``; 0 if too little of the question is heard.

        All words for certain score like that text. A word that no text holds comes before it, which cannot answer for
        that word however near its meaning seems.
        """
        if self.unwritten:
            return (1 + self.unwritten) * best
        return self.share * best if self.share >= LEAST_SHARE else 0.0

    @property
    def heard(self) -> str:
        """The phones of the words, word by word."""
        return " … ".join(place.heard for place in self.places if place.heard)


def listened_for(question: str, snapshot: Snapshot, words: Sequence[QueryTerm] = ()) -> list[Listened]:
    """The informative words of a question, the weightiest first.

    Args:
        words: As looked up: one for which a neighbour in spelling stands counts as written.
    """
    every = query_stems(question, snapshot.languages())
    codes = [term.text for term in every if is_code(term.text)]
    # A code is read out as a whole; its parts would be heard in the same place again.
    whole = [term for term in every if not any(term.text != code and term.text in code for code in codes)]
    asked = [term for term in whole if not term.stop_word] or whole
    near = {word.text for word in words if word.stems}
    stems = sorted({stem for term in asked for stem in term.stems})
    ids = dict(zip(stems, snapshot.stem_ids(stems), strict=True))
    found = []
    for at, term in enumerate(whole):
        if term not in asked:
            continue
        known = [ids[stem] for stem in sorted(term.stems)]
        held = [one for one in known if one is not None]
        frequency = float(snapshot.document_frequency(held).max()) if held else 0.0
        paragraphs = snapshot.paragraphs
        weight = float(inverse_document_frequency(frequency, paragraphs)) if paragraphs else 1.0
        found.append(Listened(term.text, max(weight, 1e-3), written=frequency > 0 or term.text in near, at=at))
    return sorted(found, key=lambda word: -word.weight)[:MOST_WORDS]


def phrases(words: Iterable[Listened]) -> list[tuple[Listened, ...]]:
    """Words that stand side by side in the question, two at least, in its order."""
    runs: list[list[Listened]] = []
    for word in sorted(words, key=lambda word: word.at):
        if runs and runs[-1][-1].at + 1 == word.at:
            runs[-1].append(word)
        else:
            runs.append([word])
    return [tuple(run) for run in runs if len(run) > 1]


def listen_for(
    words: Sequence[Listened], snapshot: Snapshot, hearing: Hearing, *, k: int, ranges: Ranges | None = None
) -> list[HeardIn]:
    """The utterances in which words are heard, the largest share first.

    Words that stand side by side are listened for as one, too: as a long keyword they are heard far more surely than
    each by itself, and each then counts as heard there.
    """
    runs = [*((word,) for word in words), *phrases(words)]
    sought = dict(zip(runs, hearing.variants_of([" ".join(word.text for word in run) for run in runs]), strict=True))
    ways = {word: sought[word,] for word in words}
    # A word of three phones is heard by chance everywhere; it may only speak where there is no longer one.
    long = [word for word, variants in ways.items() if variants and min(len(one.phones) for one in variants) >= SHORT]
    chosen = long or [word for word, variants in ways.items() if variants]
    whole = sum(word.weight for word in words if word in chosen or not ways[word])
    alone = len(words) == 1 and not words[0].written
    least, sure = (ALONE, ALONE) if alone else (LEAST_PROBABILITY, SURE)
    best: dict[int, dict[str, tuple[float, SpokenHit]]] = {}
    for run in runs:
        if len(run) == 1 and run[0] not in chosen:
            continue
        for place in spoken(sought[run], snapshot, hearing, k=max(50, 4 * k), ranges=ranges):
            if place.probability < least:
                break
            own = best.setdefault(place.utterance, {})
            for word in run:
                if word.text not in own or own[word.text][1].probability < place.probability:
                    own[word.text] = (word.weight * place.probability, place)
    found = [
        HeardIn(
            utterance,
            next(place.content for _, place in own.values()),
            min(1.0, sum(weight for weight, _ in own.values()) / whole),
            sum(
                own[word.text][0]
                for word in words
                if not word.written and word.text in own and own[word.text][1].probability >= sure
            )
            / whole,
            tuple(sorted({place for _, place in own.values()}, key=lambda place: place.start)),
        )
        for utterance, own in best.items()
    ]
    return sorted(found, key=lambda one: (-one.share, one.utterance))


def join(
    text: Sequence[Hit], heard: Iterable[HeardIn], snapshot: Snapshot, where: Filter | None, k: int
) -> tuple[Hit, ...]:
    """One ranking of text hits and utterances.

    An utterance whose transcript is among the hits adds to that hit; any other is one by itself.
    """
    best = max((hit.score for hit in text), default=1.0)
    made = list(text)
    contents: dict[int, StoredContent] = {}
    taken: set[int] = set()
    fresh = 0
    for one in heard:
        if one.content not in contents:
            contents[one.content] = snapshot.content(one.content, where)
        content = contents[one.content]
        beside = _transcribed(made, taken, content, one, snapshot)
        if beside is not None:
            made[beside] = _added(made[beside], SOUND_BESIDE_TEXT * one.share * best)
            taken.add(beside)
        elif (score := one.score(best)) and fresh < k:
            fresh += 1
            citation = cite_sound(snapshot, content, one.start, one.stop)
            made.append(Hit(1, score, PHONEME.name, citation, {PHONEME.name: score}, heard=one.heard))
    return ranked(made, k)


def _transcribed(
    hits: Sequence[Hit], taken: set[int], content: StoredContent, one: HeardIn, snapshot: Snapshot
) -> int | None:
    """Which hit cites the transcript of an utterance's words; the first of several, each only once."""
    said = snapshot.said(content.id, one.start, one.stop) if content.text_length else None
    if said is None:
        return None
    for at, hit in enumerate(hits):
        cited = hit.citation
        same = cited.medium is Medium.TEXT and cited.source.sha256 == content.source.sha256
        if same and cited.start < said[1] and said[0] < cited.stop and at not in taken:
            return at
    return None


def _added(hit: Hit, share: float) -> Hit:
    credit = dict(hit.contributions)
    credit[PHONEME.name] = credit.get(PHONEME.name, 0.0) + share
    return replace(hit, score=hit.score + share, contributions=credit)
