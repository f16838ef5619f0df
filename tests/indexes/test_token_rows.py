"""Token states in the catalog: of all sentences or of none."""

from __future__ import annotations

from pathlib import Path

import apsw
import numpy as np
import pytest
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.store.catalog import NAME, Catalog
from octavo.indexes.store.token_rows import token_faults
from octavo.pipeline.scale import SENTENCE
from octavo.pipeline.token_states import read

from .library import MANUAL, NOTES, BagOfWords, MeaningOfWords, document, encoded, shelf

MANUAL_MD, NOTES_MD = document("manual.md", MANUAL), document("notes.md", NOTES)


def rows(kb: KnowledgeBase) -> int:
    catalog = Catalog(kb.path / NAME, "read")
    try:
        return int(catalog.value("SELECT count(*) FROM token_states"))
    finally:
        catalog.close()


def sentences(kb: KnowledgeBase) -> int:
    with kb.snapshot() as snapshot:
        return int((snapshot.between(snapshot.ranges()).rank == SENTENCE.rank).sum())


def add(kb: KnowledgeBase, encoder: BagOfWords) -> None:
    with kb.writer() as writer:
        writer.add(encoded(NOTES_MD, encoder), "shelf", 1, 1)
        writer.commit({"action": "ingest"})


def test_what_is_kept_comes_back_in_order(tmp_path: Path) -> None:
    encoder = MeaningOfWords()
    kb = shelf(tmp_path / "kb", MANUAL_MD, encoder=encoder)
    with kb.snapshot() as snapshot:
        assert snapshot.token_fingerprint == encoder.token_fingerprint
        spans = snapshot.between(snapshot.ranges())
        own = spans.take(np.flatnonzero(spans.rank == SENTENCE.rank))
        states = snapshot.token_states(own.id)
        texts = snapshot.texts(own)
    assert len(states) == len(texts) == rows(kb)
    for number, text in enumerate(texts):
        words = "".join(one if one.isalnum() else " " for one in text).split()
        kept = read(states.codes[states.bounds[number] : states.bounds[number + 1]])
        np.testing.assert_allclose(kept, encoder.states(words), atol=3e-3)
    assert kb.verify().clean


def test_text_of_before_has_none_and_nothing_begins_half_way(tmp_path: Path) -> None:
    kb = shelf(tmp_path / "kb", MANUAL_MD, encoder=BagOfWords())
    add(kb, MeaningOfWords())
    with kb.snapshot() as snapshot:
        assert snapshot.token_fingerprint == ""
    assert rows(kb) == 0
    assert kb.verify().clean


@pytest.mark.parametrize("fingerprint", ["others", None])
def test_text_with_others_or_none_ends_it(tmp_path: Path, fingerprint: str | None) -> None:
    class Others(MeaningOfWords):
        token_fingerprint = fingerprint or ""

    kb = shelf(tmp_path / "kb", MANUAL_MD, encoder=MeaningOfWords())
    add(kb, Others() if fingerprint else BagOfWords())
    assert rows(kb) == 0
    with kb.snapshot() as snapshot:
        assert snapshot.token_fingerprint == ""
    with kb.snapshot(1) as snapshot:  # an earlier commit, whose rows are gone
        assert len(snapshot.token_states(np.array([1], np.int64)).codes) == 0
    assert kb.verify().clean
    with kb.writer() as writer:
        assert writer.renew_text(MeaningOfWords())
        writer.commit({"action": "reembed"})
    assert rows(kb) == sentences(kb)


def test_encoding_anew_begins_to_keep_them(tmp_path: Path) -> None:
    kb = shelf(tmp_path / "kb", MANUAL_MD, NOTES_MD, encoder=BagOfWords())
    for made in (True, False):
        with kb.writer() as writer:
            assert writer.renew_text(MeaningOfWords()) is made
            writer.commit({"action": "reembed"})
    assert rows(kb) == sentences(kb)
    with kb.snapshot() as snapshot:
        assert snapshot.token_fingerprint == MeaningOfWords.token_fingerprint
    with kb.writer() as writer:
        assert writer.renew_text(BagOfWords())
        writer.commit({"action": "reembed"})
    assert rows(kb) == 0
    assert kb.verify().clean


def test_an_emptied_knowledge_base_begins_anew(tmp_path: Path) -> None:
    kb = shelf(tmp_path / "kb", MANUAL_MD, encoder=MeaningOfWords())
    kb.delete(["/shelf/manual.md"])
    assert rows(kb) > 0
    kb.compact()
    assert rows(kb) == 0
    add(kb, BagOfWords())
    with kb.snapshot() as snapshot:
        assert snapshot.token_fingerprint == ""
    assert kb.verify().clean


def test_what_fails_leaves_none(tmp_path: Path) -> None:
    class Fails(MeaningOfWords):
        def encode(self, documents):  # type: ignore[no-untyped-def]
            yield next(super().encode(documents))
            raise OSError("the disk is full")

    kb = shelf(tmp_path / "kb", MANUAL_MD, encoder=MeaningOfWords())
    before = rows(kb)
    with kb.writer() as writer:
        with pytest.raises(OSError, match="full"):
            writer.add(encoded(NOTES_MD, Fails()), "shelf", 1, 1)
        writer.commit({"action": "ingest"})
    assert rows(kb) == before


@pytest.mark.parametrize(
    ("sql", "fault"),
    [
        ("DELETE FROM token_states WHERE span_id = (SELECT max(span_id) FROM token_states)", "1 sentences have no"),
        ("UPDATE token_states SET codes = x'00' WHERE span_id = (SELECT min(span_id) FROM token_states)", "no whole"),
        ("INSERT INTO token_states VALUES (99999, x'')", "1 token states belong to no sentence"),
    ],
)
def test_faults_are_named(tmp_path: Path, sql: str, fault: str) -> None:
    kb = shelf(tmp_path / "kb", MANUAL_MD, encoder=MeaningOfWords())
    catalog = Catalog(kb.path / NAME, "write")
    assert list(token_faults(catalog)) == []
    catalog.rows(sql)
    assert fault in "; ".join(token_faults(catalog))
    catalog.close()
    assert fault in "; ".join(problem.what for problem in kb.verify().problems)


def test_a_catalog_of_format_3_is_lifted(tmp_path: Path) -> None:
    kb = shelf(tmp_path / "kb", MANUAL_MD, encoder=BagOfWords())
    connection = apsw.Connection(str(kb.path / NAME), vfs="cksmvfs")
    connection.execute("DROP TABLE token_states")
    connection.pragma("user_version", 3)
    connection.close()
    lifted = KnowledgeBase.open(kb.path)
    with lifted.writer() as writer:
        assert writer.renew_text(MeaningOfWords())
        writer.commit({"action": "reembed"})
    assert rows(lifted) == sentences(lifted)
    assert lifted.verify().clean
