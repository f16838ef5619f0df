"""Bytes to characters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from octavo.pipeline.errors import UnsupportedSource
from octavo.pipeline.reading.decoding import decode, decode_html, known_codec

GERMAN = "Über größere Straßen fährt täglich ein überfüllter Bus; das stört die Anwohner, " * 5
RUSSIAN = "Съешь же ещё этих мягких французских булок, да выпей чаю. " * 5
JAPANESE = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。" * 5


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_unicode_encodings(encoding: str) -> None:
    assert decode(GERMAN.encode(encoding)).text == GERMAN
    assert decode(GERMAN.encode(encoding)).flags == ()


@pytest.mark.parametrize(("text", "encoding"), [(GERMAN, "cp1252"), (RUSSIAN, "cp1251"), (JAPANESE, "shift_jis")])
def test_guessed_encodings_say_so(text: str, encoding: str) -> None:
    decoded = decode(text.encode(encoding))
    assert decoded.text == text
    assert [flag.code for flag in decoded.flags] == ["encoding-guessed"]


def test_line_ends_stay() -> None:
    assert decode(b"a\r\nb\rc\nd").text == "a\r\nb\rc\nd"


def test_damaged_utf8_is_not_taken_for_another_encoding() -> None:
    decoded = decode(GERMAN.encode() + b"\xff" + GERMAN.encode())
    assert decoded.text == GERMAN + "\ufffd" + GERMAN
    assert [flag.code for flag in decoded.flags] == ["undecodable-bytes"]


def test_binary_is_refused() -> None:
    with pytest.raises(UnsupportedSource, match="not text"):
        decode(bytes(range(256)))


def test_html_states_its_encoding() -> None:
    assert "Grün" in decode_html('<meta charset="windows-1252"><p>Grün'.encode("cp1252")).text
    old = '<meta http-equiv="Content-Type" content="text/html; charset=Shift_JIS"><p>猫'
    assert "猫" in decode_html(old.encode("shift_jis")).text
    assert "猫" in decode_html('<?xml version="1.0" encoding="euc-jp"?><html>猫'.encode("euc-jp")).text
    # A page that claims Latin-1 and is one, and one that claims nonsense and is UTF-8.
    assert "é" in decode_html(b"<meta charset=iso-8859-1>\xe9").text
    assert "é" in decode_html("<meta charset=utf-16>é".encode()).text


def test_charset_names() -> None:
    assert known_codec("ISO-8859-1") == "cp1252"
    assert known_codec("base64") == ""
    assert known_codec("nonsense") == ""


@given(st.text())
def test_utf8_round_trip(text: str) -> None:
    if "\0" not in text and not text.startswith("\ufeff"):
        assert decode(text.encode()).text == text
