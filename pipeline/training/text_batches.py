"""Batches for the text pyramid: some documents of one book, and questions on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..encoders.text_pyramid import QUESTION
from ..scale import DOCUMENT, PARAGRAPH, SECTION, SENTENCE, Scale
from .text_material import Book

Ints = npt.NDArray[np.int64]


class ShelvedBook:
    """A book on the device, with what belongs to each document."""

    def __init__(self, book: Book, device: str) -> None:
        self.book = book
        self.sums, self.whole, self.alone, self.asked = (
            torch.from_numpy(one).to(device) for one in (book.sums, book.whole, book.alone, book.asked)
        )
        self.bounds = np.searchsorted(book.document, np.arange(len(book.whole) + 1))
        self.document = book.document[book.first]


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Some documents and questions on them.

    Attributes:
        sums: Of their spans, then of the documents, then of the questions. *Shape:* (n, planes)
        rank: *Shape:* (n,)
        alone: The teacher's sums for spans and documents, and for questions. *Shape:* (n, width)
        answers: By scale, which of its units answer which question. *Shape of each:* (questions, units), bool
    """

    sums: Tensor
    rank: Tensor
    alone: Tensor
    answers: Mapping[Scale, Tensor]


def draw(
    books: Sequence[ShelvedBook], most_documents: int, most_questions: int, generator: np.random.Generator
) -> Batch:
    """Documents of one book, longer books more often, and questions on them."""
    sizes = np.array([len(book.book.whole) for book in books])
    shelved = books[int(generator.choice(len(books), p=sizes / sizes.sum()))]
    count = min(most_documents, len(shelved.book.whole))
    chosen = np.sort(generator.choice(len(shelved.book.whole), count, replace=False))
    return gathered(shelved, chosen, most_questions, generator)


def gathered(
    shelved: ShelvedBook, documents: Ints, most: int = 0, generator: np.random.Generator | None = None
) -> Batch:
    """Some documents of a book and questions on them; all questions without a generator."""
    book = shelved.book
    rows = np.concatenate([np.arange(*shelved.bounds[one : one + 2]) for one in documents])
    asked = np.flatnonzero(np.isin(shelved.document, documents))
    if generator is not None and len(asked) > most:
        asked = generator.choice(asked, most, replace=False)
    rank = np.concatenate((book.rank[rows], np.full(len(documents), DOCUMENT.rank), np.full(len(asked), QUESTION)))
    around = book.parent[book.first[asked]]
    answers = {
        SENTENCE: _within(np.flatnonzero(book.rank[rows] == SENTENCE.rank), rows, book.first[asked], book.last[asked]),
        PARAGRAPH: _within(np.flatnonzero(book.rank[rows] == PARAGRAPH.rank), rows, around, around),
        SECTION: _within(
            np.flatnonzero(book.rank[rows] == SECTION.rank), rows, book.parent[around], book.parent[around]
        ),
        DOCUMENT: documents[None] == shelved.document[asked][:, None],
    }
    answers[SENTENCE] &= book.exact[asked][:, None]
    device = shelved.sums.device
    sections = torch.from_numpy(np.flatnonzero(book.rank[rows] == SECTION.rank)).to(device)
    spans, questions = torch.from_numpy(rows).to(device), torch.from_numpy(asked).to(device)
    alone = shelved.alone[spans].float()
    home = torch.from_numpy(np.searchsorted(documents, book.document[rows])).to(device)
    whole = alone.new_zeros(len(documents), alone.shape[1]).index_add(0, home[sections], alone[sections])
    read = shelved.asked[questions].float()
    sums = (shelved.sums[spans].float(), shelved.whole[torch.from_numpy(documents).to(device)].float(), read)
    return Batch(
        torch.cat(sums),
        torch.from_numpy(rank).to(device),
        torch.cat((alone, whole, read[:, : alone.shape[1]])),
        {scale: torch.from_numpy(one).to(device) for scale, one in answers.items()},
    )


def _within(units: Ints, rows: Ints, first: Ints, last: Ints) -> npt.NDArray[np.bool_]:
    """Which of some rows lie between the first and the last. *Shape:* (questions, units)"""
    places = rows[units][None]
    inside: npt.NDArray[np.bool_] = (places >= first[:, None]) & (places <= last[:, None])
    return inside
