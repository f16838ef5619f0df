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

SCALES = {scale.name: scale for scale in TEXT_SCALES}
