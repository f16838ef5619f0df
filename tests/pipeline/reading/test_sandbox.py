"""Readers that hang, eat memory or crash are stopped, and the next file is read."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from octavo.pipeline import errors
from octavo.pipeline.document import Document
from octavo.pipeline.reading import Limits, Reader, read_document, read_in_process
from octavo.pipeline.recording import Recording
from octavo.pipeline.scratch import scratch_path

from .audio_world import tone, write_wav

HOSTILE = """
import os, sys, time
from pathlib import Path
from octavo.pipeline.errors import EncryptedSource
from octavo.pipeline.reading import read_in_process
from octavo.pipeline.reading.worker import serve

def read(path: Path, pcm: Path):
    word = path.read_text()
    print("noise on standard output")
    os.write(1, b"noise below Python")
    if word == "sleep":
        time.sleep(1000)
    if word == "spin":
        import re
        re.match("(a+)+$", "a" * 60 + "b")  # in C, with the interpreter locked
    if word in ("scratch", "scratch and die"):
        pcm.write_bytes(bytes(1_000_000))
        if word == "scratch":
            time.sleep(1000)
        os.abort()
    if word == "scratch and fail":
        pcm.write_bytes(bytes(1_000_000))
        raise EncryptedSource("after all")
    if word == "short":
        from octavo.pipeline.document import Metadata, Source
        from octavo.pipeline.recording import Recording
        pcm.write_bytes(bytes(1_000))
        recording = Recording(Source("/a", "audio/wav", "0" * 64), 500, 0, Metadata(), (), pcm)
        recording.detach()
        pcm.write_bytes(bytes(999))
        return recording
    if word == "eat":
        kept = []
        while True:
            kept.append(b"x" * 10_000_000)
    if word == "abort":
        print("about to abort", file=sys.stderr, flush=True)
        os.abort()
    if word == "exit":
        os._exit(7)
    if word == "noise":
        sys.stderr.write("x" * 1_000_000)
    if word == "locked":
        raise EncryptedSource("needs a password: größer")
    if word == "recursion":
        def again(): again()
        again()
    return read_in_process(path, pcm)

serve(read)
"""


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    script = tmp_path_factory.mktemp("hostile") / "hostile.py"
    script.write_text(HOSTILE)
    return [sys.executable, "-P", str(script)]


@pytest.fixture(scope="module")
def hostile(command: list[str]) -> Iterator[Reader]:
    with Reader(Limits(seconds=3, memory_bytes=300 * 1024**2), command=command) as reader:
        yield reader


def document(reader: Reader, path: Path) -> Document:
    found = reader.read(path)
    assert isinstance(found, Document)
    return found


def file(folder: Path, word: str) -> Path:
    path = folder / f"{word}.txt"
    path.write_text(word)
    return path


@pytest.mark.parametrize(
    ("word", "error", "message"),
    [
        ("sleep", errors.ReaderTimeout, "not read after 3 s"),
        ("spin", errors.ReaderTimeout, "not read after 3 s"),
        ("eat", errors.ReaderOutOfMemory, "memory"),
        ("abort", errors.ReaderCrashed, "SIGABRT.*about to abort"),
        ("exit", errors.ReaderCrashed, "status 7"),
        ("locked", errors.EncryptedSource, "größer"),
        ("recursion", errors.DamagedSource, "RecursionError"),
    ],
)
def test_stopped_and_named_and_the_next_file_is_read(
    tmp_path: Path, hostile: Reader, word: str, error: type[errors.SourceError], message: str
) -> None:
    with pytest.raises(error, match=message) as caught:
        hostile.read(file(tmp_path, word))
    assert type(caught.value) is error
    assert document(hostile, file(tmp_path, "harmless words")).text == "harmless words"


@pytest.mark.parametrize(
    ("word", "error"),
    [
        ("scratch", errors.ReaderTimeout),
        ("scratch and die", errors.ReaderCrashed),
        ("scratch and fail", errors.EncryptedSource),
        ("short", errors.ReaderCrashed),
    ],
)
def test_no_scratch_file_is_left(tmp_path: Path, hostile: Reader, word: str, error: type[errors.SourceError]) -> None:
    folder = scratch_path("").parent
    before = set(folder.iterdir())
    with pytest.raises(error):
        hostile.read(file(tmp_path, word))
    assert set(folder.iterdir()) == before


def test_a_recording_outlives_its_reader(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", [tone(1, 16000)], 16000)
    with Reader() as reader:
        found = reader.read(path)
    assert isinstance(found, Recording)
    here = read_in_process(path)
    assert isinstance(here, Recording)
    with found, here:
        assert found.pcm != here.pcm
        assert found.source == here.source
        assert found.source.media_type == "audio/wav"
        assert (found.samples, found.format, found.flags) == (here.samples, here.format, here.flags)
        assert found.read(0, 16000).tolist() == here.read(0, 16000).tolist()
    assert not found.pcm.exists()
    assert not here.pcm.exists()


def test_recordings_may_be_larger_than_documents(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", [tone(1, 16000)], 16000)
    with Reader(Limits(file_bytes=1000)) as reader:
        found = reader.read(path)
        assert isinstance(found, Recording)
        found.close()
    with Reader(Limits(file_bytes=1000, recording_bytes=2000)) as reader:
        with pytest.raises(errors.UnsupportedSource, match="limit is 2,000"):
            reader.read(path)
        long = tmp_path / "b.txt"
        long.write_text("words " * 1000)
        with pytest.raises(errors.UnsupportedSource, match="limit is 1,000"):
            reader.read(long)


def test_noise_does_not_reach_the_protocol(tmp_path: Path, hostile: Reader) -> None:
    assert document(hostile, file(tmp_path, "noise")).text == "noise"


def test_same_document_as_in_this_process(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("# Title\n\nSome words of English, enough of them to tell the language of it.\n")
    with Reader() as reader:
        there, here = document(reader, path), read_document(path)
    assert (there.text, there.blocks, there.metadata, there.source) == (
        here.text,
        here.blocks,
        here.metadata,
        here.source,
    )
    assert here.metadata.language == "en"


def test_files_that_are_not_given_to_the_child(tmp_path: Path) -> None:
    with Reader(Limits(file_bytes=3)) as reader:
        with pytest.raises(errors.SourceMissing):
            reader.read(tmp_path / "absent")
        with pytest.raises(errors.UnsupportedSource, match="limit is 3"):
            reader.read(file(tmp_path, "long"))


def test_what_no_reader_takes(tmp_path: Path) -> None:
    with Reader() as reader:
        (tmp_path / "a.txt").write_bytes(b"MThd\x00\x00\x00\x06" + bytes(100))
        with pytest.raises(errors.UnsupportedSource, match="audio/midi, notes without sound"):
            reader.read(tmp_path / "a.txt")
        (tmp_path / "b.txt").write_bytes(b"")
        with pytest.raises(errors.EmptySource, match="0 bytes"):
            reader.read(tmp_path / "b.txt")


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    path = os.path.join(os.fsencode(tmp_path), b"caf\xe9.txt")
    try:
        with open(path, "wb") as out:
            out.write(b"words")
    except OSError:
        pytest.skip("this file system takes no such name")
    with Reader() as reader:
        assert document(reader, Path(os.fsdecode(path))).text == "words"


def test_a_child_that_cannot_start() -> None:
    with Reader(command=["/does/not/exist"]) as reader, pytest.raises(errors.ReaderCrashed, match="cannot be started"):
        reader.read(Path(__file__))
    broken = [sys.executable, "-c", "raise SystemExit('no such package')"]
    with Reader(command=broken) as reader, pytest.raises(errors.ReaderCrashed, match="no such package"):
        reader.read(Path(__file__))


@pytest.mark.parametrize("word", ["spin", "sleep"])
def test_the_child_dies_with_its_parent(tmp_path: Path, command: list[str], word: str) -> None:
    program = (
        "import sys; from pathlib import Path; from octavo.pipeline.reading import Reader\n"
        "reader = Reader(command=sys.argv[3:]); reader.read(Path(sys.argv[1]))\n"
        "print(reader._child._process.pid, flush=True); reader.read(Path(sys.argv[2]))"
    )
    paths = [str(file(tmp_path, "first")), str(file(tmp_path, word))]
    parent = subprocess.Popen([sys.executable, "-c", program, *paths, *command], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    time.sleep(0.5)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    for _ in range(100):
        if not _alive(child):
            return
        time.sleep(0.1)
    os.kill(child, signal.SIGKILL)
    pytest.fail("the reader's process outlived its parent")


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_limits_check_themselves() -> None:
    with pytest.raises(ValueError, match="needs time"):
        Limits(seconds=0)
    with pytest.raises(ValueError, match="128 MiB"):
        Limits(memory_bytes=1)
    assert Limits(seconds=10, seconds_per_megabyte=2).seconds_for(3_000_000) == 16


def test_importing_is_cheap() -> None:
    code = (
        "import sys, octavo.pipeline.reading; print(sorted(m for m in sys.modules if 'numpy' in m or 'lxml' in m)[:3])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_closing_stops_what_another_thread_reads(tmp_path: Path, command: list[str]) -> None:
    reader = Reader(Limits(seconds=60), command=command)
    met: list[BaseException] = []
    before = set(scratch_path(".pcm").parent.glob("*.pcm"))

    def read() -> None:
        try:
            reader.read(file(tmp_path, "scratch"))
        except errors.SourceError as error:
            met.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    while not set(scratch_path(".pcm").parent.glob("*.pcm")) - before:
        time.sleep(0.02)
    began = time.monotonic()
    reader.close()
    thread.join()
    assert time.monotonic() - began < 20
    assert [type(error) for error in met] == [errors.ReaderCrashed]
    assert set(scratch_path(".pcm").parent.glob("*.pcm")) <= before
    with pytest.raises(errors.ReaderCrashed, match="closed"):
        reader.read(file(tmp_path, "harmless words"))
