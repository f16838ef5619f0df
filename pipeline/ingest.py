"""Files in, encoded documents out: read -> cut -> encode as one stream with back-pressure.

Reader processes work ahead of the encoder by a bounded number of files, so a folder of any size needs the
memory of a few documents, and one bad file costs no more than its own place in the stream.
"""

from __future__ import annotations

import glob
import os
import stat
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from .document import Document, Source, Span
from .embed import Embeddings, Encoded
from .errors import SourceError, SourceMissing
from .reading import Limits, Reader, identify, reader_version
from .scale import PARAGRAPH, SECTION, SENTENCE
from .segment import SEGMENTER_VERSION, cut
from .terms import TERMS_VERSION, Lexis, lexis

if TYPE_CHECKING:
    from concurrent.futures import Executor

CHARACTERS_PER_BATCH = 1 << 18
"""Documents are encoded together until they hold this many characters: enough to fill batches of equal length."""

FILES_PER_BATCH = 256
"""A batch ends here even if its files are small or bad, so that their outcomes do not wait."""

READ_AHEAD = 8
READ_AHEAD_BYTES = 64 << 20
"""Files, and bytes of files, that each reader process may be ahead of the encoder."""


class Encoder(Protocol):
    """What :func:`ingest` asks of a text encoder; :class:`octavo.pipeline.encoders.text.TextEncoder` is one."""

    fingerprint: str

    def encode(self, documents: Sequence[tuple[str, Sequence[Span]]]) -> Iterator[tuple[int, Embeddings]]:
        """Embeddings of documents, in order."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What became of one file.

    Attributes:
        code: ``read``, ``known`` (the same bytes are in already), or the reason code of a :class:`SourceError`.
        detail: For people, what went wrong and what to do.
        source: ``None`` only when the file could not even be opened.
        size: Bytes of the file.
        mtime_ns: Its time of modification, nanoseconds since 1970.
        encoded: Present with ``read`` alone. Its embeddings must be consumed before the next outcome is asked for.
        ends_batch: The last one of those that were encoded together: the next one costs the encoding of a batch.
    """

    path: Path
    code: str
    detail: str = ""
    source: Source | None = None
    size: int = 0
    mtime_ns: int = 0
    encoded: Encoded | None = None
    ends_batch: bool = False


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


def ingest(
    paths: Sequence[Path],
    encoder: Encoder,
    *,
    known: Callable[[Source], bool] = lambda source: False,
    limits: Limits | None = None,
    workers: int | None = None,
    started: Callable[[Path], None] = lambda path: None,
) -> Iterator[Outcome]:
    """Read, cut and encode files, in the order given.

    Args:
        known: Whether these bytes are in already; then the file is not even parsed.
        limits: Time and memory that a parser may take for one file.
        workers: Reader processes; by default one less than there are processors, 1 to 4.
        started: Told each path as its reading begins (from several threads).

    Yields:
        One outcome a path. Encoding happens while the outcome's embeddings are read.

    Raises:
        ModelError: The encoder failed; nothing a file can do.
    """
    count = workers or max(1, min(4, (os.cpu_count() or 2) - 1))
    with _ReaderPool(count, limits or Limits()) as pool:
        batch: list[_Parsed] = []
        characters = 0
        for parsed in pool.run(paths, known, started):
            batch.append(parsed)
            characters += len(parsed.document.text) if parsed.document else 0
            if characters >= CHARACTERS_PER_BATCH or len(batch) >= FILES_PER_BATCH:
                yield from _encode(batch, encoder)
                batch, characters = [], 0
        yield from _encode(batch, encoder)


@dataclass(frozen=True, slots=True, eq=False)
class _Parsed:
    outcome: Outcome
    document: Document | None = None
    spans: Sequence[Span] = ()
    words: Lexis | None = None


def _encode(batch: Sequence[_Parsed], encoder: Encoder) -> Iterator[Outcome]:
    """Outcomes of a batch in order; documents share the encoder's stretches, each consumed as its turn comes."""
    readable = [(item.document.text, item.spans) for item in batch if item.document]
    stream = groupby(encoder.encode(readable), key=lambda made: made[0])
    for position, item in enumerate(batch, 1):
        ends = position == len(batch)
        if item.document is None or item.words is None:
            yield replace(item.outcome, ends_batch=ends)
            continue
        _, made = next(stream)
        encoded = Encoded(
            document=item.document,
            spans=item.spans,
            lexis=item.words,
            embeddings=(embeddings for _, embeddings in made),
            manifest=_manifest(item, encoder),
        )
        yield replace(item.outcome, encoded=encoded, ends_batch=ends)


def _manifest(item: _Parsed, encoder: Encoder) -> dict[str, str]:
    counts = {
        scale.name: str(sum(span.scale is scale for span in item.spans)) for scale in (SENTENCE, PARAGRAPH, SECTION)
    }
    return {
        "reader": reader_version(item.document.source.media_type) if item.document else "",
        "segmenter": SEGMENTER_VERSION,
        "terms": TERMS_VERSION,
        "encoder": encoder.fingerprint,
        **counts,
    }


class _ReaderPool:
    """Threads that each drive one reader process."""

    def __init__(self, workers: int, limits: Limits) -> None:
        self._workers = workers
        self._limits = limits
        self._own = threading.local()
        self._readers: list[Reader] = []
        self._executor: Executor = ThreadPoolExecutor(workers, thread_name_prefix="reader")

    def __enter__(self) -> _ReaderPool:
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)
        for reader in self._readers:
            reader.close()

    def run(
        self, paths: Iterable[Path], known: Callable[[Source], bool], started: Callable[[Path], None]
    ) -> Iterator[_Parsed]:
        waiting: deque[tuple[int, Future[_Parsed]]] = deque()
        ahead = 0
        for path in paths:
            size = file_size(path)
            while waiting and (
                len(waiting) >= READ_AHEAD * self._workers or ahead + size > READ_AHEAD_BYTES * self._workers
            ):
                done, future = waiting.popleft()
                ahead -= done
                yield future.result()
            waiting.append((size, self._executor.submit(self._parse, path, known, started)))
            ahead += size
        while waiting:
            yield waiting.popleft()[1].result()

    def _parse(self, path: Path, known: Callable[[Source], bool], started: Callable[[Path], None]) -> _Parsed:
        started(path)
        source: Source | None = None
        size = mtime_ns = 0
        try:
            status = look_at(path)
            size, mtime_ns = status.st_size, status.st_mtime_ns
            source = identify(path)
            if known(source):
                return _Parsed(Outcome(path, "known", "", source, size, mtime_ns))
            document = self._reader().read(path)
            spans = cut(document)
            sentences = [span for span in spans if span.scale is SENTENCE]
            words = lexis(document.text, sentences, document.metadata.language)
        except SourceError as error:
            return _Parsed(Outcome(path, error.code, str(error), source, size, mtime_ns))
        return _Parsed(Outcome(path, "read", "", document.source, size, mtime_ns), document, spans, words)

    def _reader(self) -> Reader:
        reader: Reader | None = getattr(self._own, "reader", None)
        if reader is None:
            reader = self._own.reader = Reader(self._limits)
            self._readers.append(reader)
        return reader
