"""Notes the spans of every answer while questions are asked, and keeps those worth showing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ...pipeline.document import Source
from ..choose import Ranking, runs
from ..evidence import Universe
from ..store.snapshot import Snapshot
from .gold import Gold
from .rows import FUSED, Kind, Row
from .spans import MOST, Spans, Stretch


class Collector:
    """One an evaluation; asked row by row, question by question."""

    def __init__(self, snapshot: Snapshot, budget: int) -> None:
        self._snapshot, self._budget = snapshot, budget
        self._number: dict[int, int] = {}
        self._sources: list[Source] = []
        self._gold: list[tuple[Stretch, ...]] = []
        self._returned: dict[str, list[tuple[Stretch, ...]]] = {}

    def ask(self, gold: Gold) -> None:
        """Another question, and what answers it."""
        self._gold.append(tuple(self._stretch(content, start, stop) for content, start, stop in gold.written))

    def answer(self, row: Row, universe: Universe, ranking: Ranking, taken: npt.NDArray[np.bool_]) -> None:
        """What a row returns for the question asked last; pairs and rows that leave one out are not shown."""
        if row.kind not in (Kind.SINGLE, Kind.FUSED):
            return
        first, last = runs(universe, taken)
        # A run of joined spans stands where its best span stood.
        rank = np.full(len(universe) + 1, len(ranking))
        np.minimum.at(rank, ranking.first, np.arange(len(ranking)))
        best = [int(rank[a:b].min()) for a, b in zip(first.tolist(), last.tolist(), strict=True)]
        order = np.argsort(best, kind="stable").tolist()[:MOST]
        self._returned.setdefault(row.name, []).append(
            tuple(
                self._stretch(int(universe.content[a]), int(universe.start[a]), int(universe.stop[b - 1]))
                for a, b in ((int(first[at]), int(last[at])) for at in order)
            )
        )

    def spans(self, means: Sequence[tuple[str, float]]) -> Spans:
        """Fused, and the single scale with the best mean.

        Args:
            means: Name and mean in the main metric of each single scale; NaN where it says nothing.
        """
        known = [(mean, name) for name, mean in means if mean == mean and name in self._returned]
        names = [FUSED, *([max(known)[1]] if known else [])]
        used = {s.source for all_ in (self._gold, *(self._returned[name] for name in names)) for q in all_ for s in q}
        numbers = {old: new for new, old in enumerate(sorted(used))}

        def renumbered(answers: Sequence[tuple[Stretch, ...]]) -> tuple[tuple[Stretch, ...], ...]:
            return tuple(tuple(Stretch(numbers[s.source], s.start, s.stop) for s in answer) for answer in answers)

        sources = [self._sources[old] for old in sorted(used)]
        return Spans(
            self._budget,
            tuple((source.uri, source.sha256) for source in sources),
            renumbered(self._gold),
            {name: renumbered(self._returned[name]) for name in names},
        )

    def _stretch(self, content: int, start: int, stop: int) -> Stretch:
        if content not in self._number:
            self._number[content] = len(self._sources)
            self._sources.append(self._snapshot.content(content).source)
        return Stretch(self._number[content], start, stop)
