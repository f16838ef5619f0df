"""Functionals: what a stretch of contours amounts to, as one row of numbers.

Statistics in the manner of openSMILE's sets (Eyben et al., "The Geneva Minimalistic Acoustic Parameter Set", 2016),
computed anew from :class:`~.contour.Contour`; rhythm after Grabe and Low (2002, nPVI) and de Jong and
Wempe (2009, syllable nuclei). No phones enter: the numbers are to hold the manner, not the words.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from .contour import BANDS, RATE, Contour, centres
from .rhythm import Mask, estimated_nuclei, pauses, runs, speech_frames

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

_CEPSTRA = 12
_QUALITIES = ("tilt", "harmonicity", "prominence", "alpha", "hammarberg", "centre", "low", "middle", "high", "flux")
_MODULATIONS = ((1.0, 3.0), (3.0, 5.0), (5.0, 8.0), (8.0, 12.0), (12.0, 20.0))
_PERCENTILES = (5, 20, 50, 80, 95)
# Frames at the end of the voice over which its last movement is measured: 300 ms.
_FINAL = 15
_NAN = float("nan")

FUNCTIONALS: tuple[str, ...] = (
    *(f"f0_p{p:02d}" for p in _PERCENTILES),
    *(
        "f0_mean",
        "f0_deviation",
        "f0_range",
        "f0_middle_range",
        "f0_skew",
        "f0_speed",
        "f0_speed_deviation",
        "f0_rise",
        "f0_fall",
    ),
    *("f0_rising", "f0_jitter", "f0_slope", "f0_begin", "f0_end", "f0_final", "f0_within", "f0_between"),
    *(f"energy_p{p:02d}" for p in _PERCENTILES),
    *("energy_mean", "energy_deviation", "energy_range", "energy_speed", "energy_rise", "energy_fall", "energy_slope"),
    *("energy_begin", "energy_end", "energy_voiced"),
    *(f"modulation_{low:.0f}_{high:.0f}" for low, high in _MODULATIONS),
    *(
        "rate",
        "tempo",
        "voiced",
        "voicing",
        "voiced_length",
        "voiced_length_deviation",
        "voiced_runs",
        "unvoiced_length",
    ),
    *("pauses", "pause_length", "pause_rate", "interval", "interval_deviation", "npvi"),
    *(f"{name}_{kind}" for name in _QUALITIES for kind in ("mean", "deviation", "p10", "p90")),
    *("unvoiced_tilt", "unvoiced_alpha", "unvoiced_centre", "f0_energy", "tilt_energy", "tilt_f0"),
    *(f"cepstrum_{n + 1}_{kind}" for kind in ("mean", "deviation", "speed") for n in range(_CEPSTRA)),
)
"""Names, in the order of :func:`functionals`. F0 is in semitones over 100 Hz, levels in dB, lengths in log2 seconds,
rates per second, shares in 0..1, slopes and speeds per second."""


def column(name: str) -> int:
    """Where a functional stands.

    Raises:
        ValueError: There is none of this name.
    """
    return FUNCTIONALS.index(name)


def functionals(contour: Contour) -> Floats:
    """Functionals of one phrase or utterance.

    Returns:
        One number for each of :data:`FUNCTIONALS`; NaN where the stretch has nothing to measure it on (no voiced
        frame, too few syllables). *Shape:* (len(FUNCTIONALS),)
    """
    speech = speech_frames(contour)
    if speech.sum() < 3:
        return np.full(len(FUNCTIONALS), np.nan, np.float32)
    voiced = speech & (contour.f0 > 0)
    qualities = _qualities(contour)
    values = [
        *_pitch(contour, voiced),
        *_level(contour, speech, voiced),
        *_rhythm(contour, speech, voiced),
        *_quality(contour, qualities, speech, voiced),
        *_articulation(contour, speech),
    ]
    return np.array(values, np.float32)


def _pitch(contour: Contour, voiced: Mask) -> list[float]:
    at = np.flatnonzero(voiced)
    if len(at) < 5:
        return [_NAN] * 22
    pitch = 12 * np.log2(contour.f0[at].astype(np.float64) / 100)
    p05, p20, p50, p80, p95 = np.percentile(pitch, _PERCENTILES)
    # A step of more than 6 semitones in 20 ms is an octave error.
    joined = np.diff(at) == 1
    steps = np.diff(pitch)
    steps = steps[joined & (np.abs(steps) < 6)]
    bends = np.abs(np.diff(pitch, 2)[joined[1:] & joined[:-1]])
    segments = [pitch[start:stop] for start, stop in _segments(at) if stop - start >= 3]
    medians = np.array([np.median(segment) for segment in segments]) if segments else np.zeros(0)
    spreads = np.array([np.ptp(segment) for segment in segments]) if segments else np.zeros(0)
    third = max(1, len(pitch) // 3)
    return [
        *(p05, p20, p50, p80, p95),
        pitch.mean(),
        pitch.std(),
        p95 - p05,
        p80 - p20,
        p80 + p20 - 2 * p50,
        _mean(np.abs(steps)) * RATE,
        _deviation(steps) * RATE,
        _mean(steps[steps > 0]) * RATE,
        _mean(steps[steps < 0]) * RATE,
        _mean(steps > 0),
        float(np.median(bends)) if len(bends) else _NAN,
        _slope(at / RATE, pitch),
        pitch[:third].mean() - p50,
        pitch[-third:].mean() - p50,
        final_rise(contour.f0, voiced),
        _mean(spreads),
        _deviation(medians),
    ]


def final_rise(f0: Floats, voiced: Mask) -> float:
    """Semitones by which F0 moves over the last 300 ms of voice; positive where it rises, as in many questions.

    The median of the last 60 ms less the median of the first 60 ms of that stretch. NaN with under 120 ms of voice.
    """
    at = np.flatnonzero(voiced)[-_FINAL:]
    if len(at) < 6:
        return _NAN
    pitch = 12 * np.log2(f0[at].astype(np.float64) / 100)
    return float(np.median(pitch[-3:]) - np.median(pitch[:3]))


def _level(contour: Contour, speech: Mask, voiced: Mask) -> list[float]:
    at = np.flatnonzero(speech)
    level = contour.energy[at].astype(np.float64)
    p05, p20, p50, p80, p95 = np.percentile(level, _PERCENTILES)
    steps = np.diff(level)[np.diff(at) == 1]
    third = max(1, len(level) // 3)
    return [
        *(p05, p20, p50, p80, p95),
        level.mean(),
        level.std(),
        p95 - p05,
        _mean(np.abs(steps)) * RATE,
        _mean(steps[steps > 0]) * RATE,
        _mean(steps[steps < 0]) * RATE,
        _slope(at / RATE, level),
        level[:third].mean() - p50,
        level[-third:].mean() - p50,
        _mean(contour.energy[voiced]),
        *_modulation(np.maximum(contour.energy[at[0] : at[-1] + 1], p95 - 40).astype(np.float64)),
    ]


def _modulation(level: Doubles) -> list[float]:
    """Shares of the level's movement in bands of modulation frequency, dB."""
    if len(level) < 10:
        return [_NAN] * len(_MODULATIONS)
    size = max(256, 1 << (len(level) - 1).bit_length())
    power = np.abs(np.fft.rfft((level - level.mean()) * np.hanning(len(level) + 2)[1:-1], size)) ** 2
    frequency = np.arange(len(power)) * RATE / size
    whole = power[(frequency >= 1) & (frequency < 20)].sum() + 1e-9
    return [
        10 * np.log10(power[(frequency >= low) & (frequency < high)].sum() / whole + 1e-4) for low, high in _MODULATIONS
    ]


def _rhythm(contour: Contour, speech: Mask, voiced: Mask) -> list[float]:
    at = np.flatnonzero(speech)
    silences = pauses(speech)
    silent = np.diff(silences).ravel() / RATE
    whole = (at[-1] + 1 - at[0]) / RATE
    spoken = whole - silent.sum()
    nuclei = estimated_nuclei(contour)
    gaps = np.diff(nuclei) / RATE
    gaps = gaps[gaps < 0.6]
    lengths = np.diff(runs(voiced)).ravel() / RATE
    lengths = lengths[lengths >= 0.04]
    breaks = np.diff(runs(speech & ~voiced)).ravel() / RATE
    pairs = np.abs(np.diff(gaps)) / ((gaps[1:] + gaps[:-1]) / 2) if len(gaps) > 1 else np.zeros(0)
    return [
        len(nuclei) / spoken,
        len(nuclei) / whole,
        voiced.sum() / len(at),
        _mean(contour.voicing[at]),
        _mean(np.log2(lengths)) if len(lengths) else _NAN,
        _deviation(np.log2(lengths)) if len(lengths) else _NAN,
        len(lengths) / spoken,
        _mean(np.log2(breaks)) if len(breaks) else _NAN,
        silent.sum() / whole,
        _mean(np.log2(silent)) if len(silent) else _NAN,
        len(silent) / whole,
        _mean(np.log2(gaps)) if len(gaps) else _NAN,
        _deviation(np.log2(gaps)),
        _mean(pairs),
    ]


def _qualities(contour: Contour) -> Doubles:
    """Frame-wise voice quality, one row for each of ``_QUALITIES``. *Shape:* (10, T)"""
    power = 10 ** (contour.bands.astype(np.float64) / 10)
    sums, octaves = _partition()
    part = 10 * np.log10(power @ sums + 1e-10)
    normal = power * octaves[:, None].T
    middle = (normal @ np.log2(centres())) / (normal.sum(axis=1) + 1e-12)
    below, above = (centres() < 2000), (centres() >= 2000) & (centres() < 5000)
    shape = contour.bands - contour.bands.mean(axis=1, keepdims=True)
    moved = np.abs(np.diff(shape, axis=0, prepend=shape[:1])).mean(axis=1)
    return np.stack(
        [
            contour.tilt,
            contour.harmonicity,
            contour.prominence,
            part[:, 0] - part[:, 1],
            contour.bands[:, below].max(axis=1) - contour.bands[:, above].max(axis=1),
            middle,
            part[:, 2] - part[:, 3],
            part[:, 4] - part[:, 5],
            part[:, 6] - part[:, 7],
            moved,
        ]
    ).astype(np.float64)


@cache
def _partition() -> tuple[Doubles, Doubles]:
    """Weights that sum densities to the power of eight ranges, and the width of each band in Hz."""
    width = np.gradient(centres())
    ranges = (
        *((50, 1000), (1000, 5000)),  # the alpha ratio
        *((0, 500), (500, 1000)),
        *((500, 1500), (1500, 3000)),
        *((1500, 4000), (4000, 8000)),
    )
    inside = [(centres() >= low) & (centres() < high) for low, high in ranges]
    return np.stack([np.where(mask, width, 0.0) for mask in inside], axis=1), width


def _quality(contour: Contour, qualities: Doubles, speech: Mask, voiced: Mask) -> list[float]:
    if voiced.sum() >= 5:
        rows = qualities[:, voiced]
        low, high = np.percentile(rows, (10, 90), axis=1)
        statistics = np.stack([rows.mean(axis=1), rows.std(axis=1), low, high], axis=1).ravel().tolist()
        pitch = 12 * np.log2(contour.f0[voiced].astype(np.float64) / 100)
        level = contour.energy[voiced].astype(np.float64)
        tilt = contour.tilt[voiced].astype(np.float64)
        together = [_slope(level, pitch), _slope(level, tilt), _slope(pitch, tilt)]
    else:
        statistics, together = [_NAN] * (4 * len(_QUALITIES)), [_NAN] * 3
    unvoiced = speech & ~voiced
    noise = [_mean(qualities[row, unvoiced]) for row in (0, 3, 5)] if unvoiced.sum() >= 3 else [_NAN] * 3
    return [*statistics, *noise, *together]


def _articulation(contour: Contour, speech: Mask) -> list[float]:
    at = np.flatnonzero(speech)
    # A band under -80 dB is silence of a telephone line or a codec, whose exact depth says nothing.
    cepstra = np.maximum(contour.bands[at], -80) @ _cosines()
    steps = np.abs(np.diff(cepstra, axis=0)[np.diff(at) == 1])
    moved = steps.mean(axis=0) * RATE if len(steps) else np.full(_CEPSTRA, _NAN)
    return [*cepstra.mean(axis=0).tolist(), *cepstra.std(axis=0).tolist(), *moved.tolist()]


@cache
def _cosines() -> Floats:
    """Cosine transform of the bands, without the mean. *Shape:* (24, 12)"""
    phase = np.pi * (np.arange(BANDS)[:, None] + 0.5) * np.arange(1, _CEPSTRA + 1) / BANDS
    cosines: Floats = (np.cos(phase) * np.sqrt(2 / BANDS)).astype(np.float32)
    return cosines


def _segments(at: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    """Positions in ``at`` of its unbroken runs, half-open."""
    breaks = np.flatnonzero(np.diff(at) != 1) + 1
    edges = [0, *breaks.tolist(), len(at)]
    return list(pairwise(edges))


def _slope(x: Doubles, y: Doubles) -> float:
    deviation = x - x.mean()
    spread = float(np.sum(deviation**2))
    return float(np.sum(deviation * y)) / spread if spread > 1e-6 else _NAN


def _mean(values: npt.NDArray[np.generic]) -> float:
    return float(np.mean(values.astype(np.float64))) if len(values) else _NAN


def _deviation(values: Doubles) -> float:
    return float(np.std(values)) if len(values) > 1 else _NAN
