"""A question through every stage, against what it must be by hand."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.evidence import Universe, gather, weigh
from octavo.indexes.expand import expand, similarity
from octavo.indexes.fuse import fuse
from octavo.indexes.hit import Answer
from octavo.indexes.retrieve import Encoders, retrieve
from octavo.indexes.store.bm25 import BM25_B, BM25_K1
from octavo.indexes.store.filter import Filter
from octavo.pipeline.encoders.character import CharacterEncoder
from octavo.pipeline.errors import FingerprintMismatch, QueryError
from octavo.pipeline.scale import PARAGRAPH, SCALES, SECTION, SENTENCE
from octavo.pipeline.terms import query_stems

from .library import MANUAL, NOTES, BagOfWords, document, shelf

SPELLING = CharacterEncoder()


@pytest.fixture(scope="module")
def kb(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    return shelf(
        tmp_path_factory.mktemp("shelf") / "kb",
        document("manual.md", MANUAL, modified="2024-05-01"),
        document("notes.md", NOTES, modified="2026-05-01"),
    )


def ask(kb: KnowledgeBase, question: str, **options: object) -> Answer:
    with kb.snapshot() as snapshot:
        return retrieve(question, snapshot, Encoders(BagOfWords(), SPELLING), **options)  # type: ignore[arg-type]


def test_every_quote_is_the_text_at_its_place(kb: KnowledgeBase) -> None:
    texts = {"manual.md": MANUAL, "notes.md": NOTES}
    for question in ("What does E-4304 mean?", "warranty", "How often must the boiler be descaled?"):
        for scales in ((), ("sentence",), ("paragraph",), ("section",), ("document",), ("character",)):
            for hit in ask(kb, question, scales=scales).hits:
                cited = hit.citation
                assert texts[Path(cited.source.uri).name][cited.start : cited.stop] == hit.text


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("What does E-4304 mean?", "E-4304 means"),
        ("E-43O4", "E-4304 means"),
        ("e4304", "E-4304 means"),
        ("databse", "database of recipes"),
        ("temprature", "Temperature"),
        ("claims need which invioce", "Send the invoice"),
    ],
)
def test_the_first_hit_holds_the_answer(kb: KnowledgeBase, question: str, words: str) -> None:
    assert words in ask(kb, question).hits[0].text


def test_an_exact_code_is_never_below_a_near_one(kb: KnowledgeBase) -> None:
    for code, asked in (("E-4304", "E-4304"), ("E-4305", "E-4305"), ("E-4304", "E-43O4"), ("E-4305", "e4305")):
        first = ask(kb, asked, scales=("character",)).hits[0]
        assert first.text == code
        assert first.scale == "character"


def test_another_code_is_no_neighbour(kb: KnowledgeBase) -> None:
    assert ask(kb, "E-4399", scales=("character",)).hits == () or all(
        "4304" not in hit.text for hit in ask(kb, "4399", scales=("character",)).hits
    )
    assert similarity("e-4304", "e-4305") == 0
    assert similarity("e-43o4", "e-4304") > 0.9


@given(st.text(max_size=12), st.text(max_size=12))
def test_similarity_is_symmetric_and_within_bounds(left: str, right: str) -> None:
    value = similarity(left, right)
    assert 0 <= value <= 1
    assert value == similarity(right, left)
    assert (value == 1) == (left == right)


def test_contributions_sum_to_the_score(kb: KnowledgeBase) -> None:
    for question in ("pump dry", "warranty valve boiler", "databse"):
        for hit in ask(kb, question, k=9).hits:
            assert sum(hit.contributions.values()) == pytest.approx(hit.score, abs=1e-5)
            assert 0 < hit.score <= 1 + 1e-5


def test_scores_fall_with_rank(kb: KnowledgeBase) -> None:
    for options in ({"k": 50}, {"budget": 500}, {"k": 9, "scales": ("paragraph",)}):
        scores = [hit.score for hit in ask(kb, "boiler filter warranty", **options).hits]
        assert scores == sorted(scores, reverse=True)


def test_hits_do_not_overlap_and_are_ranked(kb: KnowledgeBase) -> None:
    for options in ({"k": 50}, {"budget": 400}, {"k": 50, "scales": ("section",)}):
        hits = ask(kb, "pump and lid and warranty", **options).hits
        assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
        by_source: dict[str, list[tuple[int, int]]] = {}
        for hit in hits:
            by_source.setdefault(hit.citation.source.uri, []).append((hit.citation.start, hit.citation.stop))
        for spans in by_source.values():
            spans.sort()
            assert all(a[1] <= b[0] for a, b in pairwise(spans))


@pytest.mark.parametrize("budget", [1, 30, 100, 400, 10_000])
def test_a_budget_is_kept_and_used(kb: KnowledgeBase, budget: int) -> None:
    hits = ask(kb, "warranty of the pump", budget=budget).hits
    used = sum(hit.citation.stop - hit.citation.start for hit in hits)
    assert used <= budget
    if budget >= 100:
        assert used >= 0.5 * min(budget, len(MANUAL))


def test_filters_keep_sources_out(kb: KnowledgeBase) -> None:
    def sources(where: Filter) -> set[str]:
        return {Path(hit.citation.source.uri).name for hit in ask(kb, "pump database", k=20, where=where).hits}

    assert sources(Filter()) == {"manual.md", "notes.md"}
    assert sources(Filter(sources=("*notes*",))) == {"notes.md"}
    assert sources(Filter(after="2025-01-01")) == {"notes.md"}
    assert sources(Filter(before="2025")) == {"manual.md"}
    assert sources(Filter(media_types=("application/pdf",))) == set()


def test_pinned_scales_answer_at_the_finest_of_them(kb: KnowledgeBase) -> None:
    for scale in ("sentence", "paragraph", "section", "document"):
        assert {hit.scale for hit in ask(kb, "warranty", scales=(scale,)).hits} == {scale}
    assert {hit.scale for hit in ask(kb, "warranty", scales=("section", "paragraph")).hits} == {"paragraph"}
    whole = ask(kb, "warranty", scales=("document",)).hits[0]
    assert whole.text == MANUAL[2:].rstrip()


@pytest.mark.parametrize(
    ("question", "options", "what"),
    [
        ("", {}, "neither a letter nor a digit"),
        ("?! …", {}, "neither a letter nor a digit"),
        ("pump \udcff", {}, "not valid Unicode"),
        ("pump", {"k": 10**9}, "1000000000 hits"),
        ("x" * 30_000, {}, "30000 characters"),
        ("pump", {"k": 0}, "0 hits"),
        ("pump", {"budget": 0}, "budget is 0"),
        ("pump", {"scales": ("chapter",)}, "'chapter' is no scale"),
    ],
)
def test_nonsense_is_refused_with_its_value(
    kb: KnowledgeBase, question: str, options: dict[str, object], what: str
) -> None:
    with pytest.raises(QueryError, match=what):
        ask(kb, question, **options)


def test_an_empty_knowledge_base_gives_no_hits(tmp_path: Path) -> None:
    empty = KnowledgeBase.open(tmp_path / "kb", create=True)
    assert ask(empty, "anything").hits == ()
    assert ask(empty, "anything", budget=100).hits == ()


def test_words_that_nobody_wrote_still_answer_by_meaning(kb: KnowledgeBase) -> None:
    assert ask(kb, "zzqx vvkj").hits


def test_evidence_equals_brute_force(kb: KnowledgeBase) -> None:
    """Vectors and BM25 of sentences and paragraphs, made again from the text alone."""
    encoder = BagOfWords()
    question = "how to rinse the boiler and its filter"
    with kb.snapshot() as snapshot:
        vector = encoder.encode_questions([question])[0]
        words = expand(question, snapshot, SPELLING)
        universe = gather(vector, words, snapshot, None, 50)
        columns = {(part.column, part.credit): part.scores for part in weigh(universe, vector, words, snapshot)}
        every = snapshot.between(snapshot.ranges())
        sections = set(every.id[every.rank == SECTION.rank])
        assert set(universe.spans.id[universe.section]) == sections, "so small a shelf is gathered whole"
        texts = snapshot.texts(universe.spans.take(universe.sentence))
        paragraphs = snapshot.texts(universe.spans.take(universe.paragraph))
        frequency = dict(
            zip(
                (stem for term in words for stem, _ in term.stems),
                snapshot.document_frequency([stem for term in words for stem, _ in term.stems]),
                strict=True,
            )
        )
        total = snapshot.paragraphs
        stems_of = {row: universe.spans.stems[row].tolist() for row in universe.sentence}
        languages = snapshot.languages()

    def normalised(values: list[float]) -> np.ndarray:
        return np.maximum(values, 0) / max(values)

    np.testing.assert_allclose(
        columns["vectors sentence", "sentence"],
        normalised([float(encoder.encode_one(text) @ vector) for text in texts]),
        atol=5e-3,  # stored as float16
    )
    np.testing.assert_allclose(
        columns["vectors paragraph", "paragraph"],
        normalised([float(encoder.encode_one(text) @ vector) for text in paragraphs]),
        atol=5e-3,
    )

    def bm25(bags: list[list[int]]) -> list[float]:
        mean = sum(map(len, bags)) / len(bags)
        scores = []
        for bag in bags:
            counts, score = Counter(bag), 0.0
            for term in words:
                tf = sum(counts[stem] for stem, _ in term.stems)
                df = max(frequency[stem] for stem, _ in term.stems)
                idf = np.log(1 + (total - df + 0.5) / (df + 0.5))
                score += idf * tf * (BM25_K1 + 1) / (tf + BM25_K1 * (1 - BM25_B + BM25_B * len(bag) / mean))
            scores.append(score)
        return scores

    sentence_bags = [stems_of[row] for row in universe.sentence]
    np.testing.assert_allclose(columns["words sentence", "lexical"], normalised(bm25(sentence_bags)), atol=1e-5)
    groups = sorted(set(universe.paragraph.tolist()))
    bags = [
        [
            s
            for row, holder in zip(universe.sentence, universe.paragraph, strict=True)
            if holder == group
            for s in stems_of[row]
        ]
        for group in groups
    ]
    by_group = dict(zip(groups, normalised(bm25(bags)), strict=True))
    np.testing.assert_allclose(
        columns["words paragraph", "lexical"], [by_group[holder] for holder in universe.paragraph.tolist()], atol=1e-5
    )
    assert {term.text for term in words} <= {term.text for term in query_stems(question, languages)}


def test_windows_equal_a_slow_search(kb: KnowledgeBase) -> None:
    with kb.snapshot() as snapshot:
        spans = snapshot.between(snapshot.ranges())
        universe = Universe.of(spans)
    for characters in (1, 60, 150, 425, 5000):
        first, last = universe.windows(characters)
        for i in range(len(universe)):
            middle = (universe.start[i] + universe.stop[i]) // 2
            inside = [
                j
                for j in range(len(universe))
                if universe.run[j] == universe.run[i]
                and universe.start[j] >= middle - characters // 2
                and universe.stop[j] <= middle + characters // 2
            ]
            assert (first[i], last[i]) == (min([*inside, i]), max([*inside, i]) + 1)


def test_runs_do_not_cross_documents(kb: KnowledgeBase) -> None:
    with kb.snapshot() as snapshot:
        universe = Universe.of(snapshot.between(snapshot.ranges()))
    for run in np.unique(universe.run):
        assert len(np.unique(universe.content[universe.run == run])) == 1
    assert len(np.unique(universe.run)) == 2


def test_fusion_of_pinned_scales_leaves_the_others_out(kb: KnowledgeBase) -> None:
    with kb.snapshot() as snapshot:
        vector = BagOfWords().encode_questions(["pump"])[0]
        words = expand("pump", snapshot, SPELLING)
        universe = gather(vector, words, snapshot, None, 5)
        evidence = weigh(universe, vector, words, snapshot)
    only = fuse(evidence, len(universe), (PARAGRAPH,))
    assert set(only.shares) <= {"paragraph", "lexical", "character"}
    spread = [only.total[universe.paragraph == holder] for holder in np.unique(universe.paragraph)]
    assert all(np.ptp(scores) < 1e-6 for scores in spread)
    everything = fuse(evidence, len(universe))
    assert set(everything.shares) <= {*SCALES, "window", "lexical"}
    assert everything.total.max() <= 1 + 1e-5
    np.testing.assert_allclose(np.sum(list(everything.shares.values()), axis=0), everything.total, atol=1e-6)
    assert SENTENCE.name in everything.shares


def test_the_answer_is_json(kb: KnowledgeBase) -> None:
    answer = ask(kb, "What does E-4304 mean?").to_json()
    assert answer["generation"] == 1
    assert re.fullmatch(r"[0-9a-f]{64}", answer["hits"][0]["source"]["sha256"])
    assert set(answer["timings_ms"]) >= {"encode", "search", "total"}


def test_vectors_of_another_encoder_are_refused(kb: KnowledgeBase) -> None:
    other = BagOfWords()
    other.fingerprint = "something else"
    with kb.snapshot() as snapshot, pytest.raises(FingerprintMismatch, match=r"bag-of-words.*something else"):
        retrieve("pump", snapshot, Encoders(other, SPELLING))


def test_a_word_comes_with_its_sentence(kb: KnowledgeBase) -> None:
    hit = ask(kb, "E-43O4", scales=("character",)).hits[0]
    assert hit.context == "E-4304 means that the pump is dry."
    assert all(not hit.context for hit in ask(kb, "pump").hits)


def test_a_heading_is_answered_by_what_stands_under_it(kb: KnowledgeBase) -> None:
    first = ask(kb, "Warranty", k=1).hits[0]
    assert first.text.startswith("Warranty")
    assert "pump, valve and boiler for two years" in first.text


@pytest.mark.parametrize("budget", [5, 6, 30, 400])
def test_words_and_documents_fill_a_budget_with_what_is_cited(kb: KnowledgeBase, budget: int) -> None:
    for scale, question in (("character", "pump E-43O4"), ("document", "database")):
        hits = ask(kb, question, scales=(scale,), budget=budget).hits
        assert {hit.scale for hit in hits} <= {scale}
        assert sum(len(hit.text) for hit in hits) <= budget
        assert bool(hits) == (budget >= (len("pump") if scale == "character" else len(NOTES.strip()) - 2))
    assert ask(kb, "pump", scales=("document",), budget=10_000).hits[0].text == MANUAL[2:].rstrip()


def test_a_page_of_words_is_answered_for_its_rarest(kb: KnowledgeBase) -> None:
    noise = " ".join(f"unheard{number}" for number in range(900))
    assert "citric acid" in ask(kb, f"{noise} descale with citric acid", k=1, scales=("sentence",)).hits[0].text


def test_one_scale_may_be_given_by_name(kb: KnowledgeBase) -> None:
    with kb.snapshot() as snapshot:
        assert snapshot.scales
    answers = retrieve_by_base(kb, "section")
    assert {hit.scale for hit in answers.hits} == {"section"}


def retrieve_by_base(kb: KnowledgeBase, scales: str) -> Answer:
    """Through ``KnowledgeBase.search`` with the toy encoder in place of the model."""
    kb._encoders = Encoders(BagOfWords(), SPELLING)
    return kb.search("warranty", scales=scales)
