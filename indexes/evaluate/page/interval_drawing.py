"""Means as dots on their intervals, a row each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .axis import Axis, around, tight
from .drawing import Drawing, text_width

_WIDTH, _ROW, _TOP = 860.0, 34.0, 12.0


@dataclass(frozen=True, slots=True)
class Bar:
    """A row: where its dot and the ends of its interval are, on the axis, and what stands beside it."""

    name: str
    mean: float
    low: float
    high: float
    said: str
    colour: str = "soft"
    strong: bool = False
    hollow: bool = False


def interval_drawing(
    title: str, bars: Sequence[Bar], label: str, unit: str, *, floor: float = 0, top: float = 100, signed: bool = False
) -> tuple[Drawing, Axis]:
    """The drawing, and its axis, which may not begin at zero.

    Args:
        unit: Behind each number of the axis.
        floor, top: Where the axis ends at the latest, unless ``signed``.
        signed: Numbers are changes: zero is on the axis, and they have a sign.
    """
    left = 26 + max(text_width(bar.name, strong=bar.strong) for bar in bars)
    right = _WIDTH - 24 - max(text_width(bar.said, strong=bar.strong) for bar in bars)
    bottom = _TOP + _ROW * len(bars)
    drawing = Drawing(_WIDTH, bottom + 48, title)
    ends = [end for bar in bars for end in (bar.low, bar.high)] + ([0.0] if signed else [])
    x = tight(ends, left, right) if signed else around(ends, left, right, floor=floor, top=top)
    for tick in x.ticks(6):
        drawing.line([(x(tick), _TOP), (x(tick), bottom)], "axis" if signed and tick == 0 else "rule")
        said = f"{tick:+g}".replace("-", "−") if signed and tick else f"{tick:g}"
        drawing.text((x(tick), bottom + 20), said + unit, "soft", anchor="middle")
    drawing.text(((left + right) / 2, bottom + 42), label, "soft", anchor="middle")
    for number, bar in enumerate(bars):
        y = _TOP + _ROW * (number + 0.5)
        drawing.text((left - 14, y + 5), bar.name, "strong" if bar.strong else "", anchor="end")
        if bar.mean == bar.mean:
            drawing.line([(x(bar.low), y), (x(bar.high), y)], "line thick", bar.colour)
            drawing.dot((x(bar.mean), y), 6.5, bar.colour, hollow=bar.hollow, tip=f"{bar.name}: {bar.said}")
        drawing.text((right + 14, y + 5), bar.said, "strong" if bar.strong else "soft")
    return drawing, x
