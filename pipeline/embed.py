"""A document in, one set of embeddings per scale out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from .document import Document, Span
from .scale import Scale
from .terms import Lexis

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Embeddings:
    """Unit vectors of some spans of one document at one scale.

    Attributes:
        vectors: *Shape:* (n, width), float32, rows of length 1.
        spans: *Shape:* (n,), positions in the document's list of spans, rising.
        fingerprint: Names the encoder, its weights and its settings; vectors of different fingerprints never meet.
    """

    scale: Scale
    vectors: Vectors
    spans: npt.NDArray[np.int64]
    fingerprint: str

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


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """A document on its way into a knowledge base.

    Attributes:
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
