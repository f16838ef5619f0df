"""Files that are whole or not there: they get their name once they are on the disk, and are known by a checksum."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

UNFINISHED_SUFFIX: Final = ".part"
"""Of a file that has no name of its own yet; what a kill leaves of it is harmless."""
_CHUNK: Final = 1 << 22


@contextmanager
def durable(path: Path) -> Iterator[BinaryIO]:
    """A new file, to be written and read back; it is there under its name once the context ends without an error."""
    unfinished = path.with_name(path.name + UNFINISHED_SUFFIX)
    with unfinished.open("w+b") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Makes names just given in a folder survive a loss of power."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def checksum(file: BinaryIO) -> str:
    """BLAKE2b-256 of an open file from its beginning, read in pieces."""
    digest = hashlib.blake2b(digest_size=32)
    file.seek(0)
    while piece := file.read(_CHUNK):
        digest.update(piece)
    return digest.hexdigest()


def check_file(path: Path, size: int, expected: str, file: BinaryIO | None = None) -> str:
    """What is wrong with a file of the knowledge base; empty if nothing is."""
    try:
        with file or path.open("rb") as opened:
            found = os.fstat(opened.fileno()).st_size
            if found != size:
                return f"{path} has {found} bytes, {size} were committed"
            if checksum(opened) != expected:
                return f"{path} does not match its checksum: its content has changed since it was committed"
    except FileNotFoundError:
        return f"{path} is missing"
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}"
    return ""
