"""The words of the knowledge base that are said in a spoken question.

The windows of the question propose terms by their pronunciation vectors, each term's pronunciations are scored exactly
on the question's own posteriors, and the terms that together explain most of what was said are the words.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from ...pipeline.embed import Utterance
from ...pipeline.posteriors import FRAME
from ...pipeline.recording import SAMPLE_RATE
from ...pipeline.scale import PRONUNCIATION
from ..hit import HeardWord
from .frames import Frames
from .keyword import Alignment, places

if TYPE_CHECKING:
    from ..store.snapshot import Snapshot
    from .hearing import Hearing

TERMS_A_WINDOW: Final = 24
MOST_TERMS: Final = 400
"""Terms whose pronunciations are scored for an utterance of a question."""
TERM_VARIANTS: Final = 2

WORTH_A_PHONE: Final = 1.6
"""Nats that a phone of a word may cost before nothing explains that part of the question better than the word does."""
COST_OF_A_WORD: Final = 3.0
"""Nats that a word costs by itself, so that one long word is better than the short ones that sound like its parts. Of
0.5 to 6 the best on speech held out of training, asked of a collection of 6,000 words."""


@dataclass(frozen=True, slots=True)
class Understood:
    """What was understood of a spoken question.

    Attributes:
        query: The words, to be asked like typed ones; "" if none was understood.
        words: With their times in the question; those of a recogniser have none and are not here.
    """

    query: str
    words: tuple[HeardWord, ...]

    @property
    def certainty(self) -> float:
        """Share of the words that are those that were said; 1 for what a recogniser wrote, which tells nothing."""
        words = self.query.split()
        doubt = sum(1 - word.probability for word in self.words if word.text in words)
        return max(0.0, 1 - doubt / max(len(words), 1))


def understand(
    utterances: Sequence[Utterance], snapshot: Snapshot, hearing: Hearing, words: str | None = None
) -> Understood:
    """The words of the knowledge base that are said in a question, and those that a recogniser heard beside them."""
    heard: list[HeardWord] = []
    if snapshot.holds(PRONUNCIATION):
        for utterance in utterances:
            heard += _words(utterance, snapshot, hearing)
    known = (words or "").split()
    have = {word.strip(".,;:?!").casefold() for word in known}
    further = [word.text for word in heard if word.text.casefold() not in have]
    return Understood(" ".join([*known, *further]), tuple(heard))


def _words(utterance: Utterance, snapshot: Snapshot, hearing: Hearing) -> list[HeardWord]:
    terms = _proposed(utterance, snapshot)
    if not terms:
        return []
    frames = Frames.of([utterance.posteriors])
    spoken_as = hearing.pronouncer.variants_of([text for text, _ in terms], TERM_VARIANTS)
    found: list[tuple[Alignment, int]] = []
    for number, variants in enumerate(spoken_as):
        if variants:
            least = -WORTH_A_PHONE
            ways = [one.phones for one in variants]
            found += [(place, number) for place in places(frames, ways, least=least, again=least)]
    if not found:
        return []
    frequency = snapshot.document_frequency([stem for _, stem in terms])
    chosen = cover([place for place, _ in found], [int(frequency[number]) for _, number in found])
    probabilities = _probabilities([place for place, _ in found], hearing)
    start = utterance.start
    return [
        HeardWord(
            terms[found[at][1]][0],
            (start + found[at][0].start * FRAME) / SAMPLE_RATE,
            (start + found[at][0].stop * FRAME) / SAMPLE_RATE,
            float(probabilities[at]),
        )
        for at in chosen
    ]


def _proposed(utterance: Utterance, snapshot: Snapshot) -> list[tuple[str, int]]:
    """Terms that sound like some window of the question, with their stems."""
    near = snapshot.index(PRONUNCIATION).search(utterance.windows, TERMS_A_WINDOW)
    ids, row = np.unique(near.ids[near.ids >= 0], return_inverse=True)
    nearest = np.full(len(ids), -1.0)
    np.maximum.at(nearest, row, near.scores[near.ids >= 0])
    return snapshot.terms(ids[np.argsort(-nearest, kind="stable")[:MOST_TERMS]])


def cover(candidates: Sequence[Alignment], frequency: Sequence[int]) -> list[int]:
    """The candidates that do not overlap and together explain most of what was said, in order of time.

    A candidate is worth the phones that it explains, less what they cost: a sum over words, so the best choice follows
    from the best choice for every shorter beginning of the question (weighted interval scheduling). Of two that are
    worth the same, such as words that sound alike, the more frequent one is taken.
    """
    order = sorted(range(len(candidates)), key=lambda at: candidates[at].peaks[-1][1])
    ends = [candidates[at].peaks[-1][1] for at in order]
    best: list[tuple[float, int, tuple[int, ...]]] = [(0.0, 0, ())]
    for position, at in enumerate(order):
        one = candidates[at]
        worth = one.score + WORTH_A_PHONE * one.phones - COST_OF_A_WORD
        before = best[bisect_right(ends, one.peaks[0][0], hi=position)]
        taken = (round(before[0] + worth, 6), before[1] + frequency[at], (*before[2], at))
        best.append(max(best[-1], taken, key=lambda way: way[:2]))
    return list(best[-1][2])


def _probabilities(found: Sequence[Alignment], hearing: Hearing) -> npt.NDArray[np.float64]:
    """That each candidate was said, rather than those that overlap it. *Shape:* (n,)"""
    calibration = hearing.calibration
    per_phone = np.array([one.per_phone for one in found])
    phones = np.array([float(one.phones) for one in found])
    start = np.array([one.peaks[0][0] for one in found])
    stop = np.array([one.peaks[-1][1] for one in found])
    frames = np.array([float(one.peaks[-1][0] - one.peaks[0][0]) for one in found])
    evidence = calibration.evidence(per_phone)
    made = np.empty(len(found))
    for at in range(len(found)):
        # A part of the same length or more speaks against; a short word inside a long one does not.
        rivals = (start < stop[at]) & (start[at] < stop) & (phones >= phones[at])
        total = float(evidence[rivals].sum())
        features = calibration.features(per_phone[at : at + 1], phones[at : at + 1], frames[at : at + 1], total)
        made[at] = calibration.probabilities(features)[0]
    return made
