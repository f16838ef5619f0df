"""The posteriors of several utterances laid out as one, so that all are scored in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from ...pipeline.phones import BLANK, SYMBOLS
from ...pipeline.posteriors import KEPT, Posteriors

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

WALL: Final = -1e4
"""What a path pays for going from one utterance into the next: more than any path inside one can cost."""

_UNPACKED: Final = 1 << 12
"""Frames unpacked at a time, so that they stay in the processor's cache."""


@dataclass(frozen=True, eq=False)
class Frames:
    """The posteriors of some utterances one after another, with a wall after each.

    Attributes:
        symbols, costs: As in :class:`~octavo.pipeline.posteriors.Posteriors`. *Shape:* (F, KEPT)
        first, last: Frames ``[first, last)`` are those of an utterance; ``last`` is its wall. *Shape:* (n,)
    """

    symbols: npt.NDArray[np.uint8]
    costs: npt.NDArray[np.uint8]
    first: Ints
    last: Ints
    _columns: dict[int, tuple[Floats, Floats]] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def of(cls, heard: Sequence[Posteriors]) -> Frames:
        """Lay out some utterances."""
        lengths = np.array([len(one) for one in heard], np.int64)
        last = np.cumsum(lengths + 1) - 1
        wall = np.zeros((1, KEPT), np.uint8)
        nothing = [np.zeros((0, KEPT), np.uint8)]
        symbols = np.concatenate([part for one in heard for part in (one.symbols, wall)] or nothing)
        costs = np.concatenate([part for one in heard for part in (one.costs, wall)] or nothing)
        return cls(symbols, costs, last - lengths, last)

    def __len__(self) -> int:
        """Utterances."""
        return len(self.first)

    def take(self, utterances: Sequence[int]) -> Frames:
        """Some of the utterances, in the order asked."""
        spans = [np.arange(self.first[one], self.last[one] + 1) for one in utterances]
        rows = np.concatenate(spans) if spans else np.empty(0, np.int64)
        lengths = self.last[utterances] - self.first[utterances] if spans else rows
        last = np.cumsum(lengths + 1) - 1
        taken = Frames(self.symbols[rows], self.costs[rows], last - lengths, last)
        # What is laid out need not be laid out again; the property is found where it keeps its value.
        vars(taken)["gains"] = self.gains[:, rows]
        return taken

    def surplus(self, symbol: int) -> tuple[Floats, Floats]:
        """By how much a symbol is likelier than the best of each frame (never: at most 0), and its sums before it.

        *Shape:* (F,), (F + 1,)
        """
        if symbol not in self._columns:
            column = self.gains[symbol].astype(np.float64)
            sums = np.zeros(len(column) + 1)
            np.cumsum(column, out=sums[1:])
            self._columns[symbol] = (column, sums)
        return self._columns[symbol]

    @cached_property
    def gains(self) -> npt.NDArray[np.float32]:
        """Log-probabilities less that of the best symbol: :meth:`Posteriors.unpack`, turned. *Shape:* (SYMBOLS, F)"""
        gains = np.empty((SYMBOLS, len(self.symbols)), np.float32)
        for start in range(0, len(self.symbols), _UNPACKED):
            part = slice(start, start + _UNPACKED)
            whole = Posteriors(self.symbols[part], self.costs[part]).unpack()
            whole -= whole[np.arange(len(whole)), self.symbols[part, 0]][:, None]
            gains[:, part] = whole.T
        gains[:, self.last] = WALL
        return gains

    @cached_property
    def spoken(self) -> Ints:
        """Frames in which a phone is likelier than the blank. *Shape:* (m,), rising"""
        peaked = self.symbols[:, 0] != BLANK
        peaked[self.last] = False
        return np.flatnonzero(peaked)

    def heard(self, utterance: int, start: int, stop: int) -> tuple[int, ...]:
        """The most likely phones of some frames of an utterance: the best path, repeats and blanks left out."""
        at = int(self.first[utterance])
        best = self.symbols[at + start : at + stop, 0].astype(np.int64)
        changes = np.concatenate(([True], best[1:] != best[:-1])) if len(best) else np.zeros(0, bool)
        return tuple(best[changes & (best != BLANK)].tolist())
