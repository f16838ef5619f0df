"""Sounds as they come back out of the catalog: utterances and phrases, what was heard in them, how it was said."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...pipeline.document import TIMES_DTYPE, Times
from ...pipeline.errors import DamagedFile, KnowledgeBaseError
from ...pipeline.posteriors import Posteriors
from .catalog import Catalog, Ids, Row
from .measures import by_name, measure_names
from .ranges import Ranges, normalised, within

_SOUND = "SELECT id, content_id, start, stop, parent, last FROM sound"
_HEARD = "SELECT s.id, s.content_id, s.start, s.stop, h.posteriors FROM sound AS s JOIN heard AS h ON h.span_id = s.id"
_BATCH = 512

Measures = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class SoundRows:
    """Utterances and phrases as columns.

    Attributes:
        id, content, start, stop, parent, last: *Shape:* (n,), int64. ``start`` and ``stop`` are samples of the
            recording; ``parent`` is a phrase's utterance, -1 for an utterance; ``last`` is the id of an utterance's
            last phrase, so that ``id .. last`` is the utterance and all its phrases.
    """

    id: Ids
    content: Ids
    start: Ids
    stop: Ids
    parent: Ids
    last: Ids

    def __len__(self) -> int:
        return len(self.id)

    def take(self, positions: npt.NDArray[np.int64]) -> SoundRows:
        """The rows at some positions, in their order."""
        return SoundRows(*(getattr(self, name)[positions] for name in self.__slots__))


@dataclass(frozen=True, slots=True, eq=False)
class HeardRows:
    """What was heard in utterances.

    Attributes:
        id, content, start, stop: *Shape:* (n,), int64; samples.
        posteriors: A frame's symbols for every 320 samples.
    """

    id: Ids
    content: Ids
    start: Ids
    stop: Ids
    posteriors: list[Posteriors]

    def __len__(self) -> int:
        return len(self.id)


def _columns(rows: Sequence[Row], count: int) -> list[Ids]:
    table = np.array([row[:count] for row in rows], np.int64).reshape(-1, count)
    return [np.ascontiguousarray(column) for column in table.T]


def sounds(catalog: Catalog, ids: Ids) -> SoundRows:
    """Utterances and phrases by id, in the order asked.

    Raises:
        KnowledgeBaseError: There is no sound of one of the ids.
    """
    distinct, back = np.unique(np.asarray(ids, np.int64), return_inverse=True)
    rows = catalog.among(f"{_SOUND} WHERE id IN (SELECT value FROM carray(?)) ORDER BY id", distinct)
    found = SoundRows(*_columns(rows, 6))
    if len(found) != len(distinct):
        raise KnowledgeBaseError(f"there is no sound {np.setdiff1d(distinct, found.id)[0]}: it is a text's, or gone")
    return found.take(back.astype(np.int64))


def sounds_between(catalog: Catalog, ranges: Ranges) -> SoundRows:
    """Utterances and phrases whose ids lie in ranges, in order of id."""
    ranges = normalised(ranges)
    rows = catalog.ranges(f"{_SOUND} WHERE id BETWEEN ? AND ? ORDER BY id", ranges[:, 0], ranges[:, 1] - 1)
    return SoundRows(*_columns(rows, 6))


def heard(catalog: Catalog, ids: Ids) -> HeardRows:
    """What was heard in utterances, in the order asked.

    Raises:
        KnowledgeBaseError: One of the ids is no utterance's.
        DamagedFile: What is stored of one is not what was heard.
    """
    distinct, back = np.unique(np.asarray(ids, np.int64), return_inverse=True)
    rows = catalog.among(f"{_HEARD} WHERE s.id IN (SELECT value FROM carray(?)) ORDER BY s.id", distinct)
    if len(rows) != len(distinct):
        lacking = np.setdiff1d(distinct, np.array([row[0] for row in rows], np.int64))
        raise KnowledgeBaseError(f"there is no utterance {lacking[0]}: it is a phrase or a text's, or gone")
    found = _heard_rows(rows)
    return HeardRows(
        found.id[back],
        found.content[back],
        found.start[back],
        found.stop[back],
        [found.posteriors[at] for at in back.tolist()],
    )


def heard_between(catalog: Catalog, ranges: Ranges) -> Iterator[HeardRows]:
    """What was heard in all utterances whose ids lie in ranges, in order of id, some hundred at a time."""
    for first, stop in normalised(ranges).tolist():
        for rows in catalog.stream(f"{_HEARD} WHERE s.id >= ? AND s.id < ? ORDER BY s.id", (first, stop), _BATCH):
            yield _heard_rows(rows)


def _heard_rows(rows: Sequence[Row]) -> HeardRows:
    posteriors: list[Posteriors] = []
    for row in rows:
        try:
            posteriors.append(Posteriors.from_bytes(row[4]))
        except ValueError as error:
            raise DamagedFile(f"utterance {row[0]} is damaged: {error}; ingest its recording again") from error
    identity, content, start, stop = _columns(rows, 4)
    return HeardRows(identity, content, start, stop, posteriors)


def manners(catalog: Catalog, ids: Ids) -> Measures:
    """Measures of utterances and phrases, in the order asked; NaN where there is none.

    *Shape:* (n, len(MEASURES))
    """
    ids = np.asarray(ids, np.int64)
    found = np.full((len(ids), len(measure_names())), np.nan, np.float32)
    if not len(ids):
        return found
    order = np.argsort(ids, kind="stable")
    ranked = ids[order]
    at = 0
    while at < len(ranked):
        piece = _piece_of(catalog, int(ranked[at]))
        if piece is None:
            at += 1
            continue
        first, stop, rows = piece
        until = int(np.searchsorted(ranked, stop))
        found[order[at:until]] = rows[ranked[at:until] - first]
        at = until
    return found


def _piece_of(catalog: Catalog, one: int) -> tuple[int, int, Measures] | None:
    """First and last-but-one id, and measures, of the piece that holds an id."""
    rows = catalog.rows(
        "SELECT m.first, m.stop, m.measures, r.measures FROM manner AS m JOIN recording AS r USING (content_id)"
        " WHERE m.first <= ?1 ORDER BY m.first DESC LIMIT 1",
        (one,),
    )
    if not rows or rows[0][1] <= one:
        return None
    return _piece(rows[0], measure_names())


def _piece(row: Row, wanted: Sequence[str]) -> tuple[int, int, Measures]:
    first, stop, blob, names = row
    stored = json.loads(names)
    if len(blob) != 4 * (stop - first) * len(stored):
        raise DamagedFile(f"the measures of sounds {first} to {stop} are damaged: ingest their recording again")
    measures = np.frombuffer(blob, "<f4").reshape(-1, len(stored))
    return first, stop, by_name(measures.astype(np.float32, copy=False), stored, wanted)


def manners_between(catalog: Catalog, ranges: Ranges) -> tuple[Ids, Measures]:
    """Ids and measures of all utterances and phrases whose ids lie in ranges, in order of id.

    *Shape:* (n,) and (n, len(MEASURES))
    """
    wanted = measure_names()
    ranges = normalised(ranges)
    sql = (
        "SELECT m.first, m.stop, m.measures, r.measures FROM manner AS m JOIN recording AS r USING (content_id)"
        " WHERE m.first < ?2 AND m.first >= coalesce((SELECT max(first) FROM manner WHERE first <= ?1), ?1)"
        " AND m.stop > ?1 ORDER BY m.first"
    )
    # A piece may reach into two ranges of a filter that is finer than contents.
    pieces = {row[0]: row for row in catalog.each(sql, ranges.tolist())}
    read = [_piece(row, wanted) for row in pieces.values()]
    ids = np.concatenate([np.arange(first, stop) for first, stop, _ in read] or [np.empty(0, np.int64)])
    measures = np.concatenate([rows for _, _, rows in read] or [np.empty((0, len(wanted)), np.float32)])
    chosen = within(ids, ranges)
    return ids[chosen], measures[chosen]


def times(catalog: Catalog, content_id: int, start: int, stop: int) -> Times:
    """When characters of a transcript are said: the rows that touch ``[start, stop)``."""
    pieces = catalog.rows(
        "SELECT rows FROM time WHERE content_id = ? AND start < ? AND stop > ? ORDER BY start",
        (content_id, stop, start),
    )
    rows = _times(pieces)
    return rows[(rows["start"] < stop) & (rows["stop"] > start)]


def said(catalog: Catalog, content_id: int, sample: int, sample_stop: int) -> tuple[int, int] | None:
    """The characters of a transcript that are said in samples; ``None`` where none are."""
    pieces = catalog.rows(
        "SELECT rows FROM time WHERE content_id = ? AND sample < ? AND sample_stop > ? ORDER BY start",
        (content_id, sample_stop, sample),
    )
    rows = _times(pieces)
    rows = rows[(rows["from"] < sample_stop) & (rows["to"] > sample)]
    return (int(rows["start"].min()), int(rows["stop"].max())) if len(rows) else None


def _times(pieces: Sequence[Row]) -> Times:
    return np.frombuffer(b"".join(zlib.decompress(blob) for (blob,) in pieces), TIMES_DTYPE)
