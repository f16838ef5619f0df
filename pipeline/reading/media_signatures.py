"""How recordings and videos are told from other files: by their first bytes, or else by their names."""

from __future__ import annotations

from pathlib import Path
from typing import Final

MEDIA_MAGIC: Final[tuple[tuple[int, bytes, str], ...]] = (
    (8, b"WAVE", "audio/wav"),
    (0, b"riff\x2e\x91\xcf\x11", "audio/x-w64"),
    (8, b"AVI ", "video/x-msvideo"),
    (8, b"AIFF", "audio/aiff"),
    (8, b"AIFC", "audio/aiff"),
    (8, b"8SVX", "audio/x-8svx"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftypM4B", "audio/mp4"),
    (4, b"ftypM4P", "audio/mp4"),
    (4, b"ftypaax", "audio/mp4"),
    (4, b"ftypqt", "video/quicktime"),
    (4, b"ftyp3g", "video/3gpp"),
    (4, b"ftyp", "video/mp4"),
    (0, b"ID3\x02", "audio/mpeg"),
    (0, b"ID3\x03", "audio/mpeg"),
    (0, b"ID3\x04", "audio/mpeg"),
    (0, b"ADIF", "audio/aac"),
    (0, b"fLaC", "audio/flac"),
    (0, b"OggS", "audio/ogg"),
    (0, b".snd", "audio/basic"),
    (0, b"#!AMR", "audio/amr"),
    (0, b"caff", "audio/x-caf"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (0, b"0&\xb2u\x8ef\xcf\x11\xa6\xd9\x00\xaa", "video/x-ms-asf"),
    (0, b"FLV\x01", "video/x-flv"),
    (0, b".RMF\x00", "video/vnd.rn-realvideo"),
    (0, b".ra\xfd", "audio/vnd.rn-realaudio"),
    (0, b"\x00\x00\x01\xba", "video/mpeg"),
    (0, b"\x00\x00\x01\xb3", "video/mpeg"),
    (0, b"\x06\x0e+4\x02\x05\x01\x01\r\x01\x02", "video/mxf"),
    (0, b"wvpk", "audio/x-wavpack"),
    (0, b"MAC \x96\x0f", "audio/x-ape"),
    (0, b"TTA1", "audio/x-tta"),
    (0, b"tBaK", "audio/x-tak"),
    (0, b"DSD \x1c", "audio/x-dsf"),
    (0, b"FRM8\x00", "audio/x-dff"),
    (0, b"MP+", "audio/x-musepack"),
    (0, b"MPCK", "audio/x-musepack"),
    (0, b"ajkg", "audio/x-shorten"),
    (0, b"OFR ", "audio/x-optimfrog"),
    (0, b"qoaf", "audio/x-qoa"),
    (0, b"RKA", "audio/x-rka"),
    (0, b"ea3\x03", "audio/x-oma"),
    (0, b"EA3\x01", "audio/x-oma"),
    (0, b"\x02dss", "audio/x-dss"),
    (0, b"\x03dss", "audio/x-dss"),
    (0, b"NIST_1A\n", "audio/x-nist-sphere"),
    (0, b"Creative Voice File\x1a", "audio/x-voc"),
    (0, b"\x7f\xfe\x80\x01", "audio/vnd.dts"),
    (0, b"MThd\x00\x00\x00\x06", "audio/midi"),
)
"""Offset, bytes and media type; the first that fits counts."""

_MEDIA_BOXES: Final = frozenset({b"moov", b"mdat", b"wide", b"skip", b"free", b"pnot"})

MEDIA_SUFFIXES: Final = {
    ".mp3": "audio/mpeg",
    ".mp2": "audio/mpeg",
    ".mpga": "audio/mpeg",
    ".aac": "audio/aac",
    ".ac3": "audio/ac3",
    ".dts": "audio/vnd.dts",
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".oga": "audio/ogg",
    ".opus": "audio/ogg",
    ".spx": "audio/ogg",
    ".m4a": "audio/mp4",
    ".m4b": "audio/mp4",
    ".aif": "audio/aiff",
    ".aiff": "audio/aiff",
    ".aifc": "audio/aiff",
    ".wma": "video/x-ms-asf",
    ".wmv": "video/x-ms-asf",
    ".ape": "audio/x-ape",
    ".wv": "audio/x-wavpack",
    ".mpc": "audio/x-musepack",
    ".tta": "audio/x-tta",
    ".amr": "audio/amr",
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".3gp": "video/3gpp",
    ".mkv": "video/webm",
    ".mka": "video/webm",
    ".webm": "video/webm",
    ".avi": "video/x-msvideo",
    ".mpg": "video/mpeg",
    ".mpeg": "video/mpeg",
    ".vob": "video/mpeg",
    ".mts": "video/mp2t",
    ".m2ts": "video/mp2t",
    ".gsm": "audio/GSM",
    ".g722": "audio/G722",
    ".ul": "audio/PCMU",
    ".ulaw": "audio/PCMU",
    ".al": "audio/PCMA",
    ".alaw": "audio/PCMA",
    ".sln": "audio/x-sln",
}
"""What bytes that are neither text nor known may be. The formats of telephone exchanges have no header at all."""

NOTES: Final = "audio/midi"
"""Called audio, but there is no sound in it."""

RECORDINGS: Final = frozenset({*(name for _, _, name in MEDIA_MAGIC), *MEDIA_SUFFIXES.values(), "video/mp2t"}) - {NOTES}
"""The media types that hold sound, or may."""


def stream_type(head: bytes) -> str | None:
    """Media without a signature: they begin with a frame, a packet or a box of any length."""
    if head[0] == 0 and head[4:8] in _MEDIA_BOXES:
        return "video/quicktime"
    for start, size in ((0, 188), (4, 192)):  # packets of a transport stream, on discs behind a time code
        if len(head) > start + 3 * size and all(head[start + i * size] == 0x47 for i in range(4)):
            return "video/mp2t"
    if head[:2] in (b"\xff\xf1", b"\xff\xf9", b"\xff\xf0", b"\xff\xf8"):
        return "audio/aac"
    if head[:2] == b"\x0b\x77" and len(head) > 5 and head[5] >> 3 <= 16:
        return "audio/ac3"
    if len(head) > 3 and head[0] == 0xFF and head[1] >= 0xE0:
        version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
        bit_rate, sample_rate = head[2] >> 4, head[2] >> 2 & 3
        # Layer I is left out: FF FE and FF FF are far more often the mark of UTF-16 text, or nothing.
        if version != 1 and layer in (1, 2) and 0 < bit_rate < 15 and sample_rate != 3:
            return "audio/mpeg"
    return None


def has_music_tag(path: Path, head: bytes) -> bool:
    """Whether what looks like text carries a tag of music players, at its beginning or end."""
    if head.startswith(b"ID3"):
        return True
    try:
        with path.open("rb") as file:
            file.seek(-128, 2)
            return file.read(3) == b"TAG"
    except OSError:  # shorter than that
        return False
