"""Words of a question that the knowledge base writes together or apart: "data base", "thewarranty"."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from ..pipeline.terms import query_stems, terms

if TYPE_CHECKING:
    from .store.snapshot import Snapshot

_SHORTEST = 3
"""Letters of a part."""


def joined(question: str, snapshot: Snapshot) -> list[tuple[str, int]]:
    """Pairs of neighbouring words that the knowledge base holds as one word, with the id of its stem."""
    words = [term.text for term in terms(question)]
    pairs = {
        first + second: None
        for first, second in pairwise(words)
        if min(len(first), len(second)) >= _SHORTEST and (first + second).isalpha() and first + second not in words
    }
    found = _known([*pairs], snapshot)
    return [(pair, found[pair]) for pair in pairs if pair in found]


def parted(words: Sequence[str], snapshot: Snapshot) -> dict[str, list[tuple[str, int]]]:
    """Words that the knowledge base does not hold, but both parts of, with the ids of the parts' stems.

    Of several ways to part a word, that whose rarer part is the most frequent is taken.
    """
    ways = {
        word: [(word[:at], word[at:]) for at in range(_SHORTEST, len(word) - _SHORTEST + 1)]
        for word in words
        if word.isalpha() and word.isascii()
    }
    known = _known(sorted({part for cuts in ways.values() for cut in cuts for part in cut}), snapshot)
    held = {word: [cut for cut in cuts if all(part in known for part in cut)] for word, cuts in ways.items()}
    parts = sorted({part for cuts in held.values() for cut in cuts for part in cut})
    often = dict(zip(parts, snapshot.document_frequency([known[part] for part in parts]).tolist(), strict=True))
    best = {word: max(cuts, key=lambda cut: min(often[part] for part in cut)) for word, cuts in held.items() if cuts}
    return {word: [(part, known[part]) for part in cut] for word, cut in best.items()}


def _known(words: Sequence[str], snapshot: Snapshot) -> dict[str, int]:
    """Ids of the stems of words that the knowledge base holds itself, not only another word of their stem."""
    if not words:
        return {}
    held = snapshot.term_ids(words)
    asked = {term.text: term for term in query_stems(" ".join(words), snapshot.languages())}
    found = {}
    for word, rows in zip(words, held, strict=True):
        if rows and word in asked and not asked[word].stop_word:
            found[word] = rows[0][1]
    return found
