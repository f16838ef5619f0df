"""Time stamps decide where sound stands, as far as they can be believed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from octavo.pipeline.reading.audio_clock import (
    LONGEST_FILL_US,
    LONGEST_GAP_US,
    LONGEST_OVERLAP_US,
    TOLERANCE_US,
    FrameClock,
)

FRAME = 320
RATE = 16_000
FRAME_US = 20_000


def test_time_stamps_that_follow_each_other_change_nothing() -> None:
    clock = FrameClock()
    assert [clock.place(5_000_000 + i * FRAME_US, FRAME, RATE) for i in range(100)] == [None] * 100
    assert (clock.start_us, clock.now_us, clock.flags()) == (5_000_000, 7_000_000, [])


def test_missing_and_rounded_time_stamps() -> None:
    clock = FrameClock()
    stamps = [None, None, 40_000, 59_000, 81_000, None]
    assert [clock.place(stamp, FRAME, RATE) for stamp in stamps] == [None] * 6
    assert clock.now_us == 120_000


def test_gap_overlap_and_jump() -> None:
    clock = FrameClock()
    clock.place(0, FRAME, RATE)
    assert clock.place(520_000, FRAME, RATE) == 520_000  # half a second is missing
    assert clock.place(440_000, FRAME, RATE) == 440_000  # 0.1 s are there twice
    assert clock.place(440_000 + FRAME_US + LONGEST_GAP_US + 1, FRAME, RATE) is None
    assert clock.place(1_000_000, FRAME, RATE) is None  # back again
    assert clock.place(2_020_000, FRAME, RATE) == 440_000 + 3 * FRAME_US + 1_000_000
    assert [flag.code for flag in clock.flags()] == ["gap-filled", "overlap-cut", "timestamp-jump"]
    assert (clock.filled_us, clock.cut_us, len(clock.jumps)) == (1_500_000, 100_000, 2)


def test_sound_before_time_zero_is_cut() -> None:
    clock = FrameClock()
    assert clock.place(-6_500, FRAME, RATE) == -6_500
    assert clock.place(13_500, FRAME, RATE) is None
    assert (clock.start_us, clock.now_us) == (0, 33_500)
    clock = FrameClock()
    assert clock.place(-90_000_000, FRAME, RATE) is None
    assert clock.start_us == 0


@given(st.lists(st.tuples(st.integers(-(10**12), 10**12) | st.none(), st.integers(1, 5000)), max_size=60))
def test_samples_stand_where_their_stamps_say(frames: list[tuple[int | None, int]]) -> None:
    """By the slow path: every sample's time, kept one by one, stays within the tolerance of what was believed."""
    clock = FrameClock()
    written, skipped, last = 0, 0, 0
    for stamp, samples in frames:
        jumps = len(clock.jumps)
        begin = clock.place(stamp, samples, 1_000_000)  # a sample is a microsecond
        if begin is not None:
            assert -LONGEST_OVERLAP_US <= begin - written <= LONGEST_GAP_US
            written = max(written, begin) if begin > written else begin
        if len(clock.jumps) > jumps:
            skipped += clock.jumps[-1][1]
        written += samples
        last = clock.start_us + written + skipped
        assert abs(last - clock.now_us) <= TOLERANCE_US
    assert clock.filled_us <= LONGEST_FILL_US
