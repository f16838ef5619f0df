"""Mends 16-bit sound from which bytes were lost: where one is missing, every later sample is read across two.

A program that takes a file for text drops the carriage return of each CR LF: transfers in ASCII mode, line-ending
conversion of version control. Each time a byte is gone, and until the next loss low and high bytes change places, which
sounds like full-scale noise. Read one byte further on, the same stretch is smooth again; so the loss can be told, and
undone up to a click; near the end of a packet, up to the packet's rest.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]

_BLOCK: Final = 64
"""Samples on which one decision rests."""

_CLEAR: Final = 1.0
"""Natural logarithm by which a reading must be smoother than the other to speak for itself; between two readings of
clean speech or music it is about 2 to 6, between two of real noise about 0."""

_SWITCH: Final = 16.0
"""What a change of the reading costs, in the same measure: some blocks in a row have to agree."""

_LOUD: Final = 1_000.0
"""Mean step from sample to sample of what is read across two: nothing quieter is suspected."""


class ByteSlip:
    """Mends a stream of samples, given piece by piece.

    Attributes:
        lost: Bytes that were missing so far.
    """

    def __init__(self) -> None:
        self.lost = 0
        self._half = b""

    def mend(self, samples: Samples) -> Samples:
        """The next samples as they were before bytes were lost; a last half one comes with the next piece.

        Args:
            samples: One channel. *Shape:* (n,), int16.
        """
        # The half sample that waits brings this piece into step with what was mended before.
        data = self._half + samples.astype("<i2").tobytes()
        readings = _readings(data)
        if not self._half and not readings.any():
            return samples
        mended = bytearray()
        at = 0
        for block in np.flatnonzero(np.diff(readings, prepend=False)).tolist():
            stop = max(at, _loss(data, block, bool(readings[block])))
            # With a byte in the place of the lost one, all that follows is in step again.
            mended += data[at:stop] + b"\r"
            at = stop
            self.lost += 1
        mended += data[at:]
        even = len(mended) // 2 * 2
        self._half = bytes(mended[even:])
        return np.frombuffer(bytes(mended[:even]), "<i2").copy()


def _loss(data: bytes, block: int, further: bool) -> int:
    """Where the byte before a change of the reading is missing: where the two readings together are smoothest.

    Args:
        further: Whether it is from here on that the sound is read one byte further on.
    """
    low, high = max(0, block - 2) * _BLOCK, min((len(data) - 1) // 2, (block + 2) * _BLOCK)
    here, other = (
        np.abs(np.diff(np.frombuffer(data[2 * low + shift : 2 * high + shift], "<i2").astype(np.float64)))
        for shift in (0, 1)
    )
    before, after = (here, other) if further else (other, here)
    steps = np.concatenate(([0.0], before.cumsum())) + np.concatenate((after[::-1].cumsum()[::-1], [0.0]))
    place = 2 * (low + int(steps.argmin()))
    # A carriage return was lost before a line feed: one that is near is the place.
    return min(range(max(0, place - 4), min(len(data), place + 6)), key=lambda at: (data[at] != 10, abs(at - place)))


def _readings(data: bytes) -> npt.NDArray[np.bool_]:
    """Whether each block is better read one byte further on; the first is taken to be in step. *Shape:* (blocks,)"""
    count = (len(data) - 1) // 2 // _BLOCK
    if count < 1:
        return np.zeros(0, bool)
    here = np.frombuffer(data[: 2 * _BLOCK * count], "<i2").reshape(count, _BLOCK)
    further = np.frombuffer(data[1 : 2 * _BLOCK * count + 1], "<i2").reshape(count, _BLOCK)
    rough, other = (np.abs(np.diff(one.astype(np.float32), axis=1)).mean(1) for one in (here, further))
    gain = np.log((rough + 1) / (other + 1))  # above 0: smoother one byte further on
    low, high = here.view(np.uint16) & 255, here.view(np.uint16) >> 8
    # Sound of 8 bits in samples of 16 has nothing in its low bytes, and a square wave only two values: one byte further
    # on they only seem smooth.
    few = ((low == low[:, :1]).mean(1) > 0.9) | ((np.diff(np.sort(high, axis=1), axis=1) > 0).sum(1) < 6)
    gain[((gain > 0) & few) | (np.maximum(rough, other) < _LOUD) | (np.abs(gain) < _CLEAR)] = 0
    if not (gain > 0).any():
        return np.zeros(count, bool)
    # Viterbi over the two readings: each block costs what the reading taken loses against the other.
    cost = np.array([0.0, _SWITCH])
    came_from = np.empty((count, 2), np.int64)
    for block, lost in enumerate(np.stack((np.maximum(gain, 0), np.maximum(-gain, 0)), 1)):
        changed = cost[::-1] + _SWITCH
        came_from[block] = np.where(changed < cost, [1, 0], [0, 1])
        cost = np.minimum(cost, changed) + lost
    readings = np.empty(count, bool)
    reading = int(cost.argmin())
    for block in range(count - 1, -1, -1):
        readings[block] = reading
        reading = int(came_from[block, reading])
    return readings
