"""Sound without words, and that training learns from it that nothing is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from octavo.pipeline.encoders.log_mel import log_mel
from octavo.pipeline.encoders.speech_network import Heard
from octavo.pipeline.phones import SYMBOLS, phone_ids
from octavo.pipeline.training.speech import SpeechRecipe
from octavo.pipeline.training.speech_batches import Example, collate, examples
from octavo.pipeline.training.speech_corpus import SpeechCorpus, Utterance
from octavo.pipeline.training.speech_losses import consistency, loss_of
from octavo.pipeline.training.speech_synthesis import TimedPhone
from octavo.pipeline.training.wordless_sound import SORTS, build_wordless, wordless


@settings(max_examples=20, deadline=None)
@given(sort=st.sampled_from(sorted(SORTS)), seed=st.integers(0, 2**32 - 1), seconds=st.floats(0.3, 4))
def test_sounds_are_as_long_and_as_loud_as_they_should_be(sort: str, seed: int, seconds: float) -> None:
    samples = int(16_000 * seconds)
    sound = wordless(sort, samples, np.random.default_rng(seed))
    assert sound.shape == (samples,)
    assert np.isfinite(sound).all()
    assert 0.019 < np.abs(sound).max() < 0.91
    assert np.array_equal(sound, wordless(sort, samples, np.random.default_rng(seed)))


def test_a_corpus_of_them_holds_no_phone(tmp_path: Path) -> None:
    report = build_wordless(tmp_path / "one", 0.02, 3)
    assert report["utterances"] > 5
    build_wordless(tmp_path / "two", 0.02, 3)
    corpus, again = SpeechCorpus(tmp_path / "one"), SpeechCorpus(tmp_path / "two")
    assert corpus.utterances == again.utterances
    assert corpus.seconds == pytest.approx(report["hours"] * 3600, abs=18)
    assert np.array_equal(corpus.pcm(0), again.pcm(0))
    assert {one.phones for one in corpus.utterances} == {()}
    assert all(one.synthetic and one.times == () for one in corpus.utterances)
    assert len({one.speaker for one in corpus.utterances}) > 2


def test_only_what_is_known_to_hold_no_words_may_hold_none() -> None:
    with pytest.raises(ValueError, match="0 phones"):
        Utterance(0, 1600, "a:b", "who knows", ())


def heard(frames: int, said: list[int]) -> Heard:
    """Surely these symbols in all frames of each utterance."""

    def sure(count: int) -> torch.Tensor:
        logits = torch.zeros(len(said), count, SYMBOLS)
        for row, symbol in enumerate(said):
            logits[row, :, symbol] = 12
        return logits

    fine, coarse = sure(frames // 2), sure(frames // 4)
    return Heard(torch.zeros(len(said), frames // 2, 4), fine, fine, coarse, torch.zeros(len(said), frames // 8, 2))


def test_losses_ask_for_silence_there_and_stay_finite(tmp_path: Path) -> None:
    build_wordless(tmp_path, 0.005, 1)
    (quiet, *_) = examples(SpeechCorpus(tmp_path))
    phones = phone_ids("K AE T")
    times = tuple(TimedPhone(phone, 1600 * at, 1600 * at + 1600) for at, phone in enumerate(phones))
    spoken = Example(log_mel(torch.randn(8000) / 10).half(), Utterance(0, 8000, "flite:a", "cat", phones, times))
    batch = collate([quiet, spoken], None)
    assert batch.counts.tolist() == [0, 3]
    assert set(batch.labels[0].tolist()) <= {0, -100}
    assert batch.rate[0].abs().max() == 0
    recipe, frames = SpeechRecipe(), batch.sound.shape[1]
    alone = collate([quiet], None)
    silence = loss_of(heard(alone.sound.shape[1], [0, 0]), alone.repeated(2), recipe)
    phone = loss_of(heard(alone.sound.shape[1], [7, 7]), alone.repeated(2), recipe)
    assert 0 <= silence.item() < 1 < phone.item()
    both = heard(frames, [0, 3, 3, 0])
    assert torch.isfinite(loss_of(both, batch.repeated(2), recipe))
    assert torch.isfinite(consistency(both.phones, batch.repeated(2)))
