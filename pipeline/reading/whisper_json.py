"""Transcripts that recognisers write as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from ..document import Flag
from ..errors import DamagedSource
from .cues import LONGEST_US, Cue, Piece, Transcript, microseconds, spread

_TAG: Final = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8}){0,4}")
_LOOK_AHEAD: Final = 400
"""Characters of a segment in which its next word is looked for."""

_LISTS: Final = ("segments", "chunks", "transcription")


def read_whisper_json(text: str, uri: str) -> Transcript:
    """Read what openai-whisper, faster-whisper, whisperX, whisper.cpp or a ``transformers`` pipeline wrote.

    Known are ``segments`` with ``start``, ``end``, ``text``, ``speaker`` and ``words`` (also as the whole file),
    ``chunks`` with ``timestamp``, ``transcription`` with ``offsets`` in milliseconds, and ``words`` alone.

    Raises:
        DamagedSource: It is no JSON, or JSON of another kind; see :func:`is_transcript`.
    """
    data = _parsed(text, uri)
    rows = _rows(data)
    if rows is None:
        raise DamagedSource(f"{uri}: JSON, but no transcript: no list of segments or chunks with text and times in it")
    cues: list[Cue] = []
    lost = 0
    for row in rows:
        cue = _cue(row)
        if cue is None:
            lost += 1
        elif cue.text.strip():
            cues.append(cue)
    language = data.get("language") if isinstance(data, Mapping) else None
    if language is None and isinstance(data, Mapping) and isinstance(data.get("result"), Mapping):
        language = data["result"].get("language")
    tag = language.replace("_", "-") if isinstance(language, str) and _TAG.fullmatch(language) else ""
    flags = (Flag("transcript-damaged", f"{lost} of {len(rows)} segments have no text or no times"),) if lost else ()
    return Transcript(tuple(cues), tag if len(tag.partition("-")[0]) <= 3 else "", flags)


def is_transcript(text: str) -> bool:
    """Whether this is JSON of a kind that :func:`read_whisper_json` knows."""
    if not any(f'"{name}"' in text for name in (*_LISTS, "words", "start")):
        return False
    try:
        return _rows(_parsed(text, "")) is not None
    except DamagedSource:
        return False


def _parsed(text: str, uri: str) -> object:
    try:
        data: object = json.loads(text)
    except RecursionError as error:
        raise DamagedSource(f"{uri}: JSON nested too deeply for a transcript; mend or remove it") from error
    except ValueError as error:  # JSONDecodeError, and a number of more digits than Python takes
        raise DamagedSource(f"{uri}: no JSON ({error}); mend or remove it") from error
    return data


def _rows(data: object) -> Sequence[Mapping[str, object]] | None:
    """The segments; ``None`` where there is no list of them."""
    candidates = [data.get(name) for name in (*_LISTS, "words")] if isinstance(data, Mapping) else [data]
    for rows in candidates:
        if isinstance(rows, list) and rows and all(isinstance(row, Mapping) for row in rows):
            # One broken segment does not make it something else.
            good = sum(_times(row) is not None and _text(row) is not None for row in rows)
            if 2 * good >= len(rows):
                return rows
    return None


def _text(row: Mapping[str, object]) -> str | None:
    value = row.get("text", row.get("word"))
    return value if isinstance(value, str) else None


def _times(row: Mapping[str, object]) -> tuple[int, int | None] | None:
    """Start and stop in microseconds; the stop of a transcript's last chunk may be missing."""
    stamp = row.get("timestamp", row.get("timestamps"))
    if isinstance(offsets := row.get("offsets"), Mapping):
        pair = [
            value / 1000 if isinstance(value, int) and abs(value) < LONGEST_US else None
            for value in (offsets.get("from"), offsets.get("to"))
        ]
        start, stop = microseconds(pair[0]), microseconds(pair[1])
    elif isinstance(stamp, list) and len(stamp) == 2:
        start, stop = microseconds(stamp[0]), microseconds(stamp[1])
    else:
        start, stop = microseconds(row.get("start")), microseconds(row.get("end"))
    return None if start is None else (start, stop)


def _cue(row: Mapping[str, object]) -> Cue | None:
    text, times = _text(row), _times(row)
    if text is None or times is None:
        return None
    speaker = row.get("speaker")
    pieces = tuple(spread(text, list(_marks(text, row.get("words"))), *times))
    return Cue(pieces or (Piece(text, *times),), " ".join(speaker.split()) if isinstance(speaker, str) else "")


def _marks(text: str, words: object) -> Iterator[tuple[int, int, int | None]]:
    """Where each word with times stands in the text of its segment.

    A word that cannot be found there, or has no times (whisperX gives numbers none), goes with the word before it.
    """
    at = 0
    latest = 0
    for word in words if isinstance(words, list) else ():
        if not isinstance(word, Mapping):
            continue
        written, times = _text(word), _times(word)
        if written is None or not (written := written.strip()):
            continue
        found = text.find(written, at, at + len(written) + _LOOK_AHEAD)
        if found < 0:
            continue
        at = found + len(written)
        if times is not None and times[0] >= latest:
            latest = times[0]
            yield found, *times
