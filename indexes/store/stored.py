"""How things stand in the catalog, and as what they come back out."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...pipeline.document import Flag, Metadata, Source
from ...pipeline.scale import Medium, Scale
from .catalog import Catalog, Ids, Row
from .shard import ShardRow

_SHARD_COLUMNS = 13
SPAN_COLUMNS = "id, content_id, rank, start, stop, parent, last, label, stems"
_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"


def stem_word(stem_id: int) -> str:
    """A stem's word in the full-text index: its id in base 36, so that no tokenizer can take it apart."""
    digits = ""
    while True:
        stem_id, digit = divmod(stem_id, 36)
        digits = _BASE36[digit] + digits
        if not stem_id:
            return digits


def stored_uri(uri: str) -> str | bytes:
    """A path as the catalog keeps it: bytes where it is no valid Unicode."""
    try:
        uri.encode()
    except UnicodeEncodeError:
        return os.fsencode(uri)
    return uri


def read_uri(stored: str | bytes) -> str:
    """The path that :func:`stored_uri` was given."""
    return os.fsdecode(stored) if isinstance(stored, bytes) else stored


def storable(text: str) -> str:
    """Text that SQLite can keep: a lone surrogate, which no encoding has, becomes a question mark."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


def stored_flags(flags: Iterable[Flag]) -> str:
    """A content's flags as the catalog keeps them."""
    return json.dumps([[flag.code, flag.detail] for flag in flags])


def read_flags(stored: str) -> tuple[Flag, ...]:
    """A content's flags from the catalog."""
    return tuple(Flag(code, detail) for code, detail in json.loads(stored))


@dataclass(frozen=True, slots=True, eq=False)
class SpanRows:
    """Spans as columns.

    Attributes:
        id, content, rank, start, stop, parent, last: *Shape:* (n,), int64. ``rank`` is the scale's; ``parent`` is an
            id or -1; ``last`` is the id of the last span inside, so that ``id .. last`` is the subtree.
        labels: Heading path of sections, else "".
        stems: int32 stem ids of sentences in reading order; empty for other spans.
    """

    id: Ids
    content: Ids
    rank: Ids
    start: Ids
    stop: Ids
    parent: Ids
    last: Ids
    labels: list[str]
    stems: list[npt.NDArray[np.int32]]

    def __len__(self) -> int:
        return len(self.id)

    def take(self, positions: npt.NDArray[np.int64]) -> SpanRows:
        """The rows at some positions, in their order."""
        chosen = positions.tolist()
        return SpanRows(
            self.id[positions],
            self.content[positions],
            self.rank[positions],
            self.start[positions],
            self.stop[positions],
            self.parent[positions],
            self.last[positions],
            [self.labels[at] for at in chosen],
            [self.stems[at] for at in chosen],
        )


def span_rows(rows: Sequence[Row]) -> SpanRows:
    """Spans from rows of :data:`SPAN_COLUMNS`."""
    columns = list(zip(*rows, strict=True)) or [()] * 9
    identity, content, rank, start, stop, parent, last = (
        np.fromiter(column, np.int64, len(rows)) for column in columns[:7]
    )
    stems = [np.frombuffer(packed, "<i4") for packed in columns[8]]
    return SpanRows(identity, content, rank, start, stop, parent, last, list(columns[7]), stems)


@dataclass(frozen=True, slots=True)
class Named:
    """What a content is called.

    Attributes:
        title: As its metadata state it.
        uris: All its live paths.
        first, stop: Its spans' and sounds' ids: ``first <= id < stop``.
    """

    content: int
    title: str
    uris: tuple[str, ...]
    first: int
    stop: int


@dataclass(frozen=True, slots=True)
class StoredContent:
    """What the bytes of a file became.

    Attributes:
        source: Under the first of its live paths, or the first that met the filter.
        uris: All its live paths.
        first, stop: Its spans' and sounds' ids: ``first <= id < stop``.
        recipe: What the stages were set to when it was made.
        samples: Length of a recording; 0 for a document.
        start_us: File time of a recording's first sample; sample ``n`` stands at
            ``start_us / 1e6 + n / SAMPLE_RATE`` seconds.
        format: Container and codec of a recording, for people.
        added: Generation in which it was made.
    """

    id: int
    source: Source
    uris: tuple[str, ...]
    metadata: Metadata
    flags: tuple[Flag, ...]
    text_length: int
    first: int
    stop: int
    recipe: str
    manifest: Mapping[str, str]
    samples: int = 0
    start_us: int = 0
    format: str = ""
    added: int = 0

    @property
    def medium(self) -> Medium:
        """Whether it is a document or a recording."""
        return Medium.AUDIO if self.samples else Medium.TEXT


def fingerprint_of(catalog: Catalog, scale: Scale) -> str | None:
    """The encoder whose vectors a scale holds, ``None`` if it holds none yet."""
    value = catalog.value("SELECT fingerprint FROM scale WHERE name = ?", (scale.name,))
    return None if value is None else str(value)


def shard_rows(catalog: Catalog, scale: str | None = None) -> list[ShardRow]:
    """The shards of a scale, or all, as the catalog describes them."""
    rows = catalog.rows(
        "SELECT name, scale, count, width, bytes, checksum, kind, index_bytes, index_checksum, probes, recall,"
        " fingerprint, added FROM shard WHERE ?1 IS NULL OR scale = ?1 ORDER BY added, name",
        (scale,),
    )
    return [ShardRow(*row) for row in rows]


def replace_shards(catalog: Catalog, old: Sequence[ShardRow], new: ShardRow | None, generation: int) -> None:
    """Names a new shard in the place of others."""
    catalog.each("DELETE FROM shard WHERE name = ?", ((row.name,) for row in old))
    if new is not None:
        name_shard(catalog, new, generation)


def name_shard(catalog: Catalog, row: ShardRow, generation: int) -> None:
    """Enters a finished shard into the catalog."""
    catalog.rows(
        f"INSERT INTO shard VALUES ({', '.join('?' * _SHARD_COLUMNS)})",
        (
            row.name,
            row.scale,
            row.count,
            row.width,
            row.bytes,
            row.checksum,
            row.kind,
            row.index_bytes,
            row.index_checksum,
            row.probes,
            row.recall,
            row.fingerprint,
            generation,
        ),
    )
