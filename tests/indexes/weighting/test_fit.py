"""Made dialogues, and what weights reach on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.confidence.training_questions import Paraphraser, TrainingQuestion
from octavo.indexes.retrieve import Encoders
from octavo.indexes.weighting.dialogues import DialogueMaker, strangers, telling_words
from octavo.indexes.weighting.emphasis import asking_part
from octavo.indexes.weighting.fit import BUDGETS, FIXED, PAIRS, Reached, reached, table
from octavo.pipeline.encoders.character import CharacterEncoder

from ..library import MANUAL, NOTES, BagOfWords, document, shelf

STORY = (
    "The lighthouse keeper counted seventeen grey herons beside the frozen harbour before breakfast on Sunday."
    " Nobody believed him afterwards, because herons never winter near the harbour of that northern village.\n"
)
CHATTER = ("The chaff of the mill was swept into the river by two tired men.",)


@pytest.fixture(scope="module")
def kb(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    path: Path = tmp_path_factory.mktemp("shelf") / "kb"
    return shelf(path, document("manual.md", MANUAL), document("notes.md", NOTES), document("story.md", STORY))


def made(kb: KnowledgeBase, count: int, seed: int = 0) -> list[TrainingQuestion]:
    with kb.snapshot() as snapshot:
        paraphraser = Paraphraser.of(snapshot, BagOfWords())
        generator = np.random.default_rng(seed)
        return DialogueMaker(snapshot, paraphraser, generator, CHATTER, telling_words(snapshot)).dialogues(count)


def test_dialogues_ask_last_and_are_always_the_same(kb: KnowledgeBase) -> None:
    dialogues = made(kb, 20)
    assert dialogues == made(kb, 20)
    assert dialogues != made(kb, 20, seed=1)
    assert all(0 < asking_part(one.text) < len(one.text) for one in dialogues)
    assert any("chaff" in one.text for one in dialogues)


def test_telling_words_stand_in_their_source_alone(kb: KnowledgeBase) -> None:
    with kb.snapshot() as snapshot:
        told = list(telling_words(snapshot).values())
        assert len(strangers(snapshot, np.random.default_rng(0), 5)) == 5
    assert any("herons" in words for words in told)
    assert len({word for words in told for word in words}) == sum(map(len, told))


def test_what_pairs_of_weights_reach(kb: KnowledgeBase) -> None:
    dialogues = made(kb, 6)
    with kb.snapshot() as snapshot:
        shares, words = zip(*reached(dialogues, snapshot, Encoders(BagOfWords(), CharacterEncoder())), strict=True)
    assert all(0 <= count <= 8 for count in words)
    found = np.array(shares)
    assert found.shape == (6, len(PAIRS), len(BUDGETS))
    assert (found >= 0).all()
    assert (found <= 1).all()
    assert (np.diff(found, axis=2) >= -1e-9).all(), "more characters hold no less"


def test_the_table_names_what_is_best_on_the_other_shelves() -> None:
    values = np.zeros((4, len(PAIRS), len(BUDGETS)))
    values[:, 6] = 0.75
    values[:, PAIRS.index(FIXED)] = 0.5
    own = Reached(values, np.array([0, 1, 2, 3]))
    lines = list(table({"a": [own, own], "b": [own, own]}))
    before, asking = PAIRS[6]
    assert f"| {before:g} | {asking:g} | 75.0 ± 0.0 | 75.0 ± 0.0 | 75.0 ± 0.0 |" in lines
    assert "| before | asking | none (4) | 1 (4) | 2 (4) | 3 or 4 (4) | more (0) |" in lines
    assert f"| b | {before:g}, {asking:g} | 50.0 | 75.0 |" in lines
