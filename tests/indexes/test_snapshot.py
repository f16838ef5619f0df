"""What a snapshot shows, checked against the documents it was made of."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.store.filter import Filter
from octavo.indexes.store.snapshot import Snapshot
from octavo.indexes.store.stored import stem_word
from octavo.pipeline.document import BOXES_DTYPE, Document, Flag, Metadata, Page
from octavo.pipeline.embed import Encoded
from octavo.pipeline.errors import KnowledgeBaseError
from octavo.pipeline.scale import DOCUMENT, PARAGRAPH, SECTION, SENTENCE, TEXT_SCALES

from .world import TermVectors, add_all, encode, sentence, vector_of, write_text

DOCUMENTS = 5


@pytest.fixture(scope="module")
def documents() -> list[Encoded]:
    return [
        encode(f"/d/{seed}.txt", write_text(seed, 2, 2, 3 + seed), metadata=Metadata(language="en", title=f"T{seed}"))
        for seed in range(DOCUMENTS)
    ]


@pytest.fixture(scope="module")
def base(documents: list[Encoded], tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    base = KnowledgeBase.open(tmp_path_factory.mktemp("b") / "kb", create=True, term_encoder=TermVectors())
    add_all(base, documents[:2])
    add_all(base, documents[2:])
    return base


@pytest.fixture
def snapshot(base: KnowledgeBase) -> Iterator[Snapshot]:
    with base.snapshot() as snapshot:
        yield snapshot


def test_the_tree_comes_back(snapshot: Snapshot, documents: list[Encoded]) -> None:
    rows = snapshot.between(snapshot.ranges())
    assert len(rows) == sum(len(encoded.spans) for encoded in documents)
    at = 0
    for encoded in documents:
        first = int(rows.id[at])
        for number, span in enumerate(encoded.spans):
            assert rows.id[at] == first + number
            assert rows.parent[at] == (-1 if span.parent < 0 else first + span.parent)
            assert (rows.rank[at], rows.start[at], rows.stop[at]) == (span.scale.rank, span.start, span.stop)
            assert rows.labels[at] == span.label
            at += 1


def test_a_subtree_is_what_lies_inside(snapshot: Snapshot) -> None:
    rows = snapshot.between(snapshot.ranges())
    children: dict[int, list[int]] = {}
    for one, parent in zip(rows.id.tolist(), rows.parent.tolist(), strict=True):
        children.setdefault(parent, []).append(one)

    def below(one: int) -> set[int]:
        return {one}.union(*(below(child) for child in children.get(one, [])))

    for asked in ([1], [2, 3], rows.id[rows.rank == PARAGRAPH.rank].tolist()):
        expected = sorted(set().union(*map(below, asked)))
        assert snapshot.subtree(np.array(asked)).id.tolist() == expected


def test_spans_come_in_the_order_asked(snapshot: Snapshot) -> None:
    assert snapshot.spans(np.array([7, 3, 7])).id.tolist() == [7, 3, 7]
    assert len(snapshot.spans(np.empty(0, np.int64))) == 0 == len(snapshot.subtree(np.empty(0, np.int64)))
    with pytest.raises(KnowledgeBaseError, match="no span 99999"):
        snapshot.spans(np.array([3, 99_999]))


def test_stems_and_text_of_sentences(snapshot: Snapshot, documents: list[Encoded]) -> None:
    rows = snapshot.between(snapshot.ranges())
    texts = snapshot.texts(rows)
    stem_of = dict(zip(snapshot.stem_ids([f"n{n}" for n in range(DOCUMENTS)]), range(DOCUMENTS), strict=True))
    for at in range(len(rows)):
        if rows.rank[at] == SENTENCE.rank:
            words = texts[at].rstrip(".").split()
            assert len(rows.stems[at]) == len(words)
            assert f"n{stem_of[int(rows.stems[at][-1])]}" == words[-1]
        else:
            assert len(rows.stems[at]) == 0
    assert texts[0] == documents[0].document.text[: documents[0].spans[0].stop]
    assert snapshot.stem_ids(["nowhere"]) == [None]


def test_text_across_pieces(tmp_path: Path) -> None:
    base = KnowledgeBase.open(tmp_path / "kb", create=True)
    encoded = encode("/d/long.txt", [[["ä€𝄞x " * 9000 + "end."]]])
    add_all(base, [encoded])
    text = encoded.document.text
    with base.snapshot() as snapshot:
        for start, stop in ((0, 10), (8190, 8195), (8192, 8193), (0, len(text)), (16_000, 30_000), (44_990, 99_999)):
            assert snapshot.text(1, start, stop) == text[start:stop]


def bm25(paragraphs: list[Counter[str]], words: list[str]) -> list[float]:
    """Robertson and Zaragoza, 2009, equation 3.15, with k1 1.2, b 0.75, as FTS5 counts idf."""
    mean = sum(sum(one.values()) for one in paragraphs) / len(paragraphs)
    scores = []
    for one in paragraphs:
        score = 0.0
        for word in words:
            n = sum(word in other for other in paragraphs)
            idf = max(math.log((len(paragraphs) - n + 0.5) / (n + 0.5)), 1e-6)
            tf = one[word]
            score += idf * tf * 2.2 / (tf + 1.2 * (0.25 + 0.75 * sum(one.values()) / mean))
        scores.append(score)
    return scores


def test_lexical_scores_are_bm25(snapshot: Snapshot, documents: list[Encoded]) -> None:
    rows = snapshot.between(snapshot.ranges())
    paragraphs = {}
    for at in np.flatnonzero(rows.rank == PARAGRAPH.rank).tolist():
        text = snapshot.texts(rows.take(np.array([at])))[0]
        paragraphs[int(rows.id[at])] = Counter(word[:4] for word in text.replace(".", "").split())
    assert snapshot.paragraphs == len(paragraphs)
    words = ["n2", "baan", "kear", "n3", "tist"]
    found_ids = [one for one in snapshot.stem_ids(words) if one is not None]
    present = [word for word, one in zip(words, snapshot.stem_ids(words), strict=True) if one is not None]
    expected = dict(zip(paragraphs, bm25(list(paragraphs.values()), present), strict=True))
    found = snapshot.lexical(found_ids, 100)
    got = {one: score for one, score in zip(found.ids[0].tolist(), found.scores[0].tolist(), strict=True) if one >= 0}
    assert got.keys() == {one for one, score in expected.items() if score > 0}
    for one, score in got.items():
        assert score == pytest.approx(expected[one], rel=1e-4)
    assert np.all(np.diff(found.scores[0][: len(got)]) <= 0)
    frequency = snapshot.document_frequency(found_ids)
    assert frequency.tolist() == [sum(word in one for one in paragraphs.values()) for word in present]


def test_lexical_search_keeps_to_ranges_and_to_the_living(tmp_path: Path) -> None:
    base = KnowledgeBase.open(tmp_path / "kb", create=True)
    add_all(base, [encode(f"/d/{seed}.txt", [*write_text(seed), [["rare word."]]]) for seed in range(6)])
    base.delete(["/d/2.txt"])
    with base.snapshot() as snapshot:
        (stem,) = snapshot.stem_ids(["rare"])
        assert stem is not None
        found = snapshot.lexical([stem], 10).ids[0]
        assert (found >= 0).sum() == 5
        allowed = snapshot.contents(Filter(sources=("/d/[23].txt", "/d/5.txt")))
        inside = snapshot.lexical([stem], 10, allowed).ids[0]
        contents = {snapshot.content(int(one)).source.uri for one in snapshot.spans(inside[inside >= 0]).content}
        assert contents == {"/d/3.txt", "/d/5.txt"}
        assert snapshot.lexical([], 3).ids.tolist() == [[-1, -1, -1]]


def test_stem_words_are_distinct_and_plain() -> None:
    words = [stem_word(number) for number in range(50_000)]
    assert len(set(words)) == len(words)
    assert all((word.isalnum() and word.islower()) or word.isdigit() for word in words)


def test_a_content_tells_its_story(tmp_path: Path) -> None:
    base = KnowledgeBase.open(tmp_path / "kb", create=True)
    boxes = np.array([(0, 4, 1, 2, 3, 4), (5, 9, 5, 6, 7, 8)], BOXES_DTYPE)
    plain = encode("/d/a.txt", write_text(1))
    old = plain.document
    pages = (Page(1, 0, 30, 595, 842, boxes), Page(2, 30, len(old.text), 595, 842))
    meta = Metadata("Title", "Author", "en", "2024-05", "2025-02-03T10:00:00+02:00")
    document = Document(old.source, old.text, old.blocks, pages, meta, (Flag("repaired", "xref"),))
    add_all(base, [Encoded(document, plain.spans, plain.lexis, plain.embeddings, {"reader": "7"})])
    with base.snapshot() as snapshot:
        content = snapshot.content(1)
        assert content.source == old.source
        assert content.metadata == meta
        assert content.flags == (Flag("repaired", "xref"),)
        assert content.manifest == {"reader": "7"}
        assert content.text_length == len(old.text)
        assert [page.number for page in snapshot.pages(1, 0, 10)] == [1]
        assert [page.number for page in snapshot.pages(1, 29, 31)] == [1, 2]
        assert [page.number for page in snapshot.pages(1, 30, 31)] == [2]
        (page,) = snapshot.pages(1, 3, 5)
        np.testing.assert_array_equal(page.boxes, boxes)
        assert (page.start, page.stop, page.width, page.height) == (0, 30, 595, 842)
        assert snapshot.languages() == {"en"}
        with pytest.raises(KnowledgeBaseError, match="no content 9"):
            snapshot.content(9)


def test_terms_lead_to_their_stems(snapshot: Snapshot) -> None:
    (found,) = snapshot.term_ids(["n3"])
    ((term, stem),) = found
    assert snapshot.terms(np.array([term])) == [("n3", stem)]
    assert snapshot.stem_ids(["n3"]) == [stem]
    assert snapshot.term_ids(["nowhere"]) == [[]]
    with pytest.raises(KnowledgeBaseError, match="terms"):
        snapshot.terms(np.array([-1]))


def test_every_scale_finds_its_own(snapshot: Snapshot, documents: list[Encoded]) -> None:
    assert snapshot.scales == TEXT_SCALES
    for scale in (SENTENCE, PARAGRAPH, SECTION, DOCUMENT):
        for encoded in documents:
            spans = [span for span in encoded.spans if span.scale == scale]
            text = encoded.document.text[spans[-1].start : spans[-1].stop]
            found = snapshot.index(scale).search(vector_of(text)[None], 1)
            rows = snapshot.spans(found.ids[0])
            assert snapshot.texts(rows) == [text]
            assert rows.rank.tolist() == [scale.rank]
            np.testing.assert_allclose(snapshot.index(scale).vectors(found.ids[0])[0], vector_of(text), atol=1e-3)


def test_a_snapshot_does_not_move(tmp_path: Path) -> None:
    base = KnowledgeBase.open(tmp_path / "kb", create=True, term_encoder=TermVectors())
    first, second = encode("/d/a.txt", write_text(1)), encode("/d/b.txt", write_text(2))
    add_all(base, [first])
    with base.snapshot() as snapshot:
        add_all(base, [second])
        base.delete(["/d/a.txt"])
        base.compact()
        assert snapshot.generation == 1
        assert base.generation == 4
        index = snapshot.index(SENTENCE)
        found = index.search(vector_of(sentence(first))[None], 1)
        assert snapshot.texts(snapshot.spans(found.ids[0])) == [sentence(first)]
        assert snapshot.content(1).source.uri == "/d/a.txt"
        (stem,) = snapshot.stem_ids(["n1"])
        assert stem is not None
        assert snapshot.lexical([stem], 5).ids[0, 0] > 0
        assert snapshot.stem_ids(["n2"]) == [None]
    with base.snapshot() as snapshot:
        assert snapshot.generation == 4
        assert snapshot.stem_ids(["n1"]) == [None]


def test_filters_choose_contents(tmp_path: Path) -> None:
    base = KnowledgeBase.open(tmp_path / "kb", create=True)
    add_all(
        base,
        [
            encode(
                "/d/manual/a.md", write_text(1), media_type="text/markdown", metadata=Metadata(modified="2024-06-01")
            ),
            encode("/d/notes/b.txt", write_text(2), metadata=Metadata(created="2025")),
            encode("/d/c.pdf", write_text(3), media_type="application/pdf"),  # by its file's time, 2023-11-14
        ],
    )

    with base.snapshot() as snapshot:

        def uris(where: Filter) -> list[str]:
            rows = snapshot.between(snapshot.contents(where))
            return sorted({snapshot.content(int(one), where).source.uri for one in rows.content})

        everything = ["/d/c.pdf", "/d/manual/a.md", "/d/notes/b.txt"]
        assert uris(Filter()) == everything
        assert uris(Filter(sources=("manual/*",))) == ["/d/manual/a.md"]
        assert uris(Filter(sources=("*.pdf", "b.txt"))) == ["/d/c.pdf", "/d/notes/b.txt"]
        assert uris(Filter(media_types=("text/",))) == ["/d/manual/a.md", "/d/notes/b.txt"]
        assert uris(Filter(media_types=("application/pdf",))) == ["/d/c.pdf"]
        assert uris(Filter(after="2024")) == ["/d/manual/a.md", "/d/notes/b.txt"]
        assert uris(Filter(after="2024", before="2025")) == ["/d/manual/a.md"]
        assert uris(Filter(before="2024-01")) == ["/d/c.pdf"]
        assert uris(Filter(sources=("*.pdf",), after="2024")) == []
        assert snapshot.contents(Filter(sources=("nowhere*",))).shape == (0, 2)
