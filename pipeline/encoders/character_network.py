"""Bytes of a term -> a unit vector: inception branches, parallel dilations and a feature pyramid over a few bytes.

Three levels: single bytes, pairs and fours. Each sees its neighbours through parallel dilations; the coarse levels,
where a syllable more or less does not shift everything, flow back down to the bytes. Pooling keeps where in the word a
thing stands: by distance from the beginning, from the end, and by share of the length.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from ..blocks.dilated import Dilated
from ..blocks.inception import Inception
from ..blocks.pyramid import Lateral
from ..errors import ModelError

FORMAT: Final = "octavo-character-1"
CHANNEL: Final = "channel."
LONGEST: Final = 62
"""Bytes of a term that are read; with both marks and padding that makes 64 places."""

PADDING, START, STOP = 0, 1, 2
_FIRST_BYTE: Final = 3
_FINEST: Final = 4
"""Bytes in a place of the coarsest level: sequences are padded to a multiple of it, by one at least."""


@dataclass(frozen=True, slots=True)
class CharacterShape:
    """Size of the network.

    Attributes:
        letters: Numbers for a byte.
        channels: Of the levels; one level makes it a plain convolutional network.
        widths: Of the inception branches; one makes it a plain convolution.
        pooled: Whether there is a branch of max-pooling.
        dilations: Of the parallel convolutions; ``(1,)`` does without dilation.
        top_down: Whether coarse levels flow back down.
        knots: Shares of the length at which is pooled.
        width: Of the vector.
    """

    letters: int = 32
    channels: tuple[int, ...] = (48, 64, 96)
    widths: tuple[int, ...] = (1, 3, 5)
    pooled: bool = True
    dilations: tuple[int, ...] = (1, 2, 4, 8)
    top_down: bool = True
    knots: int = 4
    width: int = 64

    def __post_init__(self) -> None:
        if not self.channels or len(self.channels) > 3:
            raise ValueError(f"{len(self.channels)} levels: there are one to three")
        if min(self.letters, self.knots, self.width, *self.channels) < 1 or self.width > 64:
            raise ValueError(f"every size must be positive, and the width at most 64: {self}")

    @classmethod
    def from_json(cls, text: str) -> CharacterShape:
        """What :func:`save_network` wrote."""
        told = json.loads(text).items()
        sizes: dict[str, Any] = {key: tuple(one) if isinstance(one, list) else one for key, one in told}
        return cls(**sizes)


class CharacterNetwork(nn.Module):
    """*Shape:* (B, T) byte ids, T a multiple of 4 and above every length -> (B, width), unit rows."""

    def __init__(self, shape: CharacterShape | None = None, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.shape = shape = shape or CharacterShape()
        self.embed = nn.Embedding(256 + _FIRST_BYTE, shape.letters, padding_idx=PADDING)
        inputs = (shape.letters, *shape.channels)
        self.stems = nn.ModuleList(
            Inception(inputs[at], channels, shape.widths, stride=2 if at else 1, pooled=shape.pooled)
            for at, channels in enumerate(shape.channels)
        )
        self.contexts = nn.ModuleList(Dilated(channels, shape.dilations, dropout) for channels in shape.channels)
        steps = zip(shape.channels, shape.channels[1:], strict=False)
        self.laterals = nn.ModuleList(Lateral(fine, coarse) for fine, coarse in steps if shape.top_down)
        places = shape.knots + 2
        pooled = shape.channels[0] * (places + 1) + 2 * sum(shape.channels[1:])
        self.out = nn.Linear(pooled, shape.width)

    def forward(self, letters: Tensor) -> Tensor:
        valid = letters != PADDING
        x = self.embed(letters)
        levels: list[tuple[Tensor, Tensor]] = []
        for stem, context in zip(self.stems, self.contexts, strict=True):
            if levels:
                valid = valid[:, ::2]
            x = context(stem(x) * valid.unsqueeze(-1), valid) * valid.unsqueeze(-1)
            levels.append((x, valid))
        if self.shape.top_down:
            for at in reversed(range(len(levels) - 1)):
                fine, present = levels[at]
                down = self.laterals[at](fine, *levels[at + 1])
                levels[at] = (down * present.unsqueeze(-1), present)
        finest, present = levels[0]
        # Padding is 0 and there may be none at a coarse level, so what is below 0 counts as 0 everywhere.
        kept = [torch.bmm(_places(present, self.shape.knots).to(finest.dtype), finest).flatten(1)]
        kept.append(finest.amax(1).relu())
        for states, there in levels[1:]:
            kept += [states.sum(1) / there.sum(1, keepdim=True), states.amax(1).relu()]
        return nn.functional.normalize(self.out(torch.cat(kept, 1)).float(), dim=1)


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
    """Places of a padded sequence that holds so many bytes, two marks and at least one place of padding."""
    return (length + 2) // _FINEST * _FINEST + _FINEST


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
    from safetensors.torch import save

    halves = {name: one.detach().cpu().half().contiguous() for name, one in tensors.items()}
    header = {"format": FORMAT, "shape": json.dumps(asdict(shape)), **(metadata or {})}
    path.write_bytes(save(halves, metadata=header))


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
    try:
        with safe_open(path, framework="pt") as file:
            metadata = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118 no mapping
        if metadata.get("format") != FORMAT:
            raise ModelError(f"{path} is of format {metadata.get('format')!r}, not {FORMAT}: train it again")
        channel = {name.removeprefix(CHANNEL): tensors.pop(name) for name in [*tensors] if name.startswith(CHANNEL)}
        network = CharacterNetwork(CharacterShape.from_json(metadata["shape"]))
        network.load_state_dict(tensors)
    except (OSError, SafetensorError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise ModelError(
            f"the character network {path} cannot be loaded ({type(error).__name__}: {error}): "
            "reinstall Octavo, or train it with `octavo train character`"
        ) from error
    digest = hashlib.blake2b(metadata["shape"].encode(), digest_size=8)
    for name in sorted(tensors):  # not of the file: the order of a header's entries is left to chance
        digest.update(name.encode() + tensors[name].contiguous().numpy().tobytes())
    return LoadedCharacterNetwork(network.eval(), metadata, digest.hexdigest(), channel)
