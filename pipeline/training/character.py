"""Trains the character encoder: terms and what becomes of them lie near, terms that only look alike do not.

The body of ``octavo train character``. One loop, readable from top to bottom. The same arguments and the same seed
give the same weights on the same kind of machine. A run that was stopped goes on from its last checkpoint, with the
batches that it would have had.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from time import monotonic
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from ..embed import Vectors
from ..encoders.character_network import (
    CharacterNetwork,
    CharacterShape,
    letter_batch,
    letter_bytes,
    places_of,
    save_network,
)
from ..encoders.likeness import Likeness, features, fit
from ..errors import ModelError
from .spelling_noise import code, code_misread, other_code
from .spelling_pairs import Pair, SpellingMaterial

NAME: Final = "character"
_PROPOSED: Final = 50
_ABSENT: Final = 0.25
"""Share of words that likeness is fitted on whose word is not among those proposed."""

_AMONG: Final = 6_000
"""Words among which the right one has to be the nearest."""


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

    steps: int = 1_500
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
class SpellingScore:
    """Shares of what was found.

    Attributes:
        typed: Misspellings that people made whose word is the nearest among 6,000.
        made: The same for misspellings by all noise models.
        codes: Codes that lie nearer to a misprint of themselves than to a code that differs by a figure.
        pairs: Misspellings that people made, counted.
    """

    typed: float
    made: float
    codes: float
    pairs: int

    def __str__(self) -> str:
        return f"{self.typed:.1%} of {self.pairs} typed, {self.made:.1%} made, codes {self.codes:.1%}"


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
    tell: Callable[[Progress], None] = lambda progress: None,
    every: int = 500,
) -> Path:
    """Trains, and writes ``character.safetensors`` and its card ``character.md``.

    Args:
        out: Folder of the checkpoint; training goes on from one that is there.
        every: Steps between two validations, each followed by a checkpoint.

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
    state = _Checkpoint(out / "unfinished.safetensors", recipe, network, temperature, average, best, optimizer)
    step, highest, since, seconds = state.resume()
    material.unmine()
    if step and recipe.hard:
        mine(material, average, recipe, step)
    total, counted, began = 0.0, 0, monotonic() - seconds
    while step < recipe.steps and since < recipe.patience:
        pairs = material.draw(recipe.batch, Random(f"{recipe.seed} {step}"))
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, recipe)
        loss = contrast(network, pairs, temperature, recipe.hard)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        step += 1
        with torch.no_grad():
            decay = min(recipe.average, (1 + step) / (10 + step))
            torch._foreach_lerp_(list(average.values()), list(network.state_dict().values()), 1 - decay)
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
    # Rounded as they will be stored, so that the scores are those of the file.
    final = _network_of({name: value.half().float() for name, value in best.items()}, recipe.shape)
    scores = {part: score(lambda terms: encode(final, terms), material, part) for part in ("watched", "held out")}
    likeness = fit_likeness(final, material)
    told = {part: json.dumps(asdict(one)) for part, one in scores.items()}
    header = {"recipe": json.dumps(asdict(recipe)), "steps": str(step), "likeness": json.dumps(likeness.weights)} | told
    path = out / f"{NAME}.safetensors"
    save_network(final.state_dict(), recipe.shape, path, header)
    (out / f"{NAME}.md").write_text(card(final, recipe, step, seconds, material, scores), encoding="utf-8")
    return path


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
    vectors = _vectors(network, read)
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


def _vectors(network: CharacterNetwork, read: Sequence[bytes]) -> Tensor:
    """Vectors of terms, those of about a length together. *Shape:* (n, width)."""
    lots: dict[int, list[int]] = {}
    for at, letters in enumerate(read):
        lots.setdefault(places_of(len(letters)), []).append(at)
    device = next(network.parameters()).device
    made = [network(letter_batch([read[at] for at in lot], places).to(device)) for places, lot in sorted(lots.items())]
    order = [at for _, lot in sorted(lots.items()) for at in lot]
    back = torch.empty(len(order), dtype=torch.long)
    back[order] = torch.arange(len(order))
    return torch.cat(made)[back.to(device)]


@torch.inference_mode()
def encode(network: CharacterNetwork, terms: Sequence[str], batch: int = 1_024) -> Vectors:
    """*Shape:* (terms, width)."""
    order = sorted(range(len(terms)), key=lambda at: len(terms[at]))
    vectors = np.empty((len(terms), network.shape.width), np.float32)
    for first in range(0, len(order), batch):
        chosen = order[first : first + batch]
        vectors[chosen] = _vectors(network, [letter_bytes(terms[at]) for at in chosen]).cpu().numpy()
    return vectors


def learning_rate(step: int, recipe: CharacterRecipe) -> float:
    """Rises linearly, falls along a cosine to nothing."""
    return (
        recipe.learning_rate
        * min(1.0, (step + 1) / recipe.warm_up)
        * 0.5
        * (1 + math.cos(math.pi * step / recipe.steps))
    )


def score(
    encoder: Callable[[Sequence[str]], Vectors], material: SpellingMaterial, part: str, made: int = 600, seed: int = 7
) -> SpellingScore:
    """Measures any encoder on words of a part that nothing was learnt from."""
    from .lexicon import part_of

    chance = Random(f"{seed} {part}")
    typed = chance.sample(material.kept[part], min(len(material.kept[part]), made))
    own = [word for word in material.vocabulary if part_of(word) == part and len(word) > 3]
    noisy = []
    for word in chance.sample(own, min(made, len(own))):
        kind = chance.choice(("respelt", "slip", "letters", "misread", "spaces"))
        noisy.append((word, material.noisy(word, kind, chance)))
    asked = [*typed, *noisy]
    among = dict.fromkeys(word for word, _ in asked)
    rest = [word for word in material.vocabulary if word not in among]
    words = [*among, *chance.sample(rest, max(0, min(len(rest), _AMONG - len(among))))]
    place = {word: at for at, word in enumerate(words)}
    cosines = encoder([written for _, written in asked]) @ encoder(words).T
    right = cosines.argmax(1) == np.array([place[word] for word, _ in asked])
    codes = [code(chance) for _ in range(made)]
    near, far = ([make(one, chance) for one in codes] for make in (code_misread, other_code))
    vectors = [encoder(one) for one in (codes, near, far)]
    kept = np.einsum("nw,nw->n", vectors[0], vectors[1]) > np.einsum("nw,nw->n", vectors[0], vectors[2])
    return SpellingScore(_mean(right[: len(typed)]), _mean(right[len(typed) :]), _mean(kept), len(typed))


def fit_likeness(network: CharacterNetwork, material: SpellingMaterial, made: int = 1_500, seed: int = 11) -> Likeness:
    """Weights of what decides among proposals, from words watched: what is learnt from lies too near."""
    from .lexicon import part_of

    chance = Random(seed)
    own = [word for word in material.vocabulary if part_of(word) == "watched" and len(word) > 3]
    pairs = [*material.kept["watched"]] * 3
    for _ in range(made):
        word, kind = chance.choice(own), chance.choice(("respelt", "respelt", "slip", "letters", "misread"))
        pairs.append((word, material.noisy(word, kind, chance).lower()))
    among = dict.fromkeys(word for word, _ in pairs)
    rest = [word for word in material.vocabulary if word not in among]
    words = [*among, *chance.sample(rest, max(0, min(len(rest), _AMONG - len(among))))]
    cosines = encode(network, [written for _, written in pairs]) @ encode(network, words).T
    examples = []
    for row, (word, written) in enumerate(pairs):
        best = np.argsort(-cosines[row], kind="stable")[:_PROPOSED]
        if word == written or word not in (near := [words[at] for at in best]):
            continue
        right = near.index(word)
        if chance.random() < _ABSENT:  # and where the word itself is not there, nothing is right
            near.pop(right)
            best, right = np.delete(best, right), -1
        examples.append((features(written, near, cosines[row, best]), right))
    return fit(examples)


def _mean(found: npt.NDArray[np.bool_]) -> float:
    return round(float(found.mean()), 4) if len(found) else 0.0


def _network_of(tensors: Mapping[str, Tensor], shape: CharacterShape) -> CharacterNetwork:
    network = CharacterNetwork(shape)
    network.load_state_dict({name: value.cpu() for name, value in tensors.items()})
    return network.eval()


@dataclass(frozen=True, slots=True, eq=False)
class _Checkpoint:
    """All that a run is made of, as a file."""

    path: Path
    recipe: CharacterRecipe
    network: CharacterNetwork
    temperature: Tensor
    average: dict[str, Tensor]
    best: dict[str, Tensor]
    optimizer: torch.optim.Optimizer

    def save(self, step: int, highest: float, since: int, seconds: float) -> None:
        tensors = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        tensors |= {f"average.{name}": value for name, value in self.average.items()}
        tensors |= {f"best.{name}": value for name, value in self.best.items()}
        for number, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{name}": value for name, value in state.items()}
        tensors["temperature"] = self.temperature.detach()
        header = {"recipe": json.dumps(asdict(self.recipe)), "where": json.dumps([step, highest, since, seconds])}
        part = self.path.with_suffix(".part")
        save_file({name: value.contiguous().clone() for name, value in tensors.items()}, part, header)
        part.rename(self.path)

    def resume(self) -> tuple[int, float, int, float]:
        """Puts back what an earlier run left: its steps, its best score, validations since, seconds."""
        from safetensors import safe_open

        if not self.path.exists():
            return 0, -1.0, 0, 0.0
        with safe_open(self.path, framework="pt") as file:
            header = file.metadata() or {}
        if header.get("recipe") != json.dumps(asdict(self.recipe)):
            raise ModelError(f"{self.path} was left by another recipe: finish that, remove it, or take another folder")
        tensors = load_file(self.path)
        self.network.load_state_dict(_under("network.", tensors))
        self.average.update(_under("average.", tensors))
        self.best.update(_under("best.", tensors))
        self.temperature.data.copy_(tensors["temperature"])
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in _under("optimizer.", tensors).items():
            number, _, key = name.partition(".")
            state.setdefault(int(number), {})[key] = value
        self.optimizer.load_state_dict(self.optimizer.state_dict() | {"state": state})
        step, highest, since, seconds = json.loads(header["where"])
        return int(step), float(highest), int(since), float(seconds)


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def card(
    network: CharacterNetwork,
    recipe: CharacterRecipe,
    steps: int,
    seconds: float,
    material: SpellingMaterial,
    scores: Mapping[str, SpellingScore],
) -> str:
    """The model card."""
    from ..encoders.character import CharacterEncoder

    hashed = CharacterEncoder()
    rows = [f"| {part}, this encoder | {_cells(one)} |" for part, one in scores.items()]
    rows += [f"| {part}, hashed n-grams | {_cells(score(hashed.encode, material, part))} |" for part in scores]
    shares = ", ".join(f"{kind} {share:.0%}" for kind, share in material.shares.items())
    return f"""# Characters

Bytes of a term, or of two words with the space between them -> a unit vector of {network.shape.width} numbers. Near:
misspellings, slips of the hand, misreadings of a scanner, lost and added spaces and hyphens, other marks on letters,
inflections, what is written for the same sound. Capitals make no difference at all. Not near: other codes and numbers.

- Network: {sum(p.numel() for p in network.parameters()):,} parameters; inception branches, parallel dilations and a
  feature pyramid over bytes, see `pipeline/encoders/character_network.py`. 16-bit floats. In its header the weights of
  `pipeline/encoders/likeness.py`, fitted on the words watched.
- Trained by `octavo train character --steps {recipe.steps} --seed {recipe.seed}`:
  {steps:,} batches of {recipe.batch} pairs and as many hard negatives in {seconds / 60:.0f} minutes.
- Pairs: {shares}; noise models in `pipeline/training/spelling_noise.py` and `respelling.py`.
- The weights that ship with Octavo come from 13 books in the public domain (Project Gutenberg), the Carnegie Mellon
  Pronouncing Dictionary (2-clause BSD) and CrowdSpeech (CC BY 4.0): what seven people each typed for a recording.
- Words are split by a hash into those learnt from, those watched, by which the best weights are chosen, and those held
  out. Typed: misspellings that people made whose word is the nearest among 6,000. Made: those of the noise models.
  Codes: nearer to a misprint of itself than to a code with another figure.

| Part | Typed | Made | Codes |
|---|---|---|---|
{chr(10).join(rows)}

English; other languages in Latin letters gain from what keyboards and scanners do, other scripts were not trained on.
"""


def _cells(one: SpellingScore) -> str:
    return f"{one.typed:.1%} of {one.pairs} | {one.made:.1%} | {one.codes:.1%}"
