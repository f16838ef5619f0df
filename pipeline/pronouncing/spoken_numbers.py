"""Numbers as they are said: cardinals, years, digits, dates, times, money. Several ways each, the likeliest first.

Number words come from ``inflect``; which of them is said where, is decided here.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import inflect

Words = tuple[str, ...]
"""What is said: lower-case words; a letter said by its name is one capital (see :mod:`.spoken_form`)."""

MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)  # `calendar` would give them in the language of the user's locale

_LONGEST_CARDINAL = 15
"""Digits; a longer number is said digit by digit."""

_MINOR = {"dollar": "cent", "euro": "cent", "pound": "penny", "rupee": "paisa", "franc": "centime"}
_PLURALS = {"pence": "pence", "yen": "yen", "penny": "pence", "paisa": "paise", "yuan": "yuan"}


@lru_cache(maxsize=1)
def _engine() -> inflect.engine:
    try:
        import typeguard
    except ImportError:  # an inflect that no longer needs it
        import inflect

        return inflect.engine()
    # A hack: inflect has typeguard rewrite all its functions at import, which takes 1.6 s of its 1.7. They are
    # imported as they stand instead; typeguard itself is given back untouched.
    checked = typeguard.typechecked
    typeguard.typechecked = lambda target: target  # type: ignore[assignment]
    try:
        import inflect
    finally:
        typeguard.typechecked = checked
    return inflect.engine()


def spelt(words: str) -> Words:
    """Words of a phrase: ``"forty-two, point five"`` -> forty two point five."""
    return tuple(re.findall(r"[A-Za-z']+", words))


def distinct(readings: Sequence[Words]) -> tuple[Words, ...]:
    """Without repeats, in order."""
    return tuple(dict.fromkeys(reading for reading in readings if reading))


def cardinal(digits: str) -> tuple[Words, ...]:
    """``"101"`` -> one hundred one, one hundred and one. Only ASCII digits, no sign."""
    if len(digits) > _LONGEST_CARDINAL:
        return digit_by_digit(digits)
    engine = _engine()
    without, with_and = (engine.number_to_words(digits, andword=word) for word in ("", "and"))
    readings = [spelt(str(without)), spelt(str(with_and))]
    if len(digits) == 3 and digits[0] != "0" and digits[1:] != "00":
        readings.insert(1, pairs(digits))
    if readings[0][0] == "one" and len(readings[0]) > 1:
        readings.append(("a", *readings[0][1:]))
    return distinct(readings)


def ordinal(digits: str) -> Words:
    """``"42"`` -> forty second."""
    number = digits.lstrip("0") or "0"
    engine = _engine()
    return spelt(str(engine.ordinal(str(engine.number_to_words(number, andword="")))))


def digit_by_digit(digits: str) -> tuple[Words, ...]:
    """``"404"`` -> four oh four, four zero four."""
    names = [spelt(str(_engine().number_to_words(digit)))[0] for digit in digits]
    return distinct([tuple("oh" if name == "zero" else name for name in names), tuple(names)])


def pairs(digits: str) -> Words:
    """Two by two from the right: ``"4304"`` -> forty three oh four, ``"304"`` -> three oh four.

    Hundreds are said as such: ``"1900"`` -> nineteen hundred.
    """
    if len(digits) == 4 and digits.endswith("00") and not digits.endswith("000") and digits[0] != "0":
        return (*cardinal(digits[:2])[0], "hundred")
    first = len(digits) % 2
    parts = ([digits[:1]] if first else []) + [digits[at : at + 2] for at in range(first, len(digits), 2)]
    said: list[str] = []
    for part in parts:
        if part[0] == "0":
            said += digit_by_digit(part)[0]
        else:
            said += cardinal(part)[0]
    return tuple(said)


def year(digits: str) -> tuple[Words, ...]:
    """``"1998"`` -> nineteen ninety eight; ``"2005"`` -> two thousand five, twenty oh five, two thousand and five."""
    if digits.startswith("200") or digits.endswith("000"):
        plain = cardinal(digits)
        return distinct([plain[0], pairs(digits), *plain[1:]]) if digits[-1] != "0" else plain
    readings = [pairs(digits)]
    if digits.startswith("20"):
        readings += cardinal(digits)
    return distinct(readings)


def whole_number(digits: str) -> tuple[Words, ...]:
    """A number without separators: year first where it can be one, cardinal, and digits where it looks like a code."""
    if len(digits) > 1 and digits[0] == "0":
        return distinct([*digit_by_digit(digits), pairs(digits)])
    if len(digits) == 4:
        if "1100" <= digits <= "2099":
            return distinct([year(digits)[0], cardinal(digits)[0], *year(digits)[1:], *cardinal(digits)[1:]])
        return distinct([cardinal(digits)[0], pairs(digits), *digit_by_digit(digits), *cardinal(digits)[1:]])
    readings = [*cardinal(digits)[:2]]
    if len(digits) >= 5:
        readings += [*digit_by_digit(digits), pairs(digits)]
    return distinct([*readings, *cardinal(digits)])


def number(text: str) -> tuple[Words, ...]:
    """Digits with separators, sign and fraction as found in text: ``"-1,250.50"``, ``"1.250,50"``, ``"12,5"``."""
    sign: Words = ("minus",) if text.startswith(("-", "−")) else ()
    text = text.lstrip("-−+")
    if re.fullmatch(r"\d{1,3}(\.\d{3})+,\d+", text):  # continental: dots between thousands, decimal comma
        text = text.replace(".", "").replace(",", ".")
    elif re.fullmatch(r"\d+,(\d{1,2}|\d{4,})", text):
        text = text.replace(",", ".")
    separated = "," in text
    whole, _, fraction = text.replace(",", "").partition(".")
    if not fraction:
        readings = cardinal(whole) if separated else whole_number(whole)
        if sign:
            readings = distinct([reading for reading in readings if "oh" not in reading])
    else:
        after = digit_by_digit(fraction)
        ends = distinct([after[-1], after[0], pairs(fraction) if len(fraction) == 2 and fraction[0] != "0" else ()])
        starts = cardinal(whole or "0")
        readings = distinct([(*start, "point", *end) for start in starts[:2] for end in ends])
        if whole in ("", "0"):
            readings = distinct([*readings, *(("point", *end) for end in ends)])
    return tuple((*sign, *reading) for reading in readings)


def plural(word: str) -> str:
    """``"euro"`` -> euros."""
    return _PLURALS.get(word) or str(_engine().plural_noun(word))


def money(amount: str, unit: str, magnitude: str = "") -> tuple[Words, ...]:
    """``("1,250.50", "dollar")`` -> one thousand two hundred fifty dollars and fifty cents, ..."""
    units = spelt(plural(unit))
    whole, _, fraction = amount.replace(",", "").partition(".")
    if magnitude or len(fraction) != 2:
        one = amount == "1" and not magnitude
        readings = number(amount) if fraction or "," in amount else cardinal(whole)
        return tuple((*said, *spelt(magnitude), *((unit,) if one else units)) for said in readings[:3])
    major = (unit,) if whole == "1" else units
    starts = cardinal(whole)[:2]
    if fraction == "00":
        return tuple((*start, *major) for start in starts)
    minor = _MINOR.get(unit, "cent")
    cents = cardinal(fraction.lstrip("0"))[0]
    coins = (minor,) if fraction == "01" else (plural(minor),)
    if not int(whole or "0"):
        return ((*cents, *coins), (*starts[0], "point", *digit_by_digit(fraction)[-1], *units))
    full = [(*start, *major, "and", *cents, *coins) for start in starts]
    short = [(*starts[0], *major, *cents), (*starts[0], *(("oh",) if fraction[0] == "0" else ()), *cents)]
    return distinct([full[0], *short, *full[1:], (*starts[0], *major, *cents, *coins)])


def clock(hour: int, minute: int, second: int | None, half: str) -> tuple[Words, ...]:
    """A time of day; ``half`` is ``"am"``, ``"pm"`` or empty."""
    end: Words = (half[0].upper(), "M") if half else ()
    hours = cardinal(str(hour))[0]
    minutes = pairs(f"{minute:02d}")
    readings: list[Words] = []
    if second is not None:
        tail = cardinal(str(second))[0]
        readings = [(*hours, *minutes, *tail, *end), (*hours, *minutes, "and", *tail, "seconds", *end)]
        return distinct(readings)
    late = cardinal(str((hour - 1) % 12 + 1))[0]
    after: Words = end or ("P", "M")
    if minute == 0:
        readings = [(*hours, *end)] if end else [(*hours, "o'clock")]
        if hour > 12 and not end:
            readings = [(*late, "P", "M"), (*hours, "hundred"), (*late, "o'clock"), (*hours, "o'clock")]
        elif not end:
            readings.append(hours)
        return distinct(readings)
    readings = [(*hours, *minutes, *end)]
    if hour > 12 and not end:
        readings.append((*late, *minutes, *after))
    if minute == 30:
        readings.append(("half", "past", *late))
    elif minute in (15, 45):
        following = cardinal(str(hour % 12 + 1))[0]
        readings.append(("quarter", "past", *late) if minute == 15 else ("quarter", "to", *following))
    return distinct(readings)


def date(day: int, month: int, digits: str = "") -> tuple[Words, ...]:
    """A day of the calendar; ``digits`` are those of the year or empty."""
    name, nth, count = MONTHS[month - 1], ordinal(str(day)), cardinal(str(day))[0]
    years = (year(digits)[:2] if len(digits) == 4 else (pairs(digits),)) if digits else ((),)
    readings = [(name, *nth, *years[0]), ("the", *nth, "of", name, *years[0]), (*nth, name, *years[0])]
    readings += [(name, *nth, *other) for other in years[1:]]
    return distinct([*readings, (name, "the", *nth, *years[0]), (name, *count, *years[0])])


def is_date(day: int, month: int, digits: str) -> bool:
    """Whether the calendar has such a day."""
    try:
        datetime.date(int(digits) if len(digits) == 4 and int(digits) else 2000, month, day)
    except ValueError:
        return False
    return True


def decade(digits: str) -> tuple[Words, ...]:
    """``"1990"`` -> nineteen nineties; ``"80"`` -> eighties."""
    said = pairs(digits) if len(digits) == 4 and digits[1:3] != "00" else cardinal(digits)[0]
    last = said[-1]
    return ((*said[:-1], last[:-1] + "ies" if last.endswith("y") else last + "s"),)


def fraction(over: str, under: str) -> tuple[Words, ...]:
    """``("3", "4")`` -> three quarters, three fourths, three over four."""
    top, bottom = cardinal(over)[0], cardinal(under)[0]
    parts: list[Words] = []
    if 1 < int(under) <= 20 and int(over) < int(under):
        names = {"2": ("half",), "4": ("quarter", "fourth")}.get(under, ordinal(under))
        several = int(over) > 1
        parts = [(*top, "halves" if name == "half" and several else name + "s" if several else name) for name in names]
        if not several:
            parts += [("a", name) for name in names]
    return distinct([*parts, (*top, "over", *bottom), (*top, *bottom), (*top, "slash", *bottom)])


def code_digits(run: str) -> tuple[Words, ...]:
    """Digits inside a code: by pairs, one by one, as a number."""
    if len(run) == 1:
        return digit_by_digit(run)
    digits = digit_by_digit(run)
    plain = () if run[0] == "0" else cardinal(run)
    if len(run) == 2:
        return distinct([*plain, *digits])
    if len(run) <= 4:
        return distinct([() if run[0] == "0" and len(run) == 3 else pairs(run), *digits, *plain])
    return distinct([*digits, pairs(run), *plain])


def phone_number(text: str) -> tuple[Words, ...]:
    """Groups of digits: ``"0800 123"`` -> digit by digit; oh eight hundred one twenty three; ..."""
    groups = re.findall(r"\d+", text)
    plus: Words = ("plus",) if text.startswith("+") else ()
    readings = [(*plus, *said) for said in digit_by_digit("".join(groups))]
    free = [bool(re.fullmatch(r"0[1-9]00", group)) for group in groups]  # 0800: oh eight hundred
    singly = [
        ("oh", *cardinal(group[1:])[0]) if round_ else digit_by_digit(group)[0]
        for group, round_ in zip(groups, free, strict=True)
    ]
    by_group = [said if group[0] == "0" else pairs(group) for group, said in zip(groups, singly, strict=True)]
    as_numbers = [
        cardinal(group)[0] if len(group) == 3 and group[0] != "0" else said
        for group, said in zip(groups, by_group, strict=True)
    ]
    readings += [(*plus, *(word for said in way for word in said)) for way in (singly, by_group, as_numbers)]
    return distinct(readings)


def version(text: str) -> tuple[Words, ...]:
    """``"v2.0"`` -> version two point zero, V two point zero, ..."""
    starts: tuple[Words, ...] = (("version",), ("V",)) if text[0] in "vV" else ((),)
    parts = [whole_number(part)[0] for part in re.findall(r"\d+", text)]
    bodies = [
        (*parts[0], *(word for said in parts[1:] for word in (*sign, *said))) for sign in (("point",), ("dot",), ())
    ]
    return distinct([(*start, *body) for body in bodies for start in starts])
