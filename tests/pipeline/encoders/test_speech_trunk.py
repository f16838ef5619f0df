"""A speech model of transformers as the trunk: what it hears, what it is and what is refused, without a network."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import huggingface_hub
import numpy as np
import numpy.typing as npt
import pytest
import torch
import transformers
from octavo.pipeline.encoders import speech
from octavo.pipeline.encoders.hearing_network import TRUNK_SHAPE, network_on, stacked
from octavo.pipeline.encoders.speech import FORMAT, SpeechEncoder
from octavo.pipeline.encoders.speech_trunk import (
    CORE,
    KINDS,
    MARGIN,
    STRIDE,
    Trunk,
    TrunkIdentity,
    find_trunk,
    load_trunk,
)
from octavo.pipeline.encoders.word_space import PhoneSequenceEncoder, WindowEncoder
from octavo.pipeline.errors import ModelError
from octavo.pipeline.phones import SYMBOLS, phone_ids
from octavo.pipeline.posteriors import FRAME
from octavo.pipeline.recording import SAMPLE_RATE, Recording
from safetensors.torch import load_file, save_file

from .test_speech import assert_same, babble, recorded, utterances  # noqa: F401
from .trunk_world import SIZE, offline, trunk_folder  # noqa: F401

SMALL = replace(TRUNK_SHAPE, channels=(64,) * 4)
Floats = npt.NDArray[np.float32]


def checkpoint(path: Path, trunk: Trunk) -> Path:
    """Random weights of ours on a trunk."""
    torch.manual_seed(3)
    network = network_on(trunk.identity, SMALL)
    with torch.no_grad():
        network.phones.weight.mul_(8)  # so that blanks and phones alternate with what is heard
    modules = {"network": network, "windows": WindowEncoder(64), "sequences": PhoneSequenceEncoder()}
    tensors = {f"{name}.{key}": value for name, one in modules.items() for key, value in one.state_dict().items()}
    header = {"format": FORMAT, "shape": json.dumps(asdict(SMALL)), "trunk": trunk.identity.to_json()}
    save_file(tensors, path, header)
    return path


@pytest.fixture(scope="module", params=KINDS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trunk_folder(tmp_path_factory.mktemp("trunks") / request.param, request.param)


@pytest.fixture(scope="module")
def encoder(folder: Path) -> SpeechEncoder:
    return SpeechEncoder(checkpoint(folder.parent / "speech.safetensors", load_trunk(str(folder))), "cpu")


@pytest.mark.parametrize("samples", [0, 319, 320, 5000, 16_000])
def test_its_frames_are_20_ms(folder: Path, samples: int) -> None:
    trunk = load_trunk(str(folder))
    assert trunk.stride == STRIDE == FRAME
    assert trunk.reach == 400
    states = trunk.states(torch.randn(samples))
    assert states.shape == (samples // 320, trunk.identity.layers, trunk.identity.width)
    assert (trunk.identity.layers, trunk.identity.width) == (SIZE["num_hidden_layers"] + 1, SIZE["hidden_size"])


def test_our_network_keeps_its_strides_on_it(folder: Path, encoder: SpeechEncoder) -> None:
    heard = encoder._hearing(torch.randn(FRAME * 37 + 100))
    assert heard.features.shape == (1, 37, 64)
    assert heard.phones.shape == heard.frames.shape == (1, 37, SYMBOLS)
    assert heard.coarse_phones.shape == (1, 19, SYMBOLS)
    assert heard.rate.shape == (1, 10, 2)


def test_its_states_are_those_that_transformers_gives(folder: Path) -> None:
    samples = babble(1.5)[: 70 * FRAME] + np.float32(0.2)
    extract = transformers.AutoFeatureExtractor.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder).eval()
    values = extract(samples, sampling_rate=SAMPLE_RATE, return_tensors="pt").input_values
    with torch.inference_mode():
        # As many samples around the sound as a frame reaches beyond its 20 ms.
        given = torch.nn.functional.pad(values, (40, 40))
        wanted = torch.stack(model(given, output_hidden_states=True).hidden_states, 2)[0]
    torch.testing.assert_close(load_trunk(str(folder)).states(torch.from_numpy(samples)), wanted, rtol=1e-4, atol=1e-4)


def test_a_frame_lies_where_its_samples_are(tmp_path: Path) -> None:
    folder = trunk_folder(tmp_path, normalise=False, feat_extract_norm="layer", do_stable_layer_norm=True)
    trunk = load_trunk(str(folder))
    quiet = 0.1 * torch.randn(16_000, generator=torch.Generator().manual_seed(1))
    struck = quiet.clone()
    struck[20 * 320 + 120 : 20 * 320 + 200] = 3
    given = (torch.nn.functional.pad(one, (40, 40))[None] for one in (quiet, struck))
    convolutions = trunk.module.get_submodule("feature_extractor")  # below attention, which mixes all frames
    one, two = map(convolutions, given)
    assert one.shape[-1] == len(trunk.states(quiet)) == 50
    assert (one - two).abs().sum(1)[0].nonzero().flatten().tolist() == [20]


@pytest.mark.parametrize(("says", "normalised"), [(True, True), (False, False), (None, True)])
def test_it_hears_at_the_level_that_its_feature_extractor_says(
    tmp_path: Path, says: bool | None, normalised: bool
) -> None:
    trunk = load_trunk(str(trunk_folder(tmp_path, normalise=says, feat_extract_norm="layer")))
    assert trunk.identity.normalised is normalised
    samples = torch.from_numpy(babble(1.0))
    one, two = trunk.states(samples), trunk.states(samples + 0.3)
    assert torch.allclose(one, two, atol=1e-3) is normalised


def test_padding_changes_nothing(folder: Path, encoder: SpeechEncoder) -> None:
    hearing = encoder._hearing
    assert hearing.trunk is not None
    short, long = torch.from_numpy(babble(1.0)), torch.from_numpy(babble(2.3, seed=2))
    with torch.inference_mode():
        alone = hearing(short).phones[0]
        both = hearing.network(*stacked([hearing.trunk.states(short), hearing.trunk.states(long)])).phones[0]
    torch.testing.assert_close(both[: len(alone)], alone, rtol=1e-4, atol=1e-4)


def test_chunks_are_heard_the_same_wherever_a_stretch_begins(
    encoder: SpeechEncoder,
    recorded: Callable[[Floats], Recording],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recording = recorded(babble(40))
    whole = utterances(encoder, recording)
    assert len(whole) >= 3
    monkeypatch.setattr(speech, "STRETCH", 18 * SAMPLE_RATE)
    stretches = list(encoder.encode(recording))
    assert len(stretches) >= 2
    parts = [one for stretch in stretches for one in stretch.utterances]
    for one, two in zip(parts, whole, strict=True):  # the speaker's baseline, and with it measures, comes as it goes
        assert (one.start, one.stop) == (two.start, two.stop)
        assert np.abs(one.posteriors.costs.astype(int) - two.posteriors.costs.astype(int)).max() <= 1
        np.testing.assert_allclose(one.windows, two.windows, atol=2e-3)
    state = json.loads(json.dumps(stretches[0].state))
    again = [one for stretch in encoder.encode(recording, state) for one in stretch.utterances]
    for one, two in zip(again, parts[len(stretches[0].utterances) :], strict=True):
        assert_same(one, two)


def test_a_chunk_is_what_is_heard_of_it_with_its_surroundings(encoder: SpeechEncoder) -> None:
    samples = (np.rint(babble(40) * 32768) / 32768).astype(np.float32)
    frames = len(samples) // FRAME
    heard = encoder._hear(lambda start, stop: samples[start:stop], 0, frames * FRAME, frames * FRAME)
    low, high = CORE - MARGIN, 2 * CORE + MARGIN
    with torch.inference_mode():
        alone = encoder._hearing(torch.from_numpy(samples[low * FRAME : high * FRAME])).phones[0].log_softmax(-1)
        once = encoder._hearing(torch.from_numpy(samples)).phones[0].softmax(-1)
    torch.testing.assert_close(heard.phones[CORE : 2 * CORE], alone[MARGIN : MARGIN + CORE], rtol=1e-4, atol=1e-4)
    # In one go it is another sound to attention and norms: nearly the same is heard, not quite.
    assert (heard.phones.exp() - once).abs().sum(1).mean() / 2 < 0.1


def test_a_clip_is_heard_like_a_recording(
    encoder: SpeechEncoder,
    recorded: Callable[[Floats], Recording],  # noqa: F811
) -> None:
    samples = (np.rint(babble(6) * 32768) / 32768).astype(np.float32)
    for one, two in zip(encoder.hear(samples), utterances(encoder, recorded(samples)), strict=True):
        assert_same(one, two)


def test_its_identity_survives_a_header() -> None:
    identity = TrunkIdentity("a/b", "hubert", 3, 48, True, {"conv_kernel": [10, 3]}, "12ab")
    assert TrunkIdentity.from_json(identity.to_json()) == identity
    assert replace(identity, model="c").fingerprint == identity.fingerprint
    assert replace(identity, normalised=False).fingerprint != identity.fingerprint
    with pytest.raises(ModelError, match="cannot be read from its header"):
        TrunkIdentity.from_json("{}")


def test_a_model_with_a_head_for_words_is_the_model_below_it(tmp_path: Path) -> None:
    config = transformers.Wav2Vec2Config(**SIZE)
    torch.manual_seed(5)
    whole = transformers.Wav2Vec2ForCTC(config)
    whole.save_pretrained(tmp_path / "ctc")
    whole.wav2vec2.save_pretrained(tmp_path / "bare")
    one, two = load_trunk(str(tmp_path / "ctc")).identity, load_trunk(str(tmp_path / "bare")).identity
    assert one.fingerprint == two.fingerprint


def test_words_need_no_trunk_and_sound_needs_the_same(tmp_path: Path) -> None:
    folder = trunk_folder(tmp_path / "trunk")
    path = checkpoint(tmp_path / "speech.safetensors", load_trunk(str(folder)))
    before = SpeechEncoder(path, "cpu")
    heard = before.hear(babble(3))
    (tmp_path / "elsewhere").mkdir()
    folder.rename(tmp_path / "elsewhere" / "trunk")
    gone = SpeechEncoder(path, "cpu")
    assert gone.phoneme_fingerprint == before.phoneme_fingerprint
    assert gone.encode_pronunciations([phone_ids("K AE T")]).shape == (1, gone.width)
    with pytest.raises(ModelError, match="which is gone: put it back, or put its folder beside"):
        gone.hear(babble(1))
    moved = path.rename(tmp_path / "elsewhere" / "speech.safetensors")  # its trunk lies beside it there
    for one, two in zip(SpeechEncoder(moved, "cpu").hear(babble(3)), heard, strict=True):
        assert_same(one, two)


def test_another_trunk_of_the_same_name_is_refused(tmp_path: Path) -> None:
    folder = trunk_folder(tmp_path / "trunk")
    identity = load_trunk(str(folder)).identity
    file = tmp_path / "speech.safetensors"
    assert find_trunk(identity, file).identity == identity
    weights = load_file(folder / "model.safetensors")
    name = next(name for name in weights if name.endswith("attention.k_proj.weight"))
    weights[name] += 0.01
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match="digest of weights was"):
        find_trunk(identity, file)
    trunk_folder(folder, normalise=False)
    with pytest.raises(ModelError, match="normalised was True, is False"):
        find_trunk(identity, file)
    trunk_folder(folder, feat_extract_activation="relu")
    with pytest.raises(ModelError, match="feat_extract_activation was gelu, is relu"):
        find_trunk(identity, file)


def test_what_can_be_no_trunk_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_trunk(str(tmp_path / "none"))
    folder = trunk_folder(tmp_path / "slow", conv_stride=(5, 2, 2, 2, 2, 2, 4))
    with pytest.raises(ModelError, match=r"frames of .* are 40 ms"):
        load_trunk(str(folder))
    folder = trunk_folder(tmp_path / "telephone")
    transformers.Wav2Vec2FeatureExtractor(sampling_rate=8_000).save_pretrained(folder)
    with pytest.raises(ModelError, match="hears 8000 Hz, not 16000"):
        load_trunk(str(folder))
    transformers.BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1).save_pretrained(tmp_path / "b")
    with pytest.raises(ModelError, match="type bert: a trunk is one of wav2vec2, hubert, wavlm"):
        load_trunk(str(tmp_path / "b"))
    folder = trunk_folder(tmp_path / "half")
    weights = load_file(folder / "model.safetensors")
    save_file({name: one for name, one in weights.items() if "k_proj" not in name}, folder / "model.safetensors")
    with pytest.raises(ModelError, match=r"incomplete: it has no weights for .*k_proj"):
        load_trunk(str(folder))


def test_a_hub_id_that_was_fetched_before_needs_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tmp_path / "models--some--model"
    folder = trunk_folder(kept / "snapshots" / "1234", "hubert", normalise=False)
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text("1234")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    identity = load_trunk("some/model").identity
    assert identity.model == "some/model"
    assert identity.normalised is False
    assert identity.fingerprint == load_trunk(str(folder)).identity.fingerprint


def test_a_pickle_is_not_read(tmp_path: Path) -> None:
    folder = trunk_folder(tmp_path / "pickled")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"pytorch_model.bin alone, a pickle"):
        load_trunk(str(folder))
