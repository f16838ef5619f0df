"""Threads that each drive one reader process, ahead of the encoders by a bounded number of files."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from .discovery import file_size, look_at
from .document import Document, Flag, Source, Span
from .embed import Encoded
from .errors import ReaderCrashed, SourceError, UnsupportedSource
from .reading import Limits, Reader, identify
from .reading.media_signatures import RECORDINGS
from .recording import SAMPLE_DTYPE, Recording
from .scale import SENTENCE
from .segment import cut
from .stages import Stage, Stopwatch
from .terms import Lexis, lexis
from .transcribing import worded
from .transcript_owner import recording_of, transcript_digest

if TYPE_CHECKING:
    from concurrent.futures import Executor

READ_AHEAD = 8
READ_AHEAD_BYTES = 64 << 20
"""Files, and bytes of files, that each reader process may be ahead of the encoder."""

SCRATCH_BYTES = 1 << 30
"""Decoded recordings on disk, nine hours of them, from which on only the one that is due next is decoded."""

NO_WORDS = Lexis((), (), np.empty(0, np.int32), np.zeros(1, np.int64))
"""Of a recording without a transcript."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What became of one file.

    Attributes:
        code: ``read``, ``known`` (the same bytes are in already), ``transcript`` (it belongs to a recording beside it,
            which takes it in), or the reason code of a :class:`SourceError`.
        detail: For people, what went wrong and what to do.
        source: ``None`` only when the file could not even be opened.
        size: Bytes of the file.
        mtime_ns: Its time of modification, nanoseconds since 1970.
        encoded: Present with ``read`` alone. Its embeddings and utterances must be consumed before the next outcome
            is asked for, which removes the recording's samples.
        ends_batch: The last one of those that were encoded together: the next one costs the encoding of a batch.
        transcript: SHA-256 of the transcript beside a recording; empty where there is none.
        stages: How long reading and cutting took, and of a recording listening to it.
    """

    path: Path
    code: str
    detail: str = ""
    source: Source | None = None
    size: int = 0
    mtime_ns: int = 0
    encoded: Encoded | None = None
    ends_batch: bool = False
    transcript: str = ""
    stages: tuple[Stage, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Parsed:
    """A file that was read and cut.

    Attributes:
        document: Of a recording its transcript, without text where there is none. ``None`` where reading gave nothing.
        transcribed_by: ``sidecar``, or the fingerprint of what wrote the transcript; empty where there is none.
    """

    outcome: Outcome
    document: Document | None = None
    spans: Sequence[Span] = ()
    words: Lexis | None = None
    recording: Recording | None = None
    transcribed_by: str = ""
    _closed: Callable[[int], None] = field(default=lambda size: None)

    def with_words(self, document: Document, by: str) -> Parsed:
        """A recording with the words of a transcript, or without any."""
        if not document.blocks:
            return replace(self, document=document)
        spans = cut(document)
        return replace(self, document=document, spans=spans, words=_words(document, spans), transcribed_by=by)

    def close(self) -> None:
        """Removes a recording's samples; closing twice does no harm."""
        if self.recording is not None and not self.recording.closed:
            self.recording.close()
            self._closed(_scratch_bytes(self.recording))


def _scratch_bytes(recording: Recording) -> int:
    return recording.samples * SAMPLE_DTYPE.itemsize


class _Scratch:
    """How much decoded sound waits on disk, and whose turn it is."""

    def __init__(self) -> None:
        self._held = self._due = 0
        self._ended = False
        self._change = threading.Condition()

    def wait(self, number: int) -> None:
        """Returns when there is room for one more recording, or when everybody waits for this file.

        Raises:
            ReaderCrashed: Nobody waits for any file any more.
        """
        with self._change:
            self._change.wait_for(lambda: self._held < SCRATCH_BYTES or number <= self._due or self._ended)
            if self._ended:
                raise ReaderCrashed("reading was ended")

    def hold(self, size: int) -> None:
        with self._change:
            self._held += size

    def release(self, size: int) -> None:
        with self._change:
            self._held -= size
            self._change.notify_all()

    def due(self, number: int) -> None:
        """The outcome of this file is waited for."""
        with self._change:
            self._due = number
            self._change.notify_all()

    def end(self) -> None:
        with self._change:
            self._ended = True
            self._change.notify_all()


class ReaderPool:
    """Reads files in order, some of them at the same time.

    Args:
        known: Whether bytes, with the transcript beside them, are in already.
        started: Told each path as its reading begins.
        sound: Whether recordings are wanted.
    """

    def __init__(
        self,
        workers: int,
        limits: Limits,
        known: Callable[[Source, str], bool],
        started: Callable[[Path], None],
        *,
        sound: bool,
    ) -> None:
        self._workers, self._limits = workers, limits
        self._known, self._started = known, started
        self._sound = sound
        self._own = threading.local()
        self._ended = False
        self._readers: list[Reader] = []
        self._scratch = _Scratch()
        self._waiting: deque[tuple[int, Future[Parsed]]] = deque()
        self._executor: Executor = ThreadPoolExecutor(workers, thread_name_prefix="reader")

    def __enter__(self) -> ReaderPool:
        return self

    def __exit__(self, *error: object) -> None:
        self._ended = True
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._scratch.end()
        for _, future in self._waiting:
            future.add_done_callback(_close)
        for reader in self._readers:
            reader.close()

    def run(self, paths: Iterable[Path]) -> Iterator[Parsed]:
        """What each file gave, in order; whoever takes it closes it."""
        waiting = self._waiting
        ahead = taken = 0
        for number, path in enumerate(paths):
            size = file_size(path)
            while waiting and (
                len(waiting) >= READ_AHEAD * self._workers or ahead + size > READ_AHEAD_BYTES * self._workers
            ):
                ahead -= waiting[0][0]
                yield self._next(taken)
                taken += 1
            waiting.append((size, self._executor.submit(self._parse, number, path)))
            ahead += size
        while waiting:
            yield self._next(taken)
            taken += 1

    def _next(self, number: int) -> Parsed:
        self._scratch.due(number)
        _, future = self._waiting[0]
        parsed = future.result()  # interrupted here, the file is still among those that are closed at the end
        self._waiting.popleft()
        return parsed

    def _parse(self, number: int, path: Path) -> Parsed:
        self._started(path)
        outcome = Outcome(path, "read")
        try:
            status = look_at(path)
            outcome = replace(outcome, size=status.st_size, mtime_ns=status.st_mtime_ns)
            source = identify(path)
            outcome = replace(outcome, source=source)
            if (recording := recording_of(path)) is not None:
                return Parsed(replace(outcome, code="transcript", detail=f"of {recording}"))
            recorded = source.media_type in RECORDINGS
            outcome = replace(outcome, transcript=transcript_digest(path) if recorded else "")
            if self._known(source, outcome.transcript):
                return Parsed(replace(outcome, code="known"))
            if recorded:
                if not self._sound:
                    refuse_recording(path)
                self._scratch.wait(number)
            watch = Stopwatch()
            found = self._reader().read(path)
            outcome = replace(outcome, stages=(watch.lap("read"),))
            if isinstance(found, Recording):
                return self._recording(found, outcome)
            document, spans = found, cut(found)
            words = _words(document, spans)
        except SourceError as error:
            return Parsed(replace(outcome, code=error.code, detail=str(error)))
        outcome = replace(outcome, source=document.source, stages=(*outcome.stages, watch.lap("segment")))
        return Parsed(outcome, document, spans, words)

    def _recording(self, recording: Recording, outcome: Outcome) -> Parsed:
        """A recording and the transcript beside it; one that cannot be read costs a flag."""
        self._scratch.hold(_scratch_bytes(recording))
        outcome = replace(outcome, source=recording.source)
        parsed = Parsed(outcome, words=NO_WORDS, recording=recording, _closed=self._scratch.release)
        try:
            if not outcome.transcript:
                return parsed.with_words(worded(recording, None), "")
            from .reading.transcripts import transcript_of

            try:
                document = worded(recording, transcript_of(outcome.path, recording))
            except SourceError as error:
                document = worded(recording, None, (Flag("transcript-unreadable", str(error)),))
            return parsed.with_words(document, "sidecar")
        except BaseException:
            parsed.close()
            raise

    def _reader(self) -> Reader:
        reader: Reader | None = getattr(self._own, "reader", None)
        if reader is None:
            if self._ended:
                raise ReaderCrashed("reading was ended")
            reader = self._own.reader = Reader(self._limits)
            self._readers.append(reader)
        return reader


def refuse_recording(path: Path) -> NoReturn:
    """Says that nothing listens.

    Raises:
        UnsupportedSource: Always.
    """
    raise UnsupportedSource(
        f"{path}: a recording, and there is no speech encoder to index it with;"
        " reinstall octavo, or train one with octavo train speech"
    )


def _words(document: Document, spans: Sequence[Span]) -> Lexis:
    sentences = [span for span in spans if span.scale is SENTENCE]
    return lexis(document.text, sentences, document.metadata.language)


def _close(future: Future[Parsed]) -> None:
    if not future.cancelled() and future.exception() is None:
        future.result().close()
