"""Where the characters of a text stand in a later version of it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

MOST_CELLS = 1 << 24
"""Characters of one stretch times those of the other: larger ones that changed are not compared letter by letter."""


class Alignment:
    """Old characters to new ones, by the longest common subsequence of lines, then of the letters between."""

    def __init__(self, old: str, new: str) -> None:
        self._blocks = list(_blocks(old, new))
        self._starts = [block[0] for block in self._blocks]

    def moved(self, start: int, stop: int) -> tuple[int, int] | None:
        """Characters ``[start, stop)`` of the old text in the new one; ``None`` if nothing is left of them.

        Of characters that were replaced, what replaced them.
        """
        first, last = self._edge(start, left=True), self._edge(stop - 1, left=False)
        return (first, last) if first < last else None

    def _edge(self, position: int, *, left: bool) -> int:
        """The new place before an old character, or after it; the edge of what replaced it."""
        at = bisect_right(self._starts, position) - 1
        if at < 0:
            return 0
        old, old_stop, new, new_stop, same = self._blocks[at]
        if position >= old_stop:
            return new_stop
        if same:
            return new + position - old + (0 if left else 1)
        return new if left else new_stop


Block = tuple[int, int, int, int, bool]
"""Half-open old, half-open new, and whether they are the same."""


def _blocks(old: str, new: str) -> Iterator[Block]:
    """Stretches that are the same and stretches that are not, in order, without gaps."""
    head = _alike(old, new)
    tail = _alike(old[head:][::-1], new[head:][::-1])
    if head:
        yield 0, head, 0, head, True
    end, new_end = len(old) - tail, len(new) - tail
    if head < end or head < new_end:
        yield from _between(old[head:end], new[head:new_end], head, head)
    if tail:
        yield end, len(old), new_end, len(new), True


def _alike(old: str, new: str) -> int:
    """Letters at the beginning that are the same."""
    return next((at for at, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))


def _between(old: str, new: str, at: int, new_at: int) -> Iterator[Block]:
    """Two stretches that differ, line by line, and where lines differ letter by letter."""
    from rapidfuzz.distance import Indel

    lines, new_lines = old.splitlines(keepends=True), new.splitlines(keepends=True)
    places, new_places = _ends(lines, at), _ends(new_lines, new_at)
    pending: list[Block] = []
    for code in Indel.opcodes(lines, new_lines):
        block = (
            places[code.src_start],
            places[code.src_end],
            new_places[code.dest_start],
            new_places[code.dest_end],
            code.tag == "equal",
        )
        if block[4]:
            yield from _replaced(pending, old, new, at, new_at)
            pending = []
            yield block
        else:
            pending.append(block)
    yield from _replaced(pending, old, new, at, new_at)


def _ends(lines: list[str], at: int) -> list[int]:
    """Where each line begins, and where the last one ends."""
    places = [at]
    for line in lines:
        places.append(places[-1] + len(line))
    return places


def _replaced(pending: list[Block], old: str, new: str, at: int, new_at: int) -> Iterator[Block]:
    """Lines that differ, letter by letter unless they are too many."""
    from rapidfuzz.distance import Levenshtein

    if not pending:
        return
    (first, _, new_first, _, _), (_, last, _, new_last, _) = pending[0], pending[-1]
    if (last - first) * (new_last - new_first) > MOST_CELLS or first == last or new_first == new_last:
        yield first, last, new_first, new_last, False
        return
    for code in Levenshtein.opcodes(old[first - at : last - at], new[new_first - new_at : new_last - new_at]):
        yield (
            first + code.src_start,
            first + code.src_end,
            new_first + code.dest_start,
            new_first + code.dest_end,
            code.tag == "equal",
        )
