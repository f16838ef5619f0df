"""Contents as they come back out of the catalog: what the bytes of files became, their paths, text and pages."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from itertools import groupby

import numpy as np

from ...pipeline.document import BOXES_DTYPE, Metadata, Page, Source
from ...pipeline.errors import KnowledgeBaseError
from .catalog import Catalog, Ids
from .filter import Filter
from .generation import Generation
from .ranges import Ranges, normalised
from .stored import Named, StoredContent, read_flags, read_uri


def id_ranges(catalog: Catalog, where: Filter | None, generation: Generation) -> Ranges:
    """Ids of the spans and sounds of live contents that meet a filter. *Shape:* (m, 2)."""
    if not where:
        return generation.live
    condition, bindings = where.condition()
    rows = catalog.rows(
        "SELECT DISTINCT c.first, c.stop, c.id FROM source AS s JOIN content AS c ON c.id = s.content_id"
        f" WHERE {_named(generation)} AND {condition}",
        bindings,
    )
    table = np.array(rows, np.int64).reshape(-1, 3)
    if generation.past is not None:
        table = table[np.isin(table[:, 2], generation.past.contents)]
    return normalised(table[:, :2])


def live_ids(catalog: Catalog, generation: Generation) -> Ids:
    """Ids of all live contents, rising. *Shape:* (n,)"""
    if generation.past is not None:
        return generation.past.contents
    return _column(catalog.rows("SELECT id FROM content WHERE removed IS NULL ORDER BY id"))


def stored_ids(catalog: Catalog, generation: Generation) -> Ids:
    """Ids of all contents that count in how rare a word is: of a commit, deleted ones included. *Shape:* (n,)"""
    return _column(catalog.rows("SELECT id FROM content WHERE added <= ? ORDER BY id", (generation.number,)))


def ids_of(catalog: Catalog, sha256: str, generation: Generation) -> list[int]:
    """Live contents that were made of some bytes; several if they were read in several ways."""
    if generation.past is not None:
        rows = catalog.rows("SELECT id FROM content WHERE sha256 = ? ORDER BY id", (sha256,))
        return [row[0] for row in rows if row[0] in generation.past.contents]
    rows = catalog.rows("SELECT id FROM content WHERE sha256 = ? AND removed IS NULL ORDER BY id", (sha256,))
    return [row[0] for row in rows]


def languages(catalog: Catalog, generation: Generation) -> set[str]:
    """Languages of live contents, as their metadata state them."""
    if generation.past is not None:
        among = "SELECT DISTINCT language FROM content WHERE id IN (SELECT value FROM carray(?))"
        return {row[0] for row in catalog.among(among, generation.past.contents)}
    return {row[0] for row in catalog.rows("SELECT DISTINCT language FROM content WHERE removed IS NULL")}


def content(catalog: Catalog, content_id: int, where: Filter | None, generation: Generation) -> StoredContent:
    """What is known of a content; its source is the first that meets the filter, else the first.

    Raises:
        KnowledgeBaseError: There is no such content.
    """
    rows = catalog.rows(
        "SELECT c.sha256, c.media_type, c.title, c.author, c.language, c.created, c.modified, c.flags,"
        " c.text_length, c.first, c.stop, c.recipe, c.manifest, c.added, r.samples, r.start_us, r.format"
        " FROM content AS c LEFT JOIN recording AS r ON r.content_id = c.id WHERE c.id = ?",
        (content_id,),
    )
    uris = _uris(catalog, content_id, None, generation)
    if not rows or not uris:
        raise KnowledgeBaseError(f"there is no content {content_id} in generation {generation.number}")
    sha256, media_type, *meta, flags, length, first, stop, recipe, made, added, samples, start_us, format_ = rows[0]
    fitting = _uris(catalog, content_id, where, generation) if where else uris
    return StoredContent(
        content_id,
        Source((fitting or uris)[0], media_type, sha256),
        tuple(uris),
        Metadata(*meta),
        read_flags(flags),
        length,
        first,
        stop,
        recipe,
        json.loads(made),
        samples or 0,
        start_us or 0,
        format_ or "",
        added,
    )


def names(catalog: Catalog, ids: Ids, generation: Generation) -> list[Named]:
    """What some contents are called, by rising id; those that no path leads to are left out."""
    rows = catalog.among(
        "SELECT c.id, c.title, c.first, c.stop, s.uri FROM content AS c JOIN source AS s ON s.content_id = c.id"
        f" WHERE c.id IN (SELECT value FROM carray(?)) AND {_named(generation)} ORDER BY c.id, s.id",
        ids,
    )
    return [
        Named(content_id, title, tuple(read_uri(row[4]) for row in own), first, stop)
        for (content_id, title, first, stop), own in groupby(rows, key=lambda row: row[:4])
    ]


def text(catalog: Catalog, content_id: int, start: int, stop: int) -> str:
    """Characters ``[start, stop)`` of a content's text."""
    pieces = catalog.rows(
        "SELECT start, body FROM text WHERE content_id = ? AND start < ? AND stop > ? ORDER BY start",
        (content_id, stop, start),
    )
    if not pieces:
        return ""
    offset = pieces[0][0]
    whole = "".join(body.decode("utf-8", "surrogatepass") for _, body in pieces)
    return whole[max(start - offset, 0) : stop - offset]


def pages(catalog: Catalog, content_id: int, start: int, stop: int) -> list[Page]:
    """The pages that characters ``[start, stop)`` stand on, each with all its boxes."""
    rows = catalog.rows(
        "SELECT number, start, stop, width, height, boxes FROM page"
        " WHERE content_id = ? AND start < ? AND stop > ? ORDER BY start",
        (content_id, stop, start),
    )
    return [
        Page(number, first, end, width, height, np.frombuffer(zlib.decompress(boxes), BOXES_DTYPE))
        for number, first, end, width, height, boxes in rows
    ]


def _named(generation: Generation) -> str:
    """SQL over ``source AS s``: whether it is one of a commit."""
    return "s.removed IS NULL" if generation.past is None else generation.past.sources


def _uris(catalog: Catalog, content_id: int, where: Filter | None, generation: Generation) -> list[str]:
    condition, bindings = where.condition() if where else ("1", [])
    rows = catalog.rows(
        "SELECT s.uri FROM source AS s JOIN content AS c ON c.id = s.content_id"
        f" WHERE s.content_id = ? AND {_named(generation)} AND {condition} ORDER BY s.id",
        [content_id, *bindings],
    )
    return [read_uri(row[0]) for row in rows]


def _column(rows: Sequence[tuple[int]]) -> Ids:
    return np.array([row[0] for row in rows], np.int64)
