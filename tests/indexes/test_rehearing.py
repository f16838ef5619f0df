"""Recordings heard anew by another speech encoder: all at once, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.intake import take_in
from octavo.indexes.taken import Taken
from octavo.pipeline.errors import FingerprintMismatch, KnowledgeBaseError
from octavo.pipeline.scale import PHONEME, PROSODY

from .recording_world import PHONEME_WIDTH, FakeListener
from .test_intake import SpanVectors
from .test_recording_intake import Scribe
from .test_unfinished import write_wav
from .world import TermVectors

OTHER = FakeListener(phoneme_fingerprint="phonemes-2", prosody_fingerprint="manners-2")
NAMES = ("a.md", "long.wav", "talk.wav")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.md").write_text("# Title\n\nThe part 100 is kept in a box.\n")
    write_wav(tmp_path / "files" / "talk.wav", 6, 1)
    write_wav(tmp_path / "files" / "long.wav", 50, 2)
    return tmp_path / "files"


@pytest.fixture
def kb(folder: Path, tmp_path: Path) -> Iterator[KnowledgeBase]:
    with KnowledgeBase.open(tmp_path / "kb", create=True, term_encoder=TermVectors()) as opened:
        assert run(opened, folder) == dict.fromkeys(NAMES, "added")
        yield opened


def run(kb: KnowledgeBase, folder: Path, listener: FakeListener | None = None, **options: object) -> dict[str, str]:
    paths = sorted(folder.iterdir())
    found: list[Taken] = list(
        take_in(kb, paths, SpanVectors(), listener=listener or FakeListener(), workers=1, **options)  # type: ignore[arg-type]
    )
    return {taken.path.name: taken.code for taken in found}


def heard_by(kb: KnowledgeBase) -> tuple[str | None, str | None]:
    with kb.snapshot() as snapshot:
        return snapshot.fingerprint(PHONEME), snapshot.fingerprint(PROSODY)


def test_all_recordings_are_heard_anew_in_one_commit(kb: KnowledgeBase, folder: Path) -> None:
    before = kb.generation
    with pytest.raises(FingerprintMismatch, match="octavo ingest --rehear"):
        run(kb, folder, replace(OTHER, began=[]))
    (folder / "b.md").write_text("Another part is lost.\n")
    with kb.snapshot() as pinned:
        question = np.eye(1, PHONEME_WIDTH, dtype=np.float32)
        found = pinned.index(PHONEME).search(question, 10)
        codes = run(kb, folder, replace(OTHER, began=[]), rehear=True, commit_seconds=0.0)
        assert codes == {"a.md": "unchanged", "b.md": "added", "long.wav": "updated", "talk.wav": "updated"}
        assert np.array_equal(pinned.index(PHONEME).search(question, 10).ids, found.ids), "until somebody lets it go"
    assert kb.generation == before + 1
    assert heard_by(kb) == ("phonemes-2", "manners-2")
    assert kb.status().recordings == 2
    assert kb.verify().clean
    again = replace(OTHER, began=[])
    assert set(run(kb, folder, again, rehear=True).values()) == {"unchanged"}
    assert (again.began, kb.generation) == ([], before + 1)


def test_an_earlier_generation_says_that_its_sound_is_gone(kb: KnowledgeBase, folder: Path) -> None:
    before = kb.generation
    run(kb, folder, replace(OTHER, began=[]), rehear=True)
    with kb.snapshot(before) as then:
        assert not then.holds(PHONEME)
        assert not then.holds(PROSODY)
        assert any("phonemes-1 is gone: phonemes-2 now" in note for note in then.notes)
    kb.compact()
    assert kb.verify().clean
    with kb.snapshot() as now:
        assert now.holds(PHONEME)


def test_a_recording_that_is_not_among_the_files_stops_it(kb: KnowledgeBase, folder: Path, tmp_path: Path) -> None:
    (folder / "long.wav").rename(tmp_path / "elsewhere.wav")
    before = kb.generation
    with pytest.raises(KnowledgeBaseError, match=r"1 of the recordings .*long\.wav; name them too"):
        run(kb, folder, replace(OTHER, began=[]), rehear=True)
    assert (kb.generation, heard_by(kb)) == (before, ("phonemes-1", "manners-1"))
    assert kb.verify().clean
    kb.delete([str(folder / "long.wav")])
    assert run(kb, folder, replace(OTHER, began=[]), rehear=True) == {"a.md": "unchanged", "talk.wav": "updated"}


def test_a_recording_that_cannot_be_heard_any_more_is_named(kb: KnowledgeBase, folder: Path) -> None:
    (folder / "talk.wav").write_bytes((folder / "talk.wav").read_bytes()[:20])
    with pytest.raises(KnowledgeBaseError, match=r"talk\.wav \(.+\); name them too"):
        run(kb, folder, replace(OTHER, began=[]), rehear=True)
    assert heard_by(kb) == ("phonemes-1", "manners-1")


def test_an_error_on_the_way_changes_nothing_and_what_was_heard_is_not_heard_again(
    kb: KnowledgeBase, folder: Path
) -> None:
    before = kb.generation

    def stop(start: int) -> None:
        if start >= 40 * 16_000:
            raise MemoryError

    with pytest.raises(KnowledgeBaseError, match="memory has run out"):
        run(kb, folder, replace(OTHER, began=[], before=stop), rehear=True)
    assert (kb.generation, heard_by(kb)) == (before, ("phonemes-1", "manners-1"))
    assert kb.verify().clean
    again = replace(OTHER, began=[])
    assert run(kb, folder, again, rehear=True)["long.wav"] == "updated"
    assert again.began == [40 * 16_000, 0], "the end of the long one, and the short one"


def test_words_that_a_recogniser_wrote_down_are_not_lost(kb: KnowledgeBase, folder: Path, tmp_path: Path) -> None:
    scribe = Scribe(tmp_path)
    assert run(kb, folder, transcriber=scribe)["talk.wav"] == "updated"
    with pytest.raises(KnowledgeBaseError, match="name a recogniser with --asr"):
        run(kb, folder, replace(OTHER, began=[]), rehear=True)
    assert heard_by(kb) == ("phonemes-1", "manners-1")
    transcribed = kb.status().transcribed
    run(kb, folder, replace(OTHER, began=[]), transcriber=scribe, rehear=True)
    assert heard_by(kb) == ("phonemes-2", "manners-2")
    assert kb.status().transcribed >= transcribed > 0
