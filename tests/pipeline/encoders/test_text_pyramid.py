"""The text pyramid: untrained it is plain pooling, trained it depends on the span and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from octavo.pipeline.document import Span
from octavo.pipeline.encoders.text import PYRAMID, TextEncoder, pyramid_file
from octavo.pipeline.encoders.text_pyramid import PyramidShape, TextPyramid, load_pyramid, save_pyramid
from octavo.pipeline.errors import ModelError
from octavo.pipeline.scale import DOCUMENT, PARAGRAPH, SECTION, SENTENCE

from .test_text import collect, model_folder, tree

__all__ = ["model_folder"]

WIDTH = 16
TEXT = [
    [["red green .", "blue valve one ."], ["pump two three ."]],
    [["green pump one two .", "valve red .", "blue blue ."]],
]


def random_pyramid() -> TextPyramid:
    torch.manual_seed(1)
    shape = PyramidShape(WIDTH, WIDTH, 13, channels=8)
    made = TextPyramid(shape)
    for part in (*made.mix, *made.out):
        torch.nn.init.normal_(part.weight, std=0.2)
    made.turn.data.copy_(torch.linalg.qr(torch.randn(WIDTH, WIDTH)).Q)
    made.token_weights.uniform_(0.1, 1.0)
    return made.eval()


@pytest.fixture
def file(model_folder: Path, tmp_path: Path) -> Path:
    plain = TextEncoder(str(model_folder), "cpu")
    made = random_pyramid()
    path = tmp_path / "made" / "text.safetensors"
    path.parent.mkdir()
    save_pyramid(made.state_dict(), made.shape, path, str(model_folder), plain.digest, {"told": "yes"})
    return path


def vectors(encoder: TextEncoder, documents: list[tuple[str, list[Span]]]) -> dict[tuple[int, str], np.ndarray]:
    made = list(encoder.encode(documents))
    scales = (SENTENCE, PARAGRAPH, SECTION, DOCUMENT)
    return {(at, scale.name): collect(made, at, scale)[1] for at in range(len(documents)) for scale in scales}


def test_untrained_it_is_plain_pooling(model_folder: Path) -> None:
    plain = TextEncoder(str(model_folder), "cpu", window_tokens=12)
    blank = TextPyramid(PyramidShape(WIDTH, WIDTH, 13, channels=8))
    turn = torch.linalg.qr(torch.randn(WIDTH, WIDTH, generator=torch.Generator().manual_seed(3))).Q
    blank.turn.data.copy_(turn)
    turned = TextEncoder(str(model_folder), "cpu", window_tokens=12, pyramid=blank.eval())
    expected, made = vectors(plain, [tree(TEXT)]), vectors(turned, [tree(TEXT)])
    for key, rows in expected.items():
        np.testing.assert_allclose(made[key], rows @ turn.numpy().T, atol=1e-5)
    asked = plain.encode_questions(["red valve"]) @ turn.numpy().T
    np.testing.assert_allclose(turned.encode_questions(["red valve"]), asked, atol=1e-5)


def test_company_makes_no_difference(model_folder: Path, file: Path) -> None:
    encoder = TextEncoder(str(file), "cpu", window_tokens=12)
    other = tree([[["two two ."]], [["three red one .", "pump ."]]])
    alone, together = vectors(encoder, [tree(TEXT)]), vectors(encoder, [other, tree(TEXT), other])
    for (_, scale), rows in alone.items():
        np.testing.assert_allclose(together[1, scale], rows, atol=1e-5)
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("width", [4, 8])
def test_prefixes_are_what_a_narrow_encoder_makes(file: Path, width: int) -> None:
    whole, narrow = TextEncoder(str(file), "cpu"), TextEncoder(str(file), "cpu", width=width)
    assert narrow.width == width
    assert narrow.fingerprint != whole.fingerprint
    cut = whole.encode_questions(["red valve", "two pump"])[:, :width]
    cut /= np.linalg.norm(cut, axis=1, keepdims=True)
    np.testing.assert_allclose(narrow.encode_questions(["red valve", "two pump"]), cut, atol=1e-5)
    for (_, _), rows in vectors(narrow, [tree(TEXT)]).items():
        assert rows.shape[1] == width


def test_a_file_its_folder_and_a_plain_model(file: Path, model_folder: Path) -> None:
    by_file, by_folder = TextEncoder(str(file), "cpu"), TextEncoder(str(file.parent), "cpu")
    plain = TextEncoder(str(model_folder), "cpu")
    assert by_file.fingerprint == by_folder.fingerprint != plain.fingerprint
    assert TextEncoder(str(model_folder), "cpu", width=WIDTH).fingerprint == plain.fingerprint
    assert pyramid_file(str(model_folder)) is None
    assert load_pyramid(file).metadata["told"] == "yes"


def test_refusals(file: Path, model_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be loaded"):
        TextEncoder(str(tmp_path / "none.safetensors"), "cpu")
    with pytest.raises(ModelError, match="octavo-text-1"):
        TextEncoder(str(model_folder / "model.safetensors"), "cpu")
    with pytest.raises(ModelError, match="not 17"):
        TextEncoder(str(file), "cpu", width=17)
    made = random_pyramid()
    other = tmp_path / "other.safetensors"
    save_pyramid(made.state_dict(), made.shape, other, str(model_folder), "elsewhere", {})
    with pytest.raises(ModelError, match="on top of another"):
        TextEncoder(str(other), "cpu")


def test_the_shipped_pyramid() -> None:
    encoder = TextEncoder(PYRAMID, "cpu", width=128)
    a, b, c = encoder.encode_questions(
        ["How is the filter cleaned?", "cleaning the filter", "The moon was full over the harbour."]
    )
    assert float(a @ b) > float(a @ c) + 0.2
