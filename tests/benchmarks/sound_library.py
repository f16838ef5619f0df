"""Recordings whose words are known, as a knowledge base made by sound alone, for the benchmarks beside this file.

SPEECH holds ``timit_dev`` (TIMIT with the times of its words) and ``dev`` (``manifest.jsonl`` and its audio).
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.sound.hearing import Hearing
from octavo.indexes.store.writer import Writer
from octavo.pipeline.document import Document
from octavo.pipeline.embed import Encoded, Sound
from octavo.pipeline.encoders.speech import WEIGHTS, SpeechEncoder
from octavo.pipeline.pronouncing.pronunciation import Pronouncer
from octavo.pipeline.recording import Recording
from octavo.pipeline.terms import Lexis


@dataclass(frozen=True, slots=True)
class Spoken:
    """A recording and what is said in it.

    Attributes:
        key: Its folder and name, as ``dr1-mcpm0/sa1``.
        times: Word, first and last-but-one sample, of TIMIT; empty where nobody measured.
    """

    key: str
    path: Path
    speaker: str
    text: str
    times: tuple[tuple[str, int, int], ...] = ()

    @property
    def words(self) -> frozenset[str]:
        """Lower case, each once."""
        return frozenset(re.findall(r"[a-z']+", self.text.lower()))


def spoken_library(speech: Path) -> list[Spoken]:
    """All recordings of ``timit_dev`` and ``dev``."""
    made = []
    for text in sorted(speech.glob("timit_dev/*/*.txt")):
        audio = next(path for path in text.parent.glob(text.stem + ".*") if path.suffix.lower() in (".flac", ".wav"))
        rows = (line.split() for line in text.with_suffix(".wrd").read_text().splitlines())
        times = tuple((word.lower(), int(start), int(stop)) for start, stop, word in rows)
        said = text.read_text().split(maxsplit=2)[2]
        made.append(Spoken(f"{text.parent.name}/{text.stem}", audio, text.parent.name, said, times))
    for line in (speech / "dev" / "manifest.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        path = speech / "dev" / row["audio"]
        made.append(Spoken(f"{path.parent.name}/{path.stem}", path, row["speaker"], row["text"]))
    return made


def places_of(library: Sequence[Spoken]) -> dict[str, set[str]]:
    """The recordings in which each word is said, by key."""
    where: dict[str, set[str]] = {}
    for one in library:
        for word in one.words:
            where.setdefault(word, set()).add(one.key)
    return where


def chosen_words(where: Mapping[str, set[str]], count: int = 300) -> list[str]:
    """Words of six letters and more that are said in one to five recordings, none chosen by result."""
    pool = sorted(w for w, keys in where.items() if 1 <= len(keys) <= 5 and len(w) >= 6 and "'" not in w)
    return sorted(random.Random(7).sample(pool, min(count, len(pool))))


def hearing_of(weights: Path | None, *, espeak: bool = False) -> tuple[Hearing, SpeechEncoder]:
    """Ears with the weights and what was fitted for them, whether or not they are the shipped ones."""
    encoder = SpeechEncoder(weights or WEIGHTS, "cpu")
    return Hearing(Pronouncer(espeak=espeak), encoder, model=str(weights or "")), encoder


def encoded(recording: Recording, sound: Sound) -> Encoded:
    """A recording without a transcript, as ingest hands it on."""
    document = Document(recording.source, "", (), metadata=recording.metadata, flags=recording.flags)
    return Encoded(document, (), Lexis((), (), np.empty(0, np.int32), np.zeros(1, np.int64)), (), sound=sound)


def listened(paths: Sequence[Path], encoder: SpeechEncoder) -> Iterator[tuple[Path, Recording, Sound]]:
    """Recordings and their sound; each is closed when the next one is asked for."""
    from octavo.pipeline.reading import Reader

    with Reader() as reader:
        for path in paths:
            read = reader.read(path)
            assert isinstance(read, Recording), path
            with read as recording:
                sound = Sound(
                    recording,
                    (one for stretch in encoder.encode(recording) for one in stretch.utterances),
                    encoder.phoneme_fingerprint,
                    encoder.prosody_fingerprint,
                )
                yield path, recording, sound


def add(writer: Writer, path: Path, recording: Recording, sound: Sound) -> None:
    """Stages one recording."""
    writer.add(encoded(recording, sound), "benchmark", path.stat().st_size, 0)


def knowledge_base(folder: Path, library: Sequence[Spoken], encoder: SpeechEncoder) -> KnowledgeBase:
    """The library as a knowledge base, made unless it is there."""
    there = (folder / "catalog.sqlite").exists()
    kb = KnowledgeBase.open(folder, create=True)
    if not there:
        with kb.writer() as writer:
            for path, recording, sound in listened([one.path for one in library], encoder):
                add(writer, path, recording, sound)
            writer.commit({"action": "benchmark"})
    return kb


def keys_of(kb: KnowledgeBase) -> dict[int, str]:
    """Key of the recording of each content."""
    paths = {source.content: Path(source.uri) for source in kb.sources()}
    return {content: f"{path.parent.name}/{path.stem}" for content, path in paths.items()}


def samples_of(library: Sequence[Spoken]) -> dict[str, npt.NDArray[np.float32]]:
    """The whole sound of each recording, by key."""
    from octavo.pipeline.reading import Reader

    found = {}
    with Reader() as reader:
        for one in library:
            read = reader.read(one.path)
            assert isinstance(read, Recording), one.path
            with read as recording:
                found[one.key] = recording.read(0, recording.samples)
    return found
