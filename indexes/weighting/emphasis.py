"""Which part of a question asks: its last sentences count in full, what was said before counts less.

A question of a dialogue comes at the end of turns that greet, thank, book something else and name what it is about.
BM25 takes every word for a wish, and rare words of the chatter drown what is asked; so does the vector of it all. What
came before keeps some weight, since it may name the thing that the last turn calls "it".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from ...pipeline.sentences import sentences
from ...pipeline.terms import terms

if TYPE_CHECKING:
    from ...pipeline.embed import Vectors
    from ..expand import QueryTerm
    from ..retrieve import QuestionEncoder

BEFORE: Final = (1.0, 0.5, 0.35)
"""What words count but those that ask, by how many of these there are; the last for more.

Who asks "What should I do?" has said before what for.
"""
ASKING: Final = (0.0, 0.5, 1.0)
"""What the vector of the part that asks counts beside that of the whole question, likewise.

Both were chosen on made dialogues, see ``weights.md``.
"""

MOST_SENTENCES: Final = 12
"""Of turns that lead up to a request without a question mark; a longer text was pasted to find its like."""

_ASKS: Final = re.compile("[?？؟⸮\u037e]\\W*\\Z")
_LETTERS: Final = re.compile(r"[^\w]+")


def asking_part(question: str) -> int:
    """Where the part begins that asks: the last sentence with a question mark, with all behind it, else the last one.

    Sentences without a letter or digit do not count. A long text without a question mark asks as a whole.
    """
    spans = [
        (start, stop)
        for start, stop in sentences(question, 0, len(question))
        if any(map(str.isalnum, question[start:stop]))
    ]
    asking = [start for start, stop in spans if _ASKS.search(question[start:stop])]
    if asking:
        return asking[-1]
    return spans[-1][0] if 1 < len(spans) <= MOST_SENTENCES else 0


def emphasised(question: str, words: Sequence[QueryTerm], before: float | None = None) -> list[QueryTerm]:
    """The words with their weights: in full count those that carry meaning in the part that asks, and all codes.

    Args:
        before: What the others count; by default as :data:`BEFORE` says.
    """
    asked = _asked(question, words)
    if asked is None:
        return list(words)
    if before is None:
        before = BEFORE[min(_carrying(words, asked), len(BEFORE) - 1)]
    codes = {part.text for word in words if is_code(word.text) for part in terms(word.text)}
    return [
        word if (there and not word.stop_word) or word.text in codes else replace(word, emphasis=before)
        for word, there in zip(words, asked, strict=True)
    ]


def question_vector(
    question: str, words: Sequence[QueryTerm], whole: Vectors, encoder: QuestionEncoder, asking: float | None = None
) -> Vectors:
    """The vector of a question and, so many times, that of the part that asks, as one unit vector. *Shape:* (width,)

    Args:
        whole: The vector of the question. *Shape:* (width,)
        asking: How many times; by default as :data:`ASKING` says.
    """
    asked = _asked(question, words)
    if asked is not None and asking is None:
        asking = ASKING[min(_carrying(words, asked), len(ASKING) - 1)]
    if not asking:
        return whole
    # One by one: a batch would fill the short part up to the length of the whole.
    part = encoder.encode_questions([question[asking_part(question) :]])[0]
    both: Vectors = whole + np.float32(asking) * part
    made: Vectors = both / max(np.sqrt(np.dot(both, both)), np.float32(1e-12))
    return made


def carrying(question: str, words: Sequence[QueryTerm]) -> int:
    """How many words that carry meaning and that the knowledge base holds stand in the part that asks."""
    asked = _asked(question, words)
    return _carrying(words, asked if asked is not None else [True] * len(words))


def is_code(text: str) -> bool:
    """Whether a word holds letters and digits, as ``e-4304`` does: whoever says one means it."""
    return any(map(str.isdigit, text)) and any(map(str.isalpha, text))


def _asked(question: str, words: Sequence[QueryTerm]) -> list[bool] | None:
    """Which words stand in the part that asks; ``None`` where all of the question asks."""
    at = asking_part(question)
    if not at:
        return None
    asked = {term.text for term in terms(question, at)}
    # Words that the knowledge base writes apart or together stand there under other texts than they were asked by.
    letters = _LETTERS.sub("", question[at:].casefold())
    return [word.text in asked or (not word.exact and _LETTERS.sub("", word.text) in letters) for word in words]


def _carrying(words: Sequence[QueryTerm], asked: Sequence[bool]) -> int:
    return sum(there and word.exact and not word.stop_word for word, there in zip(words, asked, strict=True))
