"""SubRip (.srt).

Read by the lines with an arrow alone, for nothing else in these files can be relied on: numbers are missing or wrong,
blank lines stand inside cues and are missing between them. Of the libraries, ``srt`` and ``pysubs2`` take seconds for
20,000 blank lines (quadratic) and ``srt`` reads ``01:02,000`` as an hour; ``webvtt-py`` drops cues without a number.
"""

from __future__ import annotations

import re
from typing import Final

from ..document import Flag
from ..errors import DamagedSource
from .cue_text import cues_of_text
from .cues import Cue, Transcript, clock_microseconds

_CLOCK: Final = r"(?:(\d{1,9})\s?:\s?)?(\d{1,3})\s?:\s?(\d{1,3})(?:\s?[,.:]\s?(\d{1,9}))?"
_TIMING: Final = re.compile(rf"\s{{0,20}}{_CLOCK}\s{{0,20}}--?>\s{{0,20}}{_CLOCK}(?!\d)")
_NUMBER: Final = re.compile(r"\s{0,20}\d{1,9}\s*")
_LINE_END: Final = re.compile(r"\r\n|\r|\n")


def read_subrip(text: str, uri: str) -> Transcript:
    """Read a SubRip file: comma or dot, hours optional, any numbering, HTML tags and ``{\\an8}`` taken out.

    Raises:
        DamagedSource: There is no line of times in it.
    """
    cues: list[Cue] = []
    lost = 0
    timing: tuple[int, int] | None = None
    lines: list[str] = []
    found = False

    def close(next_follows: bool) -> None:
        if next_follows and lines and _NUMBER.fullmatch(lines[-1]):
            lines.pop()  # the number of the next cue
        if timing:
            cues.extend(cues_of_text("\n".join(lines).strip("\n"), *timing, overrides=True))
        lines.clear()

    for line in _LINE_END.split(text.lstrip("\ufeff")):
        if "->" not in line or not (match := _TIMING.match(line)):
            if "-->" in line:
                lost += 1
            lines.append(line)
            continue
        close(True)
        found = True
        parts = match.groups("")
        start = clock_microseconds(parts[0], parts[1], parts[2], parts[3])
        stop = clock_microseconds(parts[4], parts[5], parts[6], parts[7])
        timing = None if start is None or stop is None else (start, stop)
        lost += timing is None
    close(False)
    if not found:
        raise DamagedSource(
            f"{uri}: no SubRip file: no line such as 00:00:01,000 --> 00:00:02,500 in it; mend or remove it"
        )
    flags = (Flag("transcript-damaged", f"{lost} cues have no readable times"),) if lost else ()
    return Transcript(tuple(cues), "", flags)
