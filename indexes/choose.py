"""From scored sentences to spans: the smallest that suffice, none of them twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from ..pipeline.scale import DOCUMENT, PARAGRAPH, PHONEME, SECTION, SENTENCE, Scale
from .evidence import Universe

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

AGREEMENT = 0.7
"""A sentence gives way to what contains it where the mean of the sentences in there reaches this share of its score.

Only the evidence of the sentence scale is compared: that of a container is the same for all its sentences.
"""

LEAST_CHARACTERS = 60
"""A hit shorter than this (a "Yes.") takes in what follows it in its paragraph."""


class Verdict(StrEnum):
    """What became of the thought of widening a hit."""

    AGREED = "agreed"
    """The sentences of the container agree, so it took the place of the sentence."""
    HEADING = "heading"
    """The sentence is a heading, so its paragraph took its place."""
    DISAGREED = "disagreed"
    """The sentences do not agree: the container stayed out."""
    TAKEN = "taken"
    """A part of the container is in a better hit already."""
    SHORT = "short"
    """The hit was shorter than :data:`LEAST_CHARACTERS` and took in its neighbours."""


@dataclass(frozen=True, slots=True)
class Step:
    """Whether a hit was widened to a scale, and why.

    Attributes:
        agreement: Mean score of the container's sentences as a share of the sentence's own, by the evidence of the
            sentence scale alone; a container is taken from :data:`AGREEMENT` on.
    """

    scale: Scale
    verdict: Verdict
    agreement: float = 0.0


@dataclass(frozen=True, slots=True)
class Choice:
    """A run of neighbouring sentences of one document.

    Attributes:
        first, last: Half-open, sentences of the universe.
        scale: The coarsest scale of which the run holds a whole span.
        core: Half-open, the sentences that were chosen for their score; the others came along.
        score: Mean score of the core by characters.
        steps: How it came to its scale, where it was left to the evidence.
    """

    first: int
    last: int
    scale: Scale
    core: tuple[int, int]
    score: float
    steps: tuple[Step, ...] = ()


def best(
    universe: Universe,
    scores: Floats,
    own: Floats,
    count: int,
    is_heading: Callable[[int], bool] = lambda sentence: False,
) -> list[Choice]:
    """The best spans, each at the scale that fits: a sentence, or its paragraph or section where those agree.

    Args:
        scores: Of each sentence, fused over all scales. *Shape:* (n,)
        own: By the evidence of the sentence scale alone. *Shape:* (n,)
        is_heading: Whether a sentence is a heading. A heading matches what stands under it and answers nothing, so its
            paragraph takes its place.
    """
    groups = {scale: _bounds(universe, scale) for scale in (PARAGRAPH, SECTION)}
    characters = universe.stop - universe.start
    covered = np.zeros(len(universe), bool)
    chosen: list[Choice] = []
    for sentence in np.argsort(-scores, kind="stable").tolist():
        if len(chosen) == count or scores[sentence] <= 0:  # nothing speaks for the rest
            break
        if covered[sentence]:
            continue
        choice = Choice(sentence, sentence + 1, SENTENCE, (sentence, sentence + 1), float(scores[sentence]))
        heading = is_heading(sentence)
        for scale, (first, last) in groups.items():
            a, b = int(first[sentence]), int(last[sentence])
            mean = float(np.average(own[a:b], weights=characters[a:b]))
            agree = mean >= AGREEMENT * float(own[sentence]) > 0
            verdict = Verdict.AGREED if agree else Verdict.DISAGREED
            if not agree and heading and scale is PARAGRAPH:
                verdict = Verdict.HEADING
            if covered[a:b].any():
                verdict = Verdict.TAKEN
            step = Step(scale, verdict, mean / float(own[sentence]) if own[sentence] > 0 else 0.0)
            choice = replace(choice, steps=(*choice.steps, step))
            if verdict in (Verdict.DISAGREED, Verdict.TAKEN):
                break
            choice = replace(choice, first=a, last=b, scale=scale)
        a, b = (int(edge[sentence]) for edge in groups[PARAGRAPH])
        choice = _long_enough(universe, choice, a, b, covered)
        beside = bool(covered[a:b].any())
        covered[choice.first : choice.last] = True
        if beside and universe.stop[choice.last - 1] - universe.start[choice.first] < LEAST_CHARACTERS:
            continue  # a scrap beside a hit that is there already
        chosen.append(choice)
    return chosen


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """The spans of one scale that something speaks for, best first.

    Attributes:
        first, last: Half-open, sentences of the universe. *Shape:* (m,)
        score: Mean score of the sentences by characters. *Shape:* (m,)
    """

    scale: Scale
    first: Ints
    last: Ints
    score: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.first)

    def choice(self, position: int) -> Choice:
        """The span at a position, 0 being the best."""
        first, last = int(self.first[position]), int(self.last[position])
        return Choice(first, last, self.scale, (first, last), float(self.score[position]))


def rank(universe: Universe, scores: Floats, scale: Scale) -> Ranking:
    """All spans of one scale, by the mean score of their sentences."""
    first, last = _bounds(universe, scale)
    heads = np.flatnonzero(first == np.arange(len(universe)))
    if not len(heads):
        return Ranking(scale, heads, heads, np.empty(0))
    characters = (universe.stop - universe.start).astype(np.float64)
    means = np.add.reduceat(scores * characters, heads) / np.add.reduceat(characters, heads)
    order = np.argsort(-means, kind="stable")
    order = order[means[order] > 0]
    return Ranking(scale, heads[order], last[heads[order]], means[order])


def ranked(universe: Universe, scores: Floats, scale: Scale, count: int) -> list[Choice]:
    """The best spans of one scale, by the mean score of their sentences."""
    ranking = rank(universe, scores, scale)
    return [ranking.choice(position) for position in range(min(count, len(ranking)))]


def fill(universe: Universe, scores: Floats, budget: int, scale: Scale = SENTENCE) -> list[Choice]:
    """As many of the best spans of ``scale`` as fit into ``budget`` characters in all; neighbours become one.

    Characters between joined neighbours count too.
    """
    ranking = rank(universe, scores, scale)
    order, taken = pack(universe, ranking, budget)
    return _joined(universe, [ranking.choice(position) for position in order], taken)


def pack(universe: Universe, ranking: Ranking, budget: int) -> tuple[list[int], npt.NDArray[np.bool_]]:
    """Which spans of a ranking fit into ``budget`` characters, taken in its order.

    Returns:
        Positions in the ranking, and which sentences that takes. *Shape:* (taken,), (n,)
    """
    # Plain lists: an element of an array costs ten times one of a list, and this loop is run for every budget.
    starts, stops, run = universe.start.tolist(), universe.stop.tolist(), universe.run.tolist()
    lengths = universe.stop[ranking.last - 1] - universe.start[ranking.first]
    enough = max(8, int(lengths.min(initial=budget)))
    left, end = budget, len(starts)
    taken = bytearray(end)
    order = []
    spans = zip(ranking.first.tolist(), ranking.last.tolist(), lengths.tolist(), strict=True)
    for position, (a, b, length) in enumerate(spans):
        if length <= left:  # joining a neighbour only adds what lies between
            if a and taken[a - 1] and run[a - 1] == run[a]:
                length += starts[a] - stops[a - 1]
            if b < end and taken[b] and run[b] == run[a]:
                length += starts[b] - stops[b - 1]
            if length <= left:
                left -= length
                taken[a:b] = b"\1" * (b - a)
                order.append(position)
        if left < enough:
            break
    return order, np.frombuffer(taken, np.bool_)


def runs(universe: Universe, taken: npt.NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Unbroken runs ``[first, last)`` of taken sentences, each inside one document. *Shape:* (r,), (r,)"""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], taken, [False]]).astype(np.int8)))
    borders = np.flatnonzero(universe.run[1:] != universe.run[:-1]) + 1
    cuts = np.unique(np.concatenate([edges, borders]))
    firsts = np.flatnonzero(taken[cuts[:-1]]) if len(cuts) else cuts
    return cuts[firsts], cuts[firsts + 1] if len(firsts) else cuts[firsts]


def _joined(universe: Universe, order: list[Choice], taken: npt.NDArray[np.bool_]) -> list[Choice]:
    """Runs of taken sentences, in the order of their best part."""
    firsts, lasts = runs(universe, taken)
    # Never a document: a universe may hold only a part of one.
    containers = [(scale, *_bounds(universe, scale)) for scale in (SECTION, PARAGRAPH)]
    made: dict[int, Choice] = {}
    for choice in order:
        at = int(np.searchsorted(firsts, choice.first, side="right")) - 1
        a, b = int(firsts[at]), int(lasts[at])
        if a not in made:
            whole = (scale for scale, first, last in containers if _holds_one(first, last, a, b))
            made[a] = replace(choice, first=a, last=b, scale=next(whole, SENTENCE))
    return list(made.values())


def _holds_one(first: Ints, last: Ints, a: int, b: int) -> bool:
    """Whether sentences ``[a, b)``, more than one, hold a whole span of those bounded by ``first`` and ``last``."""
    return b - a > 1 and bool(np.any((first[a:b] == np.arange(a, b)) & (last[a:b] <= b)))


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
    grown = (Step(SENTENCE, Verdict.SHORT),) if (a, b) != (choice.first, choice.last) else ()
    return replace(choice, first=a, last=b, scale=scale, steps=choice.steps + grown)


def _bounds(universe: Universe, scale: Scale) -> tuple[Ints, Ints]:
    """For each sentence the sentences ``[first, last)`` of the span of ``scale`` that holds it. *Shape:* (n,), (n,)"""
    holder = {
        PHONEME: np.arange(len(universe)),
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
