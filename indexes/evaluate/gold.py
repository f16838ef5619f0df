"""Questions tied to one generation of a knowledge base: which contents, and which characters of them, are gold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
import numpy.typing as npt

from ...pipeline.errors import QueryError
from ...pipeline.scale import DOCUMENT, PARAGRAPH, SECTION, SENTENCE, Scale
from ..collection import KnowledgeBase
from ..snapshot import Snapshot
from .metrics import on_axis, overlaps, precision_omega, union
from .questions import Question, Relevant

Ints = npt.NDArray[np.int64]

UNITS = (SENTENCE, PARAGRAPH, SECTION, DOCUMENT)
"""Scales whose spans can be cited whole."""


@dataclass(frozen=True, slots=True, eq=False)
class Gold:
    """What a question should find.

    Attributes:
        contents: Ids of the relevant contents. *Shape:* (m,)
        grades: Of each. *Shape:* (m,)
        starts, stops: Relevant characters on the axis of :func:`octavo.indexes.evaluate.metrics.on_axis`, disjoint and
            sorted; empty where sources as a whole are relevant. *Shape:* (g,)
        units: How many spans of each scale hold gold.
        omega: Precision-omega by scale.
    """

    contents: Ints
    grades: Ints
    starts: Ints
    stops: Ints
    units: dict[Scale, int]
    omega: dict[Scale, float]

    @property
    def characters(self) -> int:
        """Relevant characters, 0 where sources as a whole are relevant."""
        return int((self.stops - self.starts).sum())


class Judge:
    """Looks up the places that questions name.

    A place is read once, so one judge serves many questions.
    """

    def __init__(self, base: KnowledgeBase, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._content: dict[str, int] = {}
        self._length: dict[int, int] = {}
        self._named: defaultdict[str, list[str]] = defaultdict(list)
        self._pages: dict[int, dict[int, tuple[int, int]]] = {}
        self._units: dict[int, dict[Scale, tuple[Ints, Ints]]] = {}
        for source in base.sources():
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
        whole = False
        for place in question.relevant:
            try:
                content = self._find(place.source)
                grades[content] = max(grades.get(content, 0), place.grade)
                found = self._characters(content, place)
            except ValueError as error:
                raise QueryError(f"question {question.id or question.text[:60]!r}: {error}") from error
            spans += [(content, *found)] if found else []
            whole = whole or found is None
        # A source that is relevant as a whole has no characters to find within a budget.
        table = np.array([] if whole else spans, np.int64).reshape(-1, 3)
        starts, stops = union(on_axis(table[:, 0], table[:, 1]), on_axis(table[:, 0], table[:, 2]))
        units, omega = self._held(sorted(grades), starts, stops)
        contents = np.array(sorted(grades), np.int64)
        return Gold(contents, np.array([grades[one] for one in sorted(grades)], np.int64), starts, stops, units, omega)

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

    def _pages_of(self, content: int) -> dict[int, tuple[int, int]]:
        if content not in self._pages:
            pages = self._snapshot.pages(content, 0, self._length[content])
            self._pages[content] = {page.number: (page.start, page.stop) for page in pages if page.stop > page.start}
        return self._pages[content]

    def _held(self, contents: Sequence[int], starts: Ints, stops: Ints) -> tuple[dict[Scale, int], dict[Scale, float]]:
        units: dict[Scale, int] = {}
        omega: dict[Scale, float] = {}
        if len(starts):
            for scale in UNITS:
                tables = [self._units_of(content)[scale] for content in contents]
                unit_starts = np.concatenate([table[0] for table in tables])
                unit_stops = np.concatenate([table[1] for table in tables])
                # Only what lies between first and last gold can hold any.
                near = (unit_stops > starts[0]) & (unit_starts < stops[-1])
                unit_starts, unit_stops = unit_starts[near], unit_stops[near]
                units[scale] = int(overlaps(unit_starts, unit_stops, starts, stops).any(axis=1).sum())
                omega[scale] = precision_omega(unit_starts, unit_stops, starts, stops)
        return units, omega

    def _units_of(self, content: int) -> dict[Scale, tuple[Ints, Ints]]:
        if content not in self._units:
            stored = self._snapshot.content(content)
            spans = self._snapshot.between(np.array([[stored.first, stored.stop]], np.int64))
            made = {}
            for scale in UNITS:
                rows = spans.rank == scale.rank
                made[scale] = on_axis(content, spans.start[rows]), on_axis(content, spans.stop[rows])
            self._units[content] = made
        return self._units[content]
