"""Words compared without context, against every pair by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from octavo.pipeline.encoders.word_pieces import MOST_PIECES, WordPieces

WORDS = ("pump", "pumps", "drum", "is", "dry")


def tokenised(text: str, **options: Any) -> dict[str, list[Any]]:
    """Splits at blanks; knows :data:`WORDS`."""
    assert options["truncation"]
    assert not options["add_special_tokens"]
    ids, offsets, at = [], [], 0
    for word in text.split()[: options["max_length"]]:
        at = text.index(word, at)
        ids.append(WORDS.index(word))
        offsets.append((at, at + len(word)))
        at += len(word)
    return {"input_ids": ids, "offset_mapping": offsets}


@pytest.fixture(scope="module")
def table() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(1).normal(3.0, 1.0, (len(WORDS), 8))).to(torch.bfloat16)


def test_each_piece_takes_the_best_of_all_pairs(table: torch.Tensor) -> None:
    bounds, nearest = WordPieces(tokenised, table).nearest("is pump dry", "pumps is drum drum")
    assert bounds.tolist() == [[0, 2], [3, 7], [8, 11]]
    rows = table.float().numpy() - table.float().numpy().mean(axis=0)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    for word, found in zip(("is", "pump", "dry"), nearest.tolist(), strict=True):
        pairs = [float(rows[WORDS.index(word)] @ rows[WORDS.index(other)]) for other in ("pumps", "is", "drum")]
        assert found == pytest.approx(max(pairs), abs=1e-5)
    assert nearest[0] == pytest.approx(1.0, abs=1e-5)


def test_nothing_is_like_nothing(table: torch.Tensor) -> None:
    pieces = WordPieces(tokenised, table)
    assert pieces.nearest("", "pump")[1].shape == (0,)
    assert pieces.nearest("pump dry", "")[1].tolist() == [0.0, 0.0]
    assert len(pieces.nearest("pump " * (MOST_PIECES + 9), "dry")[0]) == MOST_PIECES


def test_words_of_the_shipped_model_that_mean_the_same_are_near() -> None:
    from octavo.pipeline.encoders.text import TextEncoder

    bounds, nearest = TextEncoder(device="cpu").pieces.nearest("movie zebra", "The film was long.")
    assert bounds.tolist()[0] == [0, 5]
    assert nearest[0] > 0.4 > nearest[1:].max()
