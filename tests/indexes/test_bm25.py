"""What a match of a word is worth."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from octavo.indexes.evidence import rarity
from octavo.indexes.expand import expand
from octavo.indexes.store.bm25 import inverse_document_frequency
from octavo.pipeline.encoders.character import CharacterEncoder

from .library import MANUAL, document, shelf


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_a_match_is_always_worth_something(frequency: int, paragraphs: int) -> None:
    worth = float(inverse_document_frequency(frequency, paragraphs))
    assert worth > 0
    if frequency <= paragraphs:
        assert worth == pytest.approx(math.log(1 + (paragraphs - frequency + 0.5) / (frequency + 0.5)))


def test_a_word_of_many_deleted_paragraphs_speaks_for_those_that_are_left(tmp_path: Path) -> None:
    """Until compaction it is held by more paragraphs than are live."""
    gone = "\n\n".join(f"# Part {part}\nThe boiler of part {part} is hot." for part in range(40))
    with shelf(tmp_path / "kb", document("manual.md", MANUAL), document("gone.md", gone)) as base:
        with base.writer() as writer:
            writer.remove("/shelf/gone.md")
            writer.commit({"action": "delete"})
        with base.snapshot() as snapshot:
            (boiler,) = expand("boiler", snapshot, CharacterEncoder())
            frequency, worth = rarity([boiler], snapshot)
            assert frequency[0] > snapshot.paragraphs
    assert worth[0] > 0
