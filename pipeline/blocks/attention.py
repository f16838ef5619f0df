"""Windowed self-attention: every frame looks at all frames of its window, every second block at shifted windows."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class WindowedAttention(nn.Module):
    """A transformer block whose attention stays inside windows, with learned relative positions.

    After Liu et al., Swin transformer (2021), along time. A window is aligned to the beginning of the sequence, or
    half a window off; so the output at a frame depends on its own window alone, however long the sequence.

    *Shape:* (B, T, channels) -> the same.

    Args:
        window: Frames of a window, even.
        shifted: Windows begin half a window earlier.
    """

    def __init__(
        self, channels: int, heads: int = 4, *, window: int = 32, shifted: bool = False, dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.heads, self.window, self.shift = heads, window, window // 2 if shifted else 0
        self.norm = nn.LayerNorm(channels)
        self.project = nn.Linear(channels, 3 * channels)
        self.out = nn.Linear(channels, channels)
        self.relative = nn.Parameter(torch.zeros(heads, 2 * window - 1))
        self.widen = nn.Sequential(
            nn.LayerNorm(channels),
            nn.Linear(channels, 3 * channels),
            nn.ReLU(),
            nn.Linear(3 * channels, channels),
        )
        self.dropout = nn.Dropout1d(dropout)
        offsets = torch.arange(window)[None] - torch.arange(window)[:, None] + window - 1
        self.register_buffer("offsets", offsets, persistent=False)

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:
        """
        Args:
            x: *Shape:* (B, T, channels).
            valid: Frames that are no padding. *Shape:* (B, T), bool.
        """
        batch, frames, channels = x.shape
        window, before = self.window, self.shift
        after = -(frames + before) % window
        padded = nn.functional.pad(self.norm(x), (0, 0, before, after))
        present = nn.functional.pad(valid, (before, after)).view(-1, 1, 1, window)
        query, key, value = (
            part.reshape(-1, window, self.heads, channels // self.heads).transpose(1, 2)
            for part in self.project(padded).chunk(3, -1)
        )  # each (B x windows, heads, window, channels / heads)
        offsets: Tensor = self.offsets  # type: ignore[assignment]
        bias = self.relative[:, offsets].to(query.dtype)[None]
        # A window of nothing but padding attends to all of it: no row of the softmax may be empty.
        mask = bias.masked_fill(~(present | ~present.any(-1, keepdim=True)), -1e4)
        seen = nn.functional.scaled_dot_product_attention(query, key, value, mask)
        seen = seen.transpose(1, 2).reshape(batch, -1, channels)[:, before : before + frames]
        x = x + self.dropout(self.out(seen).transpose(1, 2)).transpose(1, 2)
        widened: Tensor = self.dropout(self.widen(x).transpose(1, 2)).transpose(1, 2)
        return x + widened
