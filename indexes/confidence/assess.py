"""Whether an answer is to be trusted: its confidence, and the packet for a person where it is too low."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from ..weighting.emphasis import is_code
from .calibration import SETTING, CalibrationMap
from .features import AskedWord, signs
from .handoff import Handoff, searched, sound_handoff, text_handoff
from .model import shipped

if TYPE_CHECKING:
    from ..expand import QueryTerm
    from ..found import Found
    from ..hit import Answer, Hit
    from ..sound.joined import HeardIn, Listened
    from ..store.filter import Filter
    from ..store.snapshot import Snapshot


_WANTED: Final = 0.95
"""Probability that where a word stands that is looked up is what was wanted: judgement, see ``confidence.md``."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What is known of an answer beside what text says.

    Attributes:
        abstain_below: Threshold; ``None`` for that of the knowledge base, or the default.
        understood: Share of a spoken question that was understood, by the probabilities of its words.
        heard: Probability that a place in a recording, found by its sound, is what was asked for.
    """

    abstain_below: float | None = None
    understood: float = 1.0
    heard: float = 0.0


def calibration_of(snapshot: Snapshot) -> CalibrationMap:
    """The map that ``octavo calibrate`` fitted for a knowledge base; the shipped model as it is without one.

    Raises:
        KnowledgeBaseError: What the knowledge base keeps cannot be read.
    """
    kept = snapshot.setting(SETTING)
    return CalibrationMap() if kept is None else CalibrationMap.from_json(kept)


def assessed(
    answer: Answer,
    found: Found,
    where: Filter | None,
    beside: Beside,
    sought: Sequence[Listened],
    heard: Sequence[HeardIn],
) -> Answer:
    """An answer from text, or from text and sound, with its confidence.

    Text and sound are taken as independent: the answer is missing only if neither has it.
    """
    calibration = calibration_of(found.snapshot)
    threshold = calibration.threshold if beside.abstain_below is None else beside.abstain_below
    model = shipped()
    seen = signs(answer.query, found)
    text = calibration.probability(model.logit(seen.values), seen.values) if seen.best >= 0 else 0.0
    sound = max(beside.heard, said_there(sought, heard))
    if seen.values["covered hits"]:  # else a filter, or a pinned scale, has kept out where the word stands
        text = max(text, looked_up(answer.query, seen.words, found.words))
    confidence = 1 - (1 - beside.understood * text) * (1 - sound) if answer.hits else 0.0
    handoff: Handoff | None = None
    if confidence < threshold:
        doubt: tuple[str, ...] = ()
        if beside.understood < 0.7:
            doubt = (f"the question was understood with a probability of only {beside.understood:.0%} a word",)
        handoff = text_handoff(
            answer.query, found, seen, model, answer.hits, confidence, threshold, where, further=doubt
        )
    return replace(answer, confidence=confidence, abstain=handoff is not None, handoff=handoff)


def looked_up(question: str, asked: Sequence[AskedWord], words: Sequence[QueryTerm]) -> float:
    """Probability that a word or code that is looked up is written here.

    Nobody asks a question by one word: it is looked up, and where it stands is the answer. So is a code that is all
    that a question names, as in "What does E-4304 mean?". What is left open is whether a neighbour in spelling was
    meant, and whether the place says what was wanted.

    Returns:
        0 for questions that name more.
    """
    named = [word.text for word in asked if not word.stop_word]
    alone = re.sub(r"^\W+|\W+$", "", question).casefold()
    if len(named) != 1 or not (is_code(named[0]) or alone == named[0]):
        return 0.0
    return _WANTED * max((weight for word in words if word.text == named[0] for _, weight in word.stems), default=0.0)


def said_there(sought: Sequence[Listened], heard: Sequence[HeardIn]) -> float:
    """Probability that all that was listened for is said in one utterance.

    An utterance's share counts every word by its probability; to the power of the number of words it is about their
    product, so that one word of a long question says little.
    """
    return max((one.share ** len(sought) for one in heard), default=0.0)


def assessed_sound(answer: Answer, snapshot: Snapshot, abstain_below: float | None = None) -> Answer:
    """An answer by sound alone: its confidence is the calibrated probability of its best hit."""
    confidence = min(max((hit.score for hit in answer.hits), default=0.0), 1.0)
    threshold = calibration_of(snapshot).threshold if abstain_below is None else abstain_below
    if confidence >= threshold:
        return replace(answer, confidence=confidence, abstain=False, handoff=None)
    handoff = sound_handoff(answer.query, snapshot, answer.hits, confidence, threshold, answer.warnings)
    return replace(answer, confidence=confidence, abstain=True, handoff=handoff)


def kept_out(answer: Answer, snapshot: Snapshot, abstain_below: float | None) -> Answer:
    """An answer of which a condition on manner left nothing: it is sure of nothing."""
    threshold = calibration_of(snapshot).threshold if abstain_below is None else abstain_below
    why = ("what answers the question best is not said in the manner that --filter asks for",)
    handoff = Handoff(answer.query, 0.0, threshold, searched(snapshot, sound=True), (), (), (), why)
    return replace(answer, hits=(), confidence=0.0, abstain=True, handoff=handoff)


def settled(answer: Answer, hits: tuple[Hit, ...]) -> Answer:
    """The same answer with hits that were added or ordered anew, in its packet too."""
    handoff = answer.handoff
    if handoff is not None:
        handoff = replace(handoff, nearest=hits[: len(handoff.nearest)])
    return replace(answer, hits=hits, handoff=handoff)
