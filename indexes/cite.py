"""From characters to the place on paper, the boxes of a span's own words, one a line of print; from samples to time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..pipeline.document import Box, Boxes, Page, Place
from ..pipeline.recording import SAMPLE_RATE
from ..pipeline.scale import Medium
from .hit import Citation

if TYPE_CHECKING:
    from .store.snapshot import Snapshot, StoredContent

_SAME_LINE = 0.5
"""Words share a line of print if they overlap by this share of the lower one's height."""
_COLUMN_GAP = 2
"""Heights of a line between two words that stand in different columns or cells; justified text has gaps of about 1."""


def cite(snapshot: Snapshot, content: StoredContent, start: int, stop: int, heading: str = "") -> Citation:
    """The citation of characters ``[start, stop)`` of a stored document, or of a recording's transcript."""
    return Citation(
        source=content.source,
        start=start,
        stop=stop,
        quote=snapshot.text(content.id, start, stop),
        places=_said(snapshot, content, start, stop)
        if content.samples
        else places(snapshot.pages(content.id, start, stop), start, stop),
        title=content.metadata.title,
        heading=heading,
    )


def cite_sound(snapshot: Snapshot, content: StoredContent, start: int, stop: int) -> Citation:
    """The citation of samples ``[start, stop)`` of a stored recording, with its transcript's words if it has any."""
    words = snapshot.said(content.id, start, stop) if content.text_length else None
    return Citation(
        source=content.source,
        start=start,
        stop=stop,
        quote=snapshot.text(content.id, *words) if words else "",
        places=(moment(content, start, stop),),
        title=content.metadata.title,
        medium=Medium.AUDIO,
    )


def moment(content: StoredContent, start: int, stop: int) -> Place:
    """Samples ``[start, stop)`` in seconds of the recording's file."""
    zero = content.start_us / 1e6
    return Place(start_seconds=zero + start / SAMPLE_RATE, stop_seconds=zero + stop / SAMPLE_RATE)


def _said(snapshot: Snapshot, content: StoredContent, start: int, stop: int) -> tuple[Place, ...]:
    """When characters of a transcript are said; a cue that reaches beyond them counts as a whole."""
    times = snapshot.times(content.id, start, stop)
    if not len(times):
        return ()
    return (moment(content, int(times["from"].min()), int(times["to"].max())),)


def places(pages: Sequence[Page], start: int, stop: int) -> tuple[Place, ...]:
    """Where characters ``[start, stop)`` stand, page by page."""
    return tuple(
        Place(page.number, lines(page.boxes[(page.boxes["start"] < stop) & (page.boxes["stop"] > start)]))
        for page in pages
    )


def lines(words: Boxes) -> tuple[Box, ...]:
    """Join the boxes of words that follow each other on one line of print.

    Args:
        words: In reading order, dtype :data:`octavo.pipeline.document.BOXES_DTYPE`.
    """
    if not len(words):
        return ()
    x0, y0, x1, y1 = (words[name].astype(np.float64) for name in ("x0", "y0", "x1", "y1"))
    overlap = np.minimum(y1[1:], y1[:-1]) - np.maximum(y0[1:], y0[:-1])
    height = np.minimum(y1[1:] - y0[1:], y1[:-1] - y0[:-1])
    # A word far off to the side is another column or cell, even at the same height.
    gap = np.maximum(x0[1:] - x1[:-1], x0[:-1] - x1[1:])
    same = (overlap >= _SAME_LINE * height) & (gap <= _COLUMN_GAP * np.maximum(height, 1e-6))
    firsts = np.flatnonzero(np.concatenate([[True], ~same]))
    return tuple(
        (round(float(a), 2), round(float(b), 2), round(float(c), 2), round(float(d), 2))
        for a, b, c, d in zip(
            np.minimum.reduceat(x0, firsts),
            np.minimum.reduceat(y0, firsts),
            np.maximum.reduceat(x1, firsts),
            np.maximum.reduceat(y1, firsts),
            strict=True,
        )
    )
