"""Transcripts beside a recording: every format, what is wrong with them in the wild, and their times."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from octavo.pipeline.document import Document, Metadata, Source
from octavo.pipeline.errors import DamagedSource, EmptySource, SourceError, UnsupportedSource
from octavo.pipeline.reading import sidecars
from octavo.pipeline.reading.cues import Cue, Piece, Transcript
from octavo.pipeline.reading.subrip import read_subrip
from octavo.pipeline.reading.textgrid import read_textgrid
from octavo.pipeline.reading.transcripts import (
    compose_transcript,
    is_sidecar_of,
    sidecars_of,
    transcript_digest,
    transcript_of,
)
from octavo.pipeline.reading.webvtt import read_webvtt
from octavo.pipeline.reading.whisper_json import is_transcript, read_whisper_json
from octavo.pipeline.recording import Recording
from octavo.pipeline.segment import cut

SECOND = 16_000


class Desk:
    """A folder with one recording, ``talk.wav``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "talk.wav"
        self.path.write_bytes(b"sound")

    def recording(self, seconds: float = 60.0, start_us: int = 0) -> Recording:
        pcm = self.folder / "samples"
        samples = int(seconds * SECOND)
        pcm.write_bytes(bytes(2 * samples))
        return Recording(Source(str(self.path), "audio/wav", "0" * 64), samples, start_us, Metadata(), (), pcm)

    def put(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def read(self, name: str, content: str | bytes, seconds: float = 60.0, start_us: int = 0) -> Document:
        self.put(name, content)
        with self.recording(seconds, start_us) as recording:
            document = transcript_of(self.path, recording)
        assert document is not None
        return document


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def said(document: Document) -> list[tuple[str, float, float]]:
    """Text, start and stop in seconds of each row."""
    return [
        (document.text[row["start"] : row["stop"]], int(row["from"]) / SECOND, int(row["to"]) / SECOND)
        for row in document.times
    ]


def blocks(document: Document) -> list[str]:
    return [document.text[block.start : block.stop] for block in document.blocks]


def codes(document: Document) -> set[str]:
    return {flag.code for flag in document.flags}


VTT = """\ufeffWEBVTT - a talk
Language: en-GB

STYLE
::cue { color: red }

REGION
id:fred

NOTE a remark
that is not said

intro
00:01.000 --> 00:03.000 align:start position:10%
<v.loud Anna Smith>The pump must be <i>switched</i>

00:00:03.000 --> 00:00:05.500
<v Anna Smith>off first. Then &amp; only then

00:05.500 --> 00:07.000
<v Anna Smith>open <00:06.000>the <c.x>valve</c>.

00:07.000 --> 00:08.000
<v Bob>Why?

00:11.000 --> 00:12.000
<v Bob>I <3 valves
"""


def test_webvtt(desk: Desk) -> None:
    document = desk.read("talk.vtt", VTT)
    assert blocks(document) == [
        "Anna Smith: The pump must be switched off first. Then & only then open the valve.",
        "Bob: Why?",
        "Bob: I <3 valves",
    ]
    assert said(document) == [
        ("The pump must be switched", 1.0, 3.0),
        ("off first. Then & only then", 3.0, 5.5),
        ("open", 5.5, 6.0),
        ("the valve.", 6.0, 7.0),
        ("Why?", 7.0, 8.0),
        ("I <3 valves", 11.0, 12.0),
    ]
    assert document.metadata.language == "en-GB"
    assert document.flags == ()
    sentences = {document.text[span.start : span.stop] for span in cut(document) if span.scale.name == "sentence"}
    assert "Then & only then open the valve." in sentences, "a sentence runs across cues"


def test_webvtt_with_broken_cues_keeps_the_others(desk: Desk) -> None:
    document = desk.read(
        "talk.vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\nfirst\n99:99 -> 1\n\nxx:00 --> 00:03.000\nlost\n\n"
        "1:00:04.000 --> 00:05.000\nbackwards\n00:00:06.000 --> 00:00:07.000\nno blank line before\n"
    )  # fmt: skip
    assert "first" in document.text
    assert "no blank line before" in document.text
    assert "lost" not in document.text
    assert {"transcript-damaged", "transcript-times", "transcript-longer"} <= codes(document)


def test_without_a_header_it_is_no_webvtt(desk: Desk) -> None:
    desk.put("talk.vtt", "00:01.000 --> 00:02.000\nhello\n")
    with pytest.raises(DamagedSource, match="begins with WEBVTT"), desk.recording() as recording:
        transcript_of(desk.path, recording)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_subrip(desk: Desk, newline: str, encoding: str) -> None:
    text = """1
00:00:01,000 --> 00:00:02,500 X1:100
<i>Grüße</i> from <font color="#ff0000">the
factory</font>,

7
00:00:02.500 --> 00:00:04.000
{\\an8}where 1 < 2

and a blank line is in between
7
00:00:04,000-->00:00:05,000
1984

00:05,500 --> 0:0:6,5
without a number
"""
    document = desk.read("talk.srt", text.replace("\n", newline).encode(encoding))
    assert said(document) == [
        ("Grüße from the factory,", 1.0, 2.5),
        ("where 1 < 2 and a blank line is in between", 2.5, 4.0),
        ("1984", 4.0, 5.0),
        ("without a number", 5.5, 6.5),
    ]
    assert len(document.blocks) == 1


def test_two_people_in_one_caption(desk: Desk) -> None:
    document = desk.read(
        "talk.srt",
        "1\n00:00:01,000 --> 00:00:02,000\n- Are you well?\n- I am.\n\n"
        "2\n00:00:02,000 --> 00:00:03,000\n>> ANNA: Good.\n\n3\n00:00:03,000 --> 00:00:04,000\nVery good.\n\n"
        "4\n00:00:04,000 --> 00:00:05,000\nBob: No.\n",
    )
    assert blocks(document) == ["Are you well?", "I am.", "ANNA: Good. Very good.", "Bob: No."]


def test_no_spaces_between_cues_of_chinese(desk: Desk) -> None:
    document = desk.read(
        "talk.srt", "1\n00:00:01,000 --> 00:00:02,000\n打开\n\n2\n00:00:02,000 --> 00:00:03,000\n阀门。\n"
    )
    assert document.text == "打开阀门。"
    assert [row[0] for row in said(document)] == ["打开", "阀门。"]


ROLLING = """WEBVTT
Kind: captions
Language: en

00:00:00.000 --> 00:00:02.000 align:start position:0%
{blank}
so<00:00:00.500><c> today</c><00:00:01.000><c> we</c>

00:00:02.000 --> 00:00:02.010 align:start position:0%
so today we
{blank}

00:00:02.010 --> 00:00:04.000 align:start position:0%
so today we
mend<00:00:02.500><c> a</c><00:00:03.000><c> pump</c>

00:00:04.000 --> 00:00:04.010 align:start position:0%
mend a pump
{blank}

00:00:04.010 --> 00:00:06.000 align:start position:0%
mend a pump
again<00:00:05.000><c> again</c>
""".format(blank=" ")


def test_rolling_captions_are_said_once(desk: Desk) -> None:
    document = desk.read("talk.vtt", ROLLING)
    assert document.text == "so today we mend a pump again again"
    assert said(document) == [
        ("so", 0.0, 0.5), ("today", 0.5, 1.0), ("we", 1.0, 2.0),
        ("mend", 2.01, 2.5), ("a", 2.5, 3.0), ("pump", 3.0, 4.0),
        ("again", 4.01, 5.0), ("again", 5.0, 6.0),
    ]  # fmt: skip
    assert "transcript-repeats" in codes(document)


def test_what_a_person_says_twice_stays(desk: Desk) -> None:
    lines = ["No.", "No.", "No. Never.", "I told you so.", "So what?", "What?", "What now?"]
    cues = "".join(f"{n}\n00:00:0{n},000 --> 00:00:0{n + 1},000\n{line}\n\n" for n, line in enumerate(lines))
    assert desk.read("talk.srt", cues).text == "No. No. No. Never. I told you so. So what? What? What now?"


def test_growing_captions_and_shadows(desk: Desk) -> None:
    growing = ["open the", "open the main valve", "open the main valve and wait"]
    cues = "".join(f"{n}\n00:00:0{n},000 --> 00:00:0{n + 1},000\n{line}\n\n" for n, line in enumerate(growing))
    shadow = "9\n00:00:08,000 --> 00:00:09,000\nTitle\n\n10\n00:00:08,000 --> 00:00:09,000\n<b>Title</b>\n"
    assert blocks(desk.read("talk.srt", cues + shadow)) == ["open the main valve and wait", "Title"]


WHISPER = {
    "text": " Press 42 now. Thanks.",
    "segments": [
        {
            "id": 0, "start": 1.0, "end": 3.0, "text": " Press 42 now.", "tokens": [1, 2],
            "words": [
                {"word": " Press", "start": 1.0, "end": 1.5, "probability": 0.9},
                {"word": " 42", "start": 1.5, "end": 2.25},
                {"word": " now.", "start": 2.25, "end": 3.0},
            ],
        },
        {"id": 1, "start": 3.0, "end": 4.0, "text": " Thanks."},
    ],
    "language": "de",
}  # fmt: skip


def test_openai_whisper(desk: Desk) -> None:
    document = desk.read("talk.json", json.dumps(WHISPER))
    assert document.text == "Press 42 now. Thanks."
    assert said(document) == [("Press", 1.0, 1.5), ("42", 1.5, 2.25), ("now.", 2.25, 3.0), ("Thanks.", 3.0, 4.0)]
    assert document.metadata.language == "de"


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        pytest.param(  # whisperX: words without blanks, numbers without times, speakers
            {"segments": [{"start": 1, "end": 4, "text": " Press 42, now.", "speaker": "SPEAKER_00",
                           "words": [{"word": "Press", "start": 1.0, "end": 1.5}, {"word": "42,"},
                                     {"word": "now.", "start": 2.0, "end": 4.0}]}]},
            [("Press 42,", 1.0, 1.5), ("now.", 2.0, 4.0)], id="whisperx"),
        pytest.param([{"start": 0.5, "end": 1.5, "text": "Hello there"}], [("Hello there", 0.5, 1.5)], id="bare list"),
        pytest.param(
            {"text": "Hello there", "chunks": [{"text": " Hello", "timestamp": [0.0, 1.0]},
                                               {"text": " there", "timestamp": [1.0, None]}]},
            [("Hello", 0.0, 1.0), ("there", 1.0, 60.0)], id="transformers"),
        pytest.param(
            {"result": {"language": "en"}, "transcription": [
                {"timestamps": {"from": "00:00:00,000", "to": "00:00:02,000"}, "offsets": {"from": 0, "to": 2000},
                 "text": " Hello"}]},
            [("Hello", 0.0, 2.0)], id="whisper.cpp"),
        pytest.param({"task": "transcribe", "words": [{"word": "Hello", "start": 0.0, "end": 1.0}]},
                     [("Hello", 0.0, 1.0)], id="words only"),
        pytest.param({"segments": [{"start": 0, "end": 1, "text": "good"}, {"start": None, "end": 2, "text": "bad"},
                                   {"start": float("nan"), "end": 2, "text": "bad"},
                                   {"start": 3, "end": 4, "text": "fine"}]},
                     [("good", 0.0, 1.0), ("fine", 3.0, 4.0)], id="broken segments"),
    ],
)  # fmt: skip
def test_other_json(desk: Desk, data: object, rows: list[tuple[str, float, float]]) -> None:
    assert said(desk.read("talk.json", json.dumps(data))) == rows


def test_json_of_another_kind_is_no_transcript(desk: Desk) -> None:
    for content in (
        '{"segments": 3}',
        '{"name": "talk", "start": 1}',
        "[1, 2]",
        "{",
        '{"segments": []}',
        "[" * 100_000,
    ):
        path = desk.put("talk.json", content)
        assert sidecars_of(desk.path) == ()
        assert not is_sidecar_of(path, {"talk.wav", "talk.json"})
        with desk.recording() as recording:
            assert transcript_of(desk.path, recording) is None
        assert transcript_digest(desk.path) == ""


LONG_GRID = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 5.5
tiers? <exists>
size = 3
item []:
    item [1]:
        class = "IntervalTier"
        name = "phones"
        xmin = 0
        xmax = 5.5
        intervals: size = 1
        intervals [1]:
            xmin = 0
            xmax = 5.5
            text = "AH"
    item [2]:
        class = "TextTier"
        name = "clicks"
        xmin = 0
        xmax = 5.5
        points: size = 1
        points [1]:
            number = 1.5
            mark = "click"
    item [3]:
        class = "IntervalTier"
        name = "words"
        xmin = 0
        xmax = 5.5
        intervals: size = 4
        intervals [1]:
            xmin = 0
            xmax = 1.25
            text = ""
        intervals [2]:
            xmin = 1.25
            xmax = 2
            text = "say ""item [1]:"" 5"
        intervals [3]:
            xmin = 2
            xmax = 2.5
            text = "sp"
        intervals [4]:
            xmin = 2.5
            xmax = 5.5
            text = "größer"
"""
SHORT_GRID = """File type = "ooTextFile"
Object class = "TextGrid"

0
5.5
<exists>
2
"IntervalTier"
"Anna"
0
5.5
2
0
2
"Good morning."
2
5.5
""
"IntervalTier"
"Bob"
0
5.5
2
0
2
""
2 ! a comment with a "quote and 7
5.5
"And to you."
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_long_textgrid(desk: Desk, encoding: str) -> None:
    document = desk.read("talk.TextGrid", LONG_GRID.encode(encoding))
    assert said(document) == [('say "item [1]:" 5', 1.25, 2.0), ("größer", 2.5, 5.5)]


def test_short_textgrid_of_two_speakers(desk: Desk) -> None:
    document = desk.read("talk.TextGrid", SHORT_GRID)
    assert blocks(document) == ["Anna: Good morning.", "Bob: And to you."]
    assert said(document) == [("Good morning.", 0.0, 2.0), ("And to you.", 2.0, 5.5)]


def test_textgrid_that_was_cut_off(desk: Desk) -> None:
    document = desk.read("talk.TextGrid", LONG_GRID[: LONG_GRID.index("größer") + 3])
    assert said(document) == [('say "item [1]:" 5', 1.25, 2.0)]
    assert "transcript-damaged" in codes(document)


@pytest.mark.parametrize("long", [True, False])
def test_praat_reads_the_same_textgrid(desk: Desk, long: bool) -> None:
    parselmouth = pytest.importorskip("parselmouth", reason="praat-parselmouth is not installed")
    grid = parselmouth.Data.read(str(desk.put("a.TextGrid", LONG_GRID)))
    path = desk.folder / "talk.TextGrid"
    (grid.save_as_text_file if long else grid.save_as_short_text_file)(str(path))
    text = path.read_bytes()
    call = parselmouth.praat.call
    labels = [call(grid, "Get label of interval", 3, n) for n in range(1, 5)]
    words = zip(labels, [call(grid, "Get end time of interval", 3, n) for n in range(1, 5)], strict=True)
    spoken = [word for word in words if word[0] not in ("", "sp")]
    assert [(row[0], row[2]) for row in said(desk.read("talk.TextGrid", text))] == spoken


def test_times_are_of_the_file_and_stay_inside_the_recording(desk: Desk) -> None:
    text = (
        "1\n00:00:00,000 --> 00:00:00,900\nbefore\n\n2\n00:00:01,900 --> 00:00:03,000\nfirst\n\n"
        "3\n00:00:04,000 --> 00:00:09,000\nbeyond\n\n4\n00:00:20,000 --> 00:00:21,000\nfar beyond\n"
    )
    document = desk.read("talk.srt", text, seconds=3.0, start_us=2_000_000)
    assert document.times[["from", "to"]].tolist() == [
        (0, 1),
        (0, SECOND),
        (2 * SECOND, 3 * SECOND),
        (3 * SECOND - 1, 3 * SECOND),
    ]
    assert "transcript-longer" in codes(document)


@given(st.integers(0, 10**11), st.integers(0, 10**9))
def test_samples_of_times_round_to_the_nearest(time_us: int, start_us: int) -> None:
    from fractions import Fraction

    from octavo.pipeline.reading.transcripts import _samples

    class Endless:
        samples = 10**15

    Endless.start_us = start_us  # type: ignore[attr-defined]
    start, stop = _samples(Piece("x", time_us, time_us + 10**6), Endless())  # type: ignore[arg-type]
    exact = Fraction(time_us - start_us, 10**6) * SECOND
    assert start == 0 if exact < 0 else abs(start - exact) <= Fraction(1, 2)
    assert start < stop


def test_which_sidecar_counts(desk: Desk) -> None:
    grid, srt = desk.put("talk.TextGrid", SHORT_GRID), desk.put("talk.wav.SRT", "x")
    german, spoken = desk.put("talk.de.vtt", VTT), desk.put("talk.en-orig.vtt", VTT)
    other = desk.put("talk.en.json", json.dumps(WHISPER))
    desk.put("talk.txt", "no transcript")
    desk.put("talker.vtt", VTT)
    desk.put("talk.part 2.vtt", VTT)
    assert sidecars_of(desk.path) == (spoken, german, srt, other, grid)
    plain = desk.put("talk.vtt", VTT)
    assert sidecars_of(desk.path) == (plain, spoken, german, srt, other, grid)
    whole = desk.put("talk.wav.vtt", VTT)
    assert sidecars_of(desk.path)[:2] == (whole, plain)
    names = {path.name for path in desk.folder.iterdir()}
    assert {path.name for path in desk.folder.iterdir() if is_sidecar_of(path, names)} == {
        path.name for path in sidecars_of(desk.path)
    }
    assert not is_sidecar_of(plain, names - {"talk.wav"})
    digest = transcript_digest(desk.path)
    whole.write_text("WEBVTT\n\n00:01.000 --> 00:02.000\nother")
    assert transcript_digest(desk.path) != digest


def test_a_closer_recording_owns_its_transcript(desk: Desk) -> None:
    path = desk.put("talk.en.vtt", VTT)
    assert sidecars_of(desk.path) == (path,)
    desk.put("talk.en.wav", "")
    assert sidecars_of(desk.path) == ()
    assert sidecars_of(desk.folder / "talk.en.wav") == (path,)


def test_language_in_the_name(desk: Desk) -> None:
    assert desk.read("talk.pt-BR.srt", "1\n00:00:01,000 --> 00:00:02,000\nok\n").metadata.language == "pt-br"


def test_clear_errors(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with desk.recording() as recording:
        desk.put("talk.srt", "1\n00:00:01,000 --> 00:00:02,000\n<i> </i>\n")
        with pytest.raises(EmptySource, match=r"talk\.srt.*no text"):
            transcript_of(desk.path, recording)
        desk.put("talk.srt", "nothing of the kind")
        with pytest.raises(DamagedSource, match="-->"):
            transcript_of(desk.path, recording)
        desk.put("talk.srt", bytes(range(256)) * 40)
        with pytest.raises(UnsupportedSource):
            transcript_of(desk.path, recording)
        monkeypatch.setattr(sidecars, "SIDECAR_BYTES", 10)
        with pytest.raises(UnsupportedSource, match="more than"):
            transcript_of(desk.path, recording)


READERS: list[Callable[[str, str], Transcript]] = [read_webvtt, read_subrip, read_whisper_json, read_textgrid]
# fmt: off
FRAGMENTS = st.sampled_from([
    "WEBVTT", "\n", "\n\n", "00:01.000 --> 00:02.000", "00:00:01,000 --> 00:00:00,500", "<v Anna>", "</v>",
    "<00:01.500>", "- ", ">> ", "&amp;", "<", ">", "{", "}", "[", "]", '"', '""', '"start": 1', '"end": NaN',
    '"text": "a"', ",", ":", '"segments"', '"words"', 'File type = "ooTextFile"', 'Object class = "TextGrid"',
    "<exists>", '"IntervalTier"', " 1 ", " 2.5 ", " 1e999 ", "word", "\0", "\ud800", "\u2028", "99999999999999",
])
# fmt: on


@pytest.mark.parametrize("read", READERS)
@settings(max_examples=60)
@given(data=st.data())
def test_nothing_but_source_errors(read: Callable[[str, str], Transcript], data: st.DataObject) -> None:
    starts = {"read_webvtt": "WEBVTT\n\n", "read_textgrid": '"ooTextFile" "TextGrid" 0 9 <exists> 2 '}
    start = starts.get(read.__name__, "")
    text = start + "".join(data.draw(st.lists(FRAGMENTS | st.text(max_size=8), max_size=30)))
    try:
        transcript = read(text, "x")
        is_transcript(text)
        composed = compose_transcript(transcript.cues, _Nothing())  # type: ignore[arg-type]
    except SourceError:
        return
    for row in composed.times:
        assert composed.text[row["start"] : row["stop"]].strip()


@settings(max_examples=60)
@given(
    st.recursive(
        st.none() | st.floats() | st.integers() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "segments",
                        "words",
                        "text",
                        "word",
                        "start",
                        "end",
                        "timestamp",
                        "offsets",
                        "from",
                        "to",
                        "speaker",
                        "language",
                        "chunks",
                        "result",
                    ]
                ),
                inner,
                max_size=5,
            )
        ),
    )
)
def test_any_json(data: object) -> None:
    with contextlib.suppress(SourceError):
        compose_transcript(read_whisper_json(json.dumps(data), "x").cues, _Nothing())  # type: ignore[arg-type]


class _Nothing:
    """A recording of 10 s without samples."""

    samples = 10 * SECOND
    start_us = 500_000
    source = Source("/x.wav", "audio/wav", "0" * 64)
    metadata = Metadata()


def hostile() -> Iterator[tuple[str, Callable[[str, str], Transcript], str]]:
    many = 100_000
    yield "blank lines", read_subrip, "1\n00:00:01,000 --> 00:00:02,000\nx" + "\n" * many + "y"
    yield "spaces", read_subrip, "1\n00:00:01,000 --> 00:00:02,000\n" + " " * many + "y"
    yield "tags", read_subrip, "1\n00:00:01,000 --> 00:00:02,000\n" + "<a" * many
    yield "braces", read_subrip, "1\n00:00:01,000 --> 00:00:02,000\n" + "{\\" * many
    yield "digits", read_subrip, "1" * many + "\n" + "1:" * many + " --> \n1\n00:00:01,000 --> 00:00:02,000\nx"
    yield "moments", read_webvtt, "WEBVTT\n\n00:01.000 --> 00:02.000\n" + "<00:01.500><b>x</b>" * many
    yield "voices", read_webvtt, "WEBVTT\n\n00:01.000 --> 00:02.000\n" + "<v A>x<v B>y" * (many // 4)
    yield "lines", read_webvtt, "WEBVTT\n\n" + ("00:01.000 --> 00:02.000\n" + "x\n" * (many // 2) + "\n") * 2
    yield "arrows", read_subrip, "1\n00:00:01,000 --> 00:00:02,000\n" + ">>" * many + "x"
    yield "quotes", read_textgrid, '"ooTextFile" "TextGrid" 0 9 <exists> 2 ' + '"' * many + " " + '" "' * many
    overlaps = "".join(f'0 {n + 1} "x" ' for n in range(many // 4))
    tier = f'"IntervalTier" "a" 0 9 {many // 4} {overlaps}'
    yield "intervals", read_textgrid, f'"ooTextFile" "TextGrid" 0 9 <exists> 2 {tier}{tier}'
    words = [{"word": "a", "start": 0, "end": 1}] * many
    yield (
        "words",
        read_whisper_json,
        json.dumps({"segments": [{"start": 0, "end": 1, "text": "b" * many, "words": words}]}),
    )


@pytest.mark.parametrize(("read", "text"), [pytest.param(read, text, id=name) for name, read, text in hostile()])
def test_hostile_text_takes_linear_time(read: Callable[[str, str], Transcript], text: str) -> None:
    """Quadratic readers would take minutes here; there is no clock in this test, the whole of it takes seconds."""
    with contextlib.suppress(SourceError):
        compose_transcript(read(text, "x").cues, _Nothing())  # type: ignore[arg-type]


def test_words_of_a_cue_can_be_dropped() -> None:
    pieces = (Piece(" un", 0, 1), Piece("do it ", 1, 2), Piece(" now\n", 2, 3), Piece("or", 3, 4))
    cue = Cue(pieces)
    for count, rest in enumerate(["undo it now or", "it now or", "now or", "or"]):
        left = cue.without_words(count)
        assert left is not None
        assert left.words() == rest.split()
    assert cue.without_words(4) is None
    dropped = cue.without_words(1)
    assert dropped is not None and dropped.start_us == 1  # noqa: PT018


def test_times_dtype_of_an_odd_transcript(desk: Desk) -> None:
    cues = [Cue((Piece("late", 5_000_000, 4_000_000),)), Cue((Piece("early", 1_000_000, None),))]
    with desk.recording(10.0) as recording:
        document = compose_transcript(cues, recording)
    assert blocks(document) == ["early late"]
    assert np.all(document.times["from"] < document.times["to"])
    assert said(document) == [("early", 1.0, 5.0), ("late", 5.0, 10.0)]
