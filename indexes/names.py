"""What a passage stands under: the name of its document and the headings above it.

"How long is the warranty of the Larkspur R5?" is answered in a paragraph that says neither word of the name: the title,
or the file, says it for all that the document holds. So a question's words count where a name holds them, as evidence
of two columns: the document's title and file name, and the path of headings. A name that was said turns before the part
that asks counts in full: what was said there is what the dialogue is about.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from ..pipeline.scale import DOCUMENT, SECTION, Scale
from ..pipeline.terms import query_stems
from .evidence import Evidence, Universe, rarity
from .expand import QueryTerm
from .store.bm25 import inverse_document_frequency

if TYPE_CHECKING:
    from .store.ranges import Ranges
    from .store.snapshot import Snapshot
    from .store.stored import Named

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

NAME: Final = "name"
"""Name under which it is credited in ``Hit.contributions``."""

MOST_NAMED: Final = 5
"""Documents that a question may name: what is nearest in them is looked at, whatever else proposes it."""

_FIGURES: Final = re.compile(r"\d{1,3}")
"""Running numbers of files (``chapter-12.txt``), of which no question speaks; years and codes are longer."""


class Names:
    """The words of a question, for comparison with names.

    Args:
        words: Of the question, with their neighbours in spelling; other words stand for themselves.
    """

    def __init__(self, question: str, words: Sequence[QueryTerm], snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._languages = snapshot.languages()
        self._stands_for: dict[str, dict[str, float]] = {}  # stem -> words, by how surely it stands for them
        self._worth: dict[str, float] = {}
        asked = [term for term in query_stems(question, self._languages) if not term.stop_word]
        nowhere = float(inverse_document_frequency(0, snapshot.paragraphs))
        for term in asked:
            self._worth[term.text] = nowhere
            for stem in term.stems:
                self._stands_for.setdefault(stem, {})[term.text] = 1.0
        held = [word for word in words if word.stems and not word.stop_word]
        _, idf = rarity(held, snapshot)
        for word, worth in zip(held, idf.tolist(), strict=True):
            self._worth[word.text] = worth
        alike = [(word.text, stem, weight) for word in held if not word.exact for stem, weight in word.stems]
        written = snapshot.stem_terms([stem for _, stem, _ in alike]) if alike else {}
        for text, known, weight in alike:
            for stem in self._stems(" ".join(written[known])):
                self._stands_for.setdefault(stem, {}).setdefault(text, weight)
        self._documents: dict[int, Mapping[str, float]] = {}
        self._labels: dict[str, Mapping[str, float]] = {"": {}}

    @property
    def dearest(self) -> float:
        """What the rarest word of the question is worth: from here on a name counts in full."""
        return max(self._worth.values(), default=0.0)

    def of_document(self, content: int) -> Mapping[str, float]:
        """Words of the question in a document's title and file names, by how surely they are meant there."""
        if content not in self._documents:
            self._read(np.array([content], np.int64))
        return self._documents[content]

    def of_label(self, label: str) -> Mapping[str, float]:
        """Words of the question in a path of headings, likewise."""
        if label not in self._labels:
            self._labels[label] = self._said(self._stems(label))
        return self._labels[label]

    def of_sentence(self, universe: Universe, sentence: int) -> Mapping[str, float]:
        """Words of the question in any name that a sentence stands under, likewise."""
        document = self.of_document(int(universe.content[sentence]))
        label = self.of_label(universe.spans.labels[int(universe.section[sentence])])
        return {text: max(document.get(text, 0.0), label.get(text, 0.0)) for text in (*document, *label)}

    def anywhere(self, text: str) -> float:
        """How surely a word of the question is meant by any name that was looked at."""
        looked_at = (*self._documents.values(), *self._labels.values())
        return max((said.get(text, 0.0) for said in looked_at), default=0.0)

    def ranges(self, contents: Ints) -> Ranges:
        """Ids of what is in the documents that the question names best, of some documents. *Shape:* (m, 2)"""
        rows = self._read(contents)
        worth = {row.content: self.worth(self._documents[row.content]) for row in rows}
        # A reference number that stands nowhere may be the dearest word; a name need not be worth as much.
        named = [row for row in rows if worth[row.content] >= self.dearest / 2 > 0]
        named.sort(key=lambda row: -worth[row.content])
        return np.array(sorted((row.first, row.stop) for row in named[:MOST_NAMED]), np.int64).reshape(-1, 2)

    def worth(self, said: Mapping[str, float]) -> float:
        """Inverse document frequencies of words, each by how surely it is meant."""
        return sum(self._worth[text] * sure for text, sure in said.items())

    def evidence(self, universe: Universe) -> list[Evidence]:
        """A column for the names of documents and one for headings, where they hold words of the question."""
        contents, back = np.unique(universe.content, return_inverse=True)
        self._read(contents)
        documents = np.array([self.worth(self._documents[one]) for one in contents.tolist()])
        labels = [universe.spans.labels[row] for row in universe.section.tolist()]
        by_label = {label: self.worth(self.of_label(label)) for label in set(labels)}
        columns = ((DOCUMENT, documents[back]), (SECTION, np.array([by_label[label] for label in labels])))
        return [self._column(scale, scores) for scale, scores in columns if scores.any()]

    def _column(self, scale: Scale, scores: Floats) -> Evidence:
        """Divided by the best, but at least by the dearest word: a common word in a name says little."""
        best = max(float(scores.max()), self.dearest)
        return Evidence(f"names {scale}", NAME, scale, (scores / best).astype(np.float32), best)

    def _read(self, contents: Ints) -> Sequence[Named]:
        rows = self._snapshot.names(contents)
        for row in rows:
            if row.content not in self._documents:
                files = [self._stems(PurePath(uri).stem, _FIGURES) for uri in row.uris]
                self._documents[row.content] = self._said(self._stems(row.title).union(*files))
        for content in contents.tolist():
            self._documents.setdefault(content, {})
        return rows

    def _stems(self, name: str, but: re.Pattern[str] | None = None) -> set[str]:
        terms = query_stems(name, self._languages)
        return {stem for term in terms if not (but and but.fullmatch(term.text)) for stem in term.stems}

    def _said(self, stems: Iterable[str]) -> Mapping[str, float]:
        said: dict[str, float] = {}
        for stem in stems:
            for text, sure in self._stands_for.get(stem, {}).items():
                said[text] = max(said.get(text, 0.0), sure)
        return said
