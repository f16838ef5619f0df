"""The packet for a person who has to answer in the knowledge base's place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ...pipeline.scale import DOCUMENT, PARAGRAPH, PHONEME, SECTION, SENTENCE, TEXT_SCALES, Scale
from ..cite import cite
from ..evidence import CANDIDATES, LEXICAL, LEXICAL_CANDIDATES
from ..hit import Citation, Hit
from .features import Signs, around
from .reasons import reasons

if TYPE_CHECKING:
    from ..found import Found
    from ..store.filter import Filter
    from ..store.snapshot import Snapshot
    from .model import ConfidenceModel

NEAREST: Final = 5
"""Spans that a packet shows."""

_COLUMNS: Final = {
    SENTENCE: f"vectors {SENTENCE}",
    PARAGRAPH: f"vectors {PARAGRAPH}",
    SECTION: f"vectors {SECTION}",
    DOCUMENT: f"vectors {DOCUMENT}",
}


@dataclass(frozen=True, slots=True)
class Searched:
    """What was looked at for an answer at one scale.

    Attributes:
        scale: Name of a scale, or ``lexical`` for the full-text index.
        units: Vectors, or paragraphs, that the index holds.
        candidates: How many of them it was asked for at most.
        index: Kind of index, such as ``flat``.
    """

    scale: str
    units: int
    candidates: int
    index: str

    def to_json(self) -> dict[str, Any]:
        """The same as an object."""
        return {"scale": self.scale, "units": self.units, "candidates": self.candidates, "index": self.index}


@dataclass(frozen=True, slots=True)
class ScaleChoice:
    """The place that one scale alone, or the words alone, hold for the best.

    Attributes:
        scale: Name of a scale, or ``lexical``.
        score: Cosine, or BM25.
        agrees: Whether it is in the same section as the best place by all evidence.
    """

    scale: str
    score: float
    agrees: bool
    citation: Citation

    def to_json(self) -> dict[str, Any]:
        """The place with its file, characters and heading; the quote is that of its first sentence."""
        cited = self.citation
        return {
            "scale": self.scale,
            "score": round(self.score, 4),
            "agrees": self.agrees,
            "source": cited.source.uri,
            "start": cited.start,
            "stop": cited.stop,
            "heading": cited.heading,
            "text": cited.quote,
        }


@dataclass(frozen=True, slots=True)
class Handoff:
    """All that a person needs to answer where the knowledge base cannot.

    Attributes:
        question: As asked.
        confidence: Probability that the answer is in the nearest spans; below ``threshold``.
        searched: What was looked at, scale by scale.
        nearest: The first hits.
        by_scale: The best place by each scale, which shows where they disagree; empty for answers by sound.
        unknown_words: Words of the question that the knowledge base lacks.
        reasons: Why confidence is low, in plain words, the weightiest first.
    """

    question: str
    confidence: float
    threshold: float
    searched: tuple[Searched, ...]
    nearest: tuple[Hit, ...]
    by_scale: tuple[ScaleChoice, ...]
    unknown_words: tuple[str, ...]
    reasons: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The packet as in ``docs/answer.schema.json``."""
        return {
            "question": self.question,
            "confidence": round(self.confidence, 4),
            "threshold": self.threshold,
            "reasons": list(self.reasons),
            "unknown_words": list(self.unknown_words),
            "searched": [one.to_json() for one in self.searched],
            "by_scale": [one.to_json() for one in self.by_scale],
            "nearest": [hit.to_json() for hit in self.nearest],
        }


KEPT_OUT: Final = "no source with text fits what --source, --type, --after and --before ask for"


def text_handoff(
    question: str,
    found: Found,
    signs: Signs,
    model: ConfidenceModel,
    hits: Sequence[Hit],
    confidence: float,
    threshold: float,
    where: Filter | None,
    *,
    further: Sequence[str] = (),
) -> Handoff:
    """The packet of an answer from text.

    Args:
        further: Reasons known already, such as a doubt about a spoken question.
    """
    content = [word for word in signs.words if not word.stop_word] or list(signs.words)
    return Handoff(
        question,
        confidence,
        threshold,
        searched(found.snapshot, sound=any(PHONEME.name in hit.contributions for hit in hits)),
        tuple(hits[:NEAREST]),
        _by_scale(found, signs, where),
        tuple(word.text for word in content if not word.share),
        (*further, *(reasons(signs, model) if signs.best >= 0 or not where else (KEPT_OUT,))),
    )


def sound_handoff(
    question: str, snapshot: Snapshot, hits: Sequence[Hit], confidence: float, threshold: float, warnings: Sequence[str]
) -> Handoff:
    """The packet of an answer by sound alone."""
    why = (
        "nothing that sounds like it was found"
        if not hits
        else f"the place that sounds most like it is what was asked for with a probability of only {confidence:.0%}"
    )
    return Handoff(
        question,
        confidence,
        threshold,
        (_searched(snapshot, PHONEME, len(hits)),) if snapshot.holds(PHONEME) else (),
        tuple(hits[:NEAREST]),
        (),
        (),
        (why, *warnings),
    )


def searched(snapshot: Snapshot, *, sound: bool = False) -> tuple[Searched, ...]:
    """What a question in words is looked for in."""
    made = [
        _searched(snapshot, scale, count)
        for scale, count in CANDIDATES.items()
        if scale in TEXT_SCALES and snapshot.holds(scale)
    ]
    paragraphs = snapshot.paragraphs
    made.append(Searched(LEXICAL, paragraphs, min(LEXICAL_CANDIDATES, paragraphs), "full text"))
    if sound:
        made.append(_searched(snapshot, PHONEME, NEAREST))
    return tuple(made)


def _searched(snapshot: Snapshot, scale: Scale, candidates: int) -> Searched:
    index = snapshot.index(scale)
    kinds = sorted({shard.row.kind for shard in index.shards})
    units = len(index)
    return Searched(scale.name, units, min(candidates, units), ", ".join(kinds) or "flat")


def _by_scale(found: Found, signs: Signs, where: Filter | None) -> tuple[ScaleChoice, ...]:
    """The best place by each scale and by words, cited by its best sentence."""
    universe = found.universe
    if signs.best < 0:
        return ()
    here = int(universe.section[signs.best])
    best = {part.column: part.best for part in found.evidence}
    columns = [(scale.name, column) for scale, column in _COLUMNS.items() if column in signs.best_by]
    words = f"words {PARAGRAPH}"
    if best.get(words, 0) > 0:
        columns.append((LEXICAL, words))
    made = []
    for name, column in columns:
        at = signs.best_by[column]
        if name not in (SENTENCE.name, LEXICAL):
            # All sentences of what holds them have its score: the one that says most is quoted.
            rows = around(universe, at)[name]
            own = found.fused.total[rows]
            at = rows.start + int(own.argmax())
        content = found.snapshot.content(int(universe.content[at]), where)
        heading = universe.spans.labels[int(universe.section[at])]
        cited = cite(found.snapshot, content, int(universe.start[at]), int(universe.stop[at]), heading)
        made.append(ScaleChoice(name, best[column], int(universe.section[at]) == here, cited))
    return tuple(made)
