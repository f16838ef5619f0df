"""How an answer looks, in a terminal and in a notebook."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser

from octavo.indexes.hit import Answer, Citation, HeardWord, Hit
from octavo.indexes.view import (
    answer_html,
    answer_text,
    clock,
    link,
    marked,
    pages,
    question_words,
    shares,
    shortened,
    sounded,
    where,
)
from octavo.pipeline.document import Place, Source
from octavo.pipeline.scale import Medium
from rich.console import Console


def citation(quote: str, uri: str = "/folder/manual.pdf", kind: str = "application/pdf", *at: int) -> Citation:
    places = tuple(Place(number, ((0.0, 0.0, 1.0, 1.0),)) for number in at)
    return Citation(Source(uri, kind, "0" * 64), 5, 5 + len(quote), quote, places, "Manual", "Care > Belt")


def answer(question: str, *quotes: str) -> Answer:
    hits = tuple(
        Hit(rank, 1 / rank, "sentence", citation(quote, "/folder/manual.pdf", "application/pdf", 3), {"sentence": 0.5})
        for rank, quote in enumerate(quotes, start=1)
    )
    return Answer(question, 2, hits, {"encode": 3.0, "search": 4.0})


def printed(made: Answer, *, colour: bool = False) -> str:
    out = io.StringIO()
    console = Console(
        file=out, width=100, force_terminal=colour, color_system="standard" if colour else None, legacy_windows=False
    )
    console.print(answer_text(made))
    return out.getvalue()


def test_terminal_shows_quote_citation_and_shares() -> None:
    out = printed(answer("which belt?", "The belt LK-4410 drives the drum."))
    assert "The belt LK-4410 drives the drum." in out
    assert "manual.pdf · page 3 · Care > Belt · characters 5-38" in out
    assert "sentence 0.50" in out
    assert "7 ms, generation 2" in out


def test_question_words_are_marked_in_the_quote() -> None:
    out = printed(answer("Which belt drives the drum?", "The belt LK-4410 drives it."), colour=True)
    assert "\x1b[1;30;43mbelt\x1b" in out
    assert "\x1b[1;30;43mThe\x1b" not in out
    assert list(marked("A belt, a Belt.", frozenset({"belt"}))) == [
        ("A ", False),
        ("belt", True),
        (", a ", False),
        ("Belt", True),
        (".", False),
    ]


def test_question_words_leave_out_the_small_ones() -> None:
    assert question_words("What does the E-4304 mean for us?") == {"e-4304", "mean"}
    assert question_words("部品 は?") == {"部品", "は"}


def test_documents_cannot_write_markup_or_move_the_cursor() -> None:
    nasty = "[red]x[/red] :smile: <script>alert(1)</script> \x1b[2J \u202e ok"
    out = printed(answer("x <b>", nasty))
    assert "[red]x[/red] :smile: <script>" in out
    assert "\x1b" not in out
    assert "\u202e" not in out
    html = answer_html(answer("x <b>", nasty))
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "<b>" not in html


def test_html_is_balanced_and_marks_words() -> None:
    html = answer_html(answer("the belt", "A belt & a drum.", "Another belt."))
    assert html.count("<mark>belt</mark>") == 2
    assert "A <mark>belt</mark> &amp; a drum." in html
    open_tags: list[str] = []

    class Balance(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            open_tags.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert open_tags.pop() == tag

    Balance().feed(html)
    assert open_tags == []


def test_nothing_found_is_said() -> None:
    assert "Nothing in the knowledge base" in printed(answer("x"))
    assert "Nothing in the knowledge base" in answer_html(answer("x"))


def test_long_quotes_are_cut_between_words_and_counted() -> None:
    text = "word " * 1000
    quoted, left_out = shortened(text, 300)
    assert len(quoted) + left_out == len(text)
    assert quoted.endswith("word")
    assert shortened("short", 300) == ("short", 0)
    assert "more characters)" in printed(answer("x", text))


def test_places_in_words() -> None:
    assert pages(()) == ""
    assert pages([Place(3)]) == "page 3"
    assert pages([Place(3), Place(4), Place(5)]) == "pages 3-5"
    assert where(citation("belt", "/a b/faq#1?.md", "text/markdown")).startswith("faq#1?.md · Care > Belt")
    assert where(citation("belt", "https://host/x/faq.html?q=1", "text/html")).startswith("faq.html · ")


def test_links_open_the_page() -> None:
    assert link(citation("belt", "/a b/x#1.pdf", "application/pdf", 3)) == "file:///a%20b/x%231.pdf#page=3"
    assert link(citation("belt", "/a/faq.md", "text/markdown")) == "file:///a/faq.md"
    assert link(citation("belt", "/a/\udcff.md", "text/markdown")) == "file:///a/%FF.md"


def test_shares_are_ranked_and_small_ones_left_out() -> None:
    assert shares({"paragraph": 0.2, "sentence": 0.4, "section": 0.001}) == "sentence 0.40, paragraph 0.20"


def call(quote: str = "", **more: object) -> Answer:
    source = Source("/calls/call.wav", "audio/wav", "0" * 64)
    place = Place(start_seconds=62.1, stop_seconds=62.8)
    cited = Citation(source, 993_600, 1_004_800, quote, (place,), medium=Medium.AUDIO)
    hit = Hit(1, 0.9, "phoneme", cited, {"phoneme": 0.9}, heard="R AW T ER")
    return Answer("router", 2, (hit,), {"total": 4.0}, **more)  # type: ignore[arg-type]


def test_measures_that_are_nearly_nothing_are_nothing() -> None:
    hit = Hit(1, 1.0, "prosody", citation("belt"), {"prosody": 1.0}, measures={"pitch": -2.19e-7, "rate": 4.321})
    assert sounded(hit) == "pitch 0, rate 4.32"


def test_a_hit_to_which_no_scale_adds_anything_shows_no_empty_brackets() -> None:
    hit = Hit(1, 0.001, "phoneme", citation("belt"), {"phoneme": 0.001})
    made = Answer("belt", 1, (hit,), {})
    assert "phoneme 0.00\n" in re.sub(" +\n", "\n", printed(made))
    assert "()" not in answer_html(made)


def test_a_place_in_a_recording_shows_time_and_phones() -> None:
    out = printed(call())
    assert "call.wav · 1:02.1-1:02.8" in out
    assert "characters" not in out
    assert 'heard "R AW T ER"' in out
    html = answer_html(call("the router"))
    assert "1:02.1-1:02.8" in html
    assert "heard &quot;R AW T ER&quot;" in html
    assert "<mark>router</mark>" in html
    assert "#t=62.10,62.80" in html


def test_a_transcript_shows_its_time() -> None:
    source = Source("/calls/call.wav", "audio/wav", "0" * 64)
    cited = Citation(source, 3, 12, "My router", (Place(start_seconds=1.0, stop_seconds=2.5),))
    assert where(cited) == "call.wav · 0:01.0-0:02.5 · characters 3-12"
    assert link(cited) == "file:///calls/call.wav#t=1.00,2.50"


def test_what_was_understood_is_told_and_doubts_are_marked() -> None:
    words = (HeardWord("my", 0.0, 0.2, 0.9), HeardWord("router", 0.2, 0.8, 0.2))
    out = printed(call(heard_words=words, warnings=("only a note",)))
    assert "understood: my router(?)" in out
    assert "note: only a note" in out
    assert "note: nothing there" in printed(Answer("x", 1, (), {}, warnings=("nothing there",)))


def test_clocks() -> None:
    assert [clock(seconds) for seconds in (0, 9.96, 62.1, 3599.99, 3723.4)] == [
        "0:00.0",
        "0:10.0",
        "1:02.1",
        "1:00:00.0",
        "1:02:03.4",
    ]
