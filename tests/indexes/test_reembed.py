"""Vectors of words made anew: refused before, answered by the old generation meanwhile, in place afterwards."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from octavo.indexes import reembed
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.reembed import reembed_terms
from octavo.indexes.retrieve import Encoders, find
from octavo.indexes.store.snapshot import Snapshot
from octavo.pipeline.embed import Vectors
from octavo.pipeline.encoders.character import CharacterEncoder
from octavo.pipeline.errors import FingerprintMismatch
from octavo.pipeline.scale import CHARACTER

from .library import MANUAL, NOTES, BagOfWords, document, shelf


class Newer(CharacterEncoder):
    """Another encoder: the same numbers in another order."""

    fingerprint = "newer-1"

    def encode(self, terms: object) -> Vectors:
        return np.ascontiguousarray(super().encode(terms)[:, ::-1])  # type: ignore[arg-type]


def stems_of(question: str, snapshot: Snapshot, encoders: Encoders) -> list[tuple[tuple[int, float], ...]]:
    """What a question's words stand for."""
    return [term.stems for term in find(question, snapshot, encoders, {}).words]


@pytest.fixture
def base(tmp_path: Path) -> KnowledgeBase:
    return shelf(tmp_path / "kb", document("manual.md", MANUAL), document("notes.md", NOTES))


def test_reembed(base: KnowledgeBase, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = Encoders(BagOfWords(), CharacterEncoder()), Encoders(BagOfWords(), Newer())
    question = "where is the thermostaat"
    with base.snapshot() as before:
        first = stems_of(question, before, old)
        assert any(weight < 1 for stems in first for _, weight in stems)
        with pytest.raises(FingerprintMismatch, match="octavo reembed --scale character"):
            stems_of(question, before, new)
        monkeypatch.setattr(reembed, "character_encoder", Newer)
        done = reembed_terms(base.path, "character")
        assert done.made
        assert "newer-1" in str(done)
        assert stems_of(question, before, old) == first, "whoever holds the old generation goes on"
    with base.snapshot() as after:
        assert after.generation == done.generation == before.generation + 1
        assert after.fingerprint(CHARACTER) == "newer-1"
        assert stems_of(question, after, new) == first
        with pytest.raises(FingerprintMismatch):
            stems_of(question, after, old)
    assert base.verify().clean
    again = reembed_terms(base.path, "character")
    assert not again.made
    assert again.generation == done.generation
    assert "already" in str(again)


def test_the_next_write_renews_too(base: KnowledgeBase) -> None:
    with KnowledgeBase.open(base.path, term_encoder=Newer()) as opened, opened.writer() as writer:
        assert writer.renew_terms() == ["character"]
        writer.commit()
        assert writer.renew_terms() == []
    with base.snapshot() as after:
        assert after.fingerprint(CHARACTER) == "newer-1"
