"""The stem of a term: the form under which its inflections are counted together."""

from __future__ import annotations

import re
import threading
import unicodedata
from functools import lru_cache
from typing import Final

import snowballstemmer

_SCRIPTS: Final = (
    (0x024F, "latin"),
    (0x036F, ""),
    (0x03FF, "greek"),
    (0x052F, "cyrillic"),
    (0x058F, "armenian"),
    (0x05FF, "hebrew"),
    (0x06FF, "arabic"),
    (0x08FF, ""),
    (0x097F, "devanagari"),
    (0x0B7F, ""),
    (0x0BFF, "tamil"),
    (0x1DFF, ""),
    (0x1EFF, "latin"),
    (0x1FFF, "greek"),
)
"""Last code point -> script."""

_ALGORITHMS: Final[dict[str, dict[str, str]]] = {
    "latin": {
        "": "english", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "eo": "esperanto",
        "es": "spanish", "et": "estonian", "eu": "basque", "fi": "finnish", "fr": "french", "ga": "irish",
        "hu": "hungarian", "id": "indonesian", "it": "italian", "lt": "lithuanian", "nb": "norwegian", "nl": "dutch",
        "nn": "norwegian", "no": "norwegian", "pl": "polish", "pt": "portuguese", "ro": "romanian", "sr": "serbian",
        "sv": "swedish", "tr": "turkish",
    },
    "greek": {"": "greek"},
    "cyrillic": {"": "russian", "sr": "serbian", "be": "", "bg": "", "kk": "", "ky": "", "mk": "", "mn": "", "uk": ""},
    "armenian": {"": "armenian"},
    "arabic": {"": "arabic", "fa": "persian", "ps": "", "ur": "", "ckb": ""},
    "devanagari": {"": "hindi", "mr": "", "ne": "nepali"},
    "tamil": {"": "tamil"},
}  # fmt: skip
"""Script -> primary language subtag -> Snowball algorithm; the empty subtag stands for every other language."""

_SYMBOL = re.compile(r"[\d_./@&:+#]")
_FOLDED_MARK = re.compile(
    "[\u0300-\u0305\u0307-\u036f\u0591-\u05bd\u05bf\u05c1-\u05c7\u064b-\u065f\u0670]|(?<!и)\u0306"
)
"""What folding drops. Vowel signs of Indian scripts and the mark that makes й of и are letters, not accents."""
_FOLDED_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ħ": "h", "ı": "i", "ŧ": "t"}
)


def stem(term: str, language: str) -> str:
    """The form under which a term is counted, without diacritics.

    Terms with a digit or a symbol in them are never stemmed. A term in another script than the language's is stemmed
    by the most common language of its script; where Snowball knows none, it is only folded.

    Args:
        term: Case-folded, as :func:`octavo.pipeline.terms.terms` gives it; not empty.
        language: BCP 47 tag; the primary subtag counts. Unknown or empty: English.

    References:
        M. F. Porter, *Snowball: a language for stemming algorithms*, 2001, https://snowballstem.org.
    """
    return _stem(term, primary_language(language))


def primary_language(language: str) -> str:
    """The primary subtag of a BCP 47 tag, in lower case; English for an empty tag."""
    return language.replace("_", "-").partition("-")[0].lower() or "en"


@lru_cache(maxsize=1 << 16)
def _stem(term: str, primary: str) -> str:
    algorithm = "" if _SYMBOL.search(term) else _algorithm(term, primary)
    return _fold(_STEMMERS(algorithm, term) or term if algorithm else term) or term


def _fold(term: str) -> str:
    """Without diacritics, in one spelling."""
    if term.isascii():
        return term
    folded = _FOLDED_MARK.sub("", unicodedata.normalize("NFKD", term))
    return unicodedata.normalize("NFC", folded).translate(_FOLDED_LETTERS)


def _algorithm(term: str, primary: str) -> str:
    """The Snowball algorithm for a term, empty for none."""
    code_point = ord(term[0])
    script = "latin" if code_point < 0x80 else next((name for last, name in _SCRIPTS if code_point <= last), "")
    languages = _ALGORITHMS.get(script, {})
    return languages.get(primary, languages.get("", ""))


class _Stemmers(threading.local):
    """One stemmer for each algorithm and thread: they keep state between calls."""

    def __init__(self) -> None:
        self.by_algorithm: dict[str, snowballstemmer.basestemmer.BaseStemmer] = {}

    def __call__(self, algorithm: str, term: str) -> str:
        if algorithm not in self.by_algorithm:
            self.by_algorithm[algorithm] = snowballstemmer.stemmer(algorithm)
        return str(self.by_algorithm[algorithm].stemWord(term))


_STEMMERS = _Stemmers()
