"""Why an answer is not sure, in plain words, from the features that pull its probability down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .features import Signs
    from .model import ConfidenceModel

MOST_REASONS: Final = 3
LEAST_PULL: Final = 0.25
"""Log-odds that a reason has to cost, compared with answers that are right."""

_THEMES: Final[dict[str, tuple[str, ...]]] = {
    "meaning": ("cosine here", "words alike"),
    "words": ("covered asked", "covered hits", "covered document"),
    "margin": ("words margin source", "entropy"),
    "agreement": ("words agree",),
    "question": ("length", "mean weight"),
}
"""Features that say the same to a person."""


def reasons(signs: Signs, model: ConfidenceModel) -> tuple[str, ...]:
    """The weightiest reasons against the answer; at least one."""
    if signs.best < 0:
        return ("nothing was found that shares a word or a meaning with the question",)
    pulls = model.shortfalls(signs.values)
    by_theme = {theme: sum(pulls.get(name, 0.0) for name in names) for theme, names in _THEMES.items()}
    ranked = sorted(by_theme, key=lambda theme: by_theme[theme])
    chosen = [theme for theme in ranked[:MOST_REASONS] if by_theme[theme] <= -LEAST_PULL] or ranked[:1]
    said = tuple(_SAID[theme](signs) for theme in chosen)
    lacking = _lacking(signs)
    return (f"no text in the knowledge base mentions {_named(lacking)}", *said) if lacking else said


def _lacking(signs: Signs) -> list[str]:
    return [word.text for word in signs.words if not word.stop_word and not word.share]


def _meaning(signs: Signs) -> str:
    return f"no place is near in meaning: the nearest sentence has a cosine of {signs.values['cosine sentence']:.2f}"


def _words(signs: Signs) -> str:
    covered, lacking = signs.values["covered paragraph"], _lacking(signs)
    missing = [word for word in signs.missing if word not in lacking]
    if covered < 0.005:
        none = f"none of {_named(missing)}" if missing else "no word that the question turns on"
        return f"the best paragraph holds {none}"
    but = f", but not {_named(missing)}" if missing else ""
    return f"the best paragraph holds {covered:.0%} of the question's words, by weight{but}"


def _named(words: Sequence[str]) -> str:
    return ", ".join(repr(word) for word in words[:5]) + (" and others" if len(words) > 5 else "")


def _margin(signs: Signs) -> str:
    return (
        "other sources fit nearly as well: the best place of another reaches"
        f" {1 - signs.values['fused margin source'] / max(signs.values['fused'], 1e-9):.0%} of the best score"
    )


def _agreement(signs: Signs) -> str:
    vectors, words = signs.values["vectors agree"], signs.values["words agree"]
    return f"the scales disagree: {vectors:.0%} of them find the place best by meaning, {words:.0%} by words"


def _question(signs: Signs) -> str:
    content = [word for word in signs.words if not word.stop_word]
    carry = "word carries" if len(content) == 1 else "words carry"
    return f"the question says little: {len(content)} {carry} meaning"


_SAID: Final[dict[str, Callable[[Signs], str]]] = {
    "meaning": _meaning,
    "words": _words,
    "margin": _margin,
    "agreement": _agreement,
    "question": _question,
}
