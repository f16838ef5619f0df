"""Prosodic measures that people can read and filter by, and the baseline of a speaker.

They state the manner of speaking: how high, how lively, how loud, how fast. They are no reading of feelings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from .contour import RATE, Contour
from .functionals import FUNCTIONALS, column, final_rise
from .rhythm import estimated_nuclei, pauses, speech_frames

Floats = npt.NDArray[np.float32]
Nuclei = npt.NDArray[np.bool_] | npt.NDArray[np.float32]

BASELINE_SECONDS = 30.0
"""Of a recording's speech that the baseline rests on."""

_NAN = float("nan")
# A nucleus of the posteriors: a peak of the vowels' probability at least this high.
_LIKELY = 0.4
# Two nuclei closer than 60 ms are one.
_CLOSEST = 3


@dataclass(frozen=True, slots=True)
class Measure:
    """One readable number about a phrase or an utterance.

    Attributes:
        name: As in filters: ``f0_range>8``.
        unit: As in filters: ``f0_range>8st``; empty for a share.
        meaning: One line for people.
    """

    name: str
    unit: str
    meaning: str

    def __post_init__(self) -> None:
        if not self.name.isidentifier() or not self.name.islower():
            raise ValueError(f"a measure's name is one lower-case word, not {self.name!r}")


MEASURES = (
    Measure("f0", "Hz", "median of the voice's fundamental frequency"),
    Measure("f0_range", "st", "from the 5th to the 95th percentile of F0, semitones"),
    Measure("pitch", "st", "median F0 over the speaker's baseline, semitones"),
    Measure("rise", "st", "movement of F0 over the last 300 ms of voice: a question-like rise is positive"),
    Measure("energy", "dB", "level of the speech (its 80th percentile) relative to full scale"),
    Measure("loudness", "dB", "that level over the speaker's baseline"),
    Measure("rate", "syl/s", "articulation rate: syllables a second, pauses left out"),
    Measure("tempo", "", "articulation rate as a multiple of the speaker's baseline"),
    Measure("pauses", "", "share of the time spent in silences of 160 ms and more, between first and last speech"),
    Measure("longest_pause", "s", "longest of these silences"),
    Measure("voiced", "", "share of the speech that is voiced"),
    Measure("tilt", "dB/oct", "slope of the spectrum of voiced speech: nearer to zero is more vocal effort"),
    Measure("harmonicity", "dB", "harmonics-to-noise ratio of voiced speech: low is breathy, hoarse or noisy"),
)
"""In the order of :func:`measures`."""


class Baseline:
    """How a speaker usually speaks: mean and spread of the functionals of the first 30 s of speech.

    Utterances are added in the order of the recording; from 30 s on more of them change nothing, so a recording
    read to its end and one still being read agree. A recording with less has what there is; the encoder weighs it
    against people in general (:class:`octavo.pipeline.encoders.prosody.ProsodyEncoder`). The baseline of a single
    clip of 3 s is mostly that clip: its vector then holds movement, rhythm and quality, but hardly how high or loud
    the clip is.
    """

    __slots__ = ("_seconds", "_squares", "_sums", "_weights")

    def __init__(self) -> None:
        self._seconds = 0.0
        self._weights = np.zeros(len(FUNCTIONALS))
        self._sums = np.zeros(len(FUNCTIONALS))
        self._squares = np.zeros(len(FUNCTIONALS))

    @property
    def seconds(self) -> float:
        """Of speech that it rests on so far."""
        return self._seconds

    @property
    def settled(self) -> bool:
        """Whether 30 s of speech are in, after which nothing changes it."""
        return self._seconds >= BASELINE_SECONDS

    def add(self, functionals: Floats, seconds: float) -> None:
        """Take in the next utterance.

        Args:
            functionals: As :func:`octavo.pipeline.voice.functionals.functionals` gives them; NaN counts for nothing.
                *Shape:* (len(FUNCTIONALS),)
            seconds: Its length, which is its weight.

        Raises:
            ValueError: The array has another shape, or the length is not positive.
        """
        if functionals.shape != (len(FUNCTIONALS),):
            raise ValueError(f"{functionals.shape} functionals of an utterance, not ({len(FUNCTIONALS)},)")
        if not seconds > 0:
            raise ValueError(f"an utterance of {seconds} s cannot weigh in a baseline")
        known = np.isfinite(functionals)
        if self.settled or not known.any():
            return
        values = np.where(known, functionals, 0).astype(np.float64)
        self._seconds += seconds
        self._weights += seconds * known
        self._sums += seconds * values
        self._squares += seconds * values**2

    def to_json(self) -> dict[str, Any]:
        """What :meth:`from_json` needs to go on, for a recording that is read in several goes."""
        return {
            "seconds": self._seconds,
            "weights": self._weights.tolist(),
            "sums": self._sums.tolist(),
            "squares": self._squares.tolist(),
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        """The baseline that :meth:`to_json` gave.

        Raises:
            ValueError: It is of other functionals than these.
        """
        found = cls()
        found._seconds = float(state["seconds"])
        found._weights, found._sums, found._squares = (
            np.array(state[name], np.float64) for name in ("weights", "sums", "squares")
        )
        if any(len(part) != len(FUNCTIONALS) for part in (found._weights, found._sums, found._squares)):
            raise ValueError(f"a baseline of {len(found._sums)} functionals, not {len(FUNCTIONALS)}: encode again")
        return found

    def weights(self) -> npt.NDArray[np.float64]:
        """Seconds on which each functional was measured. *Shape:* (len(FUNCTIONALS),)"""
        return self._weights.copy()

    def means(self) -> npt.NDArray[np.float64]:
        """Mean of each functional, NaN where it was never measured. *Shape:* (len(FUNCTIONALS),)"""
        known = self._weights > 0
        return np.where(known, self._sums / np.where(known, self._weights, 1), np.nan)

    def variances(self) -> npt.NDArray[np.float64]:
        """Variance of each functional among utterances, NaN as above. *Shape:* (len(FUNCTIONALS),)"""
        known = self._weights > 0
        square = np.where(known, self._squares / np.where(known, self._weights, 1), np.nan)
        return np.maximum(square - self.means() ** 2, 0)


def measures(contour: Contour, nuclei: Nuclei | None = None, baseline: Baseline | None = None) -> Floats:
    """The readable measures of one phrase or utterance.

    Args:
        contour: Of the phrase: ``contour.cut(frames)``.
        nuclei: For each frame of the phrase, whether a syllable's nucleus lies there, or the probability of a vowel
            there (from the phone posteriors). None: nuclei are estimated from the level. *Shape:* (T,)
        baseline: Of the speaker. None: measures relative to it are NaN.

    Returns:
        One number for each of :data:`MEASURES`; NaN where there is nothing to measure. *Shape:* (len(MEASURES),)

    Raises:
        ValueError: The nuclei are of another number of frames.
    """
    if nuclei is not None and nuclei.shape != (len(contour),):
        raise ValueError(f"{nuclei.shape} nuclei for {len(contour)} frames of contour")
    speech = speech_frames(contour)
    if not speech.any():
        return np.full(len(MEASURES), np.nan, np.float32)
    at = np.flatnonzero(speech)
    voiced = speech & (contour.f0 > 0)
    silent = np.diff(pauses(speech)).ravel() / RATE
    whole = (at[-1] + 1 - at[0]) / RATE
    spoken = whole - float(silent.sum())
    estimated = len(estimated_nuclei(contour)) / spoken
    rate = estimated if nuclei is None else _count(nuclei[at[0] : at[-1] + 1]) / spoken
    usual = baseline.means() if baseline is not None else np.full(len(FUNCTIONALS), np.nan)
    pitch = 12 * np.log2(contour.f0[voiced].astype(np.float64) / 100)
    low, middle, high = np.percentile(pitch, (5, 50, 95)) if voiced.any() else (_NAN, _NAN, _NAN)
    level = float(np.percentile(contour.energy[at], 80))
    usual_rate = float(usual[column("rate")])
    values = (
        100 * 2 ** (middle / 12),
        high - low,
        middle - usual[column("f0_p50")],
        final_rise(contour.f0, voiced),
        level,
        level - usual[column("energy_p80")],
        rate,
        # Both sides by the same estimate: the baseline knows no phones.
        estimated / usual_rate if usual_rate > 0 else _NAN,
        float(silent.sum()) / whole,
        float(silent.max()) if len(silent) else 0.0,
        len(pitch) / len(at),
        float(contour.tilt[voiced].mean()) if voiced.any() else _NAN,
        float(contour.harmonicity[voiced].mean()) if voiced.any() else _NAN,
    )
    return np.array(values, np.float32)


def _count(nuclei: Nuclei) -> int:
    """Nuclei marked, or peaks of the vowels' probability at least 60 ms apart."""
    if nuclei.dtype == np.bool_:
        return int(nuclei.sum())
    before = np.concatenate([[-1.0], nuclei[:-1]])
    after = np.concatenate([nuclei[1:], [-1.0]])
    peaks = np.flatnonzero((nuclei > before) & (nuclei >= after) & (nuclei >= _LIKELY))
    count, last = 0, -_CLOSEST
    for peak in peaks.tolist():
        if peak - last >= _CLOSEST:
            count, last = count + 1, peak
    return count
