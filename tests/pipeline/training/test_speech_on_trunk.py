"""Training on a frozen speech model: the same loop learns a language of tones, and says on what it stands."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from octavo import cli
from octavo.pipeline.encoders.hearing_network import TRUNK_SHAPE
from octavo.pipeline.encoders.speech import SpeechEncoder
from octavo.pipeline.encoders.speech_checkpoint import SpeechCheckpoint
from octavo.pipeline.encoders.speech_trunk import KINDS, load_trunk
from octavo.pipeline.errors import ModelError
from octavo.pipeline.training.speech import Progress, SpeechRecipe, train
from octavo.pipeline.training.speech_batches import batches
from octavo.pipeline.training.speech_corpus import SpeechCorpus
from octavo.pipeline.training.speech_frontend import LogMel, TrunkStates, load_frontend
from octavo.pipeline.training.speech_recipe import finish, train_speech
from octavo.pipeline.training.wave_augmentation import augmented, masked_states
from octavo.pipeline.training.word_space import WordSpaceRecipe
from safetensors.torch import load_file

from ..encoders.trunk_world import SPOKEN, offline, tone_corpus, tones, trunk_folder  # noqa: F401

SMALL = SpeechRecipe(
    steps=6,
    batch_seconds=8,
    learning_rate=4e-3,
    warm_up=2,
    held_out=0.2,
    framewise_steps=0,
    shape=replace(TRUNK_SHAPE, channels=(64,) * 4),
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tone_corpus(tmp_path_factory.mktemp("tones"))


@pytest.fixture(scope="module", params=KINDS)
def trunk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trunk_folder(tmp_path_factory.mktemp("trunk") / request.param, request.param)


@pytest.fixture(scope="module")
def wav2vec2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trunk_folder(tmp_path_factory.mktemp("trunk") / "own")


def test_the_loss_falls_on_every_kind_and_the_trunk_stays(corpus: Path, trunk: Path, tmp_path: Path) -> None:
    told: list[Progress] = []
    before = (trunk / "model.safetensors").read_bytes()
    recipe = replace(SMALL, steps=24, trunk=str(trunk))
    network = train([(corpus, 1.0)], tmp_path, recipe, tell=told.append, every=6)
    assert [one.step for one in told] == [6, 12, 18, 24]
    assert told[-1].loss < 0.7 * told[0].loss
    assert told[-1].phone_error_rate is not None
    said: list[str] = []
    words = WordSpaceRecipe(steps=3, batch=32)
    path = finish(network, [corpus], tmp_path, recipe, words, scores={}, tell=said.append)
    assert "words: step 3/3" in said[-1]
    made = SpeechCheckpoint.open(path)
    assert made.trunk == load_trunk(str(trunk)).identity
    # None of the trunk's weights, and of ours in half precision.
    assert {name.split(".")[0] for name in made.tensors} == {"network", "windows", "sequences"}
    assert "network.stem.weights" in made.tensors
    assert path.stat().st_size < 2_000_000
    assert (trunk / "model.safetensors").read_bytes() == before
    # How much each layer counts was learned.
    weights = made.hearing().network.get_parameter("stem.weights")
    assert weights.shape == (made.trunk.layers,)
    assert bool(weights.std() > 0)
    encoder = SpeechEncoder(path, "cpu")
    pcm, _ = tones(SPOKEN, 1)
    encoder.hear((pcm / 32768).astype(np.float32))


def test_the_same_seed_gives_the_same_weights(corpus: Path, wav2vec2: Path, tmp_path: Path) -> None:
    recipe = replace(SMALL, steps=3, trunk=str(wav2vec2))
    one = load_file(train([(corpus, 1.0)], tmp_path / "one", recipe))
    two = load_file(train([(corpus, 1.0)], tmp_path / "two", recipe))
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_a_stopped_run_goes_on_where_it_was_and_on_the_same_trunk_alone(
    corpus: Path, wav2vec2: Path, tmp_path: Path
) -> None:
    class Stopped(Exception):
        pass

    def stop(progress: Progress) -> None:
        raise Stopped

    recipe = replace(SMALL, trunk=str(wav2vec2))
    with pytest.raises(Stopped):
        train([(corpus, 1.0)], tmp_path / "out", recipe, tell=stop, every=4)
    for other in (replace(recipe, trunk=""), replace(recipe, trunk=str(trunk_folder(tmp_path / "other", "hubert")))):
        with pytest.raises(ModelError, match=r"another recipe \(trunk was .*own.* and is .*take another folder"):
            train([(corpus, 1.0)], tmp_path / "out", other)
    told: list[Progress] = []
    train([(corpus, 1.0)], tmp_path / "out", recipe, tell=told.append, every=1)
    assert [one.step for one in told] == [5, 6]


def test_what_is_made_already_stays_on_its_trunk(corpus: Path, wav2vec2: Path, tmp_path: Path) -> None:
    recipe = replace(SMALL, steps=1, trunk=str(wav2vec2))
    train([(corpus, 1.0)], tmp_path, recipe)
    nothing = tmp_path / "nothing"
    with pytest.raises(ModelError, match=r"speech_network.safetensors was trained on .*own, not on none"):
        train_speech(nothing, nothing, nothing, tmp_path, recipe=replace(recipe, trunk=""))
    with pytest.raises(ModelError, match="cannot be loaded"):  # before any corpus is made
        train_speech(nothing, nothing, nothing, tmp_path / "new", recipe=replace(recipe, trunk=str(nothing)))


def test_one_command_makes_a_model(wav2vec2: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("real", "flite", "espeak", "festival"):  # made already: what makes them has tests of its own
        tone_corpus(tmp_path / "out" / "corpora" / name, 40)
    lexicon = tmp_path / "cmudict.dict"
    lexicon.write_text("cat K AE T\n")
    given = ["--speech", tmp_path, "--lexicon", lexicon, "--text", tmp_path, "--out", tmp_path / "out"]
    short = ["--steps", 2, "--word-steps", 2, "--device", "cpu"]
    assert cli.main(["train", "speech", *map(str, [*given, *short, "--trunk", wav2vec2])]) == cli.DONE
    made = Path(capsys.readouterr().out.strip())
    assert made == tmp_path / "out" / "speech.safetensors"
    opened = SpeechCheckpoint.open(made)
    assert opened.trunk == load_trunk(str(wav2vec2)).identity
    assert json.loads(opened.header["recipe"])["phones"]["trunk"] == str(wav2vec2)
    assert set(json.loads(opened.header["corpora"])) == {"real-heard", "flite", "espeak", "festival", "wordless"}
    assert cli.main(["train", "speech", *map(str, [*given, *short])]) == cli.FAILED
    assert "take another folder for --out" in capsys.readouterr().err


def test_batches_have_the_targets_of_log_mel_frames(corpus: Path, wav2vec2: Path) -> None:
    own, mel = load_frontend(str(wav2vec2), "cpu"), load_frontend("", "cpu")
    assert isinstance(own, TrunkStates)
    assert isinstance(mel, LogMel)
    heard, seen = own.examples(SpeechCorpus(corpus)), mel.examples(SpeechCorpus(corpus))
    assert [one.frames for one in heard] == [one.frames for one in seen]
    assert len(next(batches(heard, [1.0] * len(heard), 6.0, 1))) == len(next(batches(seen, [1.0] * len(seen), 6.0, 1)))
    one, two = own.batch(heard[:4]), mel.batch(seen[:4])
    assert one.sound.shape[1] * 2 == two.sound.shape[1] == one.valid.shape[1]
    for part in ("lengths", "phones", "counts", "labels", "valid"):
        assert torch.equal(getattr(one, part), getattr(two, part)), part
    torch.testing.assert_close(one.rate, two.rate, equal_nan=True)
    viewed = own.batch(heard[:4], torch.Generator().manual_seed(1), views=2)
    assert len(viewed.sound) == len(viewed.lengths) == len(viewed.counts) == 8
    assert torch.equal(viewed.lengths[:4], viewed.lengths[4:])
    assert not torch.equal(viewed.sound[:4], viewed.sound[4:]), "each view hides something else"


def test_augmented_sound_is_as_long_as_its_tempo_says() -> None:
    sounds = [torch.from_numpy(tones(SPOKEN * 2, seed)[0] / 32768).float() for seed in range(12)]
    made, tempo = augmented(sounds, torch.Generator().manual_seed(2))
    for old, new, slower in zip(sounds, made, tempo.tolist(), strict=True):
        assert len(new) == pytest.approx(len(old) * slower)
        assert new.isfinite().all()
        assert new.abs().max() <= 1
    assert {round(one, 2) for one in tempo.tolist()} == {0.9, 1.0, 1.1}
    assert len({round(float(one.std()), 4) for one in made}) > 8  # each utterance differently
    silent, _ = augmented([torch.zeros(8_000)] * 12, torch.Generator().manual_seed(3))
    assert all(one.isfinite().all() for one in silent)


def test_slower_speech_has_its_phones_later(corpus: Path, wav2vec2: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from octavo.pipeline.training import wave_augmentation

    monkeypatch.setattr(wave_augmentation, "SPEEDS", ((10, 11),))
    own = load_frontend(str(wav2vec2), "cpu")
    chosen = [one for one in own.examples(SpeechCorpus(corpus)) if one.utterance.times is not None][:3]
    made = own.batch(chosen, torch.Generator().manual_seed(1))
    for row, example in enumerate(chosen):
        assert example.utterance.times is not None
        last = example.utterance.times[-1]
        middle = int((last.start + last.stop) / 2 * 1.1) // 320
        assert made.labels[row, middle] == last.phone
        assert made.lengths[row] == len(torch.empty(example.utterance.samples * 11 // 10)) // 320 * 2


def test_masks_hide_some_of_every_sound() -> None:
    states = torch.ones(6, 64, 3, 48)
    kept = masked_states(states, torch.full((6,), 128), torch.Generator().manual_seed(3))
    assert torch.equal(kept[:, :, 0], kept[:, :, 2]), "all layers alike"
    assert all(0.4 < float(one.mean()) < 1 for one in kept)
