"""Words of the family of a question's words: Austria and Austrian, economy and economic, tourists and tourism.

Stemming counts the inflections of a word together and keeps apart what is derived from it. So the stems of a knowledge
base that begin like a word's own stem are compared with it by their pairs and triples of letters, and those that are
near come in bands. A band is scored as one word, with the frequency of everything at least as near as it, so that a
rare relative is worth no more than a frequent one. Of a word and its bands only the best counts in a place: where the
word itself stands, its relatives add little, and chance likeness does not add up.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from .store.bm25 import inverse_document_frequency

if TYPE_CHECKING:
    from .expand import QueryTerm
    from .store.snapshot import Snapshot

Floats = npt.NDArray[np.float64]

WEIGHT: Final = 0.5
"""What a band counts beside the word itself, times its likeness. Chosen with :data:`BANDS` on TRAIN, see the log."""
BANDS: Final = (0.6, 0.45, 0.3)
"""Least likeness of each band, nearest first."""
SHARED: Final = 3
"""Letters that relatives begin with alike; so they stand together in the catalog's index of terms."""
SHORTEST: Final = 4
"""Letters of a word that has relatives."""
MOST: Final = 500
"""Words that may begin like a word; of large vocabularies those count that share more letters with it."""


@dataclass(frozen=True, slots=True)
class Band:
    """Relatives of a word that are about as near to it.

    Attributes:
        stems: Ids, with their likeness to the word's stem, nearest first.
        frequency: Paragraphs that hold the word or a stem at least as near, counted stem by stem.
    """

    stems: tuple[tuple[int, float], ...]
    frequency: int

    def __post_init__(self) -> None:
        if not self.stems or any(not 0 < alike <= 1 for _, alike in self.stems):
            raise ValueError(f"likenesses of relatives are {self.stems}, not in (0, 1]")

    @property
    def likeness(self) -> float:
        """The mean, in which the nearer weigh more."""
        return sum(alike * alike for _, alike in self.stems) / sum(alike for _, alike in self.stems)


def likeness(stem: str, other: str) -> float:
    """Dice's coefficient of the pairs and triples of letters in two words, their ends marked; 1 for the same word."""
    own, theirs = _pieces(stem), _pieces(other)
    return 2 * len(own & theirs) / (len(own) + len(theirs))


@lru_cache(maxsize=1 << 14)
def _pieces(word: str) -> frozenset[str]:
    framed = f"^{word}$"
    return frozenset(framed[at : at + width] for width in (2, 3) for at in range(len(framed) - width + 1))


def family_of(text: str, stems: Collection[str], held: Collection[int], snapshot: Snapshot) -> tuple[Band, ...]:
    """The relatives of a word that a knowledge base holds, nearest first.

    Args:
        text: The word, case-folded.
        stems: Its stems under the languages of the knowledge base.
        held: Ids of what stands for the word already.
    """
    if len(text) < SHORTEST or not text.isalpha():
        return ()
    near: dict[int, float] = {}
    for stem in stems:
        for one, other in _beginning_alike(stem, snapshot):
            alike = likeness(stem, other)
            if one not in held and alike >= BANDS[-1]:
                near[one] = max(near.get(one, 0.0), alike)
    ranked = sorted(near.items(), key=lambda pair: (-pair[1], pair[0]))
    often = snapshot.document_frequency([*held, *(one for one, _ in ranked)]).tolist()
    # Words of deleted documents and of later generations stand nowhere.
    found = [(*pair, count) for pair, count in zip(ranked, often[len(held) :], strict=True) if count]
    bands = []
    frequency, upper = sum(often[: len(held)]), 2.0
    for least in BANDS:
        own = [((one, alike), count) for one, alike, count in found if least <= alike < upper]
        frequency += sum(count for _, count in own)
        if own:
            bands.append(Band(tuple(pair for pair, _ in own), min(frequency, snapshot.paragraphs)))
        upper = least
    return tuple(bands)


def _beginning_alike(stem: str, snapshot: Snapshot) -> Iterable[tuple[int, str]]:
    """Stems that share their first letters with a stem, with their ids: three letters, more where too many do."""
    for letters in range(SHARED, len(stem) + 1):
        found = snapshot.stems_from(stem[:letters], MOST + 1)
        if len(found) <= MOST:
            return found
    return ()


class Relatives:
    """The bands of a question's words, as further columns beside those of the words themselves.

    Attributes:
        word: Column of the word of each band. *Shape:* (bands,)
        frequency: Of each band. *Shape:* (bands,)
        weight: What each counts of its inverse document frequency, the word's emphasis included. *Shape:* (bands,)
    """

    def __init__(self, words: Sequence[QueryTerm]) -> None:
        bands = [(column, word, band) for column, word in enumerate(words) for band in word.family]
        self.word = np.array([column for column, _, _ in bands], np.int64)
        self.frequency = np.array([band.frequency for _, _, band in bands], np.int64)
        self.weight: Floats = np.array([WEIGHT * band.likeness * word.emphasis for _, word, band in bands])
        members = [(one, at) for at, (_, _, band) in enumerate(bands) for one, _ in band.stems]
        members.sort()
        self._stems = np.array([one for one, _ in members], np.int64)
        self._bands = np.array([at for _, at in members], np.int64)

    def __len__(self) -> int:
        return len(self.word)

    def worth(self, paragraphs: int) -> Floats:
        """What a match of each band is worth. *Shape:* (bands,)

        Args:
            paragraphs: Live ones of the knowledge base.
        """
        return self.weight * inverse_document_frequency(self.frequency, paragraphs)

    def counts(self, tokens: npt.NDArray[np.integer], owner: npt.NDArray[np.int64], rows: int) -> Floats:
        """How often each row holds a stem of each band. *Shape:* (rows, bands)

        Args:
            tokens: Stem ids. *Shape:* (n,)
            owner: The row of each. *Shape:* (n,)
        """
        first = np.searchsorted(self._stems, tokens, "left")
        many = np.searchsorted(self._stems, tokens, "right") - first
        at = np.repeat(first, many) + np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
        cell = np.repeat(owner, many) * len(self) + self._bands[at]
        counted: Floats = np.bincount(cell, minlength=rows * len(self)).reshape(rows, len(self)).astype(np.float64)
        return counted

    def gain(self, own: Floats, bands: Floats) -> Floats:
        """By how much the best band of each word exceeds the word itself, over all words. *Shape:* (rows,)

        Args:
            own: Scores of words. *Shape:* (rows, words)
            bands: Scores of bands. *Shape:* (rows, bands)
        """
        if not len(self):
            return np.zeros(len(own))
        first = np.flatnonzero(np.diff(self.word, prepend=-1))  # bands of one word stand side by side
        best = np.maximum.reduceat(bands, first, axis=1)
        gained: Floats = np.maximum(best - own[:, self.word[first]], 0).sum(axis=1)
        return gained
