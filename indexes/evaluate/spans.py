"""Which characters were gold and which were returned, so that a reader of the report can look at examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MOST = 8
"""Spans of an answer that are kept."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Characters ``[start, stop)`` of a source.

    Attributes:
        source: Position in :attr:`Spans.sources`.
    """

    source: int
    start: int
    stop: int

    def __post_init__(self) -> None:
        if self.source < 0 or not 0 <= self.start < self.stop:
            raise ValueError(f"[{self.start}, {self.stop}) of source {self.source} is empty or reversed")


Stretches = tuple[tuple[Stretch, ...], ...]
"""By question, best first."""


@dataclass(frozen=True, slots=True)
class Spans:
    """Positions alone: the text stays in the knowledge base.

    Attributes:
        budget: Characters of context that the answers had.
        sources: Path and SHA-256 of each source that is named.
        gold: What answers each question; none where a source as a whole does, or nothing.
        returned: By row (``fused`` and the best single scale), then by question, best first.
    """

    budget: int
    sources: tuple[tuple[str, str], ...]
    gold: Stretches
    returned: Mapping[str, Stretches] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, answers in self.returned.items():
            if len(answers) != len(self.gold):
                raise ValueError(f"{name} answers {len(answers)} questions, not {len(self.gold)}")
        named = max(
            (one.source for all_ in (self.gold, *self.returned.values()) for q in all_ for one in q), default=-1
        )
        if named >= len(self.sources):
            raise ValueError(f"source {named} is named, of {len(self.sources)}")

    def to_json(self) -> dict[str, Any]:
        """A stretch is a list of source, start and stop."""
        return {
            "budget": self.budget,
            "sources": [{"uri": uri, "sha256": sha256} for uri, sha256 in self.sources],
            "gold": _listed(self.gold),
            "returned": {name: _listed(answers) for name, answers in self.returned.items()},
        }

    @classmethod
    def from_json(cls, made: Mapping[str, Any]) -> Spans:
        """What :meth:`to_json` wrote.

        Raises:
            KeyError, TypeError, ValueError: It is something else.
        """
        return cls(
            int(made["budget"]),
            tuple((one["uri"], one["sha256"]) for one in made["sources"]),
            _stretches(made["gold"]),
            {name: _stretches(answers) for name, answers in made["returned"].items()},
        )


def _listed(answers: Stretches) -> list[list[list[int]]]:
    return [[[one.source, one.start, one.stop] for one in answer] for answer in answers]


def _stretches(made: Sequence[Sequence[Sequence[int]]]) -> Stretches:
    return tuple(tuple(Stretch(int(a), int(b), int(c)) for a, b, c in answer) for answer in made)
