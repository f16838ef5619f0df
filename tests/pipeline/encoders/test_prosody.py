"""The prosody encoder with a projection made by hand, and the shipped one on voices made for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from octavo.pipeline.encoders.prosody import FORMAT, LIMIT, WEIGHTS, Projection, ProsodyEncoder, load_projection
from octavo.pipeline.errors import ModelError
from octavo.pipeline.voice.contour import contour
from octavo.pipeline.voice.functionals import FUNCTIONALS, functionals
from octavo.pipeline.voice.measures import Baseline
from octavo.tests.pipeline.voice import Floats, phrase
from safetensors.numpy import save_file

COUNT = len(FUNCTIONALS)


def projection(between: float = 4.0, within: float = 1.0, evidence: float = 10.0, width: int = 8) -> Projection:
    random = np.random.default_rng(5)
    matrix = random.normal(size=(COUNT, width - 1)).astype(np.float32)
    ones = np.ones(COUNT, np.float32)
    return Projection(0 * ones, between * ones, within * ones, matrix, evidence, 0.5)


def write(path: Path, made: Projection, **metadata: str) -> Path:
    save_file(made.tensors(), path, {"format": FORMAT, "functionals": " ".join(FUNCTIONALS), **metadata})
    return path


def rows(count: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).normal(size=(count, COUNT)).astype(np.float32)


def heard(values: Floats, seconds: float) -> Baseline:
    baseline = Baseline()
    for row in values:
        baseline.add(row, seconds)
    return baseline


def test_vectors_have_unit_length_and_the_declared_width(tmp_path: Path) -> None:
    encoder = ProsodyEncoder(write(tmp_path / "p.safetensors", projection(width=8)))
    found = encoder.encode(rows(7), heard(rows(5, 1), 3.0))
    assert found.shape == (7, encoder.width) == (7, 8)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    assert encoder.encode(rows(0).reshape(0, COUNT), Baseline()).shape == (0, 8)


def test_the_baseline_is_weighed_against_people_in_general() -> None:
    made = projection(between=4.0, within=1.0, evidence=10.0)
    own = rows(4, 2)
    found = made.normalise(rows(3), heard(own, 3.0))
    # By hand: four observations, worth 4 against within / between = 1 / 4; the population's mean is 0.
    centre = 4 * own.mean(axis=0) / (4 + 0.25)
    spread = (4 * own.var(axis=0) + 10) / 14
    np.testing.assert_allclose(found, LIMIT * np.tanh((rows(3) - centre) / np.sqrt(spread) / LIMIT), atol=1e-5)
    nobody = made.normalise(rows(3), Baseline())
    np.testing.assert_allclose(nobody, LIMIT * np.tanh(rows(3) / LIMIT), atol=1e-5)


def test_what_was_not_measured_is_as_usual() -> None:
    made = projection()
    row = rows(1)
    row[0, 5:] = np.nan
    found = made.normalise(row, heard(rows(4, 2), 3.0))
    assert np.all(found[0, 5:] == 0)
    vector = made.vectors(made.normalise(np.full((1, COUNT), np.nan, np.float32), Baseline()))
    np.testing.assert_allclose(vector[0], np.eye(1, 8, 7)[0])


def test_each_row_is_encoded_by_itself_and_always_alike() -> None:
    made, baseline = projection(), heard(rows(4, 2), 3.0)
    together = made.vectors(made.normalise(rows(9), baseline))
    alone = np.concatenate([made.vectors(made.normalise(rows(9)[n : n + 1], baseline)) for n in range(9)])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_the_fingerprint_names_the_weights(tmp_path: Path) -> None:
    first = ProsodyEncoder(write(tmp_path / "a.safetensors", projection()))
    again = ProsodyEncoder(write(tmp_path / "b.safetensors", projection()))
    other = ProsodyEncoder(write(tmp_path / "c.safetensors", projection(evidence=3.0)))
    assert first.fingerprint == again.fingerprint != other.fingerprint


def test_missing_foreign_and_damaged_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        load_projection(tmp_path / "none.safetensors")
    (tmp_path / "torn.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{")
    with pytest.raises(ModelError, match="cannot be read"):
        load_projection(tmp_path / "torn.safetensors")
    with pytest.raises(ModelError, match="train it again"):
        load_projection(write(tmp_path / "old.safetensors", projection(), functionals="f0 energy"))
    tensors = projection().tensors()
    del tensors["matrix"]
    metadata = {"format": FORMAT, "functionals": " ".join(FUNCTIONALS)}
    save_file(tensors, tmp_path / "part.safetensors", metadata)
    with pytest.raises(ModelError, match="lacks matrix"):
        load_projection(tmp_path / "part.safetensors")
    tensors = {**projection().tensors(), "means": np.full(COUNT, np.nan, np.float32)}
    save_file(tensors, tmp_path / "nan.safetensors", metadata)
    with pytest.raises(ModelError, match="damaged"):
        load_projection(tmp_path / "nan.safetensors")


def test_wrong_functionals_are_refused(tmp_path: Path) -> None:
    encoder = ProsodyEncoder(write(tmp_path / "p.safetensors", projection()))
    with pytest.raises(ValueError, match="functionals"):
        encoder.encode(np.zeros((2, 3), np.float32), Baseline())


def spoken(random: np.random.Generator, hertz: float, rate: float, level: float, span: float) -> Floats:
    return functionals(contour(phrase(random, hertz, rate, level, span)))


def test_shipped_weights_find_the_manner_and_not_the_voice() -> None:
    encoder = ProsodyEncoder(WEIGHTS)
    assert encoder.width <= 64
    random = np.random.default_rng(4)
    manners = {"agitated": (6, 6.0, -15.0, 5.0), "subdued": (-3, 2.5, -33.0, 0.7), "usual": (0, 4.0, -25.0, 2.0)}
    vectors = []
    for hertz in (100.0, 210.0):
        usual = np.stack([spoken(random, hertz, *manners["usual"][1:]) for _ in range(6)])
        rows = [spoken(random, hertz * 2 ** (step / 12), *how) for step, *how in manners.values() for _ in range(5)]
        vectors.append(encoder.encode(np.stack(rows), heard(usual, 2.5)))
    across = (vectors[0] @ vectors[1].T).reshape(3, 5, 3, 5).mean(axis=(1, 3))
    # On average agitated is nearest to agitated, subdued to subdued, usual to usual, from the other voice.
    assert across.argmax(axis=0).tolist() == across.argmax(axis=1).tolist() == [0, 1, 2], across
