"""Merging shards, and dropping for good what was deleted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...pipeline.scale import PARAGRAPH
from .build import build_index
from .catalog import NAME, Catalog
from .commits import newest_generation, record_generation
from .folder import folder_bytes, remove_files, stray_files
from .kinds import BANDS, RECALL_TARGET, Band, band_for
from .lock import WriterLock
from .merging import Alive, merge
from .ranges import Ranges, normalised, vector_ranges, within
from .shard import Shard, ShardRow
from .stored import replace_shards, shard_rows
from .unfinished import Unfinished

_BY_ID = (("span", "id"), ("token_states", "span_id"), ("sound", "id"), ("heard", "span_id"), ("manner", "first"))
"""Tables whose rows belong to spans and sounds, and the column that names these."""

_VACUUM_ABOVE = 0.25
"""Share of free pages in the catalog from which it is rewritten without them."""


@dataclass(frozen=True, slots=True)
class Compaction:
    """What a compaction did.

    Attributes:
        generation: The newest generation afterwards; unchanged if there was nothing to do.
        contents, vectors: Dropped for good.
        shards_before, shards_after: Over all scales.
        kinds: Kind of index by name of scale, with its measured recall.
        orphans: Files removed that no commit had named.
        bytes_before, bytes_after: Of the whole folder.
    """

    generation: int
    contents: int
    vectors: int
    shards_before: int
    shards_after: int
    kinds: dict[str, tuple[str, float]]
    orphans: int
    bytes_before: int
    bytes_after: int


def live_ranges(catalog: Catalog) -> Ranges:
    """Ids of the spans and sounds of all contents that are not deleted. *Shape:* (m, 2)."""
    rows = catalog.rows("SELECT first, stop FROM content WHERE removed IS NULL")
    return normalised(np.array(rows, np.int64).reshape(-1, 2))


def alive(catalog: Catalog, scale: str) -> Alive:
    """A test of which ids of a scale are still of use."""
    live = vector_ranges(scale, live_ranges(catalog))
    if live is None:
        known = np.array([row[0] for row in catalog.rows("SELECT id FROM term ORDER BY id")], np.int64)
        return lambda ids: np.isin(ids, known, assume_unique=True)
    return lambda ids: within(ids, live)


def drop_dead(catalog: Catalog, generation: int) -> int:
    """Deletes the rows of deleted contents, and words that nothing else uses; how many contents there were.

    What made them, and when they came and went, stays on record; what came and went in one commit never was.
    """
    dead = catalog.rows("SELECT id, first, stop FROM content WHERE removed IS NOT NULL")
    catalog.rows(
        "INSERT INTO past_content SELECT id, sha256, media_type, recipe, text_length, paragraphs, vectors, flags,"
        " manifest, added, removed, ? FROM content WHERE removed > added",
        (generation,),
    )
    # A path that another took the place of stays with its content: earlier generations cite by it.
    gone = "removed IS NOT NULL AND content_id IN (SELECT id FROM content WHERE removed IS NOT NULL)"
    catalog.rows(
        "INSERT INTO past_source SELECT uri, content_id, bytes, added, removed FROM source"
        f" WHERE removed > added AND {gone}"
    )
    catalog.rows(f"DELETE FROM source WHERE removed = added OR ({gone})")
    if not dead:
        return 0
    for content, first, stop in dead:
        catalog.rows(
            "DELETE FROM lexical WHERE rowid IN (SELECT id FROM span WHERE id >= ? AND id < ? AND rank = ?)",
            (first, stop, PARAGRAPH.rank),
        )
        for table, key in _BY_ID:
            catalog.rows(f"DELETE FROM {table} WHERE {key} >= ? AND {key} < ?", (first, stop))
        for table in ("text", "page", "time", "recording"):
            catalog.rows(f"DELETE FROM {table} WHERE content_id = ?", (content,))
        catalog.rows("DELETE FROM content WHERE id = ?", (content,))
    _drop_unused_words(catalog)
    catalog.rows("INSERT INTO lexical (lexical) VALUES ('optimize')")
    return len(dead)


def _drop_unused_words(catalog: Catalog) -> None:
    used = np.zeros(1 + int(catalog.value("SELECT coalesce(max(id), 0) FROM stem")), np.bool_)
    for rows in catalog.stream("SELECT stems FROM span WHERE stems <> x''", batch=4096):
        used[np.frombuffer(b"".join(row[0] for row in rows), "<i4")] = True
    stems = np.array([row[0] for row in catalog.rows("SELECT id FROM stem")], np.int64)
    unused = stems[~used[stems]] if len(stems) else stems
    catalog.among("DELETE FROM stem WHERE id IN (SELECT value FROM carray(?))", unused)
    catalog.rows("DELETE FROM term WHERE stem_id NOT IN (SELECT id FROM stem)")


def compact_scale(
    root: Path,
    catalog: Catalog,
    scale: str,
    generation: int,
    bands: Sequence[Band] = BANDS,
    target: float = RECALL_TARGET,
) -> tuple[list[ShardRow], ShardRow | None, int]:
    """Makes one shard of a scale's shards, with the index that its size calls for.

    Returns:
        Shards replaced (none where nothing needed doing), the new shard, vectors dropped.
    """
    rows = shard_rows(catalog, scale)
    keep = alive(catalog, scale)
    count = sum(row.count for row in rows)
    living = sum(int(keep(Shard(root, row).ids).sum()) for row in rows)
    if len(rows) == 1 and living == count:
        wanted = [kind.name for kind in band_for(count, bands).kinds]
        if rows[0].kind == wanted[0]:
            return [], None, 0
    if not rows:
        return [], None, 0
    new = merge(root, rows, keep)
    if new is not None:
        new = build_index(root, new, bands, target)
    replace_shards(catalog, rows, new, generation)
    if new is None:
        catalog.rows("DELETE FROM scale WHERE name = ?", (scale,))
    return rows, new, count - living


def compact(root: Path, bands: Sequence[Band], target: float, vacuum: bool) -> Compaction:
    """One compaction from lock to report; see :meth:`octavo.indexes.collection.KnowledgeBase.compact`."""
    before = folder_bytes(root)
    with WriterLock(root):
        catalog = Catalog(root / NAME, "write")
        try:
            stray = stray_files(root, catalog)
            remove_files(stray)
            Unfinished(root).sweep()
            counted = len(shard_rows(catalog))
            generation, contents, vectors = _compact_all(root, catalog, bands, target)
            if vacuum and catalog.free_pages() > _VACUUM_ABOVE:
                catalog.vacuum()
            rows = shard_rows(catalog)
        finally:
            catalog.close()
    return Compaction(
        generation=generation,
        contents=contents,
        vectors=vectors,
        shards_before=counted,
        shards_after=len(rows),
        kinds={row.scale: (row.kind, row.recall) for row in rows},
        orphans=len(stray),
        bytes_before=before,
        bytes_after=folder_bytes(root),
    )


def _compact_all(root: Path, catalog: Catalog, bands: Sequence[Band], target: float) -> tuple[int, int, int]:
    """One commit; returns the newest generation, contents and vectors dropped."""
    made: list[ShardRow] = []
    old: list[ShardRow] = []
    vectors = 0
    catalog.begin_writing()
    try:
        generation = newest_generation(catalog) + 1
        contents = drop_dead(catalog, generation)
        for (scale,) in catalog.rows("SELECT name FROM scale"):
            replaced, new, dropped = compact_scale(root, catalog, scale, generation, bands, target)
            old += replaced
            made += [new] if new else []
            vectors += dropped
        if not contents and not old:
            catalog.end()
            return generation - 1, 0, 0
        kinds = {row.scale: row.kind for row in shard_rows(catalog)}
        done = {"action": "compact", "contents": contents, "vectors": vectors, "kinds": kinds}
        record_generation(catalog, generation, done)
        made = []  # may be committed from here on, even if an error comes first: not ours to remove
        catalog.commit()
    except BaseException:
        remove_files([path for row in made for path in row.paths(root)])
        raise
    remove_files([path for row in old for path in row.paths(root)])
    return generation, contents, vectors
