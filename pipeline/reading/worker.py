"""The process in which files are parsed: ``python -m octavo.pipeline.reading.worker``.

It answers one request after another until its input ends. Requests are lines of JSON on standard input. An answer is a
tag of one byte, a length of eight bytes (little-endian) and as many bytes: ``D`` a document's frame, ``A`` a
recording's, ``E`` an error as JSON, ``R`` ready. The samples of a recording are in the file that the request names.
Answers go to a private descriptor; what parsers print goes to standard error.
"""

from __future__ import annotations

import json
import os
import struct
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from ..document import Document
from ..errors import DamagedSource, ReaderOutOfMemory, SourceError
from ..recording import Recording
from .dispatch import read_in_process
from .wire import document_to_parts, recording_to_bytes

LIFELINE: Final = "OCTAVO_LIFELINE"
DATA_LIMIT: Final = "OCTAVO_DATA_LIMIT"


def serve(read: Callable[[Path, Path], Document | Recording] = read_in_process) -> None:
    """Answer requests with ``read`` until standard input ends."""
    answers = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    _die_with_parent()
    _limit_data()
    _send(answers, b"R", [])
    for line in sys.stdin.buffer:
        request = json.loads(line)
        try:
            found = read(_path(request["path"]), _path(request["pcm"]))
            if isinstance(found, Recording):
                found.detach()  # the samples are now those of who asked
                answer: tuple[bytes, Sequence[bytes | memoryview]] = b"A", [recording_to_bytes(found)]
            else:
                answer = b"D", document_to_parts(found)
        except SourceError as error:
            _send_error(answers, error)
        except MemoryError:
            _send_error(answers, ReaderOutOfMemory("the parser asked for more memory than it may have"))
            return  # what is left of this process is in an unknown state
        except Exception as error:
            detail = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            _send_error(answers, DamagedSource(f"{request['name']}: the parser gave up ({detail[:500]})"))
        else:
            _send(answers, *answer)
            del found, answer


def _path(encoded: str) -> Path:
    """Bytes of the path, not its text: names of files need not be valid UTF-8."""
    return Path(os.fsdecode(bytes.fromhex(encoded)))


def _send_error(descriptor: int, error: SourceError) -> None:
    message = json.dumps({"type": type(error).__name__, "message": str(error)}).encode("ascii")
    _send(descriptor, b"E", [message])


def _send(descriptor: int, tag: bytes, parts: Sequence[bytes | memoryview]) -> None:
    head = tag + struct.pack("<Q", sum(len(part) for part in parts))
    for part in (head, *parts):
        rest = memoryview(part)
        while len(rest):
            rest = rest[os.write(descriptor, rest[: 1 << 20]) :]


def _die_with_parent() -> None:
    """Have the kernel end this process when the parent's end of the lifeline pipe closes.

    SIGIO on a closed pipe ends the process even while a parser loops in C and no thread of ours can run. Linux's
    "parent death signal" is tied to the thread that started the child, which may end long before the parent does.
    """
    descriptor = os.environ.pop(LIFELINE, "")
    if not descriptor:
        return
    import fcntl
    import signal

    lifeline = int(descriptor)
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC | os.O_NONBLOCK)
    try:
        if os.read(lifeline, 1) == b"":
            os._exit(0)  # closed before the signal was asked for
    except BlockingIOError:
        pass


def _limit_data() -> None:
    """A ceiling far above the limit that the parent watches: one huge allocation is refused before it is noticed."""
    limit = int(os.environ.pop(DATA_LIMIT, "0"))
    if limit and sys.platform == "linux":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        if hard == resource.RLIM_INFINITY or hard > limit:
            resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


if __name__ == "__main__":
    serve()
