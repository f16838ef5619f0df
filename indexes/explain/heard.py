"""How a word was found in sound: its pronunciations, and the phones that were heard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...pipeline.scale import PHONEME, Medium
from ..cite import moment
from ..sound.spoken import EXHAUSTIVE_WINDOWS
from .origin import place_json

if TYPE_CHECKING:
    from ...pipeline.document import Place
    from ..hit import Hit
    from ..notes import Notes
    from ..sound.hearing import Hearing
    from ..sound.spoken import SpokenHit
    from ..store.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class HeardPlace:
    """A word that is heard in a hit.

    Attributes:
        word: As it was asked; "" where it cannot be told which it was.
        pronunciations: Ways of saying it that were tried, with their natural log-probability.
        windows: Stored windows of sound.
        exhaustive: Every utterance was scored; else those that the windows' index proposed.
        per_phone: Keyword score, at most 0 where every phone is heard clearly.
        probability: That it is said there, calibrated.
        asked, heard: Phones.
        differing: How many phones must be changed, put in or left out to make the one of the other.
    """

    word: str
    utterance: int
    place: Place
    pronunciations: tuple[tuple[str, float], ...]
    windows: int
    exhaustive: bool
    per_phone: float
    probability: float
    asked: str
    heard: str
    differing: int

    def to_json(self) -> dict[str, Any]:
        """As in ``octavo explain --json``."""
        return {
            "word": self.word,
            "place": place_json(self.place),
            "pronunciations": [{"phones": phones, "log_probability": round(p, 4)} for phones, p in self.pronunciations],
            "windows_stored": self.windows,
            "every_utterance_scored": self.exhaustive,
            "score_per_phone": round(self.per_phone, 4),
            "probability": round(self.probability, 4),
            "asked": self.asked,
            "heard": self.heard,
            "phones_differing": self.differing,
        }


def heard_places(snapshot: Snapshot, hearing: Hearing, notes: Notes, hit: Hit, question: str) -> tuple[HeardPlace, ...]:
    """The words that speak for a hit by their sound."""
    if PHONEME.name not in hit.contributions:
        return ()
    places = [*notes.said, *(place for one in notes.heard for place in one.places)]
    own = [place for place in places if _touches(snapshot, hit, place)]
    texts = [word.text for word in notes.listened] or [question]
    return tuple(_place(snapshot, hearing, place, texts) for place in sorted(own, key=lambda one: one.start))


def _touches(snapshot: Snapshot, hit: Hit, place: SpokenHit) -> bool:
    cited, content = hit.citation, snapshot.content(place.content)
    if content.source.sha256 != cited.source.sha256:
        return False
    if cited.medium is Medium.AUDIO:
        return place.start < cited.stop and cited.start < place.stop
    said = snapshot.said(content.id, place.start, place.stop)
    return said is not None and said[0] < cited.stop and cited.start < said[1]


def _place(snapshot: Snapshot, hearing: Hearing, place: SpokenHit, texts: list[str]) -> HeardPlace:
    from rapidfuzz.distance import Levenshtein

    from ...pipeline.phones import phone_names

    word = ""
    ways: tuple[tuple[str, float], ...] = ()
    for text in texts:
        tried = tuple((phone_names(one.phones), one.log_probability) for one in hearing.variants(text)) if text else ()
        if any(phones == place.asked for phones, _ in tried):
            word, ways = text, tried
            break
    windows = len(snapshot.index(PHONEME))
    return HeardPlace(
        word,
        place.utterance,
        moment(snapshot.content(place.content), place.start, place.stop),
        ways or ((place.asked, 0.0),),
        windows,
        windows <= EXHAUSTIVE_WINDOWS,
        place.score,
        place.probability,
        place.asked,
        place.heard,
        int(Levenshtein.distance(place.asked.split(), place.heard.split())),
    )
