"""How a span of text came by its score: the words, the indexes that proposed it, and every column of evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from ...pipeline.scale import DOCUMENT, PARAGRAPH, SCALES, Scale
from ...pipeline.terms import query_stems
from ..evidence import LEXICAL, rarity
from ..metered import Proposed
from .origin import Glimpse, glimpse

if TYPE_CHECKING:
    from ..choose import Choice
    from ..found import Found
    from ..store.snapshot import Snapshot

RIVALS: Final = 3
"""Other spans that an index proposed which are shown."""

DIGITS: Final = 6
"""Of numbers in JSON."""


def apportioned(values: Sequence[float], total: float, digits: int = DIGITS) -> list[float]:
    """Values rounded so that they sum to the rounded total, by the method of largest remainders (Hamilton).

    Rounded one by one, a dozen shares may miss their sum by several units of the last digit.
    """
    if not values:
        return []
    unit = 10**digits
    wanted = np.asarray(values, np.float64) * unit
    made = np.floor(wanted).astype(np.int64)
    missing = round(total * unit) - int(made.sum())
    order = np.argsort(-(wanted - made), kind="stable")
    if missing < 0:
        order = order[::-1]
    for at in range(abs(missing)):
        made[order[at % len(made)]] += 1 if missing > 0 else -1
    return [int(one) / unit for one in made]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A stem that stands for a word.

    Attributes:
        terms: Some of the words as they are written that have this stem.
        similarity: 1 for the word itself.
    """

    terms: tuple[str, ...]
    similarity: float


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the question.

    Attributes:
        known: ``exact``, ``near`` (only neighbours in spelling are known), ``family`` (only relatives) or ``unknown``.
        frequency: Paragraphs that hold it.
        idf: Inverse document frequency: what a match is worth.
        in_hit: How often it stands in the hit, neighbours by their similarity.
        emphasis: Share of ``idf`` that it counts: less than 1 where it was said before the part that asks.
        family: Words of its family that stand in the hit, see :mod:`octavo.indexes.families`.
        in_name: Whether the title, the file name or a heading of the hit holds it, see :mod:`octavo.indexes.names`.
    """

    text: str
    known: str
    stop_word: bool = False
    stands_for: tuple[Neighbour, ...] = ()
    frequency: int = 0
    idf: float = 0.0
    in_hit: float = 0.0
    emphasis: float = 1.0
    family: tuple[Neighbour, ...] = ()
    in_name: bool = False

    def to_json(self) -> dict[str, Any]:
        """As in ``octavo explain --json``."""
        return {
            "text": self.text,
            "known": self.known,
            "stop_word": self.stop_word,
            "stands_for": [
                {"terms": list(one.terms), "similarity": round(one.similarity, 4)} for one in self.stands_for
            ],
            "paragraphs": self.frequency,
            "idf": round(self.idf, 4),
            "in_hit": round(self.in_hit, 4),
            "emphasis": round(self.emphasis, 4),
            "family": [{"terms": list(one.terms), "similarity": round(one.similarity, 4)} for one in self.family],
            "in_name": self.in_name,
        }


def words_of(question: str, found: Found, choice: Choice | None) -> tuple[Word, ...]:
    """The words of a question as they were searched for, those that the knowledge base lacks included."""
    snapshot = found.snapshot
    here = np.empty(0, np.int64)
    named: Mapping[str, float] = {}
    if choice is not None:
        named = found.names.of_sentence(found.universe, choice.first)
        stems = [found.universe.spans.stems[row] for row in found.universe.sentence[choice.first : choice.last]]
        here = np.concatenate([np.asarray(one, np.int64) for one in stems]) if stems else here
    made: dict[str, Word] = {}
    frequency, idf = rarity(found.words, snapshot) if found.words else (np.empty(0), np.empty(0))
    there = set(here.tolist())
    family = [[pair for band in word.family for pair in band.stems if pair[0] in there] for word in found.words]
    stands_for = [stem for word in found.words for stem, _ in word.stems]
    written = snapshot.stem_terms([*stands_for, *(stem for own in family for stem, _ in own)])
    for at, word in enumerate(found.words):
        made[word.text] = Word(
            word.text,
            "exact" if word.exact else "near" if word.stems else "family",
            word.stop_word,
            tuple(Neighbour(tuple(written[stem]), weight) for stem, weight in word.stems),
            int(frequency[at]),
            float(idf[at]),
            float(sum(weight * int((here == stem).sum()) for stem, weight in word.stems)),
            word.emphasis,
            tuple(Neighbour(tuple(written[stem]), alike) for stem, alike in family[at]),
            word.text in named,
        )
    asked = query_stems(question, snapshot.languages())
    return tuple(
        made.get(term.text) or Word(term.text, "unknown", term.stop_word, in_name=term.text in named) for term in asked
    )


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the index of one scale made of a span.

    Attributes:
        scale: Its name, or ``lexical`` for the full-text index.
        kinds: Kinds of the index's shards.
        vectors: How many it holds; paragraphs of the full-text index.
        proposed: Candidates that it gave.
        rank: Of the span among them, from 1; ``None`` if it was not proposed.
        score: Its cosine, exact also where it was not proposed; the BM25 score of the full-text index, if proposed.
        last: Score of the last candidate: what had to be reached.
        rivals: The best other candidates: rank, score, span.
    """

    scale: str
    kinds: tuple[str, ...]
    vectors: int
    proposed: int
    rank: int | None
    score: float | None
    last: float | None
    rivals: tuple[tuple[int, float, Glimpse], ...]

    def to_json(self) -> dict[str, Any]:
        """As in ``octavo explain --json``."""
        return {
            "scale": self.scale,
            "index": list(self.kinds),
            "vectors": self.vectors,
            "proposed": self.proposed,
            "rank": self.rank,
            "score": None if self.score is None else round(self.score, DIGITS),
            "last_proposed_score": None if self.last is None else round(self.last, DIGITS),
            "rivals": [
                {"rank": rank, "score": round(score, DIGITS), **seen.to_json()} for rank, score, seen in self.rivals
            ],
        }


def proposals(found: Found, ids: Mapping[Scale, int], noted: Iterable[Proposed]) -> tuple[Proposal, ...]:
    """Of every index that was searched for text, in the order in which they were asked.

    Args:
        ids: The span, and what holds it, by scale.
        noted: What the indexes answered.
    """
    first: dict[str, Proposed] = {}
    for one in noted:
        if one.name == LEXICAL or (one.name in SCALES and SCALES[one.name] in ids):
            first.setdefault(one.name, one)
    return tuple(_proposal(found, ids, one) for one in first.values())


def _proposal(found: Found, ids: Mapping[Scale, int], one: Proposed) -> Proposal:
    snapshot = found.snapshot
    given, scores = one.found.ids[0], one.found.scores[0]
    given, scores = given[given >= 0], scores[given >= 0]
    scale = None if one.name == LEXICAL else SCALES[one.name]
    own = ids[scale or PARAGRAPH]
    at = np.flatnonzero(given == own)
    score = float(scores[at[0]]) if len(at) else None
    kinds: tuple[str, ...] = ("bm25",)
    vectors = snapshot.paragraphs
    if scale is not None:
        index = snapshot.index(scale)
        kinds, vectors = tuple(sorted({shard.row.kind for shard in index.shards})), len(index)
        if score is None:
            score = float(index.vectors(np.array([own], np.int64))[0] @ found.vector)
    return Proposal(
        one.name,
        kinds,
        vectors,
        len(given),
        int(at[0]) + 1 if len(at) else None,
        score,
        float(scores[-1]) if len(scores) else None,
        _rivals(snapshot, given, scores, own),
    )


def _rivals(
    snapshot: Snapshot, given: npt.NDArray[np.int64], scores: npt.NDArray[np.float32], own: int
) -> tuple[tuple[int, float, Glimpse], ...]:
    others = np.flatnonzero(given != own)[:RIVALS]
    rows = snapshot.spans(given[others])
    return tuple(
        (
            int(place) + 1,
            float(scores[place]),
            glimpse(snapshot, int(rows.content[at]), int(rows.start[at]), int(rows.stop[at])),
        )
        for at, place in enumerate(others.tolist())
    )


@dataclass(frozen=True, slots=True)
class Column:
    """One column of evidence for a span.

    Attributes:
        name: What was measured: ``vectors`` or ``words``, and of what.
        credit: Under which name it counts in the hit's contributions.
        raw: Cosine, or BM25 score.
        best: The best of all sentences that came into question.
        normalised: ``raw / best``; 0 for a cosine below 0. Of single words in context, what both are above the least.
        share: What it adds to the score: its normalised score over the number of columns.
    """

    name: str
    credit: str
    raw: float
    best: float
    normalised: float
    share: float

    def to_json(self) -> dict[str, Any]:
        """As in ``octavo explain --json``."""
        return {
            "column": self.name,
            "credit": self.credit,
            "raw": round(self.raw, DIGITS),
            "best": round(self.best, DIGITS),
            "normalised": round(self.normalised, DIGITS),
            "share": self.share,
        }


def columns_of(found: Found, core: tuple[int, int], score: float) -> tuple[Column, ...]:
    """Every column that counts for some sentences; shares sum to their score.

    Args:
        score: Mean score of the sentences by characters.
    """
    universe, fused = found.universe, found.fused
    own = slice(*core)
    weights = (universe.stop[own] - universe.start[own]).astype(np.float64)
    means = [float(np.average(part.scores[own], weights=weights)) for part in fused.parts]
    shares = apportioned([mean / fused.columns for mean in means], score)
    return tuple(
        Column(part.column, part.credit, mean * part.best + part.least, part.best + part.least, mean, share)
        for part, mean, share in zip(fused.parts, means, shares, strict=True)
    )


def summed(columns: Iterable[Column]) -> dict[str, float]:
    """Shares by the name under which they count, in millionths exact."""
    units: dict[str, int] = {}
    for column in columns:
        units[column.credit] = units.get(column.credit, 0) + round(column.share * 10**DIGITS)
    return {name: count / 10**DIGITS for name, count in units.items() if count}


def first_sentence(found: Found, choice: Choice) -> int:
    """The sentence that speaks best for a choice; of a document the first that there is."""
    if choice.scale is DOCUMENT:
        return choice.first
    a, b = choice.core
    return a + int(found.fused.total[a:b].argmax())
