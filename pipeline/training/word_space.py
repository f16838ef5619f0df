"""Trains the space of spoken and written words on top of a speech network that stays as it is.

The second half of ``octavo train speech``, see :mod:`.speech_recipe`. Where a corpus does not say when its phones are
spoken, the network itself aligns them. Positive pairs are runs of 3 to 14 phones and windows around them whose ends are
as ill-fitting as those of an index; negatives are the other runs of a batch and runs in which a phone was exchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..alignment import align
from ..blocks.pooling import bins_between, running_sums
from ..encoders.speech_network import SpeechNetwork
from ..encoders.word_space import BINS, PhoneSequenceEncoder, WindowEncoder, heard, padded
from ..phones import SYMBOLS
from .speech_batches import Example, split
from .speech_corpus import SpeechCorpus
from .speech_frontend import Frontend, LogMel

_SHORTEST: Final = 3
_LONGEST: Final = 14
_JITTER: Final = 0.2
"""Ends of a window lie off by up to this share of its length: windows of an index are 1.4 times apart."""


@dataclass(frozen=True, slots=True)
class WordSpaceRecipe:
    """How to train: ``batch`` pairs a step, symmetric InfoNCE (van den Oord et al., 2018) at a learned temperature."""

    steps: int = 4_000
    batch: int = 512
    learning_rate: float = 2e-3
    substituted: int = 1
    held_out: float = 0.03
    seed: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Spoken:
    """An utterance as the network hears it, with the frames in which each phone is spoken.

    Attributes:
        sums: Running sums of what windows are pooled from, so that any window costs a few additions. Utterances are
            short, so float32 will do. *Shape:* (T + 1, C + SYMBOLS).
        frames: First frame and frame behind the last of each phone. *Shape:* (phones, 2).
    """

    sums: Tensor
    phones: tuple[int, ...]
    frames: npt.NDArray[np.int64]


@torch.inference_mode()
def listen(
    network: SpeechNetwork, found: Sequence[Example], frontend: Frontend, device: str = "cpu", batch: int = 16
) -> list[Spoken]:
    """What the network makes of examples; those whose phones do not fit into their frames are left out."""
    network.eval()
    listened: list[Spoken] = []
    order = sorted((at for at, one in enumerate(found) if one.utterance.phones), key=lambda at: found[at].frames)
    for first in range(0, len(order), batch):
        chosen = [found[at] for at in order[first : first + batch]]
        made = frontend.batch(chosen).to(device)
        with torch.autocast(device, torch.bfloat16):
            out = network(made.sound, made.valid)
        spoken, features = out.phones.float().log_softmax(-1).cpu(), out.features.float().cpu()
        for row, example in enumerate(chosen):
            count = example.frames // 2
            own = spoken[row, :count]
            times = example.utterance.times
            if times is not None:
                frames = np.array([(timed.start, timed.stop) for timed in times], np.int64) // 320
                frames[:, 1] = np.maximum(frames[:, 1], frames[:, 0] + 1)
                phones = tuple(timed.phone for timed in times)
            else:
                phones = example.utterance.phones
                try:
                    frames = spread(align(own.numpy(), phones), count)
                except ValueError:
                    continue
            sums = running_sums(heard(features[row, :count], own)).float()
            listened.append(Spoken(sums, phones, np.minimum(frames, count)))
    return listened


def spread(peaks: npt.NDArray[np.int64], frames: int, most: int = 6) -> npt.NDArray[np.int64]:
    """Bounds of phones from the short peaks that an alignment finds: half-way between neighbours, if they are near."""
    middle = peaks.sum(1) / 2
    between = (middle[1:] + middle[:-1]) / 2
    start = np.maximum(np.concatenate(([0.0], between)), middle - most)
    stop = np.minimum(np.concatenate((between, [float(frames)])), middle + most)
    low = np.clip(np.rint(start), 0, frames - 1).astype(np.int64)
    return np.stack((low, np.maximum(np.rint(stop).astype(np.int64), low + 1)), 1)


def train_word_space(
    network: SpeechNetwork,
    corpora: Sequence[Path],
    recipe: WordSpaceRecipe,
    *,
    frontend: Frontend | None = None,
    device: str = "cpu",
    tell: Callable[[int, float, float], None] = lambda step, loss, found: None,
) -> tuple[WindowEncoder, PhoneSequenceEncoder]:
    """The two encoders.

    Args:
        frontend: What the network was trained on; log-mel frames by default.
        device: Where the network hears; the two encoders are too small to gain by one.
        tell: Gets step, loss and, on held-out utterances, the share of windows whose own phones are nearest among
            1,000.
    """
    torch.manual_seed(recipe.seed)
    frontend = frontend or LogMel()
    network.to(device)
    training: list[Spoken] = []
    held_out: list[Spoken] = []
    for folder in corpora:
        own, kept = split(frontend.examples(SpeechCorpus(folder)), recipe.held_out)
        training += listen(network, own, frontend, device)
        held_out += listen(network, kept, frontend, device)
    windows, sequences = WindowEncoder(network.shape.channels[0]), PhoneSequenceEncoder()
    temperature = torch.nn.Parameter(torch.tensor(2.5))
    parameters = [*windows.parameters(), *sequences.parameters()]
    groups: list[dict[str, object]] = [{"params": parameters}, {"params": [temperature], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, recipe.learning_rate)
    generator = np.random.default_rng(recipe.seed)
    for step in range(recipe.steps):
        for group in optimizer.param_groups:
            rate = min(1.0, (step + 1) / 100) * 0.5 * (1 + np.cos(np.pi * step / recipe.steps))
            group["lr"] = recipe.learning_rate * rate
        parts, spans, phones = draw(training, recipe.batch, generator)
        sound = windows.embed(parts, spans)
        wrong = [substituted(one, generator) for one in phones * recipe.substituted]
        written = sequences(padded([*phones, *wrong]))
        loss = contrast(sound, written, phones, wrong, temperature)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        if (step + 1) % 250 == 0 or step + 1 == recipe.steps:
            tell(step + 1, loss.item(), nearest_share(windows, sequences, held_out, recipe.seed))
    return windows.eval(), sequences.eval()


def draw(
    spoken: Sequence[Spoken], batch: int, generator: np.random.Generator
) -> tuple[Tensor, Tensor, list[tuple[int, ...]]]:
    """Runs of phones and ill-fitting windows around them, pooled into parts.

    *Shape:* (n, BINS, C + SYMBOLS) and (n, 2), with n phone sequences.
    """
    parts: list[Tensor] = []
    spans: list[tuple[int, int]] = []
    phones: list[tuple[int, ...]] = []
    while len(phones) < batch:
        one = spoken[int(generator.integers(len(spoken)))]
        count, frames = len(one.phones), len(one.sums) - 1
        if count < _SHORTEST:
            continue
        own: list[tuple[int, int]] = []
        for _ in range(4):
            length = int(generator.integers(_SHORTEST, min(_LONGEST, count) + 1))
            first = int(generator.integers(0, count - length + 1))
            low, high = int(one.frames[first, 0]), int(one.frames[first + length - 1, 1])
            if high - low > 90:  # there is a pause inside
                continue
            off = generator.uniform(-_JITTER, _JITTER, 2) * (high - low)
            low = max(0, round(low + off[0]))
            high = min(frames, max(round(high + off[1]), low + 4))
            if high - low < 4:
                continue
            own.append((low, high))
            phones.append(one.phones[first : first + length])
        if own:
            parts.append(bins_between(one.sums, torch.tensor(own), BINS))
            spans += own
    return torch.cat(parts), torch.tensor(spans), phones


def substituted(phones: tuple[int, ...], generator: np.random.Generator) -> tuple[int, ...]:
    """The same with one or two phones exchanged for others: the nearest wrong words."""
    changed = list(phones)
    for _ in range(int(generator.integers(1, 3))):
        at = int(generator.integers(len(changed)))
        changed[at] = int((changed[at] - 1 + generator.integers(1, SYMBOLS - 1)) % (SYMBOLS - 1)) + 1
    return tuple(changed)


def contrast(
    sound: Tensor,
    written: Tensor,
    phones: Sequence[tuple[int, ...]],
    wrong: Sequence[tuple[int, ...]],
    temperature: Tensor,
) -> Tensor:
    """Symmetric InfoNCE; pairs of the same phones are no negatives of each other."""
    logits = sound @ written.T * temperature.exp().clamp(max=60)
    names: dict[tuple[int, ...], int] = {}
    left = torch.tensor([names.setdefault(one, len(names)) for one in phones])
    right = torch.cat((left, torch.tensor([names.setdefault(one, len(names)) for one in wrong], dtype=torch.long)))
    same = (left[:, None] == right[None]) & ~torch.eye(len(left), len(right), dtype=torch.bool)
    logits = logits.masked_fill(same, -1e4)
    target = torch.arange(len(left))
    return 0.5 * (
        torch.nn.functional.cross_entropy(logits, target)
        + torch.nn.functional.cross_entropy(logits[:, : len(left)].T, target)
    )


@torch.inference_mode()
def nearest_share(
    windows: WindowEncoder, sequences: PhoneSequenceEncoder, spoken: Sequence[Spoken], seed: int, among: int = 1_000
) -> float:
    """Share of windows whose own phones are the nearest of ``among`` runs."""
    parts, spans, phones = draw(spoken, among, np.random.default_rng(seed))
    nearest = (windows.embed(parts, spans) @ sequences(padded(phones)).T).argmax(1)
    return float(np.mean([phones[at] == phones[row] for row, at in enumerate(nearest.tolist())]))
