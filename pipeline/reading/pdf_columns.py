"""Reading order: the lines of a frame -> flows, each read from top to bottom before the next begins.

A gutter is a strip of white that separates text standing side by side. Lines which cross it (headings over
two columns, full-width paragraphs) cut the page into slabs; inside a slab the left side is read before the right,
and each side may hold gutters of its own. This is the recursive X-Y cut of Nagy and Seth (1984) with one change:
a cut across is made only where a line really crosses, so paragraphs that end at the same height in both columns do not
tear the columns apart. Strips inside tables and between list marks and their text are white too; such slabs
are left together and become rows (``pdf_tables``).
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from .pdf_lines import Line

MAX_LINES = 4000
"""A page with more runs than this is a map or a drawing: only sorted from top to bottom."""
MAX_GUTTERS = 12
"""Gutters tried per region, those with most left edges first."""


@dataclass(frozen=True, slots=True)
class Slab:
    """A stretch of the page between two crossing lines; ``crossing`` itself is one too, with no right side."""

    left: list[Line]
    right: list[Line]
    crossing: bool


def flows(lines: list[Line]) -> list[list[Line]]:
    """Splits the lines of one frame into flows in reading order.

    Returns:
        Lists of lines, each sorted by position; a flow may hold several lines side by side (rows).
    """
    if len(lines) > MAX_LINES:
        return [sorted(lines, key=lambda line: (line.base, line.x0))]
    found = [flow for flow in _cut(sorted(lines, key=lambda line: (line.top, line.x0)), 0) if flow]
    return found


def _cut(lines: list[Line], depth: int) -> list[list[Line]]:
    if len(lines) < 3 or depth > 12:
        return [lines]
    for gutter in _gutters(lines):
        slabs = _slabs(lines, gutter)
        columns = [slab for slab in slabs if not slab.crossing and _is_columns(slab)]
        if not columns:
            continue
        if len(slabs) > 1 and not any(_is_certain(slab) for slab in columns):
            continue
        parts: list[list[Line]] = []
        together: list[Line] = []
        for slab in slabs:
            if slab.crossing or slab not in columns:
                together.extend(slab.left + slab.right)
                continue
            left, right, below = _without_tail(slab)
            if together:
                parts.append(together)
            parts.extend((left, right))
            together = below
        if together:
            parts.append(together)
        return [flow for part in parts for flow in _cut(_sorted(part), depth + 1)]
    return [lines]


def _without_tail(slab: Slab) -> tuple[list[Line], list[Line], list[Line]]:
    """The sides of a slab, and what stands well below the shorter of them on the longer: it belongs to what follows."""
    ends = [max(line.bottom for line in side) for side in (slab.left, slab.right)]
    longer = _sorted(slab.left if ends[0] > ends[1] else slab.right)
    for at in range(len(longer) - 1, 0, -1):
        line, above = longer[at], max(other.bottom for other in longer[:at])
        if line.top < min(ends):
            break
        if line.top - above > 2.5 * line.size:
            kept, below = longer[:at], longer[at:]
            return (kept, slab.right, below) if ends[0] > ends[1] else (slab.left, kept, below)
    return slab.left, slab.right, []


def _sorted(lines: list[Line]) -> list[Line]:
    return sorted(lines, key=lambda line: (line.top, line.x0))


def beside(one: Line, other: Line) -> bool:
    """Whether two lines stand at the same height."""
    shared = min(one.bottom, other.bottom) - max(one.top, other.top)
    return shared > 0.5 * min(one.bottom - one.top, other.bottom - other.top)


def _gutters(lines: list[Line]) -> list[tuple[float, float]]:
    """Candidate strips ``(x0, x1)``: left of a left edge that has a line beside it, most frequent first."""
    votes: dict[int, list[float]] = {}
    for at, line in enumerate(lines):
        left_edge = line.x0
        for other in lines[max(0, at - 60) : at + 60]:
            # Touching heights are enough: columns need not share their base lines.
            if other.x1 <= left_edge and other.top < line.bottom and line.top < other.bottom:
                votes.setdefault(round(left_edge / 4), []).append(left_edge)
                break
    counted: list[tuple[int, float]] = []
    for key, edges in votes.items():
        near = edges + votes.get(key + 1, []) + votes.get(key - 1, [])
        counted.append((len(near), min(near)))
    counted.sort(key=lambda item: (-item[0], item[1]))
    size = median(line.size for line in lines)
    gutters: list[tuple[float, float]] = []
    for _, edge in counted:
        if all(abs(edge - known[1]) > 4 for known in gutters):
            gutters.append((edge - 0.6 * size, edge))
        if len(gutters) == MAX_GUTTERS:
            break
    return sorted(gutters, key=lambda gutter: -_balance(lines, gutter))


def _balance(lines: list[Line], gutter: tuple[float, float]) -> float:
    """How well a gutter divides: text height on its poorer side, less the crossing lines, plus a word for wide ones."""
    x0, x1 = gutter
    left = [line for line in lines if line.x1 <= x0 + 0.5]
    right = [line for line in lines if line.x0 >= x1 - 0.5]
    crossing = len(lines) - len(left) - len(right)
    if not left or not right:
        return -1.0
    width = min(line.x0 for line in right) - max(line.x1 for line in left)
    return min(len(left), len(right)) - 0.5 * crossing + min(width, 40.0) / 100


def _slabs(lines: list[Line], gutter: tuple[float, float]) -> list[Slab]:
    x0, x1 = gutter
    slabs: list[Slab] = []
    for line in sorted(lines, key=lambda item: item.top + item.bottom):
        side = 0 if line.x1 <= x0 + 0.5 else 1 if line.x0 >= x1 - 0.5 else 2
        if side == 2:
            if not slabs or not slabs[-1].crossing:
                slabs.append(Slab([], [], True))
            slabs[-1].left.append(line)
            continue
        if not slabs or slabs[-1].crossing:
            slabs.append(Slab([], [], False))
        (slabs[-1].right if side else slabs[-1].left).append(line)
    return slabs


def _is_columns(slab: Slab) -> bool:
    """Whether the two sides are read one after the other, rather than row by row."""
    left = [line for line in slab.left if line.rows is None]
    right = [line for line in slab.right if line.rows is None]
    if not left or not right:
        # A ruled table alone on its side is never a row of what stands beside it.
        return bool(slab.left and slab.right) and any(beside(one, other) for one in slab.left for other in slab.right)
    few, many = (left, right) if len(left) <= len(right) else (right, left)
    if len(few) == 1 and len(many) < 4:
        return False
    prose = min(_prose(left), _prose(right))
    if prose > 0.5 and min(_fill(left), _fill(right)) > 0.5:
        return True
    aligned = max(_aligned(left, right), _aligned(right, left))
    left_chars, right_chars = (median(len(line.text) for line in side) for side in (left, right))
    if min(left_chars, right_chars) <= 3 and aligned > 0.3:
        return False  # list marks, line numbers
    if aligned < 0.7:
        return not (len(few) <= 2 and min(left_chars, right_chars) < 12)
    if _digits(left) > 0.4 or _digits(right) > 0.4:
        return False
    if min(left_chars, right_chars) >= 18:
        return _fill(left) > 0.55 and _fill(right) > 0.5
    # Short lines on one grid: a table, unless both sides are alike and long, as in an index or a glossary.
    alike = min(left_chars, right_chars) / max(left_chars, right_chars) > 0.6
    return len(few) >= 12 and alike and left_chars > 8 and aligned < 0.98


def _is_certain(slab: Slab) -> bool:
    """Whether columns between crossing lines are no accident: three lines a side, or hardly anything but prose."""
    few = min(len(slab.left), len(slab.right))
    if few > 2 or few == 0:
        return few > 2
    top = max(min(line.top for line in side) for side in (slab.left, slab.right))
    bottom = min(max(line.bottom for line in side) for side in (slab.left, slab.right))
    return top < bottom and min(_prose(slab.left), _prose(slab.right)) > 0.8


def _aligned(side: list[Line], other: list[Line]) -> float:
    """Share of the heights at which ``side`` has a line where ``other`` has one too."""
    reach = 0.25 * median(line.size for line in side)
    theirs = {round(line.base / reach) for line in other} if reach > 0 else set()
    own = {round(line.base / reach) for line in side} if reach > 0 else set()
    return sum(any(base + step in theirs for step in (-1, 0, 1)) for base in own) / len(own) if own else 0.0


def _prose(lines: list[Line]) -> float:
    """Share of characters that stand in long lines."""
    total = sum(len(line.text) for line in lines)
    return sum(len(line.text) for line in lines if len(line.text) >= 28) / total if total else 0.0


def _digits(lines: list[Line]) -> float:
    """Share of lines that are mostly figures."""
    figures = sum(
        2 * sum(char.isdigit() or char in ".,%$€-+()" for char in line.text) > len(line.text) for line in lines
    )
    return figures / len(lines)


def _fill(lines: list[Line]) -> float:
    """How much of their column's width the lines take, on average over their characters."""
    x0 = min(line.x0 for line in lines)
    width = max(line.x1 for line in lines) - x0
    total = sum(len(line.text) for line in lines)
    filled = sum((line.x1 - line.x0) * len(line.text) for line in lines)
    return filled / total / width if width > 0 and total else 1.0
