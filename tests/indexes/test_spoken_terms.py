"""Terms as they sound."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from octavo.indexes.spoken_terms import SpokenTerms
from octavo.pipeline.pronouncing.pronunciation import Pronunciation

from .world import vector_of


class Letters:
    """Says every letter; what has none cannot be said."""

    fingerprint = "letters-1"

    def variants_of(self, texts: Sequence[str], n: int = 4) -> list[tuple[Pronunciation, ...]]:
        phones = [tuple(1 + ord(letter) % 39 for letter in text if letter.isalpha()) for text in texts]
        return [(Pronunciation(one, 0.0, "network"),) if one and n else () for one in phones]


class Space:
    phoneme_fingerprint = "phonemes-1"
    width = 8

    def encode_pronunciations(self, pronunciations: Sequence[tuple[int, ...]]) -> npt.NDArray[np.float32]:
        return np.stack([vector_of(str(phones), self.width) for phones in pronunciations])


def test_terms_that_can_be_said_get_the_vector_of_their_pronunciation() -> None:
    spoken = SpokenTerms(Letters(), Space())
    vectors, which = spoken.encode(["12", "router", "3-4", "modem"])
    assert which.tolist() == [1, 3]
    expected = Space().encode_pronunciations([one[0].phones for one in Letters().variants_of(["router", "modem"])])
    assert np.array_equal(vectors, expected)
    assert spoken.fingerprint == "letters-1, phonemes-1"
    assert spoken.width == 8


def test_nothing_that_can_be_said() -> None:
    vectors, which = SpokenTerms(Letters(), Space()).encode(["12", ""])
    assert vectors.shape == (0, 8)
    assert len(which) == 0
