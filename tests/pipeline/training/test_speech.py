"""The recipe of the speech encoder learns a language of tones, the same way each time, and goes on after a stop."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from octavo.pipeline.encoders.log_mel import log_mel
from octavo.pipeline.encoders.speech import SpeechEncoder
from octavo.pipeline.encoders.speech_network import SpeechShape
from octavo.pipeline.errors import ModelError
from octavo.pipeline.phones import SYMBOLS
from octavo.pipeline.training import speech, speech_augmentation, speech_recipe
from octavo.pipeline.training.speech import (
    Progress,
    SpeechRecipe,
    greedy,
    learning_rate,
    train,
)
from octavo.pipeline.training.speech_batches import Example, batches, collate, examples, rarities, split
from octavo.pipeline.training.speech_corpus import CorpusWriter, SpeechCorpus, Utterance
from octavo.pipeline.training.speech_losses import consistency
from octavo.pipeline.training.speech_recipe import build_corpora, finish
from octavo.pipeline.training.speech_synthesis import TimedPhone
from octavo.pipeline.training.word_space import WordSpaceRecipe, contrast, spread, substituted
from safetensors.torch import load_file

PHONES = (3, 11, 20, 33)
OWN = ("network.", "average.")
SMALL = SpeechRecipe(
    steps=12,
    batch_seconds=12,
    learning_rate=4e-3,
    warm_up=3,
    held_out=0.2,
    framewise_steps=0,
    shape=SpeechShape(channels=(64, 64, 64, 64), blocks=(1, 1, 1, 1)),
)


def tones(phones: tuple[int, ...], seed: int) -> tuple[np.ndarray, tuple[TimedPhone, ...]]:
    """Each phone is two tones of its own for 120 ms, after a silence."""
    generator = np.random.default_rng(seed)
    time = np.arange(1920) / 16_000
    parts = [np.zeros(1600)]
    times = []
    at = 1600
    for phone in phones:
        low, high = 200 + 60 * phone, 900 + 130 * phone
        parts.append(0.2 * np.sin(2 * np.pi * low * time) + 0.2 * np.sin(2 * np.pi * high * time))
        times.append(TimedPhone(phone, at, at + 1920))
        at += 1920
    samples = np.concatenate([*parts, np.zeros(1600)])
    noisy = samples + 0.003 * generator.standard_normal(len(samples))
    return (noisy * 32767).astype(np.int16), tuple(times)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tones")
    generator = np.random.default_rng(5)
    with CorpusWriter(folder) as writer:
        for number in range(60):
            phones = tuple(int(one) for one in generator.choice(PHONES, int(generator.integers(6, 11))))
            pcm, times = tones(phones, number)
            timed = times if number % 2 else None  # people's speech has no times
            writer.add(pcm, f"made:{number % 50}", f"text {number}", phones, times=timed)
    return folder


def test_it_learns_and_says_so(corpus: Path, tmp_path: Path) -> None:
    told: list[Progress] = []
    recipe = replace(SMALL, steps=60)
    path = train([(corpus, 1.0)], tmp_path, recipe, tell=told.append, every=15)
    assert [one.step for one in told] == [15, 30, 45, 60]
    assert told[-1].loss < 0.7 * told[0].loss
    assert told[-1].phone_error_rate is not None
    assert told[-1].hours_heard > 0
    assert all(value.dtype == torch.float16 for value in load_file(path).values())


def test_the_same_seed_gives_the_same_weights(corpus: Path, tmp_path: Path) -> None:
    one = load_file(train([(corpus, 1.0)], tmp_path / "one", SMALL))
    two = load_file(train([(corpus, 1.0)], tmp_path / "two", SMALL))
    other = load_file(train([(corpus, 1.0)], tmp_path / "other", replace(SMALL, seed=2)))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not all(torch.equal(one[name], other[name]) for name in one)


def test_a_stopped_run_goes_on(corpus: Path, tmp_path: Path) -> None:
    class Stopped(Exception):
        pass

    def stop(progress: Progress) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        train([(corpus, 1.0)], tmp_path, SMALL, tell=stop, every=5)
    told: list[Progress] = []
    train([(corpus, 1.0)], tmp_path, SMALL, tell=told.append, every=1)
    assert [one.step for one in told] == list(range(6, SMALL.steps + 1))


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the steps of a training were, in order, and when the head was copied."""
    done: list[str] = []

    def spied(name: str) -> Callable[..., Any]:
        kept = getattr(speech, name)

        def call(*arguments: Any) -> Any:
            done.append(name)
            if name == "framewise":
                assert (arguments[1].labels >= 0).any(1).all(), "an utterance without times"
            return kept(*arguments)

        return call

    for name in ("framewise", "loss_of", "begin_from_frames"):
        monkeypatch.setattr(speech, name, spied(name))
    return done


def test_it_begins_with_frames_and_the_ctc_head_goes_on_from_their_head(
    corpus: Path, tmp_path: Path, opened: list[str]
) -> None:
    recipe = replace(SMALL, framewise_steps=4)
    midway = load_file(train([(corpus, 1.0)], tmp_path, recipe, until=4))
    # The network's own weights, and those averaged.
    assert opened == ["framewise"] * 4 + ["begin_from_frames"] * 2
    unfinished = load_file(tmp_path / "unfinished.safetensors")
    for kind in ("weight", "bias"):
        for heads in (midway, *({name.removeprefix(own): one for name, one in unfinished.items()} for own in OWN)):
            assert torch.equal(heads[f"phones.{kind}"], heads[f"frames.{kind}"])
    opened.clear()
    made = load_file(train([(corpus, 1.0)], tmp_path, recipe))
    assert opened == ["loss_of"] * 8, "a run that goes on copies nothing again"
    assert not torch.equal(made["phones.weight"], made["frames.weight"])


def test_frames_have_a_third_of_a_short_run_at_most(corpus: Path, tmp_path: Path, opened: list[str]) -> None:
    train([(corpus, 1.0)], tmp_path, replace(SMALL, steps=6, framewise_steps=400))
    assert opened == ["framewise"] * 2 + ["begin_from_frames"] * 2 + ["loss_of"] * 4


def test_without_times_it_begins_with_ctc(tmp_path: Path, opened: list[str]) -> None:
    with CorpusWriter(tmp_path / "people") as writer:
        for number in range(20):
            writer.add(tones(PHONES, number)[0], f"made:{number}", f"text {number}", PHONES)
    train([(tmp_path / "people", 1.0)], tmp_path / "out", replace(SMALL, steps=3, framewise_steps=1))
    assert opened == ["loss_of"] * 3


def test_festival_is_left_out_where_it_is_missing_and_nothing_else_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = {"festival"}

    def build(name: str, *rest: object) -> dict[str, float]:
        if name in missing:
            raise ModelError(f"{name} is not installed: apt-get install {name}")
        return {"hours": speech_recipe.HOURS[name]}

    monkeypatch.setattr(speech_recipe, "build_real", lambda *given: {"hours": 6.5})
    monkeypatch.setattr(speech_recipe, "build_synthetic", build)
    monkeypatch.setattr(speech_recipe, "build_wordless", lambda *given: {"hours": 0.4})
    said: list[str] = []
    given = (tmp_path, tmp_path, tmp_path, tmp_path / "out")
    build_corpora(*given, seed=1, workers=1, tell=said.append)
    assert said == [
        'real: {"hours": 6.5}',
        'flite: {"hours": 3.0}',
        'espeak: {"hours": 3.0}',
        "festival: left out (festival is not installed: apt-get install festival)",
        'wordless: {"hours": 0.4}',
    ]
    missing.add("flite")
    with pytest.raises(ModelError, match="flite is not installed"):
        build_corpora(*given, seed=1, workers=1, tell=said.append)


def test_two_processes_share_their_gradients(corpus: Path, tmp_path: Path) -> None:
    told: list[Progress] = []
    recipe = replace(SMALL, steps=4, framewise_steps=1)
    path = train([(corpus, 1.0)], tmp_path, recipe, processes=2, tell=told.append, every=2)
    assert [one.step for one in told] == [2, 4]
    assert path.exists()


def test_the_recipe_ends_in_an_encoder(corpus: Path, tmp_path: Path) -> None:
    network = train([(corpus, 1.0)], tmp_path, replace(SMALL, steps=40))
    words = WordSpaceRecipe(steps=20, batch=64, held_out=0.2)
    said: list[str] = []
    path = finish(network, [corpus], tmp_path, SMALL, words, scores={}, tell=said.append)
    encoder = SpeechEncoder(path, "cpu")
    assert encoder.encode_pronunciations([PHONES]).shape == (1, encoder.width)
    assert "nearest of 1,000" in said[-1]
    assert 0 <= json.loads(said[-1].rpartition(" ")[2]) <= 1


def test_no_held_out_speaker_is_trained_on(corpus: Path) -> None:
    training, held_out = split(examples(SpeechCorpus(corpus)), 0.2)
    assert held_out
    assert not {one.utterance.speaker for one in training} & {one.utterance.speaker for one in held_out}


def test_a_speaker_of_few_utterances_is_drawn_more_often() -> None:
    said = {"anna": 1, "ben": 16, "cleo": 64, "dora": 100}
    found = [
        Example(torch.zeros(32, 80), Utterance(0, 5120, f"book:{name}", "", (1,)))
        for name, count in said.items()
        for _ in range(count)
    ]
    assert sorted(set(rarities(found))) == [1.0, 2.0, 8.0]
    shares = dict(zip((one.utterance.speaker for one in found), rarities(found), strict=True))
    assert shares == {"book:anna": 8.0, "book:ben": 2.0, "book:cleo": 1.0, "book:dora": 1.0}


def test_lone_speakers_are_held_out_by_text() -> None:
    made = [Example(torch.zeros(32, 80), Utterance(0, 5120, "lone:anna", f"{n % 30}", (1,))) for n in range(60)]
    training, held_out = split(made, 0.3)
    assert held_out
    assert not {one.utterance.text for one in training} & {one.utterance.text for one in held_out}


def test_labels_lie_where_the_phones_are(corpus: Path) -> None:
    chosen = [one for one in examples(SpeechCorpus(corpus)) if one.utterance.times][:3]
    batch = collate(chosen, None)
    for row, example in enumerate(chosen):
        assert example.utterance.times is not None
        for frame in range(example.frames // 2):
            middle = 320 * frame + 160
            said = [one.phone for one in example.utterance.times if one.start <= middle < one.stop]
            assert batch.labels[row, frame].item() == (said[0] if said else 0)
        assert (batch.labels[row, example.frames // 2 :] == -100).all()
        for cell in range(example.frames // 8):
            centre = (cell + 0.5) * 1280  # of 80 ms
            near = [one for one in example.utterance.times if abs((one.start + one.stop) / 2 - centre) < 10_240]
            assert torch.expm1(batch.rate[row, cell, 0]).item() == pytest.approx(len(near) / 1.28, abs=0.8)
    assert batch.sound.shape[1] % 16 == 0
    assert batch.counts.tolist() == [len(one.utterance.phones) for one in chosen]


def test_batches_hold_no_more_than_their_seconds(corpus: Path) -> None:
    made = examples(SpeechCorpus(corpus))
    stream = batches(made, [1.0] * len(made), 6.0, 1)
    for _ in range(20):
        batch = next(stream)
        assert len(batch) * max(one.frames for one in batch) <= 600 or len(batch) == 1


def test_stretching_by_nothing_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech_augmentation, "TEMPO", (1.0, 1.0))
    monkeypatch.setattr(speech_augmentation, "THROAT", (1.0, 1.0))
    mel = torch.randn(3, 64, 80)
    same, tempo = speech_augmentation.stretched(mel, torch.tensor([64, 50, 40]), torch.Generator().manual_seed(1))
    torch.testing.assert_close(same, mel, rtol=1e-4, atol=1e-4)
    assert tempo.tolist() == [1, 1, 1]


def test_stretching_moves_events_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech_augmentation, "TEMPO", (1.25, 1.25))
    monkeypatch.setattr(speech_augmentation, "THROAT", (1.0, 1.0))
    mel = torch.zeros(1, 80, 80)
    mel[0, 40] = 5
    longer, _ = speech_augmentation.stretched(mel, torch.tensor([80]), torch.Generator())
    assert longer.shape[1] == 112  # 100 frames, in steps of 16
    assert longer[0].sum(1).argmax().item() == pytest.approx(50, abs=1)


def test_noise_and_rooms_keep_frames_finite_and_shapes() -> None:
    samples = torch.from_numpy(tones(PHONES * 3, 1)[0].astype(np.float32) / 32768)
    mel = log_mel(samples)[None].repeat(16, 1, 1)
    noisy = speech_augmentation.in_rooms_and_noise(mel, torch.Generator().manual_seed(2))
    assert noisy.shape == mel.shape
    assert noisy.isfinite().all()
    assert len({round(one.item(), 3) for one in noisy.mean((1, 2))}) > 8  # each utterance differently
    lengths = torch.full((16,), mel.shape[1])
    kept = speech_augmentation.masked(torch.ones_like(mel), lengths, torch.Generator().manual_seed(3))
    assert 0.4 < kept.mean() < 1


def test_the_learning_rate_rises_stays_and_falls() -> None:
    recipe = SpeechRecipe(steps=100, warm_up=10, cool_down=0.4, learning_rate=1.0)
    rates = [learning_rate(step, recipe) for step in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[10:60] == [1.0] * 50
    assert rates[80] == pytest.approx(0.5)
    assert rates[100] == 0


def test_two_views_are_told_apart_frame_by_frame(corpus: Path) -> None:
    chosen = examples(SpeechCorpus(corpus))[:3]
    batch = collate(chosen, None).repeated(2)
    assert batch.lengths.tolist() == 2 * [one.frames for one in chosen]
    assert batch.counts.tolist() == 2 * [len(one.utterance.phones) for one in chosen]
    logits = torch.randn(6, batch.sound.shape[1] // 2, SYMBOLS, generator=torch.Generator().manual_seed(4))
    assert consistency(torch.cat([logits[:3], logits[:3]]), batch).item() == pytest.approx(0, abs=1e-6)
    slow = 0.0
    for row, example in enumerate(chosen):
        for frame in range(example.frames // 2):
            one, two = logits[row, frame].softmax(0), logits[3 + row, frame].softmax(0)
            both = float((one * (one / two).log()).sum() + (two * (two / one).log()).sum())
            slow += both / (2 * len(example.utterance.phones) * len(chosen))
    assert consistency(logits, batch).item() == pytest.approx(slow, rel=1e-4)


def test_without_consistency_a_batch_is_heard_once(corpus: Path, tmp_path: Path) -> None:
    train([(corpus, 1.0)], tmp_path, replace(SMALL, consistency_weight=0.0, steps=2))
    with pytest.raises(ValueError, match="unpack"):
        consistency(torch.zeros(1, 8, SYMBOLS), collate(examples(SpeechCorpus(corpus))[:1], None))


def test_greedy_reading_drops_repeats_and_blanks() -> None:
    logits = torch.nn.functional.one_hot(torch.tensor([[0, 5, 5, 0, 5, 7, 7, 0, 9]]), SYMBOLS).float()
    assert greedy(logits, torch.tensor([8])) == [(5, 5, 7)]


def test_phones_spread_half_way_to_their_neighbours() -> None:
    peaks = np.array([[10, 11], [14, 15], [40, 41]])
    assert spread(peaks, 50).tolist() == [[4, 12], [12, 20], [34, 46]]


def test_a_substituted_sequence_is_another_of_the_same_length() -> None:
    generator = np.random.default_rng(1)
    for _ in range(50):
        wrong = substituted((5, 6, 7, 8), generator)
        assert len(wrong) == 4
        assert all(0 < phone < SYMBOLS for phone in wrong)


def test_pairs_of_the_same_phones_are_no_negatives() -> None:
    sound = torch.nn.functional.normalize(torch.randn(3, 8), dim=1)
    phones = [(1, 2), (1, 2), (3, 4)]
    # Both of the first two are the nearest of each other's phones: without the mask this could not be near nothing.
    same = torch.stack((sound[0], sound[0], -sound[0]))
    assert contrast(same, same, phones, [], torch.tensor(4.0)).item() < 1e-3
