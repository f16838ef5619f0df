"""Forced alignment against every path there is, and on posteriors whose truth is known."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise, product

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from octavo.pipeline.alignment import align, frames_needed, refine_times, words_to_align
from octavo.pipeline.document import TIMES_DTYPE, Block, Document, Source
from octavo.pipeline.phones import SYMBOLS, phone_ids
from octavo.pipeline.posteriors import FRAME, Posteriors

WORDS = {
    "press": ["P R EH S"],
    "four": ["F AO R"],
    "42": ["F AO R T UW", "F AO R T IY T UW"],
    "now": ["N AW"],
    "the": ["DH IY", "DH AH"],
    "valve": ["V AE L V"],
    "x7": ["EH K S S EH V AH N"],
}


def pronounce(word: str) -> Sequence[tuple[int, ...]]:
    return [phone_ids(way) for way in WORDS.get(word.lower(), [])]


def best_path(scores: npt.NDArray[np.float32], phones: Sequence[int]) -> float:
    """Log-probability of the likeliest path, by looking at all of them."""
    best = -np.inf
    for path in product(range(scores.shape[1]), repeat=len(scores)):
        if [symbol for symbol, _ in groupby(path) if symbol] == list(phones):
            best = max(best, sum(float(scores[frame, symbol]) for frame, symbol in enumerate(path)))
    return best


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.integers(1, 6), st.lists(st.integers(1, 3), min_size=1, max_size=4))
def test_the_best_of_all_paths(seed: int, frames: int, phones: list[int]) -> None:
    scores = np.random.default_rng(seed).normal(size=(frames, 4)).astype(np.float32)
    scores -= np.log(np.exp(scores).sum(1, keepdims=True))
    if frames_needed(phones) > frames:
        with pytest.raises(ValueError, match=r"need at least \d+ frames"):
            align(scores, phones)
        return
    spans = align(scores, phones)
    assert spans.shape == (len(phones), 2)
    assert np.all(spans[:, 0] < spans[:, 1])
    assert np.all(spans[1:, 0] >= spans[:-1, 1])
    path = np.zeros(frames, np.int64)
    for phone, (start, stop) in zip(phones, spans, strict=True):
        path[start:stop] = phone
    assert scores[np.arange(frames), path].sum() == pytest.approx(best_path(scores, phones), abs=1e-4)


def test_what_cannot_be_aligned() -> None:
    scores = np.zeros((4, SYMBOLS), np.float32)
    assert align(scores, []).shape == (0, 2)
    with pytest.raises(ValueError, match="columns 1 to 39"):
        align(scores, [0])
    with pytest.raises(ValueError, match="NaN"):
        align(np.full((4, SYMBOLS), np.nan, np.float32), [1])
    with pytest.raises(ValueError, match=r"\(T, symbols\)"):
        align(scores[0], [1])
    assert len(align(np.full((4, SYMBOLS), -np.inf, np.float32), [1, 2])) == 2


def heard(phones: str, frames_each: int = 3, noise: float = 0.0, seed: int = 0) -> Posteriors:
    """Posteriors in which each phone lasts some frames; ``_`` is silence."""
    sequence = [0 if name == "_" else phone_ids(name)[0] for name in phones.split() for _ in range(frames_each)]
    scores = np.random.default_rng(seed).normal(0, noise or 1e-3, (len(sequence), SYMBOLS))
    scores[np.arange(len(sequence)), sequence] += 6
    scores -= np.log(np.exp(scores).sum(1, keepdims=True))
    return Posteriors.pack(scores.astype(np.float32))


def document(text: str, rows: list[tuple[int, int, int, int]]) -> Document:
    source = Source("/talk.wav", "audio/wav", "0" * 64)
    return Document(source, text, (Block(0, len(text)),), times=np.array(rows, TIMES_DTYPE))


def frames_of(refined: Document, origin: int = 0) -> list[tuple[str, float, float]]:
    return [
        (
            refined.text[row["start"] : row["stop"]],
            (int(row["from"]) - origin) / FRAME,
            (int(row["to"]) - origin) / FRAME,
        )
        for row in refined.times
    ]


@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_words_of_a_cue(noise: float) -> None:
    text = "Anna: Press 42, now!"
    start = 8 * FRAME
    said = heard("_ P R EH S _ F AO R T IY T UW N AW _", noise=noise)
    cue = document(text, [(6, 20, start, start + 48 * FRAME)])
    asked: list[str] = []

    def asking(word: str) -> Sequence[tuple[int, ...]]:
        asked.append(word)
        return pronounce(word)

    refined = refine_times(cue, [(start, said)], asking)
    assert asked == words_to_align(cue) == ["Press", "42", "now"]
    truth = [("Press", 3, 15), ("42,", 18, 39), ("now!", 39, 45)]
    for (word, first, last), (expected, true_first, true_last) in zip(frames_of(refined, start), truth, strict=True):
        assert word == expected
        assert abs(first - true_first) <= 1
        assert abs(last - true_last) <= 1
    assert refined.flags == ()


def test_a_word_nobody_can_pronounce_takes_what_is_left() -> None:
    text = "press Qwyx Zzt now"
    said = heard("P R EH S _ K UH K S AH T S IH T _ N AW")
    refined = refine_times(document(text, [(0, len(text), 0, 51 * FRAME)]), [(0, said)], pronounce)
    rows = frames_of(refined)
    assert [row[0] for row in rows] == ["press", "Qwyx", "Zzt", "now"]
    assert rows[0][1:] == (0, 12)
    assert rows[3][1:] == (45, 51)
    assert abs(rows[1][1] - 15) <= 1
    assert rows[1][2] == rows[2][1]
    assert abs(rows[2][2] - 42) <= 1


def test_words_stay_in_their_cue_and_skip_silence_between_utterances() -> None:
    text = "press now press now"
    first, second = heard("P R EH S N AW"), heard("P R EH S N AW")
    late = 18 * FRAME + 16_000
    rows = [(0, 9, 0, 18 * FRAME), (10, 19, 18 * FRAME, late + 18 * FRAME)]
    refined = refine_times(document(text, rows), [(0, first), (late, second)], pronounce)
    assert [(row[1], row[2]) for row in frames_of(refined)] == [(0, 12), (12, 18), (68, 80), (80, 86)]


def test_sharing_by_letters_where_nothing_was_heard() -> None:
    text = "press now please"
    refined = refine_times(document(text, [(0, 16, 100, 1500)]), [], pronounce)
    assert refined.times.tolist() == [(0, 5, 100, 600), (6, 9, 600, 900), (10, 16, 900, 1500)]
    assert [flag.code for flag in refined.flags] == ["transcript-unaligned"]
    too_short = refine_times(document(text, [(0, 16, 0, 960)]), [(0, heard("P", 3))], pronounce)
    assert [flag.code for flag in too_short.flags] == ["transcript-unaligned"]


def test_numbers_are_aligned_again_where_words_have_times() -> None:
    text = "press 42 now"
    said = heard("P R EH S F AO R T IY T UW N AW")
    rows = [(0, 5, 0, 14 * FRAME), (6, 8, 14 * FRAME, 20 * FRAME), (9, 12, 30 * FRAME, 39 * FRAME)]
    refined = frames_of(refine_times(document(text, rows), [(0, said)], pronounce))
    assert refined == [("press", 0, 14), ("42", 12, 33), ("now", 30, 39)]
    first = refine_times(
        document("42 press", [(0, 2, 0, 6400), (3, 8, 6400, 10240)]), [(0, heard("F AO R T UW"))], pronounce
    )
    assert first.times[0]["from"] == 0


@settings(max_examples=25)
@given(st.data())
def test_any_cues_give_rows_in_order(data: st.DataObject) -> None:
    words = data.draw(st.lists(st.sampled_from([*WORDS, "qwyx", "?!"]), min_size=1, max_size=8))
    text = " ".join(words)
    bounds = np.concatenate(([0], np.cumsum([len(word) + 1 for word in words])))
    cuts = sorted({0, len(words), *data.draw(st.lists(st.integers(0, len(words)), max_size=3))})
    rows = []
    for left, right in pairwise(cuts):
        start = data.draw(st.integers(0, 60_000))
        rows.append((int(bounds[left]), int(bounds[right]) - 1, start, start + data.draw(st.integers(1, 40_000))))
    said = [(3000, heard("P R EH S _ N AW", noise=1.0)), (20_000, heard("F AO R T UW V AE L V", noise=2.0))]
    refined = refine_times(document(text, rows), said, pronounce)
    assert [text[row["start"] : row["stop"]] for row in refined.times] == words
    assert np.all(refined.times["from"] < refined.times["to"])
