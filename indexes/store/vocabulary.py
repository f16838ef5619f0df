"""Stems and terms as they come back out of the catalog: those of one commit, though it may hold later ones too."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np

from ...pipeline.errors import KnowledgeBaseError
from .catalog import Catalog, Ids
from .generation import Generation
from .stored import storable

_LAST_LETTER = 0xD7FF
"""Of the code points before the surrogates, which no text holds; beyond them are no letters of alphabets."""


def stem_ids(catalog: Catalog, stems: Sequence[str], generation: Generation) -> list[int | None]:
    """The id of each stem, ``None`` where it occurs nowhere."""
    rows = catalog.each("SELECT (SELECT id FROM stem WHERE text = ?)", ((storable(stem),) for stem in stems))
    found = [row[0] for row in rows]
    if generation.past is None:
        return found
    # A stem was known then if a paragraph of then holds it.
    held = [one for one in found if one is not None]
    known = dict(zip(held, generation.past.words.frequency(catalog, held).tolist(), strict=True))
    return [one if known.get(one) else None for one in found]


def terms(catalog: Catalog, ids: Ids, generation: Generation) -> list[tuple[str, int]]:
    """Text and stem id of terms by id, in the order asked.

    Raises:
        KnowledgeBaseError: There is no term of one of the ids.
    """
    ids = np.asarray(ids, np.int64)
    rows = catalog.each("SELECT text, stem_id FROM term WHERE id = ?", ((one,) for one in ids.tolist()))
    if len(rows) != len(ids):
        raise KnowledgeBaseError(f"some of {len(ids)} terms do not exist in generation {generation.number}")
    return [(text, stem_id) for text, stem_id in rows]


def stem_terms(catalog: Catalog, stem_ids: Sequence[int], generation: Generation) -> dict[int, list[str]]:
    """Some of the words, as they are written, that have each stem; at most three."""
    written = "SELECT DISTINCT text FROM term WHERE stem_id = ? AND id <= ? ORDER BY id LIMIT 3"
    last = _last_term(generation)
    return {stem: [text for (text,) in catalog.rows(written, (stem, last))] for stem in dict.fromkeys(stem_ids)}


def term_ids(catalog: Catalog, terms: Sequence[str], generation: Generation) -> list[list[tuple[int, int]]]:
    """For each (case-folded) text, id and stem id of terms written so; several where languages stem it apart."""
    written = "SELECT id, stem_id FROM term WHERE text = ? AND id <= ?"
    last = _last_term(generation)
    return [[(one, stem) for one, stem in catalog.rows(written, (storable(term), last))] for term in terms]


def stems_from(catalog: Catalog, beginning: str, most: int, generation: Generation) -> list[tuple[int, str]]:
    """Id and text of the stems of terms that begin so, the first of them in order of spelling; at most ``most``."""
    start = storable(beginning)
    if not start or ord(start[-1]) >= _LAST_LETTER:
        return []
    found = catalog.rows(
        "SELECT DISTINCT s.id, s.text FROM term AS t JOIN stem AS s ON s.id = t.stem_id"
        " WHERE t.text >= ? AND t.text < ? AND t.id <= ? ORDER BY t.text LIMIT ?",
        (start, start[:-1] + chr(ord(start[-1]) + 1), _last_term(generation), most),
    )
    return [(one, text) for one, text in found]


def _last_term(generation: Generation) -> int:
    """The last term of a commit."""
    return sys.maxsize if generation.past is None else generation.past.terms
