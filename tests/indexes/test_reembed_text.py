"""Vectors of text made anew: refused before, the old generation answering meanwhile, in place afterwards."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from octavo import cli
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.intake import take_in
from octavo.indexes.intake_run import encoder_for
from octavo.indexes.reembed import reembed_text
from octavo.indexes.retrieve import Encoders, retrieve
from octavo.pipeline.encoders.character import character_encoder
from octavo.pipeline.encoders.text import TextEncoder
from octavo.pipeline.encoders.text_pyramid import save_pyramid
from octavo.pipeline.errors import FingerprintMismatch
from octavo.pipeline.scale import DOCUMENT, PARAGRAPH, SECTION, SENTENCE

from ..pipeline.encoders.test_text import model_folder
from ..pipeline.encoders.test_text_pyramid import random_pyramid

__all__ = ["model_folder"]

RED = "# Red\n\nRed pump. Two green valve.\n\nThree blue one pump.\n\n# Green\n\nOne two three. Blue red valve.\n"
BLUE = "Blue two pump red. Three green one.\n"
SCALES = (SENTENCE, PARAGRAPH, SECTION, DOCUMENT)


@pytest.fixture
def base(tmp_path: Path, model_folder: Path) -> KnowledgeBase:
    for name, text in (("red.md", RED), ("blue.txt", BLUE), ("gone.txt", "Green one. Two red pump.\n")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    made = KnowledgeBase.open(tmp_path / "kb", create=True, term_encoder=character_encoder())
    paths = sorted(tmp_path.glob("*.*"))
    list(take_in(made, paths, TextEncoder(str(model_folder), "cpu"), model=str(model_folder)))
    made.delete([str(tmp_path / "gone.txt")])
    return made


@pytest.fixture
def pyramid(tmp_path: Path, model_folder: Path) -> Path:
    made, path = random_pyramid(), tmp_path / "trained" / "text.safetensors"
    path.parent.mkdir()
    digest = TextEncoder(str(model_folder), "cpu").digest
    save_pyramid(made.state_dict(), made.shape, path, str(model_folder), digest, {})
    return path.parent


def test_reembed(base: KnowledgeBase, pyramid: Path, model_folder: Path, tmp_path: Path) -> None:
    old = Encoders(TextEncoder(str(model_folder), "cpu"), character_encoder())
    new = Encoders(TextEncoder(str(pyramid), "cpu"), character_encoder())
    with base.snapshot() as before:
        first = retrieve("blue valve", before, old)
        with pytest.raises(FingerprintMismatch, match="octavo reembed --scale text"):
            retrieve("blue valve", before, new)
        told: list[tuple[int, int]] = []
        done = reembed_text(base.path, str(pyramid), told=lambda n, of: told.append((n, of)))
        assert done.made
        assert told[-1][0] == told[-1][1] > 0
        assert retrieve("blue valve", before, old).hits == first.hits, "whoever holds the old generation goes on"
    with base.snapshot() as after:
        assert after.generation == done.generation == before.generation + 1
        with pytest.raises(FingerprintMismatch):
            retrieve("blue valve", after, old)
        assert retrieve("blue valve", after, new).hits
    assert base.model == str((pyramid / "text.safetensors").resolve())
    assert base.search("blue valve").hits
    earlier = base.search("blue valve", generation=done.generation - 1)
    assert any("vectors of text" in warning for warning in earlier.warnings)
    assert base.verify().clean
    assert not reembed_text(base.path, str(pyramid)).made


def test_the_same_vectors_as_an_ingest_and_nothing_to_ingest(
    base: KnowledgeBase, pyramid: Path, tmp_path: Path
) -> None:
    encoder = TextEncoder(str(pyramid), "cpu")
    reembed_text(base.path, str(pyramid))
    fresh = KnowledgeBase.open(tmp_path / "fresh", create=True, term_encoder=character_encoder())
    paths = [tmp_path / "blue.txt", tmp_path / "red.md"]
    list(take_in(fresh, paths, encoder, model=str(pyramid)))
    with base.snapshot() as one, fresh.snapshot() as other:
        for scale in SCALES:
            made = [sn.index(scale).vectors(sn.between(sn.ranges()).id[_of(sn, scale)]) for sn in (one, other)]
            np.testing.assert_allclose(_sorted(made[0]), _sorted(made[1]), atol=2e-3)
    assert {taken.code for taken in take_in(base, paths, encoder, model=str(pyramid))} == {"unchanged"}


def _of(snapshot: object, scale: object) -> np.ndarray:
    spans = snapshot.between(snapshot.ranges())  # type: ignore[attr-defined]
    found: np.ndarray = spans.rank == scale.rank  # type: ignore[attr-defined]
    return found


def _sorted(rows: np.ndarray) -> np.ndarray:
    made: np.ndarray = rows[np.argsort(rows[:, 0])]
    return made


def test_another_width_is_refused_before_anything_is_read(base: KnowledgeBase, model_folder: Path) -> None:
    assert encoder_for(base, None, "cpu").fingerprint == TextEncoder(str(model_folder), "cpu").fingerprint
    with pytest.raises(FingerprintMismatch, match=r"leave out --model and --width, .* octavo reembed --scale text"):
        encoder_for(base, None, "cpu", 8)


def test_a_narrower_width_is_remembered(base: KnowledgeBase, pyramid: Path, tmp_path: Path) -> None:
    reembed_text(base.path, str(pyramid), 8)
    assert base.width == 8
    assert base.search("blue valve").hits
    other = tmp_path / "more.txt"
    other.write_text("Two valve red.\n", encoding="utf-8")
    assert cli.main(["ingest", str(other), "--kb", str(base.path), "--model", str(pyramid)]) == 0
    assert base.width == 8
    with pytest.raises(FingerprintMismatch, match="reembed"):
        list(take_in(base, [_written(tmp_path / "last.txt")], TextEncoder(str(pyramid), "cpu"), model=str(pyramid)))


def _written(path: Path) -> Path:
    path.write_text("Three one two.\n", encoding="utf-8")
    return path


def test_an_error_on_the_way_changes_nothing(
    base: KnowledgeBase, pyramid: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generation, first = base.generation, base.search("blue valve").hits

    def fail(*_: object) -> None:
        raise RuntimeError("cut off")

    with pytest.raises(RuntimeError):
        reembed_text(base.path, str(pyramid), told=fail)
    assert base.generation == generation
    assert base.search("blue valve").hits == first
    assert base.verify().clean


def test_from_the_command_line(base: KnowledgeBase, pyramid: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["reembed", "--kb", str(base.path), "--scale", "text", "--model", str(pyramid), "--width", "8", "--json"]
    assert cli.main(given) == 0
    assert json.loads(capsys.readouterr().out)["made"]
    assert cli.main(["search", "blue valve", "--kb", str(base.path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["hits"]
    assert cli.main(["reembed", "--kb", str(base.path), "--width", "8"]) == 2
    capsys.readouterr()
    assert cli.main(["reembed", "--kb", str(base.path), "--json"]) == 0
    done = json.loads(capsys.readouterr().out)["scales"]
    assert [one["scale"] for one in done] == ["character", "text"]
    assert not done[1]["made"], "model and width are those of before"
    assert base.width == 8
