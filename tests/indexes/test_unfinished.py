"""Long recordings: what was heard before a kill is not heard again, and what is kept is kept whole."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
import wave
from pathlib import Path

import numpy as np
import pytest
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.intake import take_in
from octavo.indexes.store.unfinished import KEPT_SECONDS, Unfinished
from octavo.pipeline.errors import KnowledgeBaseError, ModelError
from octavo.pipeline.listening import Listening
from octavo.pipeline.posteriors import window_grid
from octavo.pipeline.recording import SAMPLE_RATE, Recording
from octavo.pipeline.scale import PHONEME, PROSODY

from .recording_world import FakeListener, Piece, recording_of, utterances_of
from .test_intake import SpanVectors
from .world import TermVectors

ROUNDS = int(os.environ.get("OCTAVO_KILL_ROUNDS", "3"))
STRETCH = 20 * SAMPLE_RATE


def write_wav(path: Path, seconds: float, seed: int = 0) -> Path:
    noise = np.random.default_rng(seed).integers(-9000, 9000, round(seconds * SAMPLE_RATE)).astype("<i2")
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE)
        out.writeframes(noise.tobytes())
    return path


def contents(base: KnowledgeBase) -> list[bytes]:
    """Everything of the sound that a knowledge base holds, to be compared."""
    with base.snapshot() as snapshot:
        rows = snapshot.sounds_between(snapshot.ranges())
        heard = snapshot.heard(rows.id[rows.parent == -1])
        frames = (heard.stop - heard.start) // 320
        windows = [
            (int(one) << 12) + np.arange(len(window_grid(count)))
            for one, count in zip(heard.id, frames.tolist(), strict=True)
        ]
        return [
            np.stack([rows.start, rows.stop, rows.parent]).tobytes(),
            b"".join(one.to_bytes() for one in heard.posteriors),
            snapshot.manners(rows.id).tobytes(),
            snapshot.index(PROSODY).vectors(rows.id).tobytes(),
            snapshot.index(PHONEME).vectors(np.concatenate(windows)).tobytes(),
        ]


def test_kept_stretches_come_back_and_the_rest_is_heard(tmp_path: Path) -> None:
    recording = recording_of(tmp_path, "/r/a.wav", 130)
    unfinished = Unfinished(tmp_path)
    whole = list(Listening(FakeListener(), recording).utterances())
    cut = Listening(FakeListener(), recording, unfinished).utterances()
    for _ in range(len(whole) // 2):
        next(cut)
    cut.close()
    kept = len(unfinished.files())
    assert kept >= 2
    listener, done = FakeListener(), []
    listening = Listening(listener, recording, unfinished, lambda path, at, of: done.append((at, of)))
    again = list(listening.utterances())
    assert listener.began == list(range(kept * STRETCH, recording.samples, STRETCH))
    assert done[-1] == (recording.samples, recording.samples)
    assert [at for at, _ in done] == sorted({at for at, _ in done})
    assert [one.start for one in again] == [one.start for one in whole]
    for one, other in zip(again, whole, strict=True):
        assert np.array_equal(one.posteriors.symbols, other.posteriors.symbols)
        assert np.array_equal(one.phrases, other.phrases)
        assert np.array_equal(one.measures, other.measures, equal_nan=True)
        assert np.array_equal(one.windows.astype(np.float16), other.windows.astype(np.float16))
        assert np.array_equal(one.manners.astype(np.float16), other.manners.astype(np.float16))


@pytest.mark.parametrize("keeps", [True, False])
def test_a_recording_heard_through_for_its_words_is_heard_once(tmp_path: Path, keeps: bool) -> None:
    recording = recording_of(tmp_path, "/r/a.wav", 130)
    whole = list(Listening(FakeListener(), recording).utterances())
    unfinished = Unfinished(tmp_path) if keeps else None
    listener, done = FakeListener(), []
    listening = Listening(listener, recording, unfinished, lambda path, at, of: done.append(at))
    spans = listening.spans()
    first = [next(spans), next(spans)]
    assert len(listener.began) == 1, "what is not asked for is not heard"
    assert first + list(listening.spans()) == [(one.start, one.stop) for one in whole]
    once = list(listener.began)
    again = list(listening.utterances())
    assert listener.began == once == list(range(0, recording.samples, STRETCH))
    assert done == [*once[1:], recording.samples]
    assert [start for start, _ in listening.posteriors] == [one.start for one in again] == [one.start for one in whole]
    for (_, posteriors), one, other in zip(listening.posteriors, again, whole, strict=True):
        assert np.array_equal(posteriors.symbols, other.posteriors.symbols)
        assert np.array_equal(one.windows.astype(np.float16), other.windows.astype(np.float16))
    if unfinished is not None:
        unfinished.files()[2].unlink()
        assert [one.start for one in listening.utterances()] == [one.start for one in whole], "heard again from there"
        assert listener.began[len(once) :] == once[2:]


def test_a_recording_of_one_stretch_keeps_nothing(tmp_path: Path) -> None:
    list(Listening(FakeListener(), recording_of(tmp_path, "/r/a.wav", 19), Unfinished(tmp_path)).utterances())
    assert not (tmp_path / "unfinished").exists()


def keep(unfinished: Unfinished, fingerprint: str = "f", count: int = 3) -> None:
    for number in range(count):
        said = tuple(utterances_of(RECORDING[0], number * STRETCH, (number + 1) * STRETCH)) if number != 1 else ()
        unfinished.keep("a" * 64, fingerprint, number, Piece(said, {"at": number}, (number + 1) * STRETCH))


RECORDING: list[Recording] = []


@pytest.fixture(autouse=True)
def one_recording(tmp_path: Path) -> None:
    RECORDING[:] = [recording_of(tmp_path, "/r/x.wav", 100)]


def states(unfinished: Unfinished, fingerprint: str = "f") -> list[object]:
    return [stretch.state["at"] for stretch in unfinished.kept("a" * 64, fingerprint)]


def test_a_damaged_or_missing_stretch_ends_what_is_kept(tmp_path: Path) -> None:
    unfinished = Unfinished(tmp_path)
    keep(unfinished)
    assert states(unfinished) == [0, 1, 2]
    files = unfinished.files()
    with files[1].open("r+b") as file:
        file.seek(300)
        file.write(b"\xff")
    assert states(unfinished) == [0]
    assert unfinished.files() == files[:1], "what follows a gap is of no use"
    keep(unfinished)
    unfinished.files()[0].unlink()
    assert states(unfinished) == []


def test_what_another_encoder_heard_is_dropped(tmp_path: Path) -> None:
    unfinished = Unfinished(tmp_path)
    keep(unfinished, "old")
    assert states(unfinished, "new") == []
    assert unfinished.files() == []


def test_what_nobody_went_on_with_is_dropped_after_a_month(tmp_path: Path) -> None:
    unfinished = Unfinished(tmp_path)
    keep(unfinished)
    half = unfinished.files()[0].with_suffix(".npz.part")
    half.write_bytes(b"half")
    unfinished.sweep()
    assert not half.exists()
    assert len(unfinished.files()) == 3
    unfinished.sweep(time.time() + KEPT_SECONDS + 60)
    assert unfinished.files() == []


def test_no_room_to_keep_is_said(tmp_path: Path) -> None:
    (tmp_path / "unfinished").write_text("in the way")
    with pytest.raises(KnowledgeBaseError, match="cannot be written"):
        keep(Unfinished(tmp_path))


def test_an_encoder_that_fails_half_way_is_gone_on_from(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "talk.wav", 130)

    def fail(start: int) -> None:
        if start == 3 * STRETCH:
            raise ModelError("the device is gone")

    with KnowledgeBase.open(tmp_path / "kb", create=True, term_encoder=TermVectors()) as base:
        with pytest.raises(ModelError):
            list(take_in(base, [path], SpanVectors(), listener=FakeListener(before=fail), workers=1))
        assert base.sources() == []
        assert base.status().unfinished == 3
        report = base.verify()
        assert report.clean
        assert len(report.unfinished) == 3
        assert report.orphans == ()
        base.compact()
        assert base.status().unfinished == 3
        listener = FakeListener()
        (taken,) = take_in(base, [path], SpanVectors(), listener=listener, workers=1)
        assert taken.code == "added"
        assert listener.began[0] == 3 * STRETCH
        assert not (base.path / "unfinished").exists()
        assert base.verify().clean
        sha256 = base.sources()[0].sha256  # as if a kill had come between the commit and this
        Unfinished(base.path).keep(sha256, "f", 0, Piece((), {}, STRETCH))
        assert [taken.code for taken in take_in(base, [path], SpanVectors(), listener=listener)] == ["unchanged"]
        assert base.status().unfinished == 0


def test_killed_half_way_and_gone_on_with(tmp_path: Path) -> None:
    """Each run goes on where the one before was killed; in the end all is as if nobody had been killed."""
    path = write_wav(tmp_path / "talk.wav", 20 * (4 * ROUNDS + 5))
    with KnowledgeBase.open(tmp_path / "whole", create=True, term_encoder=TermVectors()) as whole:
        assert [taken.code for taken in take_in(whole, [path], SpanVectors(), listener=FakeListener())] == ["added"]
        expected = contents(whole)
    folder = tmp_path / "kb"
    KnowledgeBase.open(folder, create=True, term_encoder=TermVectors()).close()
    generator = random.Random(ROUNDS)
    command = [sys.executable, "-m", "octavo.tests.indexes.heard_worker", str(folder), "0.1", str(path)]
    least = 0
    for _ in range(ROUNDS):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
            said = [worker.stdout.readline().split() for _ in range(generator.choice((1, 2, 3)))]
            assert int(said[0][1]) >= least, "a stretch that was kept is not heard again"
            time.sleep(generator.uniform(0, 0.1))
            worker.kill()
            said += [line.split() for line in worker.stdout.read().splitlines()]
            assert {word for word, _ in said} == {"began"}
        # A stretch is kept before the next one begins; the one under way may or may not be.
        least = max(int(at) for _, at in said)
        with KnowledgeBase.open(folder) as base:
            assert base.sources() == []
            assert base.verify().clean
            assert base.status().unfinished * STRETCH >= least
    done = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert int(done[1].split()[1]) >= least
    assert done[-1] == "did talk.wav added"
    with KnowledgeBase.open(folder) as base:
        assert base.verify().clean
        assert contents(base) == expected
        assert base.status().unfinished == 0
