"""Which of the terms that the character index proposes stand for a word of a question."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from octavo.indexes.expand import CONFUSABLE_SIMILARITY, LEAST_LIKELY, expand, judge, similarity
from octavo.pipeline.encoders.character import CharacterEncoder
from octavo.pipeline.encoders.likeness import Likeness

from .library import MANUAL, document, shelf

LETTERS = Likeness((0.0, 0.0, 0.0, 8.0, 0.0, 0.0, 0.0, 0.0, -5.0))
"""A single term has even odds at five letters of eight."""


class Judging(CharacterEncoder):
    """Proposes as the hashed encoder does, and decides."""

    fingerprint = CharacterEncoder.fingerprint
    likeness = LETTERS  # type: ignore[assignment]


def test_figures_are_for_letters_alone_to_decide() -> None:
    terms, near = ["e-4304", "e-4305", "e4304", "pump"], np.array([0.9, 0.99, 0.8, 0.1])
    assert judge("e-43o4", terms, near, LETTERS) == [CONFUSABLE_SIMILARITY, 0, CONFUSABLE_SIMILARITY, 0]
    assert judge("pumb", ["pump", "pum8"], np.array([0.9, 0.9]), LETTERS)[1] == pytest.approx(CONFUSABLE_SIMILARITY)


def test_likeness_decides_among_words() -> None:
    terms = ["warranty", "warrant", "boiler"]
    judged = judge("waranty", terms, np.array([0.9, 0.8, 0.1]), LETTERS)
    assert judged[0] > judged[1] > 0
    assert judged[2] == 0
    assert all(one == 0 or one >= LEAST_LIKELY for one in judged)
    assert judge("waranty", [], np.empty(0), LETTERS) == []


def test_short_words_are_not_guessed_at() -> None:
    assert judge("pmp", ["pump"], np.array([0.99]), LETTERS) == [0]


class LatinAlone:
    """Knows no other letters."""

    def reads(self, word: str) -> bool:
        return word.isascii()

    def __call__(self, word: str, terms: Sequence[str]) -> npt.NDArray[np.float64]:
        return np.zeros(len(terms))


def test_of_letters_that_it_does_not_know_likeness_does_not_judge() -> None:
    terms, near = ["гарантия", "гараж"], np.array([0.9, 0.8])
    judged = judge("гарантыя", terms, near, Likeness(LETTERS.weights, LatinAlone()))
    assert judged == [similarity("гарантыя", "гарантия"), 0]


def test_chances_of_one_stem_add_up(tmp_path: Path) -> None:
    with shelf(tmp_path / "kb", document("manual.md", "Both pumps leak. One pump is new.")) as kb:
        with kb.snapshot() as snapshot:
            found = {term.text: term for term in expand("pumpp", snapshot, Judging())}
        singly = judge("pumpp", ["pump", "pumps"], np.zeros(2), LETTERS)
        assert min(singly) > 0.2
        assert found["pumpp"].stems[0][1] > max(singly) + 0.2


@pytest.mark.parametrize("encoder", [CharacterEncoder(), Judging()])
def test_an_unknown_word_gets_neighbours_and_a_known_one_none(encoder: CharacterEncoder, tmp_path: Path) -> None:
    with shelf(tmp_path / "kb", document("manual.md", MANUAL)) as kb, kb.snapshot() as snapshot:
        found = {term.text: term for term in expand("does the waranty cover the boiler", snapshot, encoder)}
        assert found["boiler"].exact
        assert not found["waranty"].exact
        stem, weight = found["waranty"].stems[0]
        assert snapshot.stem_ids(["warranti"]) == [stem]
        assert 0 < weight < 1
