"""A tiny world of sound: phones said at known frames, an encoder that knows nothing else, a snapshot in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.retrieve import Encoders
from octavo.indexes.sound.calibration import Calibration
from octavo.indexes.sound.frames import Frames
from octavo.indexes.sound.hearing import Hearing
from octavo.indexes.sound.keyword import Edges
from octavo.indexes.store.ranges import normalised, window_ids, within
from octavo.indexes.store.scale_index import ScaleIndex
from octavo.indexes.store.sounds import HeardRows, SoundRows
from octavo.pipeline.document import TIMES_DTYPE, Block, Document, Metadata, Source
from octavo.pipeline.embed import Encoded, Sound, Utterance
from octavo.pipeline.encoders.character import CharacterEncoder
from octavo.pipeline.listening import Stretch
from octavo.pipeline.phones import BLANK, SYMBOLS, phone_ids, phone_names
from octavo.pipeline.posteriors import FRAME, Posteriors, window_grid
from octavo.pipeline.pronouncing.pronunciation import Pronunciation
from octavo.pipeline.recording import Recording
from octavo.pipeline.scale import AUDIO_SCALES, Scale
from octavo.pipeline.terms import Lexis
from octavo.pipeline.voice.measures import MEASURES

from .library import BagOfWords, encoded
from .world import unit, vector_of

WIDTH = 32
PHONE_FRAMES = 5

CALIBRATION = Calibration(bias=4.5, per_phone=2.2, phones=1.0, haste=-1.0, share=0.5, phone_frames=PHONE_FRAMES)
"""For a world in which every phone is heard clearly."""

LEXICON = {
    "router": ["R AW T ER", "R UW T ER"],
    "modem": ["M OW D AH M"],
    "invoice": ["IH N V OY S"],
    "supervisor": ["S UW P ER V AY Z ER"],
    "warranty": ["W AO R AH N T IY", "W AO R AH N T IY"],
    "octavo": ["AA K T AA V OW", "AH K T EY V OW"],
    "cat": ["K AE T"],
    "is": ["IH Z"],
    "the": ["DH AH", "DH IY"],
    "my": ["M AY"],
    "broken": ["B R OW K AH N"],
    "please": ["P L IY Z"],
    "send": ["S EH N D"],
    "again": ["AH G EH N", "AH G EY N"],
    "thank": ["TH AE NG K"],
    "you": ["Y UW"],
}


def posteriors_of(
    phones: Sequence[int], *, frames: int = PHONE_FRAMES, slips: float = 0.0, seed: int = 0
) -> tuple[Posteriors, list[tuple[int, int]]]:
    """What a net trained with CTC would say to phones of equal length, with the frames ``[start, stop)`` of each.

    Args:
        slips: Share of phones that are heard as another one, the right one coming second.
    """
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(frames * len(phones), SYMBOLS)) * 0.5
    logits[:, BLANK] += 6
    times = []
    for number, phone in enumerate(phones):
        peak = number * frames + frames // 2
        logits[peak, phone] += 12
        if generator.random() < slips:
            logits[peak, 1 + int(generator.integers(SYMBOLS - 1))] += 13.5
        times.append((number * frames, (number + 1) * frames))
    return Posteriors.pack((logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)).astype(np.float32)), times


def vector_of_phones(phones: Sequence[int], width: int = WIDTH) -> npt.NDArray[np.float32]:
    """Near for phone strings that share pieces."""
    names = ["^", *phone_names(phones).split(), "$"]
    pieces = [*names[1:-1]] + [" ".join(names[i : i + 2]) for i in range(len(names) - 1)]
    return unit(np.sum([vector_of(piece, width) for piece in pieces], axis=0))


def utterance_of(
    phones: Sequence[int], start: int = 0, *, slips: float = 0.0, seed: int = 0, measures: Sequence[float] = ()
) -> Utterance:
    """An utterance whose windows are encoded by the phones whose peaks they hold."""
    posteriors, _ = posteriors_of(phones, slips=slips, seed=seed)
    frames = Frames.of([posteriors])
    windows = np.stack(
        [
            vector_of_phones(frames.heard(0, first, last) or (1,))
            for first, last in window_grid(len(posteriors)).tolist()
        ]
    )
    row = np.array([measures], np.float32)
    return Utterance(
        start,
        start + len(posteriors) * FRAME,
        posteriors,
        windows,
        np.empty((0, 2), np.int64),
        unit(np.nan_to_num(np.array([measures or [1.0]], np.float32), nan=0.1) + np.float32(1e-3)),
        row,
    )


def phones_of(text: str) -> tuple[int, ...]:
    """The first pronunciation of every word, one after another."""
    return tuple(phone for word in text.split() for phone in phone_ids(LEXICON[word][0]))


class FakePronouncer:
    """Knows the words of :data:`LEXICON`; counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def variants(self, text: str, n: int = 4) -> list[Pronunciation]:
        self.asked.append(text)
        made: list[tuple[int, ...]] = [()]
        for word in text.casefold().split():
            own = [phone_ids(phones) for phones in LEXICON.get(word, [])]
            made = [before + after for before in made for after in own]
        return [Pronunciation(one, 0.0, "respelling") for one in dict.fromkeys(made) if one][:n]

    def variants_of(self, texts: Sequence[str], n: int = 4) -> list[list[Pronunciation]]:
        return [self.variants(text, n) for text in texts]


class FakeTermSounds:
    """Pronunciation vectors of terms for the store."""

    fingerprint = "fake-phoneme-1"
    width = WIDTH

    def encode(self, terms: Sequence[str]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        known = [at for at, term in enumerate(terms) if term in LEXICON]
        rows = [vector_of_phones(phone_ids(LEXICON[terms[at]][0])) for at in known]
        return np.stack(rows) if rows else np.empty((0, WIDTH), np.float32), np.array(known, np.int64)


class FakeSpeech:
    """Encodes phone strings as :func:`vector_of_phones` does; hears what it was told to hear."""

    phoneme_fingerprint = "fake-phoneme-1"
    prosody_fingerprint = "fake-prosody-1"
    width = WIDTH

    def __init__(self) -> None:
        self.encoded: list[tuple[int, ...]] = []
        self.hears: tuple[Utterance, ...] = ()
        self.stretches: list[Stretch] = []

    def encode_pronunciations(self, pronunciations: Sequence[tuple[int, ...]]) -> npt.NDArray[np.float32]:
        self.encoded += pronunciations
        return np.stack([vector_of_phones(one) for one in pronunciations])

    def encode(self, recording: Recording, state: object = None) -> Iterator[Stretch]:
        yield from self.stretches

    def hear(self, samples: npt.NDArray[np.float32]) -> tuple[Utterance, ...]:
        return self.hears


@dataclass
class Said:
    """What is said in an utterance of the world, and when."""

    content: int
    text: str
    start: int
    slips: float = 0.0

    def words(self) -> Iterator[tuple[str, int, int]]:
        """Each word with its samples."""
        at = self.start
        for word in self.text.split():
            length = len(phones_of(word)) * PHONE_FRAMES * FRAME
            yield word, at, at + length
            at += length


class SoundSnapshot:
    """As much of a snapshot as the scales of sound ask for, in memory."""

    def __init__(
        self,
        recordings: Sequence[Sequence[Said]],
        measures: Sequence[Sequence[float]] = (),
        start_us: int = 0,
    ) -> None:
        self.generation = 1
        self.start_us = start_us
        self.lines: list[Said] = [line for lines in recordings for line in lines]
        self.utterances: list[Utterance] = []
        ids: list[int] = []
        contents: list[int] = []
        first = 100
        self.content_ranges: list[tuple[int, int]] = []
        for content, lines in enumerate(recordings, 1):
            for line in lines:
                row = measures[len(ids)] if measures else ()
                seed = len(ids)
                self.utterances.append(
                    utterance_of(phones_of(line.text), line.start, slips=line.slips, seed=seed, measures=row)
                )
                ids.append(first + len(ids))
                contents.append(content)
            self.content_ranges.append((ids[-len(lines)], ids[-1] + 1))
            first += 10
        self.ids = np.array(ids, np.int64)
        self.contents_of = np.array(contents, np.int64)
        self.fetched = 0
        windows = ScaleIndex(WIDTH, [])
        prosody = ScaleIndex(len(self.utterances[0].manners[0]), [])
        for one, utterance in zip(ids, self.utterances, strict=True):
            windows.add(window_ids(one, len(utterance.windows)), utterance.windows)
            prosody.add(np.array([one], np.int64), utterance.manners)
        self.indexes = {"phoneme": windows, "prosody": prosody}

    def holds(self, scale: Scale) -> bool:
        return scale.name in self.indexes

    @property
    def scales(self) -> tuple[Scale, ...]:
        return AUDIO_SCALES

    def index(self, scale: Scale) -> ScaleIndex:
        return self.indexes[scale.name]

    def fingerprint(self, scale: Scale) -> str:
        return f"fake-{scale.name}-1"

    def ranges(self) -> npt.NDArray[np.int64]:
        return np.array(self.content_ranges, np.int64)

    def contents(self, where: object = None) -> npt.NDArray[np.int64]:
        return self.ranges()

    def _rows(self, ids: npt.NDArray[np.int64]) -> list[int]:
        return [int(at) for at in np.searchsorted(self.ids, ids)]

    def sounds(self, ids: npt.NDArray[np.int64]) -> SoundRows:
        rows = self._rows(ids)
        starts = np.array([self.utterances[row].start for row in rows], np.int64)
        stops = np.array([self.utterances[row].stop for row in rows], np.int64)
        return SoundRows(ids, self.contents_of[rows], starts, stops, np.full(len(ids), -1), ids)

    def sounds_between(self, ranges: npt.NDArray[np.int64]) -> SoundRows:
        return self.sounds(self.ids[within(self.ids, normalised(ranges))])

    def heard(self, ids: npt.NDArray[np.int64]) -> HeardRows:
        self.fetched += len(ids)
        sounds = self.sounds(ids)
        posteriors = [self.utterances[row].posteriors for row in self._rows(ids)]
        return HeardRows(sounds.id, sounds.content, sounds.start, sounds.stop, posteriors)

    def heard_between(self, ranges: npt.NDArray[np.int64]) -> Iterator[HeardRows]:
        for part in np.array_split(self.ids[within(self.ids, normalised(ranges))], 2):
            yield self.heard(part)

    def manners(self, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        return np.concatenate([self.utterances[row].measures for row in self._rows(ids)])

    def manners_between(self, ranges: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        ids = self.ids[within(self.ids, normalised(ranges))]
        return ids, self.manners(ids)

    def said(self, content: int, start: int, stop: int) -> None:
        return None


def recording_of(
    folder: Path,
    name: str,
    lines: Sequence[str],
    *,
    transcribed: bool = False,
    start_us: int = 0,
    measures: Sequence[Sequence[float]] = (),
    slips: float = 0.0,
) -> Encoded:
    """A recording as the stages hand it on: an utterance a line, a second of silence between, its transcript if wished.

    Args:
        measures: Rows of numbers, one an utterance, filled up with NaN.
    """
    at, utterances, text, times = 16_000, [], "", []
    for number, line in enumerate(lines):
        row = np.full(len(MEASURES), np.nan, np.float32)
        if measures:
            row[: len(measures[number])] = measures[number]
        utterance = utterance_of(phones_of(line), at, measures=row.tolist(), slips=slips, seed=number)
        utterances.append(utterance)
        times.append((len(text), len(text) + len(line) + 1, at, utterance.stop))
        text += line.capitalize() + ". "
        at = utterance.stop + 16_000
    pcm = folder / f"{name}.pcm"
    pcm.write_bytes(bytes(2 * at))
    source = Source(f"/calls/{name}.wav", "audio/wav", hashlib.sha256(name.encode()).hexdigest())
    recording = Recording(source, at, start_us, Metadata(title=name, language="en"), (), pcm)
    text = text.rstrip()
    if transcribed:
        rows = np.array(times, TIMES_DTYPE)
        document = Document(
            source, text, (Block(0, len(text)),), metadata=Metadata(title=name, language="en"), times=rows
        )
        made = encoded(document, BagOfWords())
    else:
        document = Document(source, "", (), metadata=Metadata(title=name, language="en"))
        empty = Lexis((), (), np.empty(0, np.int32), np.zeros(1, np.int64))
        made = Encoded(document, [], empty, [])
    return replace(made, sound=Sound(recording, utterances, "fake-phoneme-1", "fake-prosody-1"))


def kb_of(path: Path, *items: Encoded, pronouncer: Any = None) -> KnowledgeBase:
    """A knowledge base of documents and recordings."""
    kb = KnowledgeBase.open(path, create=True, term_encoder=CharacterEncoder(), pronouncer=pronouncer)
    with kb.writer() as writer:
        for one in items:
            writer.add(one, "shelf", len(one.document.text), 1_700_000_000_000_000_000)
        writer.commit({"action": "ingest"})
    return kb


def hearing_of(speech: FakeSpeech | None = None) -> Hearing:
    """Ears that know the words of :data:`LEXICON`."""
    return Hearing(FakePronouncer(), speech or FakeSpeech(), calibration=CALIBRATION, edges=Edges())


def encoders_of(speech: FakeSpeech | None = None) -> Encoders:
    """All encoders of this world."""
    return Encoders(BagOfWords(), CharacterEncoder(), hearing_of(speech))
