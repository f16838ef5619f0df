"""What of a voice moves while it speaks: pitch, level and spectrum, one row a frame of 20 ms.

Everything prosodic is computed from these rows and never again from the samples.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache

import numpy as np
import numpy.typing as npt

from .fundamental import ALIGNMENT, FRAME, fundamental

Floats = npt.NDArray[np.float32]

RATE = 50
"""Frames a second."""

CONTEXT = 3_840
"""Samples (12 frames) on each side that a frame depends on: what stretches must overlap by on each side."""

BANDS = 24
"""Mel bands from 60 to 7,600 Hz."""

_SAMPLE_RATE = 16_000
_WINDOW = 640
_TRANSFORM = 1024
_LEAST = 1e-10
_LOWEST_BAND, _HIGHEST_BAND = 60.0, 7600.0
_TILT = (150.0, 5000.0)
# Quefrencies of voices from 60 to 500 Hz, in samples.
_QUEFRENCY = slice(32, 267)


@dataclass(frozen=True, slots=True, eq=False)
class Contour:
    """Prosodic contours of one stretch of audio.

    Attributes:
        f0: Hz, 0 where unvoiced. *Shape:* (T,)
        voicing: Confidence in [0, 1]. *Shape:* (T,)
        energy: dB relative to full scale. *Shape:* (T,)
        tilt: Slope of the spectrum between 150 and 5,000 Hz, dB per octave. *Shape:* (T,)
        harmonicity: Harmonics-to-noise ratio, dB, 0 where unvoiced (Boersma 1993). *Shape:* (T,)
        prominence: Of the cepstral peak, dB (Hillenbrand et al. 1994): low for a breathy or rough voice. *Shape:* (T,)
        bands: Density of power in mel bands, dB. *Shape:* (T, 24)
    """

    f0: Floats
    voicing: Floats
    energy: Floats
    tilt: Floats
    harmonicity: Floats
    prominence: Floats
    bands: Floats

    def __post_init__(self) -> None:
        frames = len(self.f0)
        for part in fields(self):
            rows = getattr(self, part.name)
            shape = (frames, BANDS) if part.name == "bands" else (frames,)
            if rows.dtype != np.float32 or rows.shape != shape:
                raise ValueError(f"the contour's {part.name} is {rows.dtype} {rows.shape}, not float32 {shape}")
            if not np.all(np.isfinite(rows)):
                raise ValueError(f"the contour's {part.name} holds NaN or infinity: mend the samples first")

    def __len__(self) -> int:
        return len(self.f0)

    def cut(self, frames: slice) -> Contour:
        """The rows of some frames, without a copy."""
        return Contour(*(getattr(self, part.name)[frames] for part in fields(self)))


def join(stretches: list[Contour]) -> Contour:
    """Contours of consecutive stretches as one.

    Raises:
        ValueError: There is none.
    """
    if not stretches:
        raise ValueError("no stretch to join")
    return Contour(*(np.concatenate([getattr(one, part.name) for one in stretches]) for part in fields(Contour)))


def contour(samples: Floats) -> Contour:
    """Measure a stretch of audio.

    Streamed use: let stretches start at multiples of ``ALIGNMENT`` (1,280 samples), give ``CONTEXT`` samples more on
    each side, and drop those frames: the rest equals the contour of the whole.

    Args:
        samples: 16 kHz mono, float32 in [-1, 1), finite. *Shape:* (n,)

    Returns:
        One row a whole frame of 320 samples; a last partial frame is left out. *Shape:* (n // 320,)

    Raises:
        ValueError: The samples are no such array.
    """
    if samples.ndim != 1 or samples.dtype != np.float32:
        raise ValueError(f"samples are {samples.dtype} {samples.shape}, not float32 (n,)")
    frames = len(samples) // FRAME
    if frames == 0:
        none = np.zeros(0, np.float32)
        return Contour(none, none, none, none, none, none, np.zeros((0, BANDS), np.float32))
    f0, voicing = fundamental(samples)
    around = (_WINDOW - FRAME) // 2
    padded = np.concatenate([np.zeros(around, np.float32), samples[: frames * FRAME + around]])
    padded = np.pad(padded, (0, max(0, frames * FRAME + 2 * around - len(padded))))
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::FRAME][:frames]
    # 10 s at a time: transforms that stay in the cache.
    parts = [_spectral(windows[at : at + 500], f0[at : at + 500]) for at in range(0, frames, 500)]
    energy, tilt, harmonicity, prominence, bands = (np.concatenate([part[i] for part in parts]) for i in range(5))
    return Contour(f0, voicing, energy, tilt, harmonicity, prominence, bands)


def _spectral(windows: Floats, f0: Floats) -> tuple[Floats, ...]:
    """Energy, tilt, harmonicity, prominence, bands of windows. *Shape:* (T, 640) -> (T,) four times, (T, 24)"""
    spectrum = np.fft.rfft(windows * _taper(), _TRANSFORM)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    scale = np.float32(2 / (_TRANSFORM * np.sum(_taper() ** 2)))
    energy = 10 * np.log10(power[:, 1:].sum(axis=1) * scale + _LEAST)
    bands = (10 * np.log10(power @ _filters() * scale + _LEAST)).astype(np.float32)
    tilt = bands @ _tilt_weights()
    return (
        energy.astype(np.float32),
        tilt.astype(np.float32),
        _harmonicity(power, f0),
        _prominence(power),
        bands,
    )


def _harmonicity(power: Floats, f0: Floats) -> Floats:
    """Boersma, "Accurate short-term analysis of the fundamental frequency and the HNR" (1993): the autocorrelation at
    one period, divided by the window's own."""
    found = np.zeros(len(power), np.float32)
    voiced = np.flatnonzero(f0)
    if len(voiced) == 0:
        return found
    correlation = np.fft.irfft(power[voiced], _TRANSFORM)
    lags = np.rint(_SAMPLE_RATE / f0[voiced]).astype(np.int64)[:, None] + np.arange(-3, 4)
    # Zero padding keeps lags up to 384 samples free of wrap-around; 55 Hz has one of 291.
    lags = np.clip(lags, 1, _TRANSFORM - _WINDOW)
    rows = (
        np.take_along_axis(correlation, lags, 1) / np.maximum(correlation[:, :1], _LEAST) / _taper_correlation()[lags]
    )
    periodic = np.clip(rows.max(axis=1), 0.1, 0.999)
    found[voiced] = 10 * np.log10(periodic / (1 - periodic))
    return found


def _prominence(power: Floats) -> Floats:
    """Height of the cepstral peak over the regression line of its surroundings (Hillenbrand, Cleveland, Erickson)."""
    cepstrum = np.fft.irfft(10 * np.log10(power + _LEAST), _TRANSFORM)[:, _QUEFRENCY]
    level = 20 * np.log10(np.abs(cepstrum) + 1e-3)
    peak = level.argmax(axis=1)
    quefrency = np.arange(level.shape[1]) - (level.shape[1] - 1) / 2
    slope = level @ (quefrency / np.sum(quefrency**2))
    line = level.mean(axis=1) + slope * quefrency[peak]
    height: Floats = (level[np.arange(len(level)), peak] - line).astype(np.float32)
    return height


@cache
def _taper() -> Floats:
    taper: Floats = np.hanning(_WINDOW + 2)[1:-1].astype(np.float32)
    return taper


@cache
def _taper_correlation() -> npt.NDArray[np.float64]:
    correlation = np.fft.irfft(np.abs(np.fft.rfft(_taper(), 2 * _TRANSFORM)) ** 2)
    relative: npt.NDArray[np.float64] = np.maximum(correlation / correlation[0], 1e-3)
    return relative


def _mel(hertz: npt.ArrayLike) -> npt.NDArray[np.float64]:
    mels: npt.NDArray[np.float64] = 2595 * np.log10(1 + np.asarray(hertz, np.float64) / 700)
    return mels


@cache
def _edges() -> npt.NDArray[np.float64]:
    mels = np.linspace(_mel(_LOWEST_BAND), _mel(_HIGHEST_BAND), BANDS + 2)
    return 700 * (10 ** (mels / 2595) - 1)


@cache
def centres() -> npt.NDArray[np.float64]:
    """Hz of the mel bands' middles. *Shape:* (24,)"""
    return _edges()[1:-1]


@cache
def _filters() -> Floats:
    """Triangles of area one, so that a band holds the density of power. *Shape:* (513, 24)"""
    bins = np.arange(_TRANSFORM // 2 + 1) * _SAMPLE_RATE / _TRANSFORM
    low, middle, high = _edges()[:-2], _edges()[1:-1], _edges()[2:]
    triangles = np.minimum((bins[:, None] - low) / (middle - low), (high - bins[:, None]) / (high - middle))
    triangles = np.maximum(triangles, 0)
    filters: Floats = (triangles / triangles.sum(axis=0)).astype(np.float32)
    return filters


@cache
def _tilt_weights() -> Floats:
    """Weights of a linear regression of band level on octaves. *Shape:* (24,)"""
    inside = (centres() >= _TILT[0]) & (centres() <= _TILT[1])
    octave = np.where(inside, np.log2(centres()), 0.0)
    octave = np.where(inside, octave - octave[inside].mean(), 0.0)
    weights: Floats = (octave / np.sum(octave**2)).astype(np.float32)
    return weights


__all__ = ["ALIGNMENT", "BANDS", "CONTEXT", "FRAME", "RATE", "Contour", "centres", "contour", "join"]
