"""Which files beside a recording are its transcripts.

``talk.wav`` has, in this order of preference:

1. by kind: WebVTT (``.vtt``), SubRip (``.srt``), a recogniser's JSON (``.json``), Praat ``.TextGrid``. People correct
   captions, so these come before what a machine wrote; a TextGrid often lacks punctuation.
2. by name: ``talk.wav.vtt``, ``talk.vtt``, then with a language (``talk.en.vtt``): first ``-orig``, as downloaders mark
   the language that is spoken, then by alphabet.

A ``.json`` counts only if it holds segments with times. ``talk.en.vtt`` is not of ``talk.wav`` if there is a recording
``talk.en.wav``. Upper and lower case count as the same.
"""

# ruff: noqa: SIM905 (sets of names read best as words)
from __future__ import annotations

import os
import re
import time
from collections.abc import Collection, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Final

from ..errors import SourceError, SourceMissing, UnsupportedSource
from .decoding import decode
from .whisper_json import is_transcript

SIDECAR_BYTES: Final = 32 << 20
"""A larger transcript is refused: a day of speech with the time of each word has a quarter of this."""

KINDS: Final = (".vtt", ".srt", ".json", ".textgrid")
"""Suffixes of transcripts, best first."""

_RECORDINGS: Final = frozenset(
    (
        ".3g2 .3gp .aac .ac3 .aif .aifc .aiff .amr .ape .asf .au .avi .caf .dts .f4v .flac .flv .m2ts .m4a .m4b .m4v "
        ".mka .mkv .mov .mp2 .mp3 .mp4 .mpeg .mpg .mts .mxf .oga .ogg .ogm .ogv .opus .ra .rm .snd .spx .ts .tta .vob "
        ".w64 .wav .wave .weba .webm .wma .wmv .wv"
    ).split()
)
_LANGUAGE: Final = re.compile(r"(?:[a-z]{2,3}(?:-[a-z0-9]{2,8}){0,4})(?:\.(?:sdh|cc))?|sdh|cc")


def sidecars_of(path: Path) -> tuple[Path, ...]:
    """The files that count as transcripts of a recording, the one to be read first."""
    folder = path.parent
    try:
        changed = folder.stat().st_mtime_ns
        list_folder = _listing if settled(changed) else _listing.__wrapped__
        names = list_folder(str(folder), changed)
    except OSError:
        return ()
    found = [folder / name for name in _ranked(path.name, names)]
    return tuple(sidecar for sidecar in found if _counts(sidecar))


def is_sidecar_of(path: Path, names: Collection[str]) -> bool:
    """Whether a file is a transcript of one of the recordings among the names in its folder.

    A recording is known by its suffix here, for this is asked about every file of a folder.
    """
    if path.suffix.lower() not in KINDS:
        return False
    recordings = _recordings(frozenset(names))
    if not any(owner in recordings for owner, _ in _owners(path.name.lower())):
        return False
    return _counts(path)


def read_sidecar(path: Path) -> bytes:
    """The bytes of a transcript.

    Raises:
        SourceMissing: It cannot be read.
        UnsupportedSource: It is no regular file, or larger than a transcript can be.
    """
    try:
        if not path.is_file():
            raise UnsupportedSource(f"{path}: the transcript is no regular file; save it to one")
        with path.open("rb") as file:
            data = file.read(SIDECAR_BYTES + 1)
    except OSError as error:
        raise SourceMissing(f"{path}: the transcript cannot be read ({error.strerror or error})") from error
    if len(data) > SIDECAR_BYTES:
        raise UnsupportedSource(
            f"{path}: the transcript has more than {SIDECAR_BYTES >> 20} MB; cut recording and transcript in parts"
        )
    return data


def _counts(path: Path) -> bool:
    try:
        if not path.is_file():
            return False
        if path.suffix.lower() != ".json":
            return True
        state = path.stat()
        look = _is_json_transcript if settled(state.st_mtime_ns) else _is_json_transcript.__wrapped__
        return look(str(path), state.st_mtime_ns, state.st_size)
    except OSError:
        return False


def settled(changed_ns: int) -> bool:
    """Whether the next change would show in the time stamp, which may be as coarse as two seconds."""
    return time.time_ns() - changed_ns > 3_000_000_000


@lru_cache(maxsize=256)
def _is_json_transcript(path: str, changed_ns: int, size: int) -> bool:
    """By path, time and size of the file, so that a folder of JSON is looked into once."""
    try:
        return size <= SIDECAR_BYTES and is_transcript(decode(read_sidecar(Path(path))).text)
    except SourceError:
        return False


@lru_cache(maxsize=8)
def _listing(folder: str, changed_ns: int) -> dict[str, tuple[str, ...]]:
    """What :func:`_ranked` looks names up in: for each name a recording may have, its transcripts, best first."""
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries)
    recordings = _recordings(frozenset(names))
    ranked: dict[str, list[tuple[tuple[int, int, str], str]]] = {}
    for name in names:
        lower = name.lower()
        if os.path.splitext(lower)[1] not in KINDS:
            continue
        direct = _stem(lower) in recordings
        for owner, language in _owners(lower):
            if language and direct:
                continue  # talk.en.vtt beside talk.en.wav
            rank = (KINDS.index(os.path.splitext(lower)[1]), _closeness(language), language)
            ranked.setdefault(owner, []).append((rank, name))
    return {owner: tuple(name for _, name in sorted(found)) for owner, found in ranked.items()}


def _ranked(recording: str, listing: dict[str, tuple[str, ...]]) -> Iterable[str]:
    lower = recording.lower()
    merged = dict.fromkeys((*listing.get(lower, ()), *listing.get(_stem(lower), ())))
    return sorted(merged, key=lambda name: KINDS.index(os.path.splitext(name.lower())[1]))  # stable


@lru_cache(maxsize=8)
def _recordings(names: frozenset[str]) -> frozenset[str]:
    """Names of recordings in lower case, with and without their suffixes."""
    lower = [name.lower() for name in names if os.path.splitext(name.lower())[1] in _RECORDINGS]
    return frozenset(lower) | frozenset(map(_stem, lower))


def _owners(lower: str) -> Iterable[tuple[str, str]]:
    """What the recording of a transcript may be called, with or without its suffix, and the language named."""
    base = _stem(lower)
    yield base, ""
    for parts in (1, 2):
        pieces = base.rsplit(".", parts)
        if len(pieces) == parts + 1 and pieces[0] and _LANGUAGE.fullmatch(".".join(pieces[1:])):
            yield pieces[0], ".".join(pieces[1:])


def _closeness(language: str) -> int:
    return 0 if not language else 1 if language.endswith("-orig") else 2


def _stem(lower: str) -> str:
    return os.path.splitext(lower)[0]


def language_of(recording: Path, sidecar: Path) -> str:
    """The language in the name of a sidecar, as a BCP 47 tag; empty where none is named."""
    names = {recording.name.lower(), _stem(recording.name.lower())}
    for owner, language in _owners(sidecar.name.lower()):
        if owner in names:
            tag = language.split(".")[0].removesuffix("-orig")
            return "" if tag in ("sdh", "cc") else tag
    return ""
