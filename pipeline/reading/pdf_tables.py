"""Tables drawn with rules: strokes, boxes and shaded cells.

Rules first become segments, segments that touch become grids, and a grid's slots between which no rule is drawn
become one cell. PyMuPDF's ``find_tables`` does the same and more in 0.5 to 4 s a page (measured on
ten pages of the test set); this takes milliseconds, which decides over a handbook of 10,000 pages.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from statistics import median
from typing import Any

from .pdf_aligned import standing_for
from .pdf_blocks import EDGE
from .pdf_lines import Frame, Line, Move, Piece, TableRows

SNAP = 2.5
"""Points by which the ends of two rules that meet may miss each other."""
COLUMN_GAP = 12.0
"""Points of white between the shaded columns of one table."""
MAX_RULES = 3000
"""More vectors than this on a page are a drawing."""
HEADER_LINES = 3
"""Lines of print in a row standing alone."""
MAX_CELL_WORDS = 150
"""A cell with more words is a frame of the page's layout, not of a table."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A horizontal or vertical stroke: at ``place`` on one axis, from ``low`` to ``high`` on the other."""

    place: float
    low: float
    high: float


Content = list[tuple[float, float, Piece]]
"""Words of a cell with base line and start of the line each stands in."""

Grid = tuple[list[Rule], list[Rule]]
"""Horizontal and vertical rules that belong together."""


def rules(raw: dict[str, Any], move: Move, width: float, height: float) -> Grid:
    """Horizontal and vertical rules among a page's vectors (``TEXT_COLLECT_VECTORS``), in frame coordinates.

    The edges of boxes count too: many tables are drawn as boxes or as shaded cells.
    """
    across: list[Rule] = []
    down: list[Rule] = []
    vectors = [block for block in raw["blocks"] if block["type"] == 3]
    if len(vectors) > MAX_RULES:
        return [], []
    for vector in vectors:
        x0, y0, x1, y1 = move(tuple(vector["bbox"]))
        wide, high = x1 - x0, y1 - y0
        if wide > 0.98 * width and high > 0.98 * height:
            continue
        if high <= 3 and wide >= 6:
            across.append(Rule((y0 + y1) / 2, x0, x1))
        elif wide <= 3 and high >= 6:
            down.append(Rule((x0 + x1) / 2, y0, y1))
        elif vector["isrect"] and wide >= 8 and high >= 6:
            across += [Rule(y0, x0, x1), Rule(y1, x0, x1)]
            down += [Rule(x0, y0, y1), Rule(x1, y0, y1)]
    return _joined(across), _joined(down)


def _joined(strokes: list[Rule]) -> list[Rule]:
    """Strokes on one line that touch, as one."""
    merged: list[Rule] = []
    places: list[list[Rule]] = []
    for stroke in sorted(strokes, key=lambda rule: rule.place):
        if places and stroke.place - places[-1][0].place <= SNAP:
            places[-1].append(stroke)
        else:
            places.append([stroke])
    for group in places:
        place = sum(rule.place for rule in group) / len(group)
        low = high = None
        for rule in sorted(group, key=lambda item: item.low):
            if low is not None and high is not None and rule.low <= high + SNAP:
                high = max(high, rule.high)
                continue
            if low is not None and high is not None:
                merged.append(Rule(place, low, high))
            low, high = rule.low, rule.high
        if low is not None and high is not None:
            merged.append(Rule(place, low, high))
    return merged


def ruled_tables(frame: Frame, across: list[Rule], down: list[Rule]) -> None:
    """Replaces the lines inside ruled tables by one line a table, in place."""
    for grid in _grids(across, down):
        table = _table(frame, *grid)
        if table is None:
            continue
        line, inside = table
        frame.lines = [other for other in frame.lines if id(other) not in inside]
        frame.lines.append(line)


def _grids(across: list[Rule], down: list[Rule]) -> list[Grid]:
    """Groups of rules connected by crossings, those with at least two each way, large ones last."""
    parent = list(range(len(across) + len(down)))

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    if len(across) * len(down) > 250_000:
        return []
    for i, one in enumerate(across):
        for j, other in enumerate(down):
            if one.low - SNAP <= other.place <= one.high + SNAP and other.low - SNAP <= one.place <= other.high + SNAP:
                parent[root(i)] = root(len(across) + j)
    groups: dict[int, Grid] = {}
    for i, one in enumerate(across):
        groups.setdefault(root(i), ([], []))[0].append(one)
    for j, other in enumerate(down):
        groups.setdefault(root(len(across) + j), ([], []))[1].append(other)
    grids = _side_by_side([group for group in groups.values() if len(group[0]) >= 2 and len(group[1]) >= 2])
    grids = [group for group in grids if len(group[1]) >= 3]
    return sorted(grids, key=lambda group: sum(rule.high - rule.low for rule in group[0]))


def _side_by_side(grids: list[Grid]) -> list[Grid]:
    """Joins grids of one height with a narrow gap between them: a table whose columns are shaded one by one."""
    joined: list[Grid] = []
    for grid in sorted(grids, key=lambda item: min(rule.place for rule in item[1])):
        top, bottom = _extent(grid[1])
        left, _ = _extent(grid[0])
        for at, other in enumerate(joined):
            other_top, other_bottom = _extent(other[1])
            _, other_right = _extent(other[0])
            shared = min(bottom, other_bottom) - max(top, other_top)
            if 0 <= left - other_right <= COLUMN_GAP and shared > 0.8 * max(bottom - top, other_bottom - other_top):
                joined[at] = (other[0] + grid[0], other[1] + grid[1])
                break
        else:
            joined.append(grid)
    return joined


def _extent(strokes: list[Rule]) -> tuple[float, float]:
    return min(rule.low for rule in strokes), max(rule.high for rule in strokes)


def _places(strokes: list[Rule]) -> list[float]:
    found: list[float] = []
    for place in sorted(rule.place for rule in strokes):
        if not found or place - found[-1] > SNAP:
            found.append(place)
    return found


def _table(frame: Frame, across: list[Rule], down: list[Rule]) -> tuple[Line, set[int]] | None:
    """The table on a grid, and the ids of the lines it takes in; ``None`` where the grid is only decoration."""
    ys, xs = _places(across), _places(down)
    if len(ys) < 2 or len(xs) < 3:
        return None
    inside = [line for line in frame.lines if line.rows is None and _within(line, xs, ys)]
    if not inside:
        return None
    owner = _cells(across, down, xs, ys)
    cells: dict[tuple[int, int], Content] = {}
    reach: dict[tuple[int, int], tuple[float, tuple[int, int]]] = {}
    for line in sorted(inside, key=lambda item: item.base):
        for at, (piece, slot) in enumerate(zip(line.pieces, _slots(line, frame, xs, ys), strict=True)):
            # Where no rule is drawn between rows, text well below the last line begins a row all the same.
            last, cell = reach.get(owner[slot], (line.base, owner[slot]))
            if line.base - last > 2.0 * line.size:
                cell = (slot[0], owner[slot][1])
            reach[owner[slot]] = (line.base, cell)
            placed = piece if at else piece._replace(gap=True)
            cells.setdefault(cell, []).append((line.base, line.x0, placed))
    across_cells = Counter(cell for slot, cell in owner.items() if slot[0] == cell[0])
    frames = {
        cell
        for cell, content in cells.items()
        if len(content) > MAX_CELL_WORDS
        or (across_cells[cell] > 2 and len({round(base) for base, _, _ in content}) > 3)
    }
    if frames:
        # A large cell frames unruled text: that text is left to be read as if no rule were there.
        inside = [line for line in inside if not any(owner[slot] in frames for slot in _slots(line, frame, xs, ys))]
        cells = {cell: content for cell, content in cells.items() if cell not in frames}
    filled_columns = {column for _, column in cells}
    filled_rows = {row for row, _ in cells}
    if len(filled_columns) < 2 or (len(filled_rows) < 2 and not _torn_off(frame, inside, xs, ys)):
        return None
    rows: TableRows = []
    columns = sorted(filled_columns)
    for row in sorted(filled_rows):
        content = [
            sorted(cells.get((row, column), []), key=lambda item: (round(item[0] / 3), item[1])) for column in columns
        ]
        rows.extend(_printed_rows(content))
    low, high = min(row for row, _ in cells), max(row for row, _ in cells)
    return standing_for(rows, xs[0], ys[low], xs[-1], ys[high + 1], inside), {id(line) for line in inside}


def _torn_off(frame: Frame, row: list[Line], xs: list[float], ys: list[float]) -> bool:
    """Whether a single ruled row is the header of a table that begins overleaf, or the last row of one before.

    It stands first or last on the page, running lines aside, fits its words, and its print is no larger than that of
    the rest of the page: anything else is a panel or a banner.
    """
    others = [line for line in frame.lines if not any(line is own for own in row)]
    printed = len({round(line.base) for line in row})
    size = max(line.size for line in row)
    fits = ys[-1] - ys[0] < (1.4 * printed + 2) * size and xs[-1] - xs[0] < 0.95 * frame.width
    if not others or not fits or printed > HEADER_LINES or size > 1.2 * median(line.size for line in others):
        return False
    edge = EDGE * frame.height
    above = [line for line in others if line.base < ys[0] and (line.rows is not None or line.bottom > edge)]
    below = [
        line for line in others if line.base > ys[-1] and (line.rows is not None or line.top < frame.height - edge)
    ]
    beside = any(ys[0] <= line.base <= ys[-1] for line in others)
    return not beside and not (above and below)


def _slots(line: Line, frame: Frame, xs: list[float], ys: list[float]) -> list[tuple[int, int]]:
    """The slot of the grid in which each piece of a line stands."""
    row = _slot(ys, (line.top + line.bottom) / 2)
    boxes = [frame.move(piece.box) for piece in line.pieces]
    return [(row, _slot(xs, (box[0] + box[2]) / 2)) for box in boxes]


def _within(line: Line, xs: list[float], ys: list[float]) -> bool:
    middle = (line.top + line.bottom) / 2
    return xs[0] - SNAP <= line.x0 + 1 and line.x1 - 1 <= xs[-1] + SNAP and ys[0] <= middle <= ys[-1]


def _slot(places: list[float], value: float) -> int:
    for at in range(1, len(places)):
        if value < places[at]:
            return at - 1
    return len(places) - 2


def _cells(
    across: list[Rule], down: list[Rule], xs: list[float], ys: list[float]
) -> dict[tuple[int, int], tuple[int, int]]:
    """Slot -> the first slot of its cell; slots are one cell where no rule is drawn between them."""

    def drawn(strokes: list[Rule], place: float, middle: float) -> bool:
        return any(abs(rule.place - place) <= SNAP and rule.low <= middle <= rule.high for rule in strokes)

    owner: dict[tuple[int, int], tuple[int, int]] = {}
    for row in range(len(ys) - 1):
        for column in range(len(xs) - 1):
            middle_x, middle_y = (xs[column] + xs[column + 1]) / 2, (ys[row] + ys[row + 1]) / 2
            owner[row, column] = (row, column)
            if column and not drawn(down, xs[column], middle_y):
                owner[row, column] = owner[row, column - 1]
            elif row and not drawn(across, ys[row], middle_x):
                owner[row, column] = owner[row - 1, column]
    return owner


def _printed_rows(content: list[Content]) -> TableRows:
    """The rows printed between two horizontal rules: one, or as many as the columns have aligned base lines."""
    bases = [sorted({round(base) for base, _, _ in cell}) for cell in content if cell]
    most = max(bases, key=len)
    if len(bases) > 1 and len(most) > 3:
        others = [base for column in bases if column is not most for base in column]
        met = sum(any(abs(base - other) <= 2 for other in others) for base in most)
        if met > 0.7 * len(most):
            rows: TableRows = []
            for at, base in enumerate(most):
                upper = (base + most[at + 1]) / 2 if at + 1 < len(most) else float("inf")
                lower = (most[at - 1] + base) / 2 if at else float("-inf")
                rows.append([[piece for y, _, piece in cell if lower <= y < upper] for cell in content])
            return rows
    return [[[piece for _, _, piece in cell] for cell in content]]
