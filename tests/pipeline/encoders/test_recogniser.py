"""Recognisers of both kinds, on tiny random checkpoints, and what is done with the text they invent."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from octavo.pipeline.document import Metadata, Source
from octavo.pipeline.encoders import recogniser as recogniser_module
from octavo.pipeline.encoders.recogniser import LONGEST, Recogniser
from octavo.pipeline.errors import ModelError
from octavo.pipeline.recording import Recording
from transformers import (
    BertConfig,
    BertModel,
    GenerationConfig,
    Wav2Vec2Config,
    Wav2Vec2CTCTokenizer,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForCTC,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperTokenizer,
)
from transformers.convert_slow_tokenizer import bytes_to_unicode

SECOND = 16_000


@pytest.fixture(scope="session")
def ctc_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny-wav2vec2")
    letters = ["<pad>", "<s>", "</s>", "<unk>", "|", *"abcdefgh"]
    vocabulary = folder / "vocab.json"
    vocabulary.write_text("{" + ",".join(f'"{letter}":{n}' for n, letter in enumerate(letters)) + "}")
    Wav2Vec2CTCTokenizer(str(vocabulary)).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(return_attention_mask=True).save_pretrained(folder)
    torch.manual_seed(3)
    config = Wav2Vec2Config(
        vocab_size=len(letters),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        conv_dim=(8, 8),
        conv_stride=(20, 16),
        conv_kernel=(20, 16),
        num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=2,
        feat_extract_norm="layer",
        pad_token_id=0,
    )
    Wav2Vec2ForCTC(config).save_pretrained(folder)
    return folder


SPECIAL = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|de|>", "<|translate|>", "<|transcribe|>",
           "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]  # fmt: skip


@pytest.fixture(scope="session")
def whisper_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny-whisper")
    symbols = list(bytes_to_unicode().values())
    vocabulary = {symbol: number for number, symbol in enumerate(symbols)}
    tokenizer = WhisperTokenizer(vocab=vocabulary | {SPECIAL[0]: 256}, merges=[])
    tokenizer.add_special_tokens({"additional_special_tokens": SPECIAL[1:]})
    tokenizer.add_tokens([f"<|{n * 0.02:.2f}|>" for n in range(1501)])
    tokenizer.save_pretrained(folder)
    WhisperFeatureExtractor(feature_size=16).save_pretrained(folder)
    vocabulary = tokenizer.get_vocab()
    numbers = {name: vocabulary[name] for name in SPECIAL}
    torch.manual_seed(5)
    config = WhisperConfig(
        vocab_size=len(tokenizer),
        num_mel_bins=16,
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        max_target_positions=48,
        pad_token_id=256,
        bos_token_id=256,
        eos_token_id=256,
        decoder_start_token_id=numbers["<|startoftranscript|>"],
    )
    model = WhisperForConditionalGeneration(config)
    model.generation_config = GenerationConfig(
        decoder_start_token_id=numbers["<|startoftranscript|>"],
        eos_token_id=256,
        pad_token_id=256,
        no_timestamps_token_id=numbers["<|notimestamps|>"],
        lang_to_id={"<|en|>": numbers["<|en|>"], "<|de|>": numbers["<|de|>"]},
        task_to_id={"translate": numbers["<|translate|>"], "transcribe": numbers["<|transcribe|>"]},
        is_multilingual=True,
        alignment_heads=[[0, 0], [0, 1]],
        max_length=40,
        suppress_tokens=list(range(128, 256)),
    )
    model.save_pretrained(folder)
    return folder


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    sound = np.random.default_rng(0).integers(-9000, 9000, 50 * SECOND).astype("<i2")
    path = tmp_path / "samples"
    path.write_bytes(sound.tobytes())
    source = Source("/talk.wav", "audio/wav", "0" * 64)
    return Recording(source, len(sound), 1_000_000, Metadata(title="Talk"), (), path)


UTTERANCES = [(SECOND, 3 * SECOND), (4 * SECOND, 4 * SECOND + 900), (10 * SECOND, 12 * SECOND)]


def test_ctc(ctc_folder: Path, recording: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recogniser_module, "_REPETITIVE", 1e9)  # a random model repeats itself
    recogniser = Recogniser(str(ctc_folder), "cpu", batch=2)
    document = recogniser.transcribe(recording, UTTERANCES)
    assert document.text
    assert document.source is recording.source
    inside = np.zeros(len(document.times), bool)
    for start, stop in UTTERANCES:
        inside |= (document.times["from"] >= start) & (document.times["to"] <= stop)
    assert inside.all(), "nothing is heard between the utterances"
    assert [document.text[row["start"] : row["stop"]] for row in document.times] == document.text.split()
    again = Recogniser(str(ctc_folder), "cpu", batch=1)
    assert again.fingerprint == recogniser.fingerprint
    assert again.transcribe(recording, UTTERANCES[:1]).text in document.text


def test_words_of_ctc_against_greedy_decoding_by_hand(
    ctc_folder: Path, recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recogniser_module, "_REPETITIVE", 1e9)
    recogniser = Recogniser(str(ctc_folder), "cpu")
    model = Wav2Vec2ForCTC.from_pretrained(ctc_folder).eval()
    vocabulary = Wav2Vec2CTCTokenizer.from_pretrained(ctc_folder).convert_ids_to_tokens(range(13))
    start, stop = UTTERANCES[0]
    sound = recording.read(start, stop)
    sound = (sound - sound.mean()) / np.sqrt(sound.var() + 1e-7)
    with torch.no_grad():
        best = model(torch.from_numpy(sound)[None]).logits[0].argmax(-1).tolist()
    letters, previous = [], -1
    for symbol in best:
        if symbol != previous and symbol != 0:
            letters.append(vocabulary[symbol])
        previous = symbol
    by_hand = "".join(letters).replace("|", " ").split()
    assert recogniser.transcribe(recording, [(start, stop)]).text.split() == by_hand


def test_whisper(whisper_folder: Path, recording: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recogniser_module, "_REPETITIVE", 1e9)
    recogniser = Recogniser(str(whisper_folder), "cpu", batch=2)
    document = recogniser.transcribe(recording, [*UTTERANCES, (15 * SECOND, 15 * SECOND + LONGEST + SECOND)])
    assert document.text.strip()
    assert document.metadata.language in ("en", "de")
    assert document.metadata.title == "Talk"
    for row in document.times:
        assert any(
            start <= row["from"] < row["to"] <= stop
            for start, stop in [*UTTERANCES, (15 * SECOND, 15 * SECOND + LONGEST + SECOND)]
        )
    german = Recogniser(str(whisper_folder), "cpu", language="de")
    assert german.transcribe(recording, UTTERANCES).metadata.language == "de"
    with pytest.raises(ModelError, match="does not know the language 'xx'"):
        Recogniser(str(whisper_folder), "cpu", language="xx")


@pytest.mark.parametrize("kind", ["ctc_folder", "whisper_folder"])
def test_half_precision(
    kind: str, recording: Recording, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setattr(recogniser_module, "_REPETITIVE", 1e9)
    folder = str(request.getfixturevalue(kind))
    whole = Recogniser(folder, "cpu").fingerprint
    monkeypatch.setattr(recogniser_module, "_dtype", lambda device: torch.bfloat16)
    half = Recogniser(folder, "cpu")
    assert half.transcribe(recording, UTTERANCES).text
    assert half.fingerprint == whole


def test_nothing_is_said(whisper_folder: Path, recording: Recording) -> None:
    document = Recogniser(str(whisper_folder), "cpu").transcribe(recording, [])
    assert (document.text, document.blocks, len(document.times)) == ("", (), 0)


def test_invented_text_is_dropped(whisper_folder: Path, recording: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    recogniser = Recogniser(str(whisper_folder), "cpu")
    said = {"text": " Thank you for watching.", "chunks": []}
    likelihood = -2.0
    monkeypatch.setattr(recogniser, "_heard", lambda sounds, language, **settings: [dict(said) for _ in sounds])
    monkeypatch.setattr(recogniser, "_first_step", lambda sounds: ([True, False, False][: len(sounds)], "en"))
    monkeypatch.setattr(recogniser, "_likelihood", lambda sound, text, language: likelihood)
    document = recogniser.transcribe(recording, UTTERANCES)
    assert document.text.count("Thank you") == 2, "likely silence and unlikely text: gone"
    assert [flag.code for flag in document.flags] == ["asr-dropped"]
    likelihood = -0.1
    assert recogniser.transcribe(recording, UTTERANCES).text.count("Thank you") == 3
    said["text"] = " you and you and" * 20
    document = recogniser.transcribe(recording, UTTERANCES)
    assert document.text == ""
    assert [flag.code for flag in document.flags] == ["asr-dropped"]


def test_likelihood_of_a_text_against_a_loop(whisper_folder: Path, recording: Recording) -> None:
    recogniser = Recogniser(str(whisper_folder), "cpu")
    sound = recording.read(*UTTERANCES[0])
    tokenizer = WhisperTokenizer.from_pretrained(whisper_folder)
    model = WhisperForConditionalGeneration.from_pretrained(whisper_folder).eval()
    extractor = WhisperFeatureExtractor.from_pretrained(whisper_folder)
    features = extractor(sound, sampling_rate=SECOND, return_tensors="pt").input_features
    prompt = ["<|startoftranscript|>", "<|de|>", "<|transcribe|>", "<|notimestamps|>"]
    total, given = 0.0, tokenizer.convert_tokens_to_ids(prompt)
    labels = tokenizer.convert_tokens_to_ids(["a", "b", "c"])
    for label in labels:
        with torch.no_grad():
            logits = model(features, decoder_input_ids=torch.tensor([given])).logits[0, -1]
        total += float(logits.log_softmax(-1)[label])
        given.append(label)
    assert recogniser._likelihood(sound, "abc", "de") == pytest.approx(total / len(labels), abs=1e-4)


def test_failures(ctc_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="name a folder that holds"):
        Recogniser(str(tmp_path), "cpu")
    bare = tmp_path / "bare"
    bare.mkdir()
    for file in ctc_folder.iterdir():
        if file.suffix != ".safetensors":
            (bare / file.name).write_bytes(file.read_bytes())
    with pytest.raises(ModelError, match=r"model\.safetensors, or a hub id"):
        Recogniser(str(bare), "cpu")
    torch.save({}, bare / "pytorch_model.bin")
    with pytest.raises(ModelError):
        Recogniser(str(bare), "cpu")
    other = tmp_path / "bert"
    BertModel(BertConfig(vocab_size=8, hidden_size=8, num_hidden_layers=1, num_attention_heads=1)).save_pretrained(
        other
    )
    with pytest.raises(ModelError, match="of type bert"):
        Recogniser(str(other), "cpu")
