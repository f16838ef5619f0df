"""Written English as it is said."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from octavo.pipeline.pronouncing.spoken_form import plain_text, spoken_tokens
from octavo.pipeline.pronouncing.spoken_numbers import Words, distinct

SAID = [
    # numbers
    ("42", ["forty two"]),
    ("0", ["zero"]),
    ("101", ["one hundred one", "one hundred and one", "one oh one"]),
    ("1,250.50", ["one thousand two hundred fifty point five zero"]),
    ("1.250,50", ["one thousand two hundred fifty point five zero"]),
    ("12,5", ["twelve point five"]),
    ("0.05", ["zero point zero five", "point oh five"]),
    (".5", ["zero point five", "point five"]),
    ("-3", ["minus three"]),
    ("1000000", ["one million"]),
    ("3rd", ["third"]),
    ("21st", ["twenty first"]),
    ("1/2", ["one half", "a half"]),
    ("½ cup", ["one half cup"]),
    ("3/4", ["three quarters"]),
    ("10-20", ["ten to twenty"]),
    ("1998", ["nineteen ninety eight", "one thousand nine hundred ninety eight"]),
    ("2005", ["two thousand five", "twenty oh five"]),
    ("1905", ["nineteen oh five"]),
    ("1900", ["nineteen hundred"]),
    ("2000", ["two thousand"]),
    ("1990s", ["nineteen nineties"]),
    ("80s", ["eighties"]),
    ("007", ["oh oh seven", "zero zero seven"]),
    ("4304", ["four thousand three hundred four", "forty three oh four", "four three zero four"]),
    ("Henry VIII", ["henry eight", "henry the eighth"]),
    # dates and times
    ("2024-03-15", ["march fifteenth twenty twenty four", "the fifteenth of march twenty twenty four"]),
    ("15/03/2024", ["march fifteenth twenty twenty four"]),
    ("15.03.2024", ["march fifteenth twenty twenty four"]),
    ("04/05/2024", ["april fifth twenty twenty four", "may fourth twenty twenty four"]),
    ("March 3, 2024", ["march third twenty twenty four"]),
    ("3 March 2024", ["the third of march twenty twenty four"]),
    ("Feb 30", ["february thirty"]),
    ("15:08", ["fifteen oh eight", "three oh eight P M"]),
    ("3:30pm", ["three thirty P M", "half past three"]),
    ("9 a.m.", ["nine A M"]),
    ("10:00", ["ten o'clock"]),
    # money, shares, units
    ("$5", ["five dollars"]),
    ("$1", ["one dollar"]),
    ("5€", ["five euros"]),
    ("42 €5", ["forty two five euros"]),
    ("$1,250.50", ["one thousand two hundred fifty dollars and fifty cents"]),
    ("€3.5 million", ["three point five million euros"]),
    ("$2bn", ["two billion dollars"]),
    ("50 USD", ["fifty dollars"]),
    ("£0.99", ["ninety nine pence"]),
    ("12.5 %", ["twelve point five percent"]),
    ("10 km", ["ten kilometers"]),
    ("10km/h", ["ten kilometers per hour"]),
    ("3.5GHz", ["three point five gigahertz"]),
    ("16GB", ["sixteen gigabytes", "sixteen gigs"]),
    ("20°C", ["twenty degrees celsius", "twenty degrees"]),
    ("1 kg", ["one kilogram"]),
    ("10 m²", ["ten square meters"]),
    ("5 in the morning", ["five in the morning"]),
    # codes
    ("E-4304", ["E forty three oh four", "E four three oh four", "E four three zero four"]),
    ("AX-100/B", ["A X one oh oh B", "A X one hundred B"]),
    ("Boeing 747", ["boeing seven hundred forty seven", "boeing seven forty seven"]),
    ("mp3", ["M P three"]),
    ("covid-19", ["covid nineteen"]),
    ("x86_64", ["X eighty six sixty four"]),
    ("v2.0.1", ["version two point zero point one", "V two point zero point one"]),
    ("0800 123", ["oh eight oh oh one two three", "oh eight hundred one two three"]),
    ("(555) 123-4567", ["five five five one two three four five six seven"]),
    ("+44 20 7946 0958", ["plus four four two oh seven nine four six oh nine five eight"]),
    # names and initialisms
    ("NASA", ["nasa", "N A S A"]),
    ("GPU", ["G P U"]),
    ("gpu", ["G P U"]),
    ("GPUs", ["G P U's"]),
    ("SQL", ["S Q L"]),
    ("U.S.A.", ["U S A"]),
    ("R&D", ["R and D"]),
    ("iPhone 15 Pro", ["I phone fifteen pro", "iphone fifteen pro"]),
    ("GitHub", ["git hub", "github"]),
    ("OpenAI", ["open A I"]),
    ("McDonald", ["mcdonald"]),
    ("C++", ["C plus plus"]),
    (".NET", ["dot net"]),
    ("PLEASE CALL BACK NOW", ["please call back now"]),
    # abbreviations
    ("Dr. Smith", ["doctor smith"]),
    ("St. Paul", ["saint paul"]),
    ("Main St.", ["main street"]),
    ("No. 5", ["number five"]),
    ("I said no.", ["I said no"]),
    ("cats vs dogs", ["cats versus dogs"]),
    ("e.g. this", ["for example this", "E G this"]),
    # addresses and signs
    ("info@example.com", ["info at example dot com"]),
    ("www.octavo.org/docs", ["octavo dot org slash docs", "W W W dot octavo dot org slash docs"]),
    ("https://example.co.uk", ["example dot C O dot U K"]),
    ("#5", ["number five", "hash five"]),
    ("salt & pepper", ["salt and pepper"]),
    ("snake_case", ["snake case"]),
    # letters
    ("Jonas’s", ["jonas's"]),
    ("Siobhán Müller", ["siobhan muller"]),
    ("Straße", ["strasse"]),
    ("end-to-end", ["end to end"]),
    ("ﬁne", ["fine"]),
]


def spoken_forms(text: str, n: int = 4) -> list[Words]:
    """The likeliest ways to say a text, best first."""
    beam: list[tuple[Words, float]] = [((), 0.0)]
    for readings in spoken_tokens(text):
        grown = [(said + r.words, score + r.log_probability) for said, score in beam for r in readings]
        beam = sorted(grown, key=lambda item: -item[1])[: 4 * n]
    return [said for said in distinct([said for said, _ in beam]) if said][:n]


@pytest.mark.parametrize(("text", "expected"), SAID)
def test_the_likeliest_reading_is_first_and_the_others_are_there(text: str, expected: list[str]) -> None:
    found = [" ".join(words) for words in spoken_forms(text, 8)]
    assert found[0] == expected[0]
    assert set(expected) <= set(found)


@pytest.mark.parametrize("text", ["", "...", "Москва", "日本語", "()", "😀", "—", "'"])
def test_what_cannot_be_said_has_no_form(text: str) -> None:
    assert spoken_forms(text) == []


def test_other_scripts_are_kept_on_demand_with_their_marks() -> None:
    assert [readings[0].words for readings in spoken_tokens("が नमस्ते Москва", foreign=True)] == [
        ("が",),
        ("नमस्ते",),
        ("Москва",),
    ]


def test_readings_of_a_token_share_its_probability() -> None:
    for text, _ in SAID:
        for readings in spoken_tokens(text):
            shares = [math.exp(reading.log_probability) for reading in readings]
            assert sum(shares) == pytest.approx(1)
            assert shares == sorted(shares, reverse=True)


def test_very_long_numbers_are_said_digit_by_digit() -> None:
    assert len(spoken_forms("1" * 400, 1)[0]) == 400


SCRAPS = [
    "E-4304",
    "v2.",
    "$",
    "€5",
    "1,0",
    "0.",
    "3/0",
    "12:99",
    "31/02/2024",
    "a.b@c.d",
    "www.",
    "http://",
    "-",
    "'",
    "M&S",
]
SCRAPS += [
    "99th",
    "0s",
    "½",
    "°C",
    "5 m",
    "Dr.",
    "XXIX",
    "iPhone",
    "日本",
    "é",
    "Æ",
    "٣",
    "२",
    "1-2-3",
    "00",
    "#",
    "/",
    "24:00",
]


@given(st.lists(st.sampled_from(SCRAPS) | st.text(max_size=6)).map("".join))
def test_any_text_gives_words_of_letters_only(text: str) -> None:
    for words in spoken_forms(text, 8):
        assert all(re.fullmatch(r"[a-z']*[a-z][a-z']*|[A-Z]('s)?", word) for word in words), words


@given(st.text())
def test_plain_text_is_stable(text: str) -> None:
    assert plain_text(plain_text(text)) == plain_text(text)
