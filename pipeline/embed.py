"""A document or a recording in, one set of embeddings per scale out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from .document import Document, Span
from .posteriors import FRAME, Posteriors, window_grid
from .recording import Recording
from .scale import SENTENCE, Scale
from .terms import Lexis
from .token_states import TokenStates

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Embeddings:
    """Unit vectors of some spans of one document at one scale.

    Attributes:
        vectors: *Shape:* (n, width), float32, rows of length 1.
        spans: *Shape:* (n,), positions in the document's list of spans, rising.
        fingerprint: Names the encoder, its weights and its settings; vectors of different fingerprints never meet.
        tokens: Of sentences, what their word pieces mean one by one, where the encoder says so.
    """

    scale: Scale
    vectors: Vectors
    spans: npt.NDArray[np.int64]
    fingerprint: str
    tokens: TokenStates | None = None

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or self.vectors.dtype != np.float32:
            raise ValueError(
                f"{self.scale} vectors are {self.vectors.dtype} {self.vectors.shape}, not float32 (n, width)"
            )
        if self.spans.shape != (len(self.vectors),):
            raise ValueError(f"{len(self.vectors)} {self.scale} vectors for {self.spans.shape} spans")
        if not np.all(np.isfinite(self.vectors)):
            raise ValueError(f"{self.scale} vectors hold NaN or infinity")
        lengths = np.linalg.norm(self.vectors, axis=1)
        if len(lengths) and np.abs(lengths - 1).max() > 1e-3:
            raise ValueError(
                f"{self.scale} vectors have lengths from {lengths.min():.4f} to {lengths.max():.4f}, not 1"
            )
        if self.tokens is not None and (self.scale is not SENTENCE or len(self.tokens) != len(self.vectors)):
            raise ValueError(
                f"token states of {len(self.tokens)} sentences for {len(self.vectors)} {self.scale} vectors"
            )


@dataclass(frozen=True, slots=True, eq=False)
class Utterance:
    """A stretch of speech between two pauses, encoded at both scales of sound.

    Attributes:
        start, stop: Samples of the recording; whole frames of 320 samples.
        posteriors: What was heard, frame by frame.
        windows: One unit vector for each window of the grid, see :func:`octavo.pipeline.posteriors.window_grid`.
            *Shape:* (windows, width), float32.
        phrases: *Shape:* (p, 2), int64, samples inside ``[start, stop)``; no rows where the utterance is one phrase.
        manners: How it is said: of the utterance, then of each phrase. *Shape:* (1 + p, width), float32 unit rows.
        measures: The same in readable numbers. *Shape:* (1 + p, len(MEASURES)), float32; NaN where nothing can be
            said (the pitch of a whisper).
    """

    start: int
    stop: int
    posteriors: Posteriors
    windows: Vectors
    phrases: npt.NDArray[np.int64]
    manners: Vectors
    measures: npt.NDArray[np.float32]

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.stop or (self.stop - self.start) % FRAME:
            raise ValueError(f"the utterance [{self.start}, {self.stop}) is not some whole frames of {FRAME} samples")
        frames = (self.stop - self.start) // FRAME
        if len(self.posteriors) != frames:
            raise ValueError(f"{len(self.posteriors)} posteriors for an utterance of {frames} frames")
        if len(self.windows) != len(window_grid(frames)):
            raise ValueError(f"{len(self.windows)} window vectors for a grid of {len(window_grid(frames))}")
        if len(self.manners) != 1 + len(self.phrases) or len(self.measures) != 1 + len(self.phrases):
            raise ValueError(
                f"{len(self.manners)} prosody vectors and {len(self.measures)} rows of measures for an utterance and "
                f"{len(self.phrases)} phrases"
            )
        if len(self.phrases) and (self.phrases.min() < self.start or self.phrases.max() > self.stop):
            raise ValueError(f"a phrase leaves its utterance [{self.start}, {self.stop})")


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """The sound of a recording on its way into a knowledge base.

    Attributes:
        utterances: In order of time, not overlapping; made while they are read, so that a recording of any length
            needs the memory of one stretch.
        phoneme_fingerprint, prosody_fingerprint: Name the encoders, as in :class:`Embeddings`.
    """

    recording: Recording
    utterances: Iterable[Utterance]
    phoneme_fingerprint: str
    prosody_fingerprint: str


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """A document, or a recording and its transcript, on its way into a knowledge base.

    Attributes:
        document: The text; of a recording its transcript, which may be empty.
        sound: ``None`` for documents.
        spans: The tree in depth-first preorder, see :func:`octavo.pipeline.segment.cut`.
        lexis: Its words, sentence by sentence.
        embeddings: Made while they are read, a stretch of the document at a time, so that a document of any
            length needs the memory of one stretch. Reading them twice encodes twice.
        manifest: What made this: versions of reader, segmenter and encoder, counts, what was dropped and why.
    """

    document: Document
    spans: Sequence[Span]
    lexis: Lexis
    embeddings: Iterable[Embeddings]
    manifest: Mapping[str, str] = field(default_factory=dict)
    sound: Sound | None = None
