"""A tiny world of recordings: silent samples, random utterances, made without any model and always the same."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import numpy as np
from octavo.pipeline.document import Document, Metadata, Source
from octavo.pipeline.embed import Encoded, Sound, Utterance
from octavo.pipeline.phones import SYMBOLS
from octavo.pipeline.posteriors import FRAME, KEPT, Posteriors, window_grid
from octavo.pipeline.reader_pool import NO_WORDS
from octavo.pipeline.recording import SAMPLE_RATE, Recording
from octavo.pipeline.voice.measures import MEASURES

from .world import encode, unit

PHONEME_WIDTH, PROSODY_WIDTH = 32, 12
_numbers = count()


def recording_of(folder: Path, uri: str, seconds: float, start_us: int = 0) -> Recording:
    """Silence; its digest depends on name and length alone."""
    samples = round(seconds * SAMPLE_RATE)
    pcm = folder / f"{next(_numbers)}.pcm"
    with pcm.open("wb") as file:
        file.truncate(2 * samples)
    digest = hashlib.sha256(f"{uri} {samples}".encode()).hexdigest()
    return Recording(
        source=Source(uri, "audio/wav", digest),
        samples=samples,
        start_us=start_us,
        pcm=pcm,
        metadata=Metadata(title=uri),
        flags=(),
        format="wav, mono",
    )


def utterance(seed: tuple[int, ...], start: int, frames: int, phrases: int) -> Utterance:
    """Random vectors, posteriors and measures."""
    generator = np.random.default_rng(seed)
    stop = start + frames * FRAME
    edges = np.linspace(start, stop, phrases + 1).astype(np.int64)
    bounds = np.stack((edges[:-1], edges[1:]), 1) if phrases > 1 else np.empty((0, 2), np.int64)
    rows = 1 + len(bounds)
    symbols = np.argsort(generator.random((frames, SYMBOLS)), axis=1)[:, :KEPT].astype(np.uint8)
    costs = np.sort(generator.integers(0, 256, (frames, KEPT)), axis=1).astype(np.uint8)
    measures = generator.normal(size=(rows, len(MEASURES))).astype(np.float32)
    measures[0, 2] = np.nan
    return Utterance(
        start,
        stop,
        Posteriors(symbols, costs),
        unit(generator.normal(size=(len(window_grid(frames)), PHONEME_WIDTH))),
        bounds,
        unit(generator.normal(size=(rows, PROSODY_WIDTH))),
        measures,
    )


def utterances_of(recording: Recording, start: int = 0, stop: int | None = None) -> Iterator[Utterance]:
    """What is said between two samples at which no utterance is cut; the same however a recording is divided."""
    seed = int(recording.source.sha256[:8], 16)
    at = number = 0
    generator = np.random.default_rng(seed)
    while True:
        pause, frames, phrases = (int(generator.integers(*bounds)) for bounds in ((5, 40), (20, 120), (0, 4)))
        begin = at + pause * FRAME
        at = begin + frames * FRAME
        if at > recording.samples or (stop is not None and begin >= stop):
            return
        if begin >= start:
            yield utterance((seed, number), begin, frames, phrases)
        number += 1


@dataclass(frozen=True)
class Piece:
    utterances: tuple[Utterance, ...]
    state: Mapping[str, object]
    stop: int


@dataclass
class FakeListener:
    """Hears what :func:`utterances_of` says, some seconds at a time."""

    stretch_seconds: float = 20.0
    seconds_each: float = 0.0
    before: Callable[[int], None] = lambda start: None
    began: list[int] = field(default_factory=list)
    phoneme_fingerprint: str = "phonemes-1"
    prosody_fingerprint: str = "manners-1"

    def encode(self, recording: Recording, state: Mapping[str, object] | None = None) -> Iterator[Piece]:
        start = int(str(state["at"])) if state else 0
        assert len(recording.read(0, min(100, recording.samples))) > 0, "the samples have to be there still"
        while start < recording.samples:
            self.began.append(start)
            self.before(start)
            time.sleep(self.seconds_each)
            stop = min(start + round(self.stretch_seconds * SAMPLE_RATE), recording.samples)
            yield Piece(tuple(utterances_of(recording, start, stop)), {"at": stop, "baseline": [0.5, 1.0]}, stop)
            start = stop


def sound_of(recording: Recording, utterances: Iterator[Utterance] | None = None) -> Sound:
    return Sound(recording, utterances or utterances_of(recording), "phonemes-1", "manners-1")


def wordless(recording: Recording, utterances: Iterator[Utterance] | None = None) -> Encoded:
    """A recording without a transcript."""
    document = Document(recording.source, "", (), metadata=recording.metadata)
    return Encoded(document, (), NO_WORDS, (), {"reader": "world"}, sound_of(recording, utterances))


def transcribed(recording: Recording, body: list[list[list[str]]], times: np.ndarray) -> Encoded:
    """A recording with a transcript."""
    text = encode(recording.source.uri, body)
    document = Document(recording.source, text.document.text, text.document.blocks, times=times)
    return Encoded(document, text.spans, text.lexis, text.embeddings, {}, sound_of(recording))
