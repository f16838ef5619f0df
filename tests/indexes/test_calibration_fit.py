"""Fitting probabilities and word edges on speech whose words are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from octavo.indexes.sound.blank_fit import fit_blank, mistakes
from octavo.indexes.sound.calibration import Calibration
from octavo.indexes.sound.calibration_fit import (
    HeardSpeech,
    aligned,
    asked_words,
    fit_calibration,
    held_out,
    left_out_loss,
    log_loss,
    try_words,
    write_header,
)
from octavo.indexes.sound.edges_fit import TimedWord, errors, fit_edges, word_phones
from octavo.indexes.sound.frames import Frames
from octavo.indexes.sound.keyword import Edges
from octavo.pipeline.errors import ModelError
from octavo.pipeline.phones import BLANK, SYMBOLS, phone_ids
from octavo.pipeline.posteriors import FRAME, Posteriors
from octavo.pipeline.training.speech_batches import examples, split
from octavo.pipeline.training.speech_corpus import CorpusWriter, SpeechCorpus, Utterance
from safetensors import safe_open
from safetensors.torch import save_file

from .sound_world import LEXICON, PHONE_FRAMES, FakePronouncer, FakeSpeech, phones_of, utterance_of

LINES = (
    "my router is broken",
    "please send the invoice again",
    "thank you supervisor",
    "is the modem broken",
    "the warranty is my invoice",
    "send my modem again please",
)


def heard(line: str, *, slips: float, seed: int) -> HeardSpeech:
    utterance = utterance_of(phones_of(line), slips=slips, seed=seed)
    at, said = 0, []
    for word in line.split():
        length = len(phones_of(word)) * PHONE_FRAMES * FRAME
        said.append((word, at, at + length))
        at += length
    return HeardSpeech(tuple(said), (utterance,))


encode = FakeSpeech().encode_pronunciations


@pytest.fixture(scope="module")
def speech() -> list[HeardSpeech]:
    return [heard(line, slips=0.25, seed=seed) for seed, line in enumerate(LINES * 4)]


def test_words_said_and_words_not_said_are_asked() -> None:
    clear = [heard(line, slips=0, seed=0) for line in LINES]
    asked = asked_words(clear, ["octavo is a router", "Octavo, again!", "cat supervisors unheard"], seed=1)
    assert asked[: asked.index("warranty") + 1] == sorted(asked[: asked.index("warranty") + 1])
    said = {word for line in LINES for word in line.split()}
    assert {word for word in asked if word not in said} <= {"octavo", "supervisors", "unheard"}
    assert len(asked) > len(said & set(asked)), "some that nobody says"
    assert asked == asked_words(clear, ["octavo is a router", "Octavo, again!", "cat supervisors unheard"], seed=1)


def test_a_place_is_right_where_the_word_is_said_and_nowhere_else(speech: list[HeardSpeech]) -> None:
    tried = try_words(["broken", "octavo"], speech, FakePronouncer(), encode, Calibration(phone_frames=PHONE_FRAMES))
    own = tried.word == 0
    assert tried.said[own].sum() >= 6
    assert not tried.said[~own].any()
    assert tried.per_phone[own & tried.said].mean() > tried.per_phone[~tried.said].mean()
    assert tried.best.shape == (len(tried.said), len(speech))


def test_the_fit_says_more_than_the_default(speech: list[HeardSpeech]) -> None:
    words = [word for word in LEXICON if len(word) > 3]
    told: list[str] = []
    tried = try_words(words, speech, FakePronouncer(), encode, Calibration())
    made = fit_calibration(tried, tell=told.append)
    assert len(told) == 4
    assert made.phone_frames == pytest.approx(PHONE_FRAMES, abs=0.5)
    unfitted = replace(Calibration(), phone_frames=made.phone_frames, sharpness=made.sharpness)
    assert log_loss(made, tried) < log_loss(unfitted, tried)
    assert log_loss(made, tried) <= left_out_loss(made, tried) < log_loss(replace(made, bias=made.bias + 3), tried)
    chance = made.probabilities(tried.features(made))
    assert chance.mean() == pytest.approx(tried.said.mean(), abs=0.01), "maximum likelihood keeps the mean"


def test_a_transcript_is_aligned_word_by_word() -> None:
    one = heard(LINES[1], slips=0, seed=3)
    utterance = replace(one.utterances[0], start=3200, stop=one.utterances[0].stop + 3200)
    rows = aligned("Please send the invoice, again.", 90_000, [utterance], FakePronouncer())
    assert [word for word, _, _ in rows] == LINES[1].split()
    for (_, start, stop), (_, low, high) in zip(rows, one.said, strict=True):
        assert low <= start - 3200 < stop - 3200 <= high
    assert aligned("", 16_000, [utterance], FakePronouncer()) == ()
    assert aligned("please", 16_000, [], FakePronouncer()) == ()


def test_the_header_is_rewritten_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "speech.safetensors"
    tensors = {"network.a": torch.arange(6.0).half().reshape(2, 3), "windows.b": torch.ones(2)}
    save_file(tensors, path, {"format": "x", "edges": "old"})
    write_header(path, {"edges": Edges().to_json(), "calibration": Calibration(bias=2).to_json()})
    with safe_open(path, framework="pt") as file:
        header = file.metadata()
        for name, tensor in tensors.items():
            kept = file.get_tensor(name)
            assert kept.dtype == tensor.dtype
            assert torch.equal(kept, tensor)
    assert header["format"] == "x"
    assert Edges.from_json(header["edges"]) == Edges()
    assert Calibration.from_json(header["calibration"]).bias == 2
    assert [one.name for one in tmp_path.iterdir()] == ["speech.safetensors"]
    with pytest.raises(ModelError, match="train them first"):
        write_header(tmp_path / "none.safetensors", {})


def test_what_training_holds_out_is_found_without_its_sound(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    with CorpusWriter(tmp_path) as writer:
        for number in range(150):
            length = 100 if number == 3 else int(generator.integers(4_000, 9_000))
            pcm = generator.integers(-900, 900, length).astype(np.int16)
            writer.add(pcm, f"people:{number % 60}", f"text {number}", (1, 2, 3))
    corpus = SpeechCorpus(tmp_path)
    kept = split(examples(corpus), 0.2)[1]
    assert [corpus.utterances[number] for number in held_out(corpus, 0.2)] == [one.utterance for one in kept]
    assert kept


def test_the_blank_loses_what_it_has_too_much() -> None:
    """Every third phone stands 1 nat behind the blank, and what nobody says 1.8 nats."""
    read = []
    for seed in range(6):
        generator = np.random.default_rng(seed)
        said = tuple(int(one) for one in generator.permutation(np.arange(1, SYMBOLS))[:12])
        scores = np.full((40, SYMBOLS), -12.0, np.float32)
        scores[:, BLANK] = 0
        for number, phone in enumerate(said):
            scores[3 * number, phone] = -1 if number % 3 == 0 else 5
        scores[36:39:2, 39] = -1.8
        read.append((scores - np.logaddexp.reduce(scores, axis=1, keepdims=True), said))
    assert mistakes(read, 0).tolist() == pytest.approx([0, 1 / 3, 0])
    blank, report = fit_blank(read)
    assert 1 < blank < 1.8
    assert mistakes(read, blank).sum() == 0
    assert "33.3% (others 0.0, left out 33.3, put in 0.0) -> 0.0%" in report
    assert mistakes(read, 2.5)[2] > 0
    assert fit_blank([])[0] == 0


def said_at(phones: tuple[int, ...], starts: list[int], length: int, *, peak: int) -> Frames:
    """Phones that are heard ``peak`` frames after they begin, silence elsewhere."""
    scores = np.full((length, SYMBOLS), -9.0, np.float32)
    scores[:, BLANK] = -0.01
    for phone, start in zip(phones, starts, strict=True):
        scores[start + peak, [BLANK, phone]] = -5.0, -0.02
    return Frames.of([Posteriors.pack(scores)])


def test_edges_learn_where_peaks_lie() -> None:
    words = []
    for seed in range(12):
        generator = np.random.default_rng(seed)
        phones = tuple(int(one) for one in generator.choice(np.arange(1, SYMBOLS), 8, replace=False))
        starts = (5 + np.cumsum(generator.integers(5, 9, 8))).tolist()
        # Peaks come late: the third frame of a phone, so that a word begins three frames before its first peak.
        frames = said_at(phones, starts, starts[-1] + 12, peak=3)
        words.append(TimedWord(frames, phones[2:6], starts[2], starts[6]))
    made, report = fit_edges([words, []])
    assert np.abs(errors(words, made)).mean() < 0.8 < np.abs(errors(words, Edges(before=0.1, after=0.1))).mean()
    assert "12 of 12 words found" in report
    lost = TimedWord(words[0].frames, words[0].phones, words[0].start + 200, words[0].stop + 200)
    assert np.isnan(errors([lost], made)).all()


def test_words_are_found_in_phones_only_where_they_are_said_as_written() -> None:
    said = phone_ids("M AY R AW T ER IH Z B R OW K N")
    utterance = Utterance(0, 16_000, "a:b", "my router is broken", said)
    assert word_phones(utterance, said, FakePronouncer()) == [(0, 2), (2, 6), (6, 8)]
