"""The text encoder against a slow path that does everything by hand, on a tiny random transformer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from octavo.pipeline.document import Span
from octavo.pipeline.embed import Embeddings
from octavo.pipeline.encoders import text_stretch
from octavo.pipeline.encoders.checkpoint import DEFAULT_MODEL, load_transformer
from octavo.pipeline.encoders.text import TextEncoder
from octavo.pipeline.encoders.token_axes import TokenAxes, axes_for, load_token_axes
from octavo.pipeline.errors import ModelError
from octavo.pipeline.scale import DOCUMENT, PARAGRAPH, SECTION, SENTENCE, Scale
from octavo.pipeline.token_states import TOKEN_WIDTH, rounded
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

WORDS = ["red", "green", "blue", "one", "two", "three", ".", "valve", "pump"]


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny-bert")
    vocabulary = {word: i for i, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]"
    ).save_pretrained(folder)
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=24,
        hidden_dropout_prob=0.0,
    )
    BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def encoder(model_folder: Path) -> TextEncoder:
    return TextEncoder(str(model_folder), "cpu", window_tokens=12, batch_tokens=64)


def tree(paragraphs_by_section: list[list[list[str]]]) -> tuple[str, list[Span]]:
    """Text and spans of sections of paragraphs of sentences."""
    text = ""
    spans = [Span(DOCUMENT, 0, 1)]
    for paragraphs in paragraphs_by_section:
        section = len(spans)
        spans.append(Span(SECTION, len(text), len(text) + 1, 0))
        for sentences in paragraphs:
            paragraph = len(spans)
            spans.append(Span(PARAGRAPH, len(text), len(text) + 1, section))
            for sentence in sentences:
                spans.append(Span(SENTENCE, len(text), len(text) + len(sentence), paragraph))
                text += sentence + " "
            spans[paragraph] = Span(PARAGRAPH, spans[paragraph].start, len(text) - 1, section)
            text += "\n\n"
        spans[section] = Span(SECTION, spans[section].start, len(text.rstrip()), 0)
    spans[0] = Span(DOCUMENT, 0, len(text.rstrip()))
    return text, spans


def states_by_hand(encoder: TextEncoder, text: str, spans: list[Span], room: int) -> Iterator[tuple[int, np.ndarray]]:
    """First character and state of every token, one window at a time."""
    checkpoint = encoder._checkpoint
    windows: list[list[tuple[int, int]]] = []  # (token id, first character)
    for span in spans:
        if span.scale is PARAGRAPH:
            made = checkpoint.tokenizer(
                text[span.start : span.stop], add_special_tokens=False, return_offsets_mapping=True
            )
            tokens = [(i, span.start + a) for i, (a, _) in zip(made["input_ids"], made["offset_mapping"], strict=True)]
            assert len(tokens) <= room, "this slow path does not divide paragraphs"
            if not windows or len(windows[-1]) + len(tokens) > room:
                windows.append([])
            windows[-1] += tokens
    for window in windows:
        ids = [*checkpoint.prefix, *(token for token, _ in window), *checkpoint.suffix]
        with torch.inference_mode():
            states = checkpoint.transformer(torch.tensor([ids])).last_hidden_state[0, 1:-1].double().numpy()
        yield from zip((place for _, place in window), states, strict=True)


def by_hand(encoder: TextEncoder, text: str, spans: list[Span], room: int) -> dict[int, np.ndarray]:
    """Sum of states of every span, one token at a time."""
    sums = {i: np.zeros(encoder.width) for i in range(len(spans))}
    for place, state in states_by_hand(encoder, text, spans, room):
        for i, span in enumerate(spans):
            if span.start <= place < span.stop:
                sums[i] += state
    return sums


def collect(made: list[tuple[int, Embeddings]], document: int, scale: Scale) -> tuple[np.ndarray, np.ndarray]:
    parts = [e for d, e in made if d == document and e.scale is scale]
    return np.concatenate([e.spans for e in parts]), np.concatenate([e.vectors for e in parts])


sentence = st.lists(st.sampled_from(WORDS[:6]), min_size=1, max_size=3).map(lambda words: " ".join([*words, "."]))
document = st.lists(
    st.lists(st.lists(sentence, min_size=1, max_size=2), min_size=1, max_size=3), min_size=1, max_size=3
)


@settings(max_examples=25)
@given(documents=st.lists(document, min_size=1, max_size=3), stretch=st.sampled_from([1, 40, 10_000]))
def test_every_scale_equals_the_slow_path(
    encoder: TextEncoder, documents: list[list[list[list[str]]]], stretch: int
) -> None:
    trees = [tree(parts) for parts in documents]
    whole = text_stretch.CHARACTERS_PER_STRETCH
    text_stretch.CHARACTERS_PER_STRETCH = stretch
    try:
        made = list(encoder.encode(trees))
    finally:
        text_stretch.CHARACTERS_PER_STRETCH = whole
    assert [d for d, _ in made] == sorted(d for d, _ in made)
    for number, (text, spans) in enumerate(trees):
        if stretch < 10_000 and sum(s.scale is SECTION for s in spans) > 1:
            continue  # windows end with a stretch, so the slow path's windows are others
        expected = by_hand(encoder, text, spans, room=10)
        for scale in (SENTENCE, PARAGRAPH, SECTION, DOCUMENT):
            positions, vectors = collect(made, number, scale)
            assert positions.tolist() == [i for i, span in enumerate(spans) if span.scale is scale]
            for position, vector in zip(positions.tolist(), vectors, strict=True):
                wanted = expected[position] / np.linalg.norm(expected[position])
                np.testing.assert_allclose(vector, wanted, atol=2e-5)


def test_paragraphs_longer_than_the_window_are_divided_and_lose_nothing(encoder: TextEncoder) -> None:
    long = ["red green blue one two .", "three valve pump red .", " ".join(["one"] * 13 + ["."])]
    text, spans = tree([[long]])
    made = list(encoder.encode([(text, spans)]))
    positions, vectors = collect(made, 0, SENTENCE)
    assert positions.tolist() == [3, 4, 5]
    assert np.isfinite(vectors).all()
    assert not np.allclose(vectors[0], vectors[1])


def test_a_span_without_tokens_takes_its_parents_vector(encoder: TextEncoder) -> None:
    text = "red pump .\x00\x00 \x00\x00"
    spans = [
        Span(DOCUMENT, 0, len(text)),
        Span(SECTION, 0, len(text), 0),
        Span(PARAGRAPH, 0, len(text), 1),
        Span(SENTENCE, 0, 10, 2),
        Span(SENTENCE, 13, 15, 2),
    ]
    tokens = encoder._checkpoint.tokenizer(text[13:15], add_special_tokens=False)["input_ids"]
    _, vectors = collect(list(encoder.encode([(text, spans)])), 0, SENTENCE)
    if not tokens:
        np.testing.assert_allclose(vectors[1], collect(list(encoder.encode([(text, spans)])), 0, PARAGRAPH)[1][0])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1], abs=1e-5)


def test_questions_are_pooled_with_their_special_tokens(encoder: TextEncoder) -> None:
    vectors = encoder.encode_questions(["red valve", "one two three pump"])
    ids = encoder._checkpoint.tokenizer("red valve")["input_ids"]
    with torch.inference_mode():
        state = encoder._checkpoint.transformer(torch.tensor([ids])).last_hidden_state[0].mean(0).numpy()
    np.testing.assert_allclose(vectors[0], state / np.linalg.norm(state), atol=1e-5)
    assert encoder.encode_questions(["red " * 500]).shape == (1, 16)


def test_the_fingerprint_follows_weights_and_settings(model_folder: Path, encoder: TextEncoder) -> None:
    same = TextEncoder(str(model_folder), "cpu", window_tokens=12, batch_tokens=24)
    other = TextEncoder(str(model_folder), "cpu", window_tokens=10)
    assert same.fingerprint == encoder.fingerprint != other.fingerprint
    changed = BertModel.from_pretrained(model_folder)
    with torch.no_grad():
        changed.embeddings.word_embeddings.weight[5, 3] += 1
    changed.save_pretrained(folder := model_folder.parent / "changed")
    other._checkpoint.tokenizer.save_pretrained(folder)
    assert TextEncoder(str(folder), "cpu", window_tokens=12).fingerprint != encoder.fingerprint


def test_a_missing_model_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"local folder|hub id"):
        TextEncoder(str(tmp_path / "nothing"), "cpu")


def test_an_unknown_device_says_what_to_choose(model_folder: Path) -> None:
    with pytest.raises(ModelError, match="auto, cpu"):
        TextEncoder(str(model_folder), "abacus")


def test_the_shipped_model_puts_paraphrases_near() -> None:
    encoder = TextEncoder(device="cpu")
    a, b, c = encoder.encode_questions(
        ["How do I clean the grinder?", "cleaning the grinding burrs", "Quarterly revenue rose by nine percent."]
    )
    assert a @ b > a @ c + 0.3


@pytest.fixture
def with_axes(model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> TextEncoder:
    axes = torch.randn(16, TOKEN_WIDTH, generator=torch.Generator().manual_seed(3))
    monkeypatch.setattr("octavo.pipeline.encoders.text.axes_for", lambda digest, folder: TokenAxes(axes, digest))
    return TextEncoder(str(model_folder), "cpu", window_tokens=12, batch_tokens=64)


def test_token_states_equal_the_slow_path(with_axes: TextEncoder) -> None:
    axes = with_axes._axes.axes.double().numpy() if with_axes._axes else None
    assert axes is not None
    trees = [tree([[["red one .", "pump ."], ["two ."]], [["valve green ."]]]), tree([[["blue .", "three three ."]]])]
    made = [one for one in with_axes.encode(trees) if one[1].scale is SENTENCE]
    for number, (text, spans) in enumerate(trees):
        found: dict[int, np.ndarray] = {}
        for document, embeddings in made:
            if document == number:
                assert embeddings.tokens is not None
                assert embeddings.tokens.fingerprint == with_axes.token_fingerprint
                blobs = embeddings.tokens.blobs()
                found |= dict(zip(embeddings.spans.tolist(), map(codes_in, blobs), strict=True))
        expected: dict[int, list[np.ndarray]] = {i: [] for i, span in enumerate(spans) if span.scale is SENTENCE}
        for place, state in states_by_hand(with_axes, text, spans, room=10):
            turned = (state @ axes) / np.linalg.norm(state @ axes)
            for i in expected:
                if spans[i].start <= place < spans[i].stop:
                    expected[i].append(rounded(turned.astype(np.float32)))
        assert found.keys() == expected.keys()
        for i, rows in expected.items():
            assert np.abs(found[i].astype(int) - np.stack(rows).astype(int)).max() <= 1  # rounding of the last digit


def codes_in(blob: bytes) -> np.ndarray:
    return np.frombuffer(blob, np.int8).reshape(-1, TOKEN_WIDTH)


def test_a_question_is_read_once_for_its_vector_and_its_pieces(with_axes: TextEncoder) -> None:
    question = "red pump three"
    vector, pieces = with_axes.read_question(question)
    np.testing.assert_array_equal(vector, with_axes.encode_questions([question])[0])
    assert pieces is not None
    assert [question[start:stop] for start, stop in pieces.places.tolist()] == question.split()
    np.testing.assert_allclose(np.linalg.norm(pieces.states, axis=1), 1, atol=0.05)


def test_a_transformer_without_axes_keeps_no_token_states(encoder: TextEncoder) -> None:
    assert encoder.token_fingerprint == ""
    assert encoder.read_question("red pump")[1] is None
    assert all(one.tokens is None for _, one in encoder.encode([tree([[["red ."]]])]))


def test_the_shipped_axes_are_of_the_shipped_transformer() -> None:
    axes = load_token_axes()
    assert axes_for(load_transformer(DEFAULT_MODEL).digest) is not None
    assert axes_for("another") is None
    np.testing.assert_allclose(axes.axes.T @ axes.axes, np.eye(TOKEN_WIDTH), atol=5e-3)  # but for 16-bit floats


def test_damaged_axes_are_named(tmp_path: Path) -> None:
    path = tmp_path / "axes.safetensors"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(ModelError, match="token axes"):
        load_token_axes(path)
