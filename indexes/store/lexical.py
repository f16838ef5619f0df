"""BM25 over paragraphs: SQLite's full-text index, queried by stem ids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from .catalog import Catalog, Row
from .generation import Generation
from .past import Past
from .ranges import Ranges, normalised, within
from .scale_index import Neighbours
from .stored import stem_word

_BATCH = 64


def document_frequency(catalog: Catalog, stem_ids: Sequence[int], past: Past | None = None) -> npt.NDArray[np.int64]:
    """Paragraphs that hold each stem, or held it then, dead ones included. *Shape:* (n,)."""
    if past is not None:
        return past.words.frequency(catalog, stem_ids)
    rows = catalog.each(
        "SELECT coalesce((SELECT doc FROM lexical_terms WHERE term = ?), 0)", ((stem_word(one),) for one in stem_ids)
    )
    return np.array([row[0] for row in rows], np.int64)


def best_paragraphs(
    catalog: Catalog, stem_ids: Sequence[int], limit: int, ranges: Ranges | None, generation: Generation
) -> Neighbours:
    """The live paragraphs with the best BM25 for any of the stems; see :meth:`Snapshot.lexical`."""
    ids = np.full(limit, -1, np.int64)
    scores = np.full(limit, -np.inf, np.float32)
    asked = list(dict.fromkeys(stem_ids))
    frequency = document_frequency(catalog, asked, generation.past)
    total = generation.stored_paragraphs
    rare = [one for one, n in zip(asked, frequency, strict=True) if 0 < n <= total / 2]
    words = rare or [one for one, n in zip(asked, frequency, strict=True) if n]
    if words:
        allowed = None if ranges is None else normalised(ranges)
        live = generation.live if generation.tombstones else None
        found = 0
        # Scores of all matches are made before the first row comes; rows after the last needed one cost nothing.
        for rows in _scored(catalog, words, max(limit, _BATCH), generation.past):
            own = np.array([row[0] for row in rows], np.int64)
            keep = np.ones(len(own), np.bool_)
            for permitted in (allowed, live):
                if permitted is not None:
                    keep &= within(own, permitted)
            taken = np.flatnonzero(keep)[: limit - found]
            ids[found : found + len(taken)] = own[taken]
            scores[found : found + len(taken)] = [rows[at][1] for at in taken.tolist()]
            found += len(taken)
            if found == limit:
                break
    return Neighbours(ids[None], scores[None])


def _scored(catalog: Catalog, words: Sequence[int], batch: int, past: Past | None) -> Iterator[list[Row]]:
    """Paragraphs that hold one of the stems with their BM25, best first, then by id, in batches."""
    if past is not None:
        ids, scores = past.words.scores(catalog, words)
        return iter([list(zip(ids.tolist(), scores.tolist(), strict=True))])
    return catalog.stream(
        "SELECT rowid, -bm25(lexical) FROM lexical WHERE lexical MATCH ? ORDER BY bm25(lexical), rowid",
        (" OR ".join(map(stem_word, words)),),
        batch=batch,
    )
