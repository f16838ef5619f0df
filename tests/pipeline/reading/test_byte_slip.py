"""Bytes that a text-mode transfer dropped from sound are put back; sound that lost none stays as it is."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from octavo.pipeline.reading import Reader
from octavo.pipeline.reading.byte_slip import ByteSlip
from octavo.pipeline.recording import Recording

Samples = npt.NDArray[np.int16]


def voice(seconds: float = 3.0, level: float = 3000.0, seed: int = 1) -> Samples:
    """Syllables of a hundred hertz and its harmonics, in a little noise."""
    time = np.arange(int(seconds * 16_000)) / 16_000
    tone = sum(np.sin(2 * np.pi * 110 * k * time + k) / k for k in range(1, 20))
    envelope = 0.05 + np.clip(np.sin(2 * np.pi * 2.3 * time), 0, 1)
    noise = 8 * np.random.default_rng(seed).standard_normal(len(time))
    return np.rint(level * 0.4 * tone * envelope + noise).astype(np.int16)


def without(samples: Samples, places: list[int]) -> Samples:
    """The sound after bytes at these places were dropped."""
    data = bytearray(samples.astype("<i2").tobytes())
    for place in sorted(places, reverse=True):
        del data[place]
    return np.frombuffer(bytes(data[: len(data) // 2 * 2]), "<i2").copy()


def likeness(one: Samples, two: Samples) -> float:
    """Share of the samples that are the same, to a rounding."""
    length = min(len(one), len(two))
    return float((np.abs(one[:length].astype(int) - two[:length]) <= 2).mean())


@pytest.mark.parametrize("places", [[20_001], [20_000], [9_001, 50_003], [8_000, 30_001, 70_000]])
def test_what_was_lost_is_put_back(places: list[int]) -> None:
    whole = voice()
    broken = without(whole, places)
    assert likeness(broken, whole) < 0.95
    slip = ByteSlip()
    mended = slip.mend(broken)
    assert slip.lost == len(places)
    assert likeness(mended, whole) > 0.999  # a click is left


@settings(max_examples=25)
@given(st.lists(st.integers(300, 5000), min_size=1, max_size=40))
def test_pieces_are_mended_as_the_whole_is(sizes: list[int]) -> None:
    broken = without(voice(), [30_001])
    slip = ByteSlip()
    parts, at = [], 0
    for size in [*sizes, len(broken)]:
        parts.append(slip.mend(broken[at : at + size]))
        at += size
        if at >= len(broken):
            break
    mended = np.concatenate(parts)
    assert slip.lost == 1
    assert likeness(mended, voice()) > 0.99


@pytest.mark.parametrize(
    "sound",
    [
        voice(),
        voice(level=20_000),
        np.zeros(16_000, np.int16),
        np.random.default_rng(1).integers(-32768, 32767, 48_000).astype(np.int16),
        (np.random.default_rng(1).standard_normal(48_000) * 9000).clip(-32768, 32767).astype(np.int16),
        (voice(level=20_000) // 256 * 256).astype(np.int16),
        (np.random.default_rng(1).standard_normal(48_000) * 9000 // 256 * 256).clip(-32768, 32512).astype(np.int16),
        np.where(np.arange(48_000) % 40 < 20, 32767, -32768).astype(np.int16),
    ],
    ids=["voice", "loud", "zeros", "noise", "gaussian", "8 bits", "8 bits of noise", "square"],
)
def test_sound_that_lost_nothing_stays_as_it_is(sound: Samples) -> None:
    slip = ByteSlip()
    np.testing.assert_array_equal(slip.mend(sound), sound)
    assert slip.lost == 0


def test_a_reader_says_what_it_mended(tmp_path: Path) -> None:
    whole = voice()
    with wave.open(str(tmp_path / "sent-as-text.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(without(whole, [20_001, 60_000]).tobytes())
    with Reader() as reader:
        recording = reader.read(tmp_path / "sent-as-text.wav")
    assert isinstance(recording, Recording)
    with recording:
        assert [flag.code for flag in recording.flags] == ["bytes-lost"]
        heard = np.rint(recording.read(0, recording.samples) * 32768).astype(np.int16)
    assert likeness(heard, whole) > 0.99  # what is lost at the end of a packet is told in the next
