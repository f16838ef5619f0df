"""BM25 over the paragraphs that were there in an earlier generation.

SQLite's full-text index counts everything that it holds, also what came later. So its postings are read, those of then
picked, and its formula computed again, number for number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log

import numpy as np
import numpy.typing as npt

from .bm25 import BM25_B, BM25_K1
from .catalog import Catalog, Ids
from .ranges import Ranges, within
from .stored import stem_word

_LEAST_IDF = 1e-6
"""As in SQLite's ``fts5_aux.c``."""
_REMEMBERED = 4_096


@dataclass(slots=True, eq=False)
class PastWords:
    """The full-text index as of an earlier generation.

    Attributes:
        spans: Ids of the spans of all contents that it held. *Shape:* (m, 2)
        rows: Paragraphs that it held.
        tokens: Stems in them.
    """

    spans: Ranges
    rows: int
    tokens: int
    _frequency: dict[int, int] = field(default_factory=dict)

    def frequency(self, catalog: Catalog, stem_ids: Sequence[int]) -> npt.NDArray[np.int64]:
        """Paragraphs that held each stem. *Shape:* (n,)"""
        if len(self._frequency) > _REMEMBERED:
            self._frequency.clear()
        for one in stem_ids:
            if one not in self._frequency:
                found = catalog.rows("SELECT rowid FROM lexical WHERE lexical MATCH ?", (stem_word(one),))
                ids = np.array([row[0] for row in found], np.int64)
                self._frequency[one] = int(within(ids, self.spans).sum())
        return np.array([self._frequency[one] for one in stem_ids], np.int64)

    def scores(self, catalog: Catalog, stem_ids: Sequence[int]) -> tuple[Ids, npt.NDArray[np.float64]]:
        """BM25 of every paragraph that held one of the stems, best first, then by id. *Shape:* (n,), (n,)"""
        postings = [self._postings(catalog, one) for one in stem_ids]
        ids = np.unique(np.concatenate([own for own, _ in postings])) if postings else np.empty(0, np.int64)
        if not len(ids):
            return ids, np.empty(0)
        mean = self.tokens / self.rows
        lengths = self._lengths(catalog, ids)
        scores = np.zeros(len(ids))
        for own, counts in postings:
            idf = log((self.rows - len(own) + 0.5) / (len(own) + 0.5))
            times = np.zeros(len(ids))
            times[np.searchsorted(ids, own)] = counts
            scores += (idf if idf > 0 else _LEAST_IDF) * (
                (times * (BM25_K1 + 1.0)) / (times + BM25_K1 * (1 - BM25_B + BM25_B * lengths / mean))
            )
        order = np.lexsort((ids, -scores))
        return ids[order], scores[order]

    def _postings(self, catalog: Catalog, stem_id: int) -> tuple[Ids, npt.NDArray[np.int64]]:
        """The paragraphs that held a stem, and how often."""
        found = catalog.rows("SELECT doc FROM lexical_places WHERE term = ?", (stem_word(stem_id),))
        ids, counts = np.unique(np.array([row[0] for row in found], np.int64), return_counts=True)
        there = within(ids, self.spans)
        return ids[there], counts[there].astype(np.int64)

    @staticmethod
    def _lengths(catalog: Catalog, ids: Ids) -> npt.NDArray[np.float64]:
        """Stems in paragraphs, from the full-text index's own table. *Shape:* (n,)"""
        rows = catalog.among(
            "SELECT sz FROM lexical_docsize WHERE id IN (SELECT value FROM carray(?)) ORDER BY id", ids
        )
        return np.array([_varint(row[0]) for row in rows], np.float64)


def _varint(stored: bytes) -> int:
    """A number as SQLite stores it, seven bits a byte."""
    value = 0
    for byte in stored:
        value = value << 7 | byte & 0x7F
    return value
