"""Files into a knowledge base: what is new is worked on, what is there is not, and nothing reported is lost."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.intake import take_in
from octavo.indexes.plan import plan
from octavo.indexes.source_paths import gone_below, matching
from octavo.indexes.store.shard import FOLDER, ShardWriter
from octavo.indexes.taken import Taken
from octavo.pipeline import discovery, reader_pool
from octavo.pipeline import ingest as ingesting
from octavo.pipeline.document import Span
from octavo.pipeline.embed import Embeddings
from octavo.pipeline.errors import KnowledgeBaseError, ModelError
from octavo.pipeline.scale import DOCUMENT, PARAGRAPH, SECTION, SENTENCE

from .world import TermVectors, vector_of


class SpanVectors:
    """A text encoder that knows its spans' texts by heart; counts the documents it encodes."""

    def __init__(self, fail_on: str = "no such text", error: Exception | None = None) -> None:
        self.fingerprint = "spans-1"
        self.encoded: list[str] = []
        self._fail_on, self._error = fail_on, error or ModelError("the device is gone")

    def encode(self, documents: Sequence[tuple[str, Sequence[Span]]]) -> Iterator[tuple[int, Embeddings]]:
        for position, (text, spans) in enumerate(documents):
            if self._fail_on in text:
                raise self._error
            self.encoded.append(text)
            for scale in (SENTENCE, PARAGRAPH, SECTION, DOCUMENT):
                rows = [row for row, span in enumerate(spans) if span.scale is scale]
                vectors = np.stack([vector_of(text[spans[row].start : spans[row].stop]) for row in rows])
                yield position, Embeddings(scale, vectors, np.array(rows, np.int64), self.fingerprint)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = tmp_path / "files"
    files.mkdir()
    for name in ("a", "b", "c"):
        (files / f"{name}.md").write_text(f"# Title {name}\n\nThe part {name}-100 is kept in box {name}.\n")
    return files


@pytest.fixture
def kb(tmp_path: Path) -> Iterator[KnowledgeBase]:
    with KnowledgeBase.open(tmp_path / "kb", create=True, term_encoder=TermVectors()) as opened:
        yield opened


def run(kb: KnowledgeBase, paths: Sequence[Path], encoder: SpanVectors | None = None) -> dict[str, Taken]:
    return {taken.path.name: taken for taken in take_in(kb, paths, encoder or SpanVectors(), workers=1)}


def codes(kb: KnowledgeBase, paths: Sequence[Path], encoder: SpanVectors | None = None) -> dict[str, str]:
    return {name: taken.code for name, taken in run(kb, paths, encoder).items()}


def names(kb: KnowledgeBase) -> list[str]:
    return [Path(source.uri).name for source in kb.sources()]


def test_a_second_run_does_no_work(kb: KnowledgeBase, folder: Path) -> None:
    paths = sorted(folder.iterdir())
    encoder = SpanVectors()
    first = run(kb, paths, encoder)
    assert {taken.code for taken in first.values()} == {"added"}
    assert first["a.md"].counts["characters"] == len((folder / "a.md").read_text())
    assert first["a.md"].counts["document"] == 1
    generation = kb.generation
    assert set(codes(kb, paths, encoder).values()) == {"unchanged"}
    assert len(encoder.encoded) == 3
    assert kb.generation == generation


def test_changed_copied_and_moved_files(kb: KnowledgeBase, folder: Path) -> None:
    run(kb, sorted(folder.iterdir()))
    (folder / "a.md").write_text("# Other\n\nAll is new here.\n")
    (folder / "copy.md").write_bytes((folder / "b.md").read_bytes())
    (folder / "c.md").rename(folder / "moved.md")
    encoder = SpanVectors()
    found = run(kb, sorted(folder.iterdir()), encoder)
    assert {name: taken.code for name, taken in found.items()} == {
        "a.md": "updated",
        "b.md": "unchanged",
        "copy.md": "linked",
        "moved.md": "moved",
    }
    assert str(folder / "c.md") in found["moved.md"].detail
    assert len(encoder.encoded) == 1
    assert names(kb) == ["a.md", "b.md", "copy.md", "moved.md"]


def test_two_files_that_swap_their_contents(kb: KnowledgeBase, folder: Path) -> None:
    paths = [folder / "a.md", folder / "b.md"]
    run(kb, paths)
    before = {source.uri: source.sha256 for source in kb.sources()}
    first, second = (path.read_bytes() for path in paths)
    paths[0].write_bytes(second)
    paths[1].write_bytes(first)
    assert all(taken.done for taken in run(kb, paths).values())
    after = {source.uri: source.sha256 for source in kb.sources()}
    assert after == {str(paths[0]): before[str(paths[1])], str(paths[1]): before[str(paths[0])]}
    assert kb.verify().clean


def test_the_same_bytes_twice_in_one_run(kb: KnowledgeBase, folder: Path) -> None:
    (folder / "a2.md").write_bytes((folder / "a.md").read_bytes())
    assert codes(kb, sorted(folder.iterdir())) == {"a.md": "added", "a2.md": "linked", "b.md": "added", "c.md": "added"}
    assert kb.status().contents == 3


def test_bad_files_cost_their_own_place_only(kb: KnowledgeBase, folder: Path) -> None:
    (folder / "a.bin").write_bytes(b"\x7fELF" + bytes(64))
    (folder / "empty.md").write_bytes(b"")
    found = run(kb, [*sorted(folder.iterdir()), folder / "gone.md"])
    assert {name: taken.code for name, taken in found.items() if not taken.done} == {
        "a.bin": "unsupported",
        "empty.md": "empty",
        "gone.md": "missing",
    }
    assert all(taken.detail for taken in found.values() if not taken.done)
    assert names(kb) == ["a.md", "b.md", "c.md"]


def test_a_file_that_has_become_unreadable_keeps_what_was_there(kb: KnowledgeBase, folder: Path) -> None:
    run(kb, [folder / "a.md"])
    (folder / "a.md").write_bytes(b"")
    assert codes(kb, [folder / "a.md"]) == {"a.md": "empty"}
    assert names(kb) == ["a.md"]


def test_a_move_is_one_only_while_the_old_folder_is_there(kb: KnowledgeBase, folder: Path) -> None:
    away = folder.parent / "drive"
    away.mkdir()
    (folder / "c.md").rename(away / "c.md")
    run(kb, [away / "c.md"])
    (folder / "copy.md").write_bytes((away / "c.md").read_bytes())
    away.rename(folder.parent / "unmounted")
    planned = [taken.code for taken in plan(kb, [folder / "copy.md"], "spans-1")]
    assert planned == ["linked"]
    assert codes(kb, [folder / "copy.md"]) == {"copy.md": "linked"}
    assert names(kb) == ["c.md", "copy.md"]


def test_sources_that_are_gone_below_a_folder(kb: KnowledgeBase, folder: Path) -> None:
    run(kb, sorted(folder.iterdir()))
    (folder / "b.md").unlink()
    uris = [source.uri for source in kb.sources()]
    assert gone_below(uris, [folder]) == [str(folder / "b.md")]
    assert gone_below(uris, [folder / "a.md", folder.parent / "kb", folder.parent / "file", folder.parent / "no"]) == []


def test_files_are_reported_after_their_commit(
    kb: KnowledgeBase, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingesting, "FILES_PER_BATCH", 1)
    staged: list[str] = []
    for taken in take_in(
        kb,
        sorted(folder.iterdir()),
        SpanVectors(),
        workers=1,
        commit_seconds=0,
        staged=lambda taken: staged.append(taken.path.name),
    ):
        assert taken.path.name in staged
        assert taken.path.name in names(kb)
    assert kb.generation == 3


def test_a_commit_waits_for_the_end_of_its_batch(
    kb: KnowledgeBase, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingesting, "FILES_PER_BATCH", 2)
    for name in "def":
        (folder / f"{name}.md").write_text(f"# Title {name}\n\nSome words about {name}.\n")
    (folder / "d.md").write_bytes(b"")  # the second of its batch, and bad
    seen = []
    for taken in take_in(kb, sorted(folder.iterdir()), SpanVectors(), workers=1, commit_seconds=0):
        seen.append((taken.path.name, kb.generation))
    assert seen == [("a.md", 1), ("b.md", 1), ("c.md", 2), ("d.md", 2), ("e.md", 3), ("f.md", 3)]


@pytest.mark.parametrize(
    ("error", "raised", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), KnowledgeBaseError, "free some"),
        (MemoryError(), KnowledgeBaseError, "memory has run out"),
        (ValueError("a bug"), ValueError, "a bug"),
    ],
)
def test_whatever_goes_wrong_what_was_staged_is_in(
    kb: KnowledgeBase,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    raised: type[Exception],
    said: str,
) -> None:
    monkeypatch.setattr(ingesting, "FILES_PER_BATCH", 1)
    if isinstance(error, OSError):  # of the reading side; below, of the writing side

        def look_at(path: Path) -> os.stat_result:
            if path.name == "c.md":
                raise error
            return discovery.look_at(path)

        monkeypatch.setattr(reader_pool, "look_at", look_at)
        encoder = SpanVectors()
    else:
        encoder = SpanVectors("Title c", error)
    taken: list[str] = []
    with pytest.raises(raised, match=said):
        taken.extend(item.path.name for item in take_in(kb, sorted(folder.iterdir()), encoder, workers=1))
    monkeypatch.undo()
    assert taken == ["a.md", "b.md"]
    assert names(kb) == ["a.md", "b.md"]
    assert codes(kb, sorted(folder.iterdir())) == {"a.md": "unchanged", "b.md": "unchanged", "c.md": "added"}


def test_a_full_disk_leaves_no_files_behind(kb: KnowledgeBase, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(kb, [folder / "a.md"])
    before = sorted(path for path in (kb.path / FOLDER).rglob("*") if path.is_file())
    inner = ShardWriter.finish

    def finish(shard: ShardWriter) -> object:
        if shard.scale == "section":
            raise OSError(errno.ENOSPC, "No space left on device")
        return inner(shard)

    def abandon(shard: ShardWriter) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")  # as closing a file does that cannot be flushed

    with monkeypatch.context() as patch:
        patch.setattr(ShardWriter, "finish", finish)
        patch.setattr(ShardWriter, "abandon", abandon)
        with pytest.raises(KnowledgeBaseError, match="no room is left on the disk of"):
            run(kb, sorted(folder.iterdir()))
    assert sorted(path for path in (kb.path / FOLDER).rglob("*") if path.is_file()) == before
    assert names(kb) == ["a.md"]
    assert kb.verify().clean
    assert set(codes(kb, sorted(folder.iterdir())).values()) == {"unchanged", "added"}


def test_a_shard_that_could_not_be_taken_back_is_not_committed(
    kb: KnowledgeBase, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = ShardWriter.add

    def add(shard: ShardWriter, ids: np.ndarray, vectors: np.ndarray) -> None:
        if shard.scale == "section" and len(shard):
            raise OSError(errno.ENOSPC, "No space left on device")
        inner(shard, ids, vectors)

    with monkeypatch.context() as patch:
        patch.setattr(ShardWriter, "add", add)
        with pytest.raises(KnowledgeBaseError, match="free some"):
            run(kb, sorted(folder.iterdir()))
    assert names(kb) == []
    assert not list((kb.path / FOLDER).glob("*/*"))


def test_names_that_no_file_can_have_cost_their_own_place_only(kb: KnowledgeBase, folder: Path) -> None:
    bad = [folder / "nul\0.md", folder / ("x" * 300), folder / "a.md" / "below-a-file.md"]
    paths = [bad[0], folder / "a.md", *bad[1:], folder / "b.md"]
    for found in (list(plan(kb, paths, "spans-1")), list(take_in(kb, paths, SpanVectors(), workers=1))):
        assert [taken.code for taken in found] == ["missing", "added", "missing", "missing", "added"]
        assert all(taken.detail for taken in found if not taken.done)


def test_interruption_commits_what_is_finished(kb: KnowledgeBase, folder: Path) -> None:
    entered = 0

    @contextmanager
    def interrupted_at_the_third() -> Iterator[None]:
        nonlocal entered
        entered += 1
        if entered == 3:
            raise KeyboardInterrupt
        yield

    taken: list[str] = []
    paths = sorted(folder.iterdir())
    with pytest.raises(KeyboardInterrupt):
        taken.extend(
            item.path.name
            for item in take_in(kb, paths, SpanVectors(), workers=1, interruptible=interrupted_at_the_third)
        )
    # extend keeps what a generator gave before it raised
    assert names(kb) == ["a.md", "b.md"]
    assert taken == ["a.md", "b.md"]
    assert codes(kb, paths) == {"a.md": "unchanged", "b.md": "unchanged", "c.md": "added"}


def test_a_failing_encoder_ends_the_run_and_keeps_the_rest(kb: KnowledgeBase, folder: Path) -> None:
    paths = sorted(folder.iterdir())
    run(kb, paths[:1])
    with pytest.raises(ModelError, match="device is gone"):
        run(kb, paths, SpanVectors(fail_on="Title c"))
    assert names(kb) in (["a.md"], ["a.md", "b.md"])
    assert kb.verify().clean


def test_the_model_is_remembered(kb: KnowledgeBase, folder: Path) -> None:
    assert kb.model == ""
    list(take_in(kb, [folder / "a.md"], SpanVectors(), model="some/model", workers=1))
    kb.delete([str(folder / "a.md")])
    assert kb.model == "some/model"


def test_a_plan_is_what_happens(kb: KnowledgeBase, folder: Path) -> None:
    run(kb, [folder / "a.md", folder / "b.md"])
    (folder / "b.md").write_text("Other words.\n")
    (folder / "copy.md").write_bytes((folder / "a.md").read_bytes())
    (folder / "x.bin").write_bytes(b"\x7fELF" + bytes(64))
    paths = [*sorted(folder.iterdir()), folder / "gone.md"]
    generation = kb.generation
    planned = {taken.path.name: taken.code for taken in plan(kb, paths, "spans-1")}
    assert kb.generation == generation
    assert planned == codes(kb, paths)


def test_a_plan_tells_moves_and_swaps(kb: KnowledgeBase, folder: Path) -> None:
    for name in "de":
        (folder / f"{name}.md").write_text(f"# Title {name}\n\nSome words about {name}.\n")
    run(kb, sorted(folder.iterdir()))
    first, second = ((folder / name).read_bytes() for name in ("a.md", "b.md"))
    (folder / "a.md").write_bytes(second)
    (folder / "b.md").write_bytes(first)
    (folder / "c.md").rename(folder / "moved.md")
    (folder / "again.md").write_bytes((folder / "moved.md").read_bytes())
    (folder / "d.md").write_text("Other words.\n")
    (folder / "empty.md").write_bytes(b"")
    paths = sorted(folder.iterdir())
    planned = [(taken.path.name, taken.code, taken.detail) for taken in plan(kb, paths, "spans-1")]
    done = [(taken.path.name, taken.code, taken.detail) for taken in take_in(kb, paths, SpanVectors(), workers=1)]
    assert planned == done
    assert {name: code for name, code, _ in done} == {
        "a.md": "linked",
        "b.md": "updated",
        "again.md": "moved",
        "moved.md": "linked",
        "d.md": "updated",
        "e.md": "unchanged",
        "empty.md": "empty",
    }


def test_a_plan_needs_no_knowledge_base(folder: Path) -> None:
    assert {taken.code for taken in plan(None, sorted(folder.iterdir()), "spans-1")} == {"added"}


def test_what_paths_folders_and_globs_name() -> None:
    uris = ["/data/a.md", "/data/sub/b.md", "/data/sub/c.pdf", "/database/d.md", "/data/we[i]rd.md"]
    assert matching(uris, ["/data/a.md"]) == {"/data/a.md": ["/data/a.md"]}
    assert matching(uris, ["/data/sub/"]) == {"/data/sub/": ["/data/sub/b.md", "/data/sub/c.pdf"]}
    assert matching(uris, ["*.pdf"]) == {"*.pdf": ["/data/sub/c.pdf"]}
    assert matching(uris, ["sub/*.md"]) == {"sub/*.md": ["/data/sub/b.md"]}
    assert matching(uris, ["/data/we[i]rd.md"]) == {"/data/we[i]rd.md": ["/data/we[i]rd.md"]}
    assert matching(uris, ["/nowhere"]) == {"/nowhere": []}


def test_globs_from_here_and_from_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "x" / "[1]"
    here.mkdir(parents=True)
    monkeypatch.chdir(here)
    monkeypatch.setenv("HOME", str(tmp_path))
    uris = [f"{here}/mv/a1.txt", f"{here}/mv/b.txt", f"{tmp_path}/x/mv/a2.txt", "/elsewhere/mv/a3.txt"]
    for asked, expected in {
        "./mv/*.txt": uris[:2],
        "../mv/a*.txt": uris[2:3],
        "~/x/mv/*": uris[2:3],
        "mv/a*.txt": [uris[0], uris[2], uris[3]],
        "*.txt": uris,
        "mv": uris[:2],
    }.items():
        assert matching(uris, [asked]) == {asked: expected}


def test_bytes_that_gave_nothing_are_not_read_again(kb: KnowledgeBase, tmp_path: Path) -> None:
    odd = tmp_path / "odd"
    odd.mkdir()
    (odd / "empty.txt").write_text(" \n")
    (odd / "broken.docx").write_bytes(b"PK\x03\x04 no archive")
    (odd / "good.txt").write_text("A sentence.")
    paths = sorted(odd.iterdir())
    first = run(kb, paths)
    generation = kb.generation
    again = run(kb, paths)
    assert kb.generation == generation, "a second run does no work"
    assert [taken.code for taken in again.values()] == [first["broken.docx"].code, first["empty.txt"].code, "unchanged"]
    assert all("not tried again" in again[name].detail for name in ("empty.txt", "broken.docx"))
    (odd / "empty.txt").write_text("Now it says something.")
    assert codes(kb, [odd / "empty.txt"]) == {"empty.txt": "added"}
