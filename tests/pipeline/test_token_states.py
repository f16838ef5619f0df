"""Token states: what is kept of a word piece, and how near the nearest one of each sentence comes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from octavo.pipeline import token_states
from octavo.pipeline.embed import Embeddings
from octavo.pipeline.scale import PARAGRAPH, SENTENCE
from octavo.pipeline.token_states import TOKEN_WIDTH, TokenStates, read, rounded


def units(count: int, seed: int) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((count, TOKEN_WIDTH)).astype(np.float32)
    made: np.ndarray = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return made


@given(counts=st.lists(st.integers(0, 4), min_size=1, max_size=8), asked=st.integers(1, 5), seed=st.integers(0, 2**16))
def test_the_nearest_piece_of_each_sentence_by_brute_force(counts: list[int], asked: int, seed: int) -> None:
    codes = rounded(units(sum(counts), seed))
    bounds = np.cumsum([0, *counts])
    question = units(asked, seed + 1)
    found = TokenStates(codes, bounds, "made").nearest(question)
    whole, token_states._AT_ONCE = token_states._AT_ONCE, 3
    try:
        np.testing.assert_allclose(TokenStates(codes, bounds, "made").nearest(question), found, atol=1e-6)
    finally:
        token_states._AT_ONCE = whole
    assert found.shape == (len(counts), asked)
    for sentence, (start, stop) in enumerate(pairwise(bounds.tolist())):
        for piece in range(asked):
            cosines = [float(read(codes[at : at + 1])[0] @ question[piece]) for at in range(start, stop)]
            assert found[sentence, piece] == pytest.approx(max(cosines, default=0.0), abs=1e-5)


@given(counts=st.lists(st.integers(0, 4), max_size=8))
def test_blobs_come_back(counts: list[int]) -> None:
    states = TokenStates(rounded(units(sum(counts), 1)), np.cumsum([0, *counts]), "made")
    back = TokenStates.from_blobs(states.blobs(), "made")
    np.testing.assert_array_equal(back.codes, states.codes)
    np.testing.assert_array_equal(back.bounds, states.bounds)


@given(arrays(np.float32, TOKEN_WIDTH, elements=st.floats(-0.5, 0.5, width=32)))
def test_rounding_moves_a_number_by_half_a_step_at_most(row: np.ndarray) -> None:
    assert np.abs(read(rounded(row[None]))[0] - row).max() <= 0.5 * 0.6 / 127 + 1e-6


def test_what_is_too_large_is_cut_off() -> None:
    assert rounded(np.array([[1.0, -1.0]], np.float32)).tolist() == [[127, -127]]


@pytest.mark.parametrize(
    ("codes", "bounds"),
    [
        (np.zeros((2, TOKEN_WIDTH), np.float32), [0, 2]),
        (np.zeros((2, 8), np.int8), [0, 2]),
        (np.zeros((2, TOKEN_WIDTH), np.int8), [0, 1]),
        (np.zeros((2, TOKEN_WIDTH), np.int8), [0, 2, 1, 2]),
        (np.zeros((2, TOKEN_WIDTH), np.int8), []),
    ],
)
def test_what_does_not_fit_is_refused(codes: np.ndarray, bounds: list[int]) -> None:
    with pytest.raises(ValueError, match="token states"):
        TokenStates(codes, np.array(bounds, np.int64), "made")


def test_half_a_word_piece_is_refused() -> None:
    with pytest.raises(ValueError, match="33 bytes"):
        TokenStates.from_blobs([bytes(TOKEN_WIDTH), bytes(33)], "made")


def test_only_sentences_have_token_states_and_all_of_them() -> None:
    vectors, spans = np.eye(2, 4, dtype=np.float32), np.arange(2)
    one = TokenStates(np.zeros((3, TOKEN_WIDTH), np.int8), np.array([0, 3]), "made")
    two = TokenStates(np.zeros((3, TOKEN_WIDTH), np.int8), np.array([0, 1, 3]), "made")
    assert Embeddings(SENTENCE, vectors, spans, "made", two).tokens is two
    for scale, tokens in ((SENTENCE, one), (PARAGRAPH, two)):
        with pytest.raises(ValueError, match="token states of"):
            Embeddings(scale, vectors, spans, "made", tokens)
