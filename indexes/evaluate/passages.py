"""Sentences, paragraphs and sections with their words and how much each word says: what questions are made from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...pipeline.function_words import FUNCTION_WORDS
from ...pipeline.scale import PARAGRAPH, SECTION, SENTENCE, Scale
from ...pipeline.stems import primary_language, stem
from ...pipeline.terms import terms
from ..store.bm25 import inverse_document_frequency
from ..store.snapshot import Snapshot
from ..store.stored import SpanRows

Ints = npt.NDArray[np.int64]

_CONTENTS = 32
"""Contents that are kept in memory."""


class Word(NamedTuple):
    """A word where it stands in its passage: characters ``[start, stop)``, its stem, and how much it says.

    ``weight`` is the inverse document frequency of the stem, counted in paragraphs; 0 for function words.
    """

    start: int
    stop: int
    stem: int
    weight: float


@dataclass(frozen=True, slots=True, eq=False)
class Passage:
    """A span of a source, read.

    Attributes:
        start, stop: Half-open, characters of the source's text.
        path: Headings above it, the nearest last.
        words: In reading order. Words inside words (the parts of ``E-4304``) are left out.
        inside: Stems of all words, those inside words too.
    """

    content: int
    uri: str
    language: str
    scale: Scale
    start: int
    stop: int
    text: str
    path: tuple[str, ...]
    words: tuple[Word, ...]
    inside: frozenset[int]

    @property
    def telling(self) -> list[Word]:
        """Words that say something, in reading order."""
        return [word for word in self.words if word.weight > 0]


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Where a paragraph or sentence stands, and the stems in it."""

    content: int
    start: int
    stop: int
    stems: frozenset[int]
    sentences: tuple[Stretch, ...] = ()

    def overlaps(self, other: Passage) -> bool:
        """Whether it shares characters with a passage."""
        return self.content == other.content and self.start < other.stop and other.start < self.stop


@dataclass(frozen=True, slots=True, eq=False)
class _Spans:
    """The text and spans of one content."""

    uri: str
    text: str
    language: str
    spans: SpanRows
    rows: dict[Scale, Ints]


class Passages:
    """Reads passages of one generation of a knowledge base."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._weights: dict[int, float] = {}
        self._spans = lru_cache(_CONTENTS)(self._load)

    def rows(self, content: int, scale: Scale) -> Ints:
        """Which spans of a content are of a scale; to be given to :meth:`read`. *Shape:* (n,)"""
        return self._spans(content).rows[scale]

    def read(self, content: int, row: int) -> Passage:
        """A span with its words, headings left out: a heading is what a passage is asked for by, not its answer."""
        held = self._spans(content)
        spans = held.spans
        last = int(np.searchsorted(spans.id, spans.last[row], "right"))
        sentences = [at for at in range(row, last) if spans.rank[at] == SENTENCE.rank]
        section = row
        while spans.rank[section] < SECTION.rank:
            section = int(np.searchsorted(spans.id, spans.parent[section]))
        path = tuple(part for part in spans.labels[section].split(" > ") if part)
        start, stop = int(spans.start[row]), int(spans.stop[row])
        text = held.text[start:stop]
        bare = 0
        while bare < len(sentences) and self._heading(held, sentences[bare], text, start, path):
            bare += 1
        if bare == len(sentences):  # nothing but headings
            text, sentences = "", []
        elif bare:
            begin = int(spans.start[sentences[bare]])
            text, start, sentences = text[begin - start :], begin, sentences[bare:]
        return self._passage(content, held, row, start, stop, text, path, sentences)

    def paragraphs(self, ids: Ints) -> Iterator[Stretch]:
        """Paragraphs and their sentences by id; ids below 0 are none."""
        spans = self._snapshot.subtree(ids[ids >= 0])
        heads = np.flatnonzero(spans.rank == PARAGRAPH.rank)
        for first, last in zip(heads.tolist(), [*heads[1:].tolist(), len(spans)], strict=False):
            sentences = tuple(
                Stretch(
                    int(spans.content[at]),
                    int(spans.start[at]),
                    int(spans.stop[at]),
                    frozenset(spans.stems[at].tolist()),
                )
                for at in range(first + 1, last)
            )
            stems = frozenset().union(*(one.stems for one in sentences))
            yield Stretch(int(spans.content[first]), int(spans.start[first]), int(spans.stop[first]), stems, sentences)

    def under_headings(self, content: int) -> list[tuple[tuple[str, ...], int, int]]:
        """What stands under each heading of a content: path, start, stop. A divided section is put together again."""
        held = self._spans(content)
        made: list[tuple[tuple[str, ...], int, int]] = []
        before = ""
        for row in held.rows[SECTION].tolist():
            label = held.spans.labels[row]
            if label and label == before:
                made[-1] = (made[-1][0], made[-1][1], int(held.spans.stop[row]))
                continue
            passage = self.read(content, row)
            made.append((passage.path, passage.start, int(held.spans.stop[row])))
            before = label
        return made

    def stems(self, text: str, language: str) -> list[int]:
        """Ids of the stems of a text's words, as far as the knowledge base holds them."""
        found = sorted({stem(term.text, language) for term in terms(text)})
        return [one for one in self._snapshot.stem_ids(found) if one is not None]

    def weight(self, stems: Iterable[int]) -> dict[int, float]:
        """Inverse document frequency of stems, as in BM25: 0 for what stands in every paragraph, at least nearly."""
        fresh = sorted(set(stems) - self._weights.keys())
        if fresh:
            paragraphs = self._snapshot.paragraphs
            idf = inverse_document_frequency(self._snapshot.document_frequency(fresh), paragraphs)
            self._weights |= dict(zip(fresh, idf.tolist(), strict=True))
        return self._weights

    def _load(self, content: int) -> _Spans:
        stored = self._snapshot.content(content)
        spans = self._snapshot.between(np.array([[stored.first, stored.stop]], np.int64))
        rows = {scale: np.flatnonzero(spans.rank == scale.rank) for scale in (SENTENCE, PARAGRAPH, SECTION)}
        text = self._snapshot.text(content, 0, stored.text_length)
        return _Spans(stored.source.uri, text, stored.metadata.language, spans, rows)

    @staticmethod
    def _heading(held: _Spans, sentence: int, text: str, start: int, path: Sequence[str]) -> bool:
        a, b = int(held.spans.start[sentence]) - start, int(held.spans.stop[sentence]) - start
        return " ".join(text[a:b].split()) in path

    def _passage(
        self,
        content: int,
        held: _Spans,
        row: int,
        start: int,
        stop: int,
        text: str,
        path: tuple[str, ...],
        sentences: Sequence[int],
    ) -> Passage:
        spans = held.spans
        language = primary_language(held.language)
        function_words = FUNCTION_WORDS.get(language, frozenset())
        weights = self.weight(int(one) for at in sentences for one in spans.stems[at])
        words: list[Word] = []
        inside: set[int] = set()
        for at in sentences:
            shift = int(spans.start[at]) - start
            stems = spans.stems[at].tolist()
            found = list(terms(text, shift, int(spans.stop[at]) - start))
            if len(found) != len(stems):  # stored by a version that takes words apart in another way
                continue
            inside.update(stems)
            end = -1
            for term, own in sorted(zip(found, stems, strict=True), key=lambda one: (one[0].start, -one[0].stop)):
                if term.stop > end:
                    says = term.text not in function_words and (len(term.text) > 1 or not term.text.isascii())
                    words.append(Word(term.start, term.stop, own, weights[own] if says else 0.0))
                    end = term.stop
        scale = next(scale for scale in (SENTENCE, PARAGRAPH, SECTION) if scale.rank == spans.rank[row])
        return Passage(content, held.uri, language, scale, start, stop, text, path, tuple(words), frozenset(inside))
