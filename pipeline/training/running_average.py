"""The running average of a network's weights, which is better than the weights of any one step."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor


def follow(average: Mapping[str, Tensor], weights: Mapping[str, Tensor], step: int, decay: float) -> None:
    """Moves the average towards the weights, in place (Polyak and Juditsky, 1992; with exponential decay).

    Args:
        step: Steps made. The first of them count more, so that the average soon forgets where it began.
        decay: What is kept of the average in a step, later on.
    """
    decay = min(decay, (1 + step) / (10 + step))
    with torch.no_grad():
        torch._foreach_lerp_(list(average.values()), list(weights.values()), 1 - decay)
