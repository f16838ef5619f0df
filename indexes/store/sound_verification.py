"""Whether recordings in the catalog are whole: rows that fit each other, posteriors that can be read."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator

import numpy as np

from ...pipeline.document import TIMES_DTYPE
from ...pipeline.posteriors import FRAME, Posteriors
from .catalog import Catalog

_COUNTS = (
    (
        "SELECT count(*) FROM sound AS s WHERE NOT EXISTS (SELECT 1 FROM content AS c JOIN recording AS r"
        " ON r.content_id = c.id WHERE c.id = s.content_id AND s.id >= c.first AND s.id < c.stop)",
        "{} sounds are not among those of their recording",
    ),
    (
        "SELECT count(*) FROM sound AS s JOIN recording AS r USING (content_id)"
        f" WHERE s.start < 0 OR s.start >= s.stop OR s.stop >= r.samples + {FRAME}",
        "{} sounds reach out of their recording",
    ),
    (
        "SELECT count(*) FROM sound AS s WHERE s.parent <> -1 AND NOT EXISTS (SELECT 1 FROM sound AS u"
        " WHERE u.id = s.parent AND u.parent = -1 AND u.content_id = s.content_id AND s.id > u.id AND s.id <= u.last"
        " AND s.start >= u.start AND s.stop <= u.stop)",
        "{} phrases lie in no utterance",
    ),
    (
        "SELECT count(*) FROM sound AS s WHERE s.parent = -1"
        " AND NOT EXISTS (SELECT 1 FROM heard AS h WHERE h.span_id = s.id AND h.content_id = s.content_id)",
        "{} utterances have no posteriors",
    ),
    (
        "SELECT count(*) FROM heard AS h WHERE NOT EXISTS (SELECT 1 FROM sound AS s WHERE s.id = h.span_id)",
        "{} posteriors belong to no utterance",
    ),
    (
        "SELECT count(*) FROM recording AS r JOIN content AS c ON c.id = r.content_id WHERE r.utterances <>"
        " (SELECT count(*) FROM sound AS s WHERE s.id >= c.first AND s.id < c.stop AND s.parent = -1)",
        "{} recordings have other utterances than were committed",
    ),
    (
        "SELECT count(*) FROM recording AS r WHERE NOT EXISTS (SELECT 1 FROM content AS c WHERE c.id = r.content_id)",
        "{} recordings belong to no content",
    ),
)


def sound_faults(catalog: Catalog) -> Iterator[str]:
    """What is wrong with the recordings of a catalog, deleted ones included."""
    for sql, what in _COUNTS:
        if count := int(catalog.value(sql)):
            yield what.format(count)
    yield from _posteriors(catalog)
    yield from _measures(catalog)
    yield from _times(catalog)


def _posteriors(catalog: Catalog) -> Iterator[str]:
    rows = catalog.stream(
        "SELECT s.id, s.stop - s.start, h.posteriors FROM heard AS h JOIN sound AS s ON s.id = h.span_id", batch=64
    )
    for batch in rows:
        for one, samples, blob in batch:
            try:
                frames = len(Posteriors.from_bytes(blob))
            except ValueError as error:
                yield f"the posteriors of utterance {one} cannot be read: {error}"
                continue
            if frames * FRAME != samples:
                yield f"utterance {one} has posteriors of {frames} frames, but {samples} samples"


def _measures(catalog: Catalog) -> Iterator[str]:
    """Every sound has measures, and each piece of them as many rows as ids."""
    sql = (
        "SELECT c.id, c.stop, (SELECT min(s.id) FROM sound AS s WHERE s.id >= c.first AND s.id < c.stop), r.measures"
        " FROM recording AS r JOIN content AS c ON c.id = r.content_id"
    )
    for content, stop, first, names in catalog.rows(sql):
        at, width = first, 4 * len(json.loads(names))
        pieces = (
            []
            if first is None
            else catalog.rows(
                "SELECT first, stop, length(measures) FROM manner WHERE first >= ? AND first < ? ORDER BY first",
                (first, stop),
            )
        )
        for piece_first, piece_stop, size in pieces:
            if piece_first != at or size != width * (piece_stop - piece_first):
                break
            at = piece_stop
        if first is not None and at != stop:
            yield f"the measures of content {content} are not those of its sounds from {at} on"


def _times(catalog: Catalog) -> Iterator[str]:
    sql = (
        "SELECT t.content_id, t.start, t.stop, t.rows, c.text_length, r.samples FROM time AS t"
        " LEFT JOIN content AS c ON c.id = t.content_id LEFT JOIN recording AS r ON r.content_id = t.content_id"
    )
    for batch in catalog.stream(sql, batch=64):
        for content, start, stop, blob, length, samples in batch:
            try:
                rows = np.frombuffer(zlib.decompress(blob), TIMES_DTYPE)
            except (zlib.error, ValueError) as error:
                yield f"times of content {content} cannot be read: {error}"
                continue
            if length is None or samples is None:
                yield f"times of content {content} belong to no recording"
            elif not len(rows) or (int(rows["start"][0]), int(rows["stop"][-1])) != (start, stop) or stop > length:
                yield f"times of content {content} do not fit its text from {start} to {stop}"
