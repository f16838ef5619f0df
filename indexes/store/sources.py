"""The paths in a knowledge base, each with what its file was when it was read."""

from __future__ import annotations

from dataclasses import dataclass

from ...pipeline.document import Flag
from .catalog import Catalog
from .past import live_then
from .stored import read_flags, read_uri


@dataclass(frozen=True, slots=True)
class StoredSource:
    """A path in a knowledge base.

    Attributes:
        bytes, mtime_ns: Of the file when it was read.
        flags: What its reader could not do.
        samples: Length of a recording; 0 for a document.
    """

    uri: str
    media_type: str
    sha256: str
    recipe: str
    content: int
    bytes: int
    mtime_ns: int
    text_length: int
    flags: tuple[Flag, ...]
    samples: int = 0


def stored_sources(catalog: Catalog, generation: int | None = None) -> list[StoredSource]:
    """All paths, sorted; those of an earlier generation as far as compaction has left them."""
    there = "s.removed IS NULL" if generation is None else live_then("s", generation)
    rows = catalog.rows(
        "SELECT s.uri, c.media_type, c.sha256, c.recipe, c.id, s.bytes, s.mtime_ns, c.text_length, c.flags,"
        " coalesce(r.samples, 0) FROM source AS s JOIN content AS c ON c.id = s.content_id"
        f" LEFT JOIN recording AS r ON r.content_id = c.id WHERE {there} ORDER BY s.uri"
    )
    return [
        StoredSource(read_uri(uri), kind, digest, recipe, content, size, mtime, length, read_flags(flags), samples)
        for uri, kind, digest, recipe, content, size, mtime, length, flags, samples in rows
    ]
