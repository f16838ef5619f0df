"""Words, initialisms, codes and addresses as they are said. Several ways each, the likeliest first."""

from __future__ import annotations

import re
from collections.abc import Sequence

from . import spoken_numbers as numbers
from .spoken_lexis import ABBREVIATIONS, CODAS, DOMAINS, DOTTED_ABBREVIATIONS, ONSETS, SAID_DOMAINS
from .spoken_numbers import Words, distinct

READINGS = 6
"""Most readings of one token."""

_ROMAN = re.compile(r"(?=[IVX]{2,})X{0,3}(IX|IV|V?I{0,3})")
_ONE_NAME = re.compile(r"(Mc|Mac|Fitz|De|Di|Du|La|Le|Van|Von)[A-Z][a-z]+$")
"""Capitals inside that part nothing."""


def spell(letters: str) -> Words:
    """Letters by their names."""
    return tuple(letters.upper())


def phrase(words: str) -> Words:
    """``"M S"`` -> M S; ``"et cetera"`` -> et cetera."""
    return tuple(words.split())


def in_turn(parts: Sequence[Sequence[Words]], also: Sequence[Words] = ()) -> tuple[Words, ...]:
    """Readings of parts one after the other; ``also`` comes second. Choices near to every part's first come first."""
    beam: list[tuple[Words, int]] = [((), 0)]
    for readings in parts:
        grown = [(said + reading, rank + place) for said, rank in beam for place, reading in enumerate(readings)]
        beam = sorted(grown, key=lambda item: item[1])[: 2 * READINGS]
    said = [words for words, _ in beam]
    return distinct([*said[:1], *also, *said[1:]])


def sayable(word: str) -> bool:
    """Whether a lower-case word has a vowel and begins and ends as English words do."""
    vowels = list(re.finditer(r"[aeiouy]+", word))
    if not vowels:
        return False
    onset, coda = word[: vowels[0].start()], word[vowels[-1].end() :]
    begins = len(onset) < 2 or onset in ONSETS or (onset.startswith("mc") and onset[2:] in ONSETS | CODAS)
    return begins and (not coda or coda in CODAS or (coda.endswith("s") and coda[:-1] in CODAS))


def initialism(capitals: str) -> tuple[Words, ...]:
    """``NASA`` -> as a word, by letters; ``GPU`` -> by letters; ``VIII`` -> eight, by letters, the eighth."""
    lower, letters = capitals.lower(), spell(capitals)
    if _ROMAN.fullmatch(capitals):
        value = str(_roman(capitals))
        return (numbers.cardinal(value)[0], letters, ("the", *numbers.ordinal(value)), (lower,))
    if len(capitals) == 1:
        return ((lower,), letters) if capitals == "A" else (letters,)
    if not sayable(lower):
        return (letters,) if len(capitals) <= 6 else (letters, (lower,))
    if len(capitals) > 6:
        return ((lower,),)
    return ((lower,), letters) if len(capitals) >= 4 else (letters, (lower,))


def _roman(word: str) -> int:
    values = {"I": 1, "V": 5, "X": 10}
    following = [*(values[sign] for sign in word[1:]), 0]
    pairs = zip((values[sign] for sign in word), following, strict=True)
    return sum(-value if value < after else value for value, after in pairs)


def word(written: str) -> tuple[Words, ...]:
    """A run of Latin letters, by its capitals and its shape: word, initialism, product name."""
    lower = written.lower()
    if len(lower) == 1:
        return ((lower,), spell(written)) if lower == "a" else (spell(written),)
    if written.isupper():
        return initialism(written)
    if len(written) > 2 and written[:-1].isupper() and written[-1] == "s":  # GPUs
        return tuple((*said[:-1], _many(said[-1])) for said in initialism(written[:-1]))
    humps = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", written)
    if len(humps) > 1 and not _ONE_NAME.match(written):
        return in_turn([word(hump) for hump in humps], also=[(lower,)])
    if len(lower) <= 5 and not sayable(lower):
        if not re.search("[aeiouy]", lower):
            return (spell(written),)
        return (spell(written), (lower,)) if len(lower) <= 3 else ((lower,), spell(written))
    return ((lower,),)


def _many(said: str) -> str:
    return said + ("'s" if said.isupper() else "s")


def word_in_text(written: str, after: str) -> tuple[Words, ...]:
    """A word with apostrophes, an abbreviation among them; ``after`` is the rest of the text behind it."""
    written = written.rstrip("'")
    lower, dotted = written.lower(), after.startswith(".")
    if lower in ABBREVIATIONS and (dotted or not written.isupper() or len(written) < 3):
        return tuple(map(phrase, ABBREVIATIONS[lower]))
    if dotted and lower in DOTTED_ABBREVIATIONS:
        known = [phrase(said) for said in DOTTED_ABBREVIATIONS[lower]]
        if after[1:].strip():
            return distinct([*known, (lower,)])
        # The full stop may be the sentence's; and a street's name ends in St., a saint's begins with it.
        return distinct([*([(lower,)] if sayable(lower) else []), *reversed(known)])
    stem, _, ending = written.partition("'")
    if ending == "s" and (stem.isupper() or len(stem) == 1):
        return tuple((*said[:-1], said[-1] + "'s") for said in word(stem))
    return ((lower,),) if ending else word(written)


def code_run(run: str) -> tuple[Words, ...]:
    """A run of digits or of letters inside a code."""
    if run.isdigit():
        return numbers.code_digits(run)
    if len(run) == 1 or (run.isupper() and len(run) <= 3):
        return (spell(run),)
    readings = word(run)
    return distinct([*readings, spell(run)]) if len(run) <= 3 else readings


def code(written: str) -> tuple[Words, ...]:
    """Letters and digits: ``E-4304`` -> E forty three oh four, E four three oh four, ..."""
    return in_turn([code_run(run) for run in re.findall(r"\d+|[a-z]+", written, re.IGNORECASE)])


_ADDRESS_SIGNS = {".": ("dot",), "@": ("at",), "/": ("slash",), "-": ("dash",), "_": ("underscore",), "+": ("plus",)}


def domain_part(written: str) -> list[tuple[Words, ...]]:
    """A part of a host's name: endings as words (``com``) or letters (``uk``)."""
    lower = written.lower()
    if lower in DOMAINS:
        return [((lower,),) if lower in SAID_DOMAINS else (spell(written),)]
    runs = re.findall(r"\d+|[a-z]+", written, re.IGNORECASE)
    return [code_run(run) if run.isdigit() or len(run) == 1 else word(run) for run in runs]


def address(written: str) -> tuple[Words, ...]:
    """An e-mail or web address; the scheme is not said, ``www`` may be left out."""
    whole = re.sub(r"^https?://", "", written, flags=re.IGNORECASE).rstrip(".,;:!?/)")
    shorter = re.sub(r"^www\.", "", whole, flags=re.IGNORECASE)
    readings: list[Words] = []
    for form in dict.fromkeys((shorter, whole)):
        parts: list[tuple[Words, ...]] = []
        for piece in re.findall(r"[a-z0-9]+|[.@/_+-]", form, re.IGNORECASE):
            parts += [(_ADDRESS_SIGNS[piece],)] if piece in _ADDRESS_SIGNS else domain_part(piece)
        readings += in_turn(parts)[:3]
    return distinct(readings)


def ampersand(written: str) -> tuple[Words, ...]:
    """``R&D`` -> R and D."""
    first, *others = (spell(part) for part in written.split("&"))
    return ((*first, *(said for part in others for said in ("and", *part))),)
