"""Vectors of text made anew from what the catalog holds: no source is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np

from ...pipeline.document import Span
from ...pipeline.embed import Embeddings
from ...pipeline.scale import DOCUMENT, PARAGRAPH, SECTION, SENTENCE, TEXT_SCALES
from .catalog import Catalog
from .contents import text
from .recipe import re_encoded
from .shard import ShardWriter
from .stored import fingerprint_of
from .token_rows import drop_all, stage_tokens

SPAN_SCALES = (SENTENCE, PARAGRAPH, SECTION, DOCUMENT)
"""Scales whose vectors a text encoder makes."""

_CHARACTERS = 1 << 18
"""Documents are encoded together until they hold this many characters, as in an ingest."""


class SpanEncoder(Protocol):
    """What makes the vectors of spans."""

    fingerprint: str

    def encode(self, documents: Sequence[tuple[str, Sequence[Span]]]) -> Iterator[tuple[int, Embeddings]]:
        """Embeddings of documents, in order."""
        ...


def made_by(catalog: Catalog) -> str:
    """Fingerprint of the encoder whose vectors are there; empty where there are none."""
    return fingerprint_of(catalog, SENTENCE) or ""


def encode_anew(
    catalog: Catalog,
    encoder: SpanEncoder,
    shard: Callable[[str, int, str], ShardWriter],
    keep: Callable[[str, str], None],
    told: Callable[[int, int], None] = lambda done, of: None,
) -> None:
    """Stages vectors of another encoder for all text that is there, deleted text included until compaction.

    Args:
        shard: The shard being written for a scale, a width and a fingerprint.
        keep: Stages a setting.
        told: Told how many characters of how many are done.
    """
    before = made_by(catalog)
    for scale in SPAN_SCALES:
        # The files stay until the next writer collects what no commit names.
        catalog.rows("DELETE FROM shard WHERE scale = ?", (scale.name,))
        catalog.rows("DELETE FROM scale WHERE name = ?", (scale.name,))
    drop_all(catalog)
    lengths = catalog.rows("SELECT id, first, text_length FROM content WHERE text_length > 0 ORDER BY id")
    total, done = sum(row[2] for row in lengths), 0
    for batch in _batches(lengths):
        documents = [(text(catalog, content, 0, length), _spans(catalog, content)) for content, _, length in batch]
        kept = [(row, one) for row, one in zip(batch, documents, strict=True) if one[1]]
        for position, embeddings in encoder.encode([one for _, one in kept]):
            stage_tokens(catalog, kept[position][0][1], embeddings, keep)
            into = shard(embeddings.scale.name, embeddings.vectors.shape[1], embeddings.fingerprint)
            into.add(kept[position][0][1] + embeddings.spans, embeddings.vectors)
        done += sum(row[2] for row in batch)
        told(done, total)
    for table in ("content", "refusal"):
        for (recipe,) in catalog.rows(f"SELECT DISTINCT recipe FROM {table}"):
            renewed = re_encoded(recipe, before, encoder.fingerprint)
            if renewed != recipe:
                catalog.rows(f"UPDATE OR REPLACE {table} SET recipe = ? WHERE recipe = ?", (renewed, recipe))
    catalog.rows(
        "UPDATE content SET manifest = json_set(manifest, '$.encoder', ?) WHERE manifest ->> 'encoder' = ?",
        (encoder.fingerprint, before),
    )


def _batches(lengths: Sequence[tuple[int, int, int]]) -> Iterator[list[tuple[int, int, int]]]:
    batch: list[tuple[int, int, int]] = []
    characters = 0
    for row in lengths:
        batch.append(row)
        characters += row[2]
        if characters >= _CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _spans(catalog: Catalog, content: int) -> list[Span]:
    rows = np.array(
        catalog.rows("SELECT id, rank, start, stop, parent FROM span WHERE content_id = ? ORDER BY id", (content,)),
        np.int64,
    ).reshape(-1, 5)
    return [
        Span(TEXT_SCALES[rank], start, stop, -1 if parent < 0 else parent - int(rows[0, 0]))
        for _, rank, start, stop, parent in rows.tolist()
    ]
