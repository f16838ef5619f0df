"""The way back up: coarse context added to fine detail, one step of a feature pyramid at a time."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Lateral(nn.Module):
    """One top-down step: the coarser level is doubled in rate and added to a projection of the finer one (the skip).

    After Lin et al., Feature pyramid networks (2017), and the skips of Ronneberger et al., U-Net (2015).

    *Shape:* fine (B, T, fine), coarse (B, ceil(T / 2), coarse) -> (B, T, fine).

    Args:
        skip: Without it the finer level's own features are dropped: for ablation.
    """

    def __init__(self, fine: int, coarse: int, *, skip: bool = True) -> None:
        super().__init__()
        self.down = nn.Linear(coarse, fine)
        self.side = nn.Linear(fine, fine) if skip else None

    def forward(self, fine: Tensor, coarse: Tensor, valid: Tensor) -> Tensor:
        """``valid``: coarse frames that are no padding. *Shape:* (B, ceil(T / 2)), bool."""
        down = double(self.down(coarse), valid)[:, : fine.shape[1]]
        return down if self.side is None else down + self.side(fine)


def double(x: Tensor, valid: Tensor) -> Tensor:
    """Twice the rate, linearly between the centres of frames; the ends are held. *Shape:* (B, T, C) -> (B, 2 T, C)."""
    before = torch.cat((x[:, :1], x[:, :-1]), 1)
    ends = torch.cat((~valid[:, 1:], torch.ones_like(valid[:, :1])), 1).unsqueeze(-1)
    after = torch.where(ends, x, x.roll(-1, 1))
    # The centres of the two new frames lie a quarter of a frame to either side of the old centre.
    return torch.stack((0.75 * x + 0.25 * before, 0.75 * x + 0.25 * after), 2).flatten(1, 2)
