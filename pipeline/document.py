"""What reading gives: a document's text, where each part of it stands on paper, and the spans cut from it.

Positions are half-open integers into ``Document.text``. For plain text and Markdown that text is the decoded
file itself, so the positions index the file. Pages and boxes are for people and are made at the edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from .scale import Scale


@dataclass(frozen=True, slots=True)
class Source:
    """Where a document came from.

    Attributes:
        uri: Absolute path of the file.
        media_type: IANA media type, found by content.
        sha256: Hexadecimal digest of the file's bytes.
    """

    uri: str
    media_type: str
    sha256: str

    def __post_init__(self) -> None:
        if not self.uri:
            raise ValueError("a source needs a uri")
        if "/" not in self.media_type:
            raise ValueError(f"{self.media_type!r} is no media type such as text/plain")
        if len(self.sha256) != 64:
            raise ValueError(f"{self.sha256!r} is no SHA-256 digest of 64 hexadecimal digits")


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a document says about itself; an empty string where it says nothing.

    Attributes:
        language: BCP 47 tag as stated by the file or, failing that, detected from the text.
        created, modified: ISO 8601, as precise as the file is.
    """

    title: str = ""
    author: str = ""
    language: str = ""
    created: str = ""
    modified: str = ""


class BlockKind(StrEnum):
    """What a block is on the page."""

    PARAGRAPH = "paragraph"
    HEADING = "heading"
    LIST_ITEM = "list_item"
    TABLE_ROW = "table_row"
    CODE = "code"
    CAPTION = "caption"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Block:
    """A run of text worth indexing; what stands between blocks (markup, front matter) is not.

    Attributes:
        start, stop: Characters of ``Document.text``.
        level: 1 to 6 for a heading, nesting depth from 1 for a list item, else 0.
    """

    start: int
    stop: int
    kind: BlockKind = BlockKind.PARAGRAPH
    level: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.stop:
            raise ValueError(f"block [{self.start}, {self.stop}) is empty or reversed")
        if self.kind is BlockKind.HEADING and not 1 <= self.level <= 6:
            raise ValueError(f"a heading's level is 1 to 6, not {self.level}")


BOXES_DTYPE = np.dtype([("start", "<i4"), ("stop", "<i4"), ("x0", "<f4"), ("y0", "<f4"), ("x1", "<f4"), ("y1", "<f4")])
"""One row a word: characters ``[start, stop)`` of ``Document.text`` (not of the page) and the box around them
in points from the page's upper left corner. Rows are sorted by ``start`` and do not overlap. In scripts
without spaces a row is one character."""

Boxes = npt.NDArray[np.void]


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """One page, slide or chapter.

    Attributes:
        number: From 1, as a viewer counts.
        start, stop: Characters of ``Document.text`` that stand on it; empty where the page has no text.
        width, height: In points; 0 where the format has no fixed page (EPUB chapters).
        boxes: Word boxes, see :data:`BOXES_DTYPE`; no rows where the format has none.
    """

    number: int
    start: int
    stop: int
    width: float = 0.0
    height: float = 0.0
    boxes: Boxes = field(default_factory=lambda: np.empty(0, BOXES_DTYPE))

    def __post_init__(self) -> None:
        if self.number < 1:
            raise ValueError(f"pages are numbered from 1, not {self.number}")
        if not 0 <= self.start <= self.stop:
            raise ValueError(f"page {self.number} spans [{self.start}, {self.stop})")
        if self.boxes.dtype != BOXES_DTYPE:
            raise ValueError(f"boxes of page {self.number} have dtype {self.boxes.dtype}, not BOXES_DTYPE")


TIMES_DTYPE = np.dtype([("start", "<i4"), ("stop", "<i4"), ("from", "<i8"), ("to", "<i8")])
"""One row a cue or word of a transcript: characters ``[start, stop)`` of ``Document.text`` are said in samples
``[from, to)`` of the recording (16 kHz). Rows are sorted by ``start`` and do not overlap in characters."""

Times = npt.NDArray[np.void]


@dataclass(frozen=True, slots=True)
class Flag:
    """Something a reader could not do, said aloud.

    Attributes:
        code: Stable reason code, for example ``page-without-text``, ``needs-ocr``, ``text-lost``, ``repaired``.
        detail: For people: which page, which value.
    """

    code: str
    detail: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """A parsed file: its whole text and where everything stands.

    Attributes:
        text: All of it as one string.
        blocks: In reading order, not overlapping.
        pages: In order, covering the text of paged formats; empty for formats without pages.
        flags: What is missing or doubtful.
        times: When the characters of a transcript are said, see :data:`TIMES_DTYPE`; no rows for other documents.

    Raises:
        ValueError: Blocks, pages or times overlap, are out of order, or reach past the text.
    """

    source: Source
    text: str
    blocks: tuple[Block, ...]
    pages: tuple[Page, ...] = ()
    metadata: Metadata = field(default_factory=Metadata)
    flags: tuple[Flag, ...] = ()
    times: Times = field(default_factory=lambda: np.empty(0, TIMES_DTYPE))

    def __post_init__(self) -> None:
        if self.times.dtype != TIMES_DTYPE:
            raise ValueError(f"times of a transcript have dtype {self.times.dtype}, not TIMES_DTYPE")
        if len(self.times):
            start, stop = self.times["start"], self.times["stop"]
            if np.any(start >= stop) or np.any(start[1:] < stop[:-1]) or int(stop[-1]) > len(self.text):
                raise ValueError("times of a transcript overlap, are out of order, or reach past its text")
            if np.any(self.times["from"] >= self.times["to"]) or int(self.times["from"].min()) < 0:
                raise ValueError("a cue of a transcript ends before it begins, or begins before the recording does")
        runs: tuple[tuple[str, Sequence[Block | Page]], ...] = (("block", self.blocks), ("page", self.pages))
        for kind, parts in runs:
            for left, right in pairwise(parts):
                if right.start < left.stop:
                    raise ValueError(
                        f"{kind} [{right.start}, {right.stop}) begins before [{left.start}, {left.stop}) ends"
                    )
            if parts and parts[-1].stop > len(self.text):
                raise ValueError(f"the last {kind} ends at {parts[-1].stop}, the text at {len(self.text)}")


@dataclass(frozen=True, slots=True)
class Span:
    """A node of a document's tree at one scale.

    Attributes:
        start, stop: Half-open, characters of ``Document.text``.
        parent: Position of the parent in the same list of spans; -1 for the document itself.
        label: Heading path of a section ("Manual > Errors"), otherwise empty.
    """

    scale: Scale
    start: int
    stop: int
    parent: int = -1
    label: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.stop:
            raise ValueError(f"{self.scale} span [{self.start}, {self.stop}) is empty or reversed")
        if self.parent < -1:
            raise ValueError(f"a span's parent is a position or -1, not {self.parent}")


Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in points from the page's upper left corner."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a span stands, for people.

    Attributes:
        page: From 1; ``None`` in formats without pages.
        boxes: One a line of print, on that page.
        start_seconds, stop_seconds: Time of the recording's file; ``None`` for documents.
    """

    page: int | None = None
    boxes: tuple[Box, ...] = ()
    start_seconds: float | None = None
    stop_seconds: float | None = None

    def __post_init__(self) -> None:
        if (self.start_seconds is None) != (self.stop_seconds is None):
            raise ValueError("a time range needs both ends")
        if self.start_seconds is not None and self.stop_seconds is not None and self.stop_seconds < self.start_seconds:
            raise ValueError(f"the time range {self.start_seconds} to {self.stop_seconds} s is reversed")
