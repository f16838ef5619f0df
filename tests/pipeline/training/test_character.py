"""The recipe of the character encoder: material, pairs, the loop, its checkpoint and its card."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from octavo.pipeline.encoders.character_network import CharacterNetwork, CharacterShape, load_network
from octavo.pipeline.encoders.learned_character import LearnedCharacterEncoder
from octavo.pipeline.encoders.spelling_channel import ChannelShape
from octavo.pipeline.errors import ModelError
from octavo.pipeline.training.character import CharacterRecipe, Progress, contrast, train
from octavo.pipeline.training.character_score import score
from octavo.pipeline.training.lexicon import part_of
from octavo.pipeline.training.respelling import NEAR_PHONES, Respelling
from octavo.pipeline.training.spelling_channel import ChannelProgress, ChannelRecipe, one_cycle, train_channel
from octavo.pipeline.training.spelling_pairs import SHARES, Pair, SpellingMaterial, read_material

SHAPE = CharacterShape(letters=8, channels=16, width=16)
RECIPE = CharacterRecipe(steps=8, batch=32, warm_up=2, shape=SHAPE)
CHANNEL = ChannelRecipe(steps=8, batch=16, fitted=60, shape=ChannelShape(letters=8, channels=12, dilations=((1, 2),)))

_ONSETS = {"b": "B", "d": "D", "f": "F", "k": "K", "c": "K", "l": "L", "m": "M", "n": "N", "s": "S", "t": "T"}
_ONSETS["ph"] = "F"
_VOWELS = {"a": "AE", "e": "EH", "i": "IH", "o": "AA", "u": "AH", "ee": "IY", "oo": "UW"}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lexicon of a regular language, a book in it, and what people typed."""
    folder = tmp_path_factory.mktemp("world")
    chance, entries = Random(1), {}
    for _ in range(900):
        parts = [(chance.choice([*_ONSETS]), chance.choice([*_VOWELS])) for _ in range(chance.choice((2, 3)))]
        word = "".join(a + b for a, b in parts)
        entries[word] = " ".join(f"{_ONSETS[a]} {_VOWELS[b]}1" for a, b in parts)
    lines = [f"{word.upper()} 1 {phones}" for word, phones in entries.items()]
    (folder / "lexicon").write_text("\n".join(lines))
    books = folder / "books"
    books.mkdir()
    text = " ".join(chance.choices([*entries], k=3_000))
    (books / "book.txt.gz").write_bytes(gzip.compress(text.encode()))
    typed = folder / "typed"
    typed.mkdir()
    said = [chance.sample([*entries], 5) for _ in range(300)]
    truth = "".join(f"r{n}\t{' '.join(words)}\n" for n, words in enumerate(said))
    heard = "INPUT:audio\tOUTPUT:transcription\tASSIGNMENT:worker_id\n" + "".join(
        f"r{n}\t{' '.join([words[0] + 'h', *words[1:]])}\t1\n" for n, words in enumerate(said)
    )
    (typed / "x-gt.txt.gz").write_bytes(gzip.compress(truth.encode()))
    (typed / "x-crowd.tsv.gz").write_bytes(gzip.compress(heard.encode()))
    return folder


@pytest.fixture(scope="module")
def material(world: Path) -> SpellingMaterial:
    return read_material([world / "books"], world / "lexicon", [world / "typed"])


def test_letters_are_divided_among_phones(material: SpellingMaterial) -> None:
    word = next(one for one in material.words[0] if "ph" in one and "ee" in one)
    units = material.respelling.units(word)
    assert "".join(letters for letters, _ in units) == word
    assert "ph" in [letters for letters, _ in units]
    assert "ee" in [letters for letters, _ in units]
    assert all(len(phones) == 1 for _, phones in units)


def test_respellings_sound_alike(material: SpellingMaterial) -> None:
    chance = Random(3)
    word = next(one for one in material.words[0] if one.startswith("k"))
    made = {material.respelling(word, chance, share=0.5, near=0, lost=0) for _ in range(200)}
    assert "c" + word[1:] in made
    assert all(one[0] in "kc" for one in made)
    assert material.respelling("not-in-the-lexicon", chance) == "not-in-the-lexicon"
    assert all(phone not in near for phone, near in NEAR_PHONES.items())


def test_what_is_kept_is_not_learnt_from(material: SpellingMaterial) -> None:
    kept = {word for part in material.kept.values() for word, _ in part}
    assert kept
    assert all(part_of(word) == "learnt" for word in material.words[0])
    assert not kept & {word for word, _ in material.typed}
    drawn = {word for pair in material.draw(2_000, Random(1)) for word in pair.term.split(" ") if word.isalpha()}
    assert all(part_of(word) == "learnt" for word in drawn if word in material.vocabulary)


def test_pairs_are_seeded_and_of_every_kind(material: SpellingMaterial) -> None:
    first, again = (material.draw(500, Random(5)) for _ in range(2))
    assert first == again
    assert {pair.kind for pair in first} == set(SHARES)
    assert all(pair.other != pair.term for pair in first if pair.kind == "code")
    assert sum(pair.written != pair.term for pair in first) > 400


def test_pairs_are_the_same_in_every_process(world: Path) -> None:
    """The order of a set of strings is another in each, see PYTHONHASHSEED."""
    draw = (
        "import sys; from pathlib import Path; from random import Random\n"
        "from octavo.pipeline.training.spelling_pairs import read_material\n"
        "world = Path(sys.argv[1])\n"
        "print(read_material([world / 'books'], world / 'lexicon', [world / 'typed']).draw(200, Random(5)))"
    )
    drawn = {
        subprocess.run(
            [sys.executable, "-c", draw, str(world)],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(drawn) == 1


def test_mining_takes_the_nearest_of_another_stem(material: SpellingMaterial) -> None:
    words = material.words[0]
    angles = np.linspace(0, np.pi, len(words), dtype=np.float32)
    places = {word: at for at, word in enumerate(words)}

    def along(terms: object) -> np.ndarray:
        at = [places[term] for term in terms]  # type: ignore[attr-defined]
        return np.stack((np.cos(angles[at]), np.sin(angles[at])), 1)

    try:
        material.mine(along, Random(1))
        word = words[50]
        mined = [one for one in material.others[word] if one not in material.lookalikes.get(word, ())]
        assert mined
        assert all(abs(places[one] - 50) <= 10 for one in mined)
    finally:
        material.unmine()


def test_the_loss_sees_no_wrong_answer_in_the_same_string() -> None:
    torch.manual_seed(0)
    network = CharacterNetwork(SHAPE).eval()
    temperature = torch.tensor(3.0)
    one = [Pair("abcd", "abdc", "abce", "slip"), Pair("xyz", "xzy", "xyq", "slip")]
    twice = [*one, Pair("abcd", "abbcd", "abce", "slip")]
    with torch.inference_mode():
        alone, both = contrast(network, one[:1], temperature, hard=False), contrast(network, twice, temperature)
    assert alone.item() == pytest.approx(0, abs=1e-6), "nothing but the answer to choose from"
    assert both.isfinite()


def test_training_lowers_the_loss_and_writes_file_and_card(material: SpellingMaterial, tmp_path: Path) -> None:
    told: list[Progress | ChannelProgress] = []
    path = train(material, tmp_path, replace(RECIPE, steps=60), tell=told.append, every=20, channel=CHANNEL)
    assert [one.step for one in told if isinstance(one, Progress)] == [20, 40, 60]
    assert told[2].loss < told[0].loss
    assert "letter by letter" in str(told[-1])
    assert "watched" in str(told[0])
    loaded = load_network(path)
    assert loaded.network.shape == SHAPE
    assert json.loads(loaded.metadata["held out"])["pairs"] > 0
    encoder = LearnedCharacterEncoder(path)
    assert encoder.likeness is not None
    card = path.with_suffix(".md").read_text()
    assert "hashed n-grams" in card
    assert "octavo train character --steps 60 --seed 1" in card


def test_a_stopped_run_ends_like_one_that_was_not(material: SpellingMaterial, tmp_path: Path) -> None:
    whole = train(material, tmp_path / "whole", RECIPE, every=4, channel=CHANNEL)

    class Stopped(Exception):
        pass

    def stop(progress: Progress | ChannelProgress) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        train(material, tmp_path / "parts", RECIPE, tell=stop, every=4, channel=CHANNEL)
    parts = train(material, tmp_path / "parts", RECIPE, every=4, channel=CHANNEL)
    assert load_network(whole).digest == load_network(parts).digest
    with pytest.raises(ModelError, match="another recipe"):
        train(material, tmp_path / "parts", replace(RECIPE, seed=2), channel=CHANNEL)


def test_what_compares_letters_is_trained_and_resumed(material: SpellingMaterial, tmp_path: Path) -> None:
    class Stopped(Exception):
        pass

    def stop(progress: ChannelProgress) -> None:
        raise Stopped

    recipe = replace(CHANNEL, steps=60)
    told: list[ChannelProgress] = []
    for name in ("whole", "parts"):
        (tmp_path / name).mkdir()
    whole = train_channel(material, tmp_path / "whole", recipe, tell=told.append, every=20)
    assert told[-1].loss < told[0].loss
    with pytest.raises(Stopped):
        train_channel(material, tmp_path / "parts", recipe, tell=stop, every=20)
    parts = train_channel(material, tmp_path / "parts", recipe, every=20)
    for one, other in zip(whole.parameters(), parts.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)
    with pytest.raises(ModelError, match="another recipe"):
        train_channel(material, tmp_path / "parts", replace(recipe, seed=2))


def test_one_cycle_is_that_of_torch() -> None:
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.AdamW([weight], CHANNEL.learning_rate)
    recipe = replace(CHANNEL, steps=40)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.learning_rate, 40, pct_start=recipe.warm_up)
    for step in range(40):
        group = optimizer.param_groups[0]
        assert one_cycle(step, recipe) == pytest.approx((group["lr"], group["betas"][0]))
        optimizer.step()
        if step < 39:
            scheduler.step()


def test_poor_spellers_write_what_sounds_alike_and_more(material: SpellingMaterial) -> None:
    chance = Random(4)
    pairs = [material.poorly_spelt(chance) for _ in range(400)]
    assert pairs[:50] == [material.poorly_spelt(again) for again in [Random(4)] for _ in range(50)]
    assert {word for word, _ in pairs} & {word for word, _ in material.typed}
    assert sum(word != written for word, written in pairs) > 350
    assert all(part_of(word) == "learnt" for word, _ in pairs if word in material.vocabulary)


def test_early_stop(material: SpellingMaterial, tmp_path: Path) -> None:
    told: list[Progress | ChannelProgress] = []
    recipe = replace(RECIPE, steps=100, learning_rate=0.0, patience=1)
    train(material, tmp_path, recipe, tell=told.append, every=2, channel=CHANNEL)
    assert max(one.step for one in told if isinstance(one, Progress)) < 20


def test_scores_of_a_perfect_and_a_useless_encoder(material: SpellingMaterial) -> None:
    useless = score(lambda terms: np.ones((len(terms), 2), np.float32) / np.sqrt(2), material, "held out")
    assert useless.codes == 0
    assert useless.made <= 0.1


def test_too_little_text_is_said(tmp_path: Path, world: Path) -> None:
    (tmp_path / "lexicon").write_text("WORD 1 W ER1 D\n")
    with pytest.raises(ModelError, match="give more text"):
        read_material([tmp_path], tmp_path / "lexicon")


def test_a_lexicon_of_another_seed_is_aligned_too(material: SpellingMaterial, world: Path) -> None:
    from octavo.pipeline.training.lexicon import read_lexicon

    lexicon = read_lexicon(world / "lexicon")
    made = Respelling(lexicon, seed=9, sample=200)
    assert sum(bool(made.units(word)) for word in lexicon) > 0.95 * len(lexicon)
