"""A voice of known pitch, level and timing, for tests of prosody."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

SAMPLE_RATE = 16_000

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]


def sung(f0: Doubles, level: Doubles | float = -20.0, slope: float = -12.0) -> Floats:
    """Harmonics of a moving F0.

    Args:
        f0: Hz of each sample. *Shape:* (n,)
        level: dB of full scale, of each sample or of all.
        slope: dB an octave by which higher harmonics are weaker.
    """
    phase = 2 * np.pi * np.cumsum(f0) / SAMPLE_RATE
    wave = np.zeros(len(f0))
    for harmonic in range(1, 60):
        gain = harmonic ** (slope / 6.02)
        wave += np.where(harmonic * f0 < 7500, gain, 0) * np.sin(harmonic * phase + 0.3 * harmonic**2)
    wave /= np.sqrt(np.mean(wave**2)) + 1e-12
    return (wave * 10 ** (np.asarray(level) / 20)).astype(np.float32)


def steady(seconds: float, hertz: float = 120.0, level: float = -20.0, slope: float = -12.0) -> Floats:
    """One note."""
    return sung(np.full(round(seconds * SAMPLE_RATE), hertz), level, slope)


def silence(seconds: float) -> Floats:
    """Nothing, with the faint noise of a room."""
    random = np.random.default_rng(3)
    return (1e-4 * random.normal(size=round(seconds * SAMPLE_RATE))).astype(np.float32)


def babble(seconds: float, rate: float, hertz: float = 120.0, level: float = -20.0) -> Floats:
    """Syllables of one vowel, ``rate`` a second, 15 dB deep dips between them."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    swing = -7.5 * np.cos(2 * np.pi * rate * time) - 7.5
    return sung(np.full(len(time), hertz), level + swing, slope=-6.0)


def phrase(
    random: np.random.Generator, hertz: float, rate: float = 4.0, level: float = -25.0, span: float = 2.0
) -> Floats:
    """One and a half to two seconds of syllables whose pitch, level, pace and colour vary, in a quiet room.

    Args:
        hertz: Middle of the pitch.
        rate: Syllables a second.
        level: dB of full scale.
        span: Semitones by which the pitch wanders either way.
    """
    time = np.arange(round(random.uniform(1.5, 2.0) * SAMPLE_RATE)) / SAMPLE_RATE
    wander = span * np.sin(2 * np.pi * random.uniform(0.4, 1.5) * time + random.uniform(0, 6)) + random.normal()
    swing = -8 * np.cos(2 * np.pi * rate * random.uniform(0.9, 1.1) * time) - 8
    samples = sung(hertz * 2 ** (wander / 12), level + 2 * random.normal() + swing, random.uniform(-9, -5))
    return samples + (0.0005 * random.normal(size=len(samples))).astype(np.float32)
