"""Tokens that go through a transformer together, and the rows into which their states are summed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..token_states import Codes, TokenStates
from .text_stretch import Ints


@dataclass(frozen=True, slots=True)
class Window:
    """Token ids that are read together, and the row into which the state of each is summed."""

    tokens: list[int]
    owners: list[int]

    def owned(self, nobody: int) -> Ints:
        """Owners of the tokens that are somebody's. *Shape:* (n,)"""
        owners = np.array(self.owners, np.int64)
        return owners[owners < nobody]


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


def parted(codes: Codes, counts: Ints) -> list[Codes]:
    """The codes of a batch's windows, each by itself. ``counts``: of the tokens of each window."""
    return np.split(codes, np.cumsum(counts)[:-1])


def tokens_of(sentences: Ints, owners: Ints, codes: Codes, fingerprint: str) -> TokenStates:
    """The word pieces of sentences that follow each other. ``owners``: rows of the sentences of ``codes``, rising."""
    if not len(sentences):
        return TokenStates(codes[:0], np.zeros(1, np.int64), fingerprint)
    bounds = np.searchsorted(owners, np.append(sentences, sentences[-1] + 1)).astype(np.int64)
    return TokenStates(codes[bounds[0] : bounds[-1]], bounds - bounds[0], fingerprint)
