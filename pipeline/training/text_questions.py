"""What might be asked of a text, made from it without a language model: for training the text pyramid.

Questions share some words with what answers them, say others in other words, leave most out, name what the whole
section is about, or ask for what comes next. None reads well; each knows its sentences and its paragraph.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from ..function_words import FUNCTION_WORDS

_WORD: Final = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_STOP: Final = FUNCTION_WORDS.get("en", frozenset())
_LEAST_WORDS: Final = 5
"""Content words of what is asked about."""
_MOST_SENTENCES: Final = 4
_OPENINGS: Final = (
    *("what {}", "who {}", "where {}", "when did {}", "how {}", "why did {}", "which {}", "how many {}"),
    *("what is said of {}", "tell me about {}", "is it true that {}", "{}", "{}"),
)


@dataclass(frozen=True, slots=True)
class Passage:
    """Neighbouring sentences of one paragraph, and what stands around them.

    Attributes:
        sentences: What is asked about.
        before: The sentence before; empty at the beginning of a paragraph.
        paragraph: All of the paragraph.
        names: Words that tell what the section is about, most telling first.
    """

    sentences: Sequence[str]
    before: str
    paragraph: str
    names: Sequence[str]


def content_words(text: str) -> list[str]:
    """Words that are no function words."""
    return [word for word in _WORD.findall(text) if word.casefold() not in _STOP and len(word) > 2]


def telling_words(text: str, frequency: Mapping[str, int], count: int = 4) -> list[str]:
    """Words of a section that it holds often and other sections seldom; names before all others."""
    found = Counter(content_words(text))
    named = {word: often for word, often in found.items() if word[0].isupper()} or found
    return sorted(named, key=lambda word: -named[word] / (3 + frequency.get(word.casefold(), 0)))[:count]


class TextQuestions:
    """Makes questions.

    Args:
        near: For words in small letters, others that may stand in their place.
    """

    def __init__(self, near: Mapping[str, Sequence[str]]) -> None:
        self._near = near

    def ask(self, passage: Passage, style: str, chance: Random) -> str:
        """A question of a style (see :data:`STYLES`); empty where there is too little to ask about."""
        if len(content_words(" ".join(passage.sentences))) < _LEAST_WORDS:
            return ""
        words = STYLES[style](self, passage, chance)
        if not words:
            return ""
        opened = chance.choice(_OPENINGS).format(" ".join(words))
        return opened + "?" if chance.random() < 0.6 else opened

    def thinned(self, passage: Passage, chance: Random) -> list[str]:
        """The passage without most of its words, some of them other words."""
        return self._reworded(_thinned(passage.sentences, chance), chance, 0.7)

    def reworded(self, passage: Passage, chance: Random) -> list[str]:
        """Hardly a word of the passage is left, but most of its meaning."""
        return self._reworded(_thinned(passage.sentences, chance, 0.4), chance, 1.0)

    def keywords(self, passage: Passage, chance: Random) -> list[str]:
        """A few words of the passage, in any order."""
        words = content_words(" ".join(passage.sentences))
        return self._reworded(chance.sample(words, min(len(words), chance.randint(2, 6))), chance, 0.3)

    def about(self, passage: Passage, chance: Random) -> list[str]:
        """A few words of the passage, and what the section is about."""
        words = _kept(content_words(" ".join(passage.sentences)), chance.randint(2, 7), chance)
        names = chance.sample([*passage.names], min(len(passage.names), chance.randint(1, 2)))
        words = self._reworded(words, chance, 0.8)
        return [*names, *words] if chance.random() < 0.5 else [*words, *names]

    def half(self, passage: Passage, chance: Random) -> list[str]:
        """One half of a sentence."""
        words = chance.choice(passage.sentences).split()
        cut = max(2, int(len(words) * chance.uniform(0.35, 0.65)))
        return self._reworded(words[:cut] if chance.random() < 0.5 else words[cut:], chance, 0.3)

    def following(self, passage: Passage, chance: Random) -> list[str]:
        """What the sentence before says, and hardly a word of what follows it."""
        own = _kept(content_words(" ".join(passage.sentences)), chance.randint(0, 2), chance)
        return self._reworded([*_thinned([passage.before], chance), *own], chance, 0.5) if passage.before else []

    def gist(self, passage: Passage, chance: Random) -> list[str]:
        """Words from anywhere in the paragraph."""
        return self._reworded(_kept(content_words(passage.paragraph), chance.randint(3, 9), chance), chance, 0.6)

    def _reworded(self, words: Sequence[str], chance: Random, most: float) -> list[str]:
        share = chance.uniform(0, most)
        return [
            chance.choice(self._near[word.casefold()])
            if word.casefold() in self._near and chance.random() < share
            else word
            for word in words
        ]


STYLES: Final[Mapping[str, Callable[[TextQuestions, Passage, Random], list[str]]]] = {
    "thinned": TextQuestions.thinned,
    "about": TextQuestions.about,
    "reworded": TextQuestions.reworded,
    "keywords": TextQuestions.keywords,
    "half": TextQuestions.half,
    "following": TextQuestions.following,
    "gist": TextQuestions.gist,
}
WHOLE_PARAGRAPH: Final = ("gist",)
"""Styles that no single sentence answers."""


def sentences_asked(style: str, chance: Random) -> int:
    """How many sentences a question is to be about."""
    return 1 if style in ("half", "following") else chance.randint(1, _MOST_SENTENCES)


def _thinned(sentences: Sequence[str], chance: Random, least: float = 0.1) -> list[str]:
    share = chance.uniform(least, 0.75)
    rare = share * chance.uniform(0.2, 1.0)
    return [
        word
        for word in _WORD.findall(" ".join(sentences))
        if chance.random() < (rare if word.casefold() in _STOP else share)
    ]


def _kept(words: Sequence[str], count: int, chance: Random) -> list[str]:
    return [words[at] for at in sorted(chance.sample(range(len(words)), min(count, len(words))))]
