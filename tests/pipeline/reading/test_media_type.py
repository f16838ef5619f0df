"""Files are told apart by their bytes."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from octavo.pipeline.errors import SourceMissing, UnsupportedSource
from octavo.pipeline.reading import identify
from octavo.pipeline.reading import media_type as types

CASES = [
    ("a.txt", b"plain words", types.PLAIN),
    ("a", b"plain words", types.PLAIN),
    ("a.md", b"# Title", types.MARKDOWN),
    ("a.txt", b"# Title", types.PLAIN),
    ("a.csv", b"a,b\n1,2\n", types.CSV),
    ("a.txt", b"<!DOCTYPE html><html><body>x</body></html>", types.HTML),
    ("a", b"\xef\xbb\xbf  <!-- saved -->\n<HTML><p>x", types.HTML),
    ("a.xhtml", b"<?xml version='1.0'?><html xmlns='x'/>", types.HTML),
    ("a.html", b"<p>a fragment", types.HTML),
    ("a.md", b"<p align=center>logo</p>\n\n# Title", types.MARKDOWN),
    ("a.docx", b"../elsewhere.docx", types.PLAIN),
    ("a.txt", b"%PDF-1.7\n", types.PDF),
    ("a.txt", b"{\\rtf1 x}", types.RTF),
    ("a.eml", b"Subject: hello\n\nbody", types.EMAIL),
    ("a", b"From: a@b\nSubject: hello\n\nbody", types.EMAIL),
    ("a.eml", b"From 12@xxx Mon Mar 17 11:15:17 2014\nSubject: hello\n\nbody", types.EMAIL),
    ("notes.txt", b"From: a@b\nSubject: hello\n\nbody", types.PLAIN),
    ("a.txt", "größer".encode("utf-16"), types.PLAIN),
    ("a.txt", "<html>größer</html>".encode("utf-16-le"), types.HTML),
    ("a.txt", b"\x89PNG\r\n\x1a\n....", "image/png"),
    ("a.txt", b"RIFF....WAVEfmt ", "audio/wav"),
    ("a.txt", b"ID3\x03", "audio/mpeg"),
    ("a.txt", b"ID3 tags explained", types.PLAIN),
    ("a.mp3", b"ID3 tags explained", "audio/mpeg"),
    ("a.mp3", b"version https://git-lfs.github.com/spec/v1", types.PLAIN),
    ("a.mp3", b"U" * 128 + b"TAG" + b"Title".ljust(125), "audio/mpeg"),
    ("a.txt", b"U" * 128 + b"TAG" + b"Title".ljust(125), types.PLAIN),
    ("a.mp3", b"\xc2\x03\x8b", "audio/mpeg"),
    ("a.bin", b"\xff\xfb\x90\x64" + bytes(413), "audio/mpeg"),
    ("a.bin", b"\xff\xe3\x40\x64" + bytes(413), "audio/mpeg"),
    ("a.bin", b"\xff\xf1\x50\x80" + bytes(413), "audio/aac"),
    ("a.txt", "\ufeffwords".encode("utf-16-le"), types.PLAIN),
    ("a.txt", "\ufeff".encode("utf-16-be") + "words".encode("utf-16-be"), types.PLAIN),
    ("a.txt", "ÿû words".encode("latin-1"), types.PLAIN),
    ("a.bin", b"OggS\0\2", "audio/ogg"),
    ("a.bin", b"wvpk....", "audio/x-wavpack"),
    ("a.bin", b"caff\0\1", "audio/x-caf"),
    ("a.bin", b"#!AMR\n", "audio/amr"),
    ("a.bin", b"0&\xb2u\x8ef\xcf\x11\xa6\xd9\0\xaa\0b\xcel", "video/x-ms-asf"),
    ("a.bin", b"\0\0\0\x20ftypM4A ", "audio/mp4"),
    ("a.bin", b"\0\0\0\x20ftypisom", "video/mp4"),
    ("a.bin", b"\0\0\0\x20ftypmif1", "image/heic"),
    ("a.bin", b"\0\0\0\x08wide\0\0\0\0mdat", "video/quicktime"),
    ("a.txt", b"Car-free Sunday", types.PLAIN),
    ("a.bin", (b"\x47" + bytes(187)) * 5, "video/mp2t"),
    ("a.txt", b"G" * 1000, types.PLAIN),
    ("a.txt", b"MPs vote", types.PLAIN),
    ("a.bin", b"NIST_1A\n   1024\n", "audio/x-nist-sphere"),
    ("a.gsm", bytes(range(256)), "audio/GSM"),
    ("a.ulaw", bytes(range(256)), "audio/PCMU"),
    ("a.bin", b"MThd\0\0\0\6", "audio/midi"),
    ("a.txt", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "WordDocument".encode("utf-16-le"), "application/msword"),
    (
        "a.docx",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
        types.ENCRYPTED_OFFICE,
    ),
    ("a.txt", bytes(range(256)) * 8, types.BINARY),
    ("a.txt", b"", types.EMPTY),
]


@pytest.mark.parametrize(("name", "data", "expected"), CASES, ids=lambda value: repr(value)[:24])
def test_type_by_content(tmp_path: Path, name: str, data: bytes, expected: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    assert identify(path).media_type == expected


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"word/document.xml": "x"}, types.DOCX),
        ({"ppt/presentation.xml": "x"}, types.PPTX),
        ({"xl/workbook.xml": "x"}, types.XLSX),
        ({"mimetype": "application/epub+zip"}, types.EPUB),
        ({"META-INF/container.xml": "x"}, types.EPUB),
        ({"mimetype": types.ODT, "content.xml": "x"}, types.ODT),
        ({"a.txt": "x"}, types.ZIP),
    ],
)
def test_type_of_archives(tmp_path: Path, members: dict[str, str], expected: str) -> None:
    path = tmp_path / "file.bin"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    assert identify(path).media_type == expected
    cut = tmp_path / "cut.bin"
    cut.write_bytes(path.read_bytes()[:-20])
    if expected not in (types.ZIP, types.EPUB):
        assert identify(cut).media_type == expected


def test_digest_and_address(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"abc")
    source = identify(path)
    assert source.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert source.uri == str(path)


def test_what_is_no_file(tmp_path: Path) -> None:
    import os

    with pytest.raises(SourceMissing, match="no such file"):
        identify(tmp_path / "absent.txt")
    with pytest.raises(SourceMissing, match="is a folder"):
        identify(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnsupportedSource, match="no regular file"):
        identify(tmp_path / "pipe")
