"""Sentence spans: hard cases by language, line ends, bounds, and what must hold for any text."""

from __future__ import annotations

import gzip
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from octavo.pipeline.sentence_length import LONGEST, bounded, lines
from octavo.pipeline.sentences import sentences

DATA = Path(__file__).parents[3] / "shared" / "data"

# "|" marks where a sentence is to end; a case without it is one sentence.
CASES = {
    "english": [
        "Hello world.| My name is Jonas.",
        "What is it?| There it is!| Good.",
        "Dr. Smith met Mr. and Mrs. Jones at St. Mary's on 5th st. near Mt. Hood.",
        "We used e.g. pumps, i.e. machines, vs. valves, approx. 5 of them, etc. in the hall.",
        "They closed the deal with Pitt, Briggs & Co. at noon.| It was late.",
        "They closed the deal with Pitt, Briggs & Co.| It closed yesterday.",
        "I live in the U.S.| How about you?",
        "She works for the U.S. Government in Washington, D.C. since May.",
        "At 5 a.m. Mr. Smith went to the bank.| He left at 6 p.m.| The bank closed.",
        "The Lord of the Rings by J. R. R. Tolkien and a paper by P. Smith et al. are here.",
        "You and I.| Did you see Albert I. Jones yesterday?",
        "It costs $100.00, or 3.14 of v2.0.1.| That is 1,000.50 in all.",
        "See Fig. 3, No. 7, pp. 5-9 and Sec. 2.| No.| That is wrong.",
        "See Fig. S1 and Art. IV for more.",
        "Write to Jane.Doe@example.com.| Open https://www.example.50.com/a_b/c.html.| Edit config.yaml now.",
        'She turned to him, "This is great." she said.',
        'She turned to him, "This is great."| She held out the book.',
        "“Really?” he asked.| “Yes.”| Then he left.",
        "He teaches (He was an engineer once.) at the university.",
        "He did not wait ... he ran.| I never meant that....| She left.",
        "The laws appear less complex . . . .| Next one.",
        'Bohr [...] used the analogy [...] of "stairways".',
        "It ended in 2017.[12] |The next began.".replace("] |", "]| "),
        "She works at Yahoo! in the accounting department.",
        "1. The first item 2. The second item".replace(" 2.", "| 2."),
        "1) The first item.| 2) The second item.",
        "a) first| b) second| c) third",
        "• 9. The first item| • 10. The second item",
        "E-4304 means a blocked pump.| Replace part AX-100/B.| Call 555.1234 now.",
        "the text has no capitals.| it goes on, e.g. here.| a third one follows.",
    ],
    "german": [
        "Am 3. Oktober kam Prof. Dr. med. Meyer.| Er blieb bis zum 12. Juni.",
        "Wir brauchen z. B. Wasser, d. h. ca. 3,5 Liter, bzw. Saft usw.| Die Kosten betragen 1.000.000,50 Euro.",
        "Der 2. Weltkrieg endete im 20. Jahrhundert.| Das war 1945.| Danach begann der Wiederaufbau.",
        "„Ich habe keine Zeit“, sagte sie leise: „Und auch keine Lust.“| Wir gingen.",
        "„Lass uns essen!“, sagte die Mutter.",
        "Siehe Abb. 3, Nr. 7, Abs. 2 und S. 225.| Frau Prof. Schulze ist z. Z. nicht da.",
        "Das Treffen ist am 3. 10. 2020 in der Berliner Str. 5.| Kommen Sie?",
        "»Halt!« rief er.| »Wer da?«",
    ],
    "french": [
        "M. Dupont et Mme Durand sont venus.| Ils ont vu le Dr. Martin, p. ex. hier.",
        "Quoi ?| Il a dit « n’aura aucun impact ».| Elle part !",
        "« Oui ! » dit-il.| « Non. »| Puis il partit.",
        "Le prix est de 3,14 € env. par pièce.| L'objectif est clair.",
    ],
    "spanish": [
        "¿Cómo está hoy?| Espero que muy bien.| ¡Hola!",
        "Hola Srta. Ledesma.| Soy el Lic. Pastoriza, y él es el Dr. Naser de EE. UU. hoy.",
        "«Ninguna mente está exenta de demencia.», dijo Aristóteles.| Pablo, ¿adónde vas?",
        "Núm. de tel: 351.123.465.4.| Envíe mis saludos a la Sra. Rescia.",
        "El art. 4 de la pág. 12 lo dice.| Cuesta $170.500.000,00.",
    ],
    "chinese": [
        "周怡安来自台中，去年刚毕业。|同年9月加入安永！|好吗？",
        "我们明天一起去看《摔跤吧！爸爸》好吗？|好！",
        "“你好吗？”他说。|她没有回答……|“走吧！”",
        "版本3.14已发布。|错误代码是E-4304。",
        "（注：价格另计。）|请联系我们。",
    ],
    "japanese": [
        "これはペンです。|それはマーカーです。|それは何ですか？",
        "彼は「本当に来るの？」と聞いた。|私は『行きます！』と答えた。",
        "引き下げ幅は３．２９％以上です。|２％台で調整に入りました。",
    ],
    "hindi": [
        "सच्चाई यह है कि इसे कोई नहीं जानता।| हो सकता है यह विद्रोह हो।| क्या?",
        "डॉ. शर्मा आए।| उन्होंने 3.14 लिखा।",
    ],
    "arabic": [
        "ماذا حدث بعد الانتخابات؟| طرح الكثير من التساؤلات.| يقول معارضو الرئيس",
        "بتكلفة 7.9 مليارات يورو.| وقال د. ديفيد ريدي إنها مريضة.",
        "یہ پہلا جملہ ہے۔| یہ دوسرا ہے۔",
    ],
    "others": [
        "Это сделал А. С. Пушкин в 1830 г. и т. д. позже.| Когда?",
        "Τι κάνεις;| Καλά είμαι.",
        "ይህ የመጀመሪያው ነው።| ሁለተኛው ነው።",
    ],
}


def divided(text: str) -> list[str]:
    return [text[start:stop] for start, stop in sentences(text, 0, len(text))]


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=f"{language}-{at}") for language, group in CASES.items() for at, case in enumerate(group)],
)
def test_hard_cases(case: str) -> None:
    assert divided(case.replace("|", "")) == [part.strip() for part in case.split("|")]


def test_thai_is_divided_at_spaces_between_clauses() -> None:
    clause = "ยินดีต้อนรับสู่คู่มือการใช้งานเครื่องสูบน้ำ"
    parts = divided(" ".join([clause] * 30))
    assert 8 <= len(parts) <= 30
    assert all(part.startswith("ยินดี") for part in parts)
    assert max(map(len, parts)) <= LONGEST // 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "The controller of the pump was replaced by the service in the spring\n"
            "of that year, and nobody noticed until the pressure had fallen below\n"
            "the limit. Then an alarm was raised.",
            [
                "The controller of the pump was replaced by the service in the spring\nof that year, and nobody noticed"
                " until the pressure had fallen below\nthe limit.",
                "Then an alarm was raised.",
            ],
            id="wrapped prose goes on",
        ),
        pytest.param(
            "Tyger, Tyger, burning bright,\nIn the forests of the night;\nWhat immortal hand or eye\n"
            "Could frame thy fearful symmetry?",
            [
                "Tyger, Tyger, burning bright,",
                "In the forests of the night;",
                "What immortal hand or eye",
                "Could frame thy fearful symmetry?",
            ],
            id="verse",
        ),
        pytest.param("Safety notes\nRead them first.", ["Safety notes", "Read them first."], id="heading"),
        pytest.param("Foo\n\nbar baz", ["Foo", "bar baz"], id="blank line"),
        pytest.param("Foo\r\n \r\nbar", ["Foo", "bar"], id="blank line, carriage returns"),
        pytest.param(
            "You need the following:\n- a wrench\n- two bolts\n1. Open it\n2. Close it",
            ["You need the following:", "- a wrench", "- two bolts", "1. Open it", "2. Close it"],
            id="list",
        ),
        pytest.param("code | price\nE-1 | 5.00\nE-2 | 6.00", ["code | price", "E-1 | 5.00", "E-2 | 6.00"], id="table"),
        pytest.param(
            "これは父の長い長い話のあとに続くとても\n大きな家です。",
            ["これは父の長い長い話のあとに続くとても\n大きな家です。"],
            id="wrapped Japanese",
        ),
    ],
)
def test_line_ends(text: str, expected: list[str]) -> None:
    assert divided(text) == expected


def test_long_sentences_are_divided_at_the_best_border() -> None:
    clauses = divided("the first clause goes on and on; " * 60)
    assert all(clause.endswith("on;") for clause in clauses)
    assert max(map(len, clauses)) <= LONGEST
    words = divided("word " * 1000)
    assert all(part.startswith("word") and part.endswith("word") for part in words)
    assert [len(part) for part in divided("x" * 1500)] == [500, 500, 500]
    assert max(map(len, divided("中" * 1000))) <= LONGEST // 3


def test_accents_are_not_cut_off_their_letters() -> None:
    assert all(part[0] == "e" for part in divided("e\u0301" * 1000))


def test_only_the_range_asked_for() -> None:
    text = "One. Two three. Four."
    assert [text[a:b] for a, b in sentences(text, 5, 14)] == ["Two three"]
    assert sentences(text, 4, 5) == []


def test_program_text_is_divided_at_line_ends() -> None:
    text = "\n".join(f"value_{at} = compute({at}.5, 'a. B')" for at in range(60))
    spans = lines(text, 0, len(text))
    assert 5 < len(spans) < 15
    assert all(text[stop : stop + 1] in ("", "\n") for _, stop in spans)


def test_table_rows_stay_whole_up_to_the_bound() -> None:
    row = "E-1. Blocked. | 5.00"
    assert bounded(row, 0, len(row)) == [(0, len(row))]
    long = " | ".join(["a cell. With two sentences"] * 60)
    assert all(stop - start <= LONGEST for start, stop in bounded(long, 0, len(long)))


WORDS = """. ! ? … 。 ！ । ؟ ; : , " ' ” « » ( ) [1] - • * _ | 1 2. 3.14 a) Dr. z. B. U.S. e.g. etc.
Oktober The the word Wort 中文字 か と」 「 กขค ครับ हिन्दी عربي e\u0301 😀"""
SPACES = ["\t", "\n", "\n\n", "\r\n", "\u2028", "\xa0", "\u3000", "\u200b"]
SCRAPS = st.sampled_from([*WORDS.split(), *SPACES])
TEXTS = st.one_of(
    st.lists(st.one_of(SCRAPS, st.just(" "), st.text(max_size=3)), max_size=80).map("".join),
    st.text(max_size=300),
)


def assert_divides(text: str, start: int, stop: int, spans: list[tuple[int, int]]) -> None:
    """What must hold for any text: ordered, trimmed, bounded, and nothing but white space left out."""
    for left, right in spans:
        assert start <= left < right <= stop
        assert text[left:right] == text[left:right].strip()
        assert right - left <= LONGEST
    at = start
    for left, right in spans:
        assert not text[at:left].strip()
        at = right
    assert not text[at:stop].strip()
    assert all(first[1] <= second[0] for first, second in pairwise(spans))


@given(TEXTS, st.data())
def test_any_text_is_divided_without_loss(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    stop = data.draw(st.integers(start, len(text)))
    spans = sentences(text, start, stop)
    assert_divides(text, start, stop, spans)
    assert spans == sentences(text, start, stop)
    assert_divides(text, start, stop, lines(text, start, stop))
    assert_divides(text, start, stop, bounded(text, start, stop))


@given(TEXTS, st.integers(1, 40))
def test_repetition_never_makes_a_giant(text: str, times: int) -> None:
    repeated = text * times
    assert_divides(repeated, 0, len(repeated), sentences(repeated, 0, len(repeated)))


@pytest.mark.parametrize(
    "unit",
    [".", ". ", "! ", ".)", "1. ", "• ", "。", "「。", "...a ", "ก", "e.g. ", "\r", "a\t", "a   ", "| a |\n", "क्"],
)
def test_monotonous_megabytes_end(unit: str) -> None:
    text = unit * (1_000_000 // len(unit)) + "x"
    assert_divides(text, 0, len(text), sentences(text, 0, len(text)))


def test_a_novel() -> None:
    path = DATA / "text" / "gutenberg" / "austen-emma.txt.gz"
    if not path.exists():
        pytest.skip(f"{path} is not there: the shared data are not on this machine")
    text = gzip.decompress(path.read_bytes()).decode("utf-8", "replace")
    spans = sentences(text, 0, len(text))
    assert_divides(text, 0, len(text), spans)
    found = [" ".join(text[start:stop].split()) for start, stop in spans]
    assert not [one for one in found if one.endswith(("Mr.", "Mrs.", "Dr."))]
    assert 80 < sum(map(len, found)) / len(found) < 160
