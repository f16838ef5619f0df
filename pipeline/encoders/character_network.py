"""Bytes of a term -> a unit vector: two convolutions, then pooling that keeps where in the word a thing stands.

By distance from the beginning, from the end, and by share of the length. Nothing else: inception branches, dilations
and a feature pyramid of three levels did not pay, see docs/log.md.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from .weights_file import loading, read_weights, weights_digest, write_weights

FORMAT: Final = "octavo-character-2"
CHANNEL: Final = "channel."
LONGEST: Final = 62
"""Bytes of a term that are read; with both marks and padding that makes 64 places."""

PADDING, START, STOP = 0, 1, 2
_FIRST_BYTE: Final = 3
_STEP: Final = 4
"""Sequences are padded to a multiple of it, so that many are of one length and run together."""


@dataclass(frozen=True, slots=True)
class CharacterShape:
    """Size of the network.

    Attributes:
        letters: Numbers for a byte.
        channels: Of its states.
        knots: Shares of the length at which is pooled.
        width: Of the vector.
    """

    letters: int = 32
    channels: int = 64
    knots: int = 4
    width: int = 64

    def __post_init__(self) -> None:
        if min(self.letters, self.channels, self.knots, self.width) < 1 or self.width > 64:
            raise ValueError(f"every size must be positive, and the width at most 64: {self}")

    @classmethod
    def from_json(cls, text: str) -> CharacterShape:
        """What :func:`save_network` wrote."""
        sizes: dict[str, int] = json.loads(text)
        return cls(**sizes)


class CharacterNetwork(nn.Module):
    """*Shape:* (B, T) byte ids, T above every length -> (B, width), unit rows."""

    def __init__(self, shape: CharacterShape | None = None) -> None:
        super().__init__()
        self.shape = shape = shape or CharacterShape()
        self.embed = nn.Embedding(256 + _FIRST_BYTE, shape.letters, padding_idx=PADDING)
        self.near = nn.Conv1d(shape.letters, shape.channels, 5, padding=2)
        self.mix = nn.Linear(shape.channels, shape.channels)
        self.norms = nn.ModuleList(nn.LayerNorm(shape.channels) for _ in range(2))
        self.around = nn.Conv1d(shape.channels, shape.channels, 3, padding=1)
        self.add = nn.Linear(shape.channels, shape.channels)
        self.out = nn.Linear(shape.channels * (shape.knots + 3), shape.width)

    def forward(self, letters: Tensor) -> Tensor:
        valid = letters != PADDING
        there = valid.unsqueeze(-1)
        seen = self.near(self.embed(letters).transpose(1, 2)).relu().transpose(1, 2)
        x = self.norms[0](self.mix(seen)) * there
        seen = self.around((self.norms[1](x) * there).transpose(1, 2)).relu().transpose(1, 2)
        x = (x + self.add(seen)) * there
        pooled = torch.bmm(_places(valid, self.shape.knots).to(x.dtype), x).flatten(1)
        # Padding is 0 and not every word has some, so what is below 0 counts as 0.
        highest = x.amax(1).relu()
        return nn.functional.normalize(self.out(torch.cat((pooled, highest), 1)).float(), dim=1)


def _places(valid: Tensor, knots: int) -> Tensor:
    """Weights of pooling: near knots that divide the length evenly, near the beginning, near the end.

    *Shape:* (B, T) -> (B, knots + 2, T), rows that sum to 1.
    """
    at = torch.arange(valid.shape[1], device=valid.device, dtype=torch.float32)[None]
    last = (valid.sum(1, keepdim=True) - 1).clamp(min=1).float()
    share = at / last * (knots - 1)
    hats = (1 - (share[:, None] - torch.arange(knots, device=valid.device)[None, :, None]).abs()).clamp(min=0)
    ends = torch.stack((torch.exp(-0.5 * at.expand_as(share)), torch.exp(-0.5 * (last - at))), 1)
    weights = torch.cat((hats, ends), 1) * valid[:, None]
    return weights / weights.sum(-1, keepdim=True).clamp(min=1e-6)


def letter_bytes(term: str) -> bytes:
    """What the network reads of a term: small letters, marks after their letters (NFKD), as UTF-8, cut off at 62."""
    if term.isascii():
        return term.lower().encode()[:LONGEST]
    return unicodedata.normalize("NFKD", term.casefold()).encode("utf-8", "replace")[:LONGEST]


def places_of(length: int) -> int:
    """Places of a padded sequence that holds so many bytes and two marks."""
    return -(-(length + 2) // _STEP) * _STEP


def letter_batch(terms: Sequence[bytes], places: int) -> Tensor:
    """*Shape:* (terms, places), ids."""
    lengths = np.fromiter(map(len, terms), np.int64, len(terms))
    joined = np.frombuffer(b"".join(terms), np.uint8)
    inside = np.arange(places)[None] < lengths[:, None]
    ids = np.zeros((len(terms), places), np.int32)
    ids[:, 1:][inside[:, :-1]] = joined.astype(np.int32) + _FIRST_BYTE  # row by row, as the bytes are joined
    ids[:, 0] = START
    ids[np.arange(len(terms)), lengths + 1] = STOP
    return torch.from_numpy(ids)


def save_network(
    tensors: dict[str, Tensor], shape: CharacterShape, path: Path, metadata: dict[str, str] | None = None
) -> None:
    """Write weights as 16-bit floats, with their shape and ``metadata`` in the header.

    Args:
        tensors: Of the network, and beside them, after ``channel.``, those of :mod:`.spelling_channel`.
    """
    write_weights(tensors, path, {"format": FORMAT, "shape": json.dumps(asdict(shape)), **(metadata or {})})


@dataclass(frozen=True, slots=True)
class LoadedCharacterNetwork:
    """The network in evaluation mode, what its file says about itself, and a digest of shape and weights.

    Attributes:
        channel: Weights of what compares letter by letter, which makes no vectors and is not in the digest.
    """

    network: CharacterNetwork
    metadata: dict[str, str]
    digest: str
    channel: dict[str, Tensor]


def load_network(path: Path) -> LoadedCharacterNetwork:
    """Read weights written by :func:`save_network`.

    Raises:
        ModelError: The file is not there, is damaged, or is of another format.
    """
    with loading("character network", path, "octavo train character"):
        metadata, tensors = read_weights(path, {"format": FORMAT}, "train it again")
        channel = {name.removeprefix(CHANNEL): tensors.pop(name) for name in [*tensors] if name.startswith(CHANNEL)}
        network = CharacterNetwork(CharacterShape.from_json(metadata["shape"]))
        network.load_state_dict(tensors)
    return LoadedCharacterNetwork(network.eval(), metadata, weights_digest(metadata["shape"], tensors), channel)
