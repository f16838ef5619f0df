"""Speech with its phones on disk, to train the encoder of speech on.

A corpus is a folder: ``samples.i16``, headerless little-endian int16 at 16 kHz, all utterances one after another, and
``utterances.jsonl``, an :class:`Utterance` a line. Made from recordings with transcripts and from synthesisers by::

    python -m octavo.pipeline.training.speech_corpus --speech DIR --lexicon ZIP --text DIR --out DIR

The same arguments give the same bytes, whatever the number of processes; an empty file ``.done`` says that a corpus is
complete.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from ..errors import ModelError
from ..phones import SYMBOLS, phone_ids, phone_names
from .speech_synthesis import SAMPLE_RATE, TimedPhone

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLES = "samples.i16"
UTTERANCES = "utterances.jsonl"

SYNTHESISERS: Final = ("flite", "espeak", "festival")
"""Sources of speakers who are machines."""
WORDLESS: Final = "wordless"
"""Source of sound in which nobody speaks."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """One utterance of a corpus.

    Args:
        start: First sample in the corpus.
        samples: Its length.
        speaker: Who says it, as ``source:name``.
        text: What is said.
        phones: How it is pronounced, ids of :data:`octavo.pipeline.phones.PHONES`; none where it is known that nobody
            speaks, with no ``times`` either.
        times: Where each phone lies, relative to the utterance, silence left out: as a synthesiser says it, or as a
            trained network hears it of people; None where nobody knows.
    """

    start: int
    samples: int
    speaker: str
    text: str
    phones: tuple[int, ...]
    times: tuple[TimedPhone, ...] | None = None

    def __post_init__(self) -> None:
        if self.start < 0 or self.samples <= 0 or not (self.phones or self.times == ()):
            raise ValueError(f"an utterance of samples {self.start}+{self.samples} with {len(self.phones)} phones")
        if not all(0 < phone < SYMBOLS for phone in self.phones):
            raise ValueError(f"phones are 1 to {SYMBOLS - 1}, got {self.phones}")
        end = 0
        for timed in self.times or ():
            if not end <= timed.start < timed.stop <= self.samples:
                raise ValueError(f"{timed} does not lie in order within {self.samples} samples")
            end = timed.stop

    @property
    def synthetic(self) -> bool:
        """Whether a machine made it; its times are exact then."""
        return self.speaker.partition(":")[0] in (*SYNTHESISERS, WORDLESS)

    def to_json(self) -> str:
        """One line of ``utterances.jsonl``."""
        return json.dumps(
            {
                "start": self.start,
                "samples": self.samples,
                "speaker": self.speaker,
                "text": self.text,
                "phones": phone_names(self.phones),
                "times": None if self.times is None else [list(timed) for timed in self.times],
            },
            ensure_ascii=False,
        )

    @classmethod
    def from_json(cls, line: str) -> Self:
        """Read a line of ``utterances.jsonl``."""
        row = json.loads(line)
        times = row.get("times")
        return cls(
            start=row["start"],
            samples=row["samples"],
            speaker=row["speaker"],
            text=row["text"],
            phones=phone_ids(row["phones"]),
            times=None if times is None else tuple(TimedPhone(*timed) for timed in times),
        )


class SpeechCorpus:
    """A corpus on disk, its samples mapped into memory.

    Raises:
        ModelError: The folder holds no corpus, or its two files do not belong together.
    """

    def __init__(self, folder: Path) -> None:
        try:
            lines = (folder / UTTERANCES).read_text("utf-8").splitlines()
            self._samples: NDArray[np.int16] = np.memmap(folder / SAMPLES, "<i2", "r")
        except (OSError, ValueError) as error:
            raise ModelError(f"{folder} holds no corpus of speech ({error}); build it again") from error
        self.utterances = [Utterance.from_json(line) for line in lines]
        last = max((utterance.start + utterance.samples for utterance in self.utterances), default=0)
        if last != len(self._samples):
            raise ModelError(
                f"{folder}: utterances end at sample {last}, audio at {len(self._samples)}; build it again"
            )

    def __len__(self) -> int:
        return len(self.utterances)

    def pcm(self, number: int) -> NDArray[np.int16]:
        """Samples of an utterance, int16 at 16 kHz, read only. *Shape:* (samples,)."""
        utterance = self.utterances[number]
        return self._samples[utterance.start : utterance.start + utterance.samples]

    @property
    def seconds(self) -> float:
        """Length of all utterances, for people."""
        return sum(utterance.samples for utterance in self.utterances) / SAMPLE_RATE


@dataclass(slots=True)
class CorpusWriter:
    """Writes a corpus, an utterance at a time; complete once the ``with`` block ends.

    Args:
        folder: Made if it is not there; a corpus in it is replaced.
    """

    folder: Path
    samples: int = field(default=0, init=False)
    utterances: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / ".done").unlink(missing_ok=True)
        for name in (SAMPLES, UTTERANCES):
            (self.folder / name).write_bytes(b"")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            (self.folder / ".done").touch()

    def add(
        self,
        pcm: NDArray[np.int16],
        speaker: str,
        text: str,
        phones: tuple[int, ...],
        times: tuple[TimedPhone, ...] | None = None,
    ) -> Utterance:
        """Append an utterance.

        Args:
            pcm: int16 at 16 kHz. *Shape:* (samples,).
            speaker: Who says it, as ``source:name``.
            text: What is said.
            phones: How it is pronounced.
            times: Where each phone lies, relative to the utterance.
        """
        utterance = Utterance(self.samples, len(pcm), speaker, text, phones, times)
        with (self.folder / SAMPLES).open("ab") as file:
            file.write(pcm.astype("<i2").tobytes())
        with (self.folder / UTTERANCES).open("a", encoding="utf-8") as lines:
            lines.write(utterance.to_json() + "\n")
        self.samples += len(pcm)
        self.utterances += 1
        return utterance


def main() -> None:
    """Build all corpora, or those asked for, and print what they hold."""
    from .speech_sources import build_real, build_synthetic
    from .wordless_sound import build_wordless

    parser = argparse.ArgumentParser(description="Build the corpora of speech that the encoder is trained on.")
    parser.add_argument("--speech", type=Path, required=True, help="folder of train/manifest.jsonl and its audio")
    parser.add_argument("--lexicon", type=Path, required=True, help="CMUdict as cmudict.zip")
    parser.add_argument("--text", type=Path, required=True, help="folder of books as *.txt.gz")
    parser.add_argument("--out", type=Path, required=True, help="gets one folder a corpus")
    parser.add_argument("--hours-flite", type=float, default=3.0)
    parser.add_argument("--hours-espeak", type=float, default=3.0)
    parser.add_argument("--hours-festival", type=float, default=1.0)
    parser.add_argument("--hours-wordless", type=float, default=0.4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--only", choices=["real", *SYNTHESISERS, WORDLESS], action="append", help="build this one; repeat for more"
    )
    options = parser.parse_args()
    wanted = options.only or ["real", *SYNTHESISERS, WORDLESS]
    for name in wanted:
        folder = options.out / name
        if name == "real":
            report = build_real(options.speech, options.lexicon, folder)
        else:
            hours = getattr(options, f"hours_{name}")
            if hours <= 0:
                continue
            if name == WORDLESS:
                print(name, json.dumps(build_wordless(folder, hours, options.seed)), flush=True)
                continue
            report = build_synthetic(name, options.lexicon, options.text, folder, hours, options.seed, options.workers)
        print(name, json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
