"""Spans of a sequence pooled by integer bounds, all at once, by sums that run along the sequence."""

from __future__ import annotations

import torch
from torch import Tensor


def pool_bins(x: Tensor, spans: Tensor, bins: int) -> Tensor:
    """Means over equal parts of spans, where a part may begin and end inside a frame.

    Args:
        x: *Shape:* (T, C).
        spans: First frame and frame behind the last. *Shape:* (n, 2), integers, not empty.

    Returns:
        *Shape:* (n, bins, C).
    """
    return bins_between(running_sums(x), spans, bins).to(x.dtype)


def running_sums(x: Tensor) -> Tensor:
    """Sums of all frames before each frame and of all. *Shape:* (T, C) -> (T + 1, C), float64.

    In float32 a sum over an hour of frames would swallow the difference of two neighbours.
    """
    return torch.cat((x.new_zeros((1, x.shape[1]), dtype=torch.float64), x.double().cumsum(0)))


def bins_between(sums: Tensor, spans: Tensor, bins: int) -> Tensor:
    """:func:`pool_bins` from sums that are there already. *Shape:* (T + 1, C), (n, 2) -> (n, bins, C)."""
    edges = torch.linspace(0, 1, bins + 1, device=sums.device, dtype=sums.dtype)
    start, stop = spans[:, :1].to(sums.dtype), spans[:, 1:].to(sums.dtype)
    at = start + (stop - start) * edges  # (n, bins + 1)
    low = at.floor().long().clamp(max=len(sums) - 2)
    here = sums[low] + (at - low).unsqueeze(-1) * (sums[low + 1] - sums[low])
    return (here[:, 1:] - here[:, :-1]) / ((stop - start) / bins).unsqueeze(-1)
