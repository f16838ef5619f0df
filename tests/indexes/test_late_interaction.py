"""Single words of a question against single words of the text, against brute force."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.evidence import WINDOW_CHARACTERS, rarity
from octavo.indexes.found import Found
from octavo.indexes.late_interaction import TOKEN, _Maxima, piece_weights
from octavo.indexes.retrieve import Encoders, find, retrieve
from octavo.indexes.store.snapshot import Snapshot
from octavo.pipeline.encoders.character import CharacterEncoder
from octavo.pipeline.scale import PARAGRAPH, SECTION, SENTENCE
from octavo.pipeline.terms import terms

from .library import MANUAL, NOTES, BagOfWords, MeaningOfWords, document, shelf

SPELLING = CharacterEncoder()
QUESTION = "Hello, the lamp is fine. What does the guarantee cover for the pump?"
BILL = "\n# Release 0\nEvery bill of ours is sent by post.\n"


@pytest.fixture(scope="module")
def kb(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    path: Path = tmp_path_factory.mktemp("shelf") / "kb"
    return shelf(
        path,
        document("manual.md", MANUAL),
        document("notes.md", NOTES + "\n# Release 0\nEvery bill of ours is sent by post.\n"),
        encoder=MeaningOfWords(),
    )


def found_for(question: str, snapshot: Snapshot) -> Found:
    return find(question, snapshot, Encoders(MeaningOfWords(), SPELLING), {})


def test_every_column_equals_brute_force(kb: KnowledgeBase) -> None:
    encoder = MeaningOfWords()
    with kb.snapshot() as snapshot:
        found = found_for(QUESTION, snapshot)
        universe = found.universe
        _, asked = encoder.read_question(QUESTION)
        weights = piece_weights(QUESTION, asked.places, found.words, snapshot)
        states = snapshot.token_states(universe.spans.id[universe.sentence])

        def score(rows: np.ndarray) -> float:
            total = 0.0
            for weight, vector in zip(weights, asked.states, strict=True):
                cosines = [states.nearest(vector[None])[row, 0] for row in rows.tolist()]
                total += weight * max(cosines)
            return total / float(weights.sum())

        here = np.arange(len(universe))
        runs = {SENTENCE: here[:, None]}
        expected = {f"tokens {SENTENCE}": np.array([score(rows) for rows in runs[SENTENCE]])}
        for characters in WINDOW_CHARACTERS:
            edges = zip(*universe.windows(characters), strict=True)
            expected[f"tokens {characters}"] = np.array([score(np.arange(first, last)) for first, last in edges])
        for scale, holder in ((PARAGRAPH, universe.paragraph), (SECTION, universe.section)):
            expected[f"tokens {scale}"] = np.array([score(here[holder == holder[row]]) for row in here])
    columns = {part.column: part for part in found.evidence if part.credit == TOKEN}
    assert columns.keys() == expected.keys()
    for name, scores in expected.items():
        above = scores - scores.min()
        np.testing.assert_allclose(columns[name].scores, above / max(above.max(), 1e-12), atol=1e-4)
        assert columns[name].best == pytest.approx(above.max(), abs=1e-5)


def test_a_word_of_the_same_meaning_speaks_for_a_place(kb: KnowledgeBase) -> None:
    question = "bill"  # stands in the notes, and means what the manual calls an invoice
    with kb.snapshot() as snapshot:
        hits = retrieve(question, snapshot, Encoders(MeaningOfWords(), SPELLING), k=10).hits
        without = retrieve(question, snapshot, Encoders(BagOfWords(), SPELLING), k=10).hits
    shares = {hit.text: hit.contributions.get(TOKEN, 0.0) for hit in hits}
    invoice = next(share for text, share in shares.items() if "invoice" in text)
    assert invoice > max(share for text, share in shares.items() if "invoice" not in text and "bill" not in text)
    assert all(TOKEN not in hit.contributions for hit in without)
    for hit in hits:
        assert sum(hit.contributions.values()) == pytest.approx(hit.score, abs=1e-5)


def test_rare_words_weigh_more_and_what_was_said_before_less(kb: KnowledgeBase) -> None:
    with kb.snapshot() as snapshot:
        found = found_for(QUESTION, snapshot)
        places = np.array([(term.start, term.stop) for term in terms(QUESTION)], np.int64)
        weights = piece_weights(QUESTION, places, found.words, snapshot).tolist()
        by_text = {QUESTION[start:stop]: weight for (start, stop), weight in zip(places, weights, strict=True)}
        expected = {word.text: word.emphasis for word in found.words}
        _, idf = rarity(found.words, snapshot)
    by_word = dict(zip((word.text for word in found.words), idf.tolist(), strict=True))
    assert by_text["guarantee"] == by_text["the"] == by_text["does"] == 0  # not held; no meaning
    assert by_text["cover"] == pytest.approx(by_word["cover"])
    assert expected["lamp"] < 1
    assert by_text["lamp"] == pytest.approx(by_word["lamp"] * expected["lamp"])


def test_a_question_of_nothing_known_has_no_columns(kb: KnowledgeBase) -> None:
    with kb.snapshot() as snapshot:
        found = found_for("What of the guarantee?", snapshot)
    assert all(part.credit != TOKEN for part in found.evidence)


def test_other_token_states_are_not_compared(kb: KnowledgeBase) -> None:
    class Others(MeaningOfWords):
        token_fingerprint = "others"

    with kb.snapshot() as snapshot:
        found = find(QUESTION, snapshot, Encoders(Others(), SPELLING), {})
    assert all(part.credit != TOKEN for part in found.evidence)


@given(
    rows=st.lists(st.lists(st.integers(-9, 9), min_size=2, max_size=2), min_size=1, max_size=40),
    data=st.data(),
)
def test_maxima_over_runs_by_brute_force(rows: list[list[int]], data: st.DataObject) -> None:
    table = np.array(rows, np.float32)
    runs = data.draw(
        st.lists(
            st.tuples(st.integers(0, len(rows) - 1), st.integers(1, len(rows))).map(
                lambda run: (run[0], min(run[0] + run[1], len(rows)))
            ),
            min_size=1,
            max_size=10,
        )
    )
    first, last = np.array(runs).T
    found = _Maxima(table).of(first, last)
    for row, (start, stop) in zip(found, runs, strict=True):
        assert row.tolist() == table[start:stop].max(axis=0).tolist()
