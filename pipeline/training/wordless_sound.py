"""Sound in which nobody says anything: noise, hum, clicks, tones and chords, steady or coming and going like syllables.

A network that has heard nothing but speech takes what swells and stops as speech does for phones. These are made by
arithmetic from a seed, in endless variety; rooms, bands and levels are added in training as to all sound.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from .speech_corpus import CorpusWriter
from .speech_synthesis import SAMPLE_RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Maker = Callable[[int, np.random.Generator], Floats]

SECONDS: Final = (2.0, 10.0)
_SWELLS: Final = (0.4, 9.0)
"""Times a second at which sound comes and goes: from slow machines to fast syllables."""


def build_wordless(out: Path, hours: float, seed: int) -> dict[str, float]:
    """Writes a corpus of which every utterance holds no phone.

    Returns:
        Utterances and hours.
    """
    generator = np.random.default_rng([seed, 77])
    samples = 0
    with CorpusWriter(out) as writer:
        while samples < hours * 3600 * SAMPLE_RATE:
            sort = list(SORTS)[int(generator.integers(len(SORTS)))]
            sound = wordless(sort, int(SAMPLE_RATE * generator.uniform(*SECONDS)), generator)
            samples += writer.add((32767 * sound).astype(np.int16), f"wordless:{sort}", "", (), times=()).samples
        count = writer.utterances
    return {"utterances": count, "hours": round(samples / SAMPLE_RATE / 3600, 2)}


def wordless(sort: str, samples: int, generator: np.random.Generator) -> Floats:
    """A sound of one of :data:`SORTS`; half of them swell, and a third have another one beside. *Shape:* (samples,)

    Its peak lies between 0.02 and 0.9.
    """
    sound = _level(SORTS[sort](samples, generator))
    if generator.random() < 1 / 3:
        other = list(SORTS)[int(generator.integers(len(SORTS)))]
        sound = sound + generator.uniform(0.1, 1.0) * _level(SORTS[other](samples, generator))
    if generator.random() < 0.5:
        sound = sound * _swelling(samples, generator)
    peak = 0.02 * 45.0 ** generator.random()
    made: Floats = sound * (peak / max(float(np.abs(sound).max()), 1e-9))
    return made


def _level(sound: Floats) -> Floats:
    levelled: Floats = sound / max(float(np.sqrt(np.mean(sound**2))), 1e-9)
    return levelled


def _time(samples: int) -> Floats:
    return np.arange(samples) / SAMPLE_RATE


def _swelling(samples: int, generator: np.random.Generator) -> Floats:
    """Comes and goes, evenly or at random, softly or at once."""
    rate = float(np.exp(generator.uniform(*np.log(_SWELLS))))
    if generator.random() < 0.5:
        wave = 0.5 - 0.5 * np.cos(2 * np.pi * rate * _time(samples) + generator.uniform(0, 6.28))
    else:
        steps = generator.random(int(rate * samples / SAMPLE_RATE) + 3)
        wave = np.interp(_time(samples) * rate, np.arange(len(steps)), steps)
    swelling: Floats = generator.uniform(0, 0.3) + wave ** generator.uniform(0.5, 4.0)
    return swelling


def _noise(samples: int, generator: np.random.Generator) -> Floats:
    """Coloured noise, from white over pink to brown, sometimes with a formant-like hill."""
    spectrum = np.fft.rfft(generator.standard_normal(samples))
    hertz = np.fft.rfftfreq(samples, 1 / SAMPLE_RATE)
    gain = np.maximum(hertz, 20.0) ** (-generator.uniform(0, 1.1))
    if generator.random() < 0.4:
        centre, width = generator.uniform(200, 5000), generator.uniform(0.1, 0.6)
        gain = gain * (1 + 20 * np.exp(-0.5 * (np.log(np.maximum(hertz, 20.0) / centre) / width) ** 2))
    coloured: Floats = np.fft.irfft(spectrum * gain, samples)
    return coloured


def _hum(samples: int, generator: np.random.Generator) -> Floats:
    """A steady buzz with harmonics: mains, fans, engines that waver a little."""
    pitch = generator.uniform(40, 260)
    wander = np.cumsum(np.interp(_time(samples) * 4, np.arange(60), generator.standard_normal(60))) / SAMPLE_RATE
    phase = 2 * np.pi * (pitch * _time(samples) + generator.uniform(0, 0.06) * pitch * wander)
    falling = generator.uniform(0.4, 2.0)
    harmonics = range(1, int(min(30, 7000 / pitch)) + 1)
    buzz: Floats = np.sum([np.sin(number * phase) / number**falling for number in harmonics], axis=0)
    return buzz


def _clicks(samples: int, generator: np.random.Generator) -> Floats:
    """Knocks, keys and drops: short bursts that ring, at random or in time."""
    sound = np.zeros(samples + SAMPLE_RATE)
    rate = float(np.exp(generator.uniform(np.log(0.7), np.log(14))))
    at = generator.uniform(0, 0.5)
    even = generator.random() < 0.4
    while at * SAMPLE_RATE < samples:
        length = int(SAMPLE_RATE * generator.uniform(0.004, 0.12))
        time = _time(length)
        burst = generator.standard_normal(length)
        if generator.random() < 0.6:
            burst = burst * 0.3 + np.sin(2 * np.pi * generator.uniform(150, 5000) * time)
        first = int(at * SAMPLE_RATE)
        sound[first : first + length] += generator.uniform(0.2, 1.0) * burst * np.exp(-5 * np.arange(length) / length)
        at += 1 / rate if even else float(generator.exponential(1 / rate)) + 0.01
    return sound[:samples]


def _tones(samples: int, generator: np.random.Generator) -> Floats:
    """Beeps, dial tones and sweeps."""
    parts: list[Floats] = []
    left = samples
    while left > 0:
        length = min(left, int(SAMPLE_RATE * generator.uniform(0.08, 1.2)))
        time = _time(length)
        low, high = generator.uniform(150, 3000, 2)
        sweep = high if generator.random() < 0.3 else low
        tone = np.sin(2 * np.pi * (low * time + (sweep - low) * time**2 / (2 * max(length / SAMPLE_RATE, 1e-3))))
        if generator.random() < 0.4:
            tone = tone + np.sin(2 * np.pi * generator.uniform(150, 3000) * time)
        parts.append(tone * (generator.random() < 0.75))
        left -= length
    return np.concatenate(parts) + 1e-4 * generator.standard_normal(samples)


def _chords(samples: int, generator: np.random.Generator) -> Floats:
    """Notes with harmonics that are struck and die away, alone and together."""
    sound = np.zeros(samples)
    at = 0
    while at < samples:
        length = min(samples - at, int(SAMPLE_RATE * generator.uniform(0.12, 1.5)))
        time = _time(length)
        root = 55 * 2 ** generator.uniform(0, 4)
        for _ in range(int(generator.integers(1, 5))):
            pitch = root * 2 ** (int(generator.integers(0, 13)) / 12)
            harmonics = range(1, int(min(8, 7000 / pitch)) + 1)
            note = np.sum([np.sin(2 * np.pi * pitch * number * time) / number for number in harmonics], axis=0)
            sound[at : at + length] += note * np.exp(-generator.uniform(0.2, 6) * time)
        at += length
    return sound + 1e-4 * generator.standard_normal(samples)


SORTS: Final[dict[str, Maker]] = {
    "noise": _noise, "hum": _hum, "clicks": _clicks, "tones": _tones, "chords": _chords,
}  # fmt: skip
"""What makes each sort of sound."""
