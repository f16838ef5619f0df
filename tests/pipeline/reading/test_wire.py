"""Documents and recordings on the wire."""

from __future__ import annotations

import contextlib
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from octavo.pipeline.document import BOXES_DTYPE, Block, BlockKind, Document, Flag, Metadata, Page, Source
from octavo.pipeline.errors import ReaderCrashed
from octavo.pipeline.reading.wire import (
    document_from_bytes,
    document_to_parts,
    recording_from_bytes,
    recording_to_bytes,
)
from octavo.pipeline.recording import Recording

WORDS = st.text(max_size=20)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    text = draw(st.text(max_size=200))
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=10)))
    blocks = tuple(
        Block(start, stop, kind, draw(st.integers(1, 6)) if kind is BlockKind.HEADING else draw(st.integers(0, 9)))
        for start, stop in pairwise(cuts)
        for kind in [draw(st.sampled_from(list(BlockKind)))]
    )
    pages = []
    for number, (start, stop) in enumerate(pairwise(cuts[::3]), start=1):
        boxes = np.zeros(draw(st.integers(0, 4)), BOXES_DTYPE)
        boxes["x1"] = draw(st.floats(0, 1000, width=32))
        pages.append(Page(number, start, stop, draw(st.floats(0, 1e4)), draw(st.floats(0, 1e4)), boxes))
    return Document(
        Source(draw(st.text(min_size=1)), "text/plain", "0" * 64),
        text,
        blocks,
        tuple(pages),
        Metadata(*(draw(WORDS) for _ in range(5))),
        tuple(Flag(draw(WORDS), draw(WORDS)) for _ in range(draw(st.integers(0, 3)))),
    )


@given(documents())
def test_round_trip(document: Document) -> None:
    again = document_from_bytes(b"".join(document_to_parts(document)))
    for name in ("source", "text", "blocks", "metadata", "flags"):
        assert getattr(again, name) == getattr(document, name)
    for mine, theirs in zip(again.pages, document.pages, strict=True):
        assert (mine.number, mine.start, mine.stop, mine.width, mine.height) == (
            theirs.number,
            theirs.start,
            theirs.stop,
            theirs.width,
            theirs.height,
        )
        assert np.array_equal(mine.boxes, theirs.boxes)


@given(documents(), st.data())
def test_malformed_frames_are_refused(document: Document, data: st.DataObject) -> None:
    frame = bytearray(b"".join(document_to_parts(document)))
    if data.draw(st.booleans()):
        frame = frame[: data.draw(st.integers(0, len(frame) - 1))]
        with pytest.raises(ReaderCrashed, match="malformed"):
            document_from_bytes(frame)
        return
    frame[data.draw(st.integers(0, len(frame) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with contextlib.suppress(ReaderCrashed):  # a flipped bit in a letter is another letter
        document_from_bytes(frame)


def test_announced_lengths_are_not_believed() -> None:
    frame = b"OCTD" + (2**31).to_bytes(4, "little") + b"{}"
    with pytest.raises(ReaderCrashed, match="announced"):
        document_from_bytes(frame)


def recording(pcm: Path) -> Recording:
    pcm.write_bytes(bytes(10))
    metadata = Metadata(title="größer", created="2024")
    flags = (Flag("truncated", "\udcff"), Flag("gap-filled"))
    return Recording(Source("/ä", "audio/wav", "0" * 64), 5, 7, metadata, flags, pcm, "wav, mono")


def test_recordings_come_round(tmp_path: Path) -> None:
    with recording(tmp_path / "a.pcm") as one:
        again = recording_from_bytes(recording_to_bytes(one), tmp_path / "a.pcm")
        for name in ("source", "samples", "start_us", "metadata", "flags", "pcm", "format"):
            assert getattr(again, name) == getattr(one, name)


@pytest.mark.parametrize(
    "change",
    [
        {"samples": 4},
        {"samples": "5"},
        {"samples": 5.0},
        {"samples": True},
        {"start_us": -1},
        {"source": ["/a"]},
        {"source": ["/a", "audio", "0" * 64]},
        {"metadata": ["title"]},
        {"flags": [["code"]]},
        {"flags": 3},
        {"format": None},
    ],
)
def test_malformed_recordings_are_refused(tmp_path: Path, change: dict[str, object]) -> None:
    with recording(tmp_path / "a.pcm") as one:
        frame = json.loads(recording_to_bytes(one)) | change
        with pytest.raises(ReaderCrashed, match="malformed recording"):
            recording_from_bytes(json.dumps(frame).encode(), one.pcm)
        for broken in (b"", b"[]", b"{}", b"\xff", b"[" * 100_000):
            with pytest.raises(ReaderCrashed, match="malformed recording"):
                recording_from_bytes(broken, one.pcm)
