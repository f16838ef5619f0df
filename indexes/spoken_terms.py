"""Terms as they sound, in the space of what was heard: a spoken word finds the page on which it is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ..pipeline.embed import Vectors
from ..pipeline.pronouncing.pronunciation import Pronunciation


class Phonetic(Protocol):
    """What says how terms are pronounced; :class:`octavo.pipeline.pronouncing.pronunciation.Pronouncer` is one."""

    fingerprint: str

    def variants_of(self, texts: Sequence[str], n: int = 4) -> list[tuple[Pronunciation, ...]]:
        """The likeliest pronunciations of each text; none of what cannot be said."""


class PhoneEncoder(Protocol):
    """What turns pronunciations into vectors: the speech encoder."""

    @property
    def phoneme_fingerprint(self) -> str:
        """Names the encoder."""

    @property
    def width(self) -> int:
        """Numbers in a vector."""

    def encode_pronunciations(self, pronunciations: Sequence[tuple[int, ...]]) -> Vectors:
        """Unit vectors. *Shape:* (n, width)"""


class SpokenTerms:
    """A :class:`~octavo.indexes.store.term_vectors.Pronouncer`: the likeliest pronunciation of each term, as a vector.

    Attributes:
        fingerprint: Of the pronunciations and of the encoder.
        width: Numbers in a vector.
    """

    def __init__(self, phonetic: Phonetic, speech: PhoneEncoder) -> None:
        self._phonetic, self._speech = phonetic, speech
        self.fingerprint = f"{phonetic.fingerprint}, {speech.phoneme_fingerprint}"
        self.width = speech.width

    def encode(self, terms: Sequence[str]) -> tuple[Vectors, npt.NDArray[np.int64]]:
        """Unit vectors of the terms that can be said, and their positions. *Shape:* (m, width) and (m,)"""
        found = self._phonetic.variants_of(terms, 1)
        which = np.array([at for at, variants in enumerate(found) if variants], np.int64)
        if not len(which):
            return np.empty((0, self.width), np.float32), which
        return self._speech.encode_pronunciations([found[at][0].phones for at in which.tolist()]), which
