"""Tables that only alignment makes: rows whose parts stand in columns, without a rule drawn."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from .pdf_lines import LIST_MARK, Line, Piece, TableRows


def standing_for(rows: TableRows, x0: float, top: float, x1: float, bottom: float, lines: Sequence[Line]) -> Line:
    """The line that stands for a table made of ``lines``."""
    size = median(line.size for line in lines)
    return Line([], x0, top, x1, bottom, bottom, size, rows=rows)


def aligned_tables(rows: list[list[Line]]) -> list[list[Line]]:
    """Runs of rows whose parts stand in columns become one line a table; the other rows stay as they are.

    Args:
        rows: Of one flow, each the lines standing side by side, sorted by x.
    """
    done: list[list[Line]] = []
    at = 0
    while at < len(rows):
        run = _run(rows, at)
        if run > at:
            done.append([_aligned(rows[at:run])])
            at = run
        else:
            done.append(rows[at])
            at += 1
    return done


def _run(rows: list[list[Line]], start: int) -> int:
    """End of the table that begins at row ``start``; ``start`` where none does."""
    if len(rows[start]) < 2 or any(line.rows for line in rows[start]):
        return start
    bands: list[list[float]] = []
    stop, several = start, 0
    for at in range(start, len(rows)):
        row = rows[at]
        if any(line.rows for line in row):
            break
        if at > start and row[0].top - max(line.bottom for line in rows[at - 1]) > 3.5 * row[0].size:
            break
        trial = _bands(bands, row)
        if trial is None:
            break
        if len(row) == 1:
            if _covers(bands, row[0]) != 1:
                break
            first_only = len(bands) < 2 or row[0].x0 < bands[1][0]
            if first_only and [len(later) for later in rows[at + 1 : at + 3]] == [1, 1]:
                break  # text goes on below the table
            if not first_only and stop == at and row[0].top - rows[at - 1][0].bottom < 0.8 * row[0].size:
                stop = at + 1  # the last row's cell goes on
        bands = trial
        if len(row) > 1:
            several += 1
            stop = at + 1
    first = [row[0].text for row in rows[start:stop] if len(row) > 1]
    if several < 3 or len(bands) < 2 or all(LIST_MARK.match(text) for text in first):
        return start
    return stop if 3 * several >= stop - start else start


def _covers(bands: list[list[float]], line: Line) -> int:
    return sum(line.x0 < band[1] and line.x1 > band[0] for band in bands)


def _bands(bands: list[list[float]], row: list[Line]) -> list[list[float]] | None:
    """The columns' x ranges widened by one more row; ``None`` where that would melt two of them into one."""
    wider = [list(band) for band in bands]
    for line in row:
        hit = [band for band in wider if line.x0 < band[1] and line.x1 > band[0]]
        if len(hit) > 1:
            return None
        if hit:
            hit[0][0], hit[0][1] = min(hit[0][0], line.x0), max(hit[0][1], line.x1)
        else:
            wider.append([line.x0, line.x1])
    wider.sort()
    if any(right[0] < left[1] for left, right in pairwise(wider)):
        return None
    return wider


def _aligned(rows: list[list[Line]]) -> Line:
    bands: list[list[float]] = []
    for row in rows:
        bands = _bands(bands, row) or bands
    table: TableRows = []
    for row in rows:
        cells: list[list[Piece]] = [[] for _ in bands]
        for line in row:
            hits = [at for at, band in enumerate(bands) if line.x0 < band[1] and line.x1 > band[0]]
            cell = cells[hits[0] if hits else 0]
            cell.extend([line.pieces[0]._replace(gap=True), *line.pieces[1:]])
        if len(row) == 1 and table and not cells[0]:
            # A second line of a cell above: the row goes on.
            for above, cell in zip(table[-1], cells, strict=True):
                above.extend(cell)
        else:
            table.append(cells)
    lines = [line for row in rows for line in row]
    return standing_for(
        table,
        min(line.x0 for line in lines),
        min(line.top for line in lines),
        max(line.x1 for line in lines),
        max(line.bottom for line in lines),
        lines,
    )
