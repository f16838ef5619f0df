"""Makes the sample recordings from their scripts, with espeak-ng's voices.

``python demo/record.py [FOLDER]`` writes a support call, a voice memo with its transcript, and a spoken question. The
call has no transcript: what is said in it is found by its sound. espeak-ng is the system's, else the one in the wheel
espeakng-loader; with neither, the sample is without recordings, and a message says so.

Same sources, same bytes from one espeak-ng. It keeps the state of its wave generator, so the recordings are made in one
order, in a process of their own.
"""

from __future__ import annotations

import sys
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from octavo.pipeline.errors import ModelError
from octavo.pipeline.recording import SAMPLE_RATE
from octavo.pipeline.training.espeak_speech import Espeak, espeak

SOURCES = Path(__file__).parent / "sources"

ASKED = ".asked"
"""Folder of the spoken question: hidden, so that ingest leaves it alone."""

PAUSE = 0.7
"""Seconds between two turns."""

LEVEL = 0.6
"""Of full scale at most."""

NOISE = 30.0
"""Deviation of the noise of the line, in steps of 16 bits: silence in a recording is never digital silence."""


class Voice(NamedTuple):
    """A voice of espeak-ng, its words a minute and its pitch from 0 to 99."""

    name: str
    rate: int
    pitch: int


VOICES = {
    "agent": Voice("gmw/en-US+f3", 165, 52),
    "caller": Voice("gmw/en-GB-scotland+m3", 155, 40),
    "owner": Voice("gmw/en-US+m3", 150, 45),
}

Samples = npt.NDArray[np.int16]


class Turn(NamedTuple):
    """What one speaker says, in samples of the recording."""

    start: int
    stop: int
    text: str


def turns(path: Path) -> Iterator[tuple[Voice, str]]:
    """Voice and text of each line ``speaker: text`` of a script."""
    for line in path.read_text(encoding="utf-8").splitlines():
        speaker, text = line.split(": ", 1)
        yield VOICES[speaker], text


def record(path: Path, speech: Espeak) -> tuple[Samples, list[Turn]]:
    """A script as it is spoken, and when each of its turns is."""
    gap = np.zeros(round(PAUSE * SAMPLE_RATE), np.int16)
    parts, said = [gap], []
    at = len(gap)
    for voice, text in turns(path):
        spoken = speech.say(text, voice.name, voice.rate, voice.pitch).pcm
        said.append(Turn(at, at + len(spoken), text))
        parts += [spoken, gap]
        at += len(spoken) + len(gap)
    noise = np.random.default_rng(1).normal(0, NOISE, at)
    return np.rint(np.concatenate(parts) * LEVEL + noise).clip(-32768, 32767).astype(np.int16), said


def write_wave(path: Path, samples: Samples) -> None:
    """A WAV file of 16 kHz mono."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(samples.astype("<i2").tobytes())


def write_transcript(path: Path, said: list[Turn]) -> None:
    """A WebVTT file, one cue a turn."""
    cues = (f"{stamp(turn.start)} --> {stamp(turn.stop)}\n{turn.text}\n" for turn in said)
    path.write_text("\n".join(("WEBVTT\n", *cues)), encoding="utf-8", newline="\n")


def stamp(sample: int) -> str:
    """A time as WebVTT writes it."""
    minutes, rest = divmod(round(1000 * sample / SAMPLE_RATE), 60_000)
    return f"00:{minutes:02d}:{rest // 1000:02d}.{rest % 1000:03d}"


def build(folder: Path) -> list[Path]:
    """Makes the recordings in ``folder`` and returns their paths.

    Raises:
        ModelError: There is no espeak-ng.
    """
    speech = espeak()
    asked = folder / ASKED
    asked.mkdir(parents=True, exist_ok=True)
    call, memo, question = folder / "call.wav", folder / "memo.wav", asked / "question.wav"
    for path in (call, memo, question):
        samples, said = record(SOURCES / f"{path.stem}.txt", speech)
        write_wave(path, samples)
        if path == memo:
            write_transcript(path.with_suffix(".vtt"), said)
    return [call, memo, memo.with_suffix(".vtt"), question]


def main(folder: Path) -> None:
    """Prints what was made, or why the sample goes without."""
    try:
        made = build(folder)
    except ModelError as error:
        print(f"the sample goes without recordings: {error}; then `touch demo/record.py && make demo`", file=sys.stderr)
        return
    for path in made:
        print(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "out")
