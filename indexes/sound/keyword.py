"""Where a sequence of phones is said, and how surely: a CTC keyword against a filler.

The best path through a keyword's phones (Graves et al. 2006: a phone may last, a blank may stand between two phones and
must stand between two that are equal) is compared, frame by frame, with the filler: the best path of any symbols. The
score is the log-likelihood ratio of the two, 0 where the keyword is what was heard and below 0 elsewhere. Phones and
filler spotting is the classic of Rose and Paul (1990); that the ratio per phone compares across lengths is ours to
calibrate, see :mod:`octavo.indexes.sound.spoken`.

The recurrence of a state over time, ``d[t] = e[t] + max(d[t - 1], in[t])``, is a running maximum once the prefix sums
of ``e`` are taken off, so the loop here runs over the states of the keyword (a dozen) and not over frames (thousands).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt

from ...pipeline.phones import BLANK
from ...pipeline.posteriors import Posteriors
from .coefficients import Coefficients
from .frames import WALL, Frames

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Phones = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Sought:
    """One way in which a word may be said.

    Attributes:
        log_probability: Of this way rather than others, natural logarithm, at most 0.
    """

    phones: Phones
    log_probability: float = 0.0

    def __post_init__(self) -> None:
        _check(self.phones)
        if not self.log_probability <= 0:
            raise ValueError(f"a log-probability is at most 0, not {self.log_probability}")


SHORT: Final = 4
"""A keyword of fewer phones is said by chance in many places: what is found for it deserves a warning."""

EXAMPLE_WAYS: Final = 10
"""Phone sequences that a spoken example is taken for."""

_NOWHERE: Final = WALL / 2
_ALONE: Final = 10**9
"""Frames to the next peak where there is none; finite, as a share of it may be 0."""


@dataclass(frozen=True, slots=True)
class Edges(Coefficients):
    """How far a word reaches beyond the peaks of its first and last phone.

    A net trained with CTC marks a phone by a peak of a frame or two somewhere inside it, so the ends of a word have to
    be guessed from the peaks around. Calibrated with the speech encoder on speech with known word times.

    Attributes:
        before, after: Share of the gap to the neighbouring phone's peak that belongs to the word.
        most_before, most_after: Frames beyond a peak at most; what holds beside a pause.
        clear: A frame beside a peak belongs to its phone if that phone has at least this share of the best symbol's
            probability there.
    """

    CALLED: ClassVar[str] = "word edges"

    before: float = 0.5
    after: float = 0.5
    most_before: float = 4.0
    most_after: float = 5.0
    clear: float = 0.2

    def __post_init__(self) -> None:
        if not (0 <= self.before <= 1 and 0 <= self.after <= 1 and 0 < self.clear <= 1):
            raise ValueError(f"the shares of {self} are not between 0 and 1")
        if self.most_before < 0 or self.most_after < 0:
            raise ValueError(f"{self} reaches back into its own word")


@dataclass(frozen=True, slots=True)
class Alignment:
    """A place where a keyword is heard.

    Attributes:
        utterance, variant: Positions in what was asked.
        score: Log-likelihood ratio, at most 0.
        phones: How many the variant has.
        peaks: First and last-but-one frame of each phone on the best path, from the start of the utterance.
        start, stop: Half-open, frames of the utterance that the word takes, its edges guessed.
    """

    utterance: int
    variant: int
    score: float
    phones: int
    peaks: tuple[tuple[int, int], ...]
    start: int
    stop: int

    @property
    def per_phone(self) -> float:
        """The score by which keywords of different lengths compare."""
        return self.score / self.phones


def scores(frames: Frames, phones: Phones) -> Floats:
    """The best score of a keyword in each utterance, -inf where it does not fit in. *Shape:* (n,)"""
    _check(phones)
    if not len(frames):
        return np.empty(0)
    best = np.maximum.reduceat(_ends(frames, phones, None), frames.first)
    best[best < _NOWHERE] = -np.inf
    # An utterance without frames starts at its own wall.
    return np.where(frames.last > frames.first, best, -np.inf)


def places(
    frames: Frames,
    variants: Sequence[Phones],
    *,
    least: float = -np.inf,
    again: float = -np.inf,
    most: int = 8,
    edges: Edges | None = None,
    per_phone: Floats | None = None,
) -> list[Alignment]:
    """Where a word is heard: in each utterance the best place, then the next best that does not overlap, and so on.

    Args:
        variants: Pronunciations; in each utterance the one with the best score per phone counts.
        least: Score per phone below which an utterance is left out.
        again: The same for further places in an utterance.
        most: Places of one utterance at most.
        edges: How words reach beyond their peaks.
        per_phone: Scores of each variant in each utterance, where they are known. *Shape:* (variants, n)

    Returns:
        By utterance, in each the best first.
    """
    if not len(frames) or not variants:
        return []
    edges = edges or Edges()
    if per_phone is None:
        per_phone = np.stack([scores(frames, phones) / len(phones) for phones in variants])
    chosen = per_phone.argmax(axis=0)
    worth = (per_phone.max(axis=0) >= least) & np.isfinite(per_phone.max(axis=0))
    found: list[Alignment] = []
    for number, phones in enumerate(variants):
        own = np.flatnonzero(worth & (chosen == number))
        if len(own):
            taken = frames if len(own) == len(frames) else frames.take(own.tolist())
            for place in _of_variant(taken, phones, number, max(again * len(phones), _NOWHERE), most, edges):
                found.append(replace(place, utterance=int(own[place.utterance])))
    return sorted(found, key=lambda place: place.utterance)


def best_phones(posteriors: Posteriors) -> Phones:
    """The most likely phones of an utterance: its best path, repeats and blanks left out."""
    return Frames.of([posteriors]).heard(0, 0, len(posteriors))


def example(posteriors: Posteriors, count: int = EXAMPLE_WAYS) -> list[Sought]:
    """The keywords that a spoken example may say: the likeliest phone sequences of its posteriors, best first.

    One best sequence is too often wrong by a phone left out or put in; ten of them, each with its probability, lifted
    the mean average precision of examples from 0.21 to 0.30 (119 words, a net of 50 % phone errors).
    """
    import torch

    from ...pipeline.encoders.grapheme_to_phoneme import best_phones as likeliest

    ways = [(phones, chance) for phones, chance in likeliest(torch.from_numpy(posteriors.unpack()), count) if phones]
    return [Sought(phones, min(0.0, chance - ways[0][1])) for phones, chance in ways]


def _check(phones: Phones) -> None:
    if not phones:
        raise ValueError("a keyword needs at least one phone")
    if BLANK in phones:
        raise ValueError(f"a keyword has no blanks: {phones}")


@dataclass(frozen=True, slots=True, eq=False)
class _Trace:
    """What it takes to walk a path back, for each state of a keyword and each frame in which a path may be.

    Attributes:
        phone: When the path that is in a phone came into it. *Shape of each:* (F,)
        blank: When the path that is in the blank before a phone came into that.
        through: Whether the path came into a phone through the blank.
    """

    phone: list[Ints] = field(default_factory=list)
    blank: list[Ints] = field(default_factory=list)
    through: list[npt.NDArray[np.bool_]] = field(default_factory=list)


def _ends(frames: Frames, phones: Phones, trace: _Trace | None) -> Floats:
    """The score of the best path through all phones that ends in each frame. *Shape:* (F,)"""
    # A path may begin anywhere and costs never fall, so in the first phone one frame is enough.
    path = frames.surplus(phones[0])[0]
    blank = frames.surplus(BLANK)[1]
    for before, phone in pairwise(phones):
        between = _stay(_later(path), blank, trace.blank if trace is not None else None)
        through, direct = _later(between), _later(path)
        entering = through if phone == before else np.maximum(through, direct)
        if trace is not None:
            trace.through.append(through >= direct if phone != before else np.ones(len(path), bool))
        path = _stay(entering, frames.surplus(phone)[1], trace.phone if trace is not None else None)
    return path


def _later(path: Floats) -> Floats:
    return np.concatenate(([-np.inf], path[:-1]))


def _stay(entering: Floats, sums: Floats, trace: list[Ints] | None) -> Floats:
    """Best path that is in a state at each frame, having come in then or earlier."""
    worth = entering - sums[:-1]
    best = np.maximum.accumulate(worth)
    if trace is not None:
        trace.append(np.maximum.accumulate(np.where(worth == best, np.arange(len(worth)), 0)))
    stayed: Floats = best + sums[1:]
    return stayed


def _of_variant(
    frames: Frames, phones: Phones, number: int, again: float, most: int, edges: Edges
) -> Iterator[Alignment]:
    """By utterance, the best first; the first whatever its score, further ones from ``again`` on."""
    trace = _Trace()
    ends = _ends(frames, phones, trace)
    spoken = frames.spoken
    for utterance, (first, last) in enumerate(zip(frames.first.tolist(), frames.last.tolist(), strict=True)):
        own = ends[first:last]
        likely = [int(own.argmax())]
        if most > 1:
            # A path that goes on where it could have ended is no place of its own: only rises are.
            rest = np.flatnonzero(np.concatenate(([True], own[1:] > own[:-1])) & (own >= again))
            likely += rest[np.argsort(-own[rest], kind="stable")].tolist()
        taken: list[tuple[int, int]] = []
        for end in likely:
            if any(a <= end < b for a, b in taken):
                continue
            peaks = _walk(trace, first + end, len(phones))
            a, b = peaks[0][0] - first, peaks[-1][1] - first
            if a < 0 or any(a < d and c < b for c, d in taken):
                continue
            taken.append((a, b))
            start, stop = _reach(frames, utterance, phones, peaks, spoken, edges)
            relative = tuple((c - first, d - first) for c, d in peaks)
            yield Alignment(utterance, number, float(own[end]), len(phones), relative, start, stop)
            if len(taken) == most:
                break


def _walk(trace: _Trace, end: int, phones: int) -> list[tuple[int, int]]:
    """First and last-but-one frame of each phone on the best path that ends in frame ``end``."""
    peaks = []
    at = end
    for state in range(phones - 2, -1, -1):
        entered = int(trace.phone[state][at])
        peaks.append((entered, at + 1))
        at = entered - 1
        if trace.through[state][entered]:
            at = int(trace.blank[state][at]) - 1
    peaks.append((at, at + 1))
    return peaks[::-1]


def _reach(
    frames: Frames, utterance: int, phones: Phones, peaks: Sequence[tuple[int, int]], spoken: Ints, edges: Edges
) -> tuple[int, int]:
    """The frames of a word, from the peaks of its phones and of what is said before and after."""
    first, last = int(frames.first[utterance]), int(frames.last[utterance])
    clear = float(np.log(edges.clear))
    start, stop = peaks[0][0], peaks[-1][1]
    opening, closing = frames.surplus(phones[0])[0], frames.surplus(phones[-1])[0]
    while start > first and opening[start - 1] >= clear and _peaked_as(frames, start - 1, phones[0]):
        start -= 1
    while stop < last and closing[stop] >= clear and _peaked_as(frames, stop, phones[-1]):
        stop += 1
    at = int(np.searchsorted(spoken, start)) - 1
    gap = start - 1 - int(spoken[at]) if at >= 0 and spoken[at] >= first else _ALONE
    begin = start - min(edges.before * gap, edges.most_before)
    at = int(np.searchsorted(spoken, stop))
    gap = int(spoken[at]) - stop if at < len(spoken) and spoken[at] < last else _ALONE
    end = stop + min(edges.after * gap, edges.most_after)
    return max(0, round(begin) - first), min(last, round(end)) - first


def _peaked_as(frames: Frames, frame: int, phone: int) -> bool:
    """Whether a frame is best explained by a phone, or by nothing."""
    return int(frames.symbols[frame, 0]) in (phone, BLANK)
