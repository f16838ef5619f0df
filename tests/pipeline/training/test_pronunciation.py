"""The recipe of the network that pronounces words, on a language of a few letters."""

from __future__ import annotations

import itertools
import json
import zipfile
from pathlib import Path

import pytest
from octavo.pipeline.encoders.grapheme_to_phoneme import GraphemeToPhonemeShape, load_network
from octavo.pipeline.errors import ModelError
from octavo.pipeline.phones import phone_ids
from octavo.pipeline.training.lexicon import HELD_OUT, WATCHED, entries, part_of, read_lexicon
from octavo.pipeline.training.pronunciation import (
    PronunciationScore,
    TrainingProgress,
    nearest_error,
    train,
)

SOUNDS = {"b": "B", "d": "D", "m": "M", "s": "S", "a": "AA", "o": "OW", "i": "IY"}
SHAPE = GraphemeToPhonemeShape(width=32, blocks=2, heads=2, reach=4, places=2)


@pytest.fixture(scope="module")
def lexicon(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lexicon") / "words.txt"
    words = ["".join(letters) for size in (2, 4) for letters in itertools.product(*(["bdms", "aoi"] * size)[:size])]
    path.write_text("".join(f"{word.upper()}  {' '.join(SOUNDS[letter] for letter in word)}\n" for word in words))
    return path


def test_training_lowers_the_loss_and_writes_weights_and_card(lexicon: Path, tmp_path: Path) -> None:
    states: list[TrainingProgress] = []
    scores = train(
        lexicon, tmp_path, device="cpu", epochs=14, batch=16, patience=14, shape=SHAPE, progress=states.append
    )
    assert states[-1].loss < states[0].loss / 3
    assert states[-1].phone_error < 0.6
    loaded = load_network(tmp_path / "grapheme_to_phoneme.safetensors")
    assert loaded.network.shape == SHAPE
    held_out = json.loads(loaded.metadata["held_out"])
    assert held_out["phone_error"] == pytest.approx(scores["held out"].phone_error, abs=1e-5)
    assert held_out["words"] == sum(part_of(word) == "held out" for word in read_lexicon(lexicon))
    card = (tmp_path / "grapheme_to_phoneme.md").read_text()
    assert f"{scores['held out'].phone_error:.2%}" in card


def test_the_same_seed_gives_the_same_weights(lexicon: Path, tmp_path: Path) -> None:
    digests = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        train(lexicon, tmp_path / name, seed=seed, device="cpu", epochs=1, shape=SHAPE)
        digests.append(load_network(tmp_path / name / "grapheme_to_phoneme.safetensors").digest)
    assert digests[0] == digests[1] != digests[2]


def test_no_time_still_gives_a_file(lexicon: Path, tmp_path: Path) -> None:
    scores = train(lexicon, tmp_path, device="cpu", epochs=50, minutes=1e-9, shape=SHAPE)
    assert scores["held out"].phone_error > 0.5
    assert load_network(tmp_path / "grapheme_to_phoneme.safetensors").metadata["steps"] == "0"


def test_the_card_tells_how_it_was_trained(lexicon: Path, tmp_path: Path) -> None:
    train(lexicon, tmp_path, device="cpu", epochs=1, minutes=0.001, shape=SHAPE)
    card = (tmp_path / "grapheme_to_phoneme.md").read_text()
    assert "octavo train pronunciation --seed 1 --epochs 1 --minutes 0.001" in card
    assert "| held out |" in card


def test_parts_depend_on_the_word_alone_and_a_possessive_goes_with_its_word() -> None:
    words = ["".join(letters) for letters in itertools.product("abcdefgh", repeat=5)]
    parts = [part_of(word) for word in words]
    assert parts == [part_of(word.upper() + "'s") for word in words]
    assert parts.count("held out") / len(words) == pytest.approx(HELD_OUT, rel=0.1)
    assert parts.count("watched") / len(words) == pytest.approx(WATCHED, rel=0.2)
    assert part_of("octavo") == "learnt"


def test_both_forms_of_lines_are_read(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text(
        ";;; a comment\nREAD 1 R EH1 D\nREAD 2 R IY1 D\nREAD(3)  R EH D\nO'ER  AO1 R\nMPH 1 M AY1 L Z P ER0 AW1 ER0\n"
        "CROSS-CUT  K R AO1 S K AH2 T\n{BRACE  B R EY1 S\n'  K W OW1 T\n"
    )
    assert read_lexicon(path) == {
        "read": [phone_ids("R EH D"), phone_ids("R IY D")],
        "o'er": [phone_ids("AO R")],
    }


def test_entries_are_all_words_as_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text(
        ";;; a comment\nREAD 1 R EH1 D\n\nREAD(2)  R IY1 D\n(PAREN 1 P ER0 EH1 N\n#SHARP 1 SH AA1 R P\nMUTE\n"
    )
    assert list(entries(path)) == [
        ("READ", ["R", "EH1", "D"]),
        ("READ", ["R", "IY1", "D"]),
        ("(PAREN", ["P", "ER0", "EH1", "N"]),
        ("#SHARP", ["SH", "AA1", "R", "P"]),
    ]


def test_an_archive_is_read(tmp_path: Path) -> None:
    path = tmp_path / "words.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("cmudict/README", "A  B C")
        archive.writestr("cmudict/cmudict", "BAD 1 B AE1 D\n")
    assert read_lexicon(path) == {"bad": [phone_ids("B AE D")]}


@pytest.mark.parametrize(
    ("content", "complaint"), [("", "no words"), ("BAD  B QQ D", "BAD is said 'B QQ D'"), ("BAD  B AE D", "too few")]
)
def test_a_lexicon_that_cannot_be_used_says_why(tmp_path: Path, content: str, complaint: str) -> None:
    path = tmp_path / "words.txt"
    path.write_text(content)
    with pytest.raises(ModelError, match=complaint):
        train(path, tmp_path, device="cpu")


def test_a_lexicon_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        read_lexicon(tmp_path / "none.zip")


def test_the_nearest_reference_counts_by_rate() -> None:
    assert nearest_error((1, 2, 3), [(1, 2, 3, 4), (9, 9)]) == (1, 4)
    assert nearest_error((), [(1, 2)]) == (2, 2)
    assert "phone error 10.00%" in str(PronunciationScore(1, 0.1, 0.2, 0.05, 0.1))
