"""What was heard, frame by frame, packed to twelve bytes; and the windows in which words are looked for."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from .phones import BLANK, SYMBOLS

FRAME: Final = 320
"""Samples of a frame: 20 ms."""

KEPT: Final = 6
"""Symbols kept of each frame; the others share what is left of the probability."""

_STEP: Final = 0.05
"""Resolution of a stored log-probability, in nats; 255 steps reach down to e^-12.75."""

WINDOW_FRAMES: Final = (14, 20, 28, 40, 56)
"""Lengths of windows in frames: 0.28 to 1.12 s, each about 1.4 times the one before; words of 3 to 12 phones."""

WINDOW_HOPS: Final = (7, 7, 7, 10, 14)
"""Frames from one window to the next of the same length: 33 windows a second in all."""


@dataclass(frozen=True, slots=True, eq=False)
class Posteriors:
    """The most likely symbols of each frame.

    Attributes:
        symbols: Ids of :mod:`octavo.pipeline.phones`, most likely first. *Shape:* (T, KEPT), uint8.
        costs: Negative log-probabilities in steps of 0.05 nats, rounded. *Shape:* (T, KEPT), uint8.
    """

    symbols: npt.NDArray[np.uint8]
    costs: npt.NDArray[np.uint8]

    def __post_init__(self) -> None:
        if self.symbols.shape != self.costs.shape or self.symbols.shape[1:] != (KEPT,):
            raise ValueError(f"posteriors of shape {self.symbols.shape} and {self.costs.shape}, not (T, {KEPT})")
        if self.symbols.size and self.symbols.max() >= SYMBOLS:
            raise ValueError(f"symbol {self.symbols.max()} in posteriors of {SYMBOLS} symbols")

    def __len__(self) -> int:
        return len(self.symbols)

    def __getitem__(self, frames: slice) -> Posteriors:
        return Posteriors(self.symbols[frames], self.costs[frames])

    @classmethod
    def pack(cls, log_probabilities: npt.NDArray[np.float32], blank: float = 0.0) -> Posteriors:
        """Keeps the best symbols.

        Args:
            log_probabilities: Natural logarithms. *Shape:* (T, SYMBOLS)
            blank: Nats taken off the blank first, from which the others gain.
        """
        if blank:
            evened = log_probabilities.astype(np.float32)
            evened[:, BLANK] -= blank
            log_probabilities = evened - np.logaddexp.reduce(evened, axis=1, keepdims=True)
        best = np.argsort(-log_probabilities, axis=1, kind="stable")[:, :KEPT]
        costs = np.rint(-np.take_along_axis(log_probabilities, best, 1) / _STEP)
        return cls(best.astype(np.uint8), np.clip(costs, 0, 255).astype(np.uint8))

    def unpack(self) -> npt.NDArray[np.float32]:
        """Log-probabilities of all symbols; what was not kept shares the rest evenly. *Shape:* (T, SYMBOLS)."""
        kept = -_STEP * self.costs.astype(np.float32)
        rest = np.clip(1.0 - np.exp(kept).sum(axis=1), 1e-4, None) / (SYMBOLS - KEPT)
        # No symbol that was left out can have been likelier than the least of those kept.
        floor = np.minimum(np.log(rest), kept[:, -1])
        whole = np.repeat(floor[:, None], SYMBOLS, axis=1).astype(np.float32)
        np.put_along_axis(whole, self.symbols.astype(np.int64), kept, 1)
        return whole

    def to_bytes(self) -> bytes:
        """For storage: columns one after another, deflated."""
        return zlib.compress(np.concatenate((self.symbols, self.costs), axis=1).T.tobytes(), 6)

    @classmethod
    def from_bytes(cls, packed: bytes) -> Posteriors:
        """The inverse of :meth:`to_bytes`.

        Raises:
            ValueError: These bytes are no posteriors.
        """
        try:
            columns = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(2 * KEPT, -1)
        except zlib.error as error:
            raise ValueError(f"{len(packed)} bytes are no posteriors ({error})") from error
        return cls(np.ascontiguousarray(columns[:KEPT].T), np.ascontiguousarray(columns[KEPT:].T))


@cache
def _grid(frames: int) -> npt.NDArray[np.int64]:
    rows = [
        (at, min(at + length, frames))
        for length, hop in zip(WINDOW_FRAMES, WINDOW_HOPS, strict=True)
        for at in range(0, max(1, frames - length + hop), hop)
    ]
    grid = np.array(rows, np.int64).reshape(-1, 2)
    grid.setflags(write=False)
    return grid


def window_grid(frames: int) -> npt.NDArray[np.int64]:
    """First and last-but-one frame of each window of an utterance, by length and then by time.

    Every frame lies in a window of each length; the last window of a length is cut off at the end.

    *Shape:* (windows, 2), int64.
    """
    return _grid(frames)
