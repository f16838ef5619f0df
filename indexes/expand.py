"""A question's words, each with the stems that stand for it in a knowledge base.

A word that the knowledge base holds stands for itself. A word that it does not hold is looked up by its spelling:
the character index proposes, likeness letter by letter decides, and the neighbours stand for it with their likeness as
weight. Words written apart or together that the knowledge base holds together or apart are found by :mod:`.respacing`.
Beside all of them count the words of their family, see :mod:`.families`; some words are known by these alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from ..pipeline.embed import Vectors
from ..pipeline.encoders.character import confusable_form
from ..pipeline.scale import CHARACTER
from ..pipeline.terms import QueryTerm as AskedTerm
from ..pipeline.terms import query_stems
from .families import Band, family_of
from .respacing import joined, parted

if TYPE_CHECKING:
    from ..pipeline.encoders.likeness import Likeness
    from .store.snapshot import Snapshot

PROPOSALS = 50
"""Neighbours taken from the character index for a word; the right one may stand well down."""

LEAST_SIMILARITY = 0.7
"""Of letters, where the encoder cannot tell how likely a neighbour is what was meant."""
LEAST_LIKELY = 0.1
"""Where it can."""
SHORTEST = 4
"""Letters of a word that may be taken for others than those that print alike."""
NEIGHBOURS = 4
RESPACED = 0.9
"""Weight of words that are written apart or together in the question and the other way in the knowledge base."""
MOST_TERMS = 128
"""Words of a question that count, rarest first; who asks with a whole page is answered for what is rare in it."""
MOST_FAMILIES = 32
"""Words whose relatives are looked for, rarest first."""
CONFUSABLE_SIMILARITY = 0.95
"""Similarity of two terms that print alike, such as ``e-43o4`` and ``e-4304``; below 1, what an exact match has."""


@dataclass(frozen=True, slots=True)
class QueryTerm:
    """One word of a question.

    Attributes:
        text: As asked, case-folded.
        stems: Ids of stems that stand for it, with a weight above 0 and at most 1.
        exact: Whether the knowledge base holds the word itself; then every weight is 1.
        stop_word: Too common to search for by itself.
        emphasis: What it counts beside the others, see :mod:`octavo.indexes.weighting.emphasis`.
        family: Its relatives in the knowledge base, nearest first.
    """

    text: str
    stems: tuple[tuple[int, float], ...]
    exact: bool
    stop_word: bool = False
    emphasis: float = 1.0
    family: tuple[Band, ...] = ()

    def __post_init__(self) -> None:
        if any(not 0 < weight <= 1 for _, weight in self.stems):
            raise ValueError(f"weights of {self.text!r} are {self.stems}, not in (0, 1]")


class SpellingEncoder(Protocol):
    """What made the vectors of the character scale."""

    @property
    def fingerprint(self) -> str:
        """Names the encoder and its settings."""

    @property
    def width(self) -> int:
        """Numbers in a vector."""

    @property
    def likeness(self) -> Likeness | None:
        """Decides among neighbours, if it can."""

    def encode(self, terms: Sequence[str]) -> Vectors:
        """Unit vectors of terms. *Shape:* (n, width)."""


def expand(question: str, snapshot: Snapshot, encoder: SpellingEncoder) -> list[QueryTerm]:
    """The distinct words of ``question`` that the knowledge base holds or holds the like of, at most 128."""
    asked = query_stems(question, snapshot.languages())
    stems = sorted({stem for term in asked for stem in term.stems})
    ids = {stem: found for stem, found in zip(stems, snapshot.stem_ids(stems), strict=True) if found is not None}
    unknown = sorted(
        {term.text for term in asked if not term.stop_word and not any(stem in ids for stem in term.stems)}
    )[:MOST_TERMS]
    near = dict(zip(unknown, _neighbours(unknown, snapshot, encoder), strict=True))
    # "thankfull" is rather thankful than thank full
    apart = parted([word for word in unknown if not near[word] or near[word][0][1] < 0.5], snapshot)
    expanded = [QueryTerm(text, ((stem, RESPACED),), False) for text, stem in joined(question, snapshot)]
    for term in asked:
        exact = tuple((ids[stem], 1.0) for stem in sorted(set(term.stems)) if stem in ids)
        if term.text in apart:
            expanded += [QueryTerm(part, ((stem, RESPACED),), False) for part, stem in apart[term.text]]
            continue
        found = exact or near.get(term.text, ())
        if found:
            expanded.append(QueryTerm(term.text, found, bool(exact), term.stop_word))
    if len(expanded) > MOST_TERMS:
        frequency = snapshot.document_frequency([term.stems[0][0] for term in expanded])
        expanded = [expanded[i] for i in sorted(np.argsort(frequency, kind="stable")[:MOST_TERMS].tolist())]
    return _with_families(expanded, [term for term in asked if term.text not in apart], snapshot)


def _with_families(words: Sequence[QueryTerm], asked: Sequence[AskedTerm], snapshot: Snapshot) -> list[QueryTerm]:
    """The same words with their relatives, and behind them those of which the knowledge base holds nothing else."""
    known = {word.text: word for word in words}
    asked = [term for term in asked if not term.stop_word]
    if len(asked) > MOST_FAMILIES:
        stems = [known[term.text].stems[:1] if term.text in known else () for term in asked]
        often = snapshot.document_frequency([stem for own in stems for stem, _ in own])
        frequency = np.zeros(len(asked), np.int64)
        frequency[[bool(own) for own in stems]] = often
        rarest = np.argsort(frequency, kind="stable")[:MOST_FAMILIES]
        asked = [asked[at] for at in sorted(rarest.tolist())]
    found = {}
    for term in asked:
        held = [stem for stem, _ in known[term.text].stems] if term.text in known else []
        if family := family_of(term.text, term.stems, held, snapshot):
            found[term.text] = family
    made = [replace(word, family=found.pop(word.text)) if word.text in found else word for word in words]
    return made + [QueryTerm(text, (), False, family=family) for text, family in found.items()]


def _neighbours(
    words: Sequence[str], snapshot: Snapshot, encoder: SpellingEncoder
) -> list[tuple[tuple[int, float], ...]]:
    """Stems near each word with their similarity, nearest first."""
    if not words or CHARACTER not in snapshot.scales:
        return [()] * len(words)
    searched = snapshot.index(CHARACTER).search(encoder.encode(words), PROPOSALS)
    ids = np.unique(searched.ids[searched.ids >= 0])
    terms = dict(zip(ids.tolist(), snapshot.terms(ids), strict=True))
    found = []
    for word, row, cosines in zip(words, searched.ids, searched.scores, strict=True):
        proposed = [terms[term] for term in row[row >= 0].tolist()]
        best: dict[int, float] = {}
        judged = judge(word, [text for text, _ in proposed], cosines[row >= 0], encoder.likeness)
        for (_, stem), likely in zip(proposed, judged, strict=True):
            # one term was meant, so the chances of those of one stem add up; never to what the word itself would have
            both = min(best.get(stem, 0.0) + likely, CONFUSABLE_SIMILARITY) if encoder.likeness else 0.0
            best[stem] = max(best.get(stem, 0.0), likely, both)
        ranked = sorted(((stem, likely) for stem, likely in best.items() if likely > 0), key=lambda pair: -pair[1])
        found.append(tuple(ranked[:NEIGHBOURS]))
    return found


def judge(word: str, terms: Sequence[str], cosines: npt.NDArray[np.floating], likeness: Likeness | None) -> list[float]:
    """How likely each term is what was meant by ``word``; 0 for what is not worth a look.

    Args:
        cosines: Of ``word`` with each term, by the encoder that proposed them. *Shape:* (terms,)
        likeness: What that encoder decides with. Of codes, numbers and letters that it does not know, letters alone
            decide.
    """
    figures = any(map(str.isdigit, word))
    if likeness is None or figures or len(word) < SHORTEST or not likeness.reads(word):
        alike = [similarity(word, term) for term in terms]
        return [one if one >= LEAST_SIMILARITY else 0.0 for one in alike]
    likely = likeness(word, terms, cosines)
    judged = []
    for term, one in zip(terms, likely.tolist(), strict=True):
        if any(map(str.isdigit, term)):
            one = similarity(word, term)
        judged.append(min(one, 1.0) if one >= LEAST_LIKELY else 0.0)
    return judged


def similarity(word: str, term: str) -> float:
    """How likely ``term`` is what was meant by ``word``: 1 for the same string, 0 for another code or number.

    Joining marks do not count in codes: ``e4304`` prints like ``E-4304``. Words are compared by optimal string
    alignment distance (Damerau 1964: a swap of neighbours is one slip), divided by the longer length. Codes and numbers
    are other things as soon as one digit differs, so only characters that print alike may be exchanged in them.
    """
    from rapidfuzz.distance import OSA

    if word == term:
        return 1.0
    if _as_printed(word) == _as_printed(term):
        return CONFUSABLE_SIMILARITY
    if any(map(str.isdigit, word)) or any(map(str.isdigit, term)):
        return 0.0
    longest = max(len(word), len(term))
    if min(len(word), len(term)) < 4:
        return 0.0
    slips = OSA.distance(word, term, score_cutoff=3)
    return 0.0 if slips > max(1, min(3, longest // 3)) else 1 - slips / longest


def _as_printed(term: str) -> str:
    bare = "".join(filter(str.isalnum, term))
    return confusable_form(bare or term)
