"""Text to phones."""

from __future__ import annotations

import importlib.util
import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
from octavo.pipeline.encoders.grapheme_to_phoneme import load_network
from octavo.pipeline.errors import ModelError, QueryError
from octavo.pipeline.phones import phone_ids, phone_names
from octavo.pipeline.pronouncing.espeak_phones import is_installed, phones_of_ipa, voice_of
from octavo.pipeline.pronouncing.pronunciation import Pronouncer, Pronunciation, read_respellings
from octavo.pipeline.training.lexicon import part_of, read_lexicon
from octavo.pipeline.training.pronunciation import score

LEXICON = Path(__file__).parents[2] / ".." / "shared" / "data" / "lexicon" / "cmudict.zip"


@pytest.fixture(scope="module")
def pronouncer() -> Pronouncer:
    return Pronouncer(espeak=False)


def names(found: tuple[Pronunciation, ...]) -> list[str]:
    return [phone_names(variant.phones) for variant in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hello world", "HH EH L OW W ER L D"),
        ("invoice", "IH N V OY S"),
        ("telephone", "T EH L AH F OW N"),
        ("recording", "R IH K AO R D IH NG"),
        ("knowledge", "N AA L AH JH"),
        ("sentence", "S EH N T AH N S"),
        ("question", "K W EH S CH AH N"),
        ("don't", "D OW N T"),
        ("42", "F AO R T IY T UW"),
        ("1998", "N AY N T IY N N AY N T IY EY T"),
        ("E-4304", "IY F AO R T IY TH R IY OW F AO R"),
        ("GPU", "JH IY P IY Y UW"),
        ("GPUs", "JH IY P IY Y UW Z"),
        ("SMS's", "EH S EH M EH S IH Z"),
        ("MP3", "EH M P IY TH R IY"),
        ("3rd", "TH ER D"),
        ("$5", "F AY V D AA L ER Z"),
    ],
)
def test_words_people_know(pronouncer: Pronouncer, text: str, expected: str) -> None:
    assert expected in names(pronouncer.variants(text))


def test_codes_keep_their_ways_of_being_said(pronouncer: Pronouncer) -> None:
    found = names(pronouncer.variants("E-4304", 6))
    assert "IY F AO R TH R IY OW F AO R" in found
    assert "IY F AO R TH R IY Z IH R OW F AO R" in found


@pytest.mark.parametrize(
    "text", ["NASA", "E-4304", "Kowalczyk", "the quick brown fox", "$1,250.50 on 15/03/2024", "A/B"]
)
@pytest.mark.parametrize("n", [1, 4, 12])
def test_variants_are_distinct_and_the_likeliest_is_first(pronouncer: Pronouncer, text: str, n: int) -> None:
    found = pronouncer.variants(text, n)
    assert 1 <= len(found) <= n
    assert len({variant.phones for variant in found}) == len(found)
    scores = [variant.log_probability for variant in found]
    assert scores == sorted(scores, reverse=True)
    assert sum(map(math.exp, scores)) <= 1.001
    assert found[:1] == pronouncer.variants(text, 1)


def test_variants_of_several_words_are_the_best_combinations(pronouncer: Pronouncer) -> None:
    first, second = pronouncer.variants("octavo", 4), pronouncer.variants("kowalczyk", 4)
    sums = sorted((a.log_probability + b.log_probability for a in first for b in second), reverse=True)[:4]
    found = [variant.log_probability for variant in pronouncer.variants("octavo kowalczyk", 4)]
    assert found == pytest.approx(sums, abs=1e-3)


@pytest.mark.parametrize("text", ["", "  ", "...", "Москва", "日本"])
def test_nothing_to_say_gives_no_variant(pronouncer: Pronouncer, text: str) -> None:
    assert pronouncer.variants(text) == ()


def test_many_texts_at_once_are_as_each_alone(pronouncer: Pronouncer) -> None:
    texts = ["hello", "", "E-4304", "a rather longer row of quite ordinary words", "Kowalczyk", "hello"]
    assert pronouncer.variants_of(texts, 3) == [pronouncer.variants(text, 3) for text in texts]
    assert pronouncer.variants_of([]) == []


def test_the_same_text_always_sounds_the_same(pronouncer: Pronouncer) -> None:
    again = Pronouncer(espeak=False)
    assert again.fingerprint == pronouncer.fingerprint
    assert again.variants("Przybylski of Wrocław", 8) == pronouncer.variants("Przybylski of Wrocław", 8)


def test_less_than_one_variant_is_refused(pronouncer: Pronouncer) -> None:
    with pytest.raises(QueryError, match="0 pronunciations"):
        pronouncer.variants("hello", 0)


def test_respellings_in_phones_are_certain(pronouncer: Pronouncer) -> None:
    own = Pronouncer(respellings={"Siobhan": "SH IH0 V AO1 N", "Nguyen": "W IH N | N UW Y EH N"}, espeak=False)
    assert own.variants("siobhan") == (Pronunciation(phone_ids("SH IH V AO N"), 0.0, "respelling"),)
    assert names(own.variants("Siobhán's Nguyen")) != []
    assert set(names(own.variants("Nguyen"))) == {"W IH N", "N UW Y EH N"}
    assert all(variant.log_probability == 0 for variant in own.variants("Nguyen"))
    assert own.fingerprint != pronouncer.fingerprint


def test_respellings_hold_inside_a_text_but_not_inside_a_word(pronouncer: Pronouncer) -> None:
    own = Pronouncer(respellings={"Ana Sol": "AA N AH"}, espeak=False)
    inside = own.variants("call  ana SOL back", 1)[0]
    assert phone_names(inside.phones) == "K AO L AA N AH B AE K"
    assert inside.origin == "network"
    assert own.variants("ana solo") == pronouncer.variants("ana solo")


def test_respellings_in_letters_go_through_the_network(pronouncer: Pronouncer) -> None:
    own = Pronouncer(respellings={"Siobhan": "shivawn"}, espeak=False)
    found = own.variants("Siobhan")
    assert [variant.phones for variant in found] == [variant.phones for variant in pronouncer.variants("shivawn")]
    assert found[0].log_probability == 0
    assert {variant.origin for variant in found} == {"respelling"}


def test_a_name_of_another_script_can_be_respelt() -> None:
    own = Pronouncer(respellings={"Οδος": "OW DH OW S"}, espeak=False)
    assert names(own.variants("ΟΔΟΣ")) == names(own.variants("οδος")) == ["OW DH OW S"]


@pytest.mark.parametrize(("name", "said"), [("Siobhan", "..."), ("Siobhan", "a | "), ("", "SH IH"), ("Пётр", "Пётр")])
def test_respellings_that_say_nothing_are_refused(name: str, said: str) -> None:
    with pytest.raises(QueryError, match="respelling"):
        Pronouncer(respellings={name: said}, espeak=False)


def test_respellings_are_read_from_lines_and_from_json(tmp_path: Path) -> None:
    lines, table = tmp_path / "names.txt", tmp_path / "names.json"
    lines.write_text("# people\nSiobhan = shivawn\n\nAna Sol\tAA N AH  # short\n", "utf-8-sig")
    table.write_text(json.dumps({"Siobhan": "shivawn", "Ana Sol": "AA N AH"}))
    assert read_respellings(lines) == read_respellings(table) == {"Siobhan": "shivawn", "Ana Sol": "AA N AH"}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("Siobhan shivawn", r"line 1: 'Siobhan shivawn'"),
        ("a = b\n= shivawn", r"line 2"),
        ("a =", r"line 1"),
        ("a = b\na = c", r"line 2: 'a' has a respelling already"),
        ('{"a": 3}', r"'a' has the respelling 3"),
        ('{"a": "b"', r"no JSON"),
    ],
)
def test_a_file_of_respellings_that_is_wrong_says_where(tmp_path: Path, content: str, complaint: str) -> None:
    path = tmp_path / "names.txt"
    path.write_text(content)
    with pytest.raises(QueryError, match=complaint):
        read_respellings(path)


def test_a_file_of_respellings_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="cannot be read"):
        read_respellings(tmp_path / "none.txt")


@pytest.mark.parametrize(
    ("phones", "log_probability", "origin"),
    [
        ((), 0, "network"),
        ((40,), 0, "network"),
        ((1,), 0.1, "network"),
        ((1,), 0, "guess"),
        ((1,), math.nan, "network"),
    ],
)
def test_impossible_pronunciations_are_refused(phones: tuple[int, ...], log_probability: float, origin: str) -> None:
    with pytest.raises(ValueError, match=r"pronunciation|probability"):
        Pronunciation(phones, log_probability, origin)


def test_importing_loads_no_torch() -> None:
    heavy = "'torch' in sys.modules or 'phonemizer' in sys.modules"
    code = f"import sys, octavo.pipeline.pronouncing.pronunciation; sys.exit({heavy})"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_card_holds_on_words_held_out() -> None:
    if not LEXICON.exists():
        pytest.skip("no ../shared/data/lexicon/cmudict.zip: the lexicon is not part of the project")
    lexicon = read_lexicon(LEXICON)
    words = [word for word in sorted(lexicon) if part_of(word) == "held out"]
    loaded = load_network()
    card = json.loads(loaded.metadata["held_out"])
    assert len(words) == card["words"]
    found = score(loaded.network, lexicon, words[::4])
    assert found.phone_error <= 0.09
    assert found.phone_error == pytest.approx(card["phone_error"], abs=0.006)  # a quarter of the words
    assert found.oracle_phone_error < found.phone_error


# --- the extra ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sounds", "expected"),
    [
        ("h ə l oʊ", "HH AH L OW"),
        ("tʃ ɜː tʃ", "CH ER CH"),
        ("t͡ʃɜːt͡ʃ", "CH ER CH"),
        ("h ɜː ɹ i", "HH ER IY"),
        ("b ʌ ʔ n̩", "B AH T AH N"),
        ("l ɪ ɾ əl", "L IH T AH L"),
        ("ˈf aɪ ɚ", "F AY ER"),
        ("ç", "HH"),
        ("", ""),
    ],
)
def test_ipa_becomes_our_phones(sounds: str, expected: str) -> None:
    assert phone_names(phones_of_ipa(sounds)) == expected


def test_other_languages_keep_their_r() -> None:
    assert phone_names(phones_of_ipa("p e ɾ o", english=False)) == "P EY R OW"


def test_the_script_chooses_the_voice() -> None:
    assert [voice_of(word) for word in ("hello", "Москва", "Αθήνα", "1")] == ["en-us", "ru", "el", "en-us"]


def test_espeak_that_is_not_installed_is_an_error_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    from octavo.pipeline.pronouncing import espeak_phones

    espeak_phones._backend.cache_clear()
    with pytest.raises(ModelError, match=r"octavo\[espeak\]"):
        Pronouncer(espeak=True)
    assert Pronouncer().variants("hello")  # the default goes without


def test_espeak_has_its_say(pronouncer: Pronouncer) -> None:
    if not is_installed():
        pytest.skip('espeak-ng is not installed: pip install "octavo[espeak]"')
    both = Pronouncer(espeak=True)
    assert both.fingerprint != pronouncer.fingerprint
    assert "SH IH V AO N" in names(both.variants("Siobhan"))
    assert names(both.variants("Москва"))[0] == "M AH S K V AA"
    assert {variant.origin for variant in both.variants("Москва")} == {"espeak"}
    for text in ("hello", "E-4304", "call Siobhan"):
        assert sum(math.exp(variant.log_probability) for variant in both.variants(text, 12)) <= 1.001
