"""Files that live no longer than the process that made them, even if it is killed.

Each process has one folder, made when first needed, removed at exit, and locked in between. A lock ends with its
process, so the next process that needs scratch space can tell abandoned folders from those in use, and removes them: a
recording of ten hours leaves more than a gigabyte.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import itertools
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

_PREFIX: Final = "octavo-scratch-"
_LOCK: Final = "lock"
_numbers = itertools.count()
_folders: dict[int, Path] = {}  # by process id: a forked child must not use, nor remove, its parent's


def scratch_path(suffix: str) -> Path:
    """A path in this process's scratch folder where nothing stands yet. Whoever asks removes the file after use."""
    process = os.getpid()
    if process not in _folders or not _folders[process].is_dir():
        _remove_abandoned()
        _folders[process] = _new_folder()
    return _folders[process] / f"{next(_numbers)}{suffix}"


def _new_folder() -> Path:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        # Not closed before the process ends: closing gives the lock up. Not inherited by programs that it starts.
        descriptor = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if (folder / _LOCK).exists():
            atexit.register(_remove_own, folder, os.getpid())
            return folder
        os.close(descriptor)  # another process took it for abandoned before the lock was on


def _remove_own(folder: Path, process: int) -> None:
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):  # in use, gone meanwhile, or another user's
            descriptor = os.open(folder / _LOCK, os.O_RDWR)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(descriptor)
