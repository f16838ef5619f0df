"""Small random speech models of transformers as folders, and a language of tones that can be learned on top of them."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from octavo.pipeline.encoders.speech_network import SpeechShape
from octavo.pipeline.phones import phone_ids
from octavo.pipeline.training import speech_frontend
from octavo.pipeline.training.speech import SpeechRecipe
from octavo.pipeline.training.speech_corpus import CorpusWriter
from octavo.pipeline.training.speech_synthesis import TimedPhone

KINDS = ("wav2vec2", "hubert", "wavlm")

SIZE: dict[str, Any] = {
    "conv_dim": (32,) * 7,
    "conv_kernel": (10, 3, 3, 3, 3, 2, 2),
    "conv_stride": (5, 2, 2, 2, 2, 2, 2),
    "hidden_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 2,
}


def trunk_folder(folder: Path, kind: str = "wav2vec2", *, normalise: bool | None = True, **settings: Any) -> Path:
    """Saves a random model of a kind, and what its feature extractor does; with ``None`` that is not said."""
    import transformers

    name = {"wav2vec2": "Wav2Vec2", "hubert": "Hubert", "wavlm": "WavLM"}[kind]
    torch.manual_seed(11)
    config = getattr(transformers, f"{name}Config")(**(SIZE | settings))
    getattr(transformers, f"{name}Model")(config).save_pretrained(folder)
    if normalise is not None:
        transformers.Wav2Vec2FeatureExtractor(do_normalize=normalise).save_pretrained(folder)
    return folder


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks the network fails; other processes of this machine may be asked."""
    connect = socket.socket.connect

    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("a test asked the network")

    def connect_here(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX:
            refuse()
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect_here)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


SPOKEN = phone_ids("S T AE K IY")
"""The phones of the language."""


def tones(phones: tuple[int, ...], seed: int) -> tuple[np.ndarray, tuple[TimedPhone, ...]]:
    """Each phone is a buzz for 120 ms, between silences; one phone's is half as high again as another's."""
    generator = np.random.default_rng(seed)
    time = np.arange(1920) / 16_000
    parts = [np.zeros(3200)]
    for phone in phones:
        pitch = 240 * 1.6 ** SPOKEN.index(phone)
        parts.append(np.sum([0.2 / k * np.sin(2 * np.pi * k * pitch * time) for k in (1, 2, 3)], axis=0))
    samples = np.concatenate([*parts, np.zeros(3200)])
    noisy = samples + 0.003 * generator.standard_normal(len(samples))
    starts = 3200 + 1920 * np.arange(len(phones))
    times = [TimedPhone(phone, int(at), int(at) + 1920) for phone, at in zip(phones, starts, strict=True)]
    return (noisy * 32767).astype(np.int16), tuple(times)


def tone_corpus(folder: Path, utterances: int = 60) -> Path:
    """Utterances of 6 to 10 phones in any order; every other one without times, as people's are."""
    generator = np.random.default_rng(5)
    with CorpusWriter(folder) as writer:
        for number in range(utterances):
            said = tuple(int(one) for one in generator.choice(SPOKEN, int(generator.integers(6, 11))))
            pcm, times = tones(said, number)
            writer.add(pcm, f"made:{number % 50}", f"text {number}", said, times=times if number % 2 else None)
    return folder


EASY = SpeechRecipe(
    steps=100,
    batch_seconds=6,
    learning_rate=4e-3,
    warm_up=3,
    cool_down=0.5,
    held_out=0.2,
    frames_weight=1.0,
    consistency_weight=0.0,
    framewise_steps=0,
    shape=SpeechShape(
        channels=(64,) * 4, blocks=(1, 1, 0, 0), dilations=(1, 2), levels=2, attention=False, dropout=0.0
    ),
)
"""Learns the language on a random trunk in seconds, if nothing is made harder: see :func:`made_easy`."""


def made_easy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training hears every utterance as it is."""
    monkeypatch.setattr(speech_frontend, "augmented", lambda sounds, generator: (list(sounds), torch.ones(len(sounds))))
    monkeypatch.setattr(speech_frontend, "masked_states", lambda states, lengths, generator: states)
