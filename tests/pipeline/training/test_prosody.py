"""The recipe of the prosody vector on a few voices made for it."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from octavo.pipeline.encoders.prosody import ProsodyEncoder
from octavo.pipeline.errors import ModelError
from octavo.pipeline.training.manner import Manner, apply_manner, draw_manner
from octavo.pipeline.training.prosody import edit, group, learn, normalised, retrieval, save, train, utterances
from octavo.pipeline.voice.contour import RATE, Contour, contour
from octavo.pipeline.voice.functionals import column, functionals
from octavo.pipeline.voice.measures import Baseline
from octavo.tests.pipeline.voice import SAMPLE_RATE, babble, phrase


@pytest.fixture(scope="module")
def spoken() -> list[tuple[str, Contour]]:
    random = np.random.default_rng(7)
    return [(f"voice {v}", contour(phrase(random, 90 + 15 * v))) for v in range(8) for _ in range(8)]


@pytest.fixture(scope="module")
def one(spoken: list[tuple[str, Contour]]) -> Contour:
    return spoken[0][1]


def moved(one: Contour, name: str, **manner: float) -> float:
    """How far an edit moves a functional."""
    edited = apply_manner(one, Manner(**manner), np.random.default_rng(0))
    return float(functionals(edited)[column(name)] - functionals(one)[column(name)])


def test_no_edit_changes_nothing(one: Contour) -> None:
    same = apply_manner(one, Manner(), np.random.default_rng(0))
    for part in fields(Contour):
        np.testing.assert_allclose(getattr(same, part.name), getattr(one, part.name), atol=1e-3, err_msg=part.name)


def test_an_edit_does_what_it_says(one: Contour) -> None:
    assert moved(one, "f0_p50", pitch=4.0) == pytest.approx(4, abs=0.1)
    wide = functionals(apply_manner(one, Manner(range=1.0), np.random.default_rng(0)))[column("f0_range")]
    assert wide == pytest.approx(2 * functionals(one)[column("f0_range")], rel=0.05)
    assert moved(one, "energy_p80", level=-6.0) == pytest.approx(-6, abs=0.1)
    assert moved(one, "tilt_mean", effort=2.0) == pytest.approx(2, abs=0.1)
    assert moved(one, "harmonicity_mean", breath=3.0) < -1
    assert moved(one, "f0_final", ending=5.0) > 3
    assert moved(one, "f0_slope", slope=2.0) == pytest.approx(2, abs=0.3)
    assert moved(one, "f0_jitter", tremor=1.0) > 0


def test_tempo_shortens_and_pauses_lengthen(one: Contour) -> None:
    random = np.random.default_rng(0)
    assert len(apply_manner(one, Manner(tempo=1.0), random)) == pytest.approx(len(one) / 2, abs=2)
    assert len(apply_manner(one, Manner(pauses=0.3), random)) >= len(one) + 12
    assert moved(one, "pauses", pauses=0.3) > 0.05


def test_drawn_manners_are_many_and_repeatable(one: Contour) -> None:
    drawn = [draw_manner(np.random.default_rng(seed)) for seed in range(50)]
    assert len(set(drawn)) == 50
    assert drawn[3] == draw_manner(np.random.default_rng(3))
    for manner in drawn:
        edited = apply_manner(one, manner, np.random.default_rng(1))
        assert len(edited) >= 3  # checked in the contour's constructor: shapes, no NaN


def test_groups_are_of_one_person(spoken: list[tuple[str, Contour]], one: Contour) -> None:
    short = ("voice 0", one.cut(slice(0, RATE // 2)))
    found = group([*spoken, *[("shy", one)] * 3, short], np.random.default_rng(0))
    assert sorted({speaker.name for speaker in found}) == [f"voice {v}" for v in range(8)]
    assert sum(len(speaker.contours) for speaker in found) == 64


def test_learned_vectors_find_a_manner_better_than_plain_functionals(spoken: list[tuple[str, Contour]]) -> None:
    random = np.random.default_rng(1)
    speakers = group(spoken, random)
    projection = learn(edit(speakers[:5], [draw_manner(random) for _ in range(30)], 10, random), width=16)
    trial = edit(speakers[5:], [draw_manner(random) for _ in range(8)], 6, random)
    rows = normalised(projection, trial)
    vectors = projection.vectors(rows)
    assert vectors.shape == (48, 16)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    chance = retrieval(random.normal(size=vectors.shape), trial)
    assert retrieval(vectors, trial) > 1.5 * chance
    assert retrieval(vectors, trial) > retrieval(rows, trial) - 0.05


def test_the_recipe_is_repeatable_and_its_weights_load(spoken: list[tuple[str, Contour]], tmp_path: Path) -> None:
    first, line = train(spoken, manners=12, each=8, seed=3)
    second, _ = train(spoken, manners=12, each=8, seed=3)
    np.testing.assert_array_equal(first.matrix, second.matrix)
    assert "held out" in line
    save(first, tmp_path / "weights" / "prosody.safetensors")
    encoder = ProsodyEncoder(tmp_path / "weights" / "prosody.safetensors")
    row = functionals(spoken[0][1])[None]
    np.testing.assert_allclose(
        encoder.encode(row, Baseline()), first.vectors(first.normalise(row, Baseline())), atol=1e-6
    )


def test_too_little_speech_is_refused(one: Contour, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no speaker"):
        train([("alone", one)])
    with pytest.raises(ModelError, match=r"manifest\.jsonl"):
        next(utterances(tmp_path))


def test_recordings_of_a_manifest_are_read(tmp_path: Path) -> None:
    soundfile = pytest.importorskip("soundfile")
    lines = []
    for number in range(4):
        soundfile.write(tmp_path / f"{number}.wav", babble(1.0, 4.0), SAMPLE_RATE)
        lines.append(json.dumps({"audio": f"{number}.wav", "speaker": "one"}))
    (tmp_path / "manifest.jsonl").write_text("\n".join(lines))
    found = list(utterances(tmp_path, most=2))
    assert [name for name, _ in found] == ["one", "one"]
    assert all(len(row) == RATE for _, row in found)
