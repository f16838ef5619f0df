"""Inception branches: several widths of view side by side."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Inception(nn.Module):
    """Convolutions of several widths and a pooled view of the same place, concatenated and mixed.

    After Szegedy et al., Going deeper with convolutions (2015), along time.

    *Shape:* (B, T, inputs) -> (B, T / stride, channels).

    Args:
        widths: Of the convolutions, odd. One width makes it a plain convolution.
        pooled: Add a branch of max-pooling and a projection.
    """

    def __init__(
        self, inputs: int, channels: int, widths: Sequence[int] = (3, 5, 9), *, stride: int = 1, pooled: bool = True
    ) -> None:
        super().__init__()
        branches = len(widths) + pooled
        share = channels // branches
        shares = [share] * (branches - 1) + [channels - share * (branches - 1)]
        self.convolutions = nn.ModuleList(
            nn.Conv1d(inputs, size, width, stride, width // 2) for width, size in zip(widths, shares, strict=False)
        )
        self.pool = nn.MaxPool1d(3, stride, 1) if pooled else None
        self.project = nn.Conv1d(inputs, shares[-1], 1) if pooled else None
        self.mix = nn.Linear(channels, channels)
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        x = x.transpose(1, 2)
        views = [convolution(x) for convolution in self.convolutions]
        if self.pool is not None and self.project is not None:
            views.append(self.project(self.pool(x)))
        seen = nn.functional.relu(torch.cat(views, 1).transpose(1, 2))
        mixed: Tensor = self.norm(self.mix(seen))
        return mixed
