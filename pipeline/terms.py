"""The words of a text: terms as written, where they stand, and how often each sentence holds them."""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from .document import Span
from .function_words import FUNCTION_WORDS
from .stems import primary_language, stem

TERMS_VERSION: Final = "1"
"""Part of a knowledge base's fingerprint; changes whenever the same text would give other terms or stems."""

LONGEST_TERM: Final = 64
"""A compound longer than this, in characters, gives its parts only; a run without parts is shortened to it."""


@dataclass(frozen=True, slots=True, eq=False)
class Lexis:
    """The words of one document, sentence by sentence.

    Attributes:
        terms: Distinct terms, case-folded, in order of first occurrence.
        stems: The stem of each term. *Same length as* ``terms``.
        tokens: *Shape:* (tokens,), int32 positions in ``terms``, in reading order.
        bounds: *Shape:* (sentences + 1,), int64; sentence ``i`` holds ``tokens[bounds[i]:bounds[i + 1]]``.

    Raises:
        ValueError: Lengths, types or bounds do not fit together, or a token points outside ``terms``.
    """

    terms: tuple[str, ...]
    stems: tuple[str, ...]
    tokens: npt.NDArray[np.int32]
    bounds: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        if len(self.terms) != len(self.stems):
            raise ValueError(f"{len(self.terms)} terms, but {len(self.stems)} stems")
        if self.tokens.ndim != 1 or self.tokens.dtype != np.int32:
            raise ValueError(f"tokens are {self.tokens.dtype} {self.tokens.shape}, not int32 (tokens,)")
        if self.bounds.ndim != 1 or self.bounds.dtype != np.int64 or not len(self.bounds):
            raise ValueError(f"bounds are {self.bounds.dtype} {self.bounds.shape}, not int64 (sentences + 1,)")
        if self.bounds[0] != 0 or self.bounds[-1] != len(self.tokens) or (np.diff(self.bounds) < 0).any():
            raise ValueError(f"bounds do not rise from 0 to the {len(self.tokens)} tokens")
        if len(self.tokens) and not 0 <= self.tokens.min() <= self.tokens.max() < len(self.terms):
            raise ValueError(f"a token points outside the {len(self.terms)} terms")


class Term(NamedTuple):
    """One term where it stands: characters ``[start, stop)``, and the term as it is counted."""

    start: int
    stop: int
    text: str


@dataclass(frozen=True, slots=True)
class QueryTerm:
    """A term of a question.

    Attributes:
        text: The term, case-folded.
        stems: Its stems under the languages of a knowledge base.
        stop_word: It carries grammar rather than meaning in one of these languages: weigh it less, but do not drop it
            where a question holds nothing else.
    """

    text: str
    stems: frozenset[str]
    stop_word: bool


_IDEOGRAPHIC = (
    "\u3005-\u3007\u3040-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
_SOUTH_EAST = "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece\u1000-\u103f\u1050-\u109f\u1780-\u17d3\u17dc\u17dd"
_DENSE = _IDEOGRAPHIC + _SOUTH_EAST
_MARKS = (
    "\u00ad\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1-\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06ed\u0900-\u0903\u093a-\u094f\u0951-\u0957\u0962\u0963\u0981-\u0983\u09bc-\u09d7"
    "\u0a01-\u0a03\u0a3c-\u0a51\u0a70\u0a71\u0a81-\u0a83\u0abc-\u0acd\u0b01-\u0b03\u0b3c-\u0b57\u0b82"
    "\u0bbe-\u0bcd\u0c00-\u0c04\u0c3c-\u0c56\u0c81-\u0c83\u0cbc-\u0cd6\u0d00-\u0d03\u0d3b-\u0d4d\u0d81-\u0d83"
    "\u0dca-\u0ddf\u180b-\u180d\u1ab0-\u1aff\u1dc0-\u1dff\u200c\u200d\u20d0-\u20f0\u3099\u309a\ufe00-\ufe0f"
    "\ufe20-\ufe2f"
)
"""Combining marks, joiners and the soft hyphen: parts of words, though not word characters to :mod:`re`."""
_JOINERS = r"(?:[-\u2010\u2011'’./@&]|(?<=\d)[,:](?=\d))"

_ZEROS = (
    0x0660,
    0x06F0,
    0x0966,
    0x09E6,
    0x0A66,
    0x0AE6,
    0x0BE6,
    0x0C66,
    0x0CE6,
    0x0D66,
    0x0E50,
    0x0ED0,
    0x1040,
    0x17E0,
)
_ONE_SPELLING = str.maketrans(
    {"’": "'", "\u2010": "-", "\u2011": "-"} | {chr(zero + digit): str(digit) for zero in _ZEROS for digit in range(10)}
)
"""One apostrophe, one hyphen, one set of digits."""
_DENSE_START = re.compile(f"[{_DENSE}]")
_SOUTH_EAST_START = re.compile(f"[{_SOUTH_EAST}]")
_LETTER = rf"[^\W{_DENSE}]"
_TOKEN = re.compile(
    rf"{_LETTER}+(?:(?:[{_MARKS}]+{_JOINERS}?|{_JOINERS}){_LETTER}+)*[{_MARKS}]*(?:\+\+|#(?!\w))?"
    rf"|[{_IDEOGRAPHIC}]+|[{_SOUTH_EAST}]+"
)
_ASCII_TOKEN = re.compile(r"\w+(?:(?:[-'./@&]|(?<=\d)[,:](?=\d))\w+)*(?:\+\+|#(?!\w))?", re.ASCII)
_PATH_PART = re.compile(r"[^/@]+")
_PIECE = re.compile(rf"(?:[^\W_]|[{_MARKS}])+(?:(?<=\d)[.,:](?=\d)[^\W_]+)*")
_LETTERS_OR_NUMBER = re.compile(rf"\d+(?:[.,:]\d+)*|(?:[^\W\d_]|[{_MARKS}])+")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+|\d{1,3}(?:\.\d{3})+")
_CAMEL = re.compile(r"[A-Z]?[a-z]{2,}|[A-Z]{2,}(?![a-z])")
_CAMEL_BORDER = re.compile(r"[a-z][A-Z]")
_NEGATION = re.compile(r"[a-z]+n['’]t", re.IGNORECASE)
_HANGUL = re.compile("[\uac00-\ud7af]{3,}")
_DIGIT = re.compile(r"\d")
_INVISIBLE = re.compile("[\u00ad\u0640\u180b-\u180d\u200c\u200d\u2060\ufe00-\ufe0f]")
_ORDINAL_ENDINGS = frozenset({"st", "nd", "rd", "th"})
_FINEST = 6
"""A run of letters and digits that falls into more pieces is a hash or a key, whose pieces mean nothing."""


def terms(text: str, start: int = 0, stop: int | None = None) -> Iterator[Term]:
    """Words, numbers and codes of ``text[start:stop]``, where they stand.

    A compound gives itself and then its parts: "E-4304" is "e-4304", "e" and "4304"; parts of one or two letters count
    only in compounds that hold a digit. Runs of Chinese and Japanese give pairs of characters, of Thai, Lao, Khmer and
    Burmese triples; Korean words give themselves and their pairs. Terms are NFKC-normalised, case-folded and free of
    invisible characters; diacritics stay. Nothing outside of the range has any influence: a sentence gives the same
    terms by itself, inside its document, and in its :class:`Lexis`.
    """
    stop = len(text) if stop is None else stop
    pattern = _ASCII_TOKEN if text.isascii() else _TOKEN
    for token in pattern.finditer(text, start, stop):
        at = token.start()
        for left, right, term in _analyse(token.group()):
            yield Term(at + left, at + right, term)


def lexis(text: str, sentences: Sequence[Span], language: str) -> Lexis:
    """The words of a document.

    Args:
        sentences: The spans to count by, in order: those at the sentence scale.
        language: BCP 47 tag of the document.
    """
    find = (_ASCII_TOKEN if text.isascii() else _TOKEN).findall
    vocabulary = _Vocabulary()
    lookup = vocabulary.__getitem__
    tokens = array("i")
    bounds = np.zeros(len(sentences) + 1, np.int64)
    for index, span in enumerate(sentences, 1):
        tokens.extend(chain.from_iterable(map(lookup, find(text, span.start, span.stop))))
        bounds[index] = len(tokens)
    distinct = tuple(vocabulary.ids)
    return Lexis(
        terms=distinct,
        stems=tuple([stem(term, language) for term in distinct]),
        tokens=np.array(tokens, np.int32),
        bounds=bounds,
    )


def query_stems(question: str, languages: Iterable[str]) -> tuple[QueryTerm, ...]:
    """The distinct terms of a question in order of first occurrence, under every language it may be answered in.

    Args:
        languages: BCP 47 tags of the documents to search; English if there are none.
    """
    primaries = sorted({primary_language(language) for language in languages}) or ["en"]
    distinct = dict.fromkeys(term.text for term in terms(question))
    return tuple(
        QueryTerm(
            term,
            frozenset(stem(term, primary) for primary in primaries),
            any(term in FUNCTION_WORDS.get(primary, ()) for primary in primaries),
        )
        for term in distinct
    )


class _Vocabulary(dict[str, tuple[int, ...]]):
    """Tokens as written -> the positions of their terms, numbered as they come."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: dict[str, int] = {}

    def __missing__(self, token: str) -> tuple[int, ...]:
        ids = self.ids
        found = tuple([ids.setdefault(term, len(ids)) for _, _, term in _analyse(token)])
        # a run without spaces hardly comes twice: remembering it would cost memory without saving time
        if not _DENSE_START.match(token):
            self[token] = found
        return found


def _analyse(token: str) -> list[tuple[int, int, str]]:
    """Terms of one token, with their positions in it: the whole, then its parts from left to right."""
    if token.isascii() and token.isalpha() and (token.islower() or token[1:].islower() or token.isupper()):
        return [(0, len(token), token.lower()[:LONGEST_TERM])]
    if _DENSE_START.match(token):
        return _pieces_without_spaces(token)
    left, right = len(token) - len(token.lstrip("_")), len(token.rstrip("_"))
    if left >= right:
        return []
    token = token[:right]
    found: dict[tuple[int, int, str], None] = {}
    parts = _parts(token, left)
    if right - left <= LONGEST_TERM or not parts:
        found[left, right, _normal(token[left:])[:LONGEST_TERM]] = None
    for start, stop in parts:
        found[start, stop, _normal(token[start:stop])[:LONGEST_TERM]] = None
    if _GROUPED.fullmatch(token, left):  # 1,000,000 is 1000000
        found[left, right, re.sub("[.,]", "", _normal(token[left:]))] = None
    return [term for term in found if term[2]]


def _parts(token: str, left: int) -> list[tuple[int, int]]:
    """Where the parts of a compound stand, from left to right, longer ones first."""
    if _NUMBER.fullmatch(token, left) or _NEGATION.fullmatch(token, left):
        return []
    code = _DIGIT.search(token, left) is not None
    spans: set[tuple[int, int]] = set()
    for path in _PATH_PART.finditer(token, left):
        spans.add(path.span())
    for piece in _PIECE.finditer(token, left):
        spans.add(piece.span())
        if code:
            finest = list(_LETTERS_OR_NUMBER.finditer(token, *piece.span()))
            if 1 < len(finest) <= _FINEST:
                spans.update(part.span() for part in finest if _normal(part.group()) not in _ORDINAL_ENDINGS)
        elif _CAMEL_BORDER.search(token, *piece.span()):
            spans.update(part.span() for part in _CAMEL.finditer(token, *piece.span()))
    if not code:
        spans = {(start, stop) for start, stop in spans if stop - start > 2}
    for word in _HANGUL.finditer(token, left):
        spans.update((at, at + 2) for at in range(word.start(), word.end() - 1))
    spans.discard((left, len(token)))
    return sorted(spans, key=lambda span: (span[0], -span[1]))


def _pieces_without_spaces(token: str) -> list[tuple[int, int, str]]:
    """Overlapping pairs of a run of ideographs and kana; triples in scripts with vowel signs."""
    width = 3 if _SOUTH_EAST_START.match(token) else 2
    normal = _normal(token)
    if len(normal) != len(token):  # half-width kana: positions inside the run are lost
        return (
            [(0, len(token), normal[at : at + width]) for at in range(max(1, len(normal) - width + 1))]
            if normal
            else []
        )
    if len(token) <= width:
        return [(0, len(token), normal)]
    return [(at, at + width, normal[at : at + width]) for at in range(len(token) - width + 1)]


def _normal(token: str) -> str:
    if token.isascii():
        return token.lower()
    normal = unicodedata.normalize("NFKC", token).casefold()
    normal = unicodedata.normalize("NFKC", _INVISIBLE.sub("", normal)).translate(_ONE_SPELLING)
    return "".join(normal.split())
