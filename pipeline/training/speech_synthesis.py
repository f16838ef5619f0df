"""What synthesisers say, with the phones it says and where each lies; and two of them, flite and festival.

Training material free of recordings, with exact times: flite and festival (Debian's commands; few voices, made from
recordings of people) here, espeak-ng in :mod:`.espeak_speech`. They are tools of training, never of what runs in a
knowledge base.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import wave
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from ..errors import ModelError
from ..phones import SYMBOLS, phone_ids

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLE_RATE = 16_000


class TimedPhone(NamedTuple):
    """A phone over samples ``[start, stop)`` of its utterance. What no phone covers is silence."""

    phone: int
    start: int
    stop: int


class UnknownPhone(ValueError):
    """A synthesiser said something that has no phone of ours; the utterance is of no use."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a synthesiser said.

    Args:
        pcm: int16 at 16 kHz, mono. *Shape:* (samples,).
        times: Its phones in order, without gaps inside a phone and without overlap.
    """

    pcm: NDArray[np.int16]
    times: tuple[TimedPhone, ...]

    def __post_init__(self) -> None:
        end = 0
        for timed in self.times:
            if not (0 < timed.phone < SYMBOLS and end <= timed.start < timed.stop <= len(self.pcm)):
                raise ValueError(f"{timed} does not lie in order within {len(self.pcm)} samples")
            end = timed.stop

    @property
    def phones(self) -> tuple[int, ...]:
        """Ids of the phones said."""
        return tuple(timed.phone for timed in self.times)


_SEGMENT = re.compile(r"(\S+):(\d+\.\d+)")
_FLITE = {"ax": "AH", "axr": "ER", "ix": "IH", "ux": "UW", "dx": "T", "nx": "N", "hv": "HH", "el": "AH L", "en": "AH N"}
_FLITE_SILENCES = frozenset({"pau", "ssil", "h#", "brth", "#", "sil"})


def _segments_to_spans(segments: list[tuple[str, float]], samples: int) -> tuple[TimedPhone, ...]:
    """Spans from names and end times in seconds, as flite and festival write them."""
    spans: list[TimedPhone] = []
    start = 0
    for name, end in segments:
        stop = min(round(end * SAMPLE_RATE), samples)
        if name not in _FLITE_SILENCES:
            try:
                ids = phone_ids(_FLITE.get(name, name.upper()))
            except ValueError as error:
                raise UnknownPhone(str(error)) from error
            if stop - start < len(ids):
                raise UnknownPhone(f"{name!r} has no room")
            edges = np.linspace(start, stop, len(ids) + 1).round().astype(int).tolist()
            spans.extend(TimedPhone(phone, *edge) for phone, edge in zip(ids, pairwise(edges), strict=True))
        start = stop
    return tuple(spans)


FLITE_VOICES = ("slt", "rms", "awb", "kal16")
"""Of people: a woman and a man of the US, a man of Scotland, an older voice of a man of the US."""


def flite(text: str, voice: str = "slt", stretch: float = 1.0, pitch: float | None = None) -> Spoken:
    """Speak a text with flite 2.2.

    Args:
        voice: One of :data:`FLITE_VOICES`.
        stretch: Duration of every phone, times this.
        pitch: Mean F0 in Hz; the voice's own if None.

    Raises:
        ModelError: flite is not installed, or failed.
        UnknownPhone: It said something that is in no table of ours.
    """
    command = _command("flite")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "said.wav")
        options = ["-voice", voice, "-psdur", "--setf", f"duration_stretch={stretch:.3f}"]
        if pitch is not None:
            options += ["--setf", f"int_f0_target_mean={pitch:.1f}"]
        done = subprocess.run(
            [command, *options, "-o", str(path), "-t", text], capture_output=True, text=True, timeout=60
        )
        if done.returncode or not path.exists():
            raise ModelError(f"flite failed on {text!r}: {done.stderr.strip()[:200]}")
        pcm = read_wave(path)
    segments = [(name, float(end)) for name, end in _SEGMENT.findall(done.stdout)]
    return Spoken(pcm, _segments_to_spans(segments, len(pcm)))


FESTIVAL_VOICES = ("cmu_us_slt_arctic_hts", "kal_diphone", "ked_diphone")
"""Debian's festvox-us-slt-hts, festvox-kallpc16k and festvox-kdlpc16k."""


def festival(texts: list[str], voice: str = "cmu_us_slt_arctic_hts", stretch: float = 1.0) -> list[Spoken | None]:
    """Speak texts with festival: one process, as it takes long to start.

    Args:
        voice: One of :data:`FESTIVAL_VOICES`.
        stretch: Duration of every phone, times this; the HTS voice does not obey it.

    Returns:
        One result a text; None where it said something that is in no table of ours.

    Raises:
        ModelError: festival or the voice is not installed, or it failed.
    """
    command = _command("festival")
    with tempfile.TemporaryDirectory() as folder:
        script = [f"(voice_{voice})", f"(Parameter.set 'Duration_Stretch {stretch:.3f})"]
        for number, text in enumerate(texts):
            quoted = text.replace("\\", " ").replace('"', " ")
            script += [
                f'(set! u (utt.synth (Utterance Text "{quoted}")))',
                f'(utt.save.wave u "{folder}/{number}.wav" \'riff)',
                f'(utt.save.segs u "{folder}/{number}.segs")',
            ]
        path = Path(folder, "say.scm")
        path.write_text("\n".join(script))
        done = subprocess.run([command, "-b", str(path)], capture_output=True, text=True, timeout=600)
        if done.returncode:
            raise ModelError(f"festival failed with voice {voice}: {done.stderr.strip()[:200]}")
        return [_festival_result(Path(folder, str(number))) for number in range(len(texts))]


def _festival_result(stem: Path) -> Spoken | None:
    pcm = read_wave(stem.with_suffix(".wav"))
    rows = [line.split() for line in stem.with_suffix(".segs").read_text().splitlines()]
    segments: list[tuple[str, float]] = []
    for row in rows:
        if len(row) != 3:
            continue
        name, end = row[2], float(row[0])
        # The ked voice says "over" as `ow v er r`: the vowel has its R, so it takes the time of the second too.
        if name == "r" and segments and segments[-1][0] in ("er", "axr"):
            segments[-1] = (segments[-1][0], end)
        else:
            segments.append((name, end))
    try:
        return Spoken(pcm, _segments_to_spans(segments, len(pcm)))
    except UnknownPhone:
        return None


def _command(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise ModelError(f"{name} is not installed: apt-get install {name}")
    return found


def read_wave(path: Path) -> NDArray[np.int16]:
    """Samples of a mono 16-bit wave file, at 16 kHz. *Shape:* (samples,)."""
    with wave.open(str(path), "rb") as file:
        if (file.getnchannels(), file.getsampwidth()) != (1, 2):
            raise ModelError(f"{path.name}: want mono 16-bit, got {file.getparams()}")
        pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return resample(pcm, file.getframerate())


def resample(pcm: NDArray[np.int16], rate: int) -> NDArray[np.int16]:
    """Bring samples to 16 kHz. *Shape:* (samples,)."""
    if rate == SAMPLE_RATE:
        return pcm
    import torch
    import torchaudio.functional

    wide = torchaudio.functional.resample(torch.from_numpy(pcm.astype(np.float32)), rate, SAMPLE_RATE)
    return cast("NDArray[np.int16]", wide.round().clamp(-32768, 32767).numpy().astype(np.int16))
