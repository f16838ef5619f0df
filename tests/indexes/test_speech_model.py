"""A speech model of one's own, trained on a random trunk: recordings go in and are found by it, and by no other."""

from __future__ import annotations

import json
import shutil
import wave
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from octavo import cli
from octavo.indexes.doctor import State, check_knowledge_base
from octavo.indexes.sound.calibration_fit import write_header
from octavo.indexes.sound.edges_fit import heads, network_of, phone_bounds
from octavo.indexes.sound.hearing import Hearing
from octavo.indexes.sound.keyword import Edges
from octavo.indexes.sound.speech_models import load_speech_encoder, stored_calibration, stored_edges
from octavo.pipeline.encoders.one_thread import one_thread
from octavo.pipeline.encoders.speech import WEIGHTS, SpeechEncoder
from octavo.pipeline.errors import ModelError
from octavo.pipeline.phones import SYMBOLS, phone_ids
from octavo.pipeline.training.speech import Progress, train
from octavo.pipeline.training.speech_recipe import finish
from octavo.pipeline.training.word_space import WordSpaceRecipe

from ..pipeline.encoders.trunk_world import EASY, made_easy, offline, tone_corpus, tones, trunk_folder  # noqa: F401
from .sound_world import FakePronouncer, FakeSpeech

SAID = {
    "first.wav": ("K IY T IY S", "S T AE K", "T IY K AE"),
    "second.wav": ("T IY S IY", "K AE T S IY", "AE K IY T"),
}
"""What is said in each recording, a second of silence between."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that knows the language of tones, its trunk beside it."""
    folder = tmp_path_factory.mktemp("trained")
    corpus = tone_corpus(folder / "corpus")
    recipe = replace(EASY, trunk=str(trunk_folder(folder / "trunk")))
    told: list[Progress] = []
    with one_thread, pytest.MonkeyPatch.context() as monkeypatch:
        made_easy(monkeypatch)
        network = train([(corpus, 1.0)], folder, recipe, tell=told.append, every=25)
        words = WordSpaceRecipe(steps=60, batch=128)
        path = finish(network, [corpus], folder, recipe, words, scores={}, tell=lambda line: None)
    assert told[-1].loss < 0.1 * told[0].loss
    assert (told[-1].phone_error_rate or 0) < 10
    return path


@pytest.fixture
def model(trained: Path, tmp_path: Path) -> Path:
    """The same, free to be moved."""
    (tmp_path / "model").mkdir()
    return Path(shutil.copy(trained, tmp_path / "model" / "speech.safetensors"))


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "a.md").write_text("# Keys\n\nThe spare key hangs in the blue cupboard.\n")
    for name, lines in SAID.items():
        write(folder / name, lines)
    return folder


def write(path: Path, lines: tuple[str, ...]) -> None:
    parts = [np.zeros(16_000, np.int16)]
    for number, line in enumerate(lines):
        parts += [tones(phone_ids(line), 100 + number)[0], np.zeros(16_000, np.int16)]
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(np.concatenate(parts).tobytes())


@pytest.fixture
def octavo(capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    def run(*arguments: object, code: int = cli.DONE) -> Any:
        capsys.readouterr()
        given = [*map(str, arguments), "--json"]
        assert cli.main(given) == code, capsys.readouterr()
        return json.loads(capsys.readouterr().out)

    return run


def test_recordings_go_in_and_typed_words_find_them(octavo: Any, model: Path, files: Path, tmp_path: Path) -> None:
    kb = tmp_path / "kb"
    planned = octavo("ingest", files, "--kb", kb, "--speech-model", model, "--dry-run")
    assert planned["codes"] == {"added": 3}
    made = octavo("ingest", files, "--kb", kb, "--speech-model", model)
    assert made["codes"] == {"added": 3}
    counts = {Path(one["uri"]).name: one["counts"] for one in made["outcomes"]}
    assert counts["first.wav"]["utterance"] > 0
    status = octavo("status", "--kb", kb)
    assert status["speech_model"] == str(model)
    by_scale = {one["scale"]: one["fingerprint"] for one in status["scales"]}
    assert by_scale["phoneme"] == SpeechEncoder(model, "cpu").phoneme_fingerprint

    def found(word: str) -> tuple[str, float, float]:
        answer = octavo("search", word, "--kb", kb, "--scale", "phoneme")
        hit = answer["hits"][0]
        return Path(hit["source"]["uri"]).name, hit["place"]["start_seconds"], hit["place"]["stop_seconds"]

    name, start, stop = found("stack")
    # Behind the first line, of 5 phones of 0.12 s between silences of 0.2 s, and a second of silence on either side.
    begins = 1 + (0.4 + 5 * 0.12) + 1 + 0.2
    assert name == "first.wav"
    assert start == pytest.approx(begins, abs=0.1)
    assert stop == pytest.approx(begins + 4 * 0.12, abs=0.1)
    assert found("cats")[0] == "second.wav"


def test_the_knowledge_base_remembers_it(octavo: Any, model: Path, files: Path, tmp_path: Path) -> None:
    kb = tmp_path / "kb"
    octavo("ingest", files / "a.md", files / "first.wav", "--kb", kb, "--speech-model", model)
    made = octavo("ingest", files, "--kb", kb)
    assert made["codes"] == {"added": 1, "unchanged": 2}
    assert octavo("ingest", files, "--kb", kb, "--dry-run")["codes"] == {"unchanged": 3}
    names = tmp_path / "names.txt"  # with these, the command makes ears of its own
    names.write_text("Xqzt = S T AE K\n")
    answer = octavo("search", "Xqzt", "--kb", kb, "--scale", "phoneme", "--respellings", names)
    assert Path(answer["hits"][0]["source"]["uri"]).name == "first.wav"


def test_a_model_that_was_moved_is_asked_for_and_named_anew(
    octavo: Any, model: Path, files: Path, tmp_path: Path
) -> None:
    kb = tmp_path / "kb"
    octavo("ingest", files, "--kb", kb, "--speech-model", model)
    moved = model.rename(tmp_path / "moved.safetensors")
    for command in (("ingest", files), ("search", "stack", "--scale", "phoneme")):
        error = octavo(*command, "--kb", kb, code=cli.FAILED)["error"]
        assert error["code"] == "model"
        assert f"{model} is not there" in error["message"]
        assert "octavo ingest --speech-model" in error["message"]
    assert f"its speech model {model} is gone" in check_knowledge_base(kb).found
    assert octavo("ingest", files, "--kb", kb, "--speech-model", moved)["codes"] == {"unchanged": 3}
    assert octavo("status", "--kb", kb)["speech_model"] == str(moved)
    assert check_knowledge_base(kb).state is State.OK
    answer = octavo("search", "stack", "--kb", kb, "--scale", "phoneme")
    assert Path(answer["hits"][0]["source"]["uri"]).name == "first.wav"


def test_it_can_be_given_up_for_the_shipped_one(octavo: Any, model: Path, files: Path, tmp_path: Path) -> None:
    kb = tmp_path / "kb"
    octavo("ingest", files, "--kb", kb, "--speech-model", model)
    error = octavo("ingest", files, "--kb", kb, "--speech-model", "shipped", code=cli.FAILED)["error"]
    assert error["code"] == "fingerprint"
    assert octavo("status", "--kb", kb)["speech_model"] == str(model), "nothing was touched"
    octavo("ingest", files, "--kb", kb, "--speech-model", "shipped", "--rehear")
    status = octavo("status", "--kb", kb)
    assert status["speech_model"] == ""
    by_scale = {one["scale"]: one["fingerprint"] for one in status["scales"]}
    assert by_scale["phoneme"] == SpeechEncoder(WEIGHTS, "cpu").phoneme_fingerprint
    model.unlink()
    assert octavo("ingest", files, "--kb", kb)["codes"] == {"unchanged": 3}


def test_another_model_is_refused(octavo: Any, model: Path, files: Path, tmp_path: Path) -> None:
    kb = tmp_path / "kb"
    octavo("ingest", files / "first.wav", "--kb", kb, "--speech-model", model)
    error = octavo("ingest", files, "--kb", kb, "--speech-model", WEIGHTS, code=cli.FAILED)["error"]
    assert error["code"] == "fingerprint"
    assert SpeechEncoder(WEIGHTS, "cpu").phoneme_fingerprint in error["message"]
    assert "octavo ingest --rehear" in error["message"]
    status = octavo("status", "--kb", kb)
    assert (status["sources"], status["speech_model"]) == (1, str(model)), "nothing was touched"
    shutil.copy(WEIGHTS, model)  # trained anew, perhaps
    for command in (("ingest", files), ("search", "--audio", files / "first.wav", "--scale", "phoneme")):
        assert octavo(*command, "--kb", kb, code=cli.FAILED)["error"]["code"] == "fingerprint"


def test_after_an_update_text_answers_and_recordings_are_heard_anew(
    octavo: Any, model: Path, files: Path, tmp_path: Path
) -> None:
    kb = tmp_path / "kb"
    octavo("ingest", files, "--kb", kb, "--speech-model", model)
    shutil.copy(WEIGHTS, model)  # as an update of Octavo changes the shipped one
    answer = octavo("search", "Where does the spare key hang?", "--kb", kb)
    assert Path(answer["hits"][0]["source"]["uri"]).name == "a.md"
    assert answer["warnings"][0].startswith("recordings were not listened to: the phoneme vectors were made by")
    assert "octavo ingest --rehear" in answer["warnings"][0]
    assert "octavo ingest FILES" in check_knowledge_base(kb).advice
    assert octavo("ingest", files, "--kb", kb, "--rehear", "--dry-run")["codes"] == {"unchanged": 1, "updated": 2}
    assert octavo("ingest", files, "--kb", kb, "--rehear")["codes"] == {"unchanged": 1, "updated": 2}
    by_scale = {one["scale"]: one["fingerprint"] for one in octavo("status", "--kb", kb)["scales"]}
    assert by_scale["phoneme"] == SpeechEncoder(WEIGHTS, "cpu").phoneme_fingerprint
    assert octavo("search", "Where does the spare key hang?", "--kb", kb)["warnings"] == []
    assert check_knowledge_base(kb).state is State.OK


def test_its_calibration_and_edges_are_its_own(model: Path) -> None:
    assert stored_edges(str(model)) == Edges()
    edges = replace(Edges(), before=0.7)
    write_header(model, {"edges": edges.to_json(), "calibration": replace(stored_calibration(), bias=2.5).to_json()})
    ears = Hearing(model=str(model))
    assert ears.edges == edges
    assert ears.calibration.bias == 2.5
    assert stored_edges() != edges, "of the shipped model"


def test_ears_stand_on_the_model_of_the_knowledge_base_unless_they_have_their_own(model: Path) -> None:
    given = FakePronouncer()
    ears = Hearing(given, device="cpu").on(str(model))
    assert ears.pronouncer is given
    assert ears.speech.phoneme_fingerprint == SpeechEncoder(model, "cpu").phoneme_fingerprint
    fake = Hearing(given, FakeSpeech())
    assert fake.on(str(model)) is fake
    assert ears.on("another") is ears
    with pytest.raises(ModelError, match="is not there"):
        load_speech_encoder("cpu", "another")


def test_edges_are_fitted_on_the_same_network(model: Path) -> None:
    said = phone_ids("S T AE K")
    samples, times = tones(said, 1)
    phones, frames = heads(network_of(model), (samples / 32768).astype(np.float32))
    assert phones.shape == frames.shape == (len(samples) // 320, SYMBOLS)
    bounds = phone_bounds(frames, said) * 320
    for (start, stop), timed in zip(bounds, times, strict=True):
        assert start == pytest.approx(timed.start, abs=640)
        assert stop == pytest.approx(timed.stop, abs=640)
