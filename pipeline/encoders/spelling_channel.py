"""How likely people write one term for another, letter by letter: a noisy channel that has learnt what sounds alike.

Shannon's channel as used for spelling by Kernighan, Church and Gale (1990), Brill and Moore (2000) and Toutanova and
Moore (2002): the chance that a word comes out as what is written, summed over all ways to divide the letters. There
the chances stand in tables of letters and phones; here a small network says at each letter, knowing its neighbours,
what is written in its place, and connectionist temporal classification (Graves et al., 2006) sums.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ..blocks.dilated import Dilated
from ..blocks.inception import Inception
from .one_thread import one_thread

Floats = npt.NDArray[np.float64]

LETTERS: Final = "abcdefghijklmnopqrstuvwxyz0123456789'- ."
SYMBOLS: Final = 1 + len(LETTERS)
"""Letters, and before them the blank of connectionist temporal classification."""
PADDING, START, STOP = 0, SYMBOLS, SYMBOLS + 1
LONGEST: Final = 40
"""Letters of a term that are compared."""
LEAST: Final = -60.0
"""Log probability of what cannot be written with these letters."""


@dataclass(frozen=True, slots=True)
class ChannelShape:
    """Size of the network.

    Attributes:
        letters: Numbers for a letter.
        channels: Of its states.
        widths: Of the inception branches.
        dilations: Of the parallel convolutions, one tuple a block.
        frames: At which a letter may write something.
    """

    letters: int = 32
    channels: int = 96
    widths: tuple[int, ...] = (1, 3, 5)
    dilations: tuple[tuple[int, ...], ...] = ((1, 2), (1, 2, 4), (1, 2, 4))
    frames: int = 3

    def __post_init__(self) -> None:
        if min(self.letters, self.channels, self.frames) < 1 or not self.widths:
            raise ValueError(f"every size must be positive: {self}")

    @classmethod
    def from_json(cls, text: str) -> ChannelShape:
        """What :meth:`to_json` wrote."""
        sizes: dict[str, Any] = json.loads(text)
        sizes["widths"] = tuple(sizes["widths"])
        sizes["dilations"] = tuple(map(tuple, sizes["dilations"]))
        return cls(**sizes)

    def to_json(self) -> str:
        """As a header of a file keeps it."""
        return json.dumps(asdict(self))


class ChannelNetwork(nn.Module):
    """What is written for a term: log probabilities of letters, or of none, at the frames of each of its own.

    *Shape:* (B, T) letter ids with a mark at either end, padded -> (B, T * frames, :data:`SYMBOLS`)
    """

    def __init__(self, shape: ChannelShape | None = None) -> None:
        super().__init__()
        self.shape = shape = shape or ChannelShape()
        self.embed = nn.Embedding(SYMBOLS + 2, shape.letters, padding_idx=PADDING)
        self.stem = Inception(shape.letters, shape.channels, shape.widths, pooled=False)
        self.contexts = nn.ModuleList(Dilated(shape.channels, dilations, 0.0) for dilations in shape.dilations)
        self.norm = nn.LayerNorm(shape.channels)
        self.say = nn.Linear(shape.channels, shape.frames * SYMBOLS)

    def forward(self, letters: Tensor) -> Tensor:
        valid = letters != PADDING
        x = self.stem(self.embed(letters))
        for context in self.contexts:
            x = context(x, valid)
        scores = self.say(nn.functional.relu(self.norm(x))).unflatten(-1, (self.shape.frames, SYMBOLS))
        chances: Tensor = scores.flatten(1, 2).float().log_softmax(-1)
        return chances


def spelled(term: str) -> list[int] | None:
    """Ids of a term's letters in small, marks dropped; ``None`` if it holds others, or none at all."""
    plain = term.lower()
    if not plain.isascii():
        plain = "".join(one for one in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(one))
    ids = [LETTERS.find(letter) + 1 for letter in plain[:LONGEST]]
    return ids if ids and all(ids) else None


def said(network: ChannelNetwork, sources: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Log probabilities at the frames of each term, and how many of these count.

    *Shape:* (n, T * frames, :data:`SYMBOLS`), (n,)
    """
    device = network.say.weight.device
    longest = max(map(len, sources)) + 2
    rows = [[START, *one, STOP] + [PADDING] * (longest - len(one) - 2) for one in sources]
    frames = torch.tensor([(len(one) + 2) * network.shape.frames for one in sources])
    chances: Tensor = network(torch.tensor(rows, device=device))
    return chances, frames


def lost(chances: Tensor, frames: Tensor, targets: Sequence[Sequence[int]]) -> Tensor:
    """Minus the log probability of each target, summed over all ways to divide it among frames. *Shape:* (n,)"""
    sizes = torch.tensor([len(one) for one in targets])
    flat = torch.tensor([letter for one in targets for letter in one], device=chances.device)
    return nn.functional.ctc_loss(chances.transpose(0, 1), flat, frames, sizes, reduction="none", zero_infinity=False)


class SpellingChannel:
    """Compares terms with a trained network."""

    def __init__(self, network: ChannelNetwork) -> None:
        self._network = network.eval()

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor], shape: str) -> SpellingChannel:
        """From what stands in a file."""
        network = ChannelNetwork(ChannelShape.from_json(shape))
        network.load_state_dict(dict(tensors))
        return cls(network)

    def reads(self, word: str) -> bool:
        """Whether it knows the word's letters."""
        return spelled(word) is not None

    def __call__(self, word: str, terms: Sequence[str]) -> Floats:
        """Log probabilities that ``word`` is written for each term. *Shape:* (terms,)"""
        found = np.full(len(terms), LEAST)
        asked = spelled(word)
        answers = {row: ids for row, term in enumerate(terms) if (ids := spelled(term)) is not None}
        if asked is not None and answers:
            with one_thread, torch.inference_mode():
                chances, frames = said(self._network, [*answers.values()])
                found[list(answers)] = -lost(chances, frames, [asked] * len(answers)).double().numpy()
        return found.clip(LEAST, 0)
