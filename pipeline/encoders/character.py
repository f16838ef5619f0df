"""Vectors of terms by their spelling: hashed character n-grams through a fixed projection.

Nothing here is learned. Terms that share most of their n-grams lie near. The learned encoder
(:mod:`.learned_character`) finds far more misspelt words; this one serves where its weights are missing, and is what
it is measured against.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

from ..embed import Vectors
from ..scale import CHARACTER

if TYPE_CHECKING:
    from .learned_character import LearnedCharacterEncoder

BUCKETS = 1 << 14
WIDTH = 64
SEED = 20261123
_BATCH = 4096

_CONFUSABLE = str.maketrans({"o": "0", "l": "1", "i": "1", "|": "1", "!": "1", "s": "5", "$": "5", "b": "8", "z": "2"})
_CONFUSABLE_PAIRS = (("rn", "m"), ("vv", "w"), ("cl", "d"))


def confusable_form(term: str) -> str:
    """The term with characters that look alike in print mapped to one of them: ``e-43o4`` gives ``e-4304``.

    Two terms of the same form may be an optical misreading of each other. The pairs are the usual confusions
    of optical character recognition: O/0, l/I/1, S/5, B/8, Z/2, rn/m, vv/w, cl/d.
    """
    for pair, single in _CONFUSABLE_PAIRS:
        term = term.replace(pair, single)
    return term.translate(_CONFUSABLE)


def character_encoder() -> CharacterEncoder | LearnedCharacterEncoder:
    """The encoder that knowledge bases are made and asked with.

    Raises:
        ModelError: The shipped weights are damaged.
    """
    from .learned_character import WEIGHTS, LearnedCharacterEncoder

    return LearnedCharacterEncoder() if WEIGHTS.exists() else CharacterEncoder()


class CharacterEncoder:
    """Hashed n-grams of a term, projected to 64 numbers.

    Features are letters, bigrams, trigrams and bigrams with a gap (they survive a dropped or doubled letter) of
    the term between ``^`` and ``$``, and the trigrams of its :func:`confusable_form`. Hashing follows Weinberger
    et al., "Feature Hashing for Large Scale Multitask Learning" (2009); the projection is Achlioptas'
    "Database-friendly Random Projections" (2001), so cosines are kept up to noise of about 1/8. That noise is
    why the index only proposes: :mod:`octavo.indexes.expand` decides by edit distance.
    """

    scale = CHARACTER
    width = WIDTH
    fingerprint = f"character-ngram-hash-{BUCKETS}-{WIDTH}-{SEED}-1"
    likeness = None
    """Its vectors cannot decide among what they propose."""

    def __init__(self) -> None:
        # Signs from raw bits: numpy promises the same bits for ever, but not the same normal deviates.
        words = np.random.PCG64(SEED).random_raw(BUCKETS * WIDTH // 64)
        bits = np.unpackbits(words.astype("<u8").view(np.uint8), bitorder="little")
        self._signs = bits.reshape(BUCKETS, WIDTH).astype(np.float32) * 2 - 1

    def encode(self, terms: Sequence[str]) -> Vectors:
        """One vector a term.

        *Shape:* (terms, 64), rows of length 1
        """
        projected = np.empty((len(terms), WIDTH), np.float32)
        for start in range(0, len(terms), _BATCH):
            features = [_features(term) for term in terms[start : start + _BATCH]]
            bounds = np.cumsum([0] + [len(found) for found in features[:-1]])
            rows = np.fromiter((feature for found in features for feature in found), np.int64)
            projected[start : start + _BATCH] = np.add.reduceat(self._signs[rows], bounds, axis=0)
        lengths = np.linalg.norm(projected, axis=1, keepdims=True)
        # The signs of a few features may cancel to nothing; any fixed direction will do.
        projected = np.where(lengths > 0, projected, np.eye(1, WIDTH, dtype=np.float32))
        return np.ascontiguousarray(projected / np.where(lengths > 0, lengths, 1), np.float32)


def _features(term: str) -> set[int]:
    framed = f"^{term}$"
    form = f"~{confusable_form(term)}~"
    found = [*term]
    found += [framed[i : i + 2] for i in range(len(framed) - 1)]
    found += [framed[i : i + 3] for i in range(len(framed) - 2)]
    found += [f"{framed[i]}.{framed[i + 2]}" for i in range(len(framed) - 2)]
    found += [form[i : i + 3] for i in range(len(form) - 2)]
    return {crc32(feature.encode()) % BUCKETS for feature in found}
