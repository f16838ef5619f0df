"""What a transformer makes of each word piece in its context, small enough to keep: for late interaction.

A vector of a sentence says what it is about as a whole; a question wants one thing in it. So each word of a question is
also compared with each word piece of a text, as it is meant there (late interaction: Khattab and Zaharia 2020,
*ColBERT*). States are turned to principal axes, cut off, scaled to unit length and rounded to 8 bits: 32 bytes a word
piece, which rank as the whole states do (measured in ``docs/log.md``).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

TOKEN_WIDTH: Final = 32
"""Numbers, and bytes, of a word piece."""
_LARGEST: Final = 0.6
"""What 127 stands for. Of unit vectors of 32 numbers hardly any number is larger; what is, is cut off."""

_AT_ONCE = 4_096
"""Sentences that are compared together: some 10 MB of cosines."""

Floats = npt.NDArray[np.float32]
Codes = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True, eq=False)
class TokenStates:
    """The word pieces of some sentences.

    Attributes:
        codes: In reading order. *Shape:* (n, TOKEN_WIDTH), int8.
        bounds: Where each sentence's begin in ``codes``, and the end. *Shape:* (sentences + 1,), int64.
        fingerprint: Names the transformer and the axes.
    """

    codes: Codes
    bounds: npt.NDArray[np.int64]
    fingerprint: str

    def __post_init__(self) -> None:
        if self.codes.dtype != np.int8 or self.codes.shape[1:] != (TOKEN_WIDTH,):
            raise ValueError(f"token states are {self.codes.dtype} {self.codes.shape}, not int8 (n, {TOKEN_WIDTH})")
        bounds = self.bounds
        if not len(bounds) or bounds[0] or bounds[-1] != len(self.codes) or (bounds[1:] < bounds[:-1]).any():
            raise ValueError(f"sentences do not divide {len(self.codes)} token states: {bounds}")

    def __len__(self) -> int:
        """Sentences."""
        return len(self.bounds) - 1

    def blobs(self) -> list[bytes]:
        """The codes of each sentence."""
        return [self.codes[start:stop].tobytes() for start, stop in pairwise(self.bounds.tolist())]

    @classmethod
    def from_blobs(cls, blobs: list[bytes], fingerprint: str) -> TokenStates:
        """Of sentences by what :meth:`blobs` gave for each.

        Raises:
            ValueError: A blob does not hold whole word pieces.
        """
        lengths = np.array([len(blob) for blob in blobs], np.int64)
        if (lengths % TOKEN_WIDTH).any():
            raise ValueError(f"token states of {lengths[lengths % TOKEN_WIDTH > 0][0]} bytes: not whole word pieces")
        bounds = np.concatenate([[0], np.cumsum(lengths // TOKEN_WIDTH)])
        return cls(np.frombuffer(b"".join(blobs), np.int8).reshape(-1, TOKEN_WIDTH), bounds, fingerprint)

    def nearest(self, asked: Floats) -> Floats:
        """How near the nearest word piece of each sentence comes to each that is asked; 0 where it has none.

        Args:
            asked: *Shape:* (q, TOKEN_WIDTH).

        Returns:
            Cosines, *Shape:* (sentences, q).
        """
        found = np.zeros((len(self), len(asked)), np.float32)
        for at in range(0, len(self), _AT_ONCE):
            bounds = self.bounds[at : at + _AT_ONCE + 1]
            full = bounds[1:] > bounds[:-1]
            if full.any():
                cosines = read(self.codes[bounds[0] : bounds[-1]]) @ asked.T
                # Empty sentences take no room, so the next one that is not empty begins where they do.
                found[at : at + _AT_ONCE][full] = np.maximum.reduceat(cosines, bounds[:-1][full] - bounds[0], axis=0)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class AskedPieces:
    """The word pieces of a question.

    Attributes:
        places: Their characters. *Shape:* (q, 2), int64, half-open.
        states: *Shape:* (q, TOKEN_WIDTH), float32.
    """

    places: npt.NDArray[np.int64]
    states: Floats


def rounded(unit: Floats) -> Codes:
    """Unit vectors as codes. *Shape:* (n, TOKEN_WIDTH)"""
    codes: Codes = np.clip(np.rint(unit * (127 / _LARGEST)), -127, 127).astype(np.int8)
    return codes


def read(codes: Codes) -> Floats:
    """Codes as vectors, of unit length but for rounding. *Shape:* (n, TOKEN_WIDTH)"""
    vectors: Floats = codes.astype(np.float32) * np.float32(_LARGEST / 127)
    return vectors
