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
    # float64: a sum over an hour of frames must not swallow the difference of two neighbours
    total = torch.cat((x.new_zeros((1, x.shape[1]), dtype=torch.float64), x.double().cumsum(0)))
    edges = torch.linspace(0, 1, bins + 1, device=x.device, dtype=torch.float64)
    start, stop = spans[:, :1].double(), spans[:, 1:].double()
    at = start + (stop - start) * edges  # (n, bins + 1)
    low = at.floor().long().clamp(max=len(x) - 1)
    here = total[low] + (at - low).unsqueeze(-1) * (total[low + 1] - total[low])
    width = ((stop - start) / bins).unsqueeze(-1)
    return ((here[:, 1:] - here[:, :-1]) / width).to(x.dtype)
