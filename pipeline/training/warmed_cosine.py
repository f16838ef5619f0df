"""A learning rate that rises linearly and falls along a cosine to nothing (Loshchilov and Hutter, 2017)."""

from __future__ import annotations

import math


def warmed_cosine(highest: float, step: int, steps: int, warm_up: int) -> float:
    """The learning rate of a step, counted from 0."""
    return highest * min(1.0, (step + 1) / warm_up) * 0.5 * (1 + math.cos(math.pi * step / steps))
