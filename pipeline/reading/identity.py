"""Which file is it: its digest and what it holds, without parsing it."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import Final

from ..document import Source
from ..errors import SourceMissing, UnsupportedSource
from .media_type import HEAD_BYTES, media_type

_CHUNK: Final = 1024 * 1024


def identify(path: Path) -> Source:
    """Stream a file's SHA-256 and find its media type.

    The media type may be one that no reader takes; :class:`~.sandbox.Reader` then says so.

    Raises:
        SourceMissing: Nothing there, a folder, or no permission.
        UnsupportedSource: A pipe, socket or device.
    """
    path = Path(os.path.abspath(path))
    digest = hashlib.sha256()
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise SourceMissing(f"{path} is a folder; name the files in it")
        if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for ever
            raise UnsupportedSource(f"{path} is no regular file but a pipe, socket or device; save it to a file")
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            digest.update(head)
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
        return Source(str(path), media_type(path, head), digest.hexdigest())
    except FileNotFoundError as error:
        raise SourceMissing(f"{path}: there is no such file") from error
    except PermissionError as error:
        raise SourceMissing(f"{path}: no permission to read it") from error
    except OSError as error:
        raise SourceMissing(f"{path}: cannot be read ({error.strerror or error})") from error
