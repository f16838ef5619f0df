"""What speaks for each sentence of the sections that hold candidates: exact scores at every scale.

Candidates come from every index; then every sentence around them is scored at every scale it is part of, so that
no scale's evidence is missing because another scale's index did not propose the span.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..pipeline.scale import CHARACTER, DOCUMENT, PARAGRAPH, SECTION, SENTENCE, Scale
from .expand import QueryTerm
from .families import Relatives
from .store.bm25 import BM25_B, BM25_K1, inverse_document_frequency

if TYPE_CHECKING:
    from .names import Names
    from .store.snapshot import Snapshot, SpanRows

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

CANDIDATES = {SENTENCE: 100, PARAGRAPH: 50, SECTION: 10, DOCUMENT: 5}
LEXICAL_CANDIDATES = 50
NEAREST_NAMED = 10
"""Paragraphs taken from the documents that a question names, whatever else proposes them."""
WINDOW_CHARACTERS = (425, 1700)
"""Widths of the windows around a sentence: half of a paragraph and half of a section, the steps between our scales."""

LEXICAL, WINDOW = "lexical", "window"
"""Names under which exact words and the windows between two scales are credited in ``Hit.contributions``."""


@dataclass(frozen=True, slots=True, eq=False)
class Universe:
    """Whole sections in the order of the catalog: the sentences that can be cited and what holds them.

    Attributes:
        spans: Sections and everything in them, ids rising.
        sentence, paragraph, section: Rows of ``spans``. *Shape:* (n,), one a sentence.
        start, stop, content: Of each sentence. *Shape:* (n,)
        run: Number of the unbroken run of neighbouring sections of one document that a sentence is in. *Shape:* (n,)
    """

    spans: SpanRows
    sentence: Ints
    paragraph: Ints
    section: Ints
    start: Ints
    stop: Ints
    content: Ints
    run: Ints

    @classmethod
    def of(cls, spans: SpanRows) -> Universe:
        """Lay out the subtrees of some sections."""
        sentence = np.flatnonzero(spans.rank == SENTENCE.rank)
        paragraph = np.searchsorted(spans.id, spans.parent[sentence])
        section = np.searchsorted(spans.id, spans.parent[paragraph])
        rows = np.flatnonzero(spans.rank == SECTION.rank)
        broken = np.ones(len(rows), bool)
        broken[1:] = spans.id[rows[1:]] != spans.last[rows[:-1]] + 1
        # Adjacent ids of two documents are no neighbours: a document's own span lies between them.
        run_of_section = np.zeros(len(spans.id), np.int64)
        run_of_section[rows] = np.cumsum(broken)
        return cls(
            spans,
            sentence,
            paragraph,
            section,
            spans.start[sentence],
            spans.stop[sentence],
            spans.content[sentence],
            run_of_section[section],
        )

    def __len__(self) -> int:
        return len(self.sentence)

    def windows(self, characters: int) -> tuple[Ints, Ints]:
        """For each sentence the first and the last-but-one sentence within ``characters`` around its middle.

        *Shape:* (n,), (n,)
        """
        shift = self.run << 40  # further apart than any two characters of one document
        starts, stops = self.start + shift, self.stop + shift
        middles = (starts + stops) // 2
        own = np.arange(len(self))
        first = np.minimum(np.searchsorted(starts, middles - characters // 2, side="left"), own)
        last = np.maximum(np.searchsorted(stops, middles + characters // 2, side="right"), own + 1)
        return first, last


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Scores for the sentences of a universe.

    Attributes:
        column: What was measured. Words and their neighbours in spelling are two parts of one column.
        credit: The name under which it appears in ``Hit.contributions``.
        scale: The scale it was taken at; ``None`` for the windows between two scales.
        scores: *Shape:* (n,), higher is better, the best sentence of the question has 1 where any has more than 0.
        best: What they were divided by: the best cosine, or the best BM25 score of the whole column.
        least: What was taken off before that, so that only what is above it counts.
    """

    column: str
    credit: str
    scale: Scale | None
    scores: Floats
    best: float = 1.0
    least: float = 0.0

    @property
    def raw(self) -> npt.NDArray[np.float64]:
        """As measured, but for cosines below 0. *Shape:* (n,)"""
        measured: npt.NDArray[np.float64] = self.scores.astype(np.float64) * self.best + self.least
        return measured


def gather(
    question: Floats,
    terms: Sequence[QueryTerm],
    snapshot: Snapshot,
    ranges: Ints | None,
    hits: int,
    names: Names | None = None,
) -> Universe:
    """The sections that hold what any scale, or the words, propose; and what is nearest in documents that are named.

    Args:
        question: Its vector. *Shape:* (width,)
        ranges: Ids that may answer; ``None`` for all that are live.
        hits: How many are wanted; many hits need more candidates.
        names: What the question says of names.
    """
    proposed = []
    for scale, count in CANDIDATES.items():
        if scale in snapshot.scales:
            found = snapshot.index(scale).search(question[None], max(count, 2 * hits), ranges).ids[0]
            # A document as a whole proposes its first section, so that it is there to be scored.
            proposed.append(np.where(found >= 0, found + 1, -1) if scale is DOCUMENT else found)
    words = [stem for term in terms if not term.stop_word for stem, _ in term.stems]
    words = words or [stem for term in terms for stem, _ in term.stems]
    if words:
        proposed.append(snapshot.lexical(sorted(set(words)), max(LEXICAL_CANDIDATES, 2 * hits), ranges).ids)
    ids = np.unique(np.concatenate([found.ravel() for found in proposed])) if proposed else np.empty(0, np.int64)
    ids = ids[ids > 0]
    if names and len(own := names.ranges(np.unique(snapshot.spans(ids).content))) and PARAGRAPH in snapshot.scales:
        ids = np.union1d(ids, snapshot.index(PARAGRAPH).search(question[None], NEAREST_NAMED, own).ids[0])
        ids = ids[ids > 0]
    for _ in (SENTENCE, PARAGRAPH):  # a sentence's section is its parent's parent
        spans = snapshot.spans(ids)
        ids = np.unique(np.where(spans.rank < SECTION.rank, spans.parent, spans.id))
    return Universe.of(snapshot.subtree(ids))


def weigh(universe: Universe, question: Floats, terms: Sequence[QueryTerm], snapshot: Snapshot) -> list[Evidence]:
    """Score every sentence of a universe at every scale."""
    return by_meaning(universe, question, snapshot) + by_words(universe, terms, snapshot)


def by_meaning(universe: Universe, question: Floats, snapshot: Snapshot) -> list[Evidence]:
    """What vectors say at every scale."""
    return normalised(_dense(universe, question, snapshot)) if len(universe) else []


def by_words(universe: Universe, terms: Sequence[QueryTerm], snapshot: Snapshot) -> list[Evidence]:
    """What words and their neighbours in spelling say at every scale."""
    return normalised(_lexical(universe, terms, snapshot)) if len(universe) else []


def _dense(universe: Universe, question: Floats, snapshot: Snapshot) -> list[list[Evidence]]:
    spans = universe.spans
    vectors = snapshot.index(SENTENCE).vectors(spans.id[universe.sentence])
    columns = [[Evidence("vectors sentence", SENTENCE.name, SENTENCE, _cosines(vectors, question))]]
    # The sum of token states of a sentence is about its unit vector times its length, so windows need no vectors of
    # their own: differences of running sums will do. Lengths in hundreds keep float32 exact enough (1e-4).
    upto = np.zeros((len(vectors) + 1, vectors.shape[1]), np.float32)
    weights = ((universe.stop - universe.start) / 100).astype(np.float32)
    weighted = vectors * weights[:, None]
    for row in range(len(vectors)):  # np.cumsum down columns takes eight times as long
        np.add(upto[row], weighted[row], out=upto[row + 1])
    for characters in WINDOW_CHARACTERS:
        first, last = universe.windows(characters)
        sums = upto[last] - upto[first]
        lengths = np.sqrt(np.einsum("nw,nw->n", sums, sums))
        columns.append(
            [
                Evidence(
                    f"vectors {characters}",
                    WINDOW,
                    None,
                    _cosines(sums, question) / np.maximum(lengths, np.float32(1e-12)),
                )
            ]
        )
    holders = {
        PARAGRAPH: spans.id[universe.paragraph],
        SECTION: spans.id[universe.section],
        DOCUMENT: spans.parent[universe.section],
    }
    for scale, ids in holders.items():
        distinct, back = np.unique(ids, return_inverse=True)
        cosines = _cosines(snapshot.index(scale).vectors(distinct), question)
        columns.append([Evidence(f"vectors {scale}", scale.name, scale, cosines[back])])
    return columns


def _cosines(vectors: Floats, question: Floats) -> Floats:
    """Inner products without BLAS, whose threads cost more than so small a product. *Shape:* (n,)"""
    products: Floats = np.einsum("nw,w->n", vectors, question)
    return products


def _lexical(universe: Universe, terms: Sequence[QueryTerm], snapshot: Snapshot) -> list[list[Evidence]]:
    """BM25 (Robertson and Zaragoza 2009) of sentences, windows, paragraphs, sections and documents.

    Words that the knowledge base holds are credited as lexical, their neighbours in spelling as character evidence, and
    so is what words of their family add. Inverse document frequency counts paragraphs at every scale.
    """
    if not terms:
        return []
    _, idf = rarity(terms, snapshot)
    worth = idf * [term.emphasis for term in terms]
    exact = np.array([term.exact for term in terms])
    relatives = Relatives(terms)
    worth = np.concatenate([worth, relatives.worth(snapshot.paragraphs)])

    stems = universe.spans.stems
    counts = np.array([len(stems[row]) for row in universe.sentence])
    tokens = np.concatenate([stems[row] for row in universe.sentence]) if counts.sum() else np.empty(0, np.int32)
    owner = np.repeat(np.arange(len(universe)), counts)
    frequencies = np.zeros((len(universe), len(terms)))
    for column, term in enumerate(terms):
        for stem, weight in term.stems:
            np.add.at(frequencies[:, column], owner[tokens == stem], weight)
    frequencies = np.concatenate([frequencies, relatives.counts(tokens, owner, len(universe))], axis=1)

    def bm25(width: Scale | int, sums: npt.NDArray[np.float64], lengths: npt.NDArray[np.float64]) -> list[Evidence]:
        scale = width if isinstance(width, Scale) else None
        norm = BM25_K1 * (1 - BM25_B + BM25_B * lengths / max(lengths.mean(), 1e-12))
        scores, family = np.split(sums * (BM25_K1 + 1) / (sums + norm[:, None]) * worth, [len(terms)], axis=1)
        words = scores[:, exact].sum(axis=1).astype(np.float32)
        alike = scores[:, ~exact].sum(axis=1) + relatives.gain(scores, family)
        return [
            Evidence(f"words {width}", LEXICAL, scale, words),
            Evidence(f"words {width}", CHARACTER.name, scale, alike.astype(np.float32)),
        ]

    columns = [bm25(SENTENCE, frequencies, counts.astype(np.float64))]
    upto = np.concatenate([np.zeros((1, len(worth))), np.cumsum(frequencies, axis=0)])
    length_upto = np.concatenate([[0], np.cumsum(counts)])
    for characters in WINDOW_CHARACTERS:
        first, last = universe.windows(characters)
        columns.append(
            bm25(characters, upto[last] - upto[first], (length_upto[last] - length_upto[first]).astype(np.float64))
        )
    for scale, holder in ((PARAGRAPH, universe.paragraph), (SECTION, universe.section), (DOCUMENT, universe.content)):
        distinct, back = np.unique(holder, return_inverse=True)
        sums = np.zeros((len(distinct), len(worth)))
        np.add.at(sums, back, frequencies)
        lengths = np.bincount(back, weights=counts, minlength=len(distinct)).astype(np.float64)
        columns.append([Evidence(e.column, e.credit, scale, e.scores[back]) for e in bm25(scale, sums, lengths)])
    return columns


def rarity(terms: Sequence[QueryTerm], snapshot: Snapshot) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """In how many paragraphs each word stands, and its inverse document frequency. *Shape:* (terms,), (terms,)

    Of a word's likeliest stems the most frequent counts.
    """
    likeliest = [[stem for stem, weight in term.stems if weight == term.stems[0][1]] for term in terms]
    frequency = np.array([snapshot.document_frequency(stems).max(initial=0) for stems in likeliest])
    return frequency, inverse_document_frequency(frequency, snapshot.paragraphs)


def normalised(columns: Sequence[Sequence[Evidence]]) -> list[Evidence]:
    """Columns divided by their best score for the question; the parts of one score share its best.

    A cosine below 0 speaks neither for a sentence nor against the words in it: it counts as 0.
    """
    made = []
    for parts in columns:
        best = float(np.sum([part.scores for part in parts], axis=0).max(initial=0.0))
        scale = 1 / best if best > 0 else 1.0
        made += [replace(part, scores=np.maximum(part.scores, 0) * np.float32(scale), best=best) for part in parts]
    return made
