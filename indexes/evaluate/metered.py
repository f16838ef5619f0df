"""A snapshot that notes how long each scale's index and the words take to be read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import ParamSpec, TypeVar

from ...pipeline.scale import Scale
from ..evidence import LEXICAL
from ..scale_index import ScaleIndex
from ..snapshot import Snapshot

P = ParamSpec("P")
R = TypeVar("R")


class Metered:
    """Stands in for a snapshot and passes everything on.

    Retrieval is measured as it runs, without a switch inside it: a stand-in, not a subclass, since a snapshot is handed
    out by a knowledge base, which makes no other kind.

    Attributes:
        ms: Milliseconds since the last :meth:`reset`, by scale; ``lexical`` for the full-text index.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self.ms: defaultdict[str, float] = defaultdict(float)
        self.lexical = self._timed(LEXICAL, snapshot.lexical)
        self.document_frequency = self._timed(LEXICAL, snapshot.document_frequency)

    def reset(self) -> dict[str, float]:
        """What was noted; counting starts again."""
        noted = dict(self.ms)
        self.ms.clear()
        return noted

    def index(self, scale: Scale) -> object:
        """The index of a scale, metered too."""
        return _Index(self._snapshot.index(scale), partial(self._timed, scale.name))

    def __getattr__(self, name: str) -> object:
        return getattr(self._snapshot, name)

    def _timed(self, name: str, call: Callable[P, R]) -> Callable[P, R]:
        def timed(*given: P.args, **named: P.kwargs) -> R:
            began = perf_counter()
            try:
                return call(*given, **named)
            finally:
                self.ms[name] += (perf_counter() - began) * 1000

        return timed


class _Index:
    def __init__(self, index: ScaleIndex, timed: Callable[[Callable[..., object]], Callable[..., object]]) -> None:
        self._index = index
        self.search = timed(index.search)
        self.vectors = timed(index.vectors)

    def __getattr__(self, name: str) -> object:
        return getattr(self._index, name)
