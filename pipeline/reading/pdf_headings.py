"""Which blocks of a document are headings, and of which level.

Evidence, strongest first: the file's own outline; print larger than the body; bold print in a body that is not;
capitals with numbering. Levels are the ranks of the print styles found this way, deepened by decimal numbering.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from ..document import BlockKind
from .pdf_draft import DraftBlock, PageDraft
from .pdf_furniture import Furniture

MAX_CHARS = 200
MAX_LINES = 4
LARGER = 1.1
"""Times the size of the body from which print counts as large."""

_NUMBERED = re.compile(
    r"(?:(?:chapter|section|appendix|part|kapitel|teil|anhang|chapitre)\s+)?(\d{1,2}(?:\.\d{1,2}){0,4}|[A-Z](?:\.\d{1,2})+|[IVX]{1,5}\.)\.?\s+\S",
    re.I,
)
_DECIMAL = re.compile(r"\d{1,2}(?:\.\d{1,2})+\.?\s+\S")
_CHAPTER = re.compile(r"第[\d一二三四五六七八九十百]+[章节節回部]")

Style = tuple[float, bool]
"""Size rounded to half points; bold."""


@dataclass(frozen=True, slots=True)
class Outline:
    """The file's own table of contents: page number -> folded title -> level."""

    entries: dict[int, dict[str, int]]

    def level(self, page: int, text: str) -> int:
        """Level of a heading that stands on ``page``, 0 if the outline does not name it."""
        titles = self.entries.get(page)
        if not titles:
            return 0
        folded = fold(text)
        return titles.get(folded) or titles.get(fold(_without_number(text))) or 0


def fold(text: str) -> str:
    """``text`` without case, white space and punctuation, for comparison."""
    return "".join(char for char in text.casefold() if char.isalnum())


def _without_number(text: str) -> str:
    return re.sub(r"^[\d.]+\s+", "", text)


def body_size(drafts: list[PageDraft]) -> float:
    """Font size of most characters of running text, 0 for a document without text."""
    sizes: Counter[float] = Counter()
    for draft in drafts:
        for block in draft.blocks:
            if block.kind in (BlockKind.PARAGRAPH, BlockKind.LIST_ITEM):
                # A long block is certainly body; a page of titles has none.
                sizes[round(block.size * 2) / 2] += (block.stop - block.start) * (3 if block.lines > 2 else 1)
    return sizes.most_common(1)[0][0] if sizes else 0.0


def mark_headings(drafts: list[PageDraft], body: float, outline: Outline, furniture: Furniture) -> None:
    """Turns paragraphs that are headings into ``HEADING`` blocks with a level, in place.

    Running headers and footers are none, and stand between no heading and its text.
    """
    total = bold = 0
    for draft in drafts:
        for block in draft.blocks:
            total += block.stop - block.start
            bold += (block.stop - block.start) * block.bold
    bold_body = 2 * bold > total
    found: list[tuple[DraftBlock, str, int]] = []
    blocks = [(draft, block) for draft in drafts for block in furniture.remaining(draft)]
    for at, (draft, block) in enumerate(blocks):
        if block.kind not in (BlockKind.PARAGRAPH, BlockKind.LIST_ITEM) or block.mark or block.spread:
            continue
        if block.lines > MAX_LINES or block.stop - block.start > MAX_CHARS:
            continue
        text = draft.text[block.start : block.stop]
        level = outline.level(draft.number, text)
        there, following = blocks[at + 1] if at + 1 < len(blocks) else (draft, None)
        if there is not draft and (not _DECIMAL.match(text) or text[-1].isdigit()):
            following = None  # the last line of a page is a footer rather than a heading, unless it says otherwise
        if level or _is_heading(text, block, following, body, bold_body):
            found.append((block, text, level))
    ranks = _ranks([(_style(block), level) for block, _, level in found])
    for block, text, level in found:
        block.kind = BlockKind.HEADING
        if not level:
            numbered = _NUMBERED.match(text)
            depth = numbered.group(1).count(".") + 1 if numbered and numbered.group(1)[-1] != "." else 1
            level = max(ranks[_style(block)], depth)
        block.level = min(level, 6)


def _ranks(found: list[tuple[Style, int]]) -> dict[Style, int]:
    """Level of each print style: that of most of its headings in the outline, else one below the next larger style.

    Args:
        found: Style of each heading, and its level in the outline or 0.
    """
    listed: dict[Style, Counter[int]] = {}
    for style, level in found:
        listed.setdefault(style, Counter()).update([level] if level else [])
    ranks: dict[Style, int] = {}
    deepest = 0
    for style in sorted(listed, reverse=True):
        known = listed[style].most_common(1)
        ranks[style] = known[0][0] if known else deepest + 1
        deepest = max(deepest, ranks[style]) if known else deepest + 1
    return ranks


def _style(block: DraftBlock) -> Style:
    return round(block.size * 2) / 2, block.bold


def _is_heading(text: str, block: DraftBlock, following: DraftBlock | None, body: float, bold_body: bool) -> bool:
    letters = sum(char.isalpha() for char in text)
    if letters < 2 or 2 * letters < len(text.replace(" ", "")) or not body:
        return False
    large = block.size >= LARGER * body
    bold = block.bold and not bold_body and block.size >= 0.95 * body
    numbered = _NUMBERED.match(text) is not None or _CHAPTER.match(text) is not None
    if block.kind is BlockKind.LIST_ITEM and not (numbered and (large or bold)):
        return False
    if text.rstrip()[-1] in ".,;" and not (numbered and large):
        return False
    if text[0].islower() and not numbered:
        return False
    if large:
        return block.size >= 1.25 * body or (len(text) <= 120 and text[-1] != ":" and (block.lines <= 2 or bold))
    # Print of the body's size needs text below it: a bold line before nothing is a table's or a form's.
    if following is None or following.kind is BlockKind.TABLE_ROW:
        return False
    if bold:
        return block.lines <= 2 and len(text) <= 120
    capitals = text.upper() == text and letters >= 4 and text.lower() != text
    return capitals and block.lines <= 2 and len(text) <= 80 and block.size >= 0.95 * body and not following.bold
