"""Characters of PDFs: their scripts, and the presentation forms that typesetting puts in their place."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

SYMBOL_FONT_MARKS = {0xF0A7: "▪", 0xF0A8: "▪", 0xF0B7: "•", 0xF0D8: "➢", 0xF0E0: "→", 0xF0FC: "✓", 0xF076: "❖"}
"""What Word writes for list bullets: codes of Symbol and Wingdings in the private use area."""

_DROPPED = frozenset("\u00ad\u200b\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2060\ufeff") | {
    chr(code) for code in range(0x2066, 0x206A)
}


def is_unspaced(char: str) -> bool:
    """Whether the script of ``char`` writes words without spaces: Han, kana, Thai, Lao, Khmer, Myanmar."""
    code = ord(char)
    if code < 0x0E00:
        return False
    return (
        0x3040 <= code <= 0x30FF
        or 0x3400 <= code <= 0x9FFF
        or 0x3000 < code <= 0x301F
        or 0x0E00 <= code <= 0x0EFF
        or 0x1000 <= code <= 0x109F
        or 0x1780 <= code <= 0x17FF
        or 0x31F0 <= code <= 0x31FF
        or 0xF900 <= code <= 0xFAFF
        or 0xFF01 <= code <= 0xFF0F
        or 0xFF1A <= code <= 0xFF20
        or 0x20000 <= code <= 0x3FFFF
    )


def is_rtl(char: str) -> bool:
    """Whether ``char`` is a letter of a script written from right to left."""
    code = ord(char)
    return 0x0590 <= code <= 0x08FF or 0xFB1D <= code <= 0xFDFF or 0xFE70 <= code <= 0xFEFE


def is_unmapped(char: str) -> bool:
    """Whether a PDF gave no meaning for the glyph: replacement, private use or control character."""
    code = ord(char)
    return (
        code == 0xFFFD
        or code < 0x20
        or 0x7F <= code < 0xA0
        or (0xE000 <= code <= 0xF8FF and code not in SYMBOL_FONT_MARKS)
        or code >= 0xF0000
    )


@lru_cache(maxsize=4096)
def _plain(char: str) -> str:
    """One character without its presentation form (Unicode 17, NFKC, only where the form is typographic)."""
    code = ord(char)
    if char in _DROPPED or code < 0x20 or 0x7F <= code < 0xA0 or 0xD800 <= code < 0xE000:
        return ""
    if code in SYMBOL_FONT_MARKS:
        return SYMBOL_FONT_MARKS[code]
    form = (
        0xFB00 <= code <= 0xFDF9  # Latin, Armenian, Hebrew ligatures; Arabic presentation forms A
        or 0xFE70 <= code <= 0xFEFC  # Arabic presentation forms B
        or 0x2F00 <= code <= 0x2FDF  # Kangxi radicals, which many CJK fonts map their ideographs to
        or 0xFE10 <= code <= 0xFE4F  # vertical forms
        or 0x2E80 <= code <= 0x2EF3
    )
    if not form:
        return char
    # Isolated Arabic marks decompose into a carrier (space, tatweel) and the mark: the carrier is not on the page.
    plain = unicodedata.normalize("NFKC", char)
    return plain.lstrip(" \u0640") or plain if 0xFE70 <= code <= 0xFE7F or 0xFC5E <= code <= 0xFC63 else plain


def normalised(word: str) -> str:
    """``word`` with ligatures and presentation forms resolved, invisible characters dropped, accents composed.

    A soft hyphen at the end stays as ``-``: it is the hyphen that is printed at a line's end.
    """
    if word.isascii() and word.isprintable():
        return word
    ending = "-" if word[-1] == "\u00ad" else ""
    return unicodedata.normalize("NFC", "".join(map(_plain, word))) + ending


def is_mark(char: str) -> bool:
    """Marks that stand on their base character in scripts without spaces: one row with it, not one of their own."""
    return unicodedata.category(char) in ("Mn", "Mc")
