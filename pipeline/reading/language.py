"""The language of a text that does not state one (py3langid)."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

_SAMPLE: Final = 3_000
_FEWEST_LETTERS: Final = 24
"""Fewer letters of an alphabet say little; Chinese or Thai say more with fewer, so letters beyond U+0E00 count four."""
_CERTAIN: Final = 0.6


def detect_language(text: str) -> str:
    """Name the language most of a text is in.

    Three stretches of 1,000 characters are looked at: the beginning may be a title page, the end an index.

    Returns:
        A two-letter tag, or an empty string where there is too little text or the model is not sure.
    """
    if len(text) > _SAMPLE:
        third = _SAMPLE // 3
        middle = len(text) // 2
        sample = " ".join((text[:third], text[middle : middle + third], text[-third:]))
    else:
        sample = text
    letters = sum(4 if character >= "\u0e00" else 1 for character in sample if character.isalpha())
    if letters < _FEWEST_LETTERS or letters < 0.3 * len(sample.replace(" ", "")):
        return ""
    name, certainty = _identifier().classify(sample)
    return str(name) if certainty >= _CERTAIN and name != "zxx" else ""  # zxx: no language at all


@cache
def _identifier() -> LanguageIdentifier:
    from py3langid import langid

    return langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)
