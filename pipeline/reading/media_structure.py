"""What the boxes, pages and objects of media containers say that decoders do not: locks, and ends that are missing."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

_MOOV_BYTES: Final = 64 << 20
_HEADER_BYTES: Final = 1 << 20
_OGG_TAIL: Final = 128 * 1024

_LOCKED_ENTRY: Final = re.compile(rb"stsd.{12}(drms|enca|aavd)", re.DOTALL)
"""A sample description (ISO/IEC 14496-12, 8.5.2) whose first entry is FairPlay's, common encryption's or Audible's."""

_ASF_LOCKS: Final = (
    bytes.fromhex("FBB31122 23BD D211 B4B7 00A0C955FC6E"),  # content encryption object
    bytes.fromhex("14E68A29 2226 174C B935 DAE07EE9289C"),  # extended content encryption object
)
_MATROSKA_CLUSTER: Final = b"\x1f\x43\xb6\x75"
_MATROSKA_LOCK: Final = re.compile(rb"\x62\x40.{1,32}?\x50\x35[\x80-\xff\x40-\x7f]", re.DOTALL)
"""A ContentEncoding that holds a ContentEncryption (RFC 9559, 5.1.4.1.31)."""

_BOX_NAME: Final = re.compile(rb"[\x20-\x7e\xa9]{4}")


def is_locked(path: Path) -> bool:
    """Whether a media file's sound is encrypted: MP4 and its kin, ASF and Matroska."""
    with path.open("rb") as file:
        head = file.read(64)
        if is_iso_media(head):
            for name, start, stop in _boxes(file):
                if name == b"moov":
                    file.seek(start)
                    return _LOCKED_ENTRY.search(file.read(min(stop - start, _MOOV_BYTES))) is not None
            return False
        header = head + file.read(_HEADER_BYTES)
    if header.startswith(b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"):
        return any(guid in header for guid in _ASF_LOCKS)
    if header.startswith(b"\x1aE\xdf\xa3"):
        return _MATROSKA_LOCK.search(header.partition(_MATROSKA_CLUSTER)[0]) is not None
    return False


def is_iso_media(head: bytes) -> bool:
    """MP4, QuickTime, 3GP and what else is made of their boxes."""
    return head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"skip", b"free", b"pnot")


def missing_end(path: Path) -> str:
    """How a file's own structure shows that it was cut short; empty where it does not."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(64)
        if is_iso_media(head):
            return _missing_boxes(file, size)
        if head[8:12] in (b"WAVE", b"AIFF", b"AIFC"):
            return _missing_chunk(file, size, ">" if head.startswith(b"FORM") else "<")
        if head.startswith(b"OggS"):
            file.seek(max(0, size - _OGG_TAIL))
            return _missing_page(file.read())
        if head.startswith(b"\x1aE\xdf\xa3"):
            file.seek(0)
            stop = _segment_end(file.read(4096))
            return f"{stop:,} bytes are announced, {size:,} are there" if stop > size else ""
    return ""


def states_length(path: Path) -> bool:
    """Whether an MPEG audio file has a Xing, Info or VBRI header: without one, its length is only estimated."""
    with path.open("rb") as file:
        head = file.read(10)
        tag = 0
        if head.startswith(b"ID3") and len(head) == 10:
            tag = 10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True))
        file.seek(tag)
        start = file.read(4096)
    return any(name in start for name in (b"Xing", b"Info", b"VBRI"))


def _boxes(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of the top-level boxes; the last one may end behind the file."""
    size = file.seek(0, 2)
    position = 0
    while position + 8 <= size:
        file.seek(position)
        header = file.read(16)
        length, name = struct.unpack(">I4s", header[:8])
        if length == 1 and len(header) == 16:
            (length,) = struct.unpack(">Q", header[8:])
        elif length == 0:
            length = size - position
        if length < 8 or not _BOX_NAME.fullmatch(name):
            return
        yield name, position, position + length
        position += length


def _missing_boxes(file: BinaryIO, size: int) -> str:
    names = set()
    for name, _, stop in _boxes(file):
        names.add(name)
        if stop > size:
            return f"{stop:,} bytes are announced, {size:,} are there"
    if b"moov" not in names and b"moof" not in names:
        return "its index, which is written last, is missing"
    return ""


def _missing_chunk(file: BinaryIO, size: int, order: str) -> str:
    """Of RIFF and of EA IFF 85, on which AIFF stands: whether the chunk of samples ends behind the file."""
    position = 12
    while position + 8 <= size:
        file.seek(position)
        name, length = struct.unpack(f"{order}4sI", file.read(8))
        position += 8 + length + length % 2
        if name in (b"data", b"SSND"):
            # Programs that cannot go back to fill in the length leave it at zero or at the most.
            announced = 0 if length >= 0xFFFF_FF00 else position - length % 2
            return f"{announced:,} bytes are announced, {size:,} are there" if announced > size else ""
    return ""


def _missing_page(tail: bytes) -> str:
    """Of Ogg (RFC 3533, 6)."""
    start = tail.rfind(b"OggS")
    page = tail[start:]
    if start < 0 or len(page) < 27 or len(page) < 27 + page[26]:
        return "its last page is incomplete"
    if 27 + page[26] + sum(page[27 : 27 + page[26]]) > len(page):
        return "its last page is incomplete"
    return "" if page[5] & 4 else "its last page is not marked as the last"


def _segment_end(head: bytes) -> int:
    """Where a Matroska file's segment ends; 0 where that is left open, as in live recordings."""
    position = 4
    for expected in (b"", b"\x18\x53\x80\x67"):
        if expected:
            if head[position : position + 4] != expected:
                return 0
            position += 4
        if position >= len(head) or not head[position]:
            return 0
        width = 9 - head[position].bit_length()
        number = int.from_bytes(head[position : position + width], "big") & ((1 << 7 * width) - 1)
        position += width
        if expected:
            return 0 if number == (1 << 7 * width) - 1 else position + number
        position += number
    return 0
