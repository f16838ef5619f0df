"""Whether a source's file still has the bytes that were read, and where in them a quote stands."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ..pipeline.document import Source
from ..pipeline.errors import OctavoError
from ..pipeline.reading.decoding import decode

TEXT_IS_FILE = ("text/plain", "text/markdown")
"""Formats whose text is the decoded file itself, so that characters of the one are bytes of the other."""


class FileState(StrEnum):
    """What became of a source's file."""

    SAME = "same"
    """It has the bytes that were read."""
    CHANGED = "changed"
    """It has others."""
    GONE = "gone"
    """It is not there."""
    UNREADABLE = "unreadable"
    """It is there and may not be read."""


@dataclass(frozen=True, slots=True)
class OnDisk:
    """A source's file as it is now.

    Attributes:
        bytes: Its size; 0 where it cannot be read.
    """

    state: FileState
    bytes: int = 0


def look(source: Source) -> OnDisk:
    """Reads a source's file through, a piece at a time, and compares."""
    path = Path(source.uri)
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
    except FileNotFoundError:
        return OnDisk(FileState.GONE)
    except (OSError, ValueError):
        return OnDisk(FileState.UNREADABLE)
    return OnDisk(FileState.SAME if digest == source.sha256 else FileState.CHANGED, size)


def byte_range(source: Source, start: int, stop: int) -> tuple[int, int] | None:
    """The bytes of a plain text file in which characters ``[start, stop)`` stand.

    ``None`` for other formats, and where the file does not decode to these bytes and back.
    """
    if source.media_type not in TEXT_IS_FILE:
        return None
    try:
        data = Path(source.uri).read_bytes()
        decoded = decode(data)
        body = decoded.text.encode(decoded.encoding)
    except (OSError, OctavoError, ValueError):
        return None
    if not data.endswith(body):
        return None
    mark = len(data) - len(body)  # of the byte order
    first = mark + len(decoded.text[:start].encode(decoded.encoding))
    return first, first + len(decoded.text[start:stop].encode(decoded.encoding))
