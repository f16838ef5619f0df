"""Where everything that may answer a question stands on the axis on which answers are compared with gold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..choose import Ranking
from ..evidence import Universe
from ..sound.audible import Audible
from . import metrics
from .gold import Gold
from .metrics import on_axis
from .said_times import SaidTimes, milliseconds

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """A universe as a question judges it.

    Attributes:
        universe: Sentences, and utterances behind them if any are heard.
        starts, stops: On the axis of :func:`octavo.indexes.evaluate.metrics.on_axis`. *Shape:* (n,)
        apart: Whether no two rows share anything, so that answers need not be united.
    """

    universe: Universe
    starts: Ints
    stops: Ints
    apart: bool

    @classmethod
    def of(cls, universe: Universe, audible: Audible | None, gold: Gold, times: SaidTimes) -> Ground:
        """Characters, but milliseconds in recordings in which the question names times."""
        if audible is None and not len(gold.timed):
            return cls(
                universe, on_axis(universe.content, universe.start), on_axis(universe.content, universe.stop), True
            )
        laid = audible.universe if audible else universe
        starts, stops = laid.start.copy(), laid.stop.copy()
        for content in gold.timed.tolist():
            rows = np.flatnonzero(laid.content == content)
            sentences, utterances = rows[rows < len(universe)], rows[rows >= len(universe)]
            if len(sentences):
                starts[sentences], stops[sentences] = times.said(content, laid.start[sentences], laid.stop[sentences])
            if audible is not None and len(utterances):
                starts[utterances] = milliseconds(audible.start[utterances - len(universe)])
                stops[utterances] = milliseconds(audible.stop[utterances - len(universe)])
        return cls(laid, on_axis(laid.content, starts), on_axis(laid.content, stops), False)

    def spans(self, ranking: Ranking) -> tuple[Ints, Ints]:
        """Where ranked spans stand, best first. *Shape:* (m,), (m,)"""
        return self.starts[ranking.first], self.stops[ranking.last - 1]

    def answer(self, first: Ints, last: Ints) -> tuple[Ints, Ints]:
        """Where runs ``[first, last)`` of rows stand, disjoint. *Shape:* (r,), (r,), at most as many as runs"""
        starts, stops = self.starts[first], self.stops[last - 1]
        if self.apart:
            return starts, stops
        some = stops > starts
        return metrics.union(starts[some], stops[some])
