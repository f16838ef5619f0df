"""The network that pronounces single words, and the search over its posteriors."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import pytest
import torch
from octavo.pipeline.encoders.grapheme_to_phoneme import (
    LETTERS,
    LONGEST,
    GraphemeToPhoneme,
    GraphemeToPhonemeShape,
    best_phones,
    greedy_phones,
    letter_batch,
    load_network,
    phone_posteriors,
    save_network,
)
from octavo.pipeline.errors import ModelError
from octavo.pipeline.phones import BLANK, SYMBOLS

SMALL = GraphemeToPhonemeShape(width=16, blocks=3, heads=2, reach=3, places=2)


@pytest.fixture
def network() -> GraphemeToPhoneme:
    torch.manual_seed(5)
    return GraphemeToPhoneme(SMALL).eval()


def test_each_letter_and_either_end_have_their_frames(network: GraphemeToPhoneme) -> None:
    guesses = network(letter_batch(["cat", "a", "o'clock"]))
    assert len(guesses) == 3  # of the middle layer, which feeds back, and of those after it
    for guess in guesses:
        assert guess.shape == (3, 2 * (len("o'clock") + 2), SYMBOLS)
        assert torch.allclose(guess.exp().sum(-1), torch.ones(guess.shape[:2]))
    assert [len(posterior) for posterior in phone_posteriors(network, ["cat", "a", "o'clock"])] == [10, 6, 18]


def test_padding_changes_nothing(network: GraphemeToPhoneme) -> None:
    words = ["a", "cat", "antidisestablishmentarianism", "it's"]
    together = phone_posteriors(network, words)
    for word, posterior in zip(words, together, strict=True):
        assert torch.allclose(phone_posteriors(network, [word])[0], posterior, atol=1e-5)


def test_no_words_and_very_long_ones(network: GraphemeToPhoneme) -> None:
    assert phone_posteriors(network, []) == []
    assert len(phone_posteriors(network, ["a" * 1000])[0]) == 2 * (LONGEST + 2)


def test_a_sign_that_is_no_letter_is_refused(network: GraphemeToPhoneme) -> None:
    with pytest.raises(ValueError, match="'é'"):
        phone_posteriors(network, ["café"])


def test_a_network_in_training_is_refused(network: GraphemeToPhoneme) -> None:
    with pytest.raises(ValueError, match="eval"):
        phone_posteriors(network.train(), ["cat"])


@pytest.mark.parametrize("sizes", [{"width": 10, "heads": 4}, {"blocks": 0}, {"places": -1}])
def test_impossible_shapes_are_refused(sizes: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"width|positive"):
        GraphemeToPhonemeShape(**sizes)


def every_sequence(posterior: torch.Tensor) -> dict[tuple[int, ...], float]:
    """Probability of each phone sequence, by adding up every path."""
    frames, symbols = posterior.shape
    totals: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(symbols), repeat=frames):
        merged = tuple(symbol for symbol, _ in itertools.groupby(path) if symbol != BLANK)
        score = sum(float(posterior[frame, symbol]) for frame, symbol in enumerate(path))
        totals[merged] = totals.get(merged, 0.0) + math.exp(score)
    return totals


@pytest.mark.parametrize("seed", range(6))
def test_the_search_finds_what_adding_up_every_path_finds(seed: int) -> None:
    torch.manual_seed(seed)
    posterior = (2 * torch.randn(5, 4)).log_softmax(-1)
    truth = every_sequence(posterior)
    expected = sorted(truth, key=lambda sequence: -truth[sequence])[:6]
    found = best_phones(posterior, 6, width=2000, floor=-100.0)
    assert [sequence for sequence, _ in found] == expected
    for sequence, score in found:
        assert math.exp(score) == pytest.approx(truth[sequence], rel=1e-5)


def test_the_narrow_search_keeps_the_best_of_a_decided_posterior() -> None:
    torch.manual_seed(3)
    posterior = (4 * torch.randn(6, 4)).log_softmax(-1)
    truth = every_sequence(posterior)
    found = best_phones(posterior, 4)
    assert found[0][0] == max(truth, key=lambda sequence: truth[sequence])
    assert len({sequence for sequence, _ in found}) == 4
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)


def test_the_best_path_merges_repeats_but_not_across_a_blank() -> None:
    path = torch.tensor([0, 3, 3, 0, 3, 5, 5, 0])
    assert greedy_phones(torch.nn.functional.one_hot(path, 6).float()) == (3, 3, 5)


def test_a_saved_network_is_read_back(network: GraphemeToPhoneme, tmp_path: Path) -> None:
    path = tmp_path / "small.safetensors"
    save_network(network, path, {"seed": "5"})
    loaded = load_network(path)
    assert loaded.network.shape == SMALL
    assert loaded.metadata["seed"] == "5"
    for name, weights in network.state_dict().items():
        assert torch.equal(loaded.network.state_dict()[name], weights.half().float())
    assert load_network(path).digest == loaded.digest


@pytest.mark.parametrize("content", [b"", b"no safetensors at all", None])
def test_damaged_or_missing_weights_are_an_error_that_says_so(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "broken.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=r"broken\.safetensors.*octavo train pronunciation"):
        load_network(path)


def test_weights_of_another_format_are_refused(network: GraphemeToPhoneme, tmp_path: Path) -> None:
    path = tmp_path / "old.safetensors"
    save_network(network, path, {"format": "something-else"})
    with pytest.raises(ModelError, match="something-else"):
        load_network(path)


def test_the_shipped_weights_fit_their_card() -> None:
    shipped = Path(load_network.__defaults__[0])  # type: ignore[index]
    loaded = load_network()
    assert shipped.stat().st_size <= 8_000_000
    assert loaded.metadata["letters"] == LETTERS
    card = shipped.with_suffix(".md").read_text()
    for part in ("held_out", "learnt"):
        score = json.loads(loaded.metadata[part])
        assert (
            f"| {part.replace('_', ' ')} | {score['words']} | {score['phone_error']:.2%} | {score['word_error']:.2%} "
            f"| {score['oracle_phone_error']:.2%} | {score['oracle_word_error']:.2%} |"
        ) in card
    assert json.loads(loaded.metadata["held_out"])["phone_error"] <= 0.09
    assert f"{sum(p.numel() for p in loaded.network.parameters()):,} parameters" in card
