"""What would have been answered, had only some of the changes been made."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType

import numpy as np

from ..store.catalog import Ids
from ..store.sources import StoredSource
from .answers import AnswerChange, Matcher
from .sides import Side
from .sources import Label, Pair

Parts = frozenset[int]
"""Numbers of the pairs whose change is made."""

_OPEN = 12
"""Replays held open: each has masks of its own over the vectors."""


class Replay:
    """Asks both sides again, with only some of the sources that differ.

    Within one knowledge base everything of both generations is still there, so a generation can be put together that
    has the old version of some sources and the new one of others. Of two knowledge bases, sources can only be left
    out, on both sides.
    """

    def __init__(self, before: Side, after: Side, pairs: Sequence[Pair], matcher: Matcher) -> None:
        self._before, self._after, self._matcher = before, after, matcher
        self._pairs = pairs
        self.one_base = before.base is after.base
        self.everywhere = frozenset[Label]() if self.one_base else _everywhere(pairs)
        self.differing = frozenset(at for at, pair in enumerate(pairs) if pair.labels != self.everywhere)
        self._answers: dict[tuple[str, Parts], AnswerChange] = {}
        self._open: OrderedDict[Parts, tuple[Side, ...]] = OrderedDict()
        self._number = {id(pair): at for at, pair in enumerate(pairs)}

    def number(self, pair: Pair) -> int:
        """Of a pair."""
        return self._number[id(pair)]

    def compared(self, question: str, parts: Parts, k: int) -> AnswerChange:
        """Both answers, with only some changes made; besides them there is what differs everywhere."""
        key = question, parts
        if key not in self._answers:
            if self.one_base:
                self._answers[key] = self._mixed(question, parts, k)
            else:
                self._answers[key] = self._restricted(question, parts, k)
        return self._answers[key]

    def _mixed(self, question: str, parts: Parts, k: int) -> AnswerChange:
        side = self._sides(parts, self._mix)[0]
        return self._matcher.compared(
            self._before.ask(question, k), side.ask(question, k), lambda pair: self.number(pair) in parts
        )

    def _restricted(self, question: str, parts: Parts, k: int) -> AnswerChange:
        before, after = self._sides(parts, self._restrict)
        return self._matcher.compared(before.ask(question, k), after.ask(question, k))

    def _sides(self, parts: Parts, make: Callable[[Parts], tuple[Side, ...]]) -> tuple[Side, ...]:
        if parts in self._open:
            self._open.move_to_end(parts)
            return self._open[parts]
        while len(self._open) >= _OPEN:
            for side in self._open.popitem(last=False)[1]:
                side.snapshot.close()
        self._open[parts] = make(parts)
        return self._open[parts]

    def _mix(self, parts: Parts) -> tuple[Side, ...]:
        """The generation before with the newer version of some sources."""
        chosen = (pair.after if at in parts else pair.before for at, pair in enumerate(self._pairs))
        contents = _contents(chosen)
        stored = np.union1d(contents, self._before.snapshot.stored_ids())
        named = (self._before.number, self._after.number)
        snapshot = self._before.base.replay(self._before.number, contents, stored, named)
        return (Side(self._before.base, self._before.encoders, snapshot),)

    def _restrict(self, parts: Parts) -> tuple[Side, ...]:
        """Both sides without the other sources that differ."""
        kept = [pair for at, pair in enumerate(self._pairs) if at in parts or at not in self.differing]
        made = []
        for side, sources in ((self._before, [one.before for one in kept]), (self._after, [one.after for one in kept])):
            contents = _contents(sources)
            made.append(
                Side(side.base, side.encoders, side.base.replay(side.number, contents, contents, (side.number,)))
            )
        return tuple(made)

    def close(self) -> None:
        """Lets all replays go."""
        for sides in self._open.values():
            for side in sides:
                side.snapshot.close()
        self._open.clear()

    def __enter__(self) -> Replay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _everywhere(pairs: Iterable[Pair]) -> frozenset[Label]:
    """The labels that every source has which is on both sides."""
    both = [pair.labels for pair in pairs if pair.before and pair.after]
    return frozenset.intersection(*both) if both else frozenset()


def _contents(sources: Iterable[StoredSource | None]) -> Ids:
    """Ids of the contents of sources. *Shape:* (n,), rising"""
    return np.array(sorted({source.content for source in sources if source is not None}), np.int64)
