"""Trains what compares two terms letter by letter: the second half of ``octavo train character``.

The noise is that of people who are no good at spelling, several errors a word, and what people typed for recordings.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from time import monotonic
from typing import Final

import torch

from ..encoders.spelling_channel import ChannelNetwork, ChannelShape, lost, said, spelled
from .running_average import follow
from .spelling_pairs import SpellingMaterial
from .unfinished_run import UnfinishedRun

NAME: Final = "channel"


@dataclass(frozen=True, slots=True)
class ChannelRecipe:
    """How to train: connectionist temporal classification, one cycle of the learning rate (Smith and Topin, 2019).

    Attributes:
        batch: Words in a batch.
        average: Decay of the running average of the weights, which is what is kept.
        fitted: Misspellings made to fit likeness on afterwards, beside those that people typed.
    """

    steps: int = 2_400
    batch: int = 320
    learning_rate: float = 4e-3
    warm_up: float = 0.1
    weight_decay: float = 0.01
    average: float = 0.995
    fitted: int = 900
    seed: int = 1
    shape: ChannelShape = field(default_factory=ChannelShape)


@dataclass(frozen=True, slots=True)
class ChannelProgress:
    """Where training stands; the loss is in nats a letter."""

    step: int
    steps: int
    loss: float
    seconds: float

    def __str__(self) -> str:
        return f"letter by letter, step {self.step}/{self.steps}  loss {self.loss:.3f}  {self.seconds:.0f} s"


def train_channel(
    material: SpellingMaterial,
    out: Path,
    recipe: ChannelRecipe,
    *,
    device: str = "cpu",
    tell: Callable[[ChannelProgress], None] = lambda progress: None,
    every: int = 200,
) -> ChannelNetwork:
    """Train, going on from a checkpoint in ``out`` if there is one.

    Raises:
        ModelError: The checkpoint is of another recipe.
    """
    torch.manual_seed(recipe.seed)
    network = ChannelNetwork(recipe.shape).to(device)
    optimizer = torch.optim.AdamW(
        network.parameters(), recipe.learning_rate, (0.9, 0.98), weight_decay=recipe.weight_decay
    )
    average = {name: value.clone() for name, value in network.state_dict().items()}
    held = {"network": network.state_dict(), "average": average}
    checkpoint = UnfinishedRun(out / f"unfinished-{NAME}.safetensors", asdict(recipe), held, optimizer)
    step, rest = checkpoint.resume()
    total, counted, began = 0.0, 0, monotonic() - (rest[0] if rest else 0.0)
    while step < recipe.steps:
        rate, momentum = one_cycle(step, recipe)
        for group in optimizer.param_groups:
            group["lr"], group["betas"] = rate, (momentum, 0.98)
        loss = channel_loss(network, material, recipe.batch, Random(f"{recipe.seed} {step}"))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        follow(average, network.state_dict(), step, recipe.average)
        step += 1
        total, counted = total + loss.item(), counted + 1
        if step % every == 0 or step == recipe.steps:
            checkpoint.save(step, monotonic() - began)
            tell(ChannelProgress(step, recipe.steps, total / counted, monotonic() - began))
            total, counted = 0.0, 0
    network.load_state_dict(average)
    return network.eval()


def channel_loss(network: ChannelNetwork, material: SpellingMaterial, count: int, chance: Random) -> torch.Tensor:
    """Of words and what was written for them, in nats a letter."""
    read = (tuple(map(spelled, material.poorly_spelt(chance))) for _ in range(count))
    pairs = sorted(((word, written) for word, written in read if word and written), key=lambda pair: len(pair[0]))
    letters = sum(len(written) for _, written in pairs)
    parts = []
    for lot in (pairs[: len(pairs) // 2], pairs[len(pairs) // 2 :]):  # short and long: less padding
        chances, frames = said(network, [word for word, _ in lot])
        nats = lost(chances, frames, [written for _, written in lot])
        # what has more letters than there are frames cannot be written at all
        parts.append(torch.where(nats.isinf(), torch.zeros_like(nats), nats).sum() / letters)
    return torch.stack(parts).sum()


def one_cycle(step: int, recipe: ChannelRecipe) -> tuple[float, float]:
    """Learning rate and momentum of a step: up from a 25th and back down to nothing, momentum the other way."""
    top, low = recipe.learning_rate, recipe.learning_rate / 25
    peak = recipe.warm_up * recipe.steps - 1
    if step <= peak:
        return _cosine(low, top, step / peak), _cosine(0.95, 0.85, step / peak)
    share = (step - peak) / max(recipe.steps - 1 - peak, 1)
    return _cosine(top, low / 1e4, share), _cosine(0.85, 0.95, share)


def _cosine(start: float, stop: float, share: float) -> float:
    return stop + (start - stop) / 2 * (1 + math.cos(math.pi * share))
