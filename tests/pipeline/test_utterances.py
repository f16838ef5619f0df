"""Utterances lie between pauses, hold every phone once, and do not depend on what comes later."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from octavo.pipeline.utterances import LONGEST, cut_utterances

gaps = st.lists(st.integers(1, 120), min_size=0, max_size=200)


def peaks_of(first: int, steps: list[int]) -> np.ndarray:
    return np.cumsum([first, *steps]).astype(np.int64)


@given(st.integers(0, 50), gaps, st.integers(1, 60))
def test_every_phone_lies_in_one_utterance(first: int, steps: list[int], rest: int) -> None:
    peaks = peaks_of(first, steps)
    frames = int(peaks[-1]) + rest
    found = cut_utterances(peaks, frames)
    covered = np.zeros(frames, int)
    for start, stop, phrases in found:
        assert 0 <= start < stop <= frames
        assert stop - start <= LONGEST
        covered[start:stop] += 1
        for low, high in phrases.tolist():
            assert start <= low < high <= stop
        assert len(phrases) != 1
    assert covered.max() == 1
    assert (covered[peaks] == 1).all()


@given(st.integers(0, 50), gaps, gaps)
def test_what_comes_later_changes_only_the_last_utterance(first: int, steps: list[int], more: list[int]) -> None:
    peaks = peaks_of(first, steps)
    longer = peaks_of(first, steps + more)
    before = cut_utterances(peaks, int(peaks[-1]) + 1)
    after = cut_utterances(longer, int(longer[-1]) + 1)
    for one, two in zip(before[:-1], after, strict=False):
        assert one[:2] == two[:2]


def test_a_pause_parts_and_a_breath_does_not() -> None:
    spoken = np.concatenate([np.arange(100, 300, 5), np.arange(330, 500, 5), np.arange(700, 900, 5)])
    found = cut_utterances(spoken, 1000)
    assert [(start, stop) for start, stop, _ in found] == [(93, 306), (323, 506), (693, 906)]


def test_short_phrases_are_joined() -> None:
    spoken = np.concatenate([np.arange(100, 130, 5), np.arange(160, 200, 5), np.arange(230, 300, 5)])
    ((start, stop, phrases),) = cut_utterances(spoken, 400)
    assert (start, stop) == (93, 306)
    assert phrases.tolist() == [[93, 136], [153, 206], [223, 306]]


def test_nothing_heard_is_no_utterance() -> None:
    assert cut_utterances(np.empty(0, np.int64), 500) == []
