"""The learned character encoder: independent of company, what it reads, its file, and what it was trained for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from octavo.indexes.expand import judge
from octavo.pipeline.encoders.character import character_encoder
from octavo.pipeline.encoders.character_network import (
    CHANNEL,
    LONGEST,
    CharacterNetwork,
    CharacterShape,
    letter_batch,
    letter_bytes,
    load_network,
    places_of,
    save_network,
)
from octavo.pipeline.encoders.learned_character import WEIGHTS, LearnedCharacterEncoder
from octavo.pipeline.encoders.likeness import FEATURES, Likeness, features, fit, sounds
from octavo.pipeline.encoders.spelling_channel import ChannelNetwork, ChannelShape
from octavo.pipeline.errors import ModelError

SHAPE = CharacterShape(letters=8, channels=16, width=16)
TERMS = st.lists(st.text(max_size=70), min_size=1, max_size=12)
shipped = pytest.mark.skipif(not WEIGHTS.exists(), reason="there are no trained weights: octavo train character")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> LearnedCharacterEncoder:
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("weights") / "character.safetensors"
    save_network(CharacterNetwork(SHAPE).state_dict(), SHAPE, path)
    return LearnedCharacterEncoder(path)


@given(terms=TERMS)
@settings(deadline=None, max_examples=50)
def test_vectors_are_unit_and_do_not_depend_on_company(small: LearnedCharacterEncoder, terms: list[str]) -> None:
    vectors = small.encode(terms)
    assert vectors.shape == (len(terms), 16)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(vectors[-1], small.encode(terms[-1:])[0], atol=1e-4)


@pytest.mark.parametrize("length", range(LONGEST + 1))
def test_padding_changes_nothing(length: int) -> None:
    torch.manual_seed(2)
    network = CharacterNetwork(SHAPE).eval()
    term, least = b"abcdefgh"[:1] * length, places_of(length)
    assert length + 2 <= least < length + 6
    assert least % 4 == 0
    with torch.inference_mode():
        near, far = (network(letter_batch([term], places)) for places in (least, least + 12))
    torch.testing.assert_close(near, far, atol=1e-5, rtol=1e-4)


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        CharacterShape(channels=0)
    with pytest.raises(ValueError, match="at most 64"):
        CharacterShape(width=65)


def test_a_file_of_another_format_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("octavo.pipeline.encoders.character_network.FORMAT", "octavo-character-1")
    save_network(CharacterNetwork(SHAPE).state_dict(), SHAPE, tmp_path / "character.safetensors")
    monkeypatch.undo()
    with pytest.raises(ModelError, match="octavo-character-1"):
        load_network(tmp_path / "character.safetensors")


def test_what_is_read() -> None:
    assert letter_bytes("E-4304") == b"e-4304"
    assert letter_bytes("café") == "cafe\u0301".encode()
    assert letter_bytes("ﬁlter") == b"filter"
    assert len(letter_bytes("ü" * 100)) == LONGEST
    assert letter_batch([b"ab", b""], 4).tolist() == [[1, 100, 101, 2], [1, 2, 0, 0]]


def test_no_terms_no_vectors(small: LearnedCharacterEncoder) -> None:
    assert small.encode([]).shape == (0, 16)


def test_the_file_says_what_it_is(small: LearnedCharacterEncoder, tmp_path: Path) -> None:
    path = tmp_path / "character.safetensors"
    torch.manual_seed(1)
    network = CharacterNetwork(SHAPE)
    channel = ChannelNetwork(ChannelShape(letters=8, channels=12, dilations=((1, 2),)))
    kept = network.state_dict() | {f"{CHANNEL}{name}": value for name, value in channel.state_dict().items()}
    header = {"likeness": str([0.0] * len(FEATURES)), "channel": channel.shape.to_json()}
    save_network(kept, SHAPE, path, header)
    again = LearnedCharacterEncoder(path)
    assert again.fingerprint == small.fingerprint, "what decides makes no other vectors"
    assert again.likeness == Likeness((0.0,) * len(FEATURES))
    assert again.likeness.channel is not None
    save_network(kept, SHAPE, path, header | {"channel": ChannelShape().to_json()})
    with pytest.raises(ModelError, match="compares letters"):
        LearnedCharacterEncoder(path)
    with torch.no_grad():
        network.out.bias.add_(1)
    save_network(network.state_dict(), SHAPE, path)
    assert LearnedCharacterEncoder(path).fingerprint != small.fingerprint
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(ModelError, match="octavo train character"):
        load_network(path)
    with pytest.raises(ModelError, match="octavo train character"):
        load_network(tmp_path / "none")


def test_likeness_is_fitted() -> None:
    words = ["grinder", "warranty", "database", "pressure", "filter"]
    asked = {"grindr": 0, "waranty": 1, "databse": 2, "presure": 3, "philter": 4}
    cosines = np.full(len(words), 0.3)
    likeness = fit([(features(word, words, cosines), right) for word, right in asked.items()])
    for word, right in asked.items():
        likely = likeness(word, words, cosines)
        assert likely.argmax() == right
        assert ((likely >= 0) & (likely <= 1)).all()
    assert likeness("x", [], np.empty(0)).shape == (0,)
    with pytest.raises(ValueError, match="weights"):
        Likeness((1.0,))


def test_at_most_one_term_was_meant() -> None:
    rows = ["warranty", "warrants", "guaranty"]
    likely = Likeness((9.0,) + (0.0,) * 8)("waranty", rows, np.array([0.9, 0.8, 0.7]))
    scores = np.exp(9 * np.array([0.9, 0.8, 0.7]))
    np.testing.assert_allclose(likely, scores / (1 + scores.sum()))


def test_sounds() -> None:
    assert sounds("physics") == sounds("fisiks")
    assert sounds("knight") == sounds("nite") == "nt"
    assert sounds("") == ""


@shipped
def test_the_shipped_file() -> None:
    encoder = character_encoder()
    assert isinstance(encoder, LearnedCharacterEncoder)
    assert WEIGHTS.stat().st_size < 2 << 20
    assert encoder.width <= 64
    assert encoder.likeness is not None
    assert WEIGHTS.with_suffix(".md").exists()


@shipped
@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("temprature", "temperature"),
        ("seperate", "separate"),
        ("fisics", "physics"),
        ("waranty", "warranty"),
        ("rnodel", "model"),
        ("data base", "database"),
        ("descaling's", "descaling"),
        ("cafe", "café"),
        ("GRINDER", "grinder"),
        ("neccesary", "necessary"),
        ("e43o4", "e-4304"),
    ],
)
def test_what_it_was_trained_for(written: str, meant: str) -> None:
    words = ["temperature", "separate", "physics", "warranty", "model", "database", "descaling", "café", "grinder"]
    words += ["necessary", "e-4304", "modem", "desperate", "physical", "guaranty", "dataset", "grind", "e-4305"]
    encoder = character_encoder()
    cosines = encoder.encode(words) @ encoder.encode([written])[0]
    assert words[int(cosines.argmax())] == meant


@shipped
@pytest.mark.parametrize(("one", "other"), [("e-4304", "e-4305"), ("2.11", "2.12"), ("lk-4410", "lk-9410")])
def test_another_code_is_further_than_a_misprint(one: str, other: str) -> None:
    """The card gives the share of all; two figures swapped lie too near, and are for the letters to decide."""
    vectors = character_encoder().encode([one, other, one.replace("0", "o").replace("1", "l").replace("-", "")])
    assert vectors[0] @ vectors[2] - vectors[0] @ vectors[1] > 0.03


@shipped
@pytest.mark.parametrize(("one", "other"), [("e-4304", "e-4305"), ("2.11", "2.12"), ("lk-4410", "lk-4401")])
def test_another_code_never_stands_for_a_code(one: str, other: str) -> None:
    encoder = character_encoder()
    cosines = encoder.encode([other, one.replace("0", "o")]) @ encoder.encode([one])[0]
    assert judge(one, [other], cosines[:1], encoder.likeness) == [0]
