"""An axis: from values to pixels, with round ticks."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Axis:
    """Values ``low`` to ``high`` on pixels ``first`` to ``last``.

    Attributes:
        logarithmic: Equal ratios are equally long.
    """

    low: float
    high: float
    first: float
    last: float
    logarithmic: bool = False

    def __post_init__(self) -> None:
        if not self.low < self.high or (self.logarithmic and self.low <= 0):
            raise ValueError(f"an axis from {self.low} to {self.high}")

    def __call__(self, value: float) -> float:
        low, high = self.low, self.high
        if self.logarithmic:
            value, low, high = math.log(value), math.log(low), math.log(high)
        return self.first + (value - low) / (high - low) * (self.last - self.first)

    def ticks(self, about: int = 5) -> list[float]:
        """Multiples of 1, 2, 2.5 or 5 times a power of ten inside the axis (Heckbert 1990, nice numbers)."""
        step = _step((self.high - self.low) / about)
        first = math.ceil(self.low / step - 1e-9)
        count = math.floor(self.high / step + 1e-9) - first + 1
        return [round((first + at) * step, 12) + 0.0 for at in range(count)]


def tight(values: Iterable[float], first: float, last: float) -> Axis:
    """An axis that holds all values with little room beside them."""
    known = [value for value in values if math.isfinite(value)] or [0.0]
    low, high = min(known), max(known)
    room = 0.04 * (high - low) or 0.5
    return Axis(low - room, high + room, first, last)


def around(
    values: Iterable[float], first: float, last: float, *, floor: float = -math.inf, top: float = math.inf
) -> Axis:
    """An axis that holds all values, widened to round ends, never beyond ``floor`` and ``top``.

    It does not begin at zero where that would hide the differences; whoever draws it says so.
    """
    known = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(known), max(known)
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    step = _step((high - low) / 5)
    low, high = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
    low, high = max(low, floor), min(high, top)
    if floor == 0 and low < 0.35 * high:
        low = 0.0  # so little would be won by cutting the axis
    if not low < high:
        low, high = max(low - 1, floor), max(low - 1, floor) + 2
    return Axis(low, high, first, last)


def _step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * nice for nice in (1, 2, 2.5, 5, 10) if power * nice >= rough * (1 - 1e-9))
