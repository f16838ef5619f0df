"""From scored sentences to spans: the smallest that suffice, none of them twice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..pipeline.scale import DOCUMENT, PARAGRAPH, SECTION, SENTENCE, Scale
from .evidence import Universe

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

AGREEMENT = 0.9
"""A sentence gives way to what contains it where the mean score in there reaches this share of its own."""

LEAST_CHARACTERS = 60
"""A hit shorter than this (a heading, a "Yes.") takes in what follows it in its paragraph."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A run of neighbouring sentences of one document.

    Attributes:
        first, last: Half-open, sentences of the universe.
        scale: The coarsest scale of which the run holds a whole span.
        score: Mean score of its sentences by characters; of the best one where sentences were added to fill up.
    """

    first: int
    last: int
    scale: Scale
    score: float


def best(universe: Universe, scores: Floats, count: int) -> list[Choice]:
    """The best spans, each at the scale that fits: a sentence, or its paragraph or section where those agree."""
    groups = {scale: _bounds(universe, scale) for scale in (PARAGRAPH, SECTION)}
    characters = universe.stop - universe.start
    covered = np.zeros(len(universe), bool)
    chosen: list[Choice] = []
    for sentence in np.argsort(-scores, kind="stable").tolist():
        if len(chosen) == count or scores[sentence] <= 0:  # nothing speaks for the rest
            break
        if covered[sentence]:
            continue
        choice = Choice(sentence, sentence + 1, SENTENCE, float(scores[sentence]))
        for scale, (first, last) in groups.items():
            a, b = int(first[sentence]), int(last[sentence])
            mean = float(np.average(scores[a:b], weights=characters[a:b]))
            if covered[a:b].any() or mean < AGREEMENT * choice.score:
                break
            choice = Choice(a, b, scale, choice.score)
        choice = _long_enough(
            universe, choice, int(groups[PARAGRAPH][0][sentence]), int(groups[PARAGRAPH][1][sentence]), covered
        )
        covered[choice.first : choice.last] = True
        chosen.append(choice)
    return chosen


def ranked(universe: Universe, scores: Floats, scale: Scale, count: int) -> list[Choice]:
    """The best spans of one scale, by the mean score of their sentences."""
    if not len(universe):
        return []
    first, last = _bounds(universe, scale)
    heads = np.flatnonzero(first == np.arange(len(universe)))
    characters = (universe.stop - universe.start).astype(np.float64)
    means = np.add.reduceat(scores * characters, heads) / np.add.reduceat(characters, heads)
    order = np.argsort(-means, kind="stable")[:count]
    order = order[means[order] > 0]
    return [Choice(int(heads[i]), int(last[heads[i]]), scale, float(means[i])) for i in order]


def fill(universe: Universe, scores: Floats, budget: int, scale: Scale = SENTENCE) -> list[Choice]:
    """As many of the best spans of ``scale`` as fit into ``budget`` characters in all; neighbours become one.

    Characters between joined neighbours count too.
    """
    left = budget
    taken = np.zeros(len(universe), bool)
    order = []
    for choice in ranked(universe, scores, scale, len(universe)):
        a, b = choice.first, choice.last
        start, stop = int(universe.start[a]), int(universe.stop[b - 1])
        if a and taken[a - 1] and universe.run[a - 1] == universe.run[a]:
            start = int(universe.stop[a - 1])
        if b < len(universe) and taken[b] and universe.run[b] == universe.run[a]:
            stop = int(universe.start[b])
        if stop - start <= left:
            left -= stop - start
            taken[a:b] = True
            order.append(choice)
        if left < 8:
            break
    return _joined(universe, order, taken)


def _joined(universe: Universe, order: list[Choice], taken: npt.NDArray[np.bool_]) -> list[Choice]:
    """Runs of taken sentences, in the order of their best part."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], taken, [False]]).astype(np.int8)))
    borders = np.flatnonzero(universe.run[1:] != universe.run[:-1]) + 1
    cuts = np.unique(np.concatenate([edges, borders]))
    made: dict[int, Choice] = {}
    for choice in order:
        at = int(np.searchsorted(cuts, choice.first, side="right"))
        a, b = int(cuts[at - 1]), int(cuts[at])
        made.setdefault(a, Choice(a, b, _scale(universe, a, b), choice.score))
    return list(made.values())


def _scale(universe: Universe, a: int, b: int) -> Scale:
    whole = SENTENCE
    for scale in (PARAGRAPH, SECTION):  # never a document: a universe may hold only a part of one
        first, last = _bounds(universe, scale)
        heads = np.arange(a, b)
        if b - a > 1 and np.any((first[a:b] == heads) & (last[a:b] <= b)):
            whole = scale
    return whole


def _long_enough(universe: Universe, choice: Choice, first: int, last: int, covered: npt.NDArray[np.bool_]) -> Choice:
    """Take in following, then preceding sentences of the paragraph until the span says something by itself."""
    a, b = choice.first, choice.last
    while universe.stop[b - 1] - universe.start[a] < LEAST_CHARACTERS:
        if b < last and not covered[b]:
            b += 1
        elif a > first and not covered[a - 1]:
            a -= 1
        else:
            break
    scale = PARAGRAPH if choice.scale is SENTENCE and (a, b) == (first, last) and b - a > 1 else choice.scale
    return Choice(a, b, scale, choice.score)


def _bounds(universe: Universe, scale: Scale) -> tuple[Ints, Ints]:
    """For each sentence the sentences ``[first, last)`` of the span of ``scale`` that holds it. *Shape:* (n,), (n,)"""
    holder = {
        SENTENCE: np.arange(len(universe)),
        PARAGRAPH: universe.paragraph,
        SECTION: universe.section,
        DOCUMENT: universe.content,
    }[scale]
    if not len(holder):
        return holder, holder
    heads = np.flatnonzero(np.concatenate([[True], holder[1:] != holder[:-1]]))
    number = np.cumsum(np.concatenate([[0], (holder[1:] != holder[:-1]).astype(np.int64)]))
    tails = np.concatenate([heads[1:], [len(holder)]])
    return heads[number], tails[number]
