"""Reading in a child process that can be killed: parsers hang, eat memory and crash on files from strangers."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from .. import errors
from ..document import Document
from ..errors import (
    DamagedSource,
    ReaderCrashed,
    ReaderOutOfMemory,
    ReaderTimeout,
    SourceError,
    SourceMissing,
    UnsupportedSource,
)
from ..recording import Recording
from ..scratch import scratch_path
from .media_signatures import RECORDINGS
from .media_type import HEAD_BYTES, media_type
from .resident_memory import resident_bytes
from .wire import document_from_bytes, recording_from_bytes
from .worker import DATA_LIMIT, LIFELINE

_START_SECONDS: Final = 120.0
"""For the interpreter and its imports, on a busy machine with a cold disk."""

_WATCH_SECONDS: Final = 0.05
_STDERR_TAIL: Final = 2_000
_RECYCLE_AFTER: Final = 500
"""Files after which a child is replaced: parsers leak."""

_ERRORS: Final = {
    name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, SourceError)
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What a reader may use for one file.

    Attributes:
        seconds: Wall-clock time for any file.
        seconds_per_megabyte: Added for each megabyte of the file.
        memory_bytes: Resident memory of the child process, interpreter included.
        file_bytes: Larger documents are refused unread.
        recording_bytes: Larger recordings are: they are streamed, and take no memory by their size.
    """

    seconds: float = 120.0
    seconds_per_megabyte: float = 30.0
    memory_bytes: int = 4 * 1024**3
    file_bytes: int = 2 * 1024**3
    recording_bytes: int = 64 * 1024**3

    def __post_init__(self) -> None:
        if self.seconds <= 0 or self.seconds_per_megabyte < 0:
            raise ValueError(f"a reader needs time, not {self.seconds} s and {self.seconds_per_megabyte} s per MB")
        if self.memory_bytes < 128 * 1024**2:
            raise ValueError(f"a reader needs at least 128 MiB of memory, not {self.memory_bytes:,} bytes")
        if self.file_bytes < 1 or self.recording_bytes < 1:
            raise ValueError(f"files of at most {min(self.file_bytes, self.recording_bytes)} bytes are none")

    def seconds_for(self, size: int) -> float:
        """Time limit for a file of ``size`` bytes."""
        return self.seconds + self.seconds_per_megabyte * size / 1e6


class Reader:
    """Reads files in one child process, started when first needed and again whenever it was killed.

    A context manager. Threads may share a reader; they then wait for each other.

    Args:
        limits: For each file.
        command: What runs :func:`.worker.serve`; by default this interpreter and the readers of this package.
    """

    def __init__(self, limits: Limits | None = None, *, command: Sequence[str] = ()) -> None:
        self.limits = limits or Limits()
        # -P: a file called json.py in the current folder must not become a module of the worker.
        self._command = tuple(command) or (sys.executable, "-P", "-m", f"{__package__}.worker")
        self._child: _Child | None = None
        self._files = 0
        self._lock = threading.Lock()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the child process at once, for good; what another thread reads ends as a :class:`ReaderCrashed`."""
        self._closed = True
        child = self._child
        if child is not None:
            child.stop()  # not kill(): its pipes may be in use by the thread that reads
        with self._lock:
            self._drop()

    def read(self, path: Path) -> Document | Recording:
        """Parse a document or decode a recording. Whoever takes a recording closes it.

        Raises:
            SourceMissing: Nothing there, or no permission.
            UnsupportedSource: No reader takes this kind of file, or it is larger than the limit.
            EncryptedSource, DamagedSource, EmptySource: As the reader found it.
            ReaderTimeout, ReaderOutOfMemory: The child was killed at a limit.
            ReaderCrashed: The child ended by itself, or could not be started, or the reader was closed.
        """
        try:
            size = os.stat(path).st_size
        except OSError as error:
            raise SourceMissing(f"{path}: {error.strerror or error}") from error
        limit = self.limits.file_bytes
        if size > limit and _is_recording(path):
            limit = self.limits.recording_bytes
        if size > limit:
            raise UnsupportedSource(f"{path}: {size:,} bytes; the limit is {limit:,}: split the file")
        with self._lock:
            pcm = scratch_path(".pcm")
            try:
                return self._read(path, size, pcm)
            except BaseException as error:
                if not isinstance(error, SourceError) or isinstance(
                    error, ReaderTimeout | ReaderOutOfMemory | ReaderCrashed
                ):
                    self._drop()  # interrupted half-way, a child's next answer would be that of this file
                pcm.unlink(missing_ok=True)  # only now that no child writes to it
                if self._closed and isinstance(error, SourceError):
                    raise ReaderCrashed(f"{path}: the reader was closed") from error
                raise

    def _read(self, path: Path, size: int, pcm: Path) -> Document | Recording:
        if self._closed:
            raise ReaderCrashed("closed")
        if self._child is not None and (self._files >= _RECYCLE_AFTER or not self._child.is_idle(self.limits)):
            self._drop()
        if self._child is None:
            self._child = _Child(self._command, self.limits.memory_bytes)
            self._files = 0
        if self._closed:  # asked after the child is there for close() to see
            raise ReaderCrashed("closed")
        self._files += 1
        request = {"path": _hex(os.path.abspath(path)), "name": str(path), "pcm": _hex(pcm)}
        tag, payload = self._child.ask(request, self.limits, self.limits.seconds_for(size))
        if tag == b"A":
            return recording_from_bytes(payload, pcm)
        if tag == b"D":
            return document_from_bytes(payload)
        raise _error(payload)

    def _drop(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.kill()


class _Child:
    """A running worker and the pipes to it."""

    def __init__(self, command: Sequence[str], memory_bytes: int) -> None:
        lifeline_read, self._lifeline = os.pipe()
        environment = os.environ | {LIFELINE: str(lifeline_read), DATA_LIMIT: str(2 * memory_bytes + 1024**3)}
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env=environment,
                pass_fds=(lifeline_read,),
                start_new_session=True,  # Ctrl-C is for us; and the child's own children die with its group
            )
        except OSError as error:
            os.close(self._lifeline)
            raise ReaderCrashed(f"the reader's process {command[0]} cannot be started ({error})") from error
        finally:
            os.close(lifeline_read)
        self._ready = False
        self._stderr = bytearray()

    def is_idle(self, limits: Limits) -> bool:
        """Whether it waits for a request, in a reasonable amount of memory."""
        return self._process.poll() is None and resident_bytes(self._process.pid) < limits.memory_bytes / 2

    def ask(self, request: dict[str, str], limits: Limits, seconds: float) -> tuple[bytes, bytearray]:
        """Send a request and wait for the answer, watching the clock and the memory."""
        name = request["name"]
        if not self._ready:
            tag, _ = self._answer(name, limits, _START_SECONDS)
            if tag != b"R":
                raise ReaderCrashed(f"the reader's process began with {tag!r}; is another version installed?")
            self._ready = True
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # if it has just died, the answer says how
            self._process.stdin.write(json.dumps(request).encode("ascii") + b"\n")
        return self._answer(name, limits, seconds)

    def stop(self) -> None:
        """End the process and all it has started, at once; may be called while another thread waits for its answer."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def kill(self) -> None:
        """End the process and all it has started, and clean up."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        with contextlib.suppress(OSError):
            os.close(self._lifeline)

    def _answer(self, name: str, limits: Limits, seconds: float) -> tuple[bytes, bytearray]:
        deadline = time.monotonic() + seconds
        answer = bytearray()
        size = 9
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            selector.register(self._process.stderr, selectors.EVENT_READ)
            watched = 0.0
            while len(answer) < size:
                now = time.monotonic()
                if now > deadline:
                    raise ReaderTimeout(f"{name}: not read after {seconds:.0f} s; the reader was stopped")
                if now - watched >= _WATCH_SECONDS:
                    watched = now
                    used = resident_bytes(self._process.pid)
                    if used > limits.memory_bytes or size > limits.memory_bytes:
                        raise ReaderOutOfMemory(
                            f"{name}: the reader took {max(used, size):,} bytes of memory; "
                            f"the limit is {limits.memory_bytes:,}"
                        )
                for key, _ in selector.select(min(_WATCH_SECONDS, deadline - now)):
                    chunk = os.read(key.fd, 1 << 20)
                    if key.fileobj is self._process.stderr:
                        self._stderr = (self._stderr + chunk)[-_STDERR_TAIL:]
                        if not chunk:
                            selector.unregister(self._process.stderr)
                    elif not chunk:
                        raise self._ended(name)
                    else:
                        answer += chunk
                        if size == 9 and len(answer) >= 9:
                            size += struct.unpack("<Q", answer[1:9])[0]
        return bytes(answer[:1]), answer[9:]

    def _ended(self, name: str) -> SourceError:
        """How a process that closed its end of the pipe came to it."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        assert self._process.stderr is not None
        os.set_blocking(self._process.stderr.fileno(), False)
        with contextlib.suppress(OSError):
            self._stderr += self._process.stderr.read() or b""
        said = self._stderr[-_STDERR_TAIL:].decode("utf-8", "replace").strip()
        last = f"; it said: {said.splitlines()[-1][:300]}" if said else ""
        code = self._process.returncode
        if code is not None and code < 0:
            try:
                how = signal.Signals(-code).name
            except ValueError:
                how = f"signal {-code}"
            if -code == signal.SIGKILL:  # not by us: the kernel's out-of-memory killer, or an operator
                return ReaderOutOfMemory(f"{name}: the reader was killed from outside, most likely for lack of memory")
            return ReaderCrashed(f"{name}: the parser crashed ({how}){last}")
        return ReaderCrashed(f"{name}: the reader's process ended with status {code}{last}")


def _hex(path: str | Path) -> str:
    """Bytes of the path, not its text: names of files need not be valid UTF-8."""
    return os.fsencode(path).hex()


def _is_recording(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return media_type(path, file.read(HEAD_BYTES)) in RECORDINGS
    except OSError:
        return False  # reading it will say what is wrong


def _error(payload: bytes | bytearray) -> SourceError:
    """The error that the child met, as the same class."""
    try:
        stated = json.loads(payload)
        kind, message = _ERRORS.get(str(stated["type"]), DamagedSource), str(stated["message"])
    except (ValueError, KeyError, TypeError):
        return ReaderCrashed("the reader's process answered with a malformed error; run it again")
    return kind(message)
