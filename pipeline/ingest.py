"""Files in, encoded documents and recordings out: read -> cut -> encode as one stream with back-pressure.

Reader processes work ahead of the encoders by a bounded number of files, so a folder of any size needs the
memory of a few documents and the disk of a few recordings, and one bad file costs no more than its own place.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Protocol

from .alignment import ALIGNMENT_VERSION
from .discovery import discover, file_size, look_at
from .document import Document, Source, Span
from .embed import Embeddings, Encoded, Sound
from .listening import Heard, Listener, Listening, Unfinished
from .reader_pool import Outcome, Parsed, ReaderPool
from .reading import Limits, reader_version
from .scale import PARAGRAPH, SECTION, SENTENCE
from .segment import SEGMENTER_VERSION
from .stages import Stopwatch
from .terms import TERMS_VERSION
from .transcribing import Phonetic, Transcriber, timed, worded, written_down

__all__ = [
    "Encoder",
    "Listener",
    "Outcome",
    "Phonetic",
    "Transcriber",
    "Unfinished",
    "discover",
    "file_size",
    "ingest",
    "look_at",
]

CHARACTERS_PER_BATCH = 1 << 18
"""Documents are encoded together until they hold this many characters: enough to fill batches of equal length."""

FILES_PER_BATCH = 256
"""A batch ends here even if its files are small or bad, so that their outcomes do not wait."""

SAMPLES_PER_BATCH = 30 * 60 * 16_000
"""And here if its recordings are that long together, so that they do not wait on disk."""


class Encoder(Protocol):
    """What :func:`ingest` asks of a text encoder; :class:`octavo.pipeline.encoders.text.TextEncoder` is one."""

    fingerprint: str

    def encode(self, documents: Sequence[tuple[str, Sequence[Span]]]) -> Iterator[tuple[int, Embeddings]]:
        """Embeddings of documents, in order."""
        ...


def ingest(
    paths: Sequence[Path],
    encoder: Encoder,
    *,
    listener: Listener | None = None,
    transcriber: Transcriber | None = None,
    phonetic: Phonetic | None = None,
    unfinished: Unfinished | None = None,
    known: Callable[[Source, str], bool] = lambda source, transcript: False,
    limits: Limits | None = None,
    workers: int | None = None,
    started: Callable[[Path], None] = lambda path: None,
    heard: Heard = lambda path, done, of: None,
) -> Generator[Outcome, None, None]:
    """Read, cut and encode files, in the order given.

    Args:
        listener: Encodes recordings, which are refused without it.
        transcriber: Writes down what is said in recordings that have no transcript beside them.
        phonetic: Pronounces the words of transcripts, so that each gets its time from what the listener heard.
        unfinished: Keeps what was heard of long recordings.
        known: Whether these bytes, with this transcript, are in already; then the file is not even parsed.
        limits: Time and memory that a parser may take for one file.
        workers: Reader processes; by default one less than there are processors, 1 to 4.
        started: Told each path as its reading begins (from several threads).
        heard: Told how far each recording is.

    Yields:
        One outcome a path. Encoding happens while the outcome's embeddings and utterances are read.

    Raises:
        ModelError: An encoder failed; nothing a file can do.
    """
    count = workers or max(1, min(4, (os.cpu_count() or 2) - 1))
    pool = ReaderPool(count, limits or Limits(), known, started, sound=listener is not None)
    ears = _Ears(listener, transcriber, phonetic, unfinished, heard) if listener else None
    most_samples = SAMPLES_PER_BATCH if transcriber is None else 1  # a recogniser takes long: commit what it wrote
    batch: list[Parsed] = []
    try:
        with pool:
            characters = samples = 0
            for parsed in pool.run(paths):
                batch.append(parsed)
                characters += len(parsed.document.text) if parsed.document else 0
                samples += parsed.recording.samples if parsed.recording else 0
                full = characters >= CHARACTERS_PER_BATCH or samples >= most_samples
                if full or len(batch) >= FILES_PER_BATCH:
                    yield from _encode(batch, encoder, ears)
                    batch, characters, samples = [], 0, 0
            yield from _encode(batch, encoder, ears)
    finally:
        for parsed in batch:
            parsed.close()


def _encode(batch: Sequence[Parsed], encoder: Encoder, ears: _Ears | None) -> Iterator[Outcome]:
    """Outcomes of a batch in order; documents share the encoder's stretches, each consumed as its turn comes."""
    documents = [(item.document.text, item.spans) for item in batch if item.document and item.recording is None]
    stream = groupby(encoder.encode(documents), key=lambda made: made[0])
    for position, item in enumerate(batch, 1):
        ends = position == len(batch)
        if item.document is None or item.words is None:
            yield replace(item.outcome, ends_batch=ends)
            continue
        sound, made = None, {"encoder": encoder.fingerprint}
        if item.recording is None or ears is None:
            _, stretches = next(stream)
        else:
            watch = Stopwatch()
            item, sound = ears.hear(item)
            item = replace(item, outcome=replace(item.outcome, stages=(*item.outcome.stages, watch.lap("listen"))))
            # A recording without words has no spans: nothing for the encoder of text.
            stretches = encoder.encode([(item.document.text, item.spans)]) if item.document and item.spans else iter(())
            made |= ears.manifest(item)
        assert item.document is not None
        assert item.words is not None
        encoded = Encoded(
            document=item.document,
            spans=item.spans,
            lexis=item.words,
            embeddings=(embeddings for _, embeddings in stretches),
            manifest=_manifest(item.document, item.spans) | made,
            sound=sound,
        )
        yield replace(item.outcome, encoded=encoded, ends_batch=ends)
        item.close()


def _manifest(document: Document, spans: Sequence[Span]) -> dict[str, str]:
    counts = {scale.name: str(sum(span.scale is scale for span in spans)) for scale in (SENTENCE, PARAGRAPH, SECTION)}
    return {
        "reader": reader_version(document.source.media_type),
        "segmenter": SEGMENTER_VERSION,
        "terms": TERMS_VERSION,
        **counts,
    }


@dataclass(frozen=True, slots=True)
class _Ears:
    """All that recordings need."""

    listener: Listener
    transcriber: Transcriber | None
    phonetic: Phonetic | None
    unfinished: Unfinished | None
    heard: Heard

    def hear(self, item: Parsed) -> tuple[Parsed, Sound]:
        """A recording with its words, for which it is heard through first, and its sound."""
        recording, document = item.recording, item.document
        assert recording is not None
        assert document is not None
        listening = Listening(self.listener, recording, self.unfinished, self.heard)
        if self.transcriber is not None and not item.outcome.transcript:
            # The recogniser takes the utterances as they are heard, so what is told of one is true of both.
            document = worded(recording, written_down(self.transcriber, recording, listening.spans()))
            item = item.with_words(document, self.transcriber.fingerprint)
        if self.phonetic is not None and len(document.times):
            for _ in listening.spans():
                pass
            item = replace(item, document=timed(document, listening.posteriors, self.phonetic))
        fingerprints = self.listener.phoneme_fingerprint, self.listener.prosody_fingerprint
        return item, Sound(recording, listening.utterances(), *fingerprints)

    def manifest(self, item: Parsed) -> dict[str, str]:
        """What made a recording's part."""
        made = {
            "phoneme": self.listener.phoneme_fingerprint,
            "prosody": self.listener.prosody_fingerprint,
            "transcript": item.transcribed_by,
            "transcript_sha256": item.outcome.transcript,
        }
        if item.spans and self.phonetic is not None:
            made["aligned"] = f"{ALIGNMENT_VERSION}, pronouncer {self.phonetic.fingerprint}"
        return made
