"""What an earlier commit held, as far as the catalog still knows: rows say when they came and when they went.

Compaction drops what was deleted before it. An earlier generation can be read as long as no compaction has dropped
anything that was live in it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...pipeline.errors import GenerationGone
from ...pipeline.scale import CHARACTER, PHONEME, PRONUNCIATION, SENTENCE
from .catalog import Catalog, Ids
from .commits import check_generation, manifests_from
from .lexical_past import PastWords
from .ranges import normalised, vector_ranges, within
from .shard import Shard
from .stored import shard_rows
from .term_vectors import progress_key

_THEN = "{0}.added <= {1} AND ({0}.removed IS NULL OR {0}.removed > {1})"


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """What the catalog held in an earlier generation, or would hold with some of its changes.

    Attributes:
        number: Of the generation.
        contents: Ids of the live ones, rising. *Shape:* (n,)
        sources: SQL over ``source AS s``: which of them name these contents.
        words: The full-text index of then.
        terms: The highest id of a term of then.
        vectors: By name of scale how many vectors it had; of the scales of terms the highest id that had one.
        notes: Why answers may differ from those of then, for people.
    """

    number: int
    contents: Ids
    sources: str
    words: PastWords
    terms: int
    vectors: dict[str, int]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Record:
    """What the record of a generation says of its terms."""

    terms: int
    vectors: dict[str, int]
    notes: tuple[str, ...]


def live_then(alias: str, number: int) -> str:
    """SQL: whether a row of ``content`` or ``source`` was live in a generation."""
    return "(" + _THEN.format(alias, int(number)) + ")"


def contents_of(catalog: Catalog, number: int) -> Ids:
    """Ids of the contents that were live in a generation and are still there, rising. *Shape:* (n,)"""
    rows = catalog.rows(f"SELECT c.id FROM content AS c WHERE {live_then('c', number)} ORDER BY c.id")
    return np.array([row[0] for row in rows], np.int64)


def past_of(catalog: Catalog, number: int) -> Past:
    """What an earlier generation held.

    Raises:
        QueryError: There never was such a generation.
        GenerationGone: Some of it was dropped since.
    """
    check_readable(catalog, number)
    stored = [row[0] for row in catalog.rows("SELECT id FROM content WHERE added <= ? ORDER BY id", (number,))]
    return assembled(catalog, number, contents_of(catalog, number), np.array(stored, np.int64), (number,))


def assembled(catalog: Catalog, number: int, contents: Ids, stored: Ids, named_in: Sequence[int]) -> Past:
    """A generation with other contents than it had: what would have been, had only some things changed.

    Args:
        contents: Live ones. *Shape:* (n,)
        stored: Those and the deleted ones, which count in how rare a word is. *Shape:* (m,)
        named_in: Generations whose sources name them.
    """
    known = [_record(catalog, one) for one in (number, *named_in)]
    rows = catalog.among(
        "SELECT first, stop, paragraphs, stems, vectors FROM content WHERE id IN (SELECT value FROM carray(?))", stored
    )
    vectors: Counter[str] = Counter()
    for row in rows:
        vectors.update(json.loads(row[4]))
    spans = normalised(np.array([row[:2] for row in rows], np.int64).reshape(-1, 2))
    words = PastWords(spans, sum(row[2] for row in rows), sum(row[3] for row in rows))
    named = " OR ".join(live_then("s", one) for one in named_in)
    counts = {**vectors, **{name: max(record.vectors[name] for record in known) for name in known[0].vectors}}
    terms = max(record.terms for record in known)
    return Past(number, np.sort(contents), f"({named})", words, terms, counts, known[0].notes)


def check_readable(catalog: Catalog, number: int) -> None:
    """Raises:
    QueryError: There never was such a generation.
    GenerationGone: Something that was live in it was dropped since.
    """
    check_generation(catalog, number)
    advice = f"generations from {oldest_readable(catalog)} on can be read"
    count, compaction = catalog.rows(
        "SELECT count(*), min(dropped) FROM past_content WHERE added <= ?1 AND removed > ?1", (number,)
    )[0]
    if count:
        raise GenerationGone(
            f"generation {number} held {count:,} documents or recordings whose files went or changed later, and the"
            f" compaction of generation {compaction} dropped them: {advice}"
        )
    if compaction := _unrecorded_compaction(catalog, number):
        raise GenerationGone(
            f"the compaction of generation {compaction}, by an earlier version of Octavo, dropped what was deleted and"
            f" did not record what: {advice}"
        )
    if lost := _lost_vectors(catalog, number):
        raise GenerationGone(
            f"generation {number} held {lost} vectors that an earlier version of Octavo dropped while merging: {advice}"
        )


def oldest_readable(catalog: Catalog) -> int:
    """The first generation from which on no compaction has dropped anything that was live."""
    dropped = catalog.value("SELECT max(removed) FROM past_content") or 0
    return max(int(dropped), _unrecorded_compaction(catalog, 0))


def _unrecorded_compaction(catalog: Catalog, number: int) -> int:
    """The last compaction after a generation that dropped what it did not record; 0 if there is none."""
    return int(
        catalog.value(
            "SELECT coalesce(max(number), 0) FROM generation WHERE number > ? AND number < ?"
            " AND what ->> 'action' = 'compact' AND what ->> 'contents' > 0",
            (number, manifests_from(catalog)),
        )
    )


def _lost_vectors(catalog: Catalog, number: int) -> int:
    """Vectors of contents deleted since that are not there: merges left them out before there were manifests."""
    rows = catalog.rows(
        f"SELECT c.first, c.stop, c.vectors FROM content AS c WHERE {live_then('c', number)} AND c.removed < ?",
        (manifests_from(catalog),),
    )
    expected: Counter[str] = Counter()
    for row in rows:
        expected.update(json.loads(row[2]))
    spans = normalised(np.array([row[:2] for row in rows], np.int64).reshape(-1, 2))
    lost = 0
    for scale, count in expected.items():
        ranges = vector_ranges(scale, spans)
        assert ranges is not None  # contents have no vectors of terms
        shards = [Shard(catalog.path.parent, row) for row in shard_rows(catalog, scale)]
        lost += count - sum(int(within(shard.ids, ranges).sum()) for shard in shards)
    return lost


def _record(catalog: Catalog, number: int) -> _Record:
    """Terms of a generation, and what is not known of it."""
    what = json.loads(catalog.value("SELECT what FROM generation WHERE number = ?", (number,)))
    notes = []
    every = int(catalog.value("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'term'"))
    encoders: dict[str, str] = dict(catalog.rows("SELECT name, fingerprint FROM scale"))
    if "terms" not in what:
        notes.append(
            f"generation {number} was made by an earlier version of Octavo, which did not record its terms: what was"
            " misspelt in a question may find words that came later"
        )
        return _Record(every, {scale.name: every for scale in (CHARACTER, PRONUNCIATION)}, tuple(notes))
    vectors = {}
    for scale in (CHARACTER, PRONUNCIATION):
        vectors[scale.name] = int(what["term_vectors"].get(progress_key(scale), 0))
        then, now = what["encoders"].get(scale.name), encoders.get(scale.name)
        if then != now and then is not None:
            notes.append(f"the {scale} vectors of generation {number} were made by {then} and are gone: {now} now")
    then, now = what["encoders"].get(SENTENCE.name), encoders.get(SENTENCE.name)
    if then != now and then is not None:
        notes.append(f"the vectors of text of generation {number} were made by {then} and are gone: {now} now")
    then, now = what["encoders"].get(PHONEME.name), encoders.get(PHONEME.name)
    if then != now and then is not None:
        notes.append(
            f"what was heard in the recordings of generation {number} by {then} is gone: {now or 'nothing'} now"
        )
    paragraphs, compaction = catalog.rows(
        "SELECT coalesce(sum(paragraphs), 0), max(dropped) FROM past_content"
        " WHERE added <= ?1 AND removed <= ?1 AND dropped > ?1",
        (number,),
    )[0]
    if paragraphs:
        notes.append(
            f"{paragraphs:,} paragraphs that were deleted in generation {number} still counted in how rare a word is,"
            f" until the compaction of generation {compaction}: scores may differ a little from those of then"
        )
    return _Record(int(what["terms"]), vectors, tuple(notes + _lost_indexes(catalog, number)))


def _lost_indexes(catalog: Catalog, number: int) -> list[str]:
    """Approximate indexes of then that were replaced since: which vectors they overlooked cannot be told any more."""
    rows = catalog.rows(
        "SELECT number, what ->> 'kinds' FROM generation WHERE number <= ? AND what ->> 'kinds' IS NOT NULL"
        " ORDER BY number DESC LIMIT 1",
        (number,),
    )
    there = {(row.scale, row.added) for row in shard_rows(catalog)}
    return [
        f"the {scale} index of generation {number} was approximate ({kind}) and is gone: every vector is compared now"
        for made, kinds in rows
        for scale, kind in json.loads(kinds).items()
        if kind != "flat" and not any(one == scale and added <= made for one, added in there)
    ]
