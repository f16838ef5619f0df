"""The scales at which Octavo embeds, indexes and cites."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Medium(StrEnum):
    """What a scale divides: characters of a text or samples of a recording."""

    TEXT = "text"
    AUDIO = "audio"


@dataclass(frozen=True, slots=True)
class Scale:
    """One resolution of one medium.

    Attributes:
        name: The word used in file names, in JSON and on the command line.
        medium: What the scale divides.
        rank: Position inside the medium, 0 being the finest. A parent's rank is higher than its child's.
    """

    name: str
    medium: Medium
    rank: int

    def __post_init__(self) -> None:
        if not self.name.isidentifier() or not self.name.islower():
            raise ValueError(f"a scale's name is one lower-case word, not {self.name!r}")
        if self.rank < 0:
            raise ValueError(f"the rank of scale {self.name} is {self.rank}; the finest scale has rank 0")

    def __str__(self) -> str:
        return self.name


CHARACTER = Scale("character", Medium.TEXT, 0)
SENTENCE = Scale("sentence", Medium.TEXT, 1)
PARAGRAPH = Scale("paragraph", Medium.TEXT, 2)
SECTION = Scale("section", Medium.TEXT, 3)
DOCUMENT = Scale("document", Medium.TEXT, 4)

TEXT_SCALES = (CHARACTER, SENTENCE, PARAGRAPH, SECTION, DOCUMENT)
"""Finest first. The character scale holds distinct terms; the others hold spans of a document's tree."""

PHONEME = Scale("phoneme", Medium.AUDIO, 0)
PROSODY = Scale("prosody", Medium.AUDIO, 1)

AUDIO_SCALES = (PHONEME, PROSODY)
"""Finest first. The phoneme scale holds windows of about a word; the prosody scale phrases and utterances."""

SCALES = {scale.name: scale for scale in (*TEXT_SCALES, *AUDIO_SCALES)}
"""What can be asked for by name."""

PRONUNCIATION = Scale("pronunciation", Medium.TEXT, 0)
"""Terms by how they sound: internal, beside the character scale, in the space of the phoneme scale's windows."""

TERM_SCALES = (CHARACTER, PRONUNCIATION)
"""Their vectors belong to distinct terms of the whole knowledge base, not to spans of a document."""
