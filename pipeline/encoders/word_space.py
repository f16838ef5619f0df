"""One space for spoken and written words: windows of sound and sequences of phones as unit vectors.

Both sides are pooled into the same number of equal parts by the same code, so that the beginning of a word is compared
with the beginning of what was heard. Trained contrastively, after He et al., Multi-view recurrent neural acoustic word
embeddings (2017), with convolutions and pooled parts in place of recurrence.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from ..blocks.dilated import Dilated
from ..blocks.pooling import pool_bins
from ..phones import SYMBOLS

WIDTH: Final = 32
BINS: Final = 6
LONGEST: Final = 24
"""Phones of the longest sequence: about the longest window."""

_HIDDEN: Final = 320


class WindowEncoder(nn.Module):
    """Windows of sound.

    *Shape:* features (T, C) and phone log-probabilities (T, SYMBOLS), windows (n, 2) -> (n, WIDTH), unit rows.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.project = nn.Linear(BINS * (channels + SYMBOLS) + 1, _HIDDEN)
        self.out = nn.Sequential(nn.ReLU(), nn.Linear(_HIDDEN, _HIDDEN), nn.ReLU(), nn.Linear(_HIDDEN, WIDTH))

    def forward(self, features: Tensor, log_probabilities: Tensor, windows: Tensor) -> Tensor:
        return self.embed(pool_bins(heard(features, log_probabilities), windows, BINS), windows)

    def embed(self, parts: Tensor, windows: Tensor) -> Tensor:
        """Vectors of windows already pooled into parts. *Shape:* (n, BINS, C + SYMBOLS), (n, 2) -> (n, WIDTH)."""
        length = (windows[:, 1:] - windows[:, :1]).to(parts.dtype).log() - 3
        return nn.functional.normalize(self.out(self.project(torch.cat((parts.flatten(1), length), 1))), dim=1)


def heard(features: Tensor, log_probabilities: Tensor) -> Tensor:
    """What windows are pooled from. *Shape:* (T, C), (T, SYMBOLS) -> (T, C + SYMBOLS)."""
    # Probabilities, not logarithms: means of logarithms are ruled by what was not heard.
    return torch.cat((features, 4 * log_probabilities.exp()), 1)


class PhoneSequenceEncoder(nn.Module):
    """Written words, as their phones.

    *Shape:* (B, L) phone ids, padded with 0 -> (B, WIDTH), unit rows.
    """

    def __init__(self, channels: int = 128) -> None:
        super().__init__()
        self.embed = nn.Embedding(SYMBOLS, channels, padding_idx=0)
        self.blocks = nn.ModuleList(Dilated(channels, (1, 2), dropout=0.0) for _ in range(2))
        self.project = nn.Linear(BINS * channels + 1, _HIDDEN)
        self.out = nn.Sequential(nn.ReLU(), nn.Linear(_HIDDEN, _HIDDEN), nn.ReLU(), nn.Linear(_HIDDEN, WIDTH))

    def forward(self, phones: Tensor) -> Tensor:
        counts = (phones > 0).sum(1)
        x = self.embed(phones)
        for block in self.blocks:
            x = block(x, phones > 0)
        # All sequences in one long one: their spans are pooled as windows of sound are.
        starts = torch.arange(len(phones), device=phones.device) * phones.shape[1]
        parts = pool_bins(x.flatten(0, 1), torch.stack((starts, starts + counts), 1), BINS).flatten(1)
        length = counts.unsqueeze(1).to(parts.dtype).log() - 2
        return nn.functional.normalize(self.out(self.project(torch.cat((parts, length), 1))), dim=1)


def padded(sequences: list[tuple[int, ...]]) -> Tensor:
    """Phone sequences as one tensor; what is longer than :data:`LONGEST` is cut off. *Shape:* (n, L)."""
    longest = min(max(map(len, sequences), default=1), LONGEST)
    rows = torch.zeros(len(sequences), longest, dtype=torch.long)
    for row, phones in enumerate(sequences):
        kept = phones[:longest]
        rows[row, : len(kept)] = torch.tensor(kept)
    return rows
