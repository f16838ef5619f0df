"""Utterances of a corpus as batches of sound with what is said in them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from hashlib import sha256
from typing import Final

import numpy as np
import torch
from torch import Tensor

from ..encoders.log_mel import HOP, log_mel
from ..phones import BLANK, PHONES
from ..posteriors import FRAME
from .speech_augmentation import in_rooms_and_noise, stretched
from .speech_corpus import SpeechCorpus, Utterance

LONGEST_SECONDS: Final = 16.0
_VOWELS: Final = frozenset(number for number, phone in enumerate(PHONES, 1) if phone[0] in "AEIOU")
_MANY: Final = 64
"""Utterances from which a speaker counts as one who says a lot."""
_RATE_REACH: Final = 64
"""Log-mel frames on either side over which the rate of phones is counted: 0.64 s."""


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """An utterance ready for training.

    Attributes:
        sound: Log-mel frames (T, 80) in float16; where a trunk is to hear it, samples (n,) in int16.
        utterance: What is said in it.
    """

    sound: Tensor
    utterance: Utterance

    @property
    def frames(self) -> int:
        """Log-mel frames: of a trunk's, two for each of its own."""
        return len(self.sound) if self.sound.ndim == 2 else len(self.sound) // FRAME * 2


def examples(corpus: SpeechCorpus) -> list[Example]:
    """All utterances of a corpus that are not too long, as log-mel frames."""
    return [mel_example(corpus, number) for number, utterance in enumerate(corpus.utterances) if fits(utterance)]


def mel_example(corpus: SpeechCorpus, number: int) -> Example:
    """An utterance as log-mel frames."""
    return Example(log_mel(waveform(corpus, number)).half(), corpus.utterances[number])


def waveform(corpus: SpeechCorpus, number: int) -> Tensor:
    """Samples of an utterance, in [-1, 1). *Shape:* (samples,)"""
    return torch.from_numpy(corpus.pcm(number).astype(np.float32) / 32768)


def fits(utterance: Utterance) -> bool:
    """Whether an utterance is neither too long nor too short to learn from."""
    return 16 * HOP <= utterance.samples <= LONGEST_SECONDS * 16_000


def split(found: Sequence[Example], share: float) -> tuple[list[Example], list[Example]]:
    """Training and held-out examples, by the speaker where there are many speakers, else by the text."""
    speakers: dict[str, set[str]] = {}
    for example in found:
        source, _, name = example.utterance.speaker.partition(":")
        speakers.setdefault(source, set()).add(name)
    held: tuple[list[Example], list[Example]] = [], []
    for example in found:
        source = example.utterance.speaker.partition(":")[0]
        by = example.utterance.speaker if len(speakers[source]) >= 40 else example.utterance.text
        held[int.from_bytes(sha256(by.encode()).digest()[:4], "big") < share * 2**32].append(example)
    return held


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Padded examples.

    Attributes:
        sound: What the network takes: log-mel frames (B, T, 80), T a multiple of 16, or a trunk's states, see
            :func:`octavo.pipeline.encoders.hearing_network.stacked`.
        lengths: Log-mel frames of each. *Shape:* (B,).
        phones: All phone ids, one utterance after another; ``counts`` says how many each has.
        labels: Phone of each 20 ms frame, -100 where nobody knows. *Shape:* (B, T / 2).
        rate: Log of 1 + phones and vowels a second at 80 ms, NaN where nobody knows. *Shape:* (B, T / 8, 2).
    """

    sound: Tensor
    lengths: Tensor
    phones: Tensor
    counts: Tensor
    labels: Tensor
    rate: Tensor

    @property
    def valid(self) -> Tensor:
        """*Shape:* (B, T), bool."""
        return torch.arange(2 * self.labels.shape[1], device=self.lengths.device)[None] < self.lengths[:, None]

    def repeated(self, times: int) -> Batch:
        """All utterances ``times`` times, one round after another."""
        return Batch(*(torch.cat([getattr(self, part.name)] * times) for part in fields(self)))

    def to(self, device: str) -> Batch:
        """The same batch on a device."""
        return Batch(*(getattr(self, part.name).to(device) for part in fields(self)))


def collate(chosen: Sequence[Example], generator: torch.Generator | None) -> Batch:
    """A batch of log-mel frames, not levelled; with a generator its utterances are stretched, in rooms and in noise."""
    lengths = torch.tensor([example.frames for example in chosen])
    longest = int(lengths.max())
    longest += -longest % 16
    mel = torch.full((len(chosen), longest, chosen[0].sound.shape[1]), math.log(1e-6))
    for row, example in enumerate(chosen):
        mel[row, : example.frames] = example.sound
    tempo = torch.ones(len(chosen))
    if generator is not None:
        mel, tempo = stretched(mel, lengths, generator)
        lengths = (lengths * tempo).floor().long().clamp(max=mel.shape[1])
        mel = in_rooms_and_noise(mel, generator)
    return with_targets(mel, lengths, chosen, tempo)


def with_targets(sound: Tensor, lengths: Tensor, chosen: Sequence[Example], tempo: Tensor) -> Batch:
    """The batch of some sounds.

    Args:
        sound, lengths: As in :class:`Batch`.
        tempo: How much longer each utterance became. *Shape:* (B,).
    """
    phones = [example.utterance.phones for example in chosen]
    frames = sound.shape[1] if sound.ndim == 3 else 2 * sound.shape[1]
    labels, rate = _timed_targets(chosen, tempo, frames)
    return Batch(
        sound, lengths, torch.tensor([one for ids in phones for one in ids]),
        torch.tensor([len(ids) for ids in phones]), labels, rate,
    )  # fmt: skip


def _timed_targets(chosen: Sequence[Example], tempo: Tensor, frames: int) -> tuple[Tensor, Tensor]:
    labels = np.full((len(chosen), frames // 2), -100, np.int64)
    rate = np.full((len(chosen), frames // 8, 2), np.nan, np.float32)
    centres = (np.arange(frames // 8) + 0.5) * 8
    for row, example in enumerate(chosen):
        times = example.utterance.times
        if times is None:
            continue
        ids = np.array([timed.phone for timed in times])
        start = np.array([timed.start for timed in times]) * float(tempo[row]) / HOP
        stop = np.array([timed.stop for timed in times]) * float(tempo[row]) / HOP
        labels[row, : int(example.frames * float(tempo[row])) // 2] = BLANK
        for phone, low, high in zip(ids, np.rint(start / 2), np.rint(stop / 2), strict=True):
            labels[row, int(low) : max(int(high), int(low) + 1)] = phone
        middle = np.sort((start + stop) / 2)
        vowels = np.sort(((start + stop) / 2)[[one in _VOWELS for one in ids.tolist()]])
        for column, at in enumerate((middle, vowels)):
            inside = np.searchsorted(at, centres + _RATE_REACH) - np.searchsorted(at, centres - _RATE_REACH)
            rate[row, :, column] = np.log1p(inside * 100 / (2 * _RATE_REACH))
    return torch.from_numpy(labels), torch.from_numpy(rate)


def rarities(found: Sequence[Example]) -> list[float]:
    """How often each utterance is drawn for one of a speaker who says a lot: more often, if theirs are few.

    The inverse square root of what a speaker says, in ``_MANY`` utterances: between counting utterances and counting
    speakers. Unknown voices are heard better the more voices are known; those of machines are all the same voice.
    """
    said = Counter(example.utterance.speaker for example in found)
    return [
        1.0 if example.utterance.synthetic else max(1.0, _MANY / said[example.utterance.speaker]) ** 0.5
        for example in found
    ]


def batches(found: Sequence[Example], weights: Sequence[float], seconds: float, seed: int) -> Iterator[list[Example]]:
    """Endless batches of about equally long utterances; an utterance comes as often as its weight says."""
    generator = np.random.default_rng(seed)
    chance = np.array(weights) / np.sum(weights)
    while True:
        drawn = generator.choice(len(found), min(4096, len(found)), replace=False, p=chance)
        # Random lengths break ties, so that a batch is not always made of the same neighbours.
        drawn = drawn[np.argsort([found[at].frames * generator.uniform(0.9, 1.1) for at in drawn])]
        made: list[list[Example]] = []
        current: list[Example] = []
        longest = 0
        for at in drawn:
            longest = max(longest, found[at].frames)
            if current and longest * (len(current) + 1) * HOP > seconds * 16_000:
                made.append(current)
                longest, current = found[at].frames, []
            current.append(found[at])
        made.append(current)
        for number in generator.permutation(len(made)):
            yield made[number]
