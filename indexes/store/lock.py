"""One writer at a time."""

from __future__ import annotations

import fcntl
import os
import threading
from pathlib import Path
from types import TracebackType

from ...pipeline.errors import KnowledgeBaseBusy, KnowledgeBaseError

NAME = "lock"

_held: set[str] = set()
_guard = threading.Lock()


class WriterLock:
    """The right to write to a knowledge base, held by a process until it lets go or ends in whatever way.

    A POSIX record lock: it ends with the process and, unlike ``flock``, is not passed to forked children, which
    could outlive their parent. Such a lock does not keep threads of one process apart, so those are kept apart by a
    set of names.
    """

    def __init__(self, folder: Path) -> None:
        """Takes the lock or raises :class:`KnowledgeBaseBusy`; never waits."""
        self._path = folder / NAME
        self._key = os.path.realpath(self._path)
        with _guard:
            if self._key in _held:
                raise KnowledgeBaseBusy(f"{folder} is being written by this very process: close its other writer first")
            try:
                self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            except OSError as error:
                raise KnowledgeBaseError(
                    f"{folder} cannot be written: {error.strerror}; check its permissions"
                ) from error
            try:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                writer = os.read(self._file, 64).decode("ascii", "replace").strip() or "unknown"
                os.close(self._file)
                raise KnowledgeBaseBusy(
                    f"{folder} is being written by process {writer}: try again when it is done"
                ) from error
            os.ftruncate(self._file, 0)
            os.write(self._file, f"{os.getpid()}\n".encode())
            _held.add(self._key)

    def release(self) -> None:
        """Lets go; further calls do nothing."""
        with _guard:
            if self._file >= 0:
                os.ftruncate(self._file, 0)
                os.close(self._file)
                self._file = -1
                _held.discard(self._key)

    def __enter__(self) -> WriterLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
