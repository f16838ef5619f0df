"""Recall of gold characters on the Chroma chunking benchmark must not fall. Skipped where the data is absent."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.intake import take_in
from octavo.pipeline.encoders.character import character_encoder
from octavo.pipeline.encoders.text import TextEncoder

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "chroma"
LEAST = {1600: 80.0, 3200: 89.0}
"""Recall in percent by budget in characters. The questions were never used to choose a setting."""


@pytest.mark.skipif(not DATA.is_dir(), reason="the Chroma chunking benchmark is not beside the repository")
def test_recall_at_equal_budgets(tmp_path: Path) -> None:
    with open(DATA / "questions_df.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found = dict.fromkeys(LEAST, 0.0)
    with KnowledgeBase.open(tmp_path / "kb", create=True, term_encoder=character_encoder()) as kb:
        taken = list(take_in(kb, sorted(DATA.glob("*.md")), TextEncoder()))
        assert all(one.done for one in taken)
        for row in rows:
            gold = {
                place
                for reference in json.loads(row["references"])
                for place in range(reference["start_index"], reference["end_index"])
            }
            for budget in LEAST:
                hits = [hit.citation for hit in kb.search(row["question"], budget=budget).hits]
                assert sum(cited.stop - cited.start for cited in hits) <= budget
                cited = {
                    place
                    for one in hits
                    if Path(one.source.uri).stem == row["corpus_id"]
                    for place in range(one.start, one.stop)
                }
                found[budget] += len(gold & cited) / len(gold)
    for budget, least in LEAST.items():
        assert 100 * found[budget] / len(rows) >= least
