"""Whose transcript a file is: one that stands beside its recording goes in with it, not as a document of its own."""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from .errors import SourceError
from .reading.sidecars import KINDS, is_sidecar_of, settled, sidecars_of

UNREADABLE = "unreadable"
"""In place of the digest of a transcript that cannot be read."""


@dataclass(frozen=True, slots=True)
class _Folder:
    names: frozenset[str]
    by_stem: dict[str, list[str]]


def recording_of(path: Path) -> Path | None:
    """The recording beside which a file is a transcript; ``None`` for every other file."""
    if path.suffix.lower() not in KINDS:
        return None
    try:
        changed = path.parent.stat().st_mtime_ns
        list_folder = _folder if settled(changed) else _folder.__wrapped__
        folder = list_folder(str(path.parent), changed)
    except OSError:
        return None
    if not is_sidecar_of(path, folder.names):
        return None
    stem = path.name.lower()
    while "." in stem:  # talk.en.vtt may be of talk.en.wav or of talk.wav, talk.wav.vtt of talk.wav
        stem = stem.rpartition(".")[0]
        names: tuple[str, ...] = (*folder.by_stem.get(stem, ()), *folder.by_stem.get(os.path.splitext(stem)[0], ()))
        for name in names:
            recording = path.parent / name
            if path in sidecars_of(recording):
                return recording
    return None


def transcript_digest(path: Path) -> str:
    """SHA-256 of the transcript beside a recording, empty where there is none."""
    if not sidecars_of(path):
        return ""
    from .reading import transcripts

    try:
        digest: str = transcripts.transcript_digest(path)
        return digest
    except SourceError:
        return UNREADABLE


@lru_cache(8)
def _folder(path: str, mtime_ns: int) -> _Folder:
    """A folder's names, listed once as long as it does not change."""
    names = sorted(os.listdir(path))
    by_stem: dict[str, list[str]] = defaultdict(list)
    for name in names:
        stem, suffix = os.path.splitext(name.lower())
        if suffix not in KINDS:
            by_stem[stem].append(name)
    return _Folder(frozenset(names), dict(by_stem))
