"""Compaction changes nothing that can be seen, and drops what cannot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.store.kinds import FLAT, IVF_SQ8, Band
from octavo.pipeline.scale import PARAGRAPH, SENTENCE

from .world import RECIPE, TermVectors, add_all, encode, nearest, sentence, vector_of, write_text

BANDS = (Band(100, (FLAT,)), Band(float("inf"), (IVF_SQ8, FLAT)))


@pytest.fixture
def base(tmp_path: Path) -> KnowledgeBase:
    base = KnowledgeBase.open(tmp_path / "kb", create=True, term_encoder=TermVectors())
    for first in (0, 4, 8):
        add_all(base, [encode(f"/d/{seed}.txt", write_text(seed)) for seed in range(first, first + 4)])
    base.delete(["/d/1.txt", "/d/6.txt"])
    return base


def seen(base: KnowledgeBase) -> list[object]:
    """What searches show, at two scales and by words."""
    shown: list[object] = [source.uri for source in base.sources()]
    with base.snapshot() as snapshot:
        for seed in range(12):
            query = vector_of(sentence(encode("/q", write_text(seed))))[None]
            for scale in (SENTENCE, PARAGRAPH):
                found = snapshot.index(scale).search(query, 5)
                shown.append((found.ids.tolist(), np.round(found.scores, 5).tolist()))
            stems = [one for one in snapshot.stem_ids([f"n{seed}"]) if one is not None]
            shown.append(sorted(snapshot.lexical(stems, 20).ids[0].tolist()))
    return shown


def test_nothing_visible_changes(base: KnowledgeBase) -> None:
    before = seen(base)
    report = base.compact()
    assert seen(base) == before
    assert (report.contents, report.shards_after) == (2, 5)
    assert report.shards_before > 5
    assert report.vectors > 2 * 12
    assert base.verify().clean
    assert base.status().dead == 0


def test_compacting_again_does_nothing(base: KnowledgeBase) -> None:
    base.compact()
    generation = base.generation
    report = base.compact()
    assert (report.contents, report.vectors, report.generation, base.generation) == (0, 0, generation, generation)


def test_the_kind_and_its_recall_are_on_record(base: KnowledgeBase) -> None:
    report = base.compact(BANDS)
    kind, recall = report.kinds["sentence"]
    assert kind == IVF_SQ8.name
    assert recall >= 0.99
    assert report.kinds["document"] == ("flat", 1.0)
    (status,) = [scale for scale in base.status().scales if scale.scale == "sentence"]
    assert status.kinds == {IVF_SQ8.name: 1}
    assert status.recall == recall
    for seed in (0, 5, 11):
        text = sentence(encode("/q", write_text(seed)), 3)
        assert nearest(base, text) == text
    assert base.compact(BANDS).generation == base.generation
    assert base.compact().kinds["sentence"][0] == "flat"


def test_deleted_words_and_bytes_are_gone(base: KnowledgeBase) -> None:
    gone, kept = (sentence(encode("/q", write_text(seed))).encode() for seed in (1, 2))
    with base.snapshot() as snapshot:
        assert snapshot.stem_ids(["n1"]) != [None]
    base.compact()
    with base.snapshot() as snapshot:
        assert snapshot.stem_ids(["n1", "n6"]) == [None, None]
        assert snapshot.term_ids(["n1"]) == [[]]
    data = (base.path / "catalog.sqlite").read_bytes()
    assert len(list(base.path.rglob("*.f16"))) == 5
    assert kept in data
    assert gone not in data


def test_emptied_and_filled_anew_by_another_encoder(base: KnowledgeBase) -> None:
    base.delete([source.uri for source in base.sources()])
    base.compact()
    assert list(base.path.rglob("*.f16")) == []
    assert base.status().scales == ()
    add_all(base, [encode("/d/a.txt", write_text(1), fingerprint="other-2", width=24)])
    assert base.verify().clean


def test_adding_after_a_compaction(base: KnowledgeBase) -> None:
    base.compact(BANDS)
    add_all(base, [encode("/d/new.txt", write_text(50))])
    text = sentence(encode("/q", write_text(50)))
    assert nearest(base, text) == text
    with base.writer() as writer:
        assert writer.has(encode("/d/0.txt", write_text(0)).document.source, RECIPE) == "unchanged"
    assert base.verify().clean
