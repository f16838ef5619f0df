"""What to say and how it is pronounced: the dictionary, transcripts as phones, and sentences for synthesisers."""

from __future__ import annotations

import gzip
import re
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ModelError
from ..phones import phone_ids, phone_names
from .lexicon import entries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

Pronunciations = dict[str, list[tuple[int, ...]]]
"""Upper-case word -> its pronunciations as phone ids, the usual one first."""


def read_cmudict(path: Path) -> Pronunciations:
    """All words of a pronouncing dictionary, see :func:`~octavo.pipeline.training.lexicon.entries`, without stress.

    Raises:
        ModelError: The file is not there or holds no dictionary.
    """
    words: Pronunciations = {}
    for word, phones in entries(path):
        ids = phone_ids(phones)
        known = words.setdefault(word, [])
        if ids not in known:
            known.append(ids)
    return words


_TOKEN = re.compile(r"\d[\d,]*(?:\.\d+)?|[^\W\d_]+(?:'[^\W\d_]+)*'?")
_APOSTROPHES = str.maketrans("’‘`", "'''")
_VOICELESS = frozenset(phone_ids("F K P T TH"))
_SIBILANT = frozenset(phone_ids("CH JH S SH Z ZH"))


class Transcriber:
    """Turns transcripts into phones.

    Args:
        words: The dictionary.
        guess: Says the phones of a word that is in no dictionary, None where it cannot.
    """

    def __init__(self, words: Mapping[str, list[tuple[int, ...]]], guess: Callable[[str], tuple[int, ...] | None]):
        self._words = words
        self._guess = guess
        self._guessed: dict[str, tuple[int, ...] | None] = {}

    def tokens(self, text: str) -> list[str]:
        """Words of a text, numbers spelt out, upper case."""
        words: list[str] = []
        for token in _TOKEN.findall(text.translate(_APOSTROPHES)):
            if token[0].isdigit():
                words += [word.upper() for word in re.findall(r"[a-z]+", _number_words(token))]
            else:
                words.append(token.upper())
        return words

    def of_word(self, word: str) -> list[tuple[int, ...]]:
        """Its pronunciations, the usual one first; empty where nobody knows one."""
        for spelling in (word, word.rstrip("'"), word.strip("'")):
            if spelling in self._words:
                return self._words[spelling]
        bare = word.strip("'")
        if bare.endswith("'S") and bare[:-2] in self._words:
            return [(*ids, *_genitive(ids[-1])) for ids in self._words[bare[:-2]]]
        if bare not in self._guessed:
            self._guessed[bare] = self._guess(bare.lower())
        guess = self._guessed[bare]
        return [] if not guess else [guess]

    def of_text(self, text: str) -> list[list[tuple[int, ...]]] | None:
        """Pronunciations word by word; None if one of the words has none, or there is no word."""
        words = [self.of_word(word) for word in self.tokens(text)]
        return words if words and all(words) else None

    @property
    def guessed(self) -> dict[str, str]:
        """Words that were in no dictionary and what was guessed."""
        return {word: phone_names(ids) if ids else "" for word, ids in sorted(self._guessed.items())}


def _genitive(last: int) -> tuple[int, ...]:
    if last in _SIBILANT:
        return phone_ids("IH Z")
    return phone_ids("S") if last in _VOICELESS else phone_ids("Z")


def _number_words(token: str) -> str:
    import inflect

    return str(inflect.engine().number_to_words(token.replace(",", ""), andword=""))


_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(]?[A-Z])")
_SPEAKABLE = re.compile(r"[A-Za-z][A-Za-z ,;:'.!?-]*")


def sentences(folder: Path, fewest: int = 3, most: int = 18) -> list[str]:
    """Sentences of a folder of ``*.txt.gz`` books, `fewest` to `most` words each, each once, in the order of the books.

    Verse and plays come too; what holds anything but letters and plain punctuation is left out.
    """
    found: dict[str, None] = {}
    for path in sorted(folder.glob("*.txt.gz")):
        with gzip.open(path, "rt", encoding="utf-8", errors="replace") as file:
            text = file.read()
        for paragraph in re.split(r"\n\s*\n", text.translate(_APOSTROPHES)):
            for sentence in _SENTENCE_END.split(" ".join(paragraph.replace("--", ", ").replace("_", " ").split())):
                plain = sentence.strip(" \"'")
                if fewest <= len(plain.split()) <= most and _SPEAKABLE.fullmatch(plain) and plain != plain.upper():
                    found[plain] = None
    if not found:
        raise ModelError(f"{folder.name} holds no sentences; want books as *.txt.gz")
    return list(found)


def word_rows(words: Iterable[str]) -> list[str]:
    """Dictionary words fit for rows of unconnected words and names: letters only, two or more."""
    return sorted({word.capitalize() for word in words if len(word) > 1 and word.isalpha() and word.isascii()})


def texts(spoken: list[str], words: list[str], seed: int, words_share: float = 0.15) -> Iterable[str]:
    """Texts to say, without end: sentences in a random order (again when used up), some rows of random words between.

    Args:
        spoken: Sentences.
        words: Words for the rows.
        words_share: Chance of a row of 2 to 7 random words.
    """
    random = np.random.default_rng(seed)
    while True:
        for number in random.permutation(len(spoken)):
            if random.random() < words_share:
                row = random.choice(len(words), size=int(random.integers(2, 8)))
                yield ", ".join(words[word] for word in row) + "."
            yield spoken[number]
