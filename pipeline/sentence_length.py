"""No sentence longer than an encoder can read: where to divide what has no sentence ends."""

from __future__ import annotations

import re

LONGEST = 600
"""No sentence is longer, in characters; in scripts without spaces a third of it."""

DENSE = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\uff66-\uff9f\U00020000-\U0003ffff"
)
"""Letters of scripts without spaces between words, as the inside of a character class."""
SPACELESS = re.compile(f"[{DENSE}]")
LINE_END = re.compile(r"\r\n?|[\n\v\f\x85\u2028]")
_CLAUSE_GAP = re.compile(r"(?<!\s)\s+(?=[\u0e00-\u0eff\u1780-\u17ff])")
_NO_TERMINATORS = re.compile(r"[\u0e00-\u0eff\u1780-\u17ff]")
_BREAKS = (
    re.compile(r"[;:；：][”\"')\]]*\s*|[。！？।]\s*"),
    re.compile(r"[,，、،|][”\"')\]]*\s*|\s[–—-]\s"),
    re.compile(r"\s+"),
)
_NOT_A_START = re.compile(
    r"[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0903\u093a-\u094f\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u200c\u200d"
    r"\ufe0f\U0001f3fb-\U0001f3ff]"
)
"""Marks that stand on the character before them."""


def bounded(text: str, start: int, stop: int) -> list[tuple[int, int]]:
    """Divides a stretch that is to stay whole only where it is longer than :data:`LONGEST`, and trims white space."""
    spans: list[tuple[int, int]] = []
    append_bounded(text, start, stop, spans)
    return spans


def lines(text: str, start: int, stop: int, target: int = 240) -> list[tuple[int, int]]:
    """Divides at line ends only, packing lines until the next would pass ``target`` characters: for program text."""
    spans: list[tuple[int, int]] = []
    left = right = start
    for end in [*LINE_END.finditer(text, start, stop), None]:
        line_stop = end.start() if end else stop
        if line_stop - left > target and right > left:
            append_bounded(text, left, right, spans)
            left = right
        right = end.end() if end else stop
    append_bounded(text, left, right, spans)
    return spans


def append_bounded(text: str, start: int, stop: int, spans: list[tuple[int, int]]) -> None:
    """Appends a sentence without white space around it, divided where it is too long."""
    while start < stop and text[start].isspace():
        start += 1
    while start < stop and text[stop - 1].isspace():
        stop -= 1
    if start == stop:
        return
    if stop - start > LONGEST // 4 and not text.isascii():
        if _NO_TERMINATORS.search(text, start, stop):
            _append_clauses(text, start, stop, spans)
            return
        longest = LONGEST
        if stop - start > LONGEST // 3 and len(SPACELESS.findall(text, start, stop)) * 2 > stop - start:
            longest = LONGEST // 3
    else:
        longest = LONGEST
    _divide_evenly(text, start, stop, longest, spans)


def _append_clauses(text: str, start: int, stop: int, spans: list[tuple[int, int]]) -> None:
    """Thai, Lao and Khmer have no terminator in common use and set a space between clauses."""
    left = start
    for gap in _CLAUSE_GAP.finditer(text, start, stop):
        if gap.end() - left >= LONGEST // 10 and stop - gap.end() >= LONGEST // 20:
            _divide_evenly(text, left, gap.end(), LONGEST // 3, spans)
            left = gap.end()
    _divide_evenly(text, left, stop, LONGEST // 3, spans)


def _divide_evenly(text: str, start: int, stop: int, longest: int, spans: list[tuple[int, int]]) -> None:
    while True:
        while start < stop and text[start].isspace():
            start += 1
        if stop - start <= longest:
            break
        parts = -(-(stop - start) // longest)
        ideal = start + (stop - start) // parts
        cut = _break_near(text, start + (ideal - start) // 2, ideal, start + longest)
        right = cut
        while right > start and text[right - 1].isspace():
            right -= 1
        spans.append((start, right))
        start = cut
    while stop > start and text[stop - 1].isspace():
        stop -= 1
    if start < stop:
        spans.append((start, stop))


def _break_near(text: str, low: int, ideal: int, high: int) -> int:
    """The best place to divide in ``(low, high]``: after ``;`` or ``:``, else after ``,``, else at white space."""
    for pattern in _BREAKS:
        ends = [match.end() for match in pattern.finditer(text, low, high)]
        if ends:
            return min(ends, key=lambda end: abs(end - ideal))
    cut = ideal
    while cut > low + 1 and _NOT_A_START.match(text, cut):
        cut -= 1
    return cut
