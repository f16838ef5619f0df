"""Paths of sources: which are gone from the disk, and which a person means."""

from __future__ import annotations

import fnmatch
import glob
import os
from collections.abc import Iterable, Sequence
from pathlib import Path


def is_gone(uri: str) -> bool:
    """Whether a file has left its folder, which is there itself: on a drive that is not mounted nothing has gone."""
    try:
        os.lstat(uri)
    except FileNotFoundError:
        return os.path.isdir(os.path.dirname(uri))
    except (OSError, ValueError):
        pass  # no permission to look, most likely
    return False


def gone_below(uris: Iterable[str], folders: Iterable[str | Path]) -> list[str]:
    """Sources below folders, of those that are there, whose files are there no longer."""
    below = tuple(os.path.join(os.path.abspath(folder), "") for folder in folders if os.path.isdir(folder))
    gone = []
    for uri in uris:
        if uri.startswith(below):
            try:
                os.lstat(uri)
            except (FileNotFoundError, NotADirectoryError):
                gone.append(uri)
            except (OSError, ValueError):
                continue
    return gone


def matching(uris: Sequence[str], asked: Sequence[str]) -> dict[str, list[str]]:
    """The sources that each path, folder or glob names.

    Globs match whole paths, and ``*`` crosses folders. One that begins with ``./``, ``../`` or ``~`` is taken from
    there, any other relative one (``*.pdf``, ``manuals/*.md``) fits in every folder.
    """
    found: dict[str, list[str]] = {}
    for name in asked:
        path = os.path.abspath(os.path.expanduser(name))
        exact = [uri for uri in uris if uri in (name, path) or uri.startswith(path.rstrip("/") + "/")]
        pattern = _whole_glob(name)
        found[name] = exact or [uri for uri in uris if fnmatch.fnmatchcase(uri, pattern)]
    return found


def _whole_glob(name: str) -> str:
    first, slash, rest = name.partition("/")
    if first in (".", ".."):
        return os.path.normpath(os.path.join(glob.escape(os.getcwd()), name))
    if first.startswith("~") and (home := os.path.expanduser(first)) != first:
        return os.path.normpath(glob.escape(home) + slash + rest)
    return name if name.startswith(("/", "*")) else f"*/{name}"
