"""What every transcript is made of: cues, each some pieces of text with the time at which they are said."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from ..document import Flag

LONGEST_US: Final = 40 * 86_400 * 1_000_000
"""A time past 40 days is a broken number, not a time."""

_WORD: Final = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Piece:
    """Some text and when it is said; the pieces of a cue one after another are its text.

    Attributes:
        text: As it stands in the cue, blanks around it and line ends in it included.
        start_us, stop_us: Microseconds of the file's own time; ``stop_us`` is ``None`` where it is not stated. Not
            checked: transcripts from strangers run backwards too.
    """

    text: str
    start_us: int
    stop_us: int | None


@dataclass(frozen=True, slots=True)
class Cue:
    """What one person says at one time.

    Attributes:
        pieces: At least one, in the order of the text.
        speaker: Empty where the transcript does not name one.
        opens: Whether a new turn begins here although no speaker is named (a dash or ``>>``).
    """

    pieces: tuple[Piece, ...]
    speaker: str = ""
    opens: bool = False

    def __post_init__(self) -> None:
        if not self.pieces:
            raise ValueError("a cue needs a piece of text")

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)

    @property
    def start_us(self) -> int:
        return self.pieces[0].start_us

    @property
    def stop_us(self) -> int | None:
        return self.pieces[-1].stop_us

    def words(self) -> list[str]:
        return _WORD.findall(self.text)

    def without_words(self, count: int) -> Cue | None:
        """The cue without its first words; ``None`` where nothing is left."""
        kept: list[Piece] = []
        inside = False  # a word may go on from one piece into the next
        for piece in self.pieces:
            cut = 0
            for match in _WORD.finditer(piece.text) if count >= 0 else ():
                fresh = match.start() > 0 or not inside
                if fresh and count == 0:
                    cut, count = match.start(), -1
                    break
                count -= fresh
                cut = len(piece.text)
            inside = bool(piece.text) and not piece.text[-1].isspace()
            if count < 0:
                kept.append(replace(piece, text=piece.text[cut:]))
        return replace(self, pieces=tuple(kept)) if any(piece.text.strip() for piece in kept) else None


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a sidecar says.

    Attributes:
        cues: As they come in the file; times not checked.
        language: As stated, otherwise empty.
        flags: What could not be read.
    """

    cues: tuple[Cue, ...]
    language: str = ""
    flags: tuple[Flag, ...] = ()


def microseconds(seconds: object) -> int | None:
    """Seconds as a file states them; ``None`` where that is no time (``None``, NaN, text, negative, past 40 days)."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        return None
    if not 0 <= seconds <= LONGEST_US / 1e6 or not math.isfinite(seconds):
        return None
    return round(seconds * 1e6)


def clock_microseconds(hours: str, minutes: str, seconds: str, fraction: str) -> int | None:
    """Digits of a clock time; ``None`` past 40 days. ``fraction`` is read as decimals: ``"5"`` is half a second."""
    if max(len(hours), len(minutes), len(seconds)) > 9:
        return None
    whole = (int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)
    total = whole * 1_000_000 + int(fraction[:6].ljust(6, "0"))
    return total if total <= LONGEST_US else None


def spread(text: str, marks: list[tuple[int, int, int | None]], start_us: int, stop_us: int | None) -> Iterator[Piece]:
    """A text cut into pieces where something in it has a time of its own.

    Args:
        marks: Position in the text from which on the text is said, start and stop; positions rise.
        start_us, stop_us: Of the whole, for what stands before the first mark.
    """
    if not marks:
        yield Piece(text, start_us, stop_us)
        return
    if text[: marks[0][0]].strip():
        yield Piece(text[: marks[0][0]], start_us, max(start_us, marks[0][1]))
        at = marks[0][0]
    else:
        at = 0
    for index, (_, begin, end) in enumerate(marks):
        last = index + 1 == len(marks)
        until = len(text) if last else marks[index + 1][0]
        if until > at:
            yield Piece(text[at:until], begin, end)
        at = until
