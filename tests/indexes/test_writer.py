"""What gets in, what stays, and what costs no work."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.store.staged_shards import MERGE_ABOVE
from octavo.pipeline.document import Flag, Metadata, Span
from octavo.pipeline.embed import Encoded
from octavo.pipeline.errors import FingerprintMismatch, KnowledgeBaseError
from octavo.pipeline.scale import CHARACTER, PARAGRAPH, SENTENCE

from .world import FINGERPRINT, RECIPE, TermVectors, add_all, encode, nearest, sentence, vector_of, write_text


@pytest.fixture
def base(tmp_path: Path) -> KnowledgeBase:
    return KnowledgeBase.open(tmp_path / "kb", create=True, term_encoder=TermVectors())


def files(base: KnowledgeBase) -> set[str]:
    return {path.name for path in (base.path / "vectors").rglob("*") if path.is_file()}


def test_what_was_added_is_found(base: KnowledgeBase) -> None:
    documents = [encode(f"/d/{seed}.txt", write_text(seed)) for seed in range(6)]
    assert add_all(base, documents) == 1 == base.generation
    for encoded in documents:
        assert nearest(base, sentence(encoded, 4)) == sentence(encoded, 4)
    assert [source.uri for source in base.sources()] == [f"/d/{seed}.txt" for seed in range(6)]
    assert base.verify().clean


def test_many_sources_make_one_shard_a_scale(base: KnowledgeBase) -> None:
    add_all(base, [encode(f"/d/{seed}.txt", write_text(seed)) for seed in range(6)])
    assert {scale.scale: scale.shards for scale in base.status().scales} == dict.fromkeys(
        ("character", "sentence", "paragraph", "section", "document"), 1
    )


def test_the_same_bytes_are_known(base: KnowledgeBase) -> None:
    first = encode("/d/a.txt", write_text(1))
    add_all(base, [first])
    source = first.document.source
    with base.writer() as writer:
        assert writer.has(source, RECIPE) == "unchanged"
        assert writer.has(replace(source, uri="/d/b.txt"), RECIPE) == "known"
        assert writer.has(source, "another recipe") == "changed"
        assert writer.has(encode("/d/a.txt", write_text(2)).document.source, RECIPE) == "changed"
        assert writer.has(encode("/d/b.txt", write_text(2)).document.source, RECIPE) == "new"
        assert writer.uris(source, RECIPE) == ["/d/a.txt"]
        assert writer.commit() == 1, "nothing was staged: no new generation"
    assert base.generation == 1


def test_a_moved_file_costs_no_vectors(base: KnowledgeBase) -> None:
    encoded = encode("/d/a.txt", write_text(1))
    add_all(base, [encoded])
    before = files(base)
    with base.writer() as writer:
        writer.link(replace(encoded.document.source, uri="/e/b.txt"), RECIPE, 5, 7)
        assert writer.uris(encoded.document.source, RECIPE) == ["/d/a.txt", "/e/b.txt"]
        assert writer.remove("/d/a.txt")
        assert not writer.remove("/d/a.txt")
        writer.commit()
    assert files(base) == before
    assert [(source.uri, source.bytes, source.mtime_ns) for source in base.sources()] == [("/e/b.txt", 5, 7)]
    assert nearest(base, sentence(encoded)) == sentence(encoded)


def test_two_paths_share_a_content(base: KnowledgeBase) -> None:
    add_all(base, [encode("/d/a.txt", write_text(1)), encode("/d/b.txt", write_text(1))])
    status = base.status()
    assert (status.sources, status.contents) == (2, 1)
    base.delete(["/d/a.txt"])
    assert nearest(base, sentence(encode("/d/a.txt", write_text(1)))) != ""
    base.delete(["/d/b.txt"])
    assert nearest(base, sentence(encode("/d/a.txt", write_text(1)))) == ""


def test_a_changed_file_replaces_what_was_there(base: KnowledgeBase) -> None:
    old, new = encode("/d/a.txt", write_text(1)), encode("/d/a.txt", write_text(2))
    add_all(base, [old, encode("/d/b.txt", write_text(3))])
    add_all(base, [new])
    assert nearest(base, sentence(old)) != sentence(old)
    assert nearest(base, sentence(new)) == sentence(new)
    assert (base.status().sources, base.status().contents, base.status().dead) == (2, 2, 1)
    assert base.verify().clean


def test_deleted_bytes_can_come_back(base: KnowledgeBase) -> None:
    encoded = encode("/d/a.txt", write_text(1))
    add_all(base, [encoded])
    assert base.delete(["/d/a.txt", "/d/none.txt"]) == ["/d/a.txt"]
    assert nearest(base, sentence(encoded)) == ""
    add_all(base, [encode("/d/a.txt", write_text(1))])
    assert nearest(base, sentence(encoded)) == sentence(encoded)
    assert base.verify().clean


def test_a_failed_source_leaves_everything_as_it_was(base: KnowledgeBase) -> None:
    old = encode("/d/a.txt", write_text(1))
    add_all(base, [old])
    with base.writer() as writer:
        writer.add(encode("/d/b.txt", write_text(2)), RECIPE, 1, 1)
        with pytest.raises(RuntimeError, match="broke"):
            writer.add(encode("/d/a.txt", write_text(3), fail=True), RECIPE, 1, 1)
        with pytest.raises(RuntimeError, match="broke"):
            writer.add(encode("/d/c.txt", write_text(4), fail=True), RECIPE, 1, 1)
        writer.add(encode("/d/d.txt", write_text(5)), RECIPE, 1, 1)
        writer.commit()
    assert [source.uri for source in base.sources()] == ["/d/a.txt", "/d/b.txt", "/d/d.txt"]
    for seed, uri in ((1, "a"), (2, "b"), (5, "d")):
        text = sentence(encode(f"/d/{uri}.txt", write_text(seed)), 2)
        assert nearest(base, text) == text
    assert base.verify().clean
    assert {scale.scale: scale.vectors for scale in base.status().scales}["document"] == 3


def test_leaving_without_a_commit_drops_everything(base: KnowledgeBase) -> None:
    with base.writer() as writer:
        writer.add(encode("/d/a.txt", write_text(1)), RECIPE, 1, 1)
    assert base.generation == 0
    assert base.sources() == []
    assert files(base) == set()


def test_a_writer_can_commit_many_times(base: KnowledgeBase) -> None:
    with base.writer() as writer:
        for seed in range(3):
            writer.add(encode(f"/d/{seed}.txt", write_text(seed)), RECIPE, 1, 1)
            assert writer.commit() == seed + 1 == base.generation
            assert len(base.sources()) == seed + 1
    assert base.verify().clean


def test_many_small_commits_do_not_pile_up_shards(base: KnowledgeBase) -> None:
    count = 3 * MERGE_ABOVE
    with base.writer() as writer:
        for seed in range(count):
            writer.add(encode(f"/d/{seed}.txt", write_text(seed, 1, 1, 2)), RECIPE, 1, 1)
            if seed == 20:
                writer.remove("/d/3.txt")
            writer.commit()
    assert all(scale.shards <= MERGE_ABOVE for scale in base.status().scales)
    assert len(files(base)) == sum(scale.shards for scale in base.status().scales)
    for seed in set(range(count)) - {3}:
        text = sentence(encode("/d/x.txt", write_text(seed, 1, 1, 2)))
        assert nearest(base, text) == text
    assert base.verify().clean


def test_vectors_of_another_encoder_are_refused(base: KnowledgeBase) -> None:
    add_all(base, [encode("/d/a.txt", write_text(1))])
    with base.writer() as writer:
        with pytest.raises(FingerprintMismatch, match=rf"{FINGERPRINT}.*other-2"):
            writer.add(encode("/d/b.txt", write_text(2), fingerprint="other-2"), RECIPE, 1, 1)
        with pytest.raises(FingerprintMismatch):
            writer.add(encode("/d/b.txt", write_text(2), width=12), RECIPE, 1, 1)
        assert writer.commit() == 1
    assert base.verify().clean


def test_terms_are_encoded_once(tmp_path: Path) -> None:
    encoder = TermVectors()
    base = KnowledgeBase.open(tmp_path / "kb", create=True, term_encoder=encoder)
    add_all(base, [encode("/d/a.txt", write_text(1)), encode("/d/b.txt", write_text(2))])
    add_all(base, [encode("/d/c.txt", write_text(1, 3))])
    assert len(encoder.encoded) == len(set(encoder.encoded)) == base.status().terms
    with base.snapshot() as snapshot:
        found = snapshot.index(CHARACTER).search(vector_of("n2", 8)[None], 1)
        assert snapshot.terms(found.ids[0])[0][0] == "n2"


def test_terms_without_an_encoder_are_made_good_later(tmp_path: Path) -> None:
    with KnowledgeBase.open(tmp_path / "kb", create=True) as bare:
        add_all(bare, [encode("/d/a.txt", write_text(1))])
        with bare.snapshot() as snapshot:
            assert CHARACTER not in snapshot.scales
    base = KnowledgeBase.open(tmp_path / "kb", term_encoder=TermVectors())
    add_all(base, [encode("/d/b.txt", write_text(2))])
    with base.snapshot() as snapshot:
        assert len(snapshot.index(CHARACTER)) == base.status().terms


def test_a_tree_out_of_order_is_refused(base: KnowledgeBase) -> None:
    good = encode("/d/a.txt", write_text(1))
    spans = list(good.spans)
    swapped = [*spans[:3], spans[6], *spans[4:6], spans[3], *spans[7:]]
    outside = [*spans[:-1], Span(SENTENCE, 0, 3, spans[-1].parent)]
    orphaned = [*spans[:2], Span(PARAGRAPH, spans[2].start, spans[2].stop, -1), *spans[3:]]
    with base.writer() as writer:
        for wrong in ([], spans[1:], swapped, outside, orphaned, spans[:-1]):
            with pytest.raises(KnowledgeBaseError, match=r"/d/a\.txt"):
                writer.add(Encoded(good.document, wrong, good.lexis, []), RECIPE, 1, 1)
        assert writer.commit() == 0


def test_text_that_has_no_encoding_is_kept(base: KnowledgeBase) -> None:
    """Lone surrogates occur in broken files, and bytes in file names that are no Unicode."""
    body = [[["Half a pair \ud83d here\x00.", "Ende gut, alles gut."]]]
    uri = b"/d/\xff.txt".decode("utf-8", "surrogateescape")
    add_all(base, [encode(uri, body, metadata=Metadata(title="T\ud83d"), flags=(Flag("repaired", "page 3"),))])
    (source,) = base.sources()
    assert source.uri == uri
    assert source.flags == (Flag("repaired", "page 3"),)
    assert nearest(base, "Half a pair \ud83d here\x00.") == "Half a pair \ud83d here\x00."
    assert base.delete([uri]) == [uri]


def test_the_catalog_is_an_ordinary_database(base: KnowledgeBase) -> None:
    add_all(base, [encode("/d/a.txt", write_text(1))])
    base.close()
    with sqlite3.connect(f"file:{base.path}/catalog.sqlite?mode=ro", uri=True) as plain:
        assert plain.execute("SELECT uri FROM source").fetchall() == [("/d/a.txt",)]


def test_ids_rise_over_generations(base: KnowledgeBase) -> None:
    add_all(base, [encode("/d/a.txt", write_text(1))])
    with base.snapshot() as snapshot:
        first = snapshot.ranges()
    base.delete(["/d/a.txt"])
    base.compact()
    add_all(base, [encode("/d/a.txt", write_text(1))])
    with base.snapshot() as snapshot:
        assert np.all(snapshot.ranges()[:, 0] >= first.max())
