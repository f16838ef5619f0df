"""A plot with what it says."""

from __future__ import annotations

from dataclasses import dataclass

from .drawing import Drawing


@dataclass(frozen=True, slots=True, eq=False)
class Figure:
    """One plot of the page.

    Attributes:
        name: Of its file.
        finding: What the data say, as a sentence; the title.
        reading: How to read the plot, in a sentence or two.
        drawing: ``None`` where there is nothing to draw; ``reading`` then says why.
        table: The same numbers: heads, then rows.
    """

    name: str
    finding: str
    reading: str
    drawing: Drawing | None = None
    table: tuple[tuple[str, ...], ...] = ()


def percent(share: float, digits: int = 1) -> str:
    """``81.3 %`` that no line breaks; a dash for what is not known."""
    return "–" if share != share else f"{100 * share:.{digits}f}\u00a0%"


def points(share: float, digits: int = 1) -> str:
    """``+1.3``: points between two percentages."""
    return "–" if share != share else f"{100 * share:+.{digits}f}".replace("-", "−")


def metric(name: str) -> str:
    """What people call the metric that questions are won or lost by."""
    kind, _, size = name.partition("@")
    if kind == "recall":
        return f"recall in {int(size):,} characters"
    return f"nDCG of the best {size} sources" if kind == "source-ndcg" else name


def listed(names: list[str]) -> str:
    """``a, b and c``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


def spell(name: str) -> str:
    """What people call a kind of evidence."""
    return {
        "lexical": "exact words",
        "token": "words in context",
        "name": "names and headings",
        "window": "windows between scales",
        "character": "character (spelling)",
    }.get(name, name)
