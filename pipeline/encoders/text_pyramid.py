"""Pooled token states of spans -> unit vectors: laterals at every scale of the pyramid of sums that pooling makes.

Bottom-up are the sums of token states: sentences into paragraphs, those into sections, those into documents. A lateral
reads three of them for each span: the plain sum, one in which frequent words count less, and one of the words' input
vectors, which know nothing of their neighbours (a last layer's states all speak of the whole window). Everything is
added to plain pooling and begins as nothing: untrained, it is plain pooling in other coordinates. A way back down and
attention between sentences were tried and gained nothing (``docs/log.md``).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from ..scale import DOCUMENT, PARAGRAPH, SECTION, SENTENCE
from .weights_file import loading, read_weights, weights_digest, write_weights

FORMAT: Final = "octavo-text-1"
WIDTHS: Final = (64, 128, 256)
"""Lengths at which a vector may be cut off, besides its whole."""

QUESTION: Final = 0
"""Stands for questions where the ranks of scales stand for spans."""
_HEADS: Final = ((QUESTION,), (SENTENCE.rank,), (PARAGRAPH.rank, SECTION.rank, DOCUMENT.rank))
"""Ranks that share a head: there are too few sections and documents to teach them one of their own."""


@dataclass(frozen=True, slots=True)
class PyramidShape:
    """Size of the network.

    Attributes:
        width: Of a token state and of a vector.
        static: Of a word's input vector.
        vocabulary: Words that the transformer knows.
        channels: Of the pyramid's own levels; 0 leaves plain pooling, turned so that it may be cut off.
    """

    width: int
    static: int
    vocabulary: int
    channels: int = 96

    def __post_init__(self) -> None:
        if min(self.width, self.static, self.vocabulary) < 1 or self.channels < 0:
            raise ValueError(f"every size must be positive: {self}")

    @property
    def plane_widths(self) -> tuple[int, ...]:
        """Numbers of each of the sums of a span that go in."""
        return (self.width, self.width, self.static) if self.channels else (self.width,)

    @property
    def planes(self) -> int:
        """Numbers of a span that go in."""
        return sum(self.plane_widths)


class TextPyramid(nn.Module):
    """See the module. Attributes that training sets beforehand:

    token_weights: What each word of the vocabulary counts. *Shape:* (vocabulary,)
    static_centre: The mean of words' input vectors. *Shape:* (static,)
    turn: Coordinates in which the first numbers tell most. *Shape:* (width, width)
    """

    token_weights: Tensor
    static_centre: Tensor

    def __init__(self, shape: PyramidShape) -> None:
        super().__init__()
        self.shape = shape
        self.register_buffer("token_weights", torch.ones(shape.vocabulary))
        self.register_buffer("static_centre", torch.zeros(shape.static))
        self.turn = nn.Parameter(torch.eye(shape.width))
        if not shape.channels:
            return
        self.mix = nn.ModuleList(nn.Linear(shape.planes, shape.width, bias=False) for _ in _HEADS)
        self.lateral = nn.ModuleList(nn.Linear(shape.planes, shape.channels) for _ in _HEADS)
        self.out = nn.ModuleList(nn.Linear(shape.channels, shape.width, bias=False) for _ in _HEADS)
        self.norm = nn.LayerNorm(shape.channels)
        for part in (*self.mix, *self.out):
            nn.init.zeros_(part.weight)

    def planes(self, states: Tensor, ids: Tensor, words: Tensor) -> tuple[Tensor, ...]:
        """What is summed up over the tokens of a span.

        Args:
            states: *Shape:* (n, width).
            ids: *Shape:* (n,).
            words: Input vectors of all words. *Shape:* (vocabulary, static)
        """
        if not self.shape.channels:
            return (states,)
        weights = self.token_weights[ids].unsqueeze(-1)
        return states, states * weights, (words[ids].float() - self.static_centre) * weights

    def forward(self, sums: Tensor, rank: Tensor) -> Tensor:
        """Vectors of spans or questions.

        Args:
            sums: *Shape:* (n, planes).
            rank: Ranks of scales, or 0 for questions. *Shape:* (n,)

        Returns:
            *Shape:* (n, width), unit rows.
        """
        if not self.shape.channels:
            return nn.functional.normalize(sums[:, : self.shape.width] @ self.turn.T, dim=1)
        parts = [nn.functional.normalize(part, dim=1) for part in sums.split(self.shape.plane_widths, 1)]
        seen = torch.cat(parts, 1)
        made = parts[0]
        for ranks, mix, lateral, out in zip(_HEADS, self.mix, self.lateral, self.out, strict=True):
            own = torch.nonzero(torch.isin(rank, torch.tensor(ranks, device=rank.device))).squeeze(1)
            x = nn.functional.gelu(self.norm(lateral(seen[own])))
            made = made.index_add(0, own, mix(seen[own]) + out(x))
        return nn.functional.normalize(made @ self.turn.T, dim=1)


def cut_to(vectors: Tensor, width: int) -> Tensor:
    """The first numbers of vectors, as unit vectors again. *Shape:* (n, any) -> (n, width)."""
    return nn.functional.normalize(vectors[:, :width], dim=1)


def save_pyramid(
    tensors: dict[str, Tensor], shape: PyramidShape, path: Path, model: str, digest: str, metadata: dict[str, str]
) -> None:
    """Write weights as 16-bit floats; the transformer that they belong to is named, not held.

    Args:
        model, digest: Name of the transformer, and the digest of its weights and vocabulary.
    """
    header = {"format": FORMAT, "shape": json.dumps(asdict(shape)), "model": model, "digest": digest, **metadata}
    write_weights(tensors, path, header)


@dataclass(frozen=True, slots=True)
class LoadedPyramid:
    """A pyramid in evaluation mode, what its file says about itself, and a digest of shape and weights."""

    pyramid: TextPyramid
    metadata: dict[str, str]
    digest: str


def load_pyramid(path: Path) -> LoadedPyramid:
    """Read weights written by :func:`save_pyramid`.

    Raises:
        ModelError: The file is not there, is damaged, or is of another format.
    """
    advice = "name a pyramid that `octavo train text` made, or the folder of a transformer"
    with loading("text pyramid", path, "octavo train text"):
        metadata, tensors = read_weights(path, {"format": FORMAT}, advice)
        told: dict[str, Any] = json.loads(metadata["shape"])
        pyramid = TextPyramid(PyramidShape(**told))
        pyramid.load_state_dict(tensors)
    return LoadedPyramid(pyramid.eval(), metadata, weights_digest(metadata["shape"], tensors))
