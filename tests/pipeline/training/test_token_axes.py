"""The axes of token states: principal, orthonormal, and found again by the encoder whose folder they lie in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from octavo.pipeline.encoders.checkpoint import load_transformer
from octavo.pipeline.encoders.text import TextEncoder
from octavo.pipeline.encoders.token_axes import WEIGHTS, load_token_axes
from octavo.pipeline.errors import ModelError
from octavo.pipeline.token_states import TOKEN_WIDTH
from octavo.pipeline.training.token_axes import make_axes, principal_axes, states_of

from ..encoders.test_text import model_folder

__all__ = ["model_folder"]


@pytest.fixture
def books(tmp_path: Path) -> Path:
    folder = tmp_path / "books"
    folder.mkdir()
    for number, text in enumerate(("red pump one. ", "blue valve two. ", "three green. ")):
        (folder / f"{number}.txt").write_text(30 * text, encoding="utf-8")
    return folder


def test_principal_axes_keep_most(model_folder: Path) -> None:
    states = states_of(20 * "red pump one. blue valve two. ", load_transformer(str(model_folder)))
    np.testing.assert_allclose(states.norm(dim=1), 1, atol=1e-5)
    axes = principal_axes(states)
    np.testing.assert_allclose(axes.T @ axes, np.eye(16), atol=1e-5)
    kept = (states @ axes).square().mean(0)
    assert (kept[:-1] >= kept[1:] - 1e-6).all()
    others = torch.linalg.qr(torch.randn(16, 16, generator=torch.Generator().manual_seed(1)))[0]
    for count in (1, 4, 8):
        assert kept[:count].sum() >= (states @ others).square().mean(0)[:count].sum()


def test_an_encoder_takes_the_axes_in_its_folder(books: Path, model_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    for path in model_folder.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    assert TextEncoder(str(folder), "cpu").token_fingerprint == ""
    told: list[str] = []
    make_axes([books], str(folder), folder / WEIGHTS.name, tell=told.append)
    assert any("16 axes keep 100.0%" in line for line in told)
    encoder = TextEncoder(str(folder), "cpu")
    assert encoder.token_fingerprint == load_token_axes(folder / WEIGHTS.name).fingerprint
    pieces = encoder.read_question("red pump")[1]
    assert pieces is not None
    assert pieces.states.shape == (2, TOKEN_WIDTH)


def test_too_few_books_are_named(tmp_path: Path, model_folder: Path) -> None:
    with pytest.raises(ModelError, match=r"0 books in .*: give 3 at least"):
        make_axes([tmp_path], str(model_folder), tmp_path / "axes.safetensors")
