"""Files found, and read, cut and encoded as one stream."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from octavo.pipeline import ingest as module
from octavo.pipeline.document import Source, Span
from octavo.pipeline.embed import Embeddings
from octavo.pipeline.ingest import Outcome, discover, ingest
from octavo.pipeline.scale import DOCUMENT, SENTENCE


class Counting:
    """Constant vectors, and a record of what was encoded together."""

    fingerprint = "counting"

    def __init__(self) -> None:
        self.batches: list[int] = []

    def encode(self, documents: Sequence[tuple[str, Sequence[Span]]]) -> Iterator[tuple[int, Embeddings]]:
        self.batches.append(len(documents))
        for number, (_, spans) in enumerate(documents):
            for scale in (SENTENCE, DOCUMENT):
                rows = np.array([i for i, span in enumerate(spans) if span.scale is scale], np.int64)
                vectors = np.zeros((len(rows), 4), np.float32)
                vectors[:, number % 4] = 1
                yield number, Embeddings(scale, vectors, rows, self.fingerprint)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "one.md").write_text("# One\n\nThe first text. It has two sentences.\n")
    (tmp_path / "a" / "b" / "two.txt").write_text("The second text.\n")
    (tmp_path / "a" / ".hidden.md").write_text("Hidden.\n")
    (tmp_path / "a" / "nothing.txt").write_text("")
    return tmp_path


def test_folders_globs_and_names_are_found_once(folder: Path) -> None:
    names = [str(folder / "a"), str(folder / "a" / "one.md"), str(folder / "*" / "*.md"), str(folder / "gone.pdf")]
    assert [path.name for path in discover(names)] == ["nothing.txt", "one.md", "two.txt", "gone.pdf"]


def test_a_glob_does_not_follow_links_in_circles(folder: Path) -> None:
    os.symlink(folder / "a", folder / "a" / "b" / "up", target_is_directory=True)
    os.symlink(folder / "a", folder / "a" / "b" / "again", target_is_directory=True)
    found = discover([f"{folder}/**/*.md", str(folder)])
    assert sorted(path.name for path in found) == ["nothing.txt", "one.md", "two.txt"]


def test_hidden_files_are_taken_when_named(folder: Path) -> None:
    assert [path.name for path in discover([f"{folder}/a/.*.md"])] == [".hidden.md"]
    assert [path.name for path in discover([str(folder / "a" / ".hidden.md")])] == [".hidden.md"]


def consumed(outcomes: Iterator[Outcome]) -> list[tuple[str, str, int]]:
    """Name, code and number of vectors of each outcome."""
    made = []
    for outcome in outcomes:
        vectors = sum(len(part.vectors) for part in outcome.encoded.embeddings) if outcome.encoded else 0
        made.append((outcome.path.name, outcome.code, vectors))
    return made


def test_one_outcome_a_file_in_order(folder: Path) -> None:
    paths = [*discover([str(folder)]), folder / "gone.pdf"]
    encoder = Counting()
    assert consumed(ingest(paths, encoder)) == [
        ("nothing.txt", "empty", 0),
        ("one.md", "read", 4),  # heading, two sentences, document
        ("two.txt", "read", 2),
        ("gone.pdf", "missing", 0),
    ]
    assert encoder.batches == [2], "small files are encoded together"


def test_names_that_no_file_can_have(folder: Path) -> None:
    names = [str(folder / "nul\0.md"), str(folder / ("x" * 300)), str(folder / "*" / ("y" * 300)), str(folder / "a**b")]
    found = discover([*names, str(folder / "a" / "one.md")])
    assert [str(path) for path in found[:4]] == names
    outcomes = list(ingest(found, Counting()))
    assert [outcome.code for outcome in outcomes] == ["missing"] * 4 + ["read"]
    assert all(outcome.detail.startswith(name) for outcome, name in zip(outcomes, names, strict=False))


def test_the_last_of_a_batch_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FILES_PER_BATCH", 2)
    paths = [*discover([str(folder)]), folder / "gone.pdf", folder / "a" / "one.md"]
    ends = []
    for outcome in ingest(paths, Counting()):
        ends.append(outcome.ends_batch)
        consumed(iter([outcome]))
    assert ends == [False, True, False, True, True]


def test_known_bytes_are_not_read(folder: Path) -> None:
    seen: list[Source] = []

    def known(source: Source, transcript: str) -> bool:
        seen.append(source)
        return source.uri.endswith("one.md")

    paths = [folder / "a" / "one.md", folder / "a" / "b" / "two.txt"]
    assert [code for _, code, _ in consumed(ingest(paths, Counting(), known=known))] == ["known", "read"]
    assert {Path(source.uri).name for source in seen} == {"one.md", "two.txt"}


def test_batches_end_by_size_and_by_number(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = []
    for number in range(5):
        paths.append(folder / f"{number}.txt")
        paths[-1].write_text(f"Text number {number}.")
    for name, value in (("FILES_PER_BATCH", 2), ("CHARACTERS_PER_BATCH", 14)):
        encoder = Counting()
        with monkeypatch.context() as patch:
            patch.setattr(module, name, value)
            assert [code for _, code, _ in consumed(ingest(paths, encoder))] == ["read"] * 5
        assert [size for size in encoder.batches if size] == ([2, 2, 1] if name == "FILES_PER_BATCH" else [1] * 5)


def test_embeddings_that_nobody_reads_do_not_shift_the_next(folder: Path) -> None:
    paths = [folder / "a" / "one.md", folder / "a" / "b" / "two.txt"]
    outcomes = ingest(paths, Counting())
    next(outcomes)
    encoded = next(outcomes).encoded
    assert encoded is not None
    assert [part.vectors[0].argmax() for part in encoded.embeddings] == [1, 1]
