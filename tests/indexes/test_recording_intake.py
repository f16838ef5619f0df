"""Recordings as files: with and without transcripts, with and without an encoder, and what they leave on the disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.intake import take_in
from octavo.indexes.plan import plan
from octavo.indexes.store.recipe import recipe, sound_recipe
from octavo.indexes.taken import Taken
from octavo.pipeline import ingest as ingesting
from octavo.pipeline import reader_pool
from octavo.pipeline.document import Document
from octavo.pipeline.errors import ModelError
from octavo.pipeline.ingest import ingest
from octavo.pipeline.pronouncing.pronunciation import Pronunciation
from octavo.pipeline.recording import Recording
from octavo.pipeline.scratch import scratch_path

from .recording_world import FakeListener
from .test_intake import SpanVectors
from .test_unfinished import write_wav
from .world import TermVectors

SOUND = sound_recipe(FakeListener())
CUES = """WEBVTT

00:00.500 --> 00:02.000
The spare key hangs in the blue cupboard.

00:03.000 --> 00:04.500
Nobody has asked for it {since}.
"""


@pytest.fixture
def kb(tmp_path: Path) -> Iterator[KnowledgeBase]:
    with KnowledgeBase.open(tmp_path / "kb", create=True, term_encoder=TermVectors()) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.md").write_text("# Title\n\nThe part 100 is kept in a box.\n")
    write_wav(tmp_path / "files" / "talk.wav", 6, 1)
    return tmp_path / "files"


def run(kb: KnowledgeBase, folder: Path, listener: FakeListener | None = None) -> dict[str, Taken]:
    paths = sorted(folder.iterdir())
    return {
        taken.path.name: taken
        for taken in take_in(kb, paths, SpanVectors(), listener=listener or FakeListener(), workers=1)
    }


def scratch_files() -> list[Path]:
    return list(scratch_path(".pcm").parent.glob("*.pcm"))


def test_a_recording_goes_in_by_its_sound(kb: KnowledgeBase, folder: Path) -> None:
    found = run(kb, folder)
    assert {name: taken.code for name, taken in found.items()} == {"a.md": "added", "talk.wav": "added"}
    counts = found["talk.wav"].counts
    assert counts["samples"] == 96000
    assert counts["characters"] == 0
    assert counts["utterance"] > 0
    assert scratch_files() == []
    status = kb.status()
    assert (status.recordings, status.transcribed) == (1, 0)
    listener = FakeListener()
    assert {taken.code for taken in run(kb, folder, listener).values()} == {"unchanged"}
    assert listener.began == []
    assert kb.verify().clean


def test_without_an_encoder_a_recording_is_refused_until_there_is_one(kb: KnowledgeBase, folder: Path) -> None:
    for _ in range(2):
        found = {taken.path.name: taken for taken in take_in(kb, sorted(folder.iterdir()), SpanVectors(), workers=1)}
        assert found["talk.wav"].code == "unsupported"
        assert "no speech encoder" in found["talk.wav"].detail
    assert [taken.code for taken in plan(kb, [folder / "talk.wav"], "spans-1")] == ["unsupported"]
    assert run(kb, folder)["talk.wav"].code == "added"


def test_a_transcript_goes_in_with_its_recording(kb: KnowledgeBase, folder: Path) -> None:
    (folder / "talk.vtt").write_text(CUES.format(since="since May"))
    assert [taken.code for taken in plan(kb, sorted(folder.iterdir()), "spans-1", SOUND)] == [
        *("added", "transcript", "added")
    ]
    found = run(kb, folder)
    assert {name: taken.code for name, taken in found.items()} == {
        "a.md": "added",
        "talk.vtt": "transcript",
        "talk.wav": "added",
    }
    assert found["talk.vtt"].detail == f"of {folder / 'talk.wav'}"
    assert found["talk.vtt"].done
    assert [Path(source.uri).name for source in kb.sources()] == ["a.md", "talk.wav"]
    assert kb.status().transcribed == 1
    with kb.snapshot() as snapshot:
        (source,) = (source for source in kb.sources() if source.samples)
        content = snapshot.content(source.content)
        text = snapshot.text(content.id, 0, content.text_length)
        start, stop = snapshot.said(content.id, 8000, 32000) or (0, 0)
        assert text[start:stop].startswith("The spare key")
        assert "Nobody" not in text[start:stop]
        assert content.manifest["transcript"] == "sidecar"
    assert {taken.code for taken in run(kb, folder).values()} == {"unchanged", "transcript"}
    (folder / "talk.vtt").write_text(CUES.format(since="since June"))
    planned = {taken.path.name: taken.code for taken in plan(kb, sorted(folder.iterdir()), "spans-1", SOUND)}
    changed = {name: taken.code for name, taken in run(kb, folder).items()}
    assert planned == changed == {"a.md": "unchanged", "talk.vtt": "transcript", "talk.wav": "updated"}
    (folder / "talk.vtt").unlink()
    assert run(kb, folder)["talk.wav"].code == "updated"
    assert kb.status().transcribed == 0
    assert kb.verify().clean


def test_a_transcript_that_cannot_be_read_costs_a_flag(kb: KnowledgeBase, folder: Path) -> None:
    (folder / "talk.vtt").write_text("WEBVTT\n\n")
    taken = run(kb, folder)["talk.wav"]
    assert taken.code == "added"
    assert "transcript-unreadable" in {flag.code for flag in taken.flags}
    assert kb.status().transcribed == 0


def test_a_document_that_turns_out_to_be_a_transcript_is_taken_out(kb: KnowledgeBase, folder: Path) -> None:
    (folder / "talk.wav").rename(folder / "talk.old")
    (folder / "talk.vtt").write_text(CUES.format(since="since May"))
    assert run(kb, folder)["talk.vtt"].code == "added"
    (folder / "talk.old").rename(folder / "talk.wav")
    assert run(kb, folder)["talk.vtt"].code == "transcript"
    assert "talk.vtt" not in {Path(source.uri).name for source in kb.sources()}


class Scribe:
    """Writes the same sentence for every recording."""

    fingerprint = "scribe-1"

    def __init__(self, folder: Path) -> None:
        self._sidecar = folder / "other.vtt"
        self._sidecar.write_text(CUES.format(since="at all"))

    def transcribe(self, recording: Recording, utterances: Iterable[tuple[int, int]]) -> Document:
        from octavo.pipeline.reading.transcripts import transcript_of

        beside = self._sidecar.with_suffix(".wav")
        beside.touch()
        self.heard = list(utterances)
        document = transcript_of(beside, recording)
        assert document is not None
        return document


def test_what_has_no_transcript_is_written_down(kb: KnowledgeBase, folder: Path, tmp_path: Path) -> None:
    paths = [folder / "talk.wav"]
    run(kb, folder)
    scribe = Scribe(tmp_path)
    for code in ("updated", "unchanged"):
        (taken,) = take_in(kb, paths, SpanVectors(), listener=FakeListener(), transcriber=scribe, workers=1)
        assert taken.code == code
    (source,) = (source for source in kb.sources() if source.samples)
    assert source.text_length > 0
    assert source.recipe == recipe("audio/wav", "spans-1", SOUND, transcriber=scribe.fingerprint)
    with kb.snapshot() as snapshot:
        assert snapshot.content(source.content).manifest["transcript"] == "scribe-1"
    # Without the recogniser, what it wrote stays; with another, the recording is written down anew.
    listener = FakeListener()
    assert [taken.code for taken in take_in(kb, paths, SpanVectors(), listener=listener, workers=1)] == ["unchanged"]
    assert [taken.code for taken in plan(kb, paths, "spans-1", SOUND)] == ["unchanged"]
    assert listener.began == []
    scribe.fingerprint = "scribe-2"
    assert [taken.code for taken in plan(kb, paths, "spans-1", SOUND, "scribe-2")] == ["updated"]
    (taken,) = take_in(kb, paths, SpanVectors(), listener=FakeListener(), transcriber=scribe, workers=1)
    assert taken.code == "updated"
    assert kb.verify().clean


def test_a_transcript_beside_a_recording_leaves_the_recogniser_nothing_to_do(
    kb: KnowledgeBase, folder: Path, tmp_path: Path
) -> None:
    (folder / "talk.vtt").write_text(CUES.format(since="since May"))
    paths = [folder / "talk.wav"]
    run(kb, folder)
    scribe = Scribe(tmp_path)
    (taken,) = take_in(kb, paths, SpanVectors(), listener=FakeListener(), transcriber=scribe, workers=1)
    assert taken.code == "unchanged"
    assert not hasattr(scribe, "heard")


class Loud:
    """Pronounces every word as one phone for each letter."""

    fingerprint = "loud-1"

    def variants_of(self, texts: Sequence[str], n: int = 4) -> list[tuple[Pronunciation, ...]]:
        return [(Pronunciation(tuple(1 + ord(letter) % 39 for letter in text), 0.0, "network"),) for text in texts]


def test_words_of_cues_get_times_of_their_own_and_the_sound_is_heard_once(kb: KnowledgeBase, tmp_path: Path) -> None:
    folder = tmp_path / "long"
    folder.mkdir()
    path = write_wav(folder / "talk.wav", 50, 1)
    plain = [taken.code for taken in take_in(kb, [path], SpanVectors(), listener=FakeListener(), workers=1)]
    assert plain == ["added"]
    with kb.snapshot() as snapshot:
        before = snapshot.sounds_between(snapshot.ranges()).start.tolist()
    (folder / "talk.vtt").write_text(CUES.format(since="since May"))
    listener = FakeListener()
    (taken,) = take_in(kb, [path], SpanVectors(), listener=listener, phonetic=Loud(), workers=1)
    assert taken.code == "updated"
    assert listener.began == [0, 20 * 16000, 40 * 16000], "heard once, though its words came first"
    assert not list((kb.path / "unfinished").glob("*"))
    with kb.snapshot() as snapshot:
        (source,) = kb.sources()
        content = snapshot.content(source.content)
        assert content.manifest["aligned"].endswith("pronouncer loud-1")
        assert snapshot.sounds_between(snapshot.ranges()).start.tolist() == before
        text = snapshot.text(content.id, 0, content.text_length)
        start, stop = snapshot.said(content.id, 8000, 11000) or (0, 0)
        assert 0 < stop - start < len("The spare key hangs in the blue cupboard."), text[start:stop]
    assert kb.verify().clean


def test_the_samples_go_whatever_happens(
    kb: KnowledgeBase, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for number in range(6):
        write_wav(folder / f"{number}.wav", 5, number + 10)
    paths = sorted(folder.iterdir())
    outcomes = ingest(paths, SpanVectors(), listener=FakeListener(), workers=2)
    first = next(outcomes)
    assert first.path.name == "0.wav"
    assert scratch_files()
    outcomes.close()
    assert wait_for(lambda: scratch_files() == [])

    def fail(start: int) -> None:
        raise ModelError("the device is gone")

    with pytest.raises(ModelError):
        list(take_in(kb, paths, SpanVectors(), listener=FakeListener(before=fail), workers=1))
    assert wait_for(lambda: scratch_files() == [])
    monkeypatch.setattr(ingesting, "FILES_PER_BATCH", 1)
    known = ingest(paths, SpanVectors(), listener=FakeListener(), known=lambda source, transcript: True, workers=1)
    assert {outcome.code for outcome in known} == {"known"}
    unread = ingest(paths, SpanVectors(), listener=FakeListener(), workers=1)
    assert [outcome.code for outcome in unread] == ["read"] * len(paths), "nobody consumed them"
    assert scratch_files() == []


def wait_for(true: object, seconds: float = 10.0) -> bool:
    import time

    assert callable(true)
    until = time.monotonic() + seconds
    while not true() and time.monotonic() < until:
        time.sleep(0.02)
    return bool(true())


def test_little_sound_waits_on_the_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(8):
        write_wav(folder / f"{number}.wav", 5, number + 10)
    size = 2 * 5 * 16000
    monkeypatch.setattr(reader_pool, "SCRATCH_BYTES", size)
    monkeypatch.setattr(ingesting, "SAMPLES_PER_BATCH", 1)
    most = 0
    for outcome in ingest(sorted(folder.iterdir()), SpanVectors(), listener=FakeListener(), workers=2):
        if outcome.encoded is not None and outcome.encoded.sound is not None:
            most = max(most, sum(path.stat().st_size for path in scratch_files()))
            assert len(list(outcome.encoded.sound.utterances)) > 0
    # Two readers may have begun at the same moment, beside what is held and what is due.
    assert 0 < most <= 4 * size
    assert scratch_files() == []


def test_progress_inside_a_recording(kb: KnowledgeBase, tmp_path: Path) -> None:
    path = write_wav(tmp_path / "talk.wav", 50)
    seen: list[tuple[str, int, int]] = []
    list(
        take_in(
            kb,
            [path],
            SpanVectors(),
            listener=FakeListener(),
            heard=lambda path, done, of: seen.append((path.name, done // 16000, of // 16000)),
            workers=1,
        )
    )
    assert seen == [("talk.wav", 20, 50), ("talk.wav", 40, 50), ("talk.wav", 50, 50)]
