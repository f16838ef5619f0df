"""Pronunciations chosen by what is heard."""

from __future__ import annotations

from itertools import chain, product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from octavo.pipeline.phones import SYMBOLS, phone_ids
from octavo.pipeline.training.pronunciation_choice import choose, rechosen
from octavo.pipeline.training.speech_corpus import CorpusWriter, SpeechCorpus
from octavo.pipeline.training.speech_synthesis import TimedPhone
from octavo.pipeline.training.speech_texts import Transcriber

WAS = [phone_ids("W AA Z"), phone_ids("W AH Z")]
IT = [phone_ids("IH T")]
PRONUNCIATIONS = {"WAS": WAS, "IT": IT}


def heard(phones: str) -> torch.Tensor:
    """Three frames a phone and one of nothing, all sure. *Shape:* (T, SYMBOLS)."""
    frames = list(chain(*([one, one, one, 0] for one in phone_ids(phones))))
    logits = torch.zeros(len(frames), SYMBOLS)
    logits[range(len(frames)), frames] = 5.0
    return logits.log_softmax(-1)


def likelihood(said: tuple[tuple[int, ...], ...], log_probabilities: torch.Tensor) -> float:
    """Of a reading, by the forward recursion over the phones with blanks between, in plain numpy."""
    phones = [0, *chain(*((one, 0) for one in chain(*said)))]
    frames = log_probabilities.double().exp().numpy()
    alpha = np.zeros(len(phones))
    alpha[:2] = frames[0][phones[:2]]
    for frame in frames[1:]:
        before = alpha
        alpha = before.copy()
        alpha[1:] += before[:-1]
        for at in range(2, len(phones)):
            if phones[at] and phones[at] != phones[at - 2]:
                alpha[at] += before[at - 2]
        alpha *= frame[phones]
    return float(np.log(alpha[-1] + alpha[-2]))


def test_what_is_heard_is_chosen() -> None:
    assert choose([IT, WAS], heard("IH T W AH Z")) == [IT[0], WAS[1]]
    assert choose([IT, WAS], heard("IH T W AA Z")) == [IT[0], WAS[0]]


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_no_other_pronunciation_of_one_word_is_likelier(seed: int) -> None:
    generator = np.random.default_rng(seed)
    words = [
        [tuple(generator.integers(1, 6, generator.integers(1, 4)).tolist()) for _ in range(generator.integers(1, 4))]
        for _ in range(3)
    ]
    logits = torch.from_numpy(generator.normal(0, 2, (16, SYMBOLS))).log_softmax(-1)
    chosen = tuple(choose(words, logits))
    first = tuple(variants[0] for variants in words)
    best = max(likelihood(said, logits) for said in product(*words))
    assert best + 1e-9 >= likelihood(chosen, logits) >= likelihood(first, logits) - 1e-4
    last = len(words) - 1  # chosen last, given all others as they are
    others = [likelihood((*chosen[:last], variant), logits) for variant in words[last]]
    assert likelihood(chosen, logits) >= max(others) - 1e-4


def test_a_corpus_is_written_again(tmp_path: Path) -> None:
    usual, canonical = phone_ids("IH T W AA Z"), phone_ids("IH T W AO Z")
    with CorpusWriter(tmp_path / "given") as writer:
        for phones in (usual, canonical):
            writer.add(np.arange(6400, dtype=np.int16), "a:b", "It was.", phones)

    class Network:
        def __call__(self, samples: torch.Tensor) -> SimpleNamespace:
            assert len(samples) == 6400
            phones = heard("IH T W AH Z")
            return SimpleNamespace(phones=phones[None], frames=phones[None])  # a framewise head that is as sure

    transcriber = Transcriber(PRONUNCIATIONS, lambda word: None)
    counted = rechosen(tmp_path / "given", transcriber, Network(), tmp_path / "heard")  # type: ignore[arg-type]
    assert counted == (1, 1)
    corpus = SpeechCorpus(tmp_path / "heard")
    assert [one.phones for one in corpus.utterances] == [phone_ids("IH T W AH Z"), canonical]
    assert np.array_equal(corpus.pcm(1), np.arange(6400))
    times = corpus.utterances[0].times  # of three frames of 20 ms each, and one of silence after them
    assert times is not None
    assert [(one.phone, one.start, one.stop) for one in times] == [
        (phone, 1280 * at, 1280 * at + 960) for at, phone in enumerate(phone_ids("IH T W AH Z"))
    ]


def test_times_that_are_known_stay_and_what_does_not_fit_has_none(tmp_path: Path) -> None:
    phones = phone_ids("IH T")
    times = (TimedPhone(phones[0], 10, 300), TimedPhone(phones[1], 300, 600))
    with CorpusWriter(tmp_path / "given") as writer:
        writer.add(np.zeros(640, np.int16), "a:b", "it", phones, times)
        writer.add(np.zeros(320, np.int16), "a:b", "it", phones)

    def network(samples: torch.Tensor) -> SimpleNamespace:
        logits = heard("IH T")[: len(samples) // 320]
        return SimpleNamespace(phones=logits[None], frames=logits[None])

    rechosen(tmp_path / "given", Transcriber({"IT": IT}, lambda word: None), network, tmp_path / "heard")  # type: ignore[arg-type]
    assert [one.times for one in SpeechCorpus(tmp_path / "heard").utterances] == [times, None]
