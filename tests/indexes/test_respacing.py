"""Words written together or apart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.expand import RESPACED, expand
from octavo.indexes.respacing import joined, parted
from octavo.pipeline.encoders.character import CharacterEncoder

from .library import MANUAL, NOTES, document, shelf


@pytest.fixture(scope="module")
def kb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KnowledgeBase]:
    folder = tmp_path_factory.mktemp("respacing") / "kb"
    with shelf(folder, document("manual.md", MANUAL), document("notes.md", NOTES)) as opened:
        yield opened


def words(question: str, kb: KnowledgeBase) -> dict[str, tuple[float, bool]]:
    with kb.snapshot() as snapshot:
        found = expand(question, snapshot, CharacterEncoder())
        return {term.text: (term.stems[0][1], term.exact) for term in found if term.stems}


def test_two_words_that_are_one(kb: KnowledgeBase) -> None:
    with kb.snapshot() as snapshot:
        assert [pair for pair, _ in joined("where is the data base of recipes", snapshot)] == ["database"]
        assert joined("database of recipes", snapshot) == []
    assert words("the data base", kb)["database"] == (RESPACED, False)


def test_one_word_that_is_two(kb: KnowledgeBase) -> None:
    with kb.snapshot() as snapshot:
        found = parted(["pumpvalve", "citricacid", "warranty"], snapshot)
        assert {word: [part for part, _ in parts] for word, parts in found.items()} == {
            "pumpvalve": ["pump", "valve"],
            "citricacid": ["citric", "acid"],
        }
    assert words("how much citricacid", kb)["acid"] == (RESPACED, False)


def test_codes_are_left_alone(kb: KnowledgeBase, tmp_path: Path) -> None:
    with kb.snapshot() as snapshot:
        assert parted(["4304pump", "e-4304"], snapshot) == {}
        assert joined("4304 4305", snapshot) == []
