"""Terms, stems and the words of a document."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import snowballstemmer
from hypothesis import example, given
from hypothesis import strategies as st
from octavo.pipeline.document import Span
from octavo.pipeline.scale import SENTENCE
from octavo.pipeline.sentences import sentences
from octavo.pipeline.stems import _ALGORITHMS, stem
from octavo.pipeline.terms import LONGEST_TERM, Lexis, lexis, query_stems, terms

SCRAPS = "E-4304 v2.0 don't 中文字 กขคง हिन्दी 한국어 a_b The the x@y.z 1,000 e\u0301 . ! \n"


def found(text: str) -> list[str]:
    return [term.text for term in terms(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello, world!", "hello world"),
        ("E-4304", "e-4304 e 4304"),
        ("AX-100/B", "ax-100/b ax-100 ax 100 b"),
        ("v2.0.1 and 10.5 at 15:08.", "v2.0.1 v 2.0.1 and 10.5 at 15:08"),
        ("1,000,000 or 1.000,50", "1,000,000 1000000 or 1.000,50"),
        ("C++, C# and C++17", "c++ c# and c++ 17"),
        ("don't l'homme Jonas’s", "don't l'homme homme jonas's jonas"),
        ("user@host.com", "user@host.com user host.com host com"),
        ("snake_case _emphasis_ ___", "snake_case snake case emphasis"),
        ("end-to-end R&D", "end-to-end end end r&d"),
        ("getUserName", "getusername get user name"),
        ("mp3 19th x86_64", "mp3 mp 3 19th 19 x86_64 x86 x 86 64"),
        ("a3f9c2d1e0ff77", "a3f9c2d1e0ff77"),
        ("foo,bar", "foo bar"),
        ("Straße ＡＢＣ naïve data\u00adbase", "strasse abc naïve database"),
        ("non\u2011breaking", "non-breaking non breaking"),
        ("数据库", "数据 据库"),
        ("猫 と GPT模型", "猫 と gpt 模型"),
        ("ｶﾞｽ", "ガス"),
        ("สวัสดี", "สวั วัส ัสด สดี"),
        ("한국어를", "한국어를 한국 국어 어를"),
        ("की हिन्दी में", "की हिन्दी में"),
        ("رقم ٤٣٠٤", "رقم 4304"),
        ("", ""),
        ("… — ! 😀", ""),
    ],
)
def test_terms(text: str, expected: str) -> None:
    assert found(text) == expected.split()


def test_terms_stand_where_they_say() -> None:
    text = "See E-4304, please."
    assert [(text[term.start : term.stop], term.text) for term in terms(text, 4, 10)] == [
        *(("E-4304", "e-4304"), ("E", "e"), ("4304", "4304"))
    ]


def test_overlong_runs_are_shortened_and_long_compounds_give_their_parts() -> None:
    assert found("x" * 1000) == ["x" * LONGEST_TERM]
    assert found("/".join(["part"] * 50)) == ["part"] * 50


@pytest.mark.parametrize(
    ("term", "language", "expected"),
    [
        ("databases", "en", "databas"),
        ("database", "en-GB", "databas"),
        ("häuser", "de", "haus"),
        ("élèves", "fr", "elev"),
        ("niños", "es", "nin"),
        ("running", "", "run"),
        ("running", "zh", "run"),
        ("книгами", "en", "книг"),
        ("книги", "ru_RU", "книг"),
        ("smørrebrød", "xx", "smorrebrod"),
        ("мой", "bg", "мой"),
        ("e-4304s", "en", "e-4304s"),
        ("1000", "en", "1000"),
        ("user@hosts", "en", "user@hosts"),
        ("がく", "ja", "がく"),
        ("한국", "ko", "한국"),
    ],
)
def test_stem(term: str, language: str, expected: str) -> None:
    assert stem(term, language) == expected


def test_every_snowball_algorithm_named_is_there() -> None:
    named = {name for languages in _ALGORITHMS.values() for name in languages.values() if name}
    assert named <= set(snowballstemmer.algorithms())


def test_stemming_in_threads_gives_what_one_stemmer_gives() -> None:
    numbers = [f"{at:b}".translate({ord("0"): "a", ord("1"): "e"}) for at in range(500)]
    words = [
        root + number + ending for root in ("connect", "relat") for number in numbers for ending in ("ions", "ing")
    ]
    expected = snowballstemmer.stemmer("english").stemWords(words)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(stem, words, ["en"] * len(words))) == expected


def spans_of(text: str) -> list[Span]:
    return [Span(SENTENCE, start, stop) for start, stop in sentences(text, 0, len(text))]


def test_lexis_counts_sentence_by_sentence() -> None:
    text = "Pumps pump water. E-4304 stops the pump."
    words = lexis(text, spans_of(text), "en")
    assert words.terms == ("pumps", "pump", "water", "e-4304", "e", "4304", "stops", "the")
    assert words.stems == ("pump", "pump", "water", "e-4304", "e", "4304", "stop", "the")
    assert words.tokens.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 1]
    assert words.bounds.tolist() == [0, 3, 9]


def test_lexis_of_nothing() -> None:
    words = lexis("", [], "")
    assert (words.terms, words.stems, len(words.tokens), words.bounds.tolist()) == ((), (), 0, [0])


@given(
    st.lists(
        st.sampled_from(
            [
                "E-4304",
                "v2.0",
                "don't",
                "中文字",
                "กขคง",
                "हिन्दी",
                "한국어",
                "a_b",
                "The",
                "the",
                "x@y.z",
                "1,000",
                "é",
                ".",
                "!",
                "\n",
            ]
        ),
        max_size=40,
    )
)
def test_lexis_is_what_terms_finds(words: list[str]) -> None:
    text = " ".join(words)
    spans = spans_of(text)
    counted = lexis(text, spans, "de")
    for at, span in enumerate(spans):
        tokens = counted.tokens[counted.bounds[at] : counted.bounds[at + 1]]
        assert [counted.terms[token] for token in tokens] == [one.text for one in terms(text, span.start, span.stop)]
        # and in the sentence by itself, which may be ASCII where the document is not: retrieval pairs the two
        assert [counted.terms[token] for token in tokens] == found(text[span.start : span.stop])
    assert counted.stems == tuple(stem(term, "de") for term in counted.terms)


@given(st.text(st.characters(max_codepoint=127), max_size=80))
def test_ascii_text_has_the_same_terms_inside_a_document_that_is_not(text: str) -> None:
    beside = [term.text for term in terms(text + "é", 0, len(text))]
    assert beside == found(text)


@given(st.text(max_size=200))
def test_terms_of_any_text(text: str) -> None:
    for term in terms(text):
        assert 0 <= term.start < term.stop <= len(text)
        assert term.text
        assert len(term.text) <= LONGEST_TERM
        assert not any(map(str.isspace, term.text))
        assert stem(term.text, "en")


@given(st.text(st.characters(max_codepoint=127), max_size=60))
@example("0th")
def test_full_width_letters_and_digits_are_the_same_terms(text: str) -> None:
    text = text.lower()  # humps of camelCase are looked for in ASCII alone
    wide = "".join(chr(ord(char) + 0xFEE0) if char.isalnum() else char for char in text)
    assert found(wide) == found(text)


def test_query_stems() -> None:
    question = query_stems("What does error E-4304 mean for the pumps? The pumps!", ["en", "de-AT"])
    assert [one.text for one in question] == [
        "what",
        "does",
        "error",
        "e-4304",
        "e",
        "4304",
        "mean",
        "for",
        "the",
        "pumps",
    ]
    assert {one.text for one in question if one.stop_word} == {"what", "does", "for", "the"}
    assert question[9].stems == {stem("pumps", "en"), stem("pumps", "de")}
    assert [one.stop_word for one in query_stems("the who", [])] == [True, True]
    assert query_stems("?", ["en"]) == ()


def test_a_lexis_checks_itself() -> None:
    tokens, bounds = np.array([0], np.int32), np.array([0, 1], np.int64)
    Lexis(("a",), ("a",), tokens, bounds)
    for bad in (
        (("a",), (), tokens, bounds),
        (("a",), ("a",), tokens.astype(np.int64), bounds),
        (("a",), ("a",), tokens, bounds.astype(np.int32)),
        (("a",), ("a",), tokens, np.array([0, 2], np.int64)),
        (("a",), ("a",), tokens, np.array([], np.int64)),
        (("a",), ("a",), tokens + 1, bounds),
    ):
        with pytest.raises(ValueError, match=r"terms|tokens|bounds"):
            Lexis(*bad)
