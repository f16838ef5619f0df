"""Documents and recordings as bytes, for the pipe between a reader's process and ours. No pickle: the bytes may come
from a process in which a hostile file has taken over the parser.

A recording is JSON, see :func:`recording_to_bytes`. A document's frame is ``OCTD``, the length of a JSON header
(4 bytes), the header, and the buffers whose lengths it names::

    text (UTF-8) | blocks (n, 4) int64 | pages (n, 3) int64 | page sizes (n, 2) float64 | boxes BOXES_DTYPE
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ..document import BOXES_DTYPE, Block, BlockKind, Document, Flag, Metadata, Page, Source
from ..errors import ReaderCrashed
from ..recording import Recording

_MAGIC: Final = b"OCTD"
_KINDS: Final = tuple(BlockKind)
_INTEGER: Final = np.dtype("<i8")
_FLOAT: Final = np.dtype("<f8")


def document_to_parts(document: Document) -> list[bytes | memoryview]:
    """The buffers of a document's frame, to be written one after the other."""
    text = document.text.encode("utf-8")
    kinds = {kind: position for position, kind in enumerate(_KINDS)}
    blocks = np.array([(b.start, b.stop, kinds[b.kind], b.level) for b in document.blocks], _INTEGER).reshape(-1, 4)
    pages = np.array([(p.number, p.start, p.stop) for p in document.pages], _INTEGER).reshape(-1, 3)
    sizes = np.array([(p.width, p.height) for p in document.pages], _FLOAT).reshape(-1, 2)
    boxes = [np.ascontiguousarray(page.boxes) for page in document.pages]
    header = {
        "source": [document.source.uri, document.source.media_type, document.source.sha256],
        "metadata": [getattr(document.metadata, name) for name in Metadata.__slots__],
        "flags": [[flag.code, flag.detail] for flag in document.flags],
        "text": len(text),
        "blocks": len(blocks),
        "pages": len(pages),
        "boxes": [len(rows) for rows in boxes],
    }
    encoded = json.dumps(header).encode("ascii")
    start = _MAGIC + struct.pack("<I", len(encoded)) + encoded
    arrays: list[npt.NDArray[Any]] = [blocks, pages, sizes, *boxes]
    return [start, text, *(memoryview(array.tobytes()) for array in arrays if array.size)]


def document_from_bytes(frame: bytes | bytearray | memoryview) -> Document:
    """Build a document from its frame. Word boxes stay views of one copied buffer.

    Raises:
        ReaderCrashed: The frame is malformed: lengths do not add up, positions are out of order, or text is not UTF-8.
    """
    try:
        return _parse(memoryview(frame))
    except (ValueError, KeyError, TypeError, IndexError, struct.error, OverflowError, RecursionError) as error:
        raise ReaderCrashed(
            f"the reader's process answered with a malformed document ({error}); run it again"
        ) from error


def recording_to_bytes(recording: Recording) -> bytes:
    """All of a recording but its samples, and where they are: who asked for it has named the place."""
    header = {
        "source": [recording.source.uri, recording.source.media_type, recording.source.sha256],
        "samples": recording.samples,
        "start_us": recording.start_us,
        "metadata": [getattr(recording.metadata, name) for name in Metadata.__slots__],
        "flags": [[flag.code, flag.detail] for flag in recording.flags],
        "format": recording.format,
    }
    return json.dumps(header).encode("ascii")


def recording_from_bytes(frame: bytes | bytearray | memoryview, pcm: Path) -> Recording:
    """Build a recording, which then owns the file of its samples.

    Raises:
        ReaderCrashed: The frame is malformed, or the file of samples is missing or of another length.
    """
    try:
        header = json.loads(bytes(frame))
        return Recording(
            source=Source(*_strings(header["source"], 3)),
            samples=_count(header["samples"]),
            start_us=_count(header["start_us"]),
            metadata=Metadata(*_strings(header["metadata"], len(Metadata.__slots__))),
            flags=tuple(Flag(*_strings(flag, 2)) for flag in header["flags"]),
            pcm=pcm,
            format=_strings([header["format"]], 1)[0],
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ReaderCrashed(
            f"the reader's process answered with a malformed recording ({error}); run it again"
        ) from error


def _parse(frame: memoryview) -> Document:
    if bytes(frame[:4]) != _MAGIC:
        raise ValueError(f"it begins with {bytes(frame[:4])!r}, not {_MAGIC!r}")
    (length,) = struct.unpack("<I", frame[4:8])
    header = json.loads(bytes(_slice(frame, 8, length)))
    cut = _Cut(frame, 8 + length)
    text = str(cut.take(_count(header["text"])), "utf-8")
    blocks = cut.array(_count(header["blocks"]), 4, _INTEGER)
    page_count = _count(header["pages"])
    pages = cut.array(page_count, 3, _INTEGER)
    sizes = cut.array(page_count, 2, _FLOAT)
    counts = [_count(count) for count in header["boxes"]]
    if len(counts) != page_count:
        raise ValueError(f"boxes for {len(counts)} pages, but {page_count} pages")
    boxes = np.frombuffer(bytes(cut.take(sum(counts) * BOXES_DTYPE.itemsize)), BOXES_DTYPE)
    cut.finish()
    return Document(
        source=Source(*_strings(header["source"], 3)),
        text=text,
        blocks=tuple(Block(start, stop, _kind(kind), level) for start, stop, kind, level in blocks.tolist()),
        pages=tuple(_pages(pages.tolist(), sizes.tolist(), counts, boxes)),
        metadata=Metadata(*_strings(header["metadata"], len(Metadata.__slots__))),
        flags=tuple(Flag(*_strings(flag, 2)) for flag in header["flags"]),
    )


class _Cut:
    """Takes one buffer after another from a frame, never past its end."""

    def __init__(self, frame: memoryview, position: int) -> None:
        self._frame = frame
        self._position = position

    def take(self, size: int) -> memoryview:
        part = _slice(self._frame, self._position, size)
        self._position += size
        return part

    def array(self, rows: int, columns: int, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        return np.frombuffer(self.take(rows * columns * dtype.itemsize), dtype).reshape(rows, columns)

    def finish(self) -> None:
        if self._position != len(self._frame):
            raise ValueError(f"{len(self._frame) - self._position} bytes follow its end")


def _slice(frame: memoryview, start: int, size: int) -> memoryview:
    if start + size > len(frame):
        raise ValueError(f"it has {len(frame)} bytes where {start + size} are announced")
    return frame[start : start + size]


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{value!r} is no count")
    return value


def _kind(position: int) -> BlockKind:
    if not 0 <= position < len(_KINDS):
        raise ValueError(f"{position} is no kind of block")
    return _KINDS[position]


def _strings(values: object, count: int) -> list[str]:
    if not isinstance(values, list) or len(values) != count or not all(isinstance(value, str) for value in values):
        raise ValueError(f"{str(values)[:100]!r} is no list of {count} strings")
    return values


def _pages(
    rows: list[list[int]], sizes: list[list[float]], counts: list[int], boxes: npt.NDArray[np.void]
) -> Iterator[Page]:
    first = 0
    for (number, start, stop), (width, height), count in zip(rows, sizes, counts, strict=True):
        yield Page(number, start, stop, width, height, boxes[first : first + count])
        first += count
