"""Keyword scores against every CTC path there is."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from octavo.indexes.sound.frames import Frames
from octavo.indexes.sound.keyword import Edges, best_phones, places, scores
from octavo.pipeline.phones import BLANK, SYMBOLS, phone_ids
from octavo.pipeline.posteriors import Posteriors

from .sound_world import posteriors_of


def random_posteriors(seed: int, frames: int, sharpness: float = 2.0) -> Posteriors:
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(frames, SYMBOLS)) * sharpness
    # A few symbols only, so that keywords of them are likely.
    logits[:, 6:] -= 20
    return Posteriors.pack((logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)).astype(np.float32))


def every_path(posteriors: Posteriors, phones: tuple[int, ...]) -> float:
    """The best score over all starts, stops and labellings whose collapse is the keyword."""
    whole = posteriors.unpack().astype(np.float64)
    gain = whole - whole.max(axis=1, keepdims=True)
    best = -np.inf
    for start in range(len(posteriors)):
        for stop in range(start + 1, len(posteriors) + 1):
            for path in product(sorted({BLANK, *phones}), repeat=stop - start):
                kept = [s for i, s in enumerate(path) if i == 0 or path[i - 1] != s]
                if tuple(s for s in kept if s != BLANK) == phones:
                    best = max(best, float(sum(gain[start + i, s] for i, s in enumerate(path))))
    return best


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.integers(1, 6), st.lists(st.integers(1, 5), min_size=1, max_size=3))
def test_scores_equal_the_best_of_all_paths(seed: int, frames: int, keyword: list[int]) -> None:
    posteriors, phones = random_posteriors(seed, frames), tuple(keyword)
    expected = every_path(posteriors, phones)
    assert scores(Frames.of([posteriors]), phones)[0] == pytest.approx(expected, abs=1e-6)


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.lists(st.integers(0, 12), min_size=1, max_size=5))
def test_utterances_side_by_side_score_as_each_alone(seed: int, lengths: list[int]) -> None:
    heard = [random_posteriors(seed + i, length) for i, length in enumerate(lengths)]
    together = scores(Frames.of(heard), (1, 2, 2))
    alone = [scores(Frames.of([one]), (1, 2, 2))[0] for one in heard]
    assert together == pytest.approx(np.array(alone), abs=1e-6)


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(3, 25), st.lists(st.integers(1, 5), min_size=1, max_size=4))
def test_a_place_is_a_path_with_its_score(seed: int, frames: int, keyword: list[int]) -> None:
    """The peaks of a place, with blanks between, cost what the place says, and its first is the best there is."""
    posteriors, phones = random_posteriors(seed, frames), tuple(keyword)
    whole = posteriors.unpack().astype(np.float64)
    gain = whole - whole.max(axis=1, keepdims=True)
    found = places(Frames.of([posteriors]), [phones])
    best = scores(Frames.of([posteriors]), phones)[0]
    assert bool(found) == bool(np.isfinite(best))
    if found:
        assert found[0].score == pytest.approx(best, abs=1e-6)
    spans = []
    for place in found:
        assert len(place.peaks) == len(phones)
        total, at = 0.0, place.peaks[0][0]
        for (a, b), phone in zip(place.peaks, phones, strict=True):
            total += gain[at:a, BLANK].sum() + gain[a:b, phone].sum()
            at = b
        assert place.score == pytest.approx(total, abs=1e-6)
        assert 0 <= place.start <= place.peaks[0][0] < place.peaks[-1][1] <= place.stop <= frames
        spans.append((place.peaks[0][0], place.peaks[-1][1]))
    spans.sort()
    assert all(a[1] <= b[0] for a, b in pairwise(spans))
    assert [place.score for place in found] == sorted((place.score for place in found), reverse=True)


def test_columns_are_those_of_unpacking() -> None:
    heard = [random_posteriors(seed, 30, 1.0) for seed in range(3)]
    frames = Frames.of(heard)
    for symbol in range(SYMBOLS):
        column = frames.surplus(symbol)[0]
        for one, first, last in zip(heard, frames.first, frames.last, strict=True):
            whole = one.unpack()
            assert column[first:last] == pytest.approx(whole[:, symbol] - whole.max(axis=1), abs=1e-5)


def test_a_word_said_three_times_is_found_three_times() -> None:
    router, filler = phone_ids("R AW T ER"), phone_ids("S IY K AH N D")
    said = [*filler, *router, *filler, *router, *router]
    posteriors, times = posteriors_of(said)
    found = places(Frames.of([posteriors]), [router], again=-1.0)
    assert len(found) == 3
    truth = {(times[i][0], times[i + 3][1]) for i in (6, 16, 20)}
    for place in found:
        assert min(abs(place.start - a) + abs(place.stop - b) for a, b in truth) <= 4
        assert place.per_phone > -0.2


def test_the_better_variant_counts() -> None:
    said, other = phone_ids("R AW T ER"), phone_ids("R UW T ER")
    posteriors, _ = posteriors_of([*phone_ids("DH AH"), *said, *phone_ids("IH Z")])
    place = places(Frames.of([posteriors]), [other, said])[0]
    assert place.variant == 1
    assert place.phones == 4


def test_heard_phones_are_the_best_path() -> None:
    said = phone_ids("B AH B AH N N OW")
    posteriors, _ = posteriors_of(said)
    assert best_phones(posteriors) == said
    frames = Frames.of([posteriors, posteriors])
    assert frames.heard(1, 0, len(posteriors)) == said


def test_a_keyword_longer_than_the_utterance_is_nowhere() -> None:
    frames = Frames.of([random_posteriors(1, 2), random_posteriors(2, 9)])
    assert np.isneginf(scores(frames, (1, 2, 3, 4))[0])
    assert {place.utterance for place in places(frames, [(1, 2, 3, 4)])} == {1}
    assert scores(Frames.of([]), (1,)).shape == (0,)
    assert places(Frames.of([]), [(1,)]) == []


@pytest.mark.parametrize("phones", [(), (1, BLANK, 2)])
def test_what_is_no_keyword_is_refused(phones: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="keyword"):
        scores(Frames.of([random_posteriors(1, 5)]), phones)


@pytest.mark.parametrize("wrong", [{"before": 1.5}, {"clear": 0.0}, {"most_after": -1.0}])
def test_edges_check_themselves(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="Edges"):
        Edges(**wrong)


def test_edges_beside_a_pause_reach_as_far_as_they_may() -> None:
    word = phone_ids("R AW T ER")
    quiet: npt.NDArray[np.float32] = np.full((30, SYMBOLS), -12.0, np.float32)
    quiet[:, BLANK] = -1e-3
    spoken, times = posteriors_of(word)
    packed = Posteriors.pack(quiet)
    whole = Posteriors(
        np.concatenate((packed.symbols, spoken.symbols, packed.symbols)),
        np.concatenate((packed.costs, spoken.costs, packed.costs)),
    )
    place = places(Frames.of([whole]), [word], edges=Edges(most_before=4, most_after=5))[0]
    assert 30 + times[0][0] - 4 <= place.start <= 30 + times[0][0] + 4
    assert abs(place.stop - (30 + times[-1][1])) <= 5
