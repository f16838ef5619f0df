"""A snapshot that notes how long each scale's index and the words take to be read, and what they propose."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import ParamSpec, TypeVar

from ..pipeline.scale import Scale
from .evidence import LEXICAL
from .late_interaction import TOKEN
from .names import NAME
from .store.scale_index import Neighbours, ScaleIndex
from .store.snapshot import Snapshot
from .tracing import Kind, span

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, eq=False)
class Proposed:
    """What an index answered.

    Attributes:
        name: Of its scale; ``lexical`` for the full-text index.
        found: As it came, best first.
    """

    name: str
    found: Neighbours


class Metered:
    """Stands in for a snapshot and passes everything on.

    Retrieval is measured as it runs, without a switch inside it: a stand-in, not a subclass, since a snapshot is handed
    out by a knowledge base, which makes no other kind.

    Attributes:
        ms: Milliseconds since the last :meth:`reset`, by scale; ``lexical`` for the full-text index,
            ``token`` for the states of single words, ``name`` for titles and file names.
        proposed: What the indexes answered, in order, where it is kept.
    """

    def __init__(self, snapshot: Snapshot, *, keep: bool = False) -> None:
        """With ``keep``, what the indexes propose stays here."""
        self._snapshot = snapshot
        self._keep = keep
        self.ms: defaultdict[str, float] = defaultdict(float)
        self.proposed: list[Proposed] = []
        self.lexical = self._searched(LEXICAL, snapshot.lexical)
        self.document_frequency = self._timed(LEXICAL, snapshot.document_frequency)
        self.token_states = self._timed(TOKEN, snapshot.token_states)
        self.names = self._timed(NAME, snapshot.names)

    def reset(self) -> dict[str, float]:
        """What was noted; counting starts again."""
        noted = dict(self.ms)
        self.ms.clear()
        self.proposed.clear()
        return noted

    def index(self, scale: Scale) -> object:
        """The index of a scale, metered too."""
        index = self._snapshot.index(scale)
        return _Index(index, partial(self._searched, scale.name), partial(self._timed, scale.name))

    def __getattr__(self, name: str) -> object:
        return getattr(self._snapshot, name)

    def _searched(self, name: str, call: Callable[P, Neighbours]) -> Callable[P, Neighbours]:
        timed = self._timed(name, call)

        def searched(*given: P.args, **named: P.kwargs) -> Neighbours:
            with span(f"index {name}", Kind.RETRIEVER) as traced:
                found = timed(*given, **named)
                if traced:
                    traced.set({"octavo.scale": name, "octavo.candidates": int((found.ids >= 0).sum())})
            if self._keep:
                self.proposed.append(Proposed(name, found))
            return found

        return searched

    def _timed(self, name: str, call: Callable[P, R]) -> Callable[P, R]:
        def timed(*given: P.args, **named: P.kwargs) -> R:
            began = perf_counter()
            try:
                return call(*given, **named)
            finally:
                self.ms[name] += (perf_counter() - began) * 1000

        return timed


class _Index:
    def __init__(
        self,
        index: ScaleIndex,
        searched: Callable[[Callable[..., Neighbours]], Callable[..., Neighbours]],
        timed: Callable[[Callable[..., object]], Callable[..., object]],
    ) -> None:
        self._index = index
        self.search = searched(index.search)
        self.vectors = timed(index.vectors)

    def __len__(self) -> int:
        return len(self._index)

    def __getattr__(self, name: str) -> object:
        return getattr(self._index, name)
