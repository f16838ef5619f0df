"""Trains the character encoder: terms and what becomes of them lie near, terms that only look alike do not.

The body of ``octavo train character``. One loop, readable from top to bottom. The same arguments and the same seed
give the same weights on the same kind of machine. A run that was stopped goes on from its last checkpoint, with the
batches that it would have had.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from time import monotonic
from typing import Final

import torch
from torch import Tensor

from ..encoders.character_network import (
    CHANNEL,
    CharacterNetwork,
    CharacterShape,
    letter_bytes,
    save_network,
)
from .character_card import card
from .character_score import SpellingScore, batch_vectors, decided, encode, fit_likeness, score
from .running_average import follow
from .spelling_channel import ChannelProgress, ChannelRecipe, train_channel
from .spelling_pairs import Pair, SpellingMaterial
from .unfinished_run import UnfinishedRun
from .warmed_cosine import warmed_cosine

NAME: Final = "character"


@dataclass(frozen=True, slots=True)
class CharacterRecipe:
    """How to train: symmetric InfoNCE (van den Oord et al., 2018) at a learned temperature.

    Attributes:
        steps: Batches; the learning rate rises over the first ``warm_up`` and falls to nothing along a cosine.
        batch: Pairs in a batch; each brings a hard negative.
        hard: Whether terms that look alike and are others stand among the negatives, for ablation.
        average: Decay of the running average of the weights, which is what is kept.
        patience: Validations without a gain after which to stop.
    """

    steps: int = 3_000
    batch: int = 512
    learning_rate: float = 3e-3
    warm_up: int = 200
    weight_decay: float = 0.01
    average: float = 0.998
    hard: bool = True
    patience: int = 6
    seed: int = 1
    shape: CharacterShape = field(default_factory=CharacterShape)


@dataclass(frozen=True, slots=True)
class Progress:
    """Where training stands, told now and then."""

    step: int
    steps: int
    loss: float
    seconds: float
    watched: SpellingScore

    def __str__(self) -> str:
        done = f"step {self.step}/{self.steps}  loss {self.loss:.3f}  {self.seconds:.0f} s"
        return f"{done}  watched: {self.watched}"


def train(
    material: SpellingMaterial,
    out: Path,
    recipe: CharacterRecipe,
    *,
    device: str = "cpu",
    tell: Callable[[Progress | ChannelProgress], None] = lambda progress: None,
    every: int = 500,
    channel: ChannelRecipe | None = None,
) -> Path:
    """Trains, and writes ``character.safetensors`` and its card ``character.md``.

    Args:
        out: Folder of the checkpoints; training goes on from those that are there.
        channel: How to train what compares letter by letter, once the vectors are done.
        every: Steps between two validations, each followed by a checkpoint.

    Raises:
        ModelError: The checkpoint in ``out`` is of another recipe.
    """
    vectors = train_vectors(material, out, recipe, device=device, tell=tell, every=every)
    final = vectors.network
    encoder = partial(encode, final)
    scores = {part: score(encoder, material, part) for part in ("watched", "held out")}
    channel = channel or ChannelRecipe(seed=recipe.seed)
    letters = train_channel(material, out, channel, device=device, tell=tell).cpu()
    letters.load_state_dict({name: value.half().float() for name, value in letters.state_dict().items()})
    likeness = fit_likeness(encoder, letters, material, channel.fitted)
    told = {part: json.dumps(asdict(one)) for part, one in scores.items()}
    header = {
        "recipe": json.dumps(asdict(recipe)),
        "steps": str(vectors.steps),
        "likeness": json.dumps(likeness.weights),
    } | told
    header["channel"] = letters.shape.to_json()
    path = out / f"{NAME}.safetensors"
    kept = final.state_dict() | {f"{CHANNEL}{name}": value for name, value in letters.state_dict().items()}
    save_network(kept, recipe.shape, path, header)
    right = {part: decided(encoder, likeness, material, part) for part in scores}
    (out / f"{NAME}.md").write_text(card(vectors, letters, recipe, channel, material, scores, right), encoding="utf-8")
    return path


@dataclass(frozen=True, slots=True, eq=False)
class TrainedVectors:
    """The network with the best weights, rounded as they will be stored, and what they took."""

    network: CharacterNetwork
    steps: int
    seconds: float


def train_vectors(
    material: SpellingMaterial,
    out: Path,
    recipe: CharacterRecipe,
    *,
    device: str = "cpu",
    tell: Callable[[Progress], None] = lambda progress: None,
    every: int = 500,
) -> TrainedVectors:
    """The first half of :func:`train`: what makes the vectors.

    Raises:
        ModelError: The checkpoint in ``out`` is of another recipe.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    network = CharacterNetwork(recipe.shape).to(device).train()
    temperature = torch.nn.Parameter(torch.tensor(3.0, device=device))
    average = {name: value.detach().clone() for name, value in network.state_dict().items()}
    best = {name: value.clone() for name, value in average.items()}
    groups: list[dict[str, object]] = [
        {"params": [*network.parameters()], "weight_decay": recipe.weight_decay},
        {"params": [temperature], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, recipe.learning_rate, (0.9, 0.98))
    held = {"network": network.state_dict(), "average": average, "best": best, "temperature": {"value": temperature}}
    state = UnfinishedRun(out / "unfinished.safetensors", asdict(recipe), held, optimizer)
    step, rest = state.resume()
    highest, since, seconds = rest or (-1.0, 0.0, 0.0)
    material.unmine()
    if step and recipe.hard:
        mine(material, average, recipe, step)
    total, counted, began = 0.0, 0, monotonic() - seconds
    while step < recipe.steps and since < recipe.patience:
        pairs = material.draw(recipe.batch, Random(f"{recipe.seed} {step}"))
        for group in optimizer.param_groups:
            group["lr"] = warmed_cosine(recipe.learning_rate, step, recipe.steps, recipe.warm_up)
        loss = contrast(network, pairs, temperature, recipe.hard)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        step += 1
        follow(average, network.state_dict(), step, recipe.average)
        total, counted = total + loss.item(), counted + 1
        if step % every == 0 or step == recipe.steps:
            judged = _network_of(average, recipe.shape)
            watched = score(lambda terms, judged=judged: encode(judged, terms), material, "watched")  # type: ignore[misc]
            reached = watched.typed + watched.made + watched.codes
            since = 0 if reached > highest else since + 1
            if reached > highest:
                highest = reached
                for name, value in average.items():
                    best[name].copy_(value)
            seconds = monotonic() - began
            state.save(step, highest, since, seconds)
            tell(Progress(step, recipe.steps, total / max(counted, 1), seconds, watched))
            total, counted = 0.0, 0
            if recipe.hard and step < recipe.steps:
                mine(material, average, recipe, step)
    rounded = {name: value.half().float() for name, value in best.items()}
    return TrainedVectors(_network_of(rounded, recipe.shape), step, seconds)


def mine(material: SpellingMaterial, weights: Mapping[str, Tensor], recipe: CharacterRecipe, step: int) -> None:
    """Makes the hard negatives those that are hard by now: by weights and step alone, so a resumed run has the same."""
    network = _network_of(weights, recipe.shape)
    material.mine(lambda terms: encode(network, terms), Random(f"{recipe.seed} {step} mined"))


def contrast(network: CharacterNetwork, pairs: Sequence[Pair], temperature: Tensor, hard: bool = True) -> Tensor:
    """Symmetric InfoNCE: each misspelling finds its term, each term its misspelling, among all of the batch.

    Terms that look alike stand on both sides as further wrong answers. What is the same string is no wrong answer.
    """
    count = len(pairs)
    strings = [pair.term for pair in pairs] + [pair.written for pair in pairs]
    strings += [pair.other for pair in pairs] if hard else []
    read = [letter_bytes(one) for one in strings]
    vectors = batch_vectors(network, read)
    terms, written, others = vectors[:count], vectors[count : 2 * count], vectors[2 * count :]
    names: dict[bytes, int] = {}
    ids = torch.tensor([names.setdefault(one, len(names)) for one in read], device=vectors.device)
    scale = temperature.exp().clamp(max=80)
    own = torch.arange(count, device=vectors.device)
    losses = []
    for asked, answers, offset in ((written, terms, 0), (terms, written, count)):
        logits = asked @ torch.cat((answers, others)).T * scale
        answer_ids = torch.cat((ids[offset : offset + count], ids[2 * count :]))
        # neither the term itself nor what was made of it is a wrong answer, wherever else it stands
        same = (answer_ids[None] == ids[:count, None]) | (answer_ids[None] == ids[count : 2 * count, None])
        same[own, own] = False
        losses.append(torch.nn.functional.cross_entropy(logits.masked_fill(same, -1e4), own))
    return torch.stack(losses).mean()


def _network_of(tensors: Mapping[str, Tensor], shape: CharacterShape) -> CharacterNetwork:
    network = CharacterNetwork(shape)
    network.load_state_dict({name: value.cpu() for name, value in tensors.items()})
    return network.eval()
