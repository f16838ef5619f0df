"""Which files a person means."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from .errors import SourceMissing


def look_at(path: Path) -> os.stat_result:
    """A file's size and times.

    Raises:
        SourceMissing: Nothing there, no permission to look, or a name that no file can have.
    """
    try:
        return path.stat()
    except OSError as error:
        raise SourceMissing(f"{path}: {error.strerror or error}; check the name and the permissions") from error
    except ValueError as error:
        raise SourceMissing(f"{path}: a name that no file can have ({error}); check the list of names") from error


def file_size(path: Path) -> int:
    """Bytes of a regular file; 0 for whatever else is there, or nothing."""
    try:
        status = look_at(path)
    except SourceMissing:
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) else 0


def discover(paths: Iterable[str | Path]) -> list[Path]:
    """Absolute paths of all files named: files, folders (with what is in them, hidden files left out) and globs.

    A path that matches nothing stays in the list, so that its absence is reported with the other outcomes.
    """
    found: dict[Path, None] = {}
    for path in map(str, paths):
        path = os.path.expanduser(path)
        matches = [path] if os.path.lexists(path) else _matching(path)
        for match in matches or [path]:
            if os.path.isdir(match):
                found.update(dict.fromkeys(_files_below(Path(match))))
            else:
                found[_absolute(match)] = None
    return list(found)


def _matching(pattern: str) -> list[str]:
    """Paths that match a glob, hidden ones only where the glob names them."""
    parts = Path(pattern).parts
    fixed = next((i for i, part in enumerate(parts) if glob.has_magic(part)), len(parts))
    if fixed == len(parts):
        return []
    base, rest = Path(*parts[:fixed]), parts[fixed:]
    try:
        # Not glob.glob: its ** follows links to folders, and a link to a folder above never ends.
        found = list(base.glob(os.path.join(*rest)))
    except (OSError, ValueError):
        return []  # an over-long name, a ** inside a name: it matches nothing, and is reported as missing
    hidden = any(part.startswith(".") for part in rest)
    return sorted(
        str(path) for path in found if hidden or not any(part.startswith(".") for part in path.relative_to(base).parts)
    )


def _files_below(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith("."):
                yield _absolute(os.path.join(parent, name))


def _absolute(path: str) -> Path:
    # Links are kept as they are named: people cite the path they know.
    return Path(os.path.abspath(os.path.expanduser(path)))
