"""Contours of voices whose pitch, level and spectrum are known."""

from __future__ import annotations

import numpy as np
import pytest
from octavo.pipeline.voice.contour import ALIGNMENT, CONTEXT, FRAME, RATE, Contour, centres, contour, join
from octavo.tests.pipeline.voice import SAMPLE_RATE, Floats, silence, steady, sung

PARTS = ("f0", "voicing", "energy", "tilt", "harmonicity", "prominence", "bands")


def semitones(found: Floats, truth: float) -> float:
    """The largest error."""
    return float(np.abs(12 * np.log2(found / truth)).max())


@pytest.mark.parametrize("hertz", [80.0, 120.0, 210.0, 400.0])
def test_steady_pitch_is_found_within_a_quarter_tone(hertz: float) -> None:
    found = contour(steady(1.0, hertz)).f0[5:-5]
    assert (found > 0).mean() > 0.95
    assert semitones(found[found > 0], hertz) < 0.5


def test_glide_and_vibrato_are_followed_frame_by_frame() -> None:
    time = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    glide = 110 * 2 ** (time / 2)
    vibrato = 200 * 2 ** (0.5 * np.sin(2 * np.pi * 5 * time) / 12)
    for truth in (glide, vibrato):
        found = contour(sung(truth)).f0
        middle = truth[FRAME // 2 :: FRAME][: len(found)]
        voiced = found > 0
        assert voiced.mean() > 0.9
        assert np.median(np.abs(12 * np.log2(found[voiced] / middle[voiced]))) < 0.25


def test_silence_and_noise_are_unvoiced() -> None:
    noise = (0.1 * np.random.default_rng(0).normal(size=SAMPLE_RATE)).astype(np.float32)
    for samples in (silence(1.0), np.zeros(SAMPLE_RATE, np.float32), noise):
        found = contour(samples)
        assert (found.f0 > 0).mean() < 0.1
        assert len(found) == RATE


def test_energy_is_the_level_of_the_samples() -> None:
    for level in (-10.0, -30.0):
        found = contour(steady(0.6, 150.0, level)).energy[5:-5]
        assert np.median(found) == pytest.approx(level, abs=0.5)


def test_ten_decibels_more_move_energy_and_bands_and_nothing_else() -> None:
    samples = steady(0.6, 150.0, -30.0, slope=-6.0)
    soft, loud = contour(samples), contour(samples * np.float32(10**0.5))
    inner = slice(5, -5)
    np.testing.assert_allclose(loud.energy[inner] - soft.energy[inner], 10, atol=0.1)
    np.testing.assert_allclose(loud.tilt[inner], soft.tilt[inner], atol=0.3)
    np.testing.assert_allclose(loud.harmonicity[inner], soft.harmonicity[inner], atol=0.1)


def test_tilt_follows_the_slope_of_the_harmonics() -> None:
    flat, steep = (np.median(contour(steady(0.6, 120.0, slope=slope)).tilt) for slope in (-3.0, -12.0))
    assert flat - steep == pytest.approx(9, abs=2)


def test_noise_lowers_harmonicity_and_prominence() -> None:
    clean = steady(0.6, 150.0, -20.0)
    noisy = clean + (0.03 * np.random.default_rng(1).normal(size=len(clean))).astype(np.float32)
    first, second = contour(clean), contour(noisy)
    voiced = (first.f0 > 0) & (second.f0 > 0)
    assert np.median(first.harmonicity[voiced]) - np.median(second.harmonicity[voiced]) > 5
    assert np.median(first.prominence[voiced]) > np.median(second.prominence[voiced])
    # Boersma's measure is the true ratio: 10 log10(0.1^2 / 0.03^2) = 10.5 dB.
    assert np.median(second.harmonicity[voiced]) == pytest.approx(10.5, abs=2)


def test_stretches_with_context_equal_the_whole() -> None:
    time = np.arange(6 * SAMPLE_RATE + 777) / SAMPLE_RATE
    level = -25 + 10 * np.sin(2 * np.pi * 1.3 * time)
    whole_samples = sung(140 * 2 ** (0.3 * np.sin(2 * np.pi * 0.7 * time)), level)
    whole_samples += (0.002 * np.random.default_rng(2).normal(size=len(time))).astype(np.float32)
    whole = contour(whole_samples)
    parts = []
    step = 20 * ALIGNMENT
    for start in range(0, len(whole_samples), step):
        low, high = max(0, start - CONTEXT), min(len(whole_samples), start + step + CONTEXT)
        stretch = contour(whole_samples[low:high])
        first = (start - low) // FRAME
        last = len(stretch) if high == len(whole_samples) else first + step // FRAME
        parts.append(stretch.cut(slice(first, min(last, first + step // FRAME))))
    joined = join(parts)
    assert len(joined) == len(whole)
    for part in PARTS:
        np.testing.assert_allclose(getattr(joined, part), getattr(whole, part), atol=2e-3, err_msg=part)


@pytest.mark.parametrize("length", [0, 1, 319, 320, 321, 640, 1000])
def test_short_audio_has_its_whole_frames(length: int) -> None:
    assert len(contour(np.full(length, 0.01, np.float32))) == length // FRAME


def test_wrong_samples_and_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="not float32"):
        contour(np.zeros(1000))  # type: ignore[arg-type]
    good = contour(silence(0.1))
    with pytest.raises(ValueError, match="f0"):
        Contour(good.f0 * np.float32("nan"), *(getattr(good, part) for part in PARTS[1:]))
    with pytest.raises(ValueError, match="no stretch"):
        join([])


def test_bands_rise_and_stay_below_half_the_rate() -> None:
    assert np.all(np.diff(centres()) > 0)
    assert centres()[-1] < SAMPLE_RATE / 2


def test_same_samples_give_the_same_rows() -> None:
    samples = steady(0.5)
    first, second = contour(samples), contour(samples)
    for part in PARTS:
        np.testing.assert_array_equal(getattr(first, part), getattr(second, part))
