"""Packed posteriors keep what matters; windows cover every frame."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from octavo.pipeline.phones import BLANK, PHONES, SYMBOLS, phone_ids, phone_names
from octavo.pipeline.posteriors import KEPT, WINDOW_FRAMES, Posteriors, window_grid


def made(frames: int, seed: int, sharpness: float = 3.0) -> npt.NDArray[np.float32]:
    logits = sharpness * np.random.default_rng(seed).standard_normal((frames, SYMBOLS))
    whole: npt.NDArray[np.float32] = (logits - np.log(np.exp(logits).sum(1, keepdims=True))).astype(np.float32)
    return whole


@settings(max_examples=50)
@given(st.integers(1, 40), st.integers(0, 1000), st.floats(0.5, 8))
def test_what_is_kept_is_kept_to_a_step(frames: int, seed: int, sharpness: float) -> None:
    whole = made(frames, seed, sharpness)
    packed = Posteriors.pack(whole)
    again = Posteriors.from_bytes(packed.to_bytes())
    np.testing.assert_array_equal(again.symbols, packed.symbols)
    np.testing.assert_array_equal(again.costs, packed.costs)
    unpacked = again.unpack()
    best = np.argsort(-whole, axis=1, kind="stable")[:, :KEPT]
    np.testing.assert_array_equal(again.symbols, best)
    near = np.take_along_axis(whole, best, 1)
    kept = np.take_along_axis(unpacked, best, 1)
    # Half a step of 0.05 nats, and nothing below 255 steps.
    assert np.abs(np.maximum(near, -12.75) - kept).max() <= 0.026
    left_out = np.sort(unpacked, axis=1)[:, : SYMBOLS - KEPT]
    assert (left_out <= kept[:, -1:] + 1e-6).all()


def test_what_is_taken_off_the_blank_goes_to_the_phones() -> None:
    whole = made(200, 4)
    chances = np.exp(whole.astype(np.float64))
    chances[:, BLANK] *= np.exp(-1.5)
    evened = np.log(chances / chances.sum(axis=1, keepdims=True)).astype(np.float32)
    packed, other = Posteriors.pack(whole, 1.5), Posteriors.pack(evened)
    np.testing.assert_array_equal(packed.symbols, other.symbols)
    assert np.abs(packed.costs.astype(int) - other.costs).max() <= 1  # a rounding apart
    np.testing.assert_array_equal(whole, made(200, 4))
    assert (packed.symbols[:, 0] == BLANK).sum() < (Posteriors.pack(whole).symbols[:, 0] == BLANK).sum()


def test_a_slice_is_the_posteriors_of_its_frames() -> None:
    packed = Posteriors.pack(made(20, 1))
    assert len(packed[5:12]) == 7
    np.testing.assert_array_equal(packed[5:12].symbols, packed.symbols[5:12])


@pytest.mark.parametrize("broken", [b"", b"nothing", b"\x78\x9c\x03\x00"])
def test_bytes_that_are_no_posteriors_are_refused(broken: bytes) -> None:
    with pytest.raises(ValueError, match="posteriors"):
        Posteriors.from_bytes(broken)


def test_posteriors_check_themselves() -> None:
    with pytest.raises(ValueError, match="shape"):
        Posteriors(np.zeros((3, 2), np.uint8), np.zeros((3, 2), np.uint8))
    with pytest.raises(ValueError, match="symbol 99"):
        Posteriors(np.full((3, KEPT), 99, np.uint8), np.zeros((3, KEPT), np.uint8))


@given(st.integers(1, 800))
def test_every_frame_lies_in_a_window_of_each_length(frames: int) -> None:
    grid = window_grid(frames)
    assert len(np.unique(grid, axis=0)) <= len(grid) < 4096
    assert (grid[:, 0] < grid[:, 1]).all()
    assert grid.min() == 0
    assert grid.max() == frames
    starts = np.flatnonzero(grid[:, 0] == 0)
    assert len(starts) == len(WINDOW_FRAMES)
    for low, high in zip(starts, [*starts[1:], len(grid)], strict=True):
        covered = np.zeros(frames, bool)
        for start, stop in grid[low:high]:
            covered[start:stop] = True
        assert covered.all()


def test_there_are_at_most_forty_windows_a_second() -> None:
    for seconds in (5, 10, 15):
        assert len(window_grid(50 * seconds)) <= 40 * seconds


def test_phones_have_ids_and_names() -> None:
    assert phone_ids("HH AH0 L OW1") == phone_ids(["HH", "AH", "L", "OW"])
    assert phone_names(phone_ids("HH AH L OW")) == "HH AH L OW"
    assert phone_ids(" ".join(PHONES)) == tuple(range(1, SYMBOLS))
    with pytest.raises(ValueError, match="'XX' is no phone"):
        phone_ids("HH XX")
