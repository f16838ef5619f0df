"""The phones of English as Octavo's speech encoder and its pronunciations know them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

PHONES = tuple(
    "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH".split()  # noqa: SIM905
)
"""ARPAbet as in CMUdict, stress left out. The id of ``PHONES[n]`` is ``n + 1``."""

BLANK = 0
"""The blank of connectionist temporal classification, and silence where each frame has one label."""

SYMBOLS = len(PHONES) + 1
"""Blank and phones: the width of a posterior."""

_ID = {phone: number for number, phone in enumerate(PHONES, 1)}


def phone_ids(phones: str | Iterable[str]) -> tuple[int, ...]:
    """Ids of phones given as ``"HH AH0 L OW1"`` or as a sequence; stress digits are dropped.

    Raises:
        ValueError: One of them is no phone of this set.
    """
    names = phones.split() if isinstance(phones, str) else phones
    try:
        return tuple(_ID[name.rstrip("012")] for name in names)
    except KeyError as error:
        raise ValueError(f"{error.args[0]!r} is no phone; the phones are {' '.join(PHONES)}") from error


def phone_names(ids: Sequence[int]) -> str:
    """Phones by their ids, for people: ``"HH AH L OW"``."""
    return " ".join(PHONES[number - 1] for number in ids)
