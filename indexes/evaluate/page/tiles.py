"""The four ways in which such a system fails its users, each as a tile: a verdict, and the numbers behind it.

Every number names where it stands in the JSON of the run, so that a test can hold one against the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..run import EvaluationRun, main_budget
from .figure import percent
from .trust_plots import CALIBRATED

INSTANT, FLOW = 100.0, 1_000.0
"""Milliseconds that feel like no wait, and that do not break a train of thought (Nielsen 1993, after Miller 1968)."""

FEW, HALF = 0.2, 0.5

GOOD, DOUBT, BAD, PLAIN = "good", "doubt", "bad", "plain"


@dataclass(frozen=True, slots=True)
class Number:
    """A number of a tile.

    Attributes:
        path: Keys that lead to it in the JSON's ``summary.signals``.
        shown: As people read it.
        said: What it is.
    """

    path: tuple[str, ...]
    value: float
    shown: str
    said: str


@dataclass(frozen=True, slots=True)
class Tile:
    """One signal.

    Attributes:
        tone: ``good``, ``doubt``, ``bad`` or ``plain``.
        numbers: The first is the large one.
    """

    name: str
    verdict: str
    tone: str
    numbers: tuple[Number, ...]


class _Reader:
    """Takes numbers out of the signals and leaves out those that are not known."""

    def __init__(self, signals: Mapping[str, Any]) -> None:
        self._signals = signals

    def value(self, *path: str) -> float | None:
        """A number, ``None`` where it is missing or not known."""
        found: Any = self._signals
        for key in path:
            found = found.get(key) if isinstance(found, Mapping) else None
        return float(found) if isinstance(found, int | float) else None

    def number(self, form: str, said: str, *path: str) -> tuple[Number, ...]:
        """One number, none where it is not known."""
        value = self.value(*path)
        return () if value is None else (Number(path, value, shown(value, form), said),)


def shown(value: float, form: str) -> str:
    """A value as people read it: ``percent``, ``ms``, ``count``, ``points``."""
    if form == "percent":
        return percent(value)
    if form == "ms":
        return f"{value:,.0f} ms"
    if form == "points":
        return f"{100 * value:.1f} points"
    return f"{value:,.0f}"


def tiles(run: EvaluationRun, signals: Mapping[str, Any]) -> list[Tile]:
    """The four tiles.

    Args:
        signals: As in the JSON: ``summary.signals``.
    """
    read, budget = _Reader(signals), f"{main_budget(run.budgets)}"
    return [_slower(read, budget), _grounding(read, budget), _noisy(read, budget), _handoff(read)]


def _slower(read: _Reader, budget: str) -> Tile:
    name = "slower_answers"
    late = read.value(name, "ms", "total", "p95")
    if late is None:
        verdict, tone = "Time was not measured", PLAIN
    elif late <= INSTANT:
        verdict, tone = "Answers feel instant", GOOD
    elif late <= FLOW:
        verdict, tone = "A short wait that is noticed", DOUBT
    else:
        verdict, tone = "Slow: people wait for answers", BAD
    numbers = (
        *read.number("ms", "for 19 of 20 answers (95th percentile)", name, "ms", "total", "p95"),
        *read.number("ms", "in the median", name, "ms", "total", "p50"),
        *read.number(
            "count", f"characters to read in an answer of up to {int(budget):,}", name, "characters", budget, "mean"
        ),
    )
    return Tile("Slower answers", verdict, tone, numbers)


def _grounding(read: _Reader, budget: str) -> Tile:
    name = "weaker_grounding"
    broken, changed = read.value(name, "broken") or 0, read.value(name, "changed") or 0
    cited = read.value(name, "citations") or 0
    verdict, tone = "Every citation stands where it says", GOOD
    if not cited:
        verdict, tone = "Nothing was cited", PLAIN
    elif broken:
        verdict, tone = "Some citations are broken: run octavo verify", BAD
    elif changed:
        verdict, tone = "Some files have changed since: ingest again", DOUBT
    numbers = (
        *read.number("count", f"broken, of {cited:,.0f} citations", name, "broken"),
        *read.number("count", "cite a file that has changed", name, "changed"),
        *read.number("percent", "of the gold spans in one piece", name, "whole_gold", budget, "mean"),
    )
    return Tile("Weaker grounding", verdict, tone, numbers)


def _noisy(read: _Reader, budget: str) -> Tile:
    name = "noisy_retrieval"
    wrong = read.value(name, "wrong_source", budget, "mean")
    if wrong is None:
        verdict, tone = "No question says which source is right", PLAIN
    elif wrong <= FEW:
        verdict, tone = "Little comes from wrong sources", GOOD
    elif wrong <= HALF:
        verdict, tone = "Some of it comes from wrong sources", DOUBT
    else:
        verdict, tone = "Most of it comes from wrong sources", BAD
    numbers = (
        *read.number(
            "percent", f"of {int(budget):,} characters from wrong sources", name, "wrong_source", budget, "mean"
        ),
        *read.number("percent", "of what is handed over is gold (precision)", name, "precision", budget, "mean"),
        *read.number("percent", "was said before (duplicates)", name, "duplicates", budget, "mean"),
    )
    return Tile("Noisy retrieval", verdict, tone, numbers)


def _handoff(read: _Reader) -> Tile:
    name = "confusing_handoff"
    error, without = read.value(name, "calibration_error"), read.value(name, "unanswerable") or 0
    answered = read.value(name, "answered_all_the_same") or 0
    if error is None and not without:
        verdict, tone = "Not measured in this run", PLAIN
    elif without and answered > HALF * without:
        verdict, tone = "Answers what has no answer", BAD
    elif error is None:
        verdict, tone = "Mostly stays silent where nothing is known", GOOD
    elif error <= CALIBRATED:
        verdict, tone = "Its confidence can be trusted", GOOD
    else:
        verdict, tone = "Its confidence is off: octavo calibrate", DOUBT
    numbers = (
        *read.number("points", "off, the confidence (calibration error)", name, "calibration_error"),
        *(
            read.number(
                "count", f"of {without:,.0f} questions without an answer got one", name, "answered_all_the_same"
            )
            if without
            else ()
        ),
        *read.number("count", "answered without the answer in the hits", name, "answered_wrongly"),
        *read.number("count", "handed to a person", name, "abstained"),
    )
    return Tile("Confusing handoff", verdict, tone, numbers)
