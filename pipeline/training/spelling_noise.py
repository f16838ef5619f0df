"""What happens to words on their way into a text: slips of the hand, misreadings of a scanner, lost and added spaces.

Every model takes a term and a generator of chance and gives the term as it may come out; with the same generator it
gives the same. None of them knows a language: how people misspell what they know only by ear is in
:mod:`.respelling`, what a recogniser makes of a sound in :mod:`.spelling_pairs`.
"""

from __future__ import annotations

import unicodedata
from random import Random
from typing import Final

_ROWS: Final = (("1234567890-", 0.0), ("qwertyuiop[", 0.5), ("asdfghjkl;'", 0.75), ("zxcvbnm,./", 1.25))
"""A QWERTY keyboard: the keys of each row, and how far the row is moved to the right, in keys."""

_PLACES: Final = {
    key: (row, shift + column) for row, (keys, shift) in enumerate(_ROWS) for column, key in enumerate(keys)
}
NEIGHBOURING_KEYS: Final = {
    key: "".join(
        other
        for other, (row, column) in _PLACES.items()
        if other != key and abs(row - _PLACES[key][0]) <= 1 and abs(column - _PLACES[key][1]) <= 1 and other.isalnum()
    )
    for key in _PLACES
}
"""Keys that touch a key."""

PRINTS_ALIKE: Final = (
    ("0", "o"), ("1", "l"), ("1", "i"), ("l", "i"), ("5", "s"), ("8", "b"), ("2", "z"), ("6", "b"), ("9", "g"),
    ("rn", "m"), ("cl", "d"), ("vv", "w"), ("li", "h"), ("ii", "u"), ("in", "m"), ("ri", "n"), ("nn", "m"), ("c", "e"),
    ("h", "b"), ("u", "v"), ("f", "t"), ("i", "j"), ("a", "o"), ("n", "u"), ("fi", "ﬁ"), ("fl", "ﬂ"),
)  # fmt: skip
"""Confusions of optical character recognition, either way round. The first nine tell apart no two codes."""

_SURE_IN_CODES: Final = (("0", "o"), ("1", "l"), ("1", "i"), ("5", "s"), ("8", "b"), ("2", "z"))

_MARKS: Final = {
    "a": "\u0300\u0301\u0302\u0303\u0308\u030a",
    "c": "\u0327\u0301\u030c",
    "e": "\u0300\u0301\u0302\u0308",
    "i": "\u0301\u0302\u0308",
    "n": "\u0303\u0301",
    "o": "\u0301\u0302\u0303\u0308",
    "s": "\u030c\u0301",
    "u": "\u0301\u0302\u0308\u030a",
    "y": "\u0301\u0308",
    "z": "\u030c\u0301",
}


def key_slip(term: str, chance: Random) -> str:
    """One slip of a typist: a letter left out, twice, swapped with the next, a neighbouring key instead or as well.

    The shares are about those of Baba and Suzuki, How are spelling errors generated and corrected? (2012). The first
    letter is hit a third as often as others, as people look at it.
    """
    if len(term) < 3:
        return term
    at = chance.randrange(len(term))
    if at == 0 and chance.random() < 0.67:
        at = chance.randrange(1, len(term))
    kind, letter = chance.random(), term[at]
    if kind < 0.28:
        return term[:at] + term[at + 1 :]
    if kind < 0.44:
        return term[:at] + letter + term[at:]
    if kind < 0.64 and at + 1 < len(term):
        return term[:at] + term[at + 1] + letter + term[at + 2 :]
    near = NEIGHBOURING_KEYS.get(letter, "")
    letters = "".join(filter(str.isalpha, near)) if letter.isalpha() else near
    other = chance.choice(letters or "etaoins")
    if kind < 0.86:
        return term[:at] + other + term[at + 1 :]
    return term[:at] + other + term[at:]


def letter_slip(term: str, chance: Random) -> str:
    """One slip of somebody who is not sure: a vowel for another, a letter doubled or not, or one of the hand."""
    vowels = [at for at, letter in enumerate(term) if letter in "aeiouy"]
    kind = chance.random()
    if kind < 0.45 and vowels:
        at = chance.choice(vowels)
        return term[:at] + chance.choice("aeiou") + term[at + 1 :]
    doubled = [at for at in range(1, len(term)) if term[at] == term[at - 1]]
    if kind < 0.7 and doubled:
        at = chance.choice(doubled)
        return term[:at] + term[at + 1 :]
    if kind < 0.85:
        inside = [at for at in range(1, len(term)) if term[at] in "bcdfglmnprst"]
        if inside:
            at = chance.choice(inside)
            return term[:at] + term[at] + term[at:]
    return key_slip(term, chance)


def misread(term: str, chance: Random) -> str:
    """One or two confusions of a scanner, see :data:`PRINTS_ALIKE`."""
    for _ in range(1 + (chance.random() < 0.25)):
        fitting = [(old, new) for pair in PRINTS_ALIKE for old, new in (pair, pair[::-1]) if old in term]
        if not fitting:
            break
        old, new = chance.choice(fitting)
        places = [at for at in range(len(term)) if term.startswith(old, at)]
        at = chance.choice(places)
        term = term[:at] + new + term[at + len(old) :]
    return term


def respaced(term: str, chance: Random) -> str:
    """A space or a hyphen lost, put in, or one in place of the other."""
    joints = [at for at, letter in enumerate(term) if letter in " -"]
    if joints:
        at = chance.choice(joints)
        other = chance.choice(("", "", "-" if term[at] == " " else " "))
        return term[:at] + other + term[at + 1 :]
    if len(term) < 5:
        return term
    at = chance.randrange(2, len(term) - 1)
    return term[:at] + chance.choice(" -") + term[at:]


def accented(term: str, chance: Random) -> str:
    """One to two marks put on letters, or all marks dropped where there are some."""
    plain = "".join(letter for letter in unicodedata.normalize("NFD", term) if not unicodedata.combining(letter))
    if plain != term:
        return plain
    places = [at for at, letter in enumerate(term) if letter in _MARKS]
    for at in sorted(chance.sample(places, min(len(places), 1 + (chance.random() < 0.3))), reverse=True):
        term = term[: at + 1] + chance.choice(_MARKS[term[at]]) + term[at + 1 :]
    return unicodedata.normalize("NFC", term)


def recased(term: str, chance: Random) -> str:
    """In capitals, or with a capital somewhere."""
    if chance.random() < 0.5:
        return term.upper()
    at = chance.choice((0, chance.randrange(len(term)))) if term else 0
    return term[:at] + term[at : at + 1].upper() + term[at + 1 :]


def code(chance: Random) -> str:
    """An invented code, part number, version or number, in lower case."""
    letters = "".join(chance.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(chance.choice((1, 1, 2, 2, 3))))
    digits = "".join(chance.choice("0123456789") for _ in range(chance.choice((2, 3, 3, 4, 4, 4, 5, 6))))
    kind = chance.random()
    if kind < 0.4:
        return f"{letters}{chance.choice('-- .')}{digits}".replace(" ", "")
    if kind < 0.55:
        return f"{letters}-{digits}{chance.choice('abcdefghx')}"
    if kind < 0.65:
        return f"{digits}{letters}"
    if kind < 0.75:
        return f"{letters}-{digits[:2]}-{digits[2:] or '7'}"
    if kind < 0.85:
        return ".".join(str(chance.randrange(20)) for _ in range(chance.choice((2, 3))))
    return digits


def code_misread(term: str, chance: Random) -> str:
    """The same code as it may be written or printed: the joint lost or another, figures as the letters they look like.

    Only what leaves no other code: a letter for a figure, never a figure for another.
    """
    if chance.random() < 0.5:
        term = "".join(chance.choice(("", " ", "-")) if letter in "-." else letter for letter in term)
    figures = [(at, b) for at, letter in enumerate(term) for a, b in _SURE_IN_CODES if a == letter]
    figures = [(at, b) for at, b in figures if term[at - 1 : at] + b != "cl"]  # which prints like d, and the 1 is gone
    if figures and chance.random() < 0.7:
        at, other = chance.choice(figures)
        term = term[:at] + other + term[at + 1 :]
    return term


def other_code(term: str, chance: Random) -> str:
    """Another code that looks much like this one, the hardest of wrong answers: a figure changed, swapped or added."""
    figures = [at for at, letter in enumerate(term) if letter.isdigit()]
    if not figures:
        return f"{term}{chance.randrange(10)}"
    at, kind = chance.choice(figures), chance.random()
    if kind < 0.6:
        # one more or less, as often as any other: neighbours stand in one table
        step = chance.choice((1, -1)) if chance.random() < 0.5 else chance.randrange(1, 10)
        return term[:at] + str((int(term[at]) + step) % 10) + term[at + 1 :]
    if kind < 0.85 and at + 1 < len(term) and term[at + 1].isdigit() and term[at + 1] != term[at]:
        return term[:at] + term[at + 1] + term[at] + term[at + 2 :]
    return term[:at] + str(chance.randrange(10)) + term[at:]
