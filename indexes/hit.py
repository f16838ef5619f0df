"""What a question gets back: hits, each with its citation and the share every scale had in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..pipeline.document import Place, Source
from ..pipeline.scale import SCALES, Medium

if TYPE_CHECKING:
    from .confidence.handoff import Handoff


@dataclass(frozen=True, slots=True)
class Citation:
    """Where an answer stands.

    Attributes:
        start, stop: Half-open, characters of the document's text; samples at 16 kHz where a sound is cited.
        places: One a page that the span touches, in order; empty in formats without pages. For recordings one, in
            seconds of the file.
        quote: The cited characters, exactly as stored; of a sound what its transcript has for it, "" without one.
        heading: Heading path of the section, "" at the top of a document.
        medium: What ``start`` and ``stop`` count. A transcript's sentence is text, though its place is a time.
    """

    source: Source
    start: int
    stop: int
    quote: str
    places: tuple[Place, ...] = ()
    title: str = ""
    heading: str = ""
    medium: Medium = Medium.TEXT

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.stop:
            raise ValueError(f"citation [{self.start}, {self.stop}) is empty or reversed")
        if self.medium is Medium.TEXT and len(self.quote) != self.stop - self.start:
            raise ValueError(f"a quote of {len(self.quote)} characters cites {self.stop - self.start}")


@dataclass(frozen=True, slots=True)
class Hit:
    """One cited span.

    Attributes:
        rank: From 1.
        score: The fused score of the sentence or span that was chosen; text may have come along to make it readable.
            Higher is better; comparable within one answer only. Of a word found in sound by itself it is the
            calibrated probability that it is said there.
        scale: Name of the scale at which the span was chosen.
        contributions: Share of the score by scale name, ``lexical`` for words, ``token`` for words in their context,
            ``name`` for words in titles, file names and headings and ``window`` for the windows between two scales;
            they sum to the score.
        context: The sentence around a hit of the character scale, which is a single word; else empty.
        heard: Of a word found in sound, the phones heard there (``"R AW T ER"``); else empty.
        measures: Of a hit of the prosody scale, how it is said, see :data:`octavo.pipeline.voice.measures.MEASURES`.
    """

    rank: int
    score: float
    scale: str
    citation: Citation
    contributions: Mapping[str, float]
    context: str = ""
    heard: str = ""
    measures: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.scale not in SCALES:
            raise ValueError(f"{self.scale!r} is none of the scales {', '.join(SCALES)}")

    @property
    def text(self) -> str:
        """The cited characters; of a sound what its transcript has for it."""
        return self.citation.quote

    def to_json(self) -> dict[str, Any]:
        """The hit as in ``docs/answer.schema.json``."""
        cited = self.citation
        places = [_place(place) for place in cited.places]
        return {
            "rank": self.rank,
            "score": round(self.score, 6),
            "scale": self.scale,
            "text": cited.quote,
            "context": self.context,
            "heard": self.heard,
            "start": cited.start,
            "stop": cited.stop,
            "source": {
                "uri": cited.source.uri,
                "media_type": cited.source.media_type,
                "sha256": cited.source.sha256,
            },
            "title": cited.title,
            "heading": cited.heading,
            "place": places[0] if places else None,
            "further_places": places[1:],
            "contributions": {name: round(share, 6) for name, share in self.contributions.items()},
            "measures": {name: round(value, 4) for name, value in self.measures.items()},
        }


def _place(place: Place) -> dict[str, Any]:
    if place.start_seconds is not None and place.stop_seconds is not None:
        return {"start_seconds": round(place.start_seconds, 3), "stop_seconds": round(place.stop_seconds, 3)}
    return {"page": place.page, "boxes": [list(box) for box in place.boxes]}


@dataclass(frozen=True, slots=True)
class HeardWord:
    """A word understood in a spoken question.

    Attributes:
        start_seconds, stop_seconds: Where, in the question.
        probability: That it was said, calibrated.
    """

    text: str
    start_seconds: float
    stop_seconds: float
    probability: float

    def to_json(self) -> dict[str, Any]:
        """The word as in ``docs/answer.schema.json``."""
        return {
            "text": self.text,
            "start_seconds": round(self.start_seconds, 3),
            "stop_seconds": round(self.stop_seconds, 3),
            "probability": round(self.probability, 4),
        }


def ranked(hits: Iterable[Hit], k: int | None = None) -> tuple[Hit, ...]:
    """The ``k`` best hits, all where there is no ``k``, numbered anew; ties stay in their order."""
    best = sorted(hits, key=lambda hit: -hit.score)
    return tuple(replace(hit, rank=rank) for rank, hit in enumerate(best[:k], 1))


@dataclass(frozen=True, slots=True)
class Answer:
    """The hits for one question, best first.

    Attributes:
        query: The question as asked; of a spoken question the words that were understood.
        generation: Generation of the knowledge base that answered.
        confidence: Calibrated probability that the answer is in the hits; of an answer by sound alone that of its best
            hit. ``None`` where manner of speaking was asked for, which has no right answer.
        timings_ms: Milliseconds by stage.
        heard_words: What was understood of a spoken question, in order.
        warnings: What makes these hits less than they seem, for people.
        abstain: Whether confidence is below the threshold: the hits are then what is nearest, not an answer.
        handoff: The packet for a person, where it abstains.
    """

    query: str
    generation: int
    hits: tuple[Hit, ...]
    timings_ms: Mapping[str, float]
    confidence: float | None = None
    heard_words: tuple[HeardWord, ...] = ()
    warnings: tuple[str, ...] = ()
    abstain: bool = False
    handoff: Handoff | None = None

    def to_json(self) -> dict[str, Any]:
        """The answer as in ``docs/answer.schema.json``."""
        return {
            "query": self.query,
            "generation": self.generation,
            "confidence": None if self.confidence is None else round(self.confidence, 4),
            "abstain": self.abstain,
            "timings_ms": {stage: round(ms, 2) for stage, ms in self.timings_ms.items()},
            "heard_words": [word.to_json() for word in self.heard_words],
            "warnings": list(self.warnings),
            "hits": [hit.to_json() for hit in self.hits],
            "handoff": None if self.handoff is None else self.handoff.to_json(),
        }

    def _repr_html_(self) -> str:
        """How notebooks show the answer."""
        from .view import answer_html

        return answer_html(self)
