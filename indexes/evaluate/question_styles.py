"""Ways to make a question of a passage without a language model."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Protocol

import numpy as np

from ...pipeline.scale import PARAGRAPH, SECTION, SENTENCE, Scale
from ...pipeline.terms import terms
from .passages import Passage, Word
from .wh_questions import wh_question

GAP = "…"
"""Stands for words left out."""

_LINK = re.compile(r"\]\([^)\s]*\)")
_MARKUP = re.compile(r"[*`|#<>\[\]{}\\=~]|(?<!\w)_+|_+(?!\w)")
_NUMBERED = re.compile(r"^(?:\d{1,3}(?:\.\d{1,3})*\.?|[IVX]{1,5}\.|[A-Z]\.\d{0,2})\s+(?=\w)")
_BULLET = re.compile(r"^\s*(?:[-+•·–—▪◦*]\s+|\(?(?:\d{1,3}|[a-zA-Z])[.)]\s+)")


@dataclass(frozen=True, slots=True)
class Draft:
    """A question that has not been checked yet.

    Attributes:
        stems: Of its words that say something: what holds them all answers it just as well.
        heading: The headings that it asks by, if it does: sections under headings of this name answer it.
    """

    text: str
    stems: frozenset[int]
    heading: tuple[str, ...] = ()


class Style(Protocol):
    """A way to make questions.

    Attributes:
        name: The class of its questions.
        scale: Of the passages it needs, which are the answers.
    """

    name: ClassVar[str]
    scale: ClassVar[Scale]

    def ask(self, passage: Passage, random: np.random.Generator) -> Draft | None:
        """A question that the passage answers; ``None`` if none can be made of it."""
        ...


class Cloze:
    """A sentence without its most telling words (Taylor 1953, *Cloze procedure*), asked as the rest."""

    name: ClassVar[str] = "cloze"
    scale: ClassVar[Scale] = SENTENCE

    SHARE: ClassVar[float] = 0.25
    """Of the telling words that is left out."""
    MOST: ClassVar[int] = 4
    """Words that are left out."""
    LEAST: ClassVar[int] = 3
    """Telling words that have to stay."""
    LONGEST: ClassVar[int] = 300
    """Characters of a sentence: a longer one is no question."""

    def ask(self, passage: Passage, random: np.random.Generator) -> Draft | None:
        telling = passage.telling
        out = min(self.MOST, max(1, round(self.SHARE * len(telling))))
        if len(telling) < self.LEAST + out or len(passage.text) > self.LONGEST or not is_prose(passage.text):
            return None
        gone = {word.stem for word in sorted(telling, key=lambda word: -word.weight)[:out]}
        stays = [word for word in telling if word.stem not in gone]
        if len({word.stem for word in stays}) < self.LEAST:
            return None
        text = ""
        at = 0
        for word in (word for word in passage.words if word.stem in gone):
            text += passage.text[at : max(word.start, at)] + GAP
            at = max(word.stop, at)
        text = re.sub(rf"{GAP}(?:[\s\-/,]*{GAP})+", GAP, plain(text + passage.text[at:])).replace(f"{GAP}.", GAP)
        return Draft(text, frozenset(word.stem for word in stays))


class Keywords:
    """The most telling words of a paragraph, as typed into a search field."""

    name: ClassVar[str] = "keywords"
    scale: ClassVar[Scale] = PARAGRAPH

    FEWEST: ClassVar[int] = 3
    MOST: ClassVar[int] = 6
    LONGEST: ClassVar[int] = 25
    """Letters of a word that someone types."""
    LONG: ClassVar[int] = 7
    """Letters from which a word does not count as short."""

    def ask(self, passage: Passage, random: np.random.Generator) -> Draft | None:
        if not is_prose(passage.text):
            return None
        counts: dict[int, int] = {}
        first: dict[int, Word] = {}
        for word in passage.telling:
            counts[word.stem] = counts.get(word.stem, 0) + 1
            first.setdefault(word.stem, word)

        def telling(word: Word) -> float:
            # tf-idf (Salton and Buckley 1988) with damped counts. Short words are the general ones (Zipf 1935), but for
            # numbers and for scripts without spaces, whose words here are all short.
            written = passage.text[word.start : word.stop]
            brevity = min(len(written) / self.LONG, 1.0) if written.isalpha() and written < "\u0e00" else 1.0
            return word.weight * (1 + math.log(counts[word.stem])) * brevity

        ranked = sorted(first.values(), key=lambda word: (-telling(word), word.start))
        chosen: list[Word] = []
        codes = 0
        for word in ranked:
            written = passage.text[word.start : word.stop]
            # People type words, and now and then a code.
            code = any(map(str.isdigit, written))
            typed = 1 < len(written) <= self.LONGEST and any(map(str.isalpha, written)) and not (code and codes)
            if typed and all(word.stop <= other.start or other.stop <= word.start for other in chosen):
                chosen.append(word)
                codes += code
        if len(chosen) < 2 * self.FEWEST:  # a paragraph of so few words is asked for as a whole
            return None
        chosen = chosen[: int(random.integers(self.FEWEST, self.MOST, endpoint=True))]
        order = sorted(chosen) if random.random() < 0.5 else [chosen[at] for at in random.permutation(len(chosen))]
        text = " ".join(passage.text[word.start : word.stop] for word in order)
        return Draft(plain(text), frozenset(word.stem for word in chosen))


class Title:
    """A heading, with those above it where it says too little by itself, asked for what stands under it."""

    name: ClassVar[str] = "title"
    scale: ClassVar[Scale] = SECTION

    LEAST: ClassVar[int] = 60
    """Characters that have to stand under a heading."""

    def ask(self, passage: Passage, random: np.random.Generator) -> Draft | None:
        if not passage.path or len(passage.text) < self.LEAST:
            return None
        return Draft(heading_text(passage.path[-1:]), frozenset(), passage.path[-1:])


class Wh:
    """A question by the pattern of a sentence: definitions, duties, numbers, dates, instructions. English only."""

    name: ClassVar[str] = "wh"
    scale: ClassVar[Scale] = SENTENCE

    def ask(self, passage: Passage, random: np.random.Generator) -> Draft | None:
        if passage.language not in ("en", "eng", "") or not is_prose(passage.text):
            return None
        text = wh_question(plain(passage.text))
        if text is None:
            return None
        stems = asked_words(passage, text)
        return Draft(text, stems) if stems else None


STYLES: tuple[Style, ...] = (Cloze(), Keywords(), Title(), Wh())


def heading_text(path: Sequence[str]) -> str:
    """Headings as one line, the outermost first; one that repeats the one above it is said once."""
    parts = [_NUMBERED.sub("", plain(part)).rstrip(" :") for part in path]
    return ": ".join(part for above, part in pairwise(["", *parts]) if part and part != above)


def asked_words(passage: Passage, question: str) -> frozenset[int]:
    """Stems of the telling words of a passage that a question says again."""
    asked = {term.text for term in terms(question)}
    return frozenset(
        word.stem
        for word in passage.telling
        if asked.issuperset(term.text for term in terms(passage.text[word.start : word.stop]))
    )


def plain(text: str) -> str:
    """One line without the marks of Markdown and of lists."""
    text = _MARKUP.sub("", _LINK.sub("]", _BULLET.sub("", text)))
    return " ".join(text.split())


def is_prose(text: str) -> bool:
    """Whether a text consists of words rather than of numbers, rules, code and lists of names."""
    solid = [one for one in text if not one.isspace()]
    letters = sum(one.isalpha() for one in solid)
    # Marks that go with a letter, as vowels do in Indian scripts, count with it.
    marks = sum(unicodedata.category(one) in ("Mn", "Mc") for one in solid if not one.isascii())
    words = [word for word in text.split() if word[0].isalpha()]
    names = sum(word[0].isupper() for word in words)
    initials = sum(len(word) < 3 and word.isupper() for word in words)
    listed = names > 0.6 * len(words) or initials >= 4 or "|" in text
    return letters > 0 and letters + marks >= 0.75 * len(solid) and not listed
