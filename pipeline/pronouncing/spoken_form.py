"""Written English -> the words that are said: numbers, dates, codes, initialisms, abbreviations, addresses.

Most of them are said in more than one way ("E-4304": E forty-three oh four, E four three zero four), so every token
has readings, the likeliest first. The shares given to them are a rule of thumb (each half as likely as the one
before), not measured; they order the variants that the search then tries against the sound.

Latin letters lose their accents. Other scripts have no reading in English.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from . import spoken_names as names
from . import spoken_numbers as numbers
from .spoken_lexis import CURRENCIES, GLUED_UNITS, LATIN, MAGNITUDES, NO_PLURAL, SPECIAL_NAMES, SYMBOLS, UNITS
from .spoken_numbers import Words, distinct


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to say a token.

    Attributes:
        words: Lower-case words of a to z and apostrophes. A letter said by its name is one capital, its plural or
            possessive ``"U's"``.
        log_probability: Natural logarithm of the share of this reading among those of the token, at most 0.
    """

    words: Words
    log_probability: float

    def __post_init__(self) -> None:
        if self.log_probability > 0:
            raise ValueError(f"the log probability of {self.words} is {self.log_probability}, above 0")


_MONTH = "|".join(f"{name}|{name[:3]}" for name in numbers.MONTHS) + "|sept"
_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,3}(?:\.\d{3})+,\d+|\d+[.,]\d+|\d+|\.\d+"
_UNIT = "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True))
_CURRENCY = "|".join(name for name in CURRENCIES if name.isalpha())
_MAGNITUDE = "|".join(sorted(MAGNITUDES, key=len, reverse=True))
_SPECIAL = "|".join(sorted(map(re.escape, SPECIAL_NAMES), key=len, reverse=True))

_TOKEN: Final = re.compile(
    rf"""
    (?P<mail>[a-z0-9_.+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+)
  | (?P<address>(?:https?://|www\.)[^\s<>"]+
      | (?<![a-z0-9@.])[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|org|net|edu|gov|io|ai|dev|app|info|co\.uk|de|fr|eu)\b
        (?:/[^\s<>"]*)?)
  | (?P<special>(?<![a-z0-9])(?:{_SPECIAL})(?![a-z0-9+\#/]))
  | (?P<ending>(?<![a-z0-9])\.(?:com|org|net|edu|gov|io|ai)\b)
  | (?P<iso_date>(?<![\w-])\d{{4}}-\d\d-\d\d(?![\w-]))
  | (?P<short_date>(?<![\w/])(?:\d{{1,2}}/\d{{1,2}}/(?:\d{{4}}|\d\d)|\d{{1,2}}\.\d{{1,2}}\.\d{{4}})(?![\w/]))
  | (?P<long_date>\b(?:(?:{_MONTH})\.?\s+\d{{1,2}}(?:st|nd|rd|th)?(?![\w:.,/]*\d)(?:,?\s+\d{{4}}\b)?
      | \d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?(?:{_MONTH})\b\.?(?:,?\s+\d{{4}}\b)?))
  | (?P<time>(?<![\w:.])\d{{1,2}}:\d\d(?::\d\d)?(?![\d:])(?:\s?[ap]\.?m\b\.?)? | (?<![\w:.])\d{{1,2}}\s?[ap]\.?m\b\.?)
  | (?P<money>[$€£¥₹]\s?(?:{_NUMBER})(?:\s?(?:{_MAGNITUDE})\b)?
      | \b(?:{_CURRENCY})\s?(?:{_NUMBER})(?:\s?(?:{_MAGNITUDE})\b)?
      | (?<![\w.])(?:{_NUMBER})\s?(?:(?:{_MAGNITUDE})\s)?(?:[$€£¥₹](?!\d)|(?:{_CURRENCY})\b))
  | (?P<phone>\+\d[\d ().-]{{5,}}\d | \(\d{{3}}\)\s?\d{{3}}[ -]\d{{4}} | (?<![\w-])0\d{{1,4}}(?:[ -]\d{{2,4}})+(?![\w-])
      | (?<![\w-])\d{{3}}-(?:\d{{3}}-)?\d{{4}}(?![\w-]))
  | (?P<version>(?<![\w.])v?\d+(?:\.\d+){{2,}}(?![\w,]) | (?<![a-z0-9.])v\.?\s?\d+(?:\.\d+)*(?!\w))
  | (?P<decade>(?<![\w.])(?:\d{{3}}0|[1-9]0)'?s\b)
  | (?P<measure>(?<![\w.])-?(?:{_NUMBER})[\s-]?(?-i:{_UNIT})(?![\w/]))
  | (?P<fraction>(?<![\w/.])\d{{1,4}}[/⁄]\d{{1,4}}(?![\w/]))
  | (?P<ordinal>(?<![\w.])\d+(?:,\d{{3}})*(?:st|nd|rd|th)\b)
  | (?P<range>(?<![\w.-])\d+(?:[.,]\d+)?\s?-\s?\d+(?:[.,]\d+)?(?![\w-]))
  | (?P<code>(?<![a-z0-9])(?=[a-z0-9/_.-]*[a-z])(?=[a-z/_.-]*\d)[a-z0-9]+(?:[/_.-][a-z0-9]+)*)
  | (?P<number>(?:(?<![\w)])-)?(?:{_NUMBER}))
  | (?P<dotted>\b(?:[a-z]\.){{2,}}(?:[a-z]\b)?|\bph\.d\.)
  | (?P<joined>(?<![a-z0-9])(?-i:[A-Z]{{1,3}}(?:&[A-Z]{{1,3}})+)(?![a-z0-9]) | \b[a-z]&[a-z]\b)
  | (?P<word>[a-z]+(?:'[a-z]+)*'?)
  | (?P<foreign>[\u0370-\u1fff\u3041-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff]+)
  | (?P<symbol>[&@+=%\#°×÷±§€$£¥<>≤≥/\\*~_])
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)

_NO_ACCENT = str.maketrans(
    {"ß": "ss", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D"}
    | {"þ": "th", "Þ": "Th", "ð": "th", "Ð": "Th", "ı": "i", "ħ": "h", "Ħ": "H", "ŋ": "ng"}
    | dict.fromkeys("’‘ʼ＇`´", "'")
    | dict.fromkeys("‐‑‒–—−", "-")
    | dict.fromkeys("™®©\u00ad\u200b\u200c\u200d\ufeff")
    | {"“": '"', "”": '"', "″": '"', "№": "No. "}
)


def plain_text(text: str) -> str:
    """``text`` in compatibility form, Latin letters without accents, one sort of quote and dash."""
    folded = unicodedata.normalize("NFKC", text.translate(_NO_ACCENT)).translate(_NO_ACCENT)
    letters = unicodedata.normalize("NFD", folded)
    # Other scripts keep their marks: there they are letters.
    return unicodedata.normalize("NFC", re.sub(r"([A-Za-z])[\u0300-\u036f]+", r"\1", letters))


def spoken_tokens(text: str, *, foreign: bool = False) -> list[tuple[Reading, ...]]:
    """The tokens of ``text`` in order, each with its readings, the likeliest first. Empty: nothing can be said.

    Args:
        foreign: Keep words of other scripts, as they are written, for a reader that knows them.
    """
    plain = plain_text(text)
    shouted = plain.isupper() and len(re.findall(r"[A-Z]{2,}", plain)) > 2
    if shouted:  # a headline in capitals is words, not initialisms
        plain = plain.lower()
    tokens = []
    for match in _TOKEN.finditer(plain):
        if match.lastgroup == "foreign" and not foreign:
            continue
        readings = _READERS[str(match.lastgroup)](match, plain)[: names.READINGS]
        if readings and (len(readings) > 1 or readings[0]):
            whole = math.log(sum(0.5**rank for rank in range(len(readings))))
            tokens.append(tuple(Reading(said, rank * math.log(0.5) - whole) for rank, said in enumerate(readings)))
    return tokens


def _iso_date(match: re.Match[str], text: str) -> tuple[Words, ...]:
    digits, month, day = match[0].split("-")
    if not 1 <= int(month) <= 12 or not numbers.is_date(int(day), int(month), digits):
        return names.in_turn([names.code_run(run) for run in (digits, month, day)])
    return numbers.date(int(day), int(month), digits)


def _short_date(match: re.Match[str], text: str) -> tuple[Words, ...]:
    first, second, digits = re.split(r"[/.]", match[0])
    orders = [(second, first), (first, second)]
    if "." in match[0]:  # written so where the day comes first
        orders.reverse()
    readings: list[Words] = []
    for day, month in orders:
        if 1 <= int(month) <= 12 and numbers.is_date(int(day), int(month), digits):
            readings += numbers.date(int(day), int(month), digits)[:3]
    return distinct(readings) or names.in_turn([names.code_run(run) for run in (first, second, digits)])


def _long_date(match: re.Match[str], text: str) -> tuple[Words, ...]:
    name = re.findall(r"[a-z]{3,}", match[0].lower())[-1]
    day, *years = re.findall(r"\d+", match[0])
    month = next(place for place, month in enumerate(numbers.MONTHS, 1) if month.startswith(name[:3]))
    digits = years[0] if years else ""
    if not numbers.is_date(int(day), month, digits):
        numbers_said = [numbers.whole_number(part) for part in (day, *years)]
        named: tuple[Words, ...] = ((numbers.MONTHS[month - 1],),)
        return names.in_turn(
            [named, *numbers_said] if match[0][0].isalpha() else [numbers_said[0], named, *numbers_said[1:]]
        )
    readings = numbers.date(int(day), month, digits)
    return readings if match[0][0].isalpha() else distinct([readings[1], readings[2], *readings])


def _time(match: re.Match[str], text: str) -> tuple[Words, ...]:
    parts = [int(part) for part in re.findall(r"\d+", match[0])]
    half = "".join(re.findall(r"[apm]", match[0].lower()))
    hour, minute = parts[0], parts[1] if len(parts) > 1 else 0
    second = parts[2] if len(parts) > 2 else None
    if hour > 24 or minute > 59 or (second or 0) > 59:
        return names.in_turn([numbers.whole_number(part) for part in re.findall(r"\d+", match[0])])
    return numbers.clock(hour, minute, second, half)


def _money(match: re.Match[str], text: str) -> tuple[Words, ...]:
    amount = re.search(_NUMBER, match[0])
    assert amount is not None  # the pattern of money holds that of a number
    around = (match[0][: amount.start()] + " " + match[0][amount.end() :]).lower()
    signs = re.findall(r"[$€£¥₹]|[a-z]+", around)
    unit = next(CURRENCIES[sign] for sign in signs if sign in CURRENCIES)
    magnitude = next((MAGNITUDES[sign] for sign in signs if sign in MAGNITUDES), "")
    figure = amount[0]
    if re.fullmatch(r"\d{1,3}(\.\d{3})+,\d+|\d+,\d{1,2}", figure):
        figure = figure.replace(".", "").replace(",", ".")
    return numbers.money(figure, unit, magnitude)


def _measure(match: re.Match[str], text: str) -> tuple[Words, ...]:
    figure = re.match(rf"-?(?:{_NUMBER})", match[0])
    assert figure is not None  # the pattern of a measure begins with a number
    between, unit = re.fullmatch(r"([\s-]?)(.+)", match[0][figure.end() :]).groups()  # type: ignore[union-attr]
    if between == " " and unit in GLUED_UNITS:
        return names.in_turn([numbers.number(figure[0]), names.word(unit) if unit.isalpha() else ((),)])
    called = [names.phrase(name) for name in UNITS[unit]]
    amounts = numbers.number(figure[0])
    amounts = distinct([said for said in amounts if "oh" not in said or "." in figure[0]]) or amounts
    one = figure[0].lstrip("-") == "1" or between == "-"
    readings = [(*said, *(name if one else _several(name))) for said in amounts[:2] for name in called]
    if between == "-":
        readings += [(*amounts[0], *(name if not one else _several(name))) for name in called[:1]]
    first = [(*amounts[0], *(name if one else _several(name))) for name in called]
    if unit.isalpha() and len(unit) > 1 and unit.upper() != unit:
        first.append((*amounts[0], *names.spell(unit)))
    return distinct([*first, *readings])


def _several(name: Words) -> Words:
    """The first word that can be many: ``square meters``, ``miles per hour``; letters and hertz stay."""
    for place, word in enumerate(name):
        if word.islower() and word not in NO_PLURAL:
            return (*name[:place], numbers.plural(word), *name[place + 1 :])
    return name


def _range(match: re.Match[str], text: str) -> tuple[Words, ...]:
    first, second = re.split(r"\s?-\s?", match[0])
    plain = names.in_turn([numbers.number(first), (("to",),), numbers.number(second)])
    return distinct([plain[0], names.in_turn([numbers.number(first), numbers.number(second)])[0], *plain[1:]])


def _digits_of(match: re.Match[str]) -> str:
    return "".join(re.findall(r"\d", match[0]))


def _dotted(match: re.Match[str], text: str) -> tuple[Words, ...]:
    known = LATIN.get(match[0].lower().rstrip(".") + ".")
    return tuple(map(names.phrase, known)) if known else (names.spell(match[0].replace(".", "")),)


def _decade(match: re.Match[str], text: str) -> tuple[Words, ...]:
    digits = _digits_of(match)
    seconds: list[Words] = [] if len(digits) == 4 or "'" in match[0] else [(*numbers.cardinal(digits)[0], "seconds")]
    return (*numbers.decade(digits), *seconds)


_READERS: Final[dict[str, Callable[[re.Match[str], str], tuple[Words, ...]]]] = {
    "mail": lambda match, _: names.address(match[0]),
    "address": lambda match, _: names.address(match[0]),
    "special": lambda match, _: tuple(map(names.phrase, SPECIAL_NAMES[match[0].lower()])),
    "ending": lambda match, _: names.in_turn([(("dot",),), *names.domain_part(match[0][1:])]),
    "iso_date": _iso_date,
    "short_date": _short_date,
    "long_date": _long_date,
    "time": _time,
    "money": _money,
    "phone": lambda match, _: numbers.phone_number(match[0]),
    "version": lambda match, _: numbers.version(match[0]),
    "decade": _decade,
    "measure": _measure,
    "fraction": lambda match, _: numbers.fraction(*re.findall(r"\d+", match[0])),
    "ordinal": lambda match, _: (numbers.ordinal(_digits_of(match)),),
    "range": _range,
    "code": lambda match, _: names.code(match[0]),
    "number": lambda match, _: numbers.number(match[0]),
    "dotted": _dotted,
    "joined": lambda match, _: names.ampersand(match[0]),
    "word": lambda match, text: names.word_in_text(match[0], text[match.end() :]),
    "foreign": lambda match, _: ((match[0],),),
    "symbol": lambda match, _: tuple(map(names.phrase, SYMBOLS[match[0]])),
}
