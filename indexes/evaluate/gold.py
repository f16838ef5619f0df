"""Questions tied to one generation of a knowledge base: which contents, and which parts of them, are gold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
import numpy.typing as npt

from ...pipeline.errors import QueryError
from ...pipeline.recording import SAMPLE_RATE
from ...pipeline.scale import DOCUMENT, PARAGRAPH, PHONEME, SECTION, SENTENCE, Scale
from ..collection import KnowledgeBase
from ..store.ranges import Ranges, subtracted
from ..store.snapshot import Snapshot
from .metrics import extent, on_axis, overlaps, precision_omega, union
from .questions import Question, Relevant
from .said_times import SaidTimes, milliseconds

Ints = npt.NDArray[np.int64]

UNITS = (SENTENCE, PARAGRAPH, SECTION, DOCUMENT)
"""Scales of text whose spans can be cited whole."""


@dataclass(frozen=True, slots=True, eq=False)
class Gold:
    """What a question should find.

    Attributes:
        contents: Ids of the relevant contents. *Shape:* (m,)
        grades: Of each. *Shape:* (m,)
        starts, stops: What is relevant on the axis of :func:`octavo.indexes.evaluate.metrics.on_axis`, disjoint and
            sorted; empty where sources as a whole are relevant. *Shape:* (g,)
        units: How many spans of each scale hold gold; of the phoneme scale utterances.
        omega: Precision-omega by scale.
        timed: The contents that are judged in milliseconds, because the question names times in them: recordings. All
            others are judged in characters. *Shape:* (t,)
        written: The same places in characters to read: content, start, stop.
    """

    contents: Ints
    grades: Ints
    starts: Ints
    stops: Ints
    units: dict[Scale, int]
    omega: dict[Scale, float]
    timed: Ints
    written: tuple[tuple[int, int, int], ...]

    @property
    def characters(self) -> float:
        """How much is relevant, 0 where sources as a whole are; see :func:`octavo.indexes.evaluate.metrics.extent`."""
        return float(extent(self.starts, self.stops, self.timed).sum())


class Judge:
    """Looks up the places that questions name.

    A place is read once, so one judge serves many questions.
    """

    def __init__(self, base: KnowledgeBase, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._scales = (*UNITS, PHONEME) if snapshot.holds(PHONEME) else UNITS
        self._content: dict[str, int] = {}
        self._length: dict[int, int] = {}
        self._named: defaultdict[str, list[str]] = defaultdict(list)
        self._pages: dict[int, dict[int, tuple[int, int]]] = {}
        self._units: dict[tuple[int, bool], dict[Scale, tuple[Ints, Ints]]] = {}
        self.times = SaidTimes(snapshot)
        for source in base.sources(snapshot.generation):
            self._content[source.uri] = source.content
            self._length[source.content] = source.text_length
            path = PurePath(source.uri)
            for name in {path.name, path.stem}:
                self._named[name].append(source.uri)

    def gold(self, question: Question) -> Gold:
        """What the question should find.

        Raises:
            QueryError: A place is not in the knowledge base, or it is not clear which is meant.
        """
        grades: dict[int, int] = {}
        spans: list[tuple[int, int, int]] = []
        written: list[tuple[int, int, int]] = []
        whole = False
        try:
            found = [(self._find(place.source), place) for place in question.relevant]
            timed = {content for content, place in found if place.start_seconds is not None}
            for content, place in found:
                grades[content] = max(grades.get(content, 0), place.grade)
                if place.start_seconds is not None:
                    start, stop = self._samples(content, place)
                    first = int(milliseconds(start))
                    spans.append((content, first, max(int(milliseconds(stop)), first + 1)))
                    read = self.times.written(content, start, stop, self._length[content])
                else:
                    read = self._characters(content, place)
                    if read and content in timed:
                        a, b = self.times.said(content, *(np.array([edge], np.int64) for edge in read))
                        spans += [(content, int(a[0]), int(b[0]))] if a[0] < b[0] else []
                    elif read:
                        spans.append((content, *read))
                    whole = whole or read is None
                written += [(content, *read)] if read else []
        except ValueError as error:
            raise QueryError(f"question {question.id or question.text[:60]!r}: {error}") from error
        # A source that is relevant as a whole has no characters to find within a budget.
        table = np.array([] if whole else spans, np.int64).reshape(-1, 3)
        starts, stops = union(on_axis(table[:, 0], table[:, 1]), on_axis(table[:, 0], table[:, 2]))
        units, omega = self._held(sorted(grades), timed, starts, stops)
        contents = np.array(sorted(grades), np.int64)
        return Gold(
            contents,
            np.array([grades[one] for one in sorted(grades)], np.int64),
            starts,
            stops,
            units,
            omega,
            np.array(sorted(timed), np.int64),
            () if whole else tuple(sorted(written)),
        )

    def left_out(self, question: Question) -> set[int]:
        """The contents that may not answer a question.

        Raises:
            QueryError: One is not in the knowledge base, or it is not clear which is meant.
        """
        try:
            return {self._find(name) for name in question.without}
        except ValueError as error:
            raise QueryError(f"question {question.id or question.text[:60]!r}: {error}") from error

    def ranges(self, question: Question) -> Ranges | None:
        """Ids of what may answer a question, ``None`` for everything; see :meth:`left_out`."""
        stored = [self._snapshot.content(content) for content in sorted(self.left_out(question))]
        if not stored:
            return None
        return subtracted(self._snapshot.ranges(), np.array([(one.first, one.stop) for one in stored], np.int64))

    def _find(self, name: str) -> int:
        """The content of a source: by its whole path, by the path's end, or by the file's name without suffix."""
        if name in self._content:
            return self._content[name]
        asked = PurePath(name)
        parts = asked.parts
        uris = [uri for uri in self._named.get(asked.name, []) if PurePath(uri).parts[-len(parts) :] == parts]
        if not uris:
            uris = [uri for uri in self._named.get(name, []) if PurePath(uri).stem == name]
        contents = {self._content[uri] for uri in uris}
        if not contents:
            raise ValueError(
                f"the source {name!r} is not in the knowledge base: ingest it, or write its path as ingested"
            )
        if len(contents) > 1:
            raise ValueError(f"the source {name!r} may be {uris[0]} or {uris[1]}: write more of its path")
        return contents.pop()

    def _characters(self, content: int, place: Relevant) -> tuple[int, int] | None:
        length = self._length[content]
        if place.page is not None:
            pages = self._pages_of(content)
            if place.page not in pages:
                raise ValueError(f"{place.source!r} has no text on page {place.page}, only on {len(pages)} pages")
            return pages[place.page]
        if place.start is None or place.stop is None:
            return None
        if place.stop > length:
            raise ValueError(
                f"[{place.start}, {place.stop}) reaches past the {length} characters of {place.source!r}: "
                "it has changed since the question was written"
            )
        return place.start, place.stop

    def _samples(self, content: int, place: Relevant) -> tuple[int, int]:
        """Samples of a place that is given in seconds of the file."""
        stored = self._snapshot.content(content)
        if not stored.samples:
            raise ValueError(f"{place.source!r} is no recording: give start and stop in characters, or a page")
        assert place.start_seconds is not None  # checked by whoever calls
        assert place.stop_seconds is not None
        zero = stored.start_us / 1e6
        start, stop = (round((edge - zero) * SAMPLE_RATE) for edge in (place.start_seconds, place.stop_seconds))
        if start < -SAMPLE_RATE or stop > stored.samples + SAMPLE_RATE:
            raise ValueError(
                f"[{place.start_seconds}, {place.stop_seconds}) s reaches past the recording {place.source!r}, which"
                f" goes from {zero:.2f} to {zero + stored.samples / SAMPLE_RATE:.2f} s"
            )
        start, stop = max(start, 0), min(stop, stored.samples)
        if start >= stop:
            raise ValueError(f"[{place.start_seconds}, {place.stop_seconds}) s is outside of {place.source!r}")
        return start, stop

    def _pages_of(self, content: int) -> dict[int, tuple[int, int]]:
        if content not in self._pages:
            pages = self._snapshot.pages(content, 0, self._length[content])
            self._pages[content] = {page.number: (page.start, page.stop) for page in pages if page.stop > page.start}
        return self._pages[content]

    def _held(
        self, contents: Sequence[int], timed: set[int], starts: Ints, stops: Ints
    ) -> tuple[dict[Scale, int], dict[Scale, float]]:
        units: dict[Scale, int] = {}
        omega: dict[Scale, float] = {}
        if len(starts):
            for scale in self._scales:
                tables = [self._units_of(content, content in timed)[scale] for content in contents]
                unit_starts = np.concatenate([table[0] for table in tables])
                unit_stops = np.concatenate([table[1] for table in tables])
                # Only what lies between first and last gold can hold any.
                near = (unit_stops > unit_starts) & (unit_stops > starts[0]) & (unit_starts < stops[-1])
                unit_starts, unit_stops = unit_starts[near], unit_stops[near]
                held = overlaps(unit_starts, unit_stops, starts, stops).any(axis=1)
                units[scale] = int(held.sum())
                # Sentences of one cue share its time.
                edges = union(unit_starts[held], unit_stops[held])
                omega[scale] = precision_omega(*edges, starts, stops, np.array(sorted(timed), np.int64))
        return units, omega

    def _units_of(self, content: int, timed: bool) -> dict[Scale, tuple[Ints, Ints]]:
        if (content, timed) not in self._units:
            stored = self._snapshot.content(content)
            ids = np.array([[stored.first, stored.stop]], np.int64)
            spans = self._snapshot.between(ids)
            made = {}
            for scale in UNITS:
                rows = spans.rank == scale.rank
                edges = spans.start[rows], spans.stop[rows]
                starts, stops = self.times.said(content, *edges) if timed else edges
                made[scale] = on_axis(content, starts), on_axis(content, stops)
            if PHONEME in self._scales:
                made[PHONEME] = self._utterances(content, timed, ids)
            self._units[content, timed] = made
        return self._units[content, timed]

    def _utterances(self, content: int, timed: bool, ids: Ints) -> tuple[Ints, Ints]:
        sounds = self._snapshot.sounds_between(ids)
        own = sounds.parent < 0
        starts, stops = sounds.start[own], sounds.stop[own]
        if timed:
            return on_axis(content, milliseconds(starts)), on_axis(content, milliseconds(stops))
        length = self._length[content]
        pairs = zip(starts.tolist(), stops.tolist(), strict=True)
        written = [self.times.written(content, start, stop, length) for start, stop in pairs]
        table = np.array([one for one in written if one], np.int64).reshape(-1, 2)
        return union(on_axis(content, table[:, 0]), on_axis(content, table[:, 1]))
