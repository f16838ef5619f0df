"""The sample: the same recordings from the same scripts, the questions asked of them, and their picture."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pymupdf
import pytest
from octavo.pipeline.document import Document
from octavo.pipeline.phones import phone_ids
from octavo.pipeline.posteriors import Posteriors
from octavo.pipeline.reading import Reader
from octavo.pipeline.recording import SAMPLE_RATE, Recording
from octavo.pipeline.voice.contour import contour

ROOT = Path(__file__).parent.parent

# Runs demo/record.py as if espeak-ng were only where it is said to be.
WITH = """
import ctypes, ctypes.util, runpy, sys
where, sys.argv = sys.argv[1], sys.argv[2:]
loads = ctypes.CDLL
def none(name, *rest, **more):
    if "espeak" in str(name):
        raise OSError(f"{name}: cannot open shared object file")
    return loads(name, *rest, **more)
if where != "wheel":
    sys.modules["espeakng_loader"] = None
if where == "nowhere":
    ctypes.util.find_library = lambda name: None
    ctypes.CDLL = none
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def script(name: str) -> ModuleType:
    """A script of the demo as a module."""
    spec = importlib.util.spec_from_file_location(f"octavo_demo_{name}", ROOT / "demo" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def recorded(where: str, *folders: Path) -> list[str]:
    """What demo/record.py complains of, for each folder in a process of its own; all at once."""
    command = [sys.executable, "-c", WITH, where, str(ROOT / "demo" / "record.py")]
    running = [
        subprocess.Popen([*command, str(folder)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for folder in folders
    ]
    said = [one.communicate(timeout=120)[1] for one in running]
    assert [one.returncode for one in running] == [0] * len(folders), said
    return said


def has_espeak(where: str) -> bool:
    import ctypes.util

    if where == "system":
        return ctypes.util.find_library("espeak-ng") is not None
    return importlib.util.find_spec("espeakng_loader") is not None


@pytest.mark.parametrize("where", ["system", "wheel"])
def test_same_scripts_give_the_same_bytes(where: str, tmp_path: Path) -> None:
    if not has_espeak(where):
        pytest.skip(f"no espeak-ng in the {where}: apt-get install espeak-ng, pip install espeakng-loader")
    first, second = tmp_path / "first", tmp_path / "second"
    assert recorded(where, first, second) == ["", ""]
    names = sorted(path.relative_to(first).as_posix() for path in first.rglob("*") if path.is_file())
    assert names == [".asked/question.wav", "call.wav", "memo.vtt", "memo.wav"]
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name
    with Reader() as reader:
        call, memo = reader.read(first / "call.wav"), reader.read(first / "memo.wav")
    assert isinstance(call, Recording)
    assert isinstance(memo, Recording)
    with call, memo:
        assert 30 < call.seconds < 60
        assert not call.flags
    told = (first / "memo.vtt").read_text(encoding="utf-8")
    assert told.count(" --> ") == 3
    assert "The booth opens on Thursday at nine." in told


def test_without_a_voice_the_sample_goes_without_recordings(tmp_path: Path) -> None:
    (said,) = recorded("nowhere", tmp_path / "out")
    assert "goes without recordings" in said
    assert "pip install espeakng-loader" in said
    assert "Traceback" not in said
    assert not list(tmp_path.rglob("*.wav"))


def test_speakers_of_the_scripts_have_voices() -> None:
    record = script("record")
    for name in ("call", "memo", "question"):
        said = list(record.turns(record.SOURCES / f"{name}.txt"))
        assert said
        assert all(text.strip() for _, text in said)


@pytest.mark.parametrize(
    ("sample", "stamp"),
    [(0, "00:00:00.000"), (11_200, "00:00:00.700"), (959_995, "00:01:00.000"), (1_000_000, "00:01:02.500")],
)
def test_times_as_webvtt_writes_them(sample: int, stamp: str) -> None:
    assert script("record").stamp(sample) == stamp


def test_name_that_the_call_alone_knows_is_in_no_document(tmp_path: Path) -> None:
    script("build").build(tmp_path)
    name = script("ask").SAID[0][1].casefold()
    with Reader() as reader:
        texts = [reader.read(path) for path in sorted(tmp_path.iterdir())]
    assert len(texts) == 5
    assert not [read.source.uri for read in texts if isinstance(read, Document) and name in read.text.casefold()]
    scripts = (ROOT / "demo" / "sources").glob("*.txt")
    assert [path.stem for path in scripts if name in path.read_text(encoding="utf-8").casefold()] == ["call"]


def test_recordings_are_asked_only_where_there_are_some(tmp_path: Path) -> None:
    ask = script("ask")
    without, every = (ask.asked(tmp_path, recordings=there) for there in (False, True))
    assert every[: len(without)] == without
    assert [title.partition(":")[0] for title, _ in without] == [
        "character",
        "sentence",
        "paragraph",
        "section",
        "document",
    ]
    assert [title.partition(":")[0] for title, _ in every[5:]] == ["phoneme", "sentence", "spoken", "manner"]


def test_runs_of_a_phone_are_named_once() -> None:
    timeline = script("timeline")
    chances = np.full((6, 40), 0.001, np.float32)
    for frame, symbol in enumerate([0, *phone_ids("K K"), 0, *phone_ids("K AH")]):
        chances[frame, symbol] = 0.9
    found = list(timeline.phones_heard(Posteriors.pack(np.log(chances)), 2.0))
    assert [one.name for one in found] == ["K", "K", "AH"]
    assert [(one.start, one.stop) for one in found] == [
        pytest.approx(span) for span in ((2.02, 2.06), (2.08, 2.10), (2.10, 2.12))
    ]
    assert all(one.probability == pytest.approx(0.9, abs=0.05) for one in found)


def test_picture_shows_where_a_word_was_found(tmp_path: Path) -> None:
    timeline = script("timeline")
    seconds = 12.0
    times = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    tone = (0.3 * np.sin(2 * np.pi * 150 * times) * (np.sin(2 * np.pi * times) > 0)).astype(np.float32)
    mel = np.random.default_rng(0).normal(size=(int(seconds * 100), 80)).astype(np.float32)
    hit = timeline.Marked(4.0, 4.6, "Quellory", 0.8)
    phones = [timeline.Marked(4.0 + at / 10, 4.05 + at / 10, "K") for at in range(6)]
    spoken = [timeline.Marked(1.0, 10.0, "")]
    drawn = timeline.Picture("call.wav", seconds, mel, contour(tone), spoken, phones, [hit])
    assert timeline.closer(drawn) == pytest.approx((3.0, 5.6))
    timeline.draw(drawn, os.fspath(tmp_path / "timeline.png"))
    pixels = pymupdf.Pixmap(tmp_path / "timeline.png")
    image = np.frombuffer(pixels.samples, np.uint8).reshape(pixels.height, pixels.width, pixels.n)[..., :3].astype(int)
    red = image[..., 0] - image[..., 1] > 50
    # The frame of the hit in the overview: two columns at 4.0 and 4.6 s of 12.
    tall = np.flatnonzero(red[: red.shape[0] // 3].sum(axis=0) > 50) / timeline.DPI * 72
    inside = timeline.WIDTH - timeline.LEFT - timeline.RIGHT
    ends = [timeline.LEFT + inside * at / seconds for at in (4.0, 4.6)]
    assert tall.min() == pytest.approx(ends[0], abs=1.5)
    assert tall.max() == pytest.approx(ends[1], abs=1.5)
