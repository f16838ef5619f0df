"""What a question gets back: hits, each with its citation and the share every scale had in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..pipeline.document import Place, Source
from ..pipeline.scale import SCALES


@dataclass(frozen=True, slots=True)
class Citation:
    """Where an answer stands.

    Attributes:
        start, stop: Half-open, characters of the document's text.
        places: One a page that the span touches, in order; empty in formats without pages.
        quote: The cited characters, exactly as stored.
        heading: Heading path of the section, "" at the top of a document.
    """

    source: Source
    start: int
    stop: int
    quote: str
    places: tuple[Place, ...] = ()
    title: str = ""
    heading: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.stop:
            raise ValueError(f"citation [{self.start}, {self.stop}) is empty or reversed")
        if len(self.quote) != self.stop - self.start:
            raise ValueError(f"a quote of {len(self.quote)} characters cites {self.stop - self.start}")


@dataclass(frozen=True, slots=True)
class Hit:
    """One cited span.

    Attributes:
        rank: From 1.
        score: The fused score of the sentence or span that was chosen; text may have come along to make it readable.
            Higher is better; comparable within one answer only.
        scale: Name of the scale at which the span was chosen.
        contributions: Share of the score by scale name, ``lexical`` for words and ``window`` for the windows between
            two scales; they sum to the score.
        context: The sentence around a hit of the character scale, which is a single word; else empty.
    """

    rank: int
    score: float
    scale: str
    citation: Citation
    contributions: Mapping[str, float]
    context: str = ""

    def __post_init__(self) -> None:
        if self.scale not in SCALES:
            raise ValueError(f"{self.scale!r} is none of the scales {', '.join(SCALES)}")

    @property
    def text(self) -> str:
        """The cited characters."""
        return self.citation.quote

    def to_json(self) -> dict[str, Any]:
        """The hit as in ``docs/answer.schema.json``."""
        cited = self.citation
        places = [{"page": place.page, "boxes": [list(box) for box in place.boxes]} for place in cited.places]
        return {
            "rank": self.rank,
            "score": round(self.score, 6),
            "scale": self.scale,
            "text": cited.quote,
            "context": self.context,
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
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """The hits for one question, best first.

    Attributes:
        generation: Generation of the knowledge base that answered.
        confidence: Calibrated probability that the answer is in the hits; ``None`` while nothing is calibrated.
        timings_ms: Milliseconds by stage.
    """

    query: str
    generation: int
    hits: tuple[Hit, ...]
    timings_ms: Mapping[str, float]
    confidence: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The answer as in ``docs/answer.schema.json``."""
        return {
            "query": self.query,
            "generation": self.generation,
            "confidence": self.confidence,
            "timings_ms": {stage: round(ms, 2) for stage, ms in self.timings_ms.items()},
            "hits": [hit.to_json() for hit in self.hits],
        }

    def _repr_html_(self) -> str:
        """How notebooks show the answer."""
        from .view import answer_html

        return answer_html(self)
