"""A recording's transcript as a document whose words know their time."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from ..document import TIMES_DTYPE, Block, Document, Flag
from ..errors import EmptySource
from .compose import printable
from .cues import Cue, Piece
from .decoding import decode
from .language import detect_language
from .roll_up import without_repeats
from .sidecars import is_sidecar_of, language_of, read_sidecar, sidecars_of
from .subrip import read_subrip
from .textgrid import read_textgrid
from .webvtt import read_webvtt
from .whisper_json import read_whisper_json

if TYPE_CHECKING:
    from ..recording import Recording

__all__ = [
    "TRANSCRIPTS_VERSION",
    "compose_transcript",
    "is_sidecar_of",
    "sidecars_of",
    "transcript_digest",
    "transcript_of",
]

TRANSCRIPTS_VERSION: Final = "1"
"""Raised whenever the same sidecar would give another document: part of the recipe, with :func:`transcript_digest`."""

PAUSE_US: Final = 2_000_000
"""So long a pause ends a paragraph."""

_BEYOND_US: Final = 500_000
"""A last cue may stand a little longer than the recording lasts; more is worth saying."""

_SLIP_US: Final = 300_000
"""Cues that overlap by less follow one another; by more, two people speak at once."""

_WORD: Final = re.compile(r"\S+")
_NAMED: Final = re.compile(r"(?:[^\W\d_][\w.'’-]*[ ]?){1,3}(?:\d{1,3})?:\s")
_SENTENCE_END: Final = re.compile(r"[.!?…。！？][\"'”’)\]]*$")

_READERS: Final = {
    ".vtt": read_webvtt,
    ".srt": read_subrip,
    ".json": read_whisper_json,
    ".textgrid": read_textgrid,
}


def transcript_of(path: Path, recording: Recording) -> Document | None:
    """Read the transcript that stands beside a recording, if there is one.

    Which file that is says :mod:`octavo.pipeline.reading.sidecars`. Of several, only the first is read; if that
    cannot be, the others are not tried, so that it is always clear which one counts.

    Args:
        path: Of the recording.

    Returns:
        See :func:`compose_transcript`; ``None`` where no file counts as a transcript.

    Raises:
        SourceError: The file cannot be read, is no transcript, too large, or empty.
    """
    sidecar = next(iter(sidecars_of(path)), None)
    if sidecar is None:
        return None
    decoded = decode(read_sidecar(sidecar))
    transcript = _READERS[sidecar.suffix.lower()](decoded.text, str(sidecar))
    language = transcript.language or language_of(path, sidecar)
    flags = (*decoded.flags, *transcript.flags)
    try:
        return compose_transcript(transcript.cues, recording, language, flags)
    except EmptySource as error:
        raise EmptySource(f"{sidecar}: the transcript holds no text; fill or remove it") from error


def transcript_digest(path: Path) -> str:
    """SHA-256 of the transcript that :func:`transcript_of` reads, as hexadecimal digits; empty where there is none.

    Raises:
        SourceError: The file cannot be read.
    """
    sidecar = next(iter(sidecars_of(path)), None)
    return "" if sidecar is None else hashlib.sha256(read_sidecar(sidecar)).hexdigest()


def compose_transcript(
    cues: Iterable[Cue],
    recording: Recording,
    language: str = "",
    flags: Sequence[Flag] = (),
    *,
    captions: bool = True,
) -> Document:
    """Cues as running text.

    Cues are put in order of time; what rolling captions repeat is left out. They are joined to one block until another
    speaks or there is a pause of two seconds, so that sentences run across cues; a block begins with the speaker's
    name where one is known. Ends that run backwards or are missing reach to the next cue. Times outside the recording
    are moved to its edge.

    Args:
        language: As stated; otherwise detected.
        captions: Whether cues may repeat each other without anybody having said it twice.

    Returns:
        With ``times``: one row for each piece of each cue. Rows may overlap in time where people speak at once. Flags:
        ``transcript-longer`` where cues lie beyond the end of the recording, ``transcript-times`` where ends were
        mended, ``transcript-repeats`` where captions rolled up.

    Raises:
        EmptySource: There is no text.
    """
    found = list(flags)
    ordered = sorted(_distinct(cues), key=lambda cue: cue.start_us)
    repeated = 0
    if captions:
        ordered, repeated = without_repeats(ordered)
    if repeated:
        found.append(Flag("transcript-repeats", f"rolling captions: {repeated} repeated words left out"))
    ordered, mended = _closed(ordered, recording)
    if mended:
        found.append(Flag("transcript-times", f"{mended} cues end before they begin, or nowhere"))
    end_us = recording.start_us + recording.samples * 125 // 2
    beyond = [cue for cue in ordered if (cue.stop_us or 0) > end_us + _BEYOND_US]
    if beyond:
        last = max(cue.stop_us or 0 for cue in beyond)
        found.append(
            Flag(
                "transcript-longer",
                f"{len(beyond)} cues reach to {last / 1e6:.1f} s, the recording to {end_us / 1e6:.1f} s; their times "
                "were moved to its end",
            )
        )
    text, blocks, rows = _joined(ordered, recording)
    if not blocks:
        raise EmptySource(f"{recording.source.uri}: the transcript holds no text")
    metadata = replace(recording.metadata, language=language or detect_language(text))
    times = np.array(rows, TIMES_DTYPE)
    return Document(recording.source, text, tuple(blocks), metadata=metadata, flags=tuple(found), times=times)


def _distinct(cues: Iterable[Cue]) -> Iterator[Cue]:
    """Cues with text, each once: shadows and styles are drawn by showing the same text twice at the same time."""
    seen: set[tuple[int, str, str]] = set()
    for cue in cues:
        key = (cue.start_us, cue.speaker, " ".join(cue.words()))
        if key[2] and key not in seen:
            seen.add(key)
            yield cue


def _closed(cues: Sequence[Cue], recording: Recording) -> tuple[list[Cue], int]:
    """Cues whose pieces all end after they begin, and how many needed that."""
    mended = 0
    closed: list[Cue] = []
    end_us = recording.start_us + recording.samples * 125 // 2
    for at, cue in enumerate(cues):
        following = cues[at + 1].start_us if at + 1 < len(cues) else max(end_us, cue.start_us)
        pieces: list[Piece] = []
        broken = False
        for index, piece in enumerate(cue.pieces):
            stop = piece.stop_us
            if stop is None or stop <= piece.start_us:
                later = [other.start_us for other in cue.pieces[index + 1 : index + 2]]
                stop = max(piece.start_us + 1, *later, following if not later else 0)
                broken = broken or bool(piece.text.strip())
            pieces.append(replace(piece, stop_us=stop))
        last = pieces[-1]
        if last.stop_us is not None and last.start_us < following < last.stop_us <= following + _SLIP_US:
            pieces[-1] = replace(last, stop_us=following)
        mended += broken
        closed.append(replace(cue, pieces=tuple(pieces)))
    return closed, mended


def _joined(cues: Sequence[Cue], recording: Recording) -> tuple[str, list[Block], list[tuple[int, int, int, int]]]:
    """Text, blocks, and rows of times."""
    parts: list[str] = []
    blocks: list[Block] = []
    rows: list[tuple[int, int, int, int]] = []
    length = start = 0
    speaker = ""
    heard_us = 0

    def put(text: str) -> None:
        nonlocal length
        parts.append(text)
        length += len(text)

    for cue in cues:
        words = [(_WORD.findall(printable(piece.text)), piece) for piece in cue.pieces]
        if not any(found for found, _ in words):
            continue
        turns = cue.speaker != speaker or cue.opens or _names_speaker(cue.text, parts)
        if length == start or turns or cue.start_us - heard_us >= PAUSE_US:
            if length > start:
                blocks.append(Block(start, length))
                put("\n\n")
                start = length
            if cue.speaker:
                put(f"{printable(cue.speaker)}: ")
            fresh = True
        else:
            fresh = False
        speaker, heard_us = cue.speaker, max(heard_us, cue.stop_us or 0)
        apart = not fresh
        for found, piece in words:
            shown = printable(piece.text)
            if found:
                if (apart or (shown[0].isspace() and not fresh)) and not _runs_on(parts[-1][-1], found[0][0]):
                    put(" ")
                begin = length
                put(" ".join(found))
                rows.append((begin, length, *_samples(piece, recording)))
                apart, fresh = shown[-1].isspace(), False
            elif shown:
                apart = not fresh
    if length > start:
        blocks.append(Block(start, length))
    return "".join(parts), blocks, rows


def _names_speaker(text: str, parts: Sequence[str]) -> bool:
    """Whether a cue begins with a name and a colon, after a sentence has ended."""
    head = text[:80].lstrip()
    if not _NAMED.match(head) or not head[0].isupper():
        return False
    return head.partition(":")[0].isupper() or not parts or bool(_SENTENCE_END.search(parts[-1][-8:]))


def _runs_on(left: str, right: str) -> bool:
    """Whether two characters stand in a script without spaces between words: Chinese or Japanese, not Korean."""
    return all(
        unicodedata.east_asian_width(character) in "WF" and not "\uac00" <= character <= "\ud7af"
        for character in (left, right)
    )


def _samples(piece: Piece, recording: Recording) -> tuple[int, int]:
    """Samples in which a piece is said, inside the recording; at least one."""
    stop_us = piece.start_us + 1 if piece.stop_us is None else piece.stop_us
    # round((t - start_us / 1e6) * 16000) in whole numbers: 16000 / 1e6 is 2 / 125
    start, stop = ((4 * (time - recording.start_us) + 125) // 250 for time in (piece.start_us, stop_us))
    start = min(max(start, 0), recording.samples - 1)
    return start, min(max(stop, start + 1), recording.samples)
