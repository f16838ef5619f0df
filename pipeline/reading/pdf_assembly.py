"""Drafts of all pages -> the document: headings found, running lines dropped, hyphens decided, positions final."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..document import Block, BlockKind, Page
from .pdf_characters import is_unspaced
from .pdf_draft import DraftBlock, PageDraft
from .pdf_furniture import Furniture

_WORDS = re.compile(r"[^\W\d_]+(?:[-\u2010][^\W\d_]+)*")
KEPT_PREFIXES = frozenset({"self", "non", "ex", "quasi", "anti", "all", "well"})
"""First halves after which a hyphen at a line's end is more often part of the word than not."""


@dataclass(frozen=True, slots=True)
class Assembly:
    """The parts of a document, and what was left out.

    Attributes:
        dropped: Wordings of running headers and footers, each with its number of pages.
    """

    text: str
    blocks: tuple[Block, ...]
    pages: tuple[Page, ...]
    dropped: list[tuple[str, int]]


def assemble(drafts: list[PageDraft], furniture: Furniture) -> Assembly:
    """Joins pages whose headings are marked. The drafts are used up: each loses its text and boxes when it is done.

    Args:
        furniture: What is left out.
    """
    _set_list_levels(drafts)
    keeps = hyphen_rule(drafts)
    parts: list[str] = []
    blocks: list[Block] = []
    pages: list[Page] = []
    length = 0
    last: DraftBlock | None = None
    for draft in drafts:
        text, boxes, kept = _cleaned(draft, furniture.ranges.get(draft.number, []), keeps)
        joint = "\n\n" if parts and text else ""
        start = length + len(joint)
        if parts and kept and last is not None and blocks:
            glue = _continuation(last, kept[0], parts[-1], text)
            if glue is not None:
                before = blocks.pop()
                start = length + len(glue)
                joint = glue
                kept[0].start = before.start - start
                kept[0].kind, kept[0].level, kept[0].mark = before.kind, before.level, 0
        if text:
            parts += [joint, text]
            length = start + len(text)
        boxes["start"] += start
        boxes["stop"] += start
        at = min(start, length)
        pages.append(Page(draft.number, at, length if text else at, draft.width, draft.height, boxes))
        blocks.extend(
            Block(block.start + block.mark + start, block.stop + start, block.kind, block.level) for block in kept
        )
        if kept:
            last = kept[-1]
        draft.text, draft.boxes, draft.blocks = "", boxes[:0], []
    return Assembly("".join(parts), tuple(blocks), tuple(pages), furniture.samples)


def _cleaned(
    draft: PageDraft, dropped: list[tuple[int, int]], keeps: Callable[[PageDraft, int], bool]
) -> tuple[str, np.ndarray, list[DraftBlock]]:
    """A draft without its running lines and dividing hyphens: text, boxes and blocks with new positions."""
    keep = np.ones(len(draft.text), bool)
    for start, stop in dropped:
        keep[start:stop] = False
    for at in draft.hyphens:
        if not keeps(draft, at):
            keep[at] = False
    place = np.full(len(draft.text) + 1, -1, np.int32)
    parts: list[str] = []
    blocks: list[DraftBlock] = []
    length = 0
    for block in draft.blocks:
        start, stop = block.start, block.stop
        while start < stop and (not keep[start] or draft.text[start].isspace()):
            start += 1
        while stop > start and (not keep[stop - 1] or draft.text[stop - 1].isspace()):
            stop -= 1
        if start + (block.mark if start == block.start else 0) >= stop:
            continue
        if parts:
            rows = block.kind is blocks[-1].kind is BlockKind.TABLE_ROW
            parts.append("\n" if rows else "\n\n")
            length += len(parts[-1])
        chosen = np.flatnonzero(keep[start:stop])
        place[start + chosen] = length + np.arange(len(chosen), dtype=np.int32)
        piece = draft.text[start:stop]
        parts.append(piece if len(chosen) == stop - start else "".join(np.array(list(piece))[chosen]))
        if start != block.start:
            block.mark = 0
        block.start, block.stop = length, length + len(chosen)
        length = block.stop
        blocks.append(block)
    boxes = draft.boxes
    count = np.concatenate(([0], np.cumsum(place[:-1] >= 0)))
    size = count[boxes["stop"]] - count[boxes["start"]]
    boxes = boxes[size > 0].copy()
    size = size[size > 0]
    boxes["start"] = place[boxes["start"]]
    boxes["stop"] = boxes["start"] + size
    return "".join(parts), boxes, blocks


def _continuation(last: DraftBlock, first: DraftBlock, before: str, text: str) -> str | None:
    """What joins a paragraph that goes on over the page's end to its other half; ``None`` where none does."""
    if not last.runs_on or first.kind is not BlockKind.PARAGRAPH or abs(last.size - first.size) > 0.05 * first.size:
        return None
    if last.kind not in (BlockKind.PARAGRAPH, BlockKind.LIST_ITEM) or last.bold != first.bold:
        return None
    begin = text[0]
    if is_unspaced(begin) and is_unspaced(before[-1]):
        return ""
    return " " if begin.islower() and before[-1] not in "-\u2010" else None


def hyphen_rule(drafts: list[PageDraft]) -> Callable[[PageDraft, int], bool]:
    """Decides for each hyphen at a line's end whether it is part of the word.

    It is where the document has the hyphenated form inside a line and not the joined one oftener, where both halves are
    words of the document, where the word has another hyphen already, or behind one of a few prefixes. Everywhere
    else the halves are joined.
    """
    wanted: set[str] = set()
    for draft in drafts:
        for at in draft.hyphens:
            left, right = _halves(draft.text, at)
            wanted |= {left + right, f"{left}-{right}", left, right}
    seen: dict[str, int] = {}
    if wanted:
        for draft in drafts:
            divided = set(draft.hyphens)
            for match in _WORDS.finditer(draft.text):
                word = match.group().casefold().replace("\u2010", "-")
                if word in wanted and not any(at in divided for at in range(match.start(), match.end())):
                    seen[word] = seen.get(word, 0) + 1

    def keeps(draft: PageDraft, at: int) -> bool:
        left, right = _halves(draft.text, at)
        joined, hyphenated = seen.get(left + right, 0), seen.get(f"{left}-{right}", 0)
        if joined != hyphenated:
            return hyphenated > joined
        if min(len(left), len(right)) >= 4 and not joined and seen.get(left) and seen.get(right):
            return True  # both halves are words of their own here: problem-solving, not sugges-tion
        return "-" in left or "-" in right or left in KEPT_PREFIXES or len(left) == 1

    return keeps


def _halves(text: str, at: int) -> tuple[str, str]:
    """The word before and behind the hyphen at ``at``, folded."""
    left = re.search(r"[^\W\d_]+(?:[-\u2010][^\W\d_]+)*$", text[max(0, at - 60) : at])
    right = _WORDS.match(text, at + 1)
    return (left.group().casefold() if left else "", right.group().casefold() if right else "")


def _set_list_levels(drafts: list[PageDraft]) -> None:
    """Depth of list items from how far they are indented within their list."""
    for draft in drafts:
        indents: list[float] = []
        for block in draft.blocks:
            if block.kind is not BlockKind.LIST_ITEM:
                indents = []
                continue
            while indents and block.left < indents[-1] - 0.6 * max(block.size, 1.0):
                indents.pop()
            if not indents or block.left > indents[-1] + 0.6 * max(block.size, 1.0):
                indents.append(block.left)
            block.level = len(indents)
