"""What a question of a dialogue asks counts in full, what was said before counts less."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.evidence import Evidence, weigh
from octavo.indexes.expand import QueryTerm
from octavo.indexes.explain.scoring import words_of as explained
from octavo.indexes.retrieve import Encoders, find
from octavo.indexes.weighting.emphasis import (
    ASKING,
    BEFORE,
    asking_part,
    carrying,
    emphasised,
    is_code,
    question_vector,
)
from octavo.indexes.weighting.weights import Weights
from octavo.pipeline.embed import Vectors
from octavo.pipeline.encoders.character import CharacterEncoder
from octavo.pipeline.terms import query_stems

from ..library import MANUAL, NOTES, BagOfWords, document, shelf

SPELLING = CharacterEncoder()
TALK = "Thanks, the lamp can be dimmed now. The readings are logged too. And what of misuse and worn seals?"


def asked_vector(question: str, words: Sequence[QueryTerm]) -> Vectors:
    encoder = BagOfWords()
    return question_vector(question, words, encoder.encode_questions([question])[0], encoder)


@pytest.fixture(scope="module")
def kb(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    path: Path = tmp_path_factory.mktemp("shelf") / "kb"
    return shelf(path, document("manual.md", MANUAL), document("notes.md", NOTES))


@pytest.mark.parametrize(
    ("question", "asks"),
    [
        ("What does E-4304 mean?", "What does E-4304 mean?"),
        ("warranty of the pump", "warranty of the pump"),
        ("Hello, I met Dr. Weston. Does the house have a garden?", "Does the house have a garden?"),
        ("I need a room. Does it have a lift? Thank you very much.", "Does it have a lift? Thank you very much."),
        ("Which one? The larger. Does it fit? It must be 3.5 m.", "Does it fit? It must be 3.5 m."),
        ("I want to book a table. Tell me about the parking there", "Tell me about the parking there"),
        ("Is it open?  ...", "Is it open?  ..."),
        ("One more sentence. " * 13, "One more sentence. " * 13),
        ("One more sentence. " * 13 + "Is it open?", "Is it open?"),
        ("我想订一个房间。有停车场吗？", "有停车场吗？"),
        ("", ""),
        ("?!", "?!"),
    ],
)
def test_the_part_that_asks(question: str, asks: str) -> None:
    assert question[asking_part(question) :] == asks


def words_of(question: str) -> list[QueryTerm]:
    return [
        QueryTerm(term.text, ((at, 1.0),), True, term.stop_word) for at, term in enumerate(query_stems(question, []))
    ]


def test_words_said_before_count_less() -> None:
    weights = {word.text: word.emphasis for word in emphasised(TALK, words_of(TALK))}
    assert {text for text, weight in weights.items() if weight == 1} == {"misuse", "worn", "seals"}
    assert set(weights.values()) == {1.0, BEFORE[-1]}


@pytest.mark.parametrize(
    ("question", "count"),
    [
        ("The belt squeaks after roasting. What should I do?", 0),
        ("The belt squeaks after roasting. Is it worn?", 1),
        ("The belt squeaks after roasting. Is the drum worn?", 2),
        ("The belt squeaks after roasting. Is the drum of the roaster worn?", 3),
    ],
)
def test_a_part_that_says_little_leaves_more_to_what_was_said_before(question: str, count: int) -> None:
    words = words_of(question)
    assert carrying(question, words) == count
    weights = {word.text: word.emphasis for word in emphasised(question, words)}
    assert weights["belt"] == BEFORE[min(count, len(BEFORE) - 1)]
    whole, part = BagOfWords().encode_questions([question, question[asking_part(question) :]])
    asking = ASKING[min(count, len(ASKING) - 1)]
    vector = asked_vector(question, words)
    expected = whole + asking * part
    np.testing.assert_allclose(vector, expected / np.linalg.norm(expected), atol=1e-5)


def test_weights_fall_from_all_or_nothing() -> None:
    assert BEFORE[0] == 1
    assert ASKING[0] == 0
    assert list(BEFORE) == sorted(BEFORE, reverse=True)
    assert list(ASKING) == sorted(ASKING)


def test_a_code_counts_wherever_it_is_said() -> None:
    talk = "It shows E-4304 since 2019. Which valve of the boiler is stuck?"
    weights = {word.text: word.emphasis for word in emphasised(talk, words_of(talk))}
    assert weights["e-4304"] == weights["e"] == weights["4304"] == 1
    assert weights["2019"] == weights["shows"] == BEFORE[-1]
    assert [is_code(text) for text in ("e-4304", "r5", "2019", "3.5", "boiler", "")] == [True, True] + [False] * 4


def test_words_written_apart_or_together_are_found_in_the_part_that_asks() -> None:
    words = [QueryTerm("database", ((1, 0.9),), False), QueryTerm("data", ((2, 0.9),), False)]
    assert [one.emphasis for one in emphasised("Hello there. Where is the data base?", words, 0.5)] == [1.0, 1.0]
    assert [one.emphasis for one in emphasised("My data base is full. What now?", words, 0.5)] == [0.5, 0.5]


@given(st.text(alphabet="ab ?.!。é-3\n", max_size=60))
def test_order_and_words_stay_and_one_sentence_changes_nothing(question: str) -> None:
    words = words_of(question)
    made = emphasised(question, words)
    assert [(one.text, one.stems) for one in made] == [(one.text, one.stems) for one in words]
    assert all(one.emphasis in BEFORE for one in made)
    if not set(question) & set("?.!。\n"):
        assert made == words


def raw(evidence: Sequence[Evidence]) -> dict[str, np.ndarray]:
    """Scores as they were before they were divided by the best, by column."""
    made: dict[str, np.ndarray] = {}
    for part in evidence:
        made[part.column] = made.get(part.column, 0) + part.scores * part.best
    return made


def test_emphasis_scales_what_a_word_adds(kb: KnowledgeBase) -> None:
    """Evidence of all words is the sum of the evidence of each, times its emphasis."""
    encoders = Encoders(BagOfWords(), SPELLING)
    with kb.snapshot() as snapshot:
        found = find(TALK, snapshot, encoders, {})
        fixed = find(TALK, snapshot, encoders, {}, weights=Weights.FIXED)
        assert {word.emphasis for word in fixed.words} == {1.0}
        alone = [raw(weigh(found.universe, found.vector, [word], snapshot)) for word in fixed.words]
    together = raw(found.evidence)
    for column in ("words sentence", "words 425", "words paragraph", "words document"):
        expected = np.sum([own[column] * word.emphasis for own, word in zip(alone, found.words, strict=True)], axis=0)
        np.testing.assert_allclose(together[column], expected, rtol=1e-4, atol=1e-5)


def test_chatter_does_not_drown_the_question(kb: KnowledgeBase) -> None:
    encoders = Encoders(BagOfWords(), SPELLING)
    with kb.snapshot() as snapshot:
        best = {}
        for weights in Weights:
            found = find(TALK, snapshot, encoders, {}, weights=weights)
            at = int(raw(found.evidence)["words paragraph"].argmax())
            best[weights] = found.universe.spans.labels[int(found.universe.section[at])]
    assert best == {Weights.FIXED: "Release 1", Weights.QUERY: "Warranty"}


def test_a_question_that_asks_as_a_whole_is_encoded_as_a_whole() -> None:
    for question in ("worn seals?", "worn seals? What of these?"):
        vector = asked_vector(question, words_of(question))
        np.testing.assert_array_equal(vector, BagOfWords().encode_one(question))


def test_an_explanation_says_what_each_word_counted(kb: KnowledgeBase) -> None:
    with kb.snapshot() as snapshot:
        found = find(TALK, snapshot, Encoders(BagOfWords(), SPELLING), {})
        told = {word.text: word.to_json()["emphasis"] for word in explained(TALK, found, None)}
    assert told["seals"] == 1
    assert told["lamp"] == BEFORE[-1]
