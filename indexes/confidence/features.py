"""What says how sure an answer is: some numbers about everything that was found for a question.

Scores inside an answer are relative to its best, which hides how good the best is. Here the raw scores are looked at
again: how near the nearest place is in meaning, which share of the question's words it holds, how much better it is
than the next source, and whether the scales agree on it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from ...pipeline.scale import DOCUMENT, PARAGRAPH, SECTION, SENTENCE
from ...pipeline.terms import query_stems
from ..evidence import WINDOW_CHARACTERS, Evidence, Universe
from ..expand import QueryTerm
from ..fuse import fuse
from ..late_interaction import spread_over_pieces
from ..store.bm25 import inverse_document_frequency
from ..weighting.emphasis import emphasised

if TYPE_CHECKING:
    from ..choose import Choice
    from ..found import Found
    from ..store.snapshot import Snapshot

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SPELLED_ALIKE: Final = 0.5
"""A word that stands there only in another spelling counts as covered by this share of its weight."""

_ASKING: Final = re.compile(r"\bhow (much|many|long|often|far|old)\b|\bwhat d(?:o|oes|id)\b.*\b(mean)\b", re.IGNORECASE)
"""Questions for a number, or for what something means: these words do not stand where the answer does."""

HITS: Final = 5
"""Hits of an answer by default; confidence is about these."""

SHARPNESS: Final = 20.0
"""How fast the weight of a source falls with its fused score; a twentieth less is a third of the weight."""

_WINDOWS: Final = tuple(map(str, WINDOW_CHARACTERS))


@dataclass(frozen=True, slots=True)
class AskedWord:
    """A word of a question.

    Attributes:
        stems: Ids of stems that stand for it in the knowledge base; empty for a word that it lacks.
        weight: Inverse document frequency, over paragraphs; less for words of a dialogue that were said before the part
            that asks, see :mod:`octavo.indexes.weighting.emphasis`.
        share: 1 for a word that the knowledge base holds as asked, less for one that only a neighbour in spelling
            stands for.
        asks: It stands in the part of the question that asks.
    """

    text: str
    stems: tuple[int, ...]
    weight: float
    share: float
    stop_word: bool
    asks: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Signs:
    """The features of one question, and what was looked at to make them.

    Attributes:
        values: By name, see :data:`FEATURES`.
        words: Of the question, those that the knowledge base lacks included.
        missing: Words of the question that carry meaning and do not stand in the best paragraph, the weightiest first.
        best: Sentence of the universe that is best by all evidence; -1 where nothing was found.
        best_by: The best sentence by single columns of evidence, by the column's name.
    """

    values: Mapping[str, float]
    words: tuple[AskedWord, ...]
    missing: tuple[str, ...]
    best: int
    best_by: Mapping[str, int]

    def row(self, names: Sequence[str]) -> Floats:
        """The features in an order. *Shape:* (len(names),)"""
        return np.array([self.values[name] for name in names], np.float64)


def signs(question: str, found: Found) -> Signs:
    """What speaks for and against the answer to a question.

    All evidence is looked at, also where scales were pinned.
    """
    words = asked_words(question, found)
    universe = found.universe
    values = dict.fromkeys(FEATURES, 0.0)
    _words_known(values, words, found.snapshot.paragraphs)
    if not len(universe):
        return Signs(values, words, tuple(word.text for word in _content(words)), -1, {})
    raw = _columns(found.evidence)
    plain = fuse(found.evidence, len(universe)).total
    total = plain if found.pinned else found.fused.total
    best = int(np.argmax(total))
    best_by = {name: int(np.argmax(scores)) for name, scores in raw.items()}
    _nearness(values, raw, best)
    missing = _covered(values, words, found, best, found.choose(HITS, None)[:HITS])
    values["words alike"] = _alike(question, words, found, best)
    _margins(values, universe, raw, total, plain, best)
    _agreement(values, universe, raw, best, best_by)
    if f"words {PARAGRAPH}" in raw:
        values["words paragraph"] = bm25_ratio(float(raw[f"words {PARAGRAPH}"].max()), words)
    return Signs(values, words, missing, best, best_by)


def asked_words(question: str, found: Found) -> tuple[AskedWord, ...]:
    """The words of a question with their weights."""
    expanded = {term.text: term for term in found.words}
    snapshot = found.snapshot
    held = [term for term in found.words if term.exact]
    frequency = _frequencies(snapshot, [[stem for stem, _ in term.stems] for term in held])
    known = dict(zip((term.text for term in held), frequency, strict=True))
    asked = query_stems(question, snapshot.languages())
    texts = {term.text for term in asked}
    bare = [QueryTerm(term.text, (), True, term.stop_word) for term in asked]
    emphasis = {one.text: one.emphasis for one in emphasised(question, bare)}
    asking = {word.casefold() for found in _ASKING.findall(question) for word in found}
    codes = [text for text in texts if text in expanded and any(map(str.isdigit, text))]
    # Words that the knowledge base writes apart or together are there under other texts than they were asked by.
    respaced = [term for term in found.words if term.text not in texts]
    made = []
    for term in asked:
        if any(len(term.text) < len(code) and term.text in code for code in codes):
            continue  # a part of a code that stands for something as a whole
        near = expanded.get(term.text)
        stems = [stem for stem, _ in near.stems] if near else []
        stems += [stem for other in respaced if _respaced(term.text, other.text) for stem, _ in other.stems]
        share = 1.0 if near is not None and near.exact else SPELLED_ALIKE if stems else 0.0
        share = max(share, found.names.anywhere(term.text))
        weight = float(inverse_document_frequency(known.get(term.text, 0), snapshot.paragraphs)) * emphasis[term.text]
        little = term.stop_word or term.text in asking
        made.append(AskedWord(term.text, tuple(stems), weight, share, little, emphasis[term.text] == 1))
    return tuple(made)


def _respaced(asked: str, written: str) -> bool:
    """Whether one is the beginning or the end of the other."""
    short, long = sorted((asked, written), key=len)
    return long.startswith(short) or long.endswith(short)


def _frequencies(snapshot: Snapshot, stems: Sequence[Sequence[int]]) -> list[int]:
    """The paragraphs that hold each word, by its most frequent stem."""
    flat = sorted({stem for one in stems for stem in one})
    by_stem = dict(zip(flat, snapshot.document_frequency(flat).tolist(), strict=True))
    return [max((by_stem[stem] for stem in one), default=0) for one in stems]


def _content(words: Sequence[AskedWord]) -> list[AskedWord]:
    """Words that carry meaning; all where there are no such words."""
    return [word for word in words if not word.stop_word] or list(words)


def _words_known(values: dict[str, float], words: Sequence[AskedWord], paragraphs: int) -> None:
    content = _content(words)
    weights = np.array([word.weight for word in content])
    shares = np.array([word.share for word in content])
    whole = float(weights.sum())
    values["unknown words"] = float((weights * (1 - shares)).sum()) / whole if whole > 0 else 0.0
    values["length"] = float(np.log1p(len(content)))
    values["mean weight"] = float(weights.mean() / inverse_document_frequency(0, paragraphs)) if len(weights) else 0.0


def _columns(evidence: Sequence[Evidence]) -> dict[str, Floats]:
    """Raw scores by column: cosines, and BM25 with words and their neighbours in spelling summed."""
    raw: dict[str, Floats] = {}
    for part in evidence:
        raw[part.column] = raw[part.column] + part.raw if part.column in raw else part.raw
    return raw


def _nearness(values: dict[str, float], raw: Mapping[str, Floats], best: int) -> None:
    values["cosine sentence"] = float(raw[f"vectors {SENTENCE}"].max())
    values["cosine here"] = float(max(raw[f"vectors {name}"][best] for name in (SENTENCE.name, *_WINDOWS)))


def _covered(
    values: dict[str, float], words: Sequence[AskedWord], found: Found, best: int, hits: Sequence[Choice]
) -> tuple[str, ...]:
    """Shares of the question's weight of words that the best place, its document and the hits hold; what is missing.

    A place holds what its document's name and its headings say, too.
    """
    universe = found.universe
    content = _content(words)
    weights = np.array([word.weight for word in content])
    whole = float(weights.sum())
    if whole <= 0:
        return ()
    places = around(universe, best)
    named = found.names.of_sentence(universe, best)
    there = _held(content, _stems(universe, places[PARAGRAPH.name]), named)
    missing = [word for word, share in zip(content, there.tolist(), strict=True) if not share]
    values[f"covered {PARAGRAPH}"] = values["covered asked"] = float(weights @ there) / whole
    asking = weights * np.array([word.asks for word in content])
    if asking.sum() > 0:
        values["covered asked"] = float(asking @ there) / float(asking.sum())
    values[f"covered {DOCUMENT}"] = (
        float(weights @ _held(content, _stems(universe, places[DOCUMENT.name]), named)) / whole
    )
    by_hit = [
        _held(content, _stems(universe, slice(hit.first, hit.last)), found.names.of_sentence(universe, hit.first))
        for hit in hits
    ]
    values["covered hits"] = float(weights @ np.max(by_hit, axis=0)) / whole if by_hit else 0.0
    return tuple(word.text for word in sorted(missing, key=lambda word: -word.weight))


def _held(words: Sequence[AskedWord], stems: set[int], named: Mapping[str, float]) -> Floats:
    """What each word counts among some stems, or by names. *Shape:* (words,)"""
    return np.array(
        [max(word.share if stems.intersection(word.stems) else 0.0, named.get(word.text, 0.0)) for word in words]
    )


def _alike(question: str, words: Sequence[AskedWord], found: Found, best: int) -> float:
    """How near the words around the best sentence come to those of the question, weighed by how rare these are.

    Without an encoder that compares words, the share of them that stand there.
    """
    universe = found.universe
    first, last = (int(edges[best]) for edges in universe.windows(WINDOW_CHARACTERS[0]))
    if found.pieces is None:
        content = _content(words)
        weights = np.array([word.weight for word in content])
        held = _held(content, _stems(universe, slice(first, last)), {})
        return float(weights @ held) / float(weights.sum()) if weights.any() else 0.0
    here = found.snapshot.text(int(universe.content[best]), int(universe.start[first]), int(universe.stop[last - 1]))
    bounds, nearest = found.pieces.nearest(question, here)
    by_text = {word.text: word.weight for word in words if not word.stop_word}
    weights = spread_over_pieces(question, bounds, by_text)
    return float(weights @ nearest) / float(weights.sum()) if weights.any() else 0.0


def around(universe: Universe, sentence: int) -> dict[str, slice]:
    """The sentences of what holds a sentence, by scale; a document only as far as it was looked at."""
    made = {SENTENCE.name: slice(sentence, sentence + 1)}
    for scale, holder in ((PARAGRAPH, universe.paragraph), (SECTION, universe.section), (DOCUMENT, universe.content)):
        first, stop = np.searchsorted(holder, [holder[sentence], holder[sentence] + 1])
        made[scale.name] = slice(int(first), int(stop))
    return made


def _stems(universe: Universe, rows: slice) -> set[int]:
    held: set[int] = set()
    for row in universe.sentence[rows].tolist():
        held.update(universe.spans.stems[row].tolist())
    return held


def _margins(
    values: dict[str, float],
    universe: Universe,
    raw: Mapping[str, Floats],
    total: npt.NDArray[np.float32],
    plain: npt.NDArray[np.float32],
    best: int,
) -> None:
    """How much better the best source is than the next, and over how many sources the evidence is spread.

    The spread is that of evidence whose columns all weigh the same, however the answer was fused: it is compared with
    what training saw.
    """
    by_source = best_of_each(universe.content, total.astype(np.float64))
    values["fused"] = float(total[best])
    values["fused margin source"] = _margin(by_source)
    bm25 = raw.get(f"words {PARAGRAPH}")
    if bm25 is not None and bm25.max() > 0:
        values["words margin source"] = _margin(best_of_each(universe.content, bm25 / bm25.max()))
    spread = best_of_each(universe.content, plain.astype(np.float64))
    powers = np.exp((spread - spread.max()) * SHARPNESS)
    powers /= powers.sum()
    values["entropy"] = float(-(powers * np.log(powers + 1e-12)).sum())


def best_of_each(holder: Ints, scores: Floats) -> Floats:
    """The best score of each holder of neighbouring sentences. *Shape:* (n,), (n,) to (m,)"""
    heads = np.flatnonzero(np.concatenate([[True], holder[1:] != holder[:-1]]))
    best: Floats = np.maximum.reduceat(scores, heads)
    return best


def _margin(scores: Floats) -> float:
    if len(scores) < 2:
        return 0.0
    second, first = np.partition(scores, -2)[-2:]
    return float(first - second)


def _agreement(
    values: dict[str, float], universe: Universe, raw: Mapping[str, Floats], best: int, best_by: Mapping[str, int]
) -> None:
    """Shares of the scales that hold the same section for the best, by meaning and by words."""
    here = int(universe.section[best])
    for kind in ("vectors", "words"):
        at = [own for name, own in best_by.items() if name.startswith(kind) and raw[name][own] > 0]
        values[f"{kind} agree"] = float(np.mean([int(universe.section[own]) == here for own in at])) if at else 0.0


def bm25_ratio(raw: float, words: Sequence[AskedWord]) -> float:
    """A BM25 score as a share of what a place of usual length would get that holds each word once."""
    whole = sum(word.weight for word in words)
    return raw / whole if whole > 0 else 0.0


FEATURES: Final = (
    "cosine sentence",
    "cosine here",
    "covered paragraph",
    "covered asked",
    "covered hits",
    "covered document",
    "words alike",
    "words paragraph",
    "unknown words",
    "fused",
    "fused margin source",
    "words margin source",
    "entropy",
    "vectors agree",
    "words agree",
    "length",
    "mean weight",
)
"""Everything that is measured: the nearest sentence's cosine, the cosine of the best place (of its sentence or of the
windows around it), the share of the question's weight of words in the best paragraph, of those of the part that asks,
of the question's in the hits together and in the document, how near the words around come to them, the best BM25 of a
paragraph as a share of what the words could get, the share that the knowledge base lacks, the best fused score,
how much better the best source is than the next, how many sources share the evidence, how many scales agree on the
section, how many words carry meaning (log), and how rare they are (a word that stands nowhere has 1).

The model uses some of them; the others are single scores to compare with, and speak in reasons. Twenty-two more were
tried and gave nothing, see ``docs/log.md``.
"""
