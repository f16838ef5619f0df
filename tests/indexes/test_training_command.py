"""``octavo train``: options reach the recipes, progress goes to standard error, and what is missing is said."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from octavo import cli
from octavo.pipeline.encoders import prosody as prosody_encoder
from octavo.pipeline.encoders.hearing_network import TRUNK_SHAPE
from octavo.pipeline.encoders.prosody import load_projection
from octavo.pipeline.training import character, pronunciation, prosody, speech_recipe, spelling_pairs
from octavo.pipeline.training.character import CharacterRecipe
from octavo.pipeline.training.speech import SpeechRecipe
from octavo.pipeline.training.spelling_channel import ChannelRecipe
from octavo.pipeline.training.word_space import WordSpaceRecipe


@pytest.fixture
def octavo(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def run(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        return (cli.main(["train", *map(str, arguments)]), *capsys.readouterr())

    return run


@pytest.fixture
def lexicon(tmp_path: Path) -> Path:
    path = tmp_path / "cmudict.dict"
    path.write_text("cat K AE T\n")
    return path


def test_it_explains_itself(octavo: Any) -> None:
    code, out, _ = octavo("--help")
    assert code == cli.DONE
    assert all(name in out for name in ("speech", "pronunciation", "prosody"))


def test_speech(octavo: Any, lexicon: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def train_speech(speech: Path, lexicon: Path, text: Path, out: Path, **options: Any) -> Path:
        asked.update(options, speech=speech, text=text)
        options["tell"]("step 1/7")
        return out / "speech.safetensors"

    monkeypatch.setattr(speech_recipe, "train_speech", train_speech)
    given = ("--speech", tmp_path, "--lexicon", lexicon, "--text", tmp_path, "--out", tmp_path / "out")
    code, out, err = octavo("speech", *given, "--steps", 7, "--seed", 3, "--processes", 2, "--device", "cpu")
    assert (code, out, err) == (cli.DONE, f"{tmp_path / 'out' / 'speech.safetensors'}\n", "step 1/7\n")
    assert asked["recipe"] == SpeechRecipe(steps=7, seed=3)
    assert asked["words"] == WordSpaceRecipe(seed=3)
    assert (asked["device"], asked["processes"]) == ("cpu", 2)
    assert octavo("speech", *given, "--trunk", "some/model", "--device", "cpu")[0] == cli.DONE
    assert asked["recipe"] == SpeechRecipe(trunk="some/model", shape=TRUNK_SHAPE)


def test_pronunciation(octavo: Any, lexicon: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def train(lexicon: Path, out: Path, **options: Any) -> dict[str, str]:
        asked.update(options, lexicon=lexicon, out=out)
        options["progress"](pronunciation.TrainingProgress(1, 2, 3.0, 0.25, 9.0))
        return {"held out": "as scored"}

    monkeypatch.setattr(pronunciation, "train", train)
    given = ("--lexicon", lexicon, "--out", tmp_path / "out")
    code, out, err = octavo("pronunciation", *given, "--epochs", 2, "--minutes", 0.5, "--device", "cpu")
    assert (code, out) == (cli.DONE, "held out: as scored\n")
    assert err == "epoch 1/2  loss 3.000  watched phone error 25.00%  9 s\n"
    assert (asked["lexicon"], asked["out"]) == (lexicon, tmp_path / "out")
    assert (asked["epochs"], asked["minutes"], asked["device"], asked["seed"]) == (2, 0.5, "cpu", 1)


def test_prosody(octavo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped, digest = load_projection(prosody_encoder.WEIGHTS)
    monkeypatch.setattr(prosody, "utterances", lambda folder: iter([("ann", None)] * 500))
    monkeypatch.setattr(prosody, "train", lambda spoken, manners, seed: (shipped, f"{len(spoken)} {manners} {seed}"))
    code, out, err = octavo("prosody", "--speech", tmp_path, "--out", tmp_path / "out", "--manners", 9, "--seed", 4)
    path = tmp_path / "out" / "prosody.safetensors"
    assert (code, out, err) == (cli.DONE, f"500 9 4\n{path}\n", "500 utterances measured\n")
    assert load_projection(path)[1] == digest


def test_what_is_missing_is_said(octavo: Any, lexicon: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = ("--lexicon", lexicon, "--text", tmp_path, "--out", tmp_path / "out")
    assert octavo("speech", "--speech", tmp_path / "no", *given)[0] == cli.USAGE
    code, _, err = octavo("prosody", "--speech", tmp_path, "--out", tmp_path / "out")
    assert code == cli.FAILED
    assert "manifest.jsonl" in err
    monkeypatch.setitem(sys.modules, "soundfile", None)
    code, _, err = octavo("prosody", "--speech", tmp_path, "--out", tmp_path / "out")
    assert code == cli.FAILED
    assert "octavo[train]" in err


def test_character(octavo: Any, lexicon: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def read_material(*given: Any, **options: Any) -> str:
        asked.update(options, material=given)
        return "material"

    def train(material: str, out: Path, recipe: CharacterRecipe, **options: Any) -> Path:
        asked.update(options, recipe=recipe)
        assert material == "material"
        options["tell"]("step 1/7")
        return out / "character.safetensors"

    monkeypatch.setattr(spelling_pairs, "read_material", read_material)
    monkeypatch.setattr(character, "train", train)
    given = ("--text", tmp_path, "--lexicon", lexicon, "--out", tmp_path / "out", "--device", "cpu")
    code, out, err = octavo("character", *given, "--typed", tmp_path, "--steps", 7, "--channel-steps", 5, "--seed", 3)
    assert (code, out, err) == (cli.DONE, f"{tmp_path / 'out' / 'character.safetensors'}\n", "step 1/7\n")
    assert asked["material"] == ([tmp_path], lexicon, [tmp_path])
    assert asked["seed"] == 3
    assert asked["recipe"] == CharacterRecipe(steps=7, seed=3)
    assert asked["channel"] == ChannelRecipe(steps=5, seed=3)
    assert (asked["device"], asked["every"]) == ("cpu", 500)
