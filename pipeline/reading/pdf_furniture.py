"""Running headers, footers and page numbers: lines that stand at the same place on page after page.

The numbers in a line are ignored when lines are compared ("Page 3 of 9"). A line that is nothing but a number is a page
number only if it counts along with the pages, so the last row of a table is safe. A table's header
that is printed anew on each page on which the table goes on is dropped there too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from ..document import BlockKind
from .pdf_draft import DraftBlock, EdgeLine, PageDraft

NEAR_PAGES = 12
"""A running header belongs to a chapter: its repetitions are looked for this many pages to either side."""
HEADER_ROWS = 3
"""A table's header has no more rows."""
SLOT = 6.0
"""Points within which two lines stand at the same height."""

_NUMBER = re.compile(r"\d+")
_ROMAN = re.compile(r"(?<![^\W_])[ivxlc]{1,7}(?![^\W_])", re.IGNORECASE)
_PAGE_OF = re.compile(
    r"[\W_]*(?:page|seite|página|pagina|стр\.?|p\.|s\.)?\s*\d+\s*(?:of|von|de|di|sur|из|/)\s*\d+[\W_]*$|[-–—]\s*\d+\s*[-–—]$|"
    r"(?:page|seite|página|pagina)\s+\d+$|第\s*\d+\s*[页頁]",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Furniture:
    """What was found to be no part of the text.

    Attributes:
        ranges: Page number -> ranges of its draft's text.
        samples: Distinct wordings with their number of pages, most frequent first.
    """

    ranges: dict[int, list[tuple[int, int]]]
    samples: list[tuple[str, int]]

    def remaining(self, draft: PageDraft) -> list[DraftBlock]:
        """The blocks of a page of which something is part of the text."""
        ranges = self.ranges.get(draft.number)
        return [block for block in draft.blocks if not (ranges and _covered(draft, block, ranges))]


def find(drafts: list[PageDraft], body: float) -> Furniture:
    """Finds the running lines of a document.

    Args:
        drafts: All pages, in order.
        body: Font size of the body text; larger print must be on most pages to be called a running line.
    """
    where: dict[tuple[str, int], list[int]] = {}  # page positions by wording and height
    lines: list[tuple[int, EdgeLine, str, str]] = []
    for at, draft in enumerate(drafts):
        for edge in draft.edges:
            text = draft.text[edge.start : edge.stop]
            key = _key(text)
            lines.append((at, edge, text, key))
            for wording in {key, text}:
                where.setdefault((wording, round(edge.place / SLOT)), []).append(at)
    ranges: dict[int, list[tuple[int, int]]] = {}
    dropped: Counter[str] = Counter()
    for at, edge, text, key in lines:
        slot = round(edge.place / SLOT)
        pages, same = (
            sorted({page for near in (slot - 1, slot, slot + 1) for page in where.get((wording, near), ())})
            for wording in (key, text)
        )
        others = [page for page in pages if page != at]
        if edge.cells and len(same) < 3 and not (len(others) > 1 and _counts(at, edge, text, others, drafts)):
            continue  # the figures in a table are what it says
        if _is_running(at, edge, text, key, pages, drafts, body):
            ranges.setdefault(drafts[at].number, []).append((edge.start, edge.stop))
    for draft in drafts:
        # A page with nothing else on it keeps its lines: they are its text.
        found = ranges.get(draft.number, [])
        rest = len("".join(draft.text.split())) - sum(len("".join(draft.text[a:b].split())) for a, b in found)
        if found and not rest:
            del ranges[draft.number]
        else:
            dropped.update(_NUMBER.sub("#", draft.text[a:b]) for a, b in found)
    found_all = Furniture(ranges, [])
    for draft, start, stop in _repeated_headers(drafts, found_all):
        ranges.setdefault(draft.number, []).append((start, stop))
        dropped[draft.text[start:stop]] += 1
    return Furniture(ranges, dropped.most_common())


def _covered(draft: PageDraft, block: DraftBlock, ranges: list[tuple[int, int]]) -> bool:
    at = block.start
    for start, stop in sorted(ranges):
        if start > at and draft.text[at:start].strip():
            return False
        at = max(at, stop)
        if at >= block.stop:
            return True
    return not draft.text[at : block.stop].strip()


def _repeated_headers(drafts: list[PageDraft], furniture: Furniture) -> Iterable[tuple[PageDraft, int, int]]:
    """Ranges of table headers which stand already above the same table's rows on a page before."""
    header: list[str] = []
    for draft in drafts:
        blocks = furniture.remaining(draft)
        leading = next((at for at, block in enumerate(blocks) if block.kind is not BlockKind.TABLE_ROW), len(blocks))
        rows = [draft.text[block.start : block.stop] for block in blocks[:leading]]
        same = 0
        for row, old in zip(rows, header, strict=False):
            if row != old or (same and _NUMBER.search(row)):
                break  # the second row of a header has no figures; two tables' data may begin alike
            same += 1
        if header and same < len(rows):
            yield from ((draft, block.start, block.stop) for block in blocks[:same])
        if not blocks or blocks[-1].kind is not BlockKind.TABLE_ROW:
            header = []
            continue
        opening = max((at for at, block in enumerate(blocks) if block.opens), default=0)
        if opening or not (header and same):
            header = [draft.text[block.start : block.stop] for block in blocks[opening : opening + HEADER_ROWS]]


def _key(text: str) -> str:
    folded = _NUMBER.sub("#", " ".join(text.casefold().split()))
    return _ROMAN.sub("#", folded) if len(folded) <= 12 else folded


def _is_running(
    at: int, edge: EdgeLine, text: str, key: str, pages: list[int], drafts: list[PageDraft], body: float
) -> bool:
    if _PAGE_OF.match(text.strip()):
        return True
    near = [page for page in pages if page != at and abs(page - at) <= NEAR_PAGES]
    if not any(char.isalpha() for char in key):
        return bool(near) and _counts(at, edge, text, near, drafts)
    if edge.size > 1.25 * body and len(pages) < 0.6 * len(drafts):
        return False
    if len(near) >= 2:
        return True
    return bool(near) and _counts(at, edge, text, near, drafts)


def _counts(at: int, edge: EdgeLine, text: str, near: list[int], drafts: list[PageDraft]) -> bool:
    """Whether a number in the line goes up by one a page, from here to a page where the line stands too."""
    own = _numbers(text)
    if not own:
        return False
    for page in near:
        for other in drafts[page].edges:
            if abs(other.place - edge.place) > 1.5 * SLOT:
                continue
            theirs = _numbers(drafts[page].text[other.start : other.stop])
            if any(there - here == page - at for here, there in zip(own, theirs, strict=False)):
                return True
    return False


def _numbers(text: str) -> list[int]:
    found = [int(number) for number in _NUMBER.findall(text) if len(number) < 6]
    if found or len(text) > 12:
        return found
    roman = _ROMAN.search(text)
    return [_from_roman(roman.group().lower())] if roman else []


def _from_roman(numeral: str) -> int:
    values = [{"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}[char] for char in numeral]
    return sum(-value if value < max(values[at + 1 :], default=0) else value for at, value in enumerate(values))
