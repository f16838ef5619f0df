"""Bytes of text to characters: byte order mark, UTF-8, UTF-16, then a guess that is said aloud."""

# ruff: noqa: SIM905 (sets of names read best as words)
from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Final

from ..document import Flag
from ..errors import UnsupportedSource
from .media_type import glimpse, utf16_order

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_META_CHARSET: Final = re.compile(rb"""<meta[^>]{0,500}?charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]+)""", re.IGNORECASE)
_XML_CHARSET: Final = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9_.:-]+)""")
_WESTERN: Final = frozenset(
    "Unknown English German French Spanish Italian Portuguese Dutch Swedish Danish Norwegian Finnish".split()
)
_SAMPLE_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text and how it was found.

    Attributes:
        text: The characters; a byte order mark is not among them, line ends are as they were.
        encoding: Name of a Python codec.
        flags: ``encoding-guessed`` or ``undecodable-bytes`` where there is doubt.
    """

    text: str
    encoding: str
    flags: tuple[Flag, ...] = ()


def decode(data: bytes) -> Decoded:
    """Decode a text file.

    Raises:
        UnsupportedSource: The bytes are not text.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decoded(data[len(mark) :], encoding)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if text and "\0" not in text:
        return Decoded(text, "utf-8")
    if (order := utf16_order(data[: 2 * _SAMPLE_BYTES])) is not None:
        return _decoded(data, order)
    if glimpse(data[:_SAMPLE_BYTES]) is None:
        raise UnsupportedSource(f"the bytes are not text in any known encoding (they begin {data[:16].hex(' ')})")
    if text or not data:
        return Decoded(text, "utf-8")
    if _mostly_utf8(data):
        return _decoded(data, "utf-8")
    encoding = _guess(data)
    decoded = _decoded(data, encoding)
    guess = Flag("encoding-guessed", f"no encoding is stated and the bytes are not UTF-8; read as {encoding}")
    return Decoded(decoded.text, encoding, (guess, *decoded.flags))


def decode_html(data: bytes) -> Decoded:
    """Decode a web page: byte order mark, then ``<meta charset>`` or the XML declaration, then as text.

    Raises:
        UnsupportedSource: The bytes are not text.
    """
    if not any(data.startswith(mark) for mark, _ in _MARKS) and utf16_order(data[:4096]) is None:
        # The standard looks at the first 1024 bytes; pages with scripts before it exist.
        match = _XML_CHARSET.match(data.lstrip()[:300]) or _META_CHARSET.search(data[:16384])
        stated = match.group(1).decode("ascii") if match else ""
        encoding = known_codec(stated)
        possible = not encoding.startswith(("utf-16", "utf-32"))  # such a page could not state it in ASCII
        if encoding and possible and (encoding != "utf-8" or _mostly_utf8(data)):
            return _decoded(data, encoding)
    return decode(data)


def known_codec(name: str) -> str:
    """The codec for a stated charset, as browsers take it; empty where there is none.

    Latin-1 and ASCII are read as Windows-1252, GB2312 and GBK as GB18030 (WHATWG Encoding, 4.2).
    """
    alias = {
        "iso-8859-1": "cp1252",
        "latin-1": "cp1252",
        "latin1": "cp1252",
        "us-ascii": "cp1252",
        "ascii": "cp1252",
        "gb2312": "gb18030",
        "gbk": "gb18030",
        "iso-8859-9": "cp1254",
        "ks_c_5601-1987": "cp949",
        "euc-kr": "cp949",
        "shift_jis": "cp932",
        "x-sjis": "cp932",
        "shift-jis": "cp932",
        "windows-31j": "cp932",
    }
    name = name.strip().lower()
    try:
        codec = codecs.lookup(alias.get(name, name))
    except (LookupError, ValueError):
        return ""
    # Codecs such as base64 or rot13 are no charsets; the private mark is how the standard library tells them apart.
    return codec.name if getattr(codec, "_is_text_encoding", True) else ""


def _decoded(data: bytes, encoding: str) -> Decoded:
    try:
        return Decoded(data.decode(encoding), encoding)
    except UnicodeDecodeError:
        text = data.decode(encoding, "replace")
        detail = f"{text.count(chr(0xFFFD))} places are not valid {encoding}; they read as U+FFFD"
        return Decoded(text, encoding, (Flag("undecodable-bytes", detail),))


def _mostly_utf8(data: bytes) -> bool:
    """Damaged UTF-8, not another encoding: the good multi-byte characters far outnumber the bad places."""
    text = data.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    good = sum(1 for character in text if ord(character) > 127) - bad
    return good >= 4 * bad


def _guess(data: bytes) -> str:
    """Ask charset-normalizer about a stretch around the first byte beyond ASCII."""
    from charset_normalizer import from_bytes

    match = re.search(rb"[\x80-\xff]", data)
    first = match.start() if match else 0
    start = data.rfind(b"\n", 0, first) + 1 if first else 0
    start = max(start, first - _SAMPLE_BYTES // 2)
    sample = data[start : start + _SAMPLE_BYTES]
    if len(data) > start + _SAMPLE_BYTES and b"\n" in sample[_SAMPLE_BYTES // 2 :]:
        sample = sample[: sample.rfind(b"\n") + 1]  # a cut inside a two-byte character misleads the guess
    best = from_bytes(sample).best()
    if best is None:
        return "cp1252"
    high = sum(byte > 127 for byte in sample)
    if not best.multi_byte_usage and (best.language in _WESTERN or high < 20):
        # Code pages for Latin letters differ in a few of them; for these languages the guess is often a neighbour.
        return "cp1252"
    return codecs.lookup(best.encoding).name
