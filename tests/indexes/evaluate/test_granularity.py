"""What is measured, against answers asked for one by one and scored by sets of characters."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import ir_measures
import numpy as np
import pytest
from ir_measures import RR, R, nDCG
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.evaluate.gold import Judge
from octavo.indexes.evaluate.granularity import Evaluation, evaluate
from octavo.indexes.evaluate.grounding import Grounder, Grounding
from octavo.indexes.evaluate.questions import Question, Relevant
from octavo.indexes.evaluate.rows import FUSED, Kind
from octavo.indexes.evaluate.trec import qrels_lines, run_lines
from octavo.indexes.hit import Answer
from octavo.indexes.retrieve import Encoders, retrieve
from octavo.pipeline.errors import FingerprintMismatch, QueryError

from .. import library, world
from ..library import BagOfWords, document, shelf
from .shelf import BUDGETS, QUESTIONS, encoders

CHROMA = Path(__file__).resolve().parents[4] / "shared" / "data" / "chroma"


@pytest.fixture
def evaluation(kb: KnowledgeBase) -> Evaluation:
    return evaluate(kb, encoders(), QUESTIONS, BUDGETS)


def asked(kb: KnowledgeBase, question: Question, budget: int, scales: tuple[str, ...]) -> Answer:
    with kb.snapshot() as snapshot:
        return retrieve(question.text, snapshot, encoders(), budget=budget, scales=scales)


def by_sets(question: Question, answer: Answer) -> dict[str, float]:
    """Recall, precision and IoU from sets of (file, character)."""
    gold = {(p.source, at) for p in question.relevant for at in range(p.start or 0, p.stop or 0)}
    found = {
        (Path(hit.citation.source.uri).name, at)
        for hit in answer.hits
        for at in range(hit.citation.start, hit.citation.stop)
    }
    sources = {place.source for place in question.relevant}
    return {
        "recall": len(gold & found) / len(gold),
        "precision": len(gold & found) / max(len(found), 1),
        "iou": len(gold & found) / len(gold | found),
        "characters": len(found),
        "wrong-source": sum(name not in sources for name, _ in found) / len(found) if found else float("nan"),
    }


def test_every_row_is_what_search_answers(kb: KnowledgeBase, evaluation: Evaluation) -> None:
    run = evaluation.run
    for row in run.rows:
        if row.kind is Kind.WITHOUT or row.scales == ("character",):
            continue  # search has no option for the one, and answers the other with single words
        for at, question in enumerate(QUESTIONS[:4]):
            for budget in BUDGETS:
                wanted = by_sets(question, asked(kb, question, budget, row.scales))
                got = {name: run.scores[f"{name}@{budget}"][at, run.row(row.name)] for name in wanted}
                assert got == pytest.approx(wanted, nan_ok=True), (row.name, question.text, budget)


def test_rows_are_all_scales_their_pairs_and_what_is_left_without(evaluation: Evaluation) -> None:
    kinds = [row.kind for row in evaluation.run.rows]
    assert [kinds.count(kind) for kind in Kind] == [5, 10, 1, 8]
    finds = evaluation.run.scores["recall@400"][:4, evaluation.run.row(FUSED)]
    assert (finds == 1).all()


def test_leaving_evidence_out_can_change_a_ranking(evaluation: Evaluation) -> None:
    run = evaluation.run
    fused = run.scores["span-ndcg@10"][:, run.row(FUSED)]
    others = [run.scores["span-ndcg@10"][:, at] for at in run.positions(Kind.WITHOUT)]
    assert any(not np.allclose(fused, other, equal_nan=True) for other in others)


def test_sources_are_ranked_as_ir_measures_counts(evaluation: Evaluation, tmp_path: Path) -> None:
    run = evaluation.run
    ids = [question.id for question in run.questions]
    for name, lines in (
        ("run", run_lines(zip(ids, evaluation.ranked_sources, strict=True), "t")),
        ("qrels", qrels_lines(zip(ids, evaluation.relevant_sources, strict=True))),
    ):
        (tmp_path / name).write_text("".join(f"{line}\n" for line in lines))
    wanted = ir_measures.calc_aggregate(
        [R @ 1, R @ 10, nDCG @ 10, RR],
        list(ir_measures.read_trec_qrels(str(tmp_path / "qrels"))),
        list(ir_measures.read_trec_run(str(tmp_path / "run"))),
    )
    fused = run.row(FUSED)
    for name, measure in (
        ("source-recall@1", R @ 1),
        ("source-recall@10", R @ 10),
        ("source-ndcg@10", nDCG @ 10),
        ("source-mrr", RR),
    ):
        assert np.nanmean(run.scores[name][:, fused]) == pytest.approx(wanted[measure], abs=1e-9)


def test_a_question_is_only_judged_by_what_it_names(evaluation: Evaluation) -> None:
    run, fused = evaluation.run, evaluation.run.row(FUSED)
    whole, unanswerable = 4, 5
    assert np.isnan(run.scores["recall@400"][[whole, unanswerable]]).all()
    assert np.isnan(run.scores["span-mrr"][[whole, unanswerable]]).all()
    assert run.scores["source-mrr"][whole, fused] > 0
    assert np.isnan(run.scores["source-mrr"][unanswerable]).all()
    assert run.signals["citations"][unanswerable] > 0


def test_costs_and_citations_are_noted(evaluation: Evaluation, kb: KnowledgeBase) -> None:
    signals = evaluation.run.signals
    stages = [signals[f"ms {stage}"] for stage in ("encode", "expand", "search", "score", "choose", "cite")]
    assert np.allclose(np.sum(stages, axis=0), signals["ms total"])
    assert (signals["ms index sentence"] > 0).all()
    assert (signals["citations file"] == signals["citations"]).all()
    (kb.path.parent / "manual.md").write_text("rewritten")
    (kb.path.parent / "notes.md").unlink()
    again = evaluate(kb, encoders(), QUESTIONS[:4], BUDGETS).run.signals
    assert again["citations changed"].sum() + again["citations stored"].sum() == again["citations"].sum()
    assert again["citations changed"].sum() > 0
    assert again["citations stored"].sum() > 0


def test_a_wrong_citation_is_broken(kb: KnowledgeBase) -> None:
    cited = asked(kb, QUESTIONS[0], 60, ()).hits[0].citation
    shifted = replace(cited, start=cited.start + 1, stop=cited.stop + 1)
    grounder = Grounder()
    assert grounder.grounding(cited, 10_000) is Grounding.FILE
    assert grounder.grounding(shifted, 10_000) is Grounding.BROKEN
    assert grounder.grounding(cited, cited.stop - 1) is Grounding.BROKEN


def test_said_twice_is_a_duplicate(tmp_path: Path) -> None:
    line = "The pump is dry when the lamp blinks. "
    first, second = (
        document("a.md", f"# One\n{line}\n"),
        document("b.md", f"# Two\n{line}\nSomething else stands here.\n"),
    )
    with shelf(tmp_path / "kb", first, second) as base:
        question = Question("When is the pump dry?", (Relevant("a.md"),))
        signals = evaluate(base, encoders(), [question], [400]).run.signals
    assert 0.3 < signals["duplicates@400"][0] < 0.6


def test_precision_omega_falls_with_the_length_of_units(evaluation: Evaluation) -> None:
    run = evaluation.run
    means = [
        np.nanmean(run.scores["precision-omega"][:, run.row(name)]) for name in ("sentence", "section", "document")
    ]
    assert means[0] > means[1] > means[2]


@pytest.mark.parametrize(
    ("relevant", "complaint"),
    [
        (Relevant("absent.md", 0, 5), "absent.md.*not in the knowledge base"),
        (Relevant("manual.md", 0, 99_999), "reaches past"),
        (Relevant("manual.md", page=2), "page 2"),
    ],
)
def test_a_place_that_is_not_there_is_named(kb: KnowledgeBase, relevant: Relevant, complaint: str) -> None:
    with pytest.raises(QueryError, match=complaint):
        evaluate(kb, encoders(), [Question("Why?", (relevant,), id="7")], BUDGETS)


def test_sources_are_found_by_path_its_end_or_a_bare_name(kb: KnowledgeBase) -> None:
    with kb.snapshot() as snapshot:
        judge = Judge(kb, snapshot)
        whole = str(kb.path.parent / "manual.md")
        names = [whole, "manual.md", f"{kb.path.parent.name}/manual.md", "manual"]
        found = {int(judge.gold(Question("?", (Relevant(name),))).contents[0]) for name in names}
        assert len(found) == 1
        with pytest.raises(QueryError, match="not in the knowledge base"):
            judge.gold(Question("?", (Relevant("other/manual.md"),)))


def test_a_name_of_two_files_is_refused(tmp_path: Path) -> None:
    with (
        shelf(
            tmp_path / "kb", document("a/x.md", "# One\nThe first.\n"), document("b/x.md", "# Two\nThe other.\n")
        ) as base,
        base.snapshot() as snapshot,
    ):
        judge = Judge(base, snapshot)
        with pytest.raises(QueryError, match=r"'x\.md' may be /shelf/a/x\.md or /shelf/b/x\.md"):
            judge.gold(Question("?", (Relevant("x.md"),)))
        assert judge.gold(Question("?", (Relevant("b/x.md"),))).contents.size == 1


def test_pages_are_gold_too(tmp_path: Path) -> None:
    text = world.write_text(3)
    with KnowledgeBase.open(tmp_path / "kb", create=True, term_encoder=world.TermVectors()) as base:
        world.add_all(base, [world.encode("/w/a.pdf", text)])
        with base.snapshot() as snapshot:
            gold = Judge(base, snapshot).gold(Question("?", (Relevant("a.pdf", page=2),)))
    assert gold.characters > 0
    assert sum(gold.units.values()) > 3


def test_vectors_of_another_model_are_refused(kb: KnowledgeBase) -> None:
    other = encoders()
    stranger = BagOfWords()
    stranger.fingerprint = "other"
    with pytest.raises(FingerprintMismatch):
        evaluate(kb, Encoders(stranger, other.spelling), QUESTIONS, BUDGETS)


def test_no_questions_and_endless_ones_are_refused(kb: KnowledgeBase) -> None:
    with pytest.raises(QueryError, match="no questions"):
        evaluate(kb, encoders(), [], BUDGETS)
    with pytest.raises(QueryError, match="30000 characters"):
        evaluate(kb, encoders(), [Question("why " * 7_500, (Relevant("manual"),))], BUDGETS)


def test_chroma_is_scored_as_by_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty questions on the two smallest corpora, with real text but without the transformer."""
    if not CHROMA.is_dir():
        pytest.skip(f"no data in {CHROMA}")
    monkeypatch.setattr(library, "vector_of", lru_cache(None)(world.vector_of))  # words come again and again
    corpora = ("chatlogs", "state_of_the_union")
    with open(CHROMA / "questions_df.csv", newline="") as file:
        found = [row for row in csv.DictReader(file) if row["corpus_id"] in corpora][::7][:20]
    questions = [
        Question(
            row["question"],
            tuple(
                Relevant(f"{row['corpus_id']}.md", one["start_index"], one["end_index"])
                for one in json.loads(row["references"])
            ),
            row["corpus_id"],
        )
        for row in found
    ]
    texts = {name: (CHROMA / f"{name}.md").read_bytes().decode() for name in corpora}
    with shelf(tmp_path / "kb", *(document(f"{name}.md", text) for name, text in texts.items())) as base:
        run = evaluate(base, encoders(), questions, (800, 3200)).run
        for at, question in enumerate(questions):
            wanted = by_sets(question, asked(base, question, 800, ()))
            got = {name: run.scores[f"{name}@800"][at, run.row(FUSED)] for name in wanted}
            assert got == pytest.approx(wanted, nan_ok=True)
    assert len(questions) > 15
