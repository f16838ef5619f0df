"""A document cut into its tree of scales: document > section > paragraph > sentence."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from .document import Block, BlockKind, Document, Span
from .scale import DOCUMENT, PARAGRAPH, SECTION, SENTENCE, Scale
from .sentence_length import bounded, lines
from .sentences import sentences

SEGMENTER_VERSION: Final = "1"
"""Part of a document's fingerprint; changes whenever the same document would be cut differently."""

SECTION_SIZE: Final = 3400
"""About 800 tokens. Sizes count characters of a script with spaces, about 4.25 a token; see :func:`measure`."""
PARAGRAPH_SIZE: Final = 850
"""About 200 tokens."""

_LABEL_PART: Final = 120
"""A heading longer than this, in characters, is shortened in labels; its full text stands in the section."""

Size = Callable[[int, int], int]

_WIDE: Final = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1100, 0x11FF),
    (0x1780, 0x17FF),
    (0x3040, 0x30FF),
    (0x3130, 0x318F),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xAC00, 0xD7AF),
    (0xF900, 0xFAFF),
    (0xFF66, 0xFFDC),
    (0x1F000, 0x3FFFF),
)
"""First and last code points of characters that are about one token each."""
_STRIDE: Final = 1 << 20


class _Piece:
    """A stretch of one block that goes into a paragraph as a whole."""

    __slots__ = ("heading", "sentences")

    def __init__(self, heading: bool, spans: Sequence[tuple[int, int]]) -> None:
        self.heading = heading
        self.sentences = spans

    @property
    def start(self) -> int:
        return self.sentences[0][0]

    @property
    def stop(self) -> int:
        return self.sentences[-1][1]


_Paragraph = list[_Piece]


def measure(text: str) -> Size:
    """How much ``text[start:stop]`` will weigh in an encoder, without a tokenizer.

    Returns:
        A function of ``start`` and ``stop``. A letter of a script with spaces counts 1, a character of Chinese,
        Japanese, Korean, Thai and their like 4.25, since it is a token or near it.
    """
    wide = _wide_positions(text)
    if not wide:
        return lambda start, stop: stop - start

    def size(start: int, stop: int) -> int:
        inside = bisect_left(wide, stop) - bisect_left(wide, start)
        return stop - start + (13 * inside) // 4

    return size


def _wide_positions(text: str) -> array[int]:
    """Where the characters of :data:`_WIDE` stand: 4 bytes for each, none for the others."""
    positions = array("i")
    for at in range(0, 0 if text.isascii() else len(text), _STRIDE):
        part = text[at : at + _STRIDE]
        if part.isascii():
            continue
        codes = np.frombuffer(part.encode("utf-32-le", "surrogatepass"), "<u4")
        wide = np.zeros(len(codes), np.bool_)
        for first, last in _WIDE:
            wide |= (codes >= first) & (codes <= last)
        positions.frombytes((np.flatnonzero(wide) + at).astype(np.int32).tobytes())
    return positions


def cut(document: Document) -> list[Span]:
    """Cuts a document into spans.

    A section is what stands under one heading, the heading included; headings with nothing under them go with what
    follows. Sections past about 800 tokens are divided between paragraphs, in parts of like size. A paragraph is
    about 200 tokens: blocks packed together, or a long block divided between sentences. A heading and a table row are
    a sentence each.

    Returns:
        The tree in depth-first preorder: the document, then each section followed by its paragraphs, each followed by
        its sentences. Children lie inside parents, in order, without overlap; every character of a block that is not
        white space is in exactly one sentence. Empty where no block holds anything but white space.
    """
    text = document.text
    size = measure(text)
    spans: list[Span] = []
    first = last = -1
    for label, paragraphs in _sections(document, size):
        if first < 0:
            first = paragraphs[0][0].start
            spans.append(Span(DOCUMENT, first, first + 1))  # its end is known at the end
        last = paragraphs[-1][-1].stop
        parent = _add(spans, SECTION, paragraphs[0][0].start, last, 0, label)
        for paragraph in paragraphs:
            inner = _add(spans, PARAGRAPH, paragraph[0].start, paragraph[-1].stop, parent)
            for piece in paragraph:
                for start, stop in piece.sentences:
                    _add(spans, SENTENCE, start, stop, inner)
    if spans:
        spans[0] = Span(DOCUMENT, first, last)
    return spans


def _add(spans: list[Span], scale: Scale, start: int, stop: int, parent: int, label: str = "") -> int:
    spans.append(Span(scale, start, stop, parent, label))
    return len(spans) - 1


def _sections(document: Document, size: Size) -> Iterator[tuple[str, list[_Paragraph]]]:
    """Label and paragraphs of each section."""
    for label, blocks in _under_headings(document):
        paragraphs = _paragraphs(document.text, blocks, size)
        sizes = [size(paragraph[0].start, paragraph[-1].stop) for paragraph in paragraphs]
        for left, right in pairwise(_balanced(sizes, SECTION_SIZE)):
            yield label, paragraphs[left:right]


def _under_headings(document: Document) -> Iterator[tuple[str, list[Block]]]:
    """Groups blocks by the heading they stand under, leaving out blocks of white space.

    A heading directly followed by another opens no group of its own; headings at the very end close the last group.
    """
    path: list[tuple[int, str]] = []
    label = ""
    group: list[Block] = []
    headings_only = True
    pending: tuple[str, list[Block]] | None = None
    for block in document.blocks:
        content = document.text[block.start : block.stop]
        if content.isspace():
            continue
        if block.kind is BlockKind.HEADING:
            if not headings_only:
                if pending:
                    yield pending
                pending = (label, group)
                group, headings_only = [], True
            while path and path[-1][0] >= block.level:
                path.pop()
            path.append((block.level, _shortened(" ".join(content.split()))))
            label = " > ".join(title for _, title in path)
        else:
            headings_only = False
        group.append(block)
    if pending and group and headings_only:
        pending[1].extend(group)
        group = []
    if pending:
        yield pending
    if group:
        yield label, group


def _shortened(title: str) -> str:
    return title if len(title) <= _LABEL_PART else title[: _LABEL_PART - 1].rstrip() + "…"


def _paragraphs(text: str, blocks: Sequence[Block], size: Size) -> list[_Paragraph]:
    """Packs blocks, or the parts of long ones, until the next would pass the size of a paragraph."""
    paragraphs: list[_Paragraph] = []
    filled = 0
    for block in blocks:
        for piece in _pieces(text, block, size):
            weight = size(piece.start, piece.stop)
            # a heading stays with what it heads, even where that alone fills a paragraph
            joins = filled + weight <= PARAGRAPH_SIZE or (
                2 * filled <= PARAGRAPH_SIZE and paragraphs and all(part.heading for part in paragraphs[-1])
            )
            if paragraphs and joins:
                paragraphs[-1].append(piece)
                filled += weight
            else:
                paragraphs.append([piece])
                filled = weight
    if len(paragraphs) > 1:
        closing = size(paragraphs[-1][0].start, paragraphs[-1][-1].stop)
        joined = size(paragraphs[-2][0].start, paragraphs[-1][-1].stop)
        if 4 * closing < PARAGRAPH_SIZE and 4 * joined <= 5 * PARAGRAPH_SIZE:
            paragraphs[-2:] = [paragraphs[-2] + paragraphs[-1]]
    return paragraphs


def _pieces(text: str, block: Block, size: Size) -> Iterator[_Piece]:
    """The block in parts no longer than about a paragraph, divided between sentences."""
    heading = block.kind is BlockKind.HEADING
    if heading or block.kind is BlockKind.TABLE_ROW:
        spans = bounded(text, block.start, block.stop)
    elif block.kind is BlockKind.CODE:
        spans = lines(text, block.start, block.stop)
    else:
        spans = sentences(text, block.start, block.stop)
    if len(spans) == 1 or 5 * size(block.start, block.stop) <= 6 * PARAGRAPH_SIZE:
        yield _Piece(heading, spans)
        return
    for left, right in pairwise(_balanced([size(start, stop) for start, stop in spans], PARAGRAPH_SIZE)):
        yield _Piece(heading, spans[left:right])


def _balanced(sizes: Sequence[int], target: int) -> list[int]:
    """Bounds of consecutive groups of like total size, about as few as the target allows.

    Returns:
        *Length:* groups + 1, from 0 to ``len(sizes)``; no group is empty, and only one of a single member is larger
        than ten ninths of the target.
    """
    bounds = [0]
    rest = sum(sizes)
    filled = 0
    ideal = rest / max(1, -(-rest // target))
    for index, weight in enumerate(sizes):
        if filled and (filled + weight / 2 > ideal or 9 * (filled + weight) > 10 * target):
            bounds.append(index)
            rest -= filled
            filled = 0
            ideal = rest / max(1, -(-rest // target))
        filled += weight
    bounds.append(len(sizes))
    return bounds
