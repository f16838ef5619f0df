"""A knowledge base as of one commit, to read and search."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import TracebackType

import numpy as np
import numpy.typing as npt

from ...pipeline.document import Page, Times
from ...pipeline.errors import DamagedFile, KnowledgeBaseError
from ...pipeline.scale import SCALES, Scale
from ...pipeline.token_states import TokenStates
from . import contents, sounds, token_rows, vocabulary
from .catalog import Catalog, Ids
from .filter import Filter
from .generation import Generation
from .lexical import best_paragraphs, document_frequency
from .ranges import Ranges, normalised
from .scale_index import Neighbours, ScaleIndex
from .sounds import HeardRows, SoundRows
from .stored import SPAN_COLUMNS, Named, SpanRows, StoredContent, fingerprint_of, span_rows

_SPAN = f"SELECT {SPAN_COLUMNS} FROM span"
__all__ = ["HeardRows", "Snapshot", "SoundRows", "SpanRows", "StoredContent"]


class Snapshot:
    """A knowledge base as of one commit; what others commit meanwhile does not show.

    It holds a read transaction of the catalog, which keeps SQLite's log from being folded away: take one for each
    question, not one for the life of a server. One thread at a time.

    Attributes:
        generation: Number of the commit.
    """

    def __init__(self, catalog: Catalog, shared: Generation, release: Callable[[Catalog], None]) -> None:
        self._catalog = catalog
        self._shared = shared
        self._release = release
        self._open = True
        self._frequency: dict[int, int] = {}  # of stems asked for before: one question asks several times
        self.generation = shared.number

    @property
    def notes(self) -> tuple[str, ...]:
        """Why answers may differ from those that an earlier generation gave in its time; mostly empty."""
        return self._shared.past.notes if self._shared.past is not None else ()

    def close(self) -> None:
        """Lets the commit go; further calls do nothing."""
        if self._open:
            self._open = False
            try:
                self._catalog.end()
            finally:
                self._release(self._catalog)

    def __enter__(self) -> Snapshot:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Vectors

    @property
    def scales(self) -> tuple[Scale, ...]:
        """Scales that hold vectors and can be asked for, text before sound, finest first."""
        return tuple(scale for scale in SCALES.values() if self.holds(scale))

    def holds(self, scale: Scale) -> bool:
        """Whether a scale holds vectors."""
        return scale.name in self._shared.indexes

    def index(self, scale: Scale) -> ScaleIndex:
        """The vectors of a scale; ids are those of spans or sounds, for scales of terms of terms, for the phoneme scale
        those of :func:`octavo.indexes.store.ranges.window_ids`.

        Raises:
            KnowledgeBaseError: The scale holds no vectors; see :attr:`scales`.
            DamagedFile: A shard is lost.
        """
        if scale.name in self._shared.lost:
            raise DamagedFile(
                f"{self._shared.lost[scale.name]} is missing: restore it from a backup, or ingest the sources again"
                " into a new knowledge base"
            )
        if scale.name not in self._shared.indexes:
            raise KnowledgeBaseError(f"the knowledge base holds no {scale} vectors: ingest something first")
        return self._shared.indexes[scale.name]

    def fingerprint(self, scale: Scale) -> str | None:
        """The encoder whose vectors a scale holds, ``None`` if it holds none yet."""
        return fingerprint_of(self._catalog, scale)

    def ranges(self) -> Ranges:
        """Ids of all live spans and sounds. *Shape:* (m, 2), int64, ``first <= id < stop``."""
        return self._shared.live

    @property
    def token_fingerprint(self) -> str:
        """What made the token states of all sentences; empty where none are kept."""
        return self.setting(token_rows.SETTING) or ""

    def token_states(self, sentences: Ids) -> TokenStates:
        """What the word pieces of sentences mean in their context; ids rising."""
        return token_rows.tokens_of(self._catalog, sentences, self.token_fingerprint)

    # Spans

    def spans(self, ids: Ids) -> SpanRows:
        """Spans by id, in the order asked; an id may come twice.

        Raises:
            KnowledgeBaseError: There is no span of one of the ids.
        """
        ids = np.asarray(ids, np.int64)
        distinct, back = np.unique(ids, return_inverse=True)
        rows = span_rows(
            self._catalog.among(f"{_SPAN} WHERE id IN (SELECT value FROM carray(?)) ORDER BY id", distinct)
        )
        if len(rows) != len(distinct):
            raise KnowledgeBaseError(
                f"there is no span {np.setdiff1d(distinct, rows.id)[0]} in generation {self.generation}"
            )
        return rows.take(back.astype(np.int64))

    def subtree(self, ids: Ids) -> SpanRows:
        """Spans and everything inside them, in order of id (depth-first preorder), each once."""
        distinct = np.unique(np.asarray(ids, np.int64))
        ends = self._catalog.among("SELECT id, last FROM span WHERE id IN (SELECT value FROM carray(?))", distinct)
        if len(ends) != len(distinct):
            raise KnowledgeBaseError(f"there is no span of some of {len(distinct)} ids in generation {self.generation}")
        ranges = normalised(np.array(ends, np.int64).reshape(-1, 2) + np.array([0, 1]))
        return self.between(ranges)

    def between(self, ranges: Ranges) -> SpanRows:
        """Spans whose ids lie in ranges, in order of id."""
        ranges = normalised(ranges)
        return span_rows(
            self._catalog.ranges(f"{_SPAN} WHERE id BETWEEN ? AND ? ORDER BY id", ranges[:, 0], ranges[:, 1] - 1)
        )

    # Sounds

    def sounds(self, ids: Ids) -> SoundRows:
        """Utterances and phrases by id, in the order asked; an id may come twice.

        Raises:
            KnowledgeBaseError: There is no sound of one of the ids.
        """
        return sounds.sounds(self._catalog, ids)

    def sounds_between(self, ranges: Ranges) -> SoundRows:
        """Utterances and phrases whose ids lie in ranges, in order of id."""
        return sounds.sounds_between(self._catalog, ranges)

    def heard(self, ids: Ids) -> HeardRows:
        """What was heard in utterances, in the order asked; an id may come twice.

        Raises:
            KnowledgeBaseError: One of the ids is no utterance's.
        """
        return sounds.heard(self._catalog, ids)

    def heard_between(self, ranges: Ranges) -> Iterator[HeardRows]:
        """What was heard in all utterances whose ids lie in ranges, in order of id, some hundred at a time."""
        return sounds.heard_between(self._catalog, ranges)

    def manners(self, ids: Ids) -> npt.NDArray[np.float32]:
        """Measures of utterances and phrases, in the order asked; NaN where unknown. *Shape:* (n, len(MEASURES))."""
        return sounds.manners(self._catalog, ids)

    def manners_between(self, ranges: Ranges) -> tuple[Ids, npt.NDArray[np.float32]]:
        """Ids and measures of the utterances and phrases in ranges. *Shape:* (n,) and (n, len(MEASURES))."""
        return sounds.manners_between(self._catalog, ranges)

    def times(self, content_id: int, start: int, stop: int) -> Times:
        """When characters ``[start, stop)`` of a transcript are said: all rows that touch them."""
        return sounds.times(self._catalog, content_id, start, stop)

    def said(self, content_id: int, sample: int, sample_stop: int) -> tuple[int, int] | None:
        """The characters of a transcript that are said in samples ``[sample, sample_stop)``, ``None`` if none are."""
        return sounds.said(self._catalog, content_id, sample, sample_stop)

    # Words

    def stem_ids(self, stems: Sequence[str]) -> list[int | None]:
        """The id of each stem, ``None`` where it occurs nowhere."""
        return vocabulary.stem_ids(self._catalog, stems, self._shared)

    def terms(self, ids: Ids) -> list[tuple[str, int]]:
        """Text and stem id of terms by id, in the order asked.

        Raises:
            KnowledgeBaseError: There is no term of one of the ids.
        """
        return vocabulary.terms(self._catalog, ids, self._shared)

    def stem_terms(self, stem_ids: Sequence[int]) -> dict[int, list[str]]:
        """Some of the words, as they are written, that have each stem; at most three."""
        return vocabulary.stem_terms(self._catalog, stem_ids, self._shared)

    def term_ids(self, terms: Sequence[str]) -> list[list[tuple[int, int]]]:
        """For each (case-folded) text, id and stem id of terms written so; several where languages stem it apart."""
        return vocabulary.term_ids(self._catalog, terms, self._shared)

    def stems_from(self, beginning: str, most: int) -> list[tuple[int, str]]:
        """Id and text of the stems of terms that begin so, the first in order of spelling; at most ``most``."""
        return vocabulary.stems_from(self._catalog, beginning, most, self._shared)

    @property
    def paragraphs(self) -> int:
        """Live paragraphs."""
        return self._shared.paragraphs

    def document_frequency(self, stem_ids: Sequence[int]) -> npt.NDArray[np.int64]:
        """Paragraphs that hold each stem, those of deleted documents included until compaction. *Shape:* (n,)."""
        known = self._frequency
        new = [one for one in dict.fromkeys(stem_ids) if one not in known]
        known.update(zip(new, document_frequency(self._catalog, new, self._shared.past).tolist(), strict=True))
        return np.array([known[one] for one in stem_ids], np.int64)

    def lexical(self, stem_ids: Sequence[int], limit: int, ranges: Ranges | None = None) -> Neighbours:
        """The paragraphs with the best BM25 (k1 1.2, b 0.75, by FTS5) for any of the stems.

        A stem in more than half of all paragraphs has, to FTS5, no weight; it is left out where there are others,
        which spares reading its postings.

        Args:
            ranges: *Shape:* (m, 2); span ids that may be answered, in addition to being live.

        Returns:
            *Shape:* (1, limit): ids of paragraphs, scores higher the better, padded with -1 and -inf.
        """
        return best_paragraphs(self._catalog, stem_ids, limit, ranges, self._shared)

    def setting(self, key: str) -> str | None:
        """What this commit knows by a key, such as its calibration; ``None`` if it keeps nothing there."""
        if self._shared.past is not None:  # each commit that sets something says so in its record
            found = self._catalog.value(
                "SELECT what -> 'settings' ->> ?1 FROM generation WHERE number <= ?2 AND what -> 'settings' ->> ?1"
                " IS NOT NULL ORDER BY number DESC LIMIT 1",
                (key, self.generation),
            )
        else:
            found = self._catalog.value("SELECT value FROM setting WHERE key = ?", (key,))
        return None if found is None else str(found)

    # Contents

    def contents(self, where: Filter | None = None) -> Ranges:
        """Ids of the spans and sounds of live contents that meet a filter. *Shape:* (m, 2)."""
        return contents.id_ranges(self._catalog, where, self._shared)

    def content_ids(self) -> Ids:
        """Ids of all live contents, rising. *Shape:* (n,)"""
        return contents.live_ids(self._catalog, self._shared)

    def stored_ids(self) -> Ids:
        """Ids of all contents that count in how rare a word is: of this commit, deleted ones included. *Shape:* (n,)"""
        return contents.stored_ids(self._catalog, self._shared)

    def contents_of(self, sha256: str) -> list[int]:
        """Live contents that were made of some bytes; several if they were read in several ways."""
        return contents.ids_of(self._catalog, sha256, self._shared)

    def languages(self) -> set[str]:
        """Languages of live contents, as their metadata state them."""
        return contents.languages(self._catalog, self._shared)

    def content(self, content_id: int, where: Filter | None = None) -> StoredContent:
        """What is known of a content; its source is the first that meets the filter, else the first.

        Raises:
            KnowledgeBaseError: There is no such content.
        """
        return contents.content(self._catalog, content_id, where, self._shared)

    def names(self, content_ids: Ids) -> list[Named]:
        """What some contents are called: titles and paths."""
        return contents.names(self._catalog, content_ids, self._shared)

    def text(self, content_id: int, start: int, stop: int) -> str:
        """Characters ``[start, stop)`` of a content's text."""
        return contents.text(self._catalog, content_id, start, stop)

    def texts(self, spans: SpanRows) -> list[str]:
        """The text of each span."""
        columns = zip(spans.content.tolist(), spans.start.tolist(), spans.stop.tolist(), strict=True)
        return [self.text(content, start, stop) for content, start, stop in columns]

    def pages(self, content_id: int, start: int, stop: int) -> list[Page]:
        """The pages that characters ``[start, stop)`` stand on, each with all its boxes."""
        return contents.pages(self._catalog, content_id, start, stop)
