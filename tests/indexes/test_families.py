"""Words of the family of a question's words, found again from the texts alone."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from octavo.indexes import families
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.evidence import by_words, gather
from octavo.indexes.expand import QueryTerm, expand
from octavo.indexes.explain.scoring import Neighbour, Word
from octavo.indexes.explain.view import _words
from octavo.indexes.families import BANDS, SHARED, WEIGHT, Band, Relatives, family_of, likeness
from octavo.indexes.store.bm25 import BM25_B, BM25_K1
from octavo.indexes.store.snapshot import Snapshot
from octavo.pipeline.encoders.character import CharacterEncoder
from octavo.pipeline.scale import PARAGRAPH
from octavo.pipeline.stems import stem
from octavo.pipeline.terms import terms
from rich.console import Console

from .library import MANUAL, BagOfWords, document, encoded, shelf

TRAVEL = """# Travel
Austria has many mountains. The Austrian railway runs on time, and Austrians walk.

# Money
The economy grows slowly. Economists say that economic growth is low. An economical car saves fuel.

# Guests
Tourists come in summer. A tourist pays a fee. Fees are low. Austria earns by it.
"""
QUESTION = "Does Austria live by economics and austrianness of tourists?"


@pytest.fixture(scope="module")
def kb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KnowledgeBase]:
    folder = tmp_path_factory.mktemp("families") / "kb"
    with shelf(folder, document("travel.md", TRAVEL), document("manual.md", MANUAL)) as opened:
        yield opened


@pytest.fixture
def snapshot(kb: KnowledgeBase) -> Iterator[Snapshot]:
    with kb.snapshot() as opened:
        yield opened


def dice(one: str, other: str) -> float:
    """Counted by hand, letter by letter."""
    pieces = [
        {
            word[at : at + size]
            for word in (f"^{text}$",)
            for at in range(len(word))
            for size in (2, 3)
            if at + size <= len(word)
        }
        for text in (one, other)
    ]
    shared = [piece for piece in pieces[0] if piece in pieces[1]]
    return 2 * len(shared) / sum(map(len, pieces))


def bags(snapshot: Snapshot) -> list[Counter[str]]:
    """Stems of every paragraph, from its text."""
    spans = snapshot.between(snapshot.ranges())
    rows = np.flatnonzero(spans.rank == PARAGRAPH.rank).tolist()
    texts = [snapshot.text(int(spans.content[at]), int(spans.start[at]), int(spans.stop[at])) for at in rows]
    return [Counter(stem(term.text, "en") for term in terms(text)) for text in texts]


def slow(word: str, paragraphs: list[Counter[str]]) -> list[tuple[dict[str, float], int]]:
    """Bands of a word: every stem of every text is looked at."""
    own = stem(word, "en")
    every = {one for bag in paragraphs for one in bag if one[:SHARED] == own[:SHARED] and one != own}
    frequency, bands = sum(own in bag for bag in paragraphs), []
    for upper, least in zip((2.0, *BANDS), BANDS, strict=False):
        near = {one: dice(own, one) for one in every if least <= dice(own, one) < upper}
        frequency += sum(one in bag for one in near for bag in paragraphs)
        if near:
            bands.append((near, min(frequency, len(paragraphs))))
    return bands


def test_families_are_those_of_the_texts(snapshot: Snapshot) -> None:
    paragraphs = bags(snapshot)
    stems = sorted({one for bag in paragraphs for one in bag})
    names = dict(zip(snapshot.stem_ids(stems), stems, strict=True))
    words = {word.text: word for word in expand(QUESTION, snapshot, CharacterEncoder())}
    assert {"austria", "economics", "tourists"} <= {text for text, word in words.items() if word.family or word.exact}
    for text in ("austria", "economics", "economy", "tourists", "live", "rinsed", "warranty"):
        own = snapshot.stem_ids([stem(text, "en")])
        found = family_of(text, [stem(text, "en")], [one for one in own if one is not None], snapshot)
        expected = slow(text, paragraphs)
        assert [band.frequency for band in found] == [frequency for _, frequency in expected]
        for band, (alike, _) in zip(found, expected, strict=True):
            assert {names[one]: value for one, value in band.stems} == pytest.approx(alike)
    assert slow("austria", paragraphs)[0][0].keys() == {"austrian"}


def test_scores_are_those_of_the_best_band(snapshot: Snapshot) -> None:
    """BM25 of paragraphs with their families, once more from the texts."""
    words = expand(QUESTION, snapshot, CharacterEncoder())
    vector = BagOfWords().encode_questions([QUESTION])[0]
    universe = gather(vector, words, snapshot, None, 1)
    found = [part for part in by_words(universe, words, snapshot) if part.column == f"words {PARAGRAPH}"]
    made = np.sum([part.scores * part.best for part in found], axis=0)
    without = [QueryTerm(word.text, word.stems, word.exact, word.stop_word) for word in words if word.stems]
    bare = [part for part in by_words(universe, without, snapshot) if part.column == f"words {PARAGRAPH}"]
    plain = np.sum([part.scores * part.best for part in bare], axis=0)
    paragraphs, rows = bags(snapshot), np.unique(universe.paragraph, return_inverse=True)[1]
    assert len(paragraphs) == rows.max() + 1  # so small a shelf comes into question as a whole
    mean = np.mean([bag.total() for bag in paragraphs])

    def bm25(count: int, frequency: int, bag: Counter[str]) -> float:
        idf = np.log(1 + (len(paragraphs) - frequency + 0.5) / (frequency + 0.5))
        norm = BM25_K1 * (1 - BM25_B + BM25_B * bag.total() / mean)
        return float(idf * count * (BM25_K1 + 1) / (count + norm))

    gains = []
    for bag in paragraphs:
        gain = 0.0
        for word in words:
            if word.stop_word or not (word.exact or word.family):
                continue
            own = bm25(bag[stem(word.text, "en")], sum(stem(word.text, "en") in one for one in paragraphs), bag)
            best = own
            for near, frequency in slow(word.text, paragraphs):
                mean_likeness = sum(one * one for one in near.values()) / sum(near.values())
                count = sum(bag[one] for one in near)
                best = max(best, WEIGHT * mean_likeness * bm25(count, frequency, bag))
            gain += best - own
        gains.append(gain)
    assert max(gains) > 0.1
    np.testing.assert_allclose(made - plain, np.array(gains)[rows], atol=1e-5)


def test_a_word_known_by_its_family_alone_finds_it(snapshot: Snapshot) -> None:
    (word,) = expand("railroads", snapshot, CharacterEncoder())
    assert (word.stems, word.exact, len(word.family)) == ((), False, 1)
    universe = gather(BagOfWords().encode_questions(["railroads"])[0], [word], snapshot, None, 1)
    scores = next(
        part for part in by_words(universe, [word], snapshot) if part.column == "words sentence" and part.scores.any()
    )
    assert scores.credit == "character"
    best = int(scores.scores.argmax())
    text = snapshot.text(int(universe.content[best]), int(universe.start[best]), int(universe.stop[best]))
    assert "railway" in text


@pytest.mark.parametrize("word", ["fee", "e-4304", "4305", "zyklop"])
def test_short_words_codes_and_strangers_have_no_family(word: str, snapshot: Snapshot) -> None:
    assert family_of(word, [word], [], snapshot) == ()


def test_of_many_that_begin_alike_those_count_that_share_more(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = [one for one in snapshot.stem_ids(["economi"]) if one is not None]
    assert sorted(text for _, text in snapshot.stems_from("eco", 10)) == ["econom", "economi", "economist"]
    every = family_of("economy", ["economi"], held, snapshot)
    assert len([stem for band in every for stem, _ in band.stems]) == 2
    monkeypatch.setattr(families, "MOST", 2)  # "economic" and "economists" share seven letters with it
    assert family_of("economy", ["economi"], held, snapshot) == every
    monkeypatch.setattr(families, "MOST", 1)
    assert family_of("economy", ["economi"], held, snapshot) == ()


def test_an_earlier_generation_knows_its_own_families(tmp_path: Path) -> None:
    with shelf(tmp_path / "kb", document("travel.md", TRAVEL)) as kb:
        with kb.snapshot() as now:
            before = expand(QUESTION, now, CharacterEncoder())
        with kb.writer() as writer:
            writer.add(
                encoded(document("more.md", "Austrias economist and economize. Touristic."), BagOfWords()),
                "shelf",
                1,
                1,
            )
            writer.commit({"action": "ingest"})
        with kb.snapshot(1) as then, kb.snapshot() as now:
            assert expand(QUESTION, then, CharacterEncoder()) == before
            assert expand(QUESTION, now, CharacterEncoder()) != before


@given(st.text("abcdef", min_size=1, max_size=9), st.text("abcdef", min_size=1, max_size=9))
def test_likeness(one: str, other: str) -> None:
    assert likeness(one, other) == pytest.approx(dice(one, other)) == likeness(other, one)
    assert (likeness(one, one), 0 <= likeness(one, other) <= 1) == (1, True)


def test_a_stem_of_two_families_counts_in_both() -> None:
    words = [
        QueryTerm("a", ((1, 1.0),), True, family=(Band(((7, 0.8), (8, 0.5)), 3), Band(((9, 0.4),), 4))),
        QueryTerm("b", ((2, 1.0),), True, emphasis=0.5, family=(Band(((8, 0.5),), 2),)),
    ]
    relatives = Relatives(words)
    tokens, owner = np.array([8, 9, 8, 1, 7, 3]), np.array([0, 0, 0, 1, 1, 1])
    assert relatives.counts(tokens, owner, 3).tolist() == [[2, 1, 2], [1, 0, 0], [0, 0, 0]]
    assert relatives.weight[2] == pytest.approx(WEIGHT * 0.5 * 0.5)
    own, bands = np.array([[1.0, 0.0]]), np.array([[0.5, 3.0, 2.0]])
    assert relatives.gain(own, bands).tolist() == [4.0]
    assert Relatives([]).gain(np.ones((2, 0)), np.ones((2, 0))).tolist() == [0, 0]


def test_explanations_name_the_relatives_that_stand_there() -> None:
    word = Word(
        "austria", "exact", stands_for=(Neighbour(("austria",), 1.0),), family=(Neighbour(("austrian",), 0.81),)
    )
    assert word.to_json()["family"] == [{"terms": ["austrian"], "similarity": 0.81}]
    shown = Console(width=120, record=True, file=io.StringIO())
    shown.print(_words([word, Word("austrianness", "family", family=word.family)]))
    text = shown.export_text()
    assert "itself; here austrian 0.81" in text
    assert "words of its family alone; here austrian 0.81" in text
