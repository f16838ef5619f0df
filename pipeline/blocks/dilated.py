"""Parallel dilated convolutions: near and far context at one resolution."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Dilated(nn.Module):
    """A residual block of convolutions of width 3 that run side by side, each with its own dilation.

    After Chen et al., Rethinking atrous convolution (2017): the atrous spatial pyramid, along time.

    *Shape:* (B, T, channels) -> the same.

    Attributes:
        reach: Frames on either side that a frame of the output depends on.
    """

    def __init__(self, channels: int, dilations: Sequence[int] = (1, 2, 4, 8), dropout: float = 0.1) -> None:
        super().__init__()
        share = channels // len(dilations)
        sizes = [share] * (len(dilations) - 1) + [channels - share * (len(dilations) - 1)]
        self.reach = max(dilations)
        self.norm = nn.LayerNorm(channels)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(channels, size, 3, padding=dilation, dilation=dilation)
            for dilation, size in zip(dilations, sizes, strict=True)
        )
        self.mix = nn.Linear(channels, channels)
        # Whole channels at a time: on a processor a mask for every number costs as much as the convolutions.
        self.dropout = nn.Dropout1d(dropout)

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:
        """
        Args:
            x: *Shape:* (B, T, channels).
            valid: Frames that are no padding, which counts as silence. *Shape:* (B, T), bool.
        """
        y = (self.norm(x) * valid.unsqueeze(-1)).transpose(1, 2)
        y = torch.cat([convolution(y) for convolution in self.convolutions], 1)
        mixed: Tensor = self.mix(self.dropout(nn.functional.relu(y)).transpose(1, 2))
        return x + mixed
