"""Sound at 16 kHz to one channel on disk, in blocks of about a second."""

from __future__ import annotations

from typing import BinaryIO, Final

import numpy as np
import numpy.typing as npt

from ..document import Flag
from ..recording import SAMPLE_DTYPE, SAMPLE_RATE

BLOCK: Final = SAMPLE_RATE
"""Samples that are mixed together."""

MAX_SAMPLES: Final = 48 * 3600 * SAMPLE_RATE
"""Two days. A small file can claim years of silence."""

CANCELLED: Final = 0.05
"""Power of the channels' mean over the mean of their powers, below which they cancel out. Independent channels: 0.5."""

SILENT: Final = 33
"""Half the distance of the lowest to the highest sample that is still silence: -60 dB of full scale, and a step in
level (a microphone's direct current) is none."""

_CROSSFADE: Final = SAMPLE_RATE // 100
_CLIPPED_SHARE: Final = 0.01
_FULL: Final = 32_766

Samples = npt.NDArray[np.int16]


class TooLong(Exception):
    """More samples than :data:`MAX_SAMPLES`."""


class MonoWriter:
    """Mixes one or two channels to one and writes it.

    Two channels become their mean. Where they cancel each other (a cable with one channel in opposite phase), half
    their difference is taken, faded over 10 ms.

    Attributes:
        samples: Written or waiting to be.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.samples = 0
        self._file = file
        self._lead = 0
        self._waiting: list[Samples] = []
        self._count = 0
        self._channels = 1
        self._difference = False
        self._opposite = 0
        self._clipped = 0
        self._low, self._high = 32_767, -32_768

    def add(self, sound: Samples) -> None:
        """Append sound.

        *Shape:* (samples, channels), with 1 or 2 channels.

        Raises:
            TooLong: The recording passes :data:`MAX_SAMPLES`.
        """
        if self._lead:
            cut = min(self._lead, len(sound))
            self._lead -= cut
            sound = sound[cut:]
        if not len(sound):
            return
        if self.samples + len(sound) > MAX_SAMPLES:
            raise TooLong
        if sound.shape[1] != self._channels:
            self._flush()
            self._channels = sound.shape[1]
        self._waiting.append(sound)
        self._count += len(sound)
        self.samples += len(sound)
        if self._count >= BLOCK:
            self._flush()

    def go_to(self, position: int) -> None:
        """Let what is added next begin at a position: after silence, or cut at its beginning if that is passed.

        Raises:
            TooLong: The recording passes :data:`MAX_SAMPLES`.
        """
        if position > MAX_SAMPLES:
            raise TooLong
        self._flush()
        if position > self.samples:
            # A hole in the file reads as zeros and takes no space.
            self._file.seek((position - self.samples) * SAMPLE_DTYPE.itemsize, 1)
            self.samples = position
            self._low, self._high = min(self._low, 0), max(self._high, 0)
        self._lead = self.samples - position

    def finish(self) -> None:
        """Write what waits."""
        self._flush()
        self._file.truncate(self.samples * SAMPLE_DTYPE.itemsize)

    @property
    def silent(self) -> bool:
        """Whether nothing above :data:`SILENT` was written."""
        return self._high - self._low < 2 * SILENT

    @property
    def flags(self) -> list[Flag]:
        """What a reader of the recording should know about its sound."""
        flags = []
        if self._opposite:
            detail = (
                f"the channels cancel each other for {self._opposite / SAMPLE_RATE:.1f} s; their difference is read"
            )
            flags.append(Flag("opposite-phase", detail))
        if self._clipped > _CLIPPED_SHARE * self.samples:
            flags.append(
                Flag("clipped", f"{100 * self._clipped / self.samples:.0f} % of the samples are at full scale")
            )
        return flags

    def _flush(self) -> None:
        if not self._count:
            return
        block = np.concatenate(self._waiting)
        self._waiting, self._count = [], 0
        mono = block[:, 0] if self._channels == 1 else self._mix(block)
        low, high = int(mono.min()), int(mono.max())
        self._low, self._high = min(self._low, low), max(self._high, high)
        if low < -_FULL or high > _FULL:
            self._clipped += int(np.count_nonzero((mono > _FULL) | (mono < -_FULL)))
        self._file.write(mono.astype(SAMPLE_DTYPE, copy=False).tobytes())

    def _mix(self, block: Samples) -> Samples:
        """*Shape:* (samples, 2) -> (samples,)"""
        left, right = block[:, 0].astype(np.float32), block[:, 1].astype(np.float32)
        mean = (left + right) / 2
        power = (float(left @ left) + float(right @ right)) / 2
        before = self._difference
        if power > SILENT * SILENT * len(block):  # silence tells nothing about phase
            self._difference = float(mean @ mean) < CANCELLED * power
        mixed = (left - right) / 2 if self._difference else mean
        if self._difference:
            self._opposite += len(block)
        if before is not self._difference and self.samples > len(block):
            fade = np.linspace(0, 1, min(_CROSSFADE, len(block)), dtype=np.float32)
            other = mean if self._difference else (left - right) / 2
            mixed[: len(fade)] = mixed[: len(fade)] * fade + other[: len(fade)] * (1 - fade)
        return np.rint(mixed).astype(np.int16)
