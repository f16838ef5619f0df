"""What all places that weigh words by BM25 have in common."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

BM25_K1: Final = 1.2
BM25_B: Final = 0.75
"""The usual values; SQLite's full-text index, which proposes paragraphs, has the same and lets nobody choose."""


def inverse_document_frequency(frequency: npt.ArrayLike, paragraphs: float) -> npt.NDArray[np.float64]:
    """What a match is worth by how few paragraphs hold the word, always above 0. *Shape:* that of ``frequency``

    Args:
        frequency: Paragraphs that hold it; those of deleted documents count too, so that it may be more than
            ``paragraphs``.
        paragraphs: Live ones.

    References:
        S. Robertson and H. Zaragoza, *The Probabilistic Relevance Framework: BM25 and Beyond*, 2009; with 1 added, as
        in Lucene.
    """
    held = np.asarray(frequency, np.float64)
    idf: npt.NDArray[np.float64] = np.log(1 + (np.maximum(paragraphs - held, 0.0) + 0.5) / (held + 0.5))
    return idf
