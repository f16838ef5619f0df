"""WebVTT by webvtt-py, which keeps to the standard's parsing rules: what is malformed is passed over, not fatal."""

from __future__ import annotations

import re
from typing import Final

from ..document import Flag
from ..errors import DamagedSource
from .cue_text import cues_of_text
from .cues import LONGEST_US, Cue, Transcript

_LANGUAGE: Final = re.compile(r"Language:\s*([A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8}){0,4})\s*", re.IGNORECASE)


def read_webvtt(text: str, uri: str) -> Transcript:
    """Read a WebVTT file (W3C WebVTT, with what players forgive): voices, times inside cues, any order.

    Raises:
        DamagedSource: It does not begin with ``WEBVTT``, or a time in it cannot be read.
    """
    import webvtt

    # A NUL is U+FFFD by the standard; blank lines before the header are a common slip.
    text = text.replace("\0", "\ufffd").lstrip("\ufeff \t\r\n")
    try:
        parsed = webvtt.from_string(text)
    except webvtt.errors.MalformedFileError as error:
        begins = text[:20]
        raise DamagedSource(
            f"{uri}: a WebVTT file begins with WEBVTT, this one with {begins!r}; mend or remove it"
        ) from error
    except (webvtt.errors.MalformedCaptionError, ValueError) as error:
        raise DamagedSource(f"{uri}: no WebVTT file ({error}); mend or remove it") from error
    cues: list[Cue] = []
    for caption in parsed.captions:
        start = 1000 * caption.start_time.in_milliseconds()
        stop = 1000 * caption.end_time.in_milliseconds()
        if start <= LONGEST_US:
            cues.extend(cues_of_text(caption.raw_text, start, min(stop, LONGEST_US)))
    stated = next((match.group(1) for line in parsed.metadata if (match := _LANGUAGE.fullmatch(line))), "")
    arrows = sum("-->" in line for line in text.splitlines())
    lost = arrows - len(parsed.captions)
    flags = (Flag("transcript-damaged", f"{lost} of {arrows} cues have no readable times"),) if lost > 0 else ()
    return Transcript(tuple(cues), stated, flags)
