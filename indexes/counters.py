"""The four signals while a knowledge base is in use: slower answers, weaker grounding, noisy retrieval, handoff.

Counted in this process over the last answers, so memory is bounded and percentiles are exact.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from ..pipeline.scale import Medium
from .hit import Answer, Citation
from .tracing import Kind, measure, span

if TYPE_CHECKING:
    from .ask import Question
    from .retrieve import Encoders
    from .store.snapshot import Snapshot

WINDOW: Final = 1_000
"""Answers that count."""

SAMPLED: Final = 32
"""Citations whose files are looked at when the signals are asked for: the best of each of the last answers."""


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Of the window, interpolated linearly between neighbours, as numpy does by default."""

    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class Signals:
    """How the last answers fare.

    Attributes:
        answers: How many they are.
        stage_ms: Slower answers: milliseconds by stage.
        index_ms: The same by scale whose index was read; ``lexical`` for the full-text index.
        characters_read: Mean characters of text in an answer.
        grounded: Weaker grounding: share of the sampled citations whose files still have the bytes that were read;
            ``None`` where none was sampled.
        citations: What became of the sampled citations' files, by :class:`octavo.indexes.on_disk.FileState`.
        duplicates: Noisy retrieval: share of the text's characters that a better hit of the same answer has already.
        sources: Mean number of sources in an answer with hits.
        budget_used: Mean share of the budget that was filled, where there was one.
        empty: Share of answers without a hit.
        confidence: Confusing handoff: its mean, where it is known.
        abstained: Share of the answers that said they had better not be given.
    """

    answers: int
    stage_ms: Mapping[str, Percentiles]
    index_ms: Mapping[str, Percentiles]
    characters_read: float | None
    grounded: float | None
    citations: Mapping[str, int]
    duplicates: float | None
    sources: float | None
    budget_used: float | None
    empty: float | None
    confidence: float | None
    abstained: float | None

    def to_json(self) -> dict[str, Any]:
        """As ``octavo search - --signals --json`` prints it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Noted:
    stages: Mapping[str, float]
    indexes: Mapping[str, float]
    characters: int
    repeated: int
    sources: int
    hits: int
    budget_used: float | None
    confidence: float | None
    abstained: bool
    cited: Citation | None


class Counters:
    """Notes answers; safe to be used by several threads."""

    def __init__(self, window: int = WINDOW) -> None:
        self._guard = threading.Lock()
        self._noted: deque[_Noted] = deque(maxlen=window)

    def note(self, answer: Answer, index_ms: Mapping[str, float], budget: int | None = None) -> None:
        """Notes an answer.

        Args:
            index_ms: Milliseconds by scale whose index was read.
        """
        characters, repeated = _read(answer)
        used = None if budget is None else characters / budget
        noted = _Noted(
            dict(answer.timings_ms),
            dict(index_ms),
            characters,
            repeated,
            len({hit.citation.source.sha256 for hit in answer.hits}),
            len(answer.hits),
            used,
            answer.confidence,
            answer.abstain,
            answer.hits[0].citation if answer.hits else None,
        )
        with self._guard:
            self._noted.append(noted)
        for stage, ms in noted.stages.items():
            measure("octavo.search.duration", ms, "ms", {"stage": stage})
        for scale, ms in noted.indexes.items():
            measure("octavo.index.duration", ms, "ms", {"scale": scale})
        measure("octavo.answer.characters", characters, "{character}")
        measure("octavo.answer.duplicates", repeated / characters if characters else 0.0, "1")
        measure("octavo.answer.sources", noted.sources, "{source}")
        measure("octavo.answer.abstained", float(noted.abstained), "1")
        if noted.confidence is not None:
            measure("octavo.answer.confidence", noted.confidence, "1")

    def signals(self) -> Signals:
        """The signals of the answers noted last; reads the files of a few citations."""
        from .on_disk import FileState, look

        with self._guard:
            noted = list(self._noted)
        cited = [one.cited for one in noted if one.cited is not None][-SAMPLED:]
        sources = {one.source.sha256: one.source for one in cited}
        state = {digest: look(source).state for digest, source in sources.items()}
        states = Counter(state[one.source.sha256] for one in cited)
        characters = sum(one.characters for one in noted)
        return Signals(
            answers=len(noted),
            stage_ms=_percentiles(one.stages for one in noted),
            index_ms=_percentiles(one.indexes for one in noted),
            characters_read=_mean([one.characters for one in noted]),
            grounded=states[FileState.SAME] / len(cited) if cited else None,
            citations={one.value: count for one, count in sorted(states.items())},
            duplicates=sum(one.repeated for one in noted) / characters if characters else None,
            sources=_mean([one.sources for one in noted if one.hits]),
            budget_used=_mean([one.budget_used for one in noted if one.budget_used is not None]),
            empty=_mean([not one.hits for one in noted]),
            confidence=_mean([one.confidence for one in noted if one.confidence is not None]),
            abstained=_mean([one.abstained for one in noted]),
        )


def watched(question: Question, snapshot: Snapshot, encoders: Encoders, counters: Counters) -> Answer:
    """Answers a question, as a span of a trace, and notes how it went."""
    from .ask import ask
    from .metered import Metered

    metered = Metered(snapshot)
    with span("octavo search", Kind.RETRIEVER) as traced:
        # It passes on everything a snapshot has, which the type checker cannot see.
        answer = ask(question, cast("Snapshot", metered), encoders)
        if traced:
            traced.asked(answer.query)
            traced.set({"octavo.generation": answer.generation, "octavo.hits": len(answer.hits)})
            traced.found(answer.hits)
        counters.note(answer, metered.ms, question.budget)
    return answer


def _read(answer: Answer) -> tuple[int, int]:
    """Characters of text in an answer, and how many of them are in it more than once."""
    spans = sorted(
        (hit.citation.source.sha256, hit.citation.start, hit.citation.stop)
        for hit in answer.hits
        if hit.citation.medium is Medium.TEXT
    )
    whole = sum(stop - start for _, start, stop in spans)
    once = 0
    at = ("", 0)
    for source, start, stop in spans:
        begin = max(start, at[1]) if source == at[0] else start
        once += max(0, stop - begin)
        at = (source, max(stop, at[1]) if source == at[0] else stop)
    return whole, whole - once


def _percentiles(rows: Iterable[Mapping[str, float]]) -> dict[str, Percentiles]:
    values: dict[str, list[float]] = {}
    for row in rows:
        for name, ms in row.items():
            values.setdefault(name, []).append(ms)
    return {name: Percentiles(_percentile(own, 0.5), _percentile(own, 0.95)) for name, own in values.items()}


def _percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    at = share * (len(ordered) - 1)
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)


def _mean(values: list[float] | list[int] | list[bool]) -> float | None:
    return sum(values) / len(values) if values else None
