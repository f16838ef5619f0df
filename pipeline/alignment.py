"""Forced alignment: when each word of a known text is said, from our own posteriors."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from .document import TIMES_DTYPE, Document, Flag
from .phones import BLANK, SYMBOLS
from .posteriors import FRAME, Posteriors

if TYPE_CHECKING:
    import torch

ALIGNMENT_VERSION: Final = "1"
"""Raised whenever the same document and posteriors would give other times."""

Pronunciation = tuple[int, ...]
"""Ids of phones."""

Pronounce = Callable[[str], Sequence[Pronunciation]]
"""The ways a written word may be said, none where that is not known."""

_ANY: Final = SYMBOLS
"""A symbol beside the phones that stands for some stretch of speech of unknown phones."""

_ANY_COST: Final = 1.0
"""What ``_ANY`` costs a frame against the likeliest phone, in nats: where a known phone fits, it wins."""

_MARGIN: Final = 4000
"""Samples: cues set by hand are late or early by up to a quarter of a second."""

_MOST_CELLS: Final = 40_000_000
"""Frames times states of one alignment; a cue that needs more (an hour of speech) is shared out by letters."""

_MOST_VARIANTS: Final = 6

_WORD: Final = re.compile(r"\S+")
_EDGE: Final = ".,;:!?…\"'“”„‘’«»()[]{}<>*_♪♫~|\\/–—-。、，！？：；「」『』（）"


def frames_needed(phones: Sequence[int]) -> int:
    """The fewest frames in which these phones can be said: a blank must part two of the same."""
    return len(phones) + sum(left == right for left, right in pairwise(phones))


def align(log_probabilities: npt.NDArray[np.float32], phones: Sequence[int]) -> npt.NDArray[np.int64]:
    """Frames of each phone on the likeliest path of connectionist temporal classification (Graves et al. 2006).

    Args:
        log_probabilities: Natural logarithms; column 0 is the blank. *Shape:* (T, C), C being SYMBOLS as a rule.
        phones: Column numbers from 1.

    Returns:
        First and last-but-one frame of each phone, rising, without overlap; blank frames between them are in none.
        *Shape:* (n, 2)

    Raises:
        ValueError: There are fewer frames than these phones need, a phone is no column, or a number is NaN.
    """
    if log_probabilities.ndim != 2:
        raise ValueError(f"log-probabilities have the shape {log_probabilities.shape}, not (T, symbols)")
    frames, symbols = log_probabilities.shape
    if not phones:
        return np.empty((0, 2), np.int64)
    if min(phones) <= BLANK or max(phones) >= symbols:
        raise ValueError(f"phones from {min(phones)} to {max(phones)} are not columns 1 to {symbols - 1}")
    if (needed := frames_needed(phones)) > frames:
        raise ValueError(
            f"{len(phones)} phones need at least {needed} frames, there are {frames}: take a longer stretch"
        )
    if np.isnan(log_probabilities).any():
        raise ValueError("log-probabilities hold NaN")
    return _aligned(log_probabilities, phones)


def phone_times(log_probabilities: npt.NDArray[np.float32], phones: Sequence[int]) -> list[tuple[int, int, int]]:
    """Each phone with its first and last-but-one sample at 16 kHz, by a framewise head, whose blank is silence.

    Raises:
        ValueError: As :func:`align`.
    """
    bounds = FRAME * align(log_probabilities, phones)
    return [(phone, start, stop) for phone, (start, stop) in zip(phones, bounds.tolist(), strict=True)]


def _path(scores: npt.NDArray[np.float32], phones: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """The likeliest path: a symbol for each frame, and its log-probability. *Shapes:* (T,), (T,)"""
    import torch
    from torchaudio.functional import forced_align

    # Minus infinity makes forced_align lose its way; no path worth taking passes below -1e4.
    table = torch.from_numpy(np.ascontiguousarray(np.maximum(scores, -1e4), np.float32))
    path, costs = forced_align(table[None], torch.tensor([list(phones)]), blank=BLANK)
    return path[0], costs[0]


def _aligned(scores: npt.NDArray[np.float32], phones: Sequence[int]) -> npt.NDArray[np.int64]:
    """First and last-but-one frame of each phone. *Shape:* (n, 2)"""
    from torchaudio.functional import merge_tokens

    spans = merge_tokens(*_path(scores, phones), blank=BLANK)
    return np.array([(span.start, span.end) for span in spans], np.int64).reshape(-1, 2)


def words_to_align(document: Document) -> list[str]:
    """The distinct words that :func:`refine_times` will ask for, so that they can be pronounced in one batch."""
    words: dict[str, None] = {}
    for row in document.times:
        words.update(dict.fromkeys(word.strip(_EDGE) for word in document.text[row["start"] : row["stop"]].split()))
    words.pop("", None)
    return list(words)


def refine_times(document: Document, heard: Sequence[tuple[int, Posteriors]], pronounce: Pronounce) -> Document:
    """Gives every word of a transcript its own time.

    The words of a cue are aligned together within the time of the cue, by the way of saying each that fits best; a
    word that nobody can pronounce takes what lies between its neighbours. In transcripts that know their words' times
    already, numbers and codes are aligned again between their neighbours, for recognisers are least sure of these.
    A cue in which nothing was heard, or too little for its words, is shared out by letters.

    Args:
        heard: First sample and posteriors of each utterance, by time, not overlapping.
        pronounce: Called once with each word, without the punctuation around it; the first variant should be the
            likeliest. :func:`words_to_align` names the words beforehand.

    Returns:
        The document with a row of ``times`` for each word; flagged ``transcript-unaligned`` where cues were shared out
        by letters.
    """
    sound = _Heard(heard)
    rows: list[tuple[int, int, int, int]] = []
    shared = 0
    known: dict[str, tuple[Pronunciation, ...]] = {}

    def variants(word: str) -> tuple[Pronunciation, ...]:
        bare = word.strip(_EDGE)
        if bare not in known:
            ways = dict.fromkeys(tuple(way) for way in pronounce(bare)) if bare else ()
            known[bare] = tuple(way for way in ways if way)[:_MOST_VARIANTS]
        return known[bare]

    cues = [(int(row["start"]), int(row["stop"]), int(row["from"]), int(row["to"])) for row in document.times]
    for at, (start, stop, begin, end) in enumerate(cues):
        words = [(match.start(), match.end()) for match in _WORD.finditer(document.text, start, stop)]
        if len(words) == 1 and not any(map(str.isdigit, document.text[start:stop])):
            rows.append((start, stop, begin, end))
            continue
        near = [cues[index] if 0 <= index < len(cues) else None for index in (at - 1, at + 1)]
        if len(words) == 1:
            times = _number_time(document.text, cues[at], near, sound, variants)
            rows.append((start, stop, *(times or (begin, end))))
            continue
        # Never into the neighbour's time, but it does not take any either where the two overlap.
        low = max(begin - _MARGIN, min(begin, near[0][3])) if near[0] else begin - _MARGIN
        high = min(end + _MARGIN, max(end, near[1][2])) if near[1] else end + _MARGIN
        ways = [variants(document.text[left:right]) for left, right in words]
        # Words that nobody can pronounce are one stretch of unknown speech where they follow one another.
        keys = [at if way else -1 for at, way in enumerate(ways)]
        groups = [list(members) for _, members in groupby(range(len(words)), keys.__getitem__)]
        spans = sound.between(max(low, 0), high).words([ways[members[0]] for members in groups])
        if spans is None:
            shared += 1
            rows.extend((*word, *span) for word, span in zip(words, _by_letters(words, begin, end), strict=True))
            continue
        for members, span in zip(groups, spans, strict=True):
            grouped = [words[n] for n in members]
            rows.extend((*word, *part) for word, part in zip(grouped, _by_letters(grouped, *span), strict=True))
    flags = document.flags
    if shared:
        flags = (
            *flags,
            Flag("transcript-unaligned", f"{shared} of {len(cues)} cues: word times shared out by letters"),
        )
    return replace(document, times=np.array(rows, TIMES_DTYPE), flags=flags)


def _number_time(
    text: str,
    cue: tuple[int, int, int, int],
    near: Sequence[tuple[int, int, int, int] | None],
    sound: _Heard,
    variants: Callable[[str], tuple[Pronunciation, ...]],
) -> tuple[int, int] | None:
    """Time of a word with its neighbours as witnesses; ``None`` where it cannot be aligned."""
    own = variants(text[cue[0] : cue[1]])
    if not own:
        return None
    # Neighbours further away than a pause say nothing about where this word begins.
    before, after = (
        other if other and max(other[2] - cue[3], cue[2] - other[3]) < 4 * _MARGIN else None for other in near
    )
    ways = [own]
    low, high = cue[2] - _MARGIN, cue[3] + _MARGIN
    if before and len(text[before[0] : before[1]].split()) == 1:
        ways.insert(0, variants(text[before[0] : before[1]]))
        low = min(before[2], cue[2])
    if after and len(text[after[0] : after[1]].split()) == 1:
        ways.append(variants(text[after[0] : after[1]]))
        high = max(after[3], cue[3])
    spans = sound.between(max(low, 0), high).words(ways)
    return None if spans is None else spans[1 if before and len(ways) > 1 and ways[0] is not own else 0]


def _by_letters(words: Sequence[tuple[int, int]], begin: int, end: int) -> list[tuple[int, int]]:
    """Samples of each word, in proportion to its length; at least one."""
    bounds = np.concatenate(([0], np.cumsum([stop - start for start, stop in words])))
    edges = begin + (end - begin) * bounds // bounds[-1]
    return [(int(left), int(max(right, left + 1))) for left, right in pairwise(edges)]


@dataclass(frozen=True, slots=True, eq=False)
class _Stretch:
    """The frames heard in a stretch of time; silence between utterances is left out.

    Attributes:
        scores: Log-probabilities, the last column of ``_ANY``. *Shape:* (T, SYMBOLS + 1)
        starts: First sample of each frame. *Shape:* (T,)
    """

    scores: npt.NDArray[np.float32]
    starts: npt.NDArray[np.int64]

    def words(self, ways: Sequence[Sequence[Pronunciation]]) -> list[tuple[int, int]] | None:
        """Samples of each word, given the ways to say it; ``None`` where they do not fit in."""
        if not any(ways):
            return None
        chosen = [options[0] if options else (_ANY,) for options in ways]
        spans = self._spans(chosen, 0, len(self.starts))
        if spans is None:  # the shortest ways may fit
            chosen = [min(options, key=frames_needed) if options else (_ANY,) for options in ways]
            spans = self._spans(chosen, 0, len(self.starts))
        if spans is None:
            return None
        for at, options in enumerate(ways):
            if len(options) > 1:
                chosen[at] = self._best(chosen, at, options, spans)
        spans = self._spans(chosen, 0, len(self.starts)) or spans
        return [(int(self.starts[start]), int(self.starts[stop - 1]) + FRAME) for start, stop in spans]

    def _best(
        self,
        chosen: Sequence[Pronunciation],
        at: int,
        options: Sequence[Pronunciation],
        spans: Sequence[tuple[int, int]],
    ) -> Pronunciation:
        """The way of saying one word that fits best between its neighbours, these included."""
        first, last = max(at - 1, 0), min(at + 2, len(chosen))
        start = spans[first][0] if first else 0
        stop = spans[last - 1][1] if last < len(chosen) else len(self.starts)
        best, most = chosen[at], -np.inf
        for option in options:
            phones = [phone for word in (*chosen[first:at], option, *chosen[at + 1 : last]) for phone in word]
            if frames_needed(phones) <= stop - start and (stop - start) * len(phones) <= _MOST_CELLS:
                score = float(_path(self.scores[start:stop], phones)[1].sum())
                if score > most:
                    best, most = option, score
        return best

    def _spans(self, chosen: Sequence[Pronunciation], start: int, stop: int) -> list[tuple[int, int]] | None:
        """First and last-but-one frame of each word."""
        phones = [phone for word in chosen for phone in word]
        if frames_needed(phones) > stop - start or (stop - start) * (2 * len(phones) + 1) > _MOST_CELLS:
            return None
        frames = _aligned(self.scores[start:stop], phones)
        bounds = np.concatenate(([0], np.cumsum([len(word) for word in chosen])))
        return [(start + int(frames[left, 0]), start + int(frames[right - 1, 1])) for left, right in pairwise(bounds)]


class _Heard:
    """All utterances of a recording, unpacked where they are needed."""

    def __init__(self, heard: Iterable[tuple[int, Posteriors]]) -> None:
        self._heard = sorted(heard, key=lambda utterance: utterance[0])
        self._starts = [start for start, _ in self._heard]

    def between(self, begin: int, end: int) -> _Stretch:
        """The frames whose middle lies in samples ``[begin, end)``."""
        scores: list[npt.NDArray[np.float32]] = []
        starts: list[npt.NDArray[np.int64]] = []
        at = max(0, bisect_right(self._starts, begin) - 1)
        while at < len(self._heard) and self._starts[at] < end:
            start, posteriors = self._heard[at]
            first = max(0, -(-(begin - start - FRAME // 2) // FRAME))
            last = min(len(posteriors), max(0, -(-(end - start - FRAME // 2) // FRAME)))
            if first < last:
                scores.append(posteriors[first:last].unpack())
                starts.append(start + FRAME * np.arange(first, last, dtype=np.int64))
            at += 1
        if not scores:
            return _Stretch(np.empty((0, SYMBOLS + 1), np.float32), np.empty(0, np.int64))
        table = np.concatenate(scores)
        anything = table[:, BLANK + 1 :].max(axis=1, keepdims=True) - _ANY_COST
        return _Stretch(np.concatenate((table, anything), axis=1), np.concatenate(starts))
