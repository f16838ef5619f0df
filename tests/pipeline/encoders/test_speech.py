"""The speech encoder: declared strides are real, chunks equal the whole, an interrupted recording goes on as if not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from octavo.pipeline.document import Metadata, Source
from octavo.pipeline.embed import Utterance
from octavo.pipeline.encoders import speech
from octavo.pipeline.encoders.log_mel import HOP, level, log_mel
from octavo.pipeline.encoders.speech import FORMAT, WEIGHTS, SpeechEncoder
from octavo.pipeline.encoders.speech_network import STRIDES, SpeechNetwork, SpeechShape
from octavo.pipeline.encoders.word_space import PhoneSequenceEncoder, WindowEncoder, padded
from octavo.pipeline.errors import ModelError
from octavo.pipeline.phones import BLANK, SYMBOLS, phone_ids
from octavo.pipeline.posteriors import FRAME
from octavo.pipeline.recording import SAMPLE_RATE, Recording
from safetensors.torch import save_file

TINY = SpeechShape(channels=(64, 64, 64, 64), blocks=(1, 1, 2, 2))
Floats = npt.NDArray[np.float32]


def babble(seconds: float, seed: int = 1) -> Floats:
    """Buzzing syllables with pauses: something for every part to react to."""
    generator = np.random.default_rng(seed)
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    pitch = 120 + 30 * np.sin(2 * np.pi * 0.4 * time)
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    voice = sum(np.sin(k * phase) / k for k in range(1, 12))
    syllables = np.clip(np.sin(2 * np.pi * 3.1 * time), 0, 1) * (np.sin(2 * np.pi * 0.21 * time) > -0.6)
    return (0.1 * voice * syllables + 0.002 * generator.standard_normal(len(time))).astype(np.float32)


def checkpoint(path: Path, shape: SpeechShape = TINY, **header: str) -> Path:
    torch.manual_seed(3)
    network = SpeechNetwork(shape)
    with torch.no_grad():
        network.phones.weight.mul_(8)  # so that blanks and phones alternate with what is heard
    modules = {"network": network, "windows": WindowEncoder(shape.channels[0]), "sequences": PhoneSequenceEncoder()}
    tensors = {
        f"{name}.{key}": value.half() for name, one in modules.items() for key, value in one.state_dict().items()
    }
    save_file(tensors, path, {"format": FORMAT, "shape": json.dumps(asdict(shape)), **header})
    return path


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> SpeechEncoder:
    return SpeechEncoder(checkpoint(tmp_path_factory.mktemp("speech") / "tiny.safetensors"), "cpu")


@pytest.fixture
def recorded(tmp_path: Path) -> Callable[[Floats], Recording]:
    def record(samples: Floats) -> Recording:
        pcm = tmp_path / "sound.i16"
        np.rint(samples * 32768).astype("<i2").tofile(pcm)
        return Recording(Source("/made/up.wav", "audio/x-wav", "0" * 64), len(samples), 0, Metadata(), (), pcm)

    return record


@pytest.mark.parametrize("levels", [2, 3, 4])
@pytest.mark.parametrize("frames", [16, 48, 512])
def test_strides_are_what_they_are_declared_to_be(levels: int, frames: int) -> None:
    network = SpeechNetwork(replace(TINY, levels=levels)).eval()
    heard = network(torch.randn(2, frames, 80), torch.ones(2, frames, dtype=torch.bool))
    assert heard.features.shape == (2, frames // STRIDES[0], 64)
    assert heard.phones.shape == heard.frames.shape == (2, frames // STRIDES[0], SYMBOLS)
    assert heard.coarse_phones.shape == (2, frames // STRIDES[1], SYMBOLS)
    assert heard.rate.shape == (2, frames // STRIDES[min(2, levels - 1)], 2)
    assert 2 * HOP == FRAME


@pytest.mark.parametrize(
    "shape",
    [TINY, replace(TINY, attention=False), replace(TINY, widths=(5,)), replace(TINY, dilations=(1,)),
     replace(TINY, skips=False), replace(TINY, levels=2)],
)  # fmt: skip
def test_padding_changes_nothing_and_every_part_can_be_left_out(shape: SpeechShape) -> None:
    network = SpeechNetwork(shape).eval()
    mel = torch.randn(1, 160, 80)
    alone = network(mel, torch.ones(1, 160, dtype=torch.bool)).phones
    longer = torch.cat((mel, torch.zeros(1, 160, 80)), 1)
    padded_ = network(longer, torch.arange(320)[None] < 160).phones[:, :80]
    torch.testing.assert_close(padded_, alone, rtol=1e-4, atol=1e-4)


def test_what_lies_beyond_the_margin_changes_nothing(encoder: SpeechEncoder) -> None:
    network = encoder._hearing.network
    frames = 2 * (speech._MARGIN + 64)
    mel, valid = torch.randn(1, frames * 2, 80), torch.ones(1, frames * 2, dtype=torch.bool)
    other = mel.clone()
    other[:, : 2 * 32] = torch.randn(1, 64, 80)  # the first 0.64 s
    with torch.inference_mode():
        one, two = network(mel, valid).phones[0], network(other, valid).phones[0]
    moved = (one - two).abs().amax(1)
    assert moved[:32].max() > 1e-3
    # The mean of a band, taken off before, reaches 3 s = 150 frames further.
    assert moved[speech._MARGIN - 150 :].max() < 1e-5


def test_levelling_a_stretch_equals_levelling_the_whole() -> None:
    mel = log_mel(torch.from_numpy(babble(12.0)))
    whole = level(mel[None])[0]
    part = level(mel[None, 100:1000])[0]
    torch.testing.assert_close(part[300:600], whole[400:700], rtol=1e-4, atol=1e-5)
    padding = torch.cat((mel, torch.full((200, 80), 7.0)))[None]
    valid = torch.arange(padding.shape[1])[None] < len(mel)
    torch.testing.assert_close(level(padding, valid)[0, : len(mel)], whole, rtol=1e-4, atol=1e-5)


def test_a_log_mel_frame_lies_where_its_samples_are() -> None:
    samples = torch.zeros(16_000)
    samples[8_000:8_160] = torch.randn(160)  # frame 50
    energy = log_mel(samples).exp().sum(1)
    assert energy.argmax() == 50
    assert log_mel(samples).shape == (100, 80)


def utterances(encoder: SpeechEncoder, recording: Recording) -> list[Utterance]:
    return [one for stretch in encoder.encode(recording) for one in stretch.utterances]


def assert_same(one: Utterance, two: Utterance) -> None:
    assert (one.start, one.stop) == (two.start, two.stop)
    np.testing.assert_array_equal(one.phrases, two.phrases)
    kept = one.posteriors.costs.astype(int) - two.posteriors.costs.astype(int)
    assert np.abs(kept).max() <= 1  # a rounding
    np.testing.assert_allclose(one.windows, two.windows, atol=2e-3)
    np.testing.assert_allclose(one.measures, two.measures, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(one.manners, two.manners, atol=2e-3)


def test_chunks_equal_the_whole(
    encoder: SpeechEncoder, recorded: Callable[[Floats], Recording], monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = recorded(babble(55))
    whole = utterances(encoder, recording)
    assert len(whole) >= 3
    monkeypatch.setattr(speech, "_CORE", speech._ALIGNED)
    chunked = utterances(encoder, recording)
    assert len(chunked) == len(whole)
    for one, two in zip(chunked, whole, strict=True):
        assert_same(one, two)


def test_an_interrupted_recording_goes_on_as_if_it_had_not_been(
    encoder: SpeechEncoder, recorded: Callable[[Floats], Recording], monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = recorded(babble(70))
    monkeypatch.setattr(speech, "STRETCH", 30 * SAMPLE_RATE)
    stretches = list(encoder.encode(recording))
    assert len(stretches) >= 3
    assert [stretch.stop for stretch in stretches] == sorted(stretch.stop for stretch in stretches)
    assert stretches[-1].stop == recording.samples
    state = json.loads(json.dumps(stretches[0].state))
    again = [one for stretch in encoder.encode(recording, state) for one in stretch.utterances]
    before = [one for stretch in stretches[1:] for one in stretch.utterances]
    assert len(again) == len(before) > 0
    for one, two in zip(again, before, strict=True):
        assert_same(one, two)
    spans = [(one.start, one.stop) for stretch in stretches for one in stretch.utterances]
    assert spans == sorted(spans)
    assert all(left[1] <= right[0] for left, right in pairwise(spans))


def test_stretches_cut_like_the_whole(
    encoder: SpeechEncoder, recorded: Callable[[Floats], Recording], monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = recorded(babble(70))
    whole = [(one.start, one.stop) for one in utterances(encoder, recording)]
    monkeypatch.setattr(speech, "STRETCH", 30 * SAMPLE_RATE)
    assert [(one.start, one.stop) for one in utterances(encoder, recording)] == whole


def test_a_clip_is_heard_like_a_recording(encoder: SpeechEncoder, recorded: Callable[[Floats], Recording]) -> None:
    samples = (np.rint(babble(6) * 32768) / 32768).astype(np.float32)
    for one, two in zip(encoder.hear(samples), utterances(encoder, recorded(samples)), strict=True):
        assert_same(one, two)


@pytest.mark.parametrize("samples", [0, 100, 319, 320, 5000])
def test_sounds_too_short_for_a_word_do_no_harm(encoder: SpeechEncoder, samples: int) -> None:
    for utterance in encoder.hear(babble(1.0)[:samples]):
        assert utterance.stop <= samples


def test_pronunciations_are_unit_vectors_whatever_their_company(encoder: SpeechEncoder) -> None:
    words = [phone_ids("HH AH L OW"), phone_ids("K AE T"), phone_ids("AH " * 40)]
    vectors = encoder.encode_pronunciations(words)
    assert vectors.shape == (3, encoder.width)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(encoder.encode_pronunciations(words[1:2]), vectors[1:2], atol=1e-5)
    assert encoder.encode_pronunciations([]).shape == (0, encoder.width)
    assert padded(words).shape[1] == 24


def test_weights_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        SpeechEncoder(tmp_path / "none.safetensors")
    (tmp_path / "text.safetensors").write_text("no tensors")
    with pytest.raises(ModelError, match="cannot be read"):
        SpeechEncoder(tmp_path / "text.safetensors")
    save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors", {"format": "other-1"})
    with pytest.raises(ModelError, match="no speech encoder of this version"):
        SpeechEncoder(tmp_path / "other.safetensors")
    save_file({"x": torch.zeros(1)}, tmp_path / "half.safetensors", {"format": FORMAT, "shape": "{}"})
    with pytest.raises(ModelError, match="does not fit"):
        SpeechEncoder(tmp_path / "half.safetensors")


def test_the_fingerprint_names_the_weights_and_not_their_file(tmp_path: Path) -> None:
    one = SpeechEncoder(checkpoint(tmp_path / "one.safetensors"), "cpu")
    two = SpeechEncoder(checkpoint(tmp_path / "two.safetensors", note="another header"), "cpu")
    other = SpeechEncoder(checkpoint(tmp_path / "other.safetensors", replace(TINY, skips=False)), "cpu")
    assert one.phoneme_fingerprint == two.phoneme_fingerprint != other.phoneme_fingerprint


def test_what_the_header_takes_off_the_blank_changes_posteriors_alone(tmp_path: Path) -> None:
    usual = SpeechEncoder(checkpoint(tmp_path / "usual.safetensors"), "cpu")
    # Less than nothing: an untrained network hardly ever hears a blank.
    more = SpeechEncoder(checkpoint(tmp_path / "more.safetensors", blank="-6"), "cpu")
    given = SpeechEncoder(tmp_path / "usual.safetensors", "cpu", blank=-6)
    assert usual.phoneme_fingerprint != more.phoneme_fingerprint == given.phoneme_fingerprint
    spoken = babble(3)
    pairs = list(zip(usual.hear(spoken), more.hear(spoken), strict=True))
    assert pairs
    for one, other in pairs:
        assert (one.start, one.stop) == (other.start, other.stop)
        np.testing.assert_array_equal(one.windows, other.windows)
        assert one.posteriors.unpack()[:, BLANK].mean() < other.posteriors.unpack()[:, BLANK].mean()
    checkpoint(tmp_path / "odd.safetensors", blank="much")
    with pytest.raises(ModelError, match="'much' off the blank"):
        SpeechEncoder(tmp_path / "odd.safetensors", "cpu")


def test_noise_is_no_speech() -> None:
    """With the shipped weights; the last two come and go as syllables do."""
    encoder = SpeechEncoder(device="cpu")
    generator = np.random.default_rng(1)
    white = generator.standard_normal(10 * SAMPLE_RATE)
    time = np.arange(len(white)) / SAMPLE_RATE
    swelling = white * (1 + np.sin(2 * np.pi * 3 * time))
    clicks = white * np.exp(-40 * (time % 0.21))
    for sound in (0 * white, 0.003 * white, 0.1 * white, np.cumsum(white) * 1e-3, 0.1 * swelling, 0.1 * clicks):
        assert not encoder.hear(sound.astype(np.float32))


def test_the_shipped_weights_are_small_and_load() -> None:
    assert WEIGHTS.stat().st_size < 20e6
    encoder = SpeechEncoder(device="cpu")
    assert 2 * encoder.width == 64  # bytes of a vector in a shard
