"""Training the text pyramid on a small world: questions, batches one by one, seed, resume, and what comes out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from octavo import cli
from octavo.pipeline.encoders.text import TextEncoder
from octavo.pipeline.encoders.text_pyramid import QUESTION, load_pyramid
from octavo.pipeline.errors import ModelError
from octavo.pipeline.scale import DOCUMENT, PARAGRAPH, SECTION, SENTENCE
from octavo.pipeline.training.text import Progress, TextRecipe, losses, score, train
from octavo.pipeline.training.text_batches import ShelvedBook, draw, gathered
from octavo.pipeline.training.text_material import TextMaterial, part_of, read_material
from octavo.pipeline.training.text_questions import STYLES, Passage, TextQuestions, telling_words

from ..encoders.test_text import WORDS, model_folder

__all__ = ["model_folder"]

RECIPE = TextRecipe(steps=4, documents=2, questions=8, channels=8, warm_up=2)


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("books")
    chance = Random(3)
    content = [word for word in WORDS if word.isalpha()]
    for name in ("ash", "beech", "cedar", "elm"):
        lines = []
        for _ in range(60):
            sentence = " ".join(chance.choices(content, k=11)).capitalize()
            lines.append(f"{sentence}. Then {' '.join(chance.choices(content, k=12))}.")
        (folder / f"{name}.txt").write_text("\n\n".join(lines), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def material(books: Path, model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> TextMaterial:
    return read_material([books], str(model_folder), tmp_path_factory.mktemp("states"), questions=120)


def test_questions_know_what_they_are_about() -> None:
    made = TextQuestions({"harbour": ["port"]})
    text = "The old harbour of Lindholm was closed by heavy winter storms."
    passage = Passage([text], "A letter came from the pilot station.", text, ["Lindholm"])
    for style in STYLES:
        asked = [made.ask(passage, style, Random(seed)) for seed in range(30)]
        assert any(asked), style
        assert asked == [made.ask(passage, style, Random(seed)) for seed in range(30)], "the seed decides"
    assert any("port" in made.ask(passage, "reworded", Random(seed)) for seed in range(60))
    assert made.ask(replace(passage, sentences=["It was."]), "thinned", Random(1)) == ""
    assert telling_words("Lindholm and the storm. Lindholm, said Per.", {"per": 9})[0] == "Lindholm"


def test_material_is_kept_and_parts_hold_other_books(books: Path, model_folder: Path, tmp_path: Path) -> None:
    said: list[str] = []
    first = read_material([books], str(model_folder), tmp_path, questions=120, tell=said.append)
    kept = sorted(tmp_path.glob("*.states.safetensors"))
    times = [one.stat().st_mtime_ns for one in kept]
    again = read_material([books], str(model_folder), tmp_path, questions=120)
    assert [one.stat().st_mtime_ns for one in kept] == times
    assert len(said) == len(kept) == 4
    assert [book.name for part in ("learnt", "watched", "held out") for book in first.books[part]] == [
        "ash", "elm", "beech", "cedar"
    ]  # fmt: skip
    np.testing.assert_array_equal(first.books["learnt"][0].sums, again.books["learnt"][0].sums)
    np.testing.assert_allclose(first.turn @ first.turn.T, np.eye(first.shape.width), atol=1e-4)
    assert part_of(7) == "watched"


def test_sums_are_those_of_the_encoder(material: TextMaterial, books: Path, model_folder: Path) -> None:
    """The teacher of a paragraph is the sum of its sentences, each read alone."""
    book = material.books["learnt"][0]
    encoder = TextEncoder(str(model_folder), "cpu")
    paragraph = int(np.flatnonzero(book.rank == PARAGRAPH.rank)[0])
    inside = np.flatnonzero(book.parent == paragraph)
    text = (books / "ash.txt").read_text().replace("\n\n", " ")
    sentences = [one.strip() + "." for one in text.split(".") if one.strip()][: len(inside)]
    expected = encoder.question_sums(sentences).sum(axis=0)
    made = book.alone[paragraph].astype(np.float32)
    assert float(made @ expected / np.linalg.norm(expected)) == pytest.approx(1, abs=0.02)


def test_batches_hold_right_answers(material: TextMaterial) -> None:
    book = material.books["learnt"][0]
    shelved = ShelvedBook(book, "cpu")
    batch = draw([shelved], 2, 8, np.random.default_rng(1))
    asked = int((batch.rank == QUESTION).sum())
    assert 0 < asked <= 8
    for scale in (SENTENCE, PARAGRAPH, SECTION, DOCUMENT):
        assert batch.answers[scale].shape == (asked, int((batch.rank == scale.rank).sum()))
    assert (batch.answers[DOCUMENT].sum(1) == 1).all()
    everything = gathered(shelved, np.arange(len(book.whole)))
    assert int((everything.rank == QUESTION).sum()) == len(book.first)
    sentences = np.flatnonzero(book.rank == SENTENCE.rank)
    for at in range(len(book.first)):
        own = sentences[everything.answers[SENTENCE][at].numpy()]
        assert own.tolist() == (list(range(book.first[at], book.last[at] + 1)) if book.exact[at] else [])


def test_loss_by_hand(material: TextMaterial) -> None:
    """One scale, full width alone: the cross-entropy of the right units, and none of the teacher."""
    recipe = replace(RECIPE, scales=False, teacher=0.0)
    pyramid = material.pyramid(recipe.shape(material.shape))
    batch = draw([ShelvedBook(material.books["learnt"][0], "cpu")], 2, 8, np.random.default_rng(2))
    vectors = pyramid(batch.sums, batch.rank)
    asked, units = vectors[batch.rank == QUESTION], vectors[batch.rank == PARAGRAPH.rank]
    shares = torch.softmax(asked @ units.T / recipe.temperature, 1)
    right = batch.answers[PARAGRAPH].float().argmax(1)
    expected = -torch.log(shares[torch.arange(len(asked)), right]).mean()
    with torch.no_grad():
        made = losses(pyramid, batch, recipe).item()
    assert made == pytest.approx(expected.item(), rel=1e-4)


def test_training_again_and_after_a_stop_gives_the_same(material: TextMaterial, tmp_path: Path) -> None:
    told: list[Progress] = []
    whole = train(material, tmp_path / "whole", RECIPE, tell=told.append, every=2)
    assert [one.step for one in told] == [2, 4]

    class Stopped(Exception):
        pass

    def stop(progress: Progress) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        train(material, tmp_path / "stopped", RECIPE, tell=stop, every=2)
    resumed = train(material, tmp_path / "stopped", RECIPE, every=2)
    assert load_pyramid(whole).digest == load_pyramid(resumed).digest
    with pytest.raises(ModelError, match="another recipe"):
        train(material, tmp_path / "stopped", replace(RECIPE, steps=5))
    card = whole.with_suffix(".md").read_text()
    assert "held out, plain pooling" in card


def test_what_is_no_better_than_plain_pooling_is_not_kept(material: TextMaterial, tmp_path: Path) -> None:
    made = load_pyramid(train(material, tmp_path, replace(RECIPE, learning_rate=0.0, weight_decay=0.0), every=2))
    shape = made.pyramid.shape
    plain = score(material.pyramid(shape), material, "held out")
    assert score(made.pyramid, material, "held out").mean == pytest.approx(plain.mean, abs=0.01)


def test_no_steps_turn_plain_pooling(material: TextMaterial, model_folder: Path, tmp_path: Path) -> None:
    """Every cosine stays, and the first numbers hold more of it than those of plain pooling."""
    path = train(material, tmp_path, replace(RECIPE, steps=0))
    plain, turned = TextEncoder(str(model_folder), "cpu"), TextEncoder(str(path), "cpu")
    texts = ["red valve", "two pump", "green one two", "blue"]
    before, after = plain.encode_questions(texts), turned.encode_questions(texts)
    np.testing.assert_allclose(after @ after.T, before @ before.T, atol=2e-3)
    assert np.square(after[:, :4]).sum() > np.square(before[:, :4]).sum()
    assert turned.plane_widths == (16,)
    assert "leaves every cosine" in path.with_suffix(".md").read_text()


def test_what_was_trained_encodes(material: TextMaterial, tmp_path: Path) -> None:
    encoder = TextEncoder(str(train(material, tmp_path, RECIPE, every=4)), "cpu")
    assert np.linalg.norm(encoder.encode_questions(["red valve"])) == pytest.approx(1, abs=1e-4)


def test_too_few_books(tmp_path: Path, model_folder: Path) -> None:
    (tmp_path / "one.txt").write_text("Red.", encoding="utf-8")
    with pytest.raises(ModelError, match="three"):
        read_material([tmp_path], str(model_folder), tmp_path / "out")


def test_from_the_command_line(books: Path, model_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    given = ["train", "text", "--data", str(books), "--model", str(model_folder), "--out", str(out), "--device", "cpu"]
    assert cli.main([*given, "--questions", "100", "--steps", "2"]) == 0
    assert cli.main(["ingest", str(books / "ash.txt"), "--kb", str(tmp_path / "kb"), "--model", str(out)]) == 0
    assert cli.main(["search", "red valve", "--kb", str(tmp_path / "kb"), "--json"]) == 0
