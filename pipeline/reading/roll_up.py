"""Captions that say everything twice: live captions roll up line by line, and each caption repeats the last.

Automatic captions of video sites do so too: a caption shows the line before, unmarked, and below it the new one.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from .cues import Cue

_NEAR_US: Final = 500_000
"""A caption that rolls follows the one before it within this time."""

_ROWS: Final = 4
"""Roll-up captions have at most as many rows."""

_CLEAR: Final = 3
"""So many words said again at once are a caption that repeats; fewer may be a person who does."""


def without_repeats(cues: Sequence[Cue]) -> tuple[list[Cue], int]:
    """Cues without what the cue before already showed.

    A cue repeats if its first words are the last rows, or all, of the cue shown before it. In a transcript where a
    quarter of the cues go on after such a repetition all repetitions go; elsewhere, only those of three and more words
    that are followed by something new. The same text twice at the same time goes always.

    Args:
        cues: By time.

    Returns:
        The cues, and how many words were left out.
    """
    if not cues:
        return [], 0
    repeats = [0, *(_repeated(before, cue) for before, cue in pairwise(cues))]
    lengths = [len(cue.words()) for cue in cues]
    growing = sum(0 < repeat < length for repeat, length in zip(repeats, lengths, strict=True))
    rolling = growing >= 2 and 4 * growing >= len(cues) - 1
    kept: list[Cue] = []
    dropped = 0
    for at, (cue, repeat, length) in enumerate(zip(cues, repeats, lengths, strict=True)):
        if repeat == length and not rolling and not _at_once(cues[at - 1], cue):
            repeat = 0
        if 0 < repeat < min(length, _CLEAR) and not rolling:
            repeat = 0
        dropped += repeat
        rest = cue.without_words(repeat) if repeat else cue
        if rest is not None:
            kept.append(rest)
    return kept, dropped


def _at_once(before: Cue, cue: Cue) -> bool:
    return before.stop_us is not None and cue.start_us < before.stop_us


def _repeated(before: Cue, cue: Cue) -> int:
    """How many words at the beginning of a cue are the end of the cue before it."""
    if before.speaker != cue.speaker or before.stop_us is None or cue.start_us > before.stop_us + _NEAR_US:
        return 0
    words = cue.words()
    rows = [row.split() for row in before.text.split("\n") if row.strip()]
    for first in (0, *range(max(1, len(rows) - _ROWS), len(rows))):
        shown = [word for row in rows[first:] for word in row]
        if shown and shown == words[: len(shown)]:
            return len(shown)
    return 0
