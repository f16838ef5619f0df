"""What an evaluation notes of confidence, question by question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...pipeline.scale import SENTENCE
from ..confidence.calibration import CalibrationMap
from ..confidence.features import signs
from ..confidence.handoff import Handoff, text_handoff
from ..confidence.model import shipped
from ..confidence.training_samples import in_hits, spans_of
from .metrics import NOT_APPLICABLE

if TYPE_CHECKING:
    from ..confidence.features import Signs
    from ..found import Found
    from .gold import Gold
    from .questions import Question

CONFIDENCE: Final = "confidence"
IN_HITS: Final = "answer in hits"
ABSTAINED: Final = "abstained"
COMPLETE: Final = "handoff complete"
SINGLE_SCORES: Final = ("score cosine", "score words", "score fused", "score margin")
"""Single raw scores that confidence is compared with: the best cosine of a sentence, the best BM25 of a paragraph as a
share of what the question's words could get, the best fused score, and how much better it is than the next source's."""

_PARTS: Final = 5


def confidence_signals(
    question: Question, found: Found, gold: Gold, calibration: CalibrationMap, hits: int = 5
) -> dict[str, float]:
    """The signals of one question, for the default answer of so many hits."""
    seen = signs(question.text, found)
    model = shipped()
    confidence = calibration.probability(model.logit(seen.values), seen.values) if seen.best >= 0 else 0.0
    abstained = confidence < calibration.threshold
    made = {
        CONFIDENCE: confidence,
        IN_HITS: _in_hits(question, found, gold, hits),
        ABSTAINED: float(abstained),
        COMPLETE: NOT_APPLICABLE,
        "score cosine": seen.values[f"cosine {SENTENCE}"],
        "score words": seen.values["words paragraph"],
        "score fused": seen.values["fused"],
        "score margin": seen.values["fused margin source"],
    }
    if abstained:
        made[COMPLETE] = completeness(_packet(question, found, seen, confidence, calibration, hits))
    return made


def _in_hits(question: Question, found: Found, gold: Gold, hits: int) -> float:
    """1 or 0; NaN for what is answered by recordings without a transcript alone, which these hits do not look at."""
    if not question.answerable:
        return 0.0
    if not any(found.snapshot.content(content).text_length for content in gold.contents.tolist()):
        return NOT_APPLICABLE
    return float(in_hits(found, spans_of(gold), hits))


def _packet(
    question: Question, found: Found, seen: Signs, confidence: float, calibration: CalibrationMap, hits: int
) -> Handoff:
    cited = tuple(hit for hit, _ in zip(found.hits(found.choose(hits, None), None, None), range(hits), strict=False))
    return text_handoff(question.text, found, seen, shipped(), cited, confidence, calibration.threshold, None)


def completeness(packet: Handoff) -> float:
    """Share of its five parts that a packet has: question, what was searched, nearest spans each with a quote and a
    source, the best place by each scale, and reasons."""
    cited = [hit.citation for hit in packet.nearest]
    parts = (
        bool(packet.question.strip()),
        bool(packet.searched) and all(one.units >= 0 for one in packet.searched),
        bool(cited) and all(one.quote or one.places for one in cited) and all(one.source.uri for one in cited),
        len(packet.by_scale) > 1,
        bool(packet.reasons) and all(packet.reasons),
    )
    return sum(parts) / _PARTS
