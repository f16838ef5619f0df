"""Documents as stretches of whole sections: parallel arrays of spans, and which token belongs to which."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..document import Span
from ..embed import Vectors
from ..scale import DOCUMENT, PARAGRAPH, SECTION, SENTENCE

CHARACTERS_PER_STRETCH = 1 << 18
"""What is tokenised, sorted by length and pooled together: long enough for full batches, short enough that
its sums (some 10 MB at width 384) do not matter."""

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Whole sections as parallel arrays, one row a span. *Shape of each:* (spans,)

    Attributes:
        document, position: Which document, and which of its spans.
        parent: Row in this stretch; -1 for sections.
    """

    document: Ints
    position: Ints
    rank: Ints
    start: Ints
    stop: Ints
    parent: Ints


def stretches(documents: Sequence[tuple[str, Sequence[Span]]]) -> Iterator[Stretch]:
    rows: list[tuple[int, int, int, int, int, int]] = []
    characters = 0
    for document, (_, spans) in enumerate(documents):
        shift = 0
        for position, span in enumerate(spans):
            if span.scale is DOCUMENT:
                continue
            if span.scale is SECTION:
                if characters >= CHARACTERS_PER_STRETCH:
                    yield Stretch(*np.array(rows, np.int64).T)
                    rows, characters = [], 0
                shift = len(rows) - position
                characters += span.stop - span.start
            parent = -1 if span.scale is SECTION else span.parent + shift
            rows.append((document, position, span.scale.rank, span.start, span.stop, parent))
    if rows:
        yield Stretch(*np.array(rows, np.int64).T)


def owners_of(stretch: Stretch, paragraph: int, offsets: Sequence[tuple[int, int]]) -> list[int]:
    """Row of the sentence in which each token begins; the paragraph's own row for tokens between sentences."""
    stop = paragraph + 1
    while stop < len(stretch.rank) and stretch.rank[stop] == SENTENCE.rank:
        stop += 1
    begins = np.array([begin for begin, _ in offsets], np.int64) + stretch.start[paragraph]
    rows = paragraph + np.searchsorted(stretch.start[paragraph + 1 : stop], begins, side="right")
    owners: list[int] = np.where(begins < stretch.stop[rows], rows, paragraph).tolist()
    return owners


def pieces(owners: Sequence[int], room: int) -> Iterator[tuple[int, int]]:
    """Divide a paragraph of more than ``room`` tokens, where possible between two sentences."""
    start = 0
    while len(owners) - start > room:
        stop = start + room
        border = next((i for i in range(stop, start + room // 2, -1) if owners[i] != owners[i - 1]), stop)
        yield start, border
        start = border
    if start < len(owners):
        yield start, len(owners)


def summed_up(sums: Vectors, stretch: Stretch) -> Vectors:
    """Sums of sentences, and of tokens between them, added up the tree, in place."""
    for scale in (SENTENCE, PARAGRAPH):
        children = np.flatnonzero(stretch.rank == scale.rank)
        np.add.at(sums, stretch.parent[children], sums[children])
    for scale in (PARAGRAPH, SENTENCE):
        # A span of nothing but characters that the tokenizer drops has no states: its parent speaks for it.
        mute = np.flatnonzero((stretch.rank == scale.rank) & ~sums.any(axis=1))
        sums[mute] = sums[stretch.parent[mute]]
    return sums
