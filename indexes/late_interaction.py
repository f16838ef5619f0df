"""What each word of a question finds in the context of each sentence: late interaction at every width.

Vectors of sentences and paragraphs mix all that stands in them. Here each word piece of the question takes the cosine
of the likest word piece of a sentence, a window, a paragraph or a section, both as they are meant where they stand
(MaxSim: Khattab and Zaharia 2020, *ColBERT*), and these are summed, weighed by how rare the word is. It proposes
nothing: it scores what vectors and words propose.

Only words count that carry meaning and that the knowledge base holds: what word pieces make of a slip, or of a name
that was never met, is no meaning (measured in ``docs/log.md``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from ..pipeline.scale import PARAGRAPH, SECTION, SENTENCE, Scale
from ..pipeline.terms import terms
from .evidence import WINDOW_CHARACTERS, Evidence, Universe, normalised, rarity
from .expand import QueryTerm

if TYPE_CHECKING:
    from ..pipeline.token_states import AskedPieces
    from .store.snapshot import Snapshot

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

TOKEN: Final = "token"
"""Name under which it is credited in ``Hit.contributions``."""


def by_tokens(
    universe: Universe, question: str, asked: AskedPieces, words: Sequence[QueryTerm], snapshot: Snapshot
) -> list[Evidence]:
    """What the single words of a question say at every width but the document's.

    A score counts by how much it is above the least of the universe: all texts hold pieces somewhat like any other.

    Args:
        asked: The question's word pieces, by the encoder that made the token states of the snapshot.
        words: Of the question, with their emphasis.
    """
    weights = piece_weights(question, asked.places, words, snapshot)
    told = weights > 0
    if not len(universe) or not told.any():
        return []
    states = snapshot.token_states(universe.spans.id[universe.sentence])
    if not len(states.codes):
        return []  # of an earlier commit: they were made anew since
    nearest = states.nearest(asked.states[told])
    share = (weights[told] / weights[told].sum()).astype(np.float32)

    def column(width: Scale | int, scores: Floats) -> list[Evidence]:
        scale = width if isinstance(width, Scale) else None
        least = float(scores.min())
        return [Evidence(f"tokens {width}", TOKEN, scale, scores - np.float32(least), least=least)]

    columns = [column(SENTENCE, nearest @ share)]
    best = _Maxima(nearest)
    for characters in WINDOW_CHARACTERS:
        columns.append(column(characters, best.of(*universe.windows(characters)) @ share))
    for scale, holder in ((PARAGRAPH, universe.paragraph), (SECTION, universe.section)):
        # Rows of the universe are in the order of the catalog, so what a span holds is one run of them.
        _, first, back = np.unique(holder, return_index=True, return_inverse=True)
        columns.append(column(scale, (np.maximum.reduceat(nearest, first, axis=0) @ share)[back]))
    return normalised(columns)


def piece_weights(
    question: str, places: Ints, words: Sequence[QueryTerm], snapshot: Snapshot
) -> npt.NDArray[np.float64]:
    """What each word piece counts: inverse document frequency of its word, times its emphasis; 0 for words that carry
    no meaning or that the knowledge base does not hold. *Shape:* (q,)

    Args:
        places: Characters of the pieces. *Shape:* (q, 2)
    """
    words = [word for word in words if word.exact and not word.stop_word]
    _, idf = rarity(words, snapshot)
    by_text = {word.text: worth * word.emphasis for word, worth in zip(words, idf.tolist(), strict=True)}
    return spread_over_pieces(question, places, by_text)


def spread_over_pieces(question: str, places: Ints, by_text: Mapping[str, float]) -> npt.NDArray[np.float64]:
    """What each word piece counts by what its word does. *Shape:* (q,)

    Args:
        places: Characters of the pieces. *Shape:* (q, 2)
        by_text: Weights of words; others count nothing.
    """
    worth = np.zeros(len(question) + 1)
    for term in terms(question):  # a code comes with its parts: the most that one of them counts
        worth[term.start : term.stop] = np.maximum(worth[term.start : term.stop], by_text.get(term.text, 0.0))
    weights: npt.NDArray[np.float64] = worth[places[:, 0]]
    return weights


class _Maxima:
    """Maxima over runs of rows: of each power of two once, any run is two of these that overlap.

    Args:
        rows: *Shape:* (n, q)
    """

    def __init__(self, rows: Floats) -> None:
        self._by_power = [rows]
        while 2 << (len(self._by_power) - 1) <= len(rows):
            half = 1 << (len(self._by_power) - 1)
            finer = self._by_power[-1]
            self._by_power.append(np.maximum(finer[:-half], finer[half:]))

    def of(self, first: Ints, last: Ints) -> Floats:
        """Of runs ``[first, last)``, none of them empty. *Shape:* (runs, q)"""
        power = np.log2(last - first).astype(np.int64)
        found = np.empty((len(first), self._by_power[0].shape[1]), np.float32)
        for one in np.unique(power).tolist():
            own = power == one
            rows = self._by_power[one]
            found[own] = np.maximum(rows[first[own]], rows[last[own] - (1 << one)])
        return found
