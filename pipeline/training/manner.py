"""Manners made to order: edits of contours whose identity is known.

An edit changes what a change of manner changes (pitch, its range and movement, level, vocal effort, breath, tempo,
pauses, articulation) and leaves words and speaker as they were. It works on the contours and not on the samples: no
vocoder adds its own sound, and a thousand edits cost what one resynthesis would.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from ..voice.contour import RATE, Contour, centres
from ..voice.rhythm import speech_frames

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Manner:
    """How far each property is moved; zeros leave a contour as it is.

    Attributes:
        pitch: Semitones.
        range: log2 of the factor on the distance of F0 from its median.
        slope: Semitones a second.
        ending: Semitones by which the last 300 ms rise.
        tremor: Semitones of a 5.5 Hz modulation of F0; the level follows by 1 dB a semitone.
        smoothness: Share of F0's movement inside a voiced stretch that is flattened, -1 (doubled) to 1.
        tempo: log2 of the factor on the speed of everything.
        vowels: log2 of the factor on the length of voiced stretches alone.
        pauses: Share of the time that is added as silence.
        level: dB.
        dynamics: log2 of the factor on the distance of the level from its median.
        effort: dB an octave over 1 kHz that the spectrum of voiced frames gains.
        breath: dB of harmonicity and cepstral prominence that are lost; what is lost comes back as noise over 2 kHz.
        articulation: log2 of the factor on the movement of the spectrum's shape.
    """

    pitch: float = 0.0
    range: float = 0.0
    slope: float = 0.0
    ending: float = 0.0
    tremor: float = 0.0
    smoothness: float = 0.0
    tempo: float = 0.0
    vowels: float = 0.0
    pauses: float = 0.0
    level: float = 0.0
    dynamics: float = 0.0
    effort: float = 0.0
    breath: float = 0.0
    articulation: float = 0.0


_SPREAD = Manner(
    pitch=4.0,
    range=0.7,
    slope=1.0,
    ending=4.0,
    tremor=0.5,
    smoothness=0.5,
    tempo=0.35,
    vowels=0.35,
    pauses=0.12,
    level=7.0,
    dynamics=0.35,
    effort=2.0,
    breath=3.0,
    articulation=0.3,
)
"""One standard deviation of each property in a drawn manner: about what acted and spontaneous speech show."""


def draw_manner(random: np.random.Generator) -> Manner:
    """A manner that moves two to six properties.

    Pitch, level and effort go together more often than not, as they do in people who raise their voice (Lombard).
    """
    names = [part.name for part in fields(Manner)]
    moved = set(random.choice(len(names), size=int(random.integers(2, 7)), replace=False).tolist())
    strengths = random.normal(size=len(names))
    if random.random() < 0.5:
        arousal = random.normal()
        for name in ("pitch", "range", "level", "effort"):
            moved.add(names.index(name))
            strengths[names.index(name)] = 0.8 * arousal + 0.6 * random.normal()
    values = {
        name: float(strengths[number] * getattr(_SPREAD, name)) for number, name in enumerate(names) if number in moved
    }
    for name in ("tremor", "pauses"):
        values[name] = abs(values.get(name, 0.0))
    if "smoothness" in values:
        values["smoothness"] = float(np.clip(values["smoothness"], -1, 1))
    return Manner(**values)


def apply_manner(contour: Contour, manner: Manner, random: np.random.Generator) -> Contour:
    """The contour as if it had been spoken in another manner.

    Args:
        random: Chooses the phase of the tremor; everything else is determined.
    """
    if len(contour) == 0:
        return contour
    contour = _paced(contour, manner)
    speech = speech_frames(contour)
    voiced = contour.f0 > 0
    energy, bands = contour.energy.astype(np.float64), contour.bands.astype(np.float64)
    middle = float(np.median(energy[speech])) if speech.any() else 0.0
    gain = np.where(speech, (2.0**manner.dynamics - 1) * (energy - middle), 0.0) + manner.level
    wave = np.sin(2 * np.pi * (5.5 * np.arange(len(contour)) / RATE + random.random()))
    gain = np.clip(gain + manner.tremor * wave * speech, -40, 40)
    bands, tilt = _coloured(bands, contour, speech, voiced, manner)
    lost = np.where(voiced, manner.breath, 0.0)
    return Contour(
        f0=_intoned(contour, voiced, wave, manner).astype(np.float32),
        voicing=contour.voicing,
        energy=np.clip(energy + gain, -100, 10).astype(np.float32),
        tilt=tilt.astype(np.float32),
        harmonicity=np.where(voiced, np.clip(contour.harmonicity - lost, -9.5, 30), 0).astype(np.float32),
        prominence=np.maximum(contour.prominence - 0.8 * lost, 5).astype(np.float32),
        bands=np.clip(bands + gain[:, None], -100, 10).astype(np.float32),
    )


def _intoned(contour: Contour, voiced: npt.NDArray[np.bool_], wave: Doubles, manner: Manner) -> Doubles:
    at = np.flatnonzero(voiced)
    f0 = np.zeros(len(contour))
    if len(at) == 0:
        return f0
    pitch = 12 * np.log2(contour.f0[at].astype(np.float64) / 100)
    middle = np.median(pitch)
    for stretch in np.split(np.arange(len(at)), np.flatnonzero(np.diff(at) != 1) + 1):
        kept = 1 - manner.smoothness
        pitch[stretch] = pitch[stretch].mean() + kept * (pitch[stretch] - pitch[stretch].mean())
    pitch = middle + 2.0**manner.range * (pitch - middle) + manner.pitch
    pitch += manner.slope * (at - at.mean()) / RATE + manner.tremor * wave[at]
    pitch += manner.ending * np.clip((at - (at[-1] - 15)) / 15, 0, 1)
    f0[at] = np.clip(100 * 2 ** (pitch / 12), 50, 700)
    return f0


def _coloured(
    bands: Doubles, contour: Contour, speech: npt.NDArray[np.bool_], voiced: npt.NDArray[np.bool_], manner: Manner
) -> tuple[Doubles, Doubles]:
    octaves = np.log2(centres() / 1000)
    slope = np.where(voiced, manner.effort, 0.4 * manner.effort * speech)
    bands = bands + slope[:, None] * np.clip(octaves, -2, 2.5)
    if speech.any() and manner.articulation:
        level = bands.mean(axis=1, keepdims=True)
        shape = bands - level
        mean = shape[speech].mean(axis=0)
        bands = np.where(speech[:, None], level + mean + 2.0**manner.articulation * (shape - mean), bands)
    noise = np.where(voiced, manner.breath, 0.0)[:, None] * np.clip(octaves - 1, 0, 1)
    return bands + noise, contour.tilt + slope + 0.3 * np.where(voiced, manner.breath, 0.0)


def _paced(contour: Contour, manner: Manner) -> Contour:
    """Tempo, length of vowels and pauses: frames are read at another pace."""
    pace = np.full(len(contour), 2.0**manner.tempo)
    pace = np.where(contour.f0 > 0, pace * 2.0**-manner.vowels, pace)
    if manner.pauses > 0:
        # Silence is put where it is quietest: a pause of 240 ms for each of the places.
        quiet = np.convolve(contour.energy, np.ones(9) / 9, mode="same")
        inner = slice(len(contour) // 8, max(len(contour) // 8 + 1, 7 * len(contour) // 8))
        order = np.argsort(quiet[inner], kind="stable") + inner.start
        places: list[int] = []
        wanted = max(1, round(manner.pauses * len(contour) / 12))
        for at in order.tolist():
            if all(abs(at - other) > 20 for other in places):
                places.append(at)
            if len(places) == wanted:
                break
        held = np.zeros(len(contour))
        held[places] = 12
    else:
        held = np.zeros(len(contour))
    lengths = 1 / pace
    ends = np.cumsum(lengths + held)
    frames = max(3, int(ends[-1]))
    source = np.minimum(np.searchsorted(ends, np.arange(frames) + 0.5), len(contour) - 1)
    # Inside a frame's own length its neighbours are blended.
    offset = np.arange(frames) + 0.5 - (ends[source] - lengths[source] - held[source])
    spoken = offset <= lengths[source]
    blend = np.clip(offset / lengths[source] - 0.5, -0.5, 0.5)
    other = np.clip(source + np.sign(blend).astype(np.int64), 0, len(contour) - 1)
    share = np.abs(blend)

    def read(rows: npt.NDArray[np.float32]) -> Doubles:
        weight = share if rows.ndim == 1 else share[:, None]
        mixed: Doubles = (1 - weight) * rows[source] + weight * rows[other]
        return mixed

    joined = (contour.f0[source] > 0) & (contour.f0[other] > 0)
    gliding = np.exp(read(np.log(np.maximum(contour.f0, 1)).astype(np.float32)))
    f0 = np.where(spoken, np.where(joined, gliding, contour.f0[source]), 0)
    floor = float(np.percentile(contour.energy, 2))
    bottom = np.percentile(contour.bands, 2, axis=0)
    return Contour(
        f0=f0.astype(np.float32),
        voicing=np.where(spoken, read(contour.voicing), 0).astype(np.float32),
        energy=np.where(spoken, read(contour.energy), floor).astype(np.float32),
        tilt=read(contour.tilt).astype(np.float32),
        harmonicity=np.where(f0 > 0, contour.harmonicity[source], 0).astype(np.float32),
        prominence=read(contour.prominence).astype(np.float32),
        bands=np.where(spoken[:, None], read(contour.bands), bottom).astype(np.float32),
    )
