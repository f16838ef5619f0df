"""Where decoded frames stand in file time, by their time stamps.

Samples on disk run without gaps, so a sample's number is its time. What the time stamps leave out is filled with
silence, what they give twice is cut (a recorder whose clock drifts does either every few minutes), and time stamps that
cannot be meant are reported instead.
"""

from __future__ import annotations

from typing import Final

from ..document import Flag

TOLERANCE_US: Final = 40_000
"""Time stamps are rounded (to milliseconds in Matroska and ASF) and jitter; less than this is no gap."""

LONGEST_GAP_US: Final = 3_600_000_000
"""A longer one is a broken clock, not a pause."""

LONGEST_OVERLAP_US: Final = 1_000_000
"""A longer step back is a broken clock too."""

LONGEST_FILL_US: Final = 12 * 3_600_000_000
"""All gaps of a file together: a few forged packets must not make days of silence."""


class FrameClock:
    """Compares each frame's time stamp with the end of the frame before it.

    Attributes:
        start_us: File time of the first sample that is kept, known once a frame was placed.
        filled_us, gaps: Silence put in, and in how many places.
        cut_us, overlaps: Sound cut out, and in how many places.
        jumps: Time stamps that were not followed: file time where, and by how many microseconds they jump.
    """

    def __init__(self) -> None:
        self.start_us = 0
        self.filled_us = 0
        self.gaps = 0
        self.cut_us = 0
        self.overlaps = 0
        self.jumps: list[tuple[int, int]] = []
        self._skipped_us = 0
        self._base_us: int | None = None
        self._count = 0
        self._rate = 1

    def place(self, stamp_us: int | None, samples: int, rate: int) -> int | None:
        """Take note of the next frame.

        Args:
            stamp_us: Its time stamp, where it has one.
            samples, rate: Its length, and samples a second.

        Returns:
            Where it must begin, in microseconds after the first sample kept, if that is not where the last one ended.
        """
        begin: int | None = None
        if self._base_us is None:
            begin = self._begin(stamp_us or 0)
        elif stamp_us is not None:
            expected = self.now_us
            gap = stamp_us - expected
            if abs(gap) > TOLERANCE_US:
                if 0 < gap <= LONGEST_GAP_US and self.filled_us + gap <= LONGEST_FILL_US:
                    begin = stamp_us - self.start_us - self._skipped_us
                    self.filled_us += gap
                    self.gaps += 1
                elif -LONGEST_OVERLAP_US <= gap < 0:
                    begin = stamp_us - self.start_us - self._skipped_us
                    self.cut_us -= gap
                    self.overlaps += 1
                else:
                    self._skipped_us += gap
                    self.jumps.append((expected, gap))
                self._base_us, self._count = stamp_us, 0
        if rate != self._rate:
            self._base_us, self._count, self._rate = self.now_us, 0, rate
        self._count += samples
        return begin

    @property
    def now_us(self) -> int:
        """The end of the last frame by the time stamps."""
        return (self._base_us or 0) + self._count * 1_000_000 // self._rate

    def flags(self) -> list[Flag]:
        """What a reader of the recording should know about its times."""
        flags = []
        if self.gaps:
            places = "one gap" if self.gaps == 1 else f"{self.gaps} gaps"
            flags.append(Flag("gap-filled", f"{places} in the time stamps, {self.filled_us / 1e6:.2f} s in all"))
        if self.overlaps:
            places = "one overlap" if self.overlaps == 1 else f"{self.overlaps} overlaps"
            flags.append(Flag("overlap-cut", f"{places} in the time stamps, {self.cut_us / 1e6:.2f} s in all"))
        if self.jumps:
            at, by = self.jumps[0]
            others = f", and {len(self.jumps) - 1} more" if len(self.jumps) > 1 else ""
            flags.append(
                Flag("timestamp-jump", f"at {at / 1e6:.2f} s by {by / 1e6:+.2f} s{others}; times go on without it")
            )
        return flags

    def _begin(self, stamp_us: int) -> int | None:
        """Sound before time zero is a codec's priming and is cut; far before it, the clock is broken."""
        self._base_us = stamp_us if stamp_us >= -LONGEST_OVERLAP_US else 0
        self.start_us = max(0, self._base_us)
        return min(0, self._base_us) or None
