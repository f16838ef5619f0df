"""Tokens that go through a transformer together, and the rows into which their states are summed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..token_states import TOKEN_WIDTH, Codes, TokenStates
from .text_stretch import Ints


@dataclass(frozen=True, slots=True)
class Window:
    """Token ids that are read together, and the row into which the state of each is summed."""

    tokens: list[int]
    owners: list[int]


@dataclass(frozen=True, slots=True, eq=False)
class Padded:
    """Some windows, filled up to the longest.

    Attributes:
        numbers: Which windows.
        ids, owners, mask: *Shape:* (B, T), int64. Padding is nobody's.
    """

    numbers: list[int]
    ids: Ints
    owners: Ints
    mask: Ints


def padded(windows: Sequence[Window], most_tokens: int, padding: int, nobody: int) -> Iterator[Padded]:
    """Windows in batches of about equal length, longest first, padding included in ``most_tokens``."""
    order = sorted(range(len(windows)), key=lambda i: len(windows[i].tokens), reverse=True)
    while order:
        longest = len(windows[order[0]].tokens)
        count = max(1, most_tokens // max(longest, 1))
        numbers, order = order[:count], order[count:]
        ids = np.full((len(numbers), longest), padding, np.int64)
        owners = np.full((len(numbers), longest), nobody, np.int64)
        mask = np.zeros((len(numbers), longest), np.int64)
        for row, number in enumerate(numbers):
            window = windows[number]
            length = len(window.tokens)
            ids[row, :length], owners[row, :length], mask[row, :length] = window.tokens, window.owners, 1
        yield Padded(numbers, ids, owners, mask)


class KeptTokens:
    """The states of the tokens that are kept of some windows, in reading order, whatever order they are read in.

    Args:
        wanted: For each row, and for nobody, whether the tokens that it owns are kept. *Shape:* (rows + 1,), bool.
    """

    def __init__(self, windows: Sequence[Window], wanted: npt.NDArray[np.bool_]) -> None:
        self._wanted = wanted
        owners = [np.array(window.owners, np.int64) for window in windows]
        kept = [one[wanted[one]] for one in owners]
        self._owners = np.concatenate([np.empty(0, np.int64), *kept])
        self._first = np.cumsum([0, *map(len, kept)])
        self.codes = np.empty((len(self._owners), TOKEN_WIDTH), np.int8)

    def among(self, batch: Padded) -> npt.NDArray[np.bool_]:
        """Which tokens of a batch are kept. *Shape:* (B, T)"""
        return self._wanted[batch.owners]

    def put(self, batch: Padded, codes: Codes) -> None:
        """Takes in the tokens of :meth:`among`, window after window. *Shape:* (n, TOKEN_WIDTH)"""
        at = 0
        for number in batch.numbers:
            first, last = self._first[number : number + 2]
            self.codes[first:last] = codes[at : at + last - first]
            at += last - first

    def of(self, sentences: Ints, fingerprint: str) -> TokenStates:
        """The word pieces of rows that follow each other, where rows own tokens in reading order."""
        if not len(sentences):
            return TokenStates(self.codes[:0], np.zeros(1, np.int64), fingerprint)
        bounds = np.searchsorted(self._owners, np.append(sentences, sentences[-1] + 1)).astype(np.int64)
        return TokenStates(self.codes[bounds[0] : bounds[-1]], bounds - bounds[0], fingerprint)
