"""Runs in files and back, their summaries, comparisons and gates."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.evaluate.compare import compare
from octavo.indexes.evaluate.gate import judge, parse_gate
from octavo.indexes.evaluate.granularity import evaluate
from octavo.indexes.evaluate.rows import FUSED
from octavo.indexes.evaluate.run import EvaluationRun, Judged, read_run
from octavo.indexes.evaluate.summary import summarise
from octavo.indexes.evaluate.table import show_comparison, show_evaluation
from octavo.indexes.report import plain_console
from octavo.pipeline.errors import QueryError

from .shelf import BUDGETS, QUESTIONS, encoders


@pytest.fixture
def run(kb: KnowledgeBase) -> EvaluationRun:
    return evaluate(kb, encoders(), QUESTIONS, BUDGETS).run


def worse(run: EvaluationRun, points: float, slower: float = 1.0) -> EvaluationRun:
    """The same run with less recall for the first two questions, and slower."""
    scores = {name: values.copy() for name, values in run.scores.items()}
    for budget in run.budgets:
        scores[f"recall@{budget}"][:2] -= points
    signals = {name: values * slower if name.startswith("ms") else values for name, values in run.signals.items()}
    return replace(run, scores=scores, signals=signals)


def test_a_run_comes_back_from_its_file(run: EvaluationRun, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps(run.to_json(), allow_nan=False))
    back = read_run(path)
    assert (back.questions, back.rows, back.budgets) == (run.questions, run.rows, run.budgets)
    assert back.spans == run.spans is not None
    for name, values in run.scores.items():
        np.testing.assert_allclose(back.scores[name], values, atol=1e-6)
    for name, values in run.signals.items():
        np.testing.assert_allclose(back.signals[name], values, atol=1e-6)
    assert compare(back, run).won == compare(back, run).lost == ()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "cannot be read"),
        ("[]", "no evaluation run"),
        ("{}", "no evaluation run"),
        ('{"format": "octavo evaluation", "version": 99}', "version 99"),
        ('{"format": "octavo evaluation", "version": 1}', "damaged"),
    ],
)
def test_what_is_no_run_is_refused(text: str, complaint: str, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(QueryError, match=complaint):
        read_run(tmp_path / "run.json")


def test_a_run_checks_its_shapes(run: EvaluationRun) -> None:
    with pytest.raises(ValueError, match="shape"):
        replace(run, questions=run.questions[:2])
    with pytest.raises(ValueError, match="budgets"):
        replace(run, budgets=(400, 60))
    with pytest.raises(QueryError, match="no row 'page'"):
        run.row("page")


def test_the_oracle_is_the_best_single_scale_of_each_question(run: EvaluationRun) -> None:
    summary = summarise(run)
    fused = run.row(FUSED)
    for budget in BUDGETS:
        values = run.scores[f"recall@{budget}"]
        best = np.array([max(values[at, row] for row in range(5)) for at in range(4)])
        assert summary.oracle[f"recall@{budget}"].mean == pytest.approx(best.mean())
        assert summary.headroom[f"recall@{budget}"].mean == pytest.approx((best - values[:4, fused]).mean())
    assert sum(summary.winners.values()) == pytest.approx(1)
    versus = summary.versus_fused["document"]
    values = run.scores[run.main][:4]
    assert versus.change.mean == pytest.approx(np.mean(values[:, run.row("document")] - values[:, fused]))
    assert 0 < versus.p <= 1


def test_a_summary_says_what_each_kind_of_evidence_is_worth(run: EvaluationRun) -> None:
    summary = summarise(run)
    assert [worth.name for worth in summary.worth] == [
        "character",
        "sentence",
        "paragraph",
        "section",
        "document",
        "lexical",
        "name",
        "window",
    ]
    assert {worth.verdict for worth in summary.worth} <= {"earns", "harms", "no gain shown"}
    without = run.row("without lexical")
    gain = np.nanmean([run.scores[m][:4, run.row(FUSED)] - run.scores[m][:4, without] for m in run.leading])
    assert summary.worth[-3].gain.mean == pytest.approx(gain)
    assert summary.signals["weaker_grounding"]["broken"] == 0
    handoff = summary.signals["confusing_handoff"]
    assert handoff["unanswerable"] == 1
    assert handoff["answered_all_the_same"] == 1 - handoff["abstained_rightly"]
    assert {name: found[FUSED].count for name, found in summary.classes.items()} == {"time": 2, "code": 1, "whole": 0}
    json.dumps(summary.to_json(), allow_nan=False)


def test_sources_lead_where_no_question_names_characters(kb: KnowledgeBase) -> None:
    run = evaluate(kb, encoders(), QUESTIONS[4:], BUDGETS).run
    assert run.main == "source-ndcg@10"
    summary = summarise(run)
    assert summary.estimates["source-mrr"][FUSED].count == 1
    assert summary.estimates["recall@60"][FUSED].to_json()["mean"] is None
    show_evaluation(plain_console(), run, summary)


def test_questions_without_answers_alone_can_be_shown(kb: KnowledgeBase, capsys: pytest.CaptureFixture[str]) -> None:
    run = evaluate(kb, encoders(), QUESTIONS[5:], BUDGETS).run
    show_evaluation(plain_console(), run, summarise(run))
    assert "nothing to rank" in capsys.readouterr().out


def test_an_empty_knowledge_base_answers_nothing(tmp_path: Path) -> None:
    with KnowledgeBase.open(tmp_path / "kb", create=True) as base:
        run = evaluate(base, encoders(), QUESTIONS[5:], BUDGETS).run
    summary = summarise(run)
    handoff = summary.signals["confusing_handoff"]
    assert (handoff["unanswerable"], handoff["answered_all_the_same"], handoff["abstained_rightly"]) == (1, 0, 1)
    show_evaluation(plain_console(), run, summary)


def test_a_comparison_counts_what_was_won_and_lost(run: EvaluationRun, capsys: pytest.CaptureFixture[str]) -> None:
    found = compare(run, worse(run, 0.25))
    assert found.questions == 6
    assert [one.question for one in found.lost] == [QUESTIONS[0].text, QUESTIONS[1].text]
    assert found.won == ()
    fused = next(one for one in found.rows if one.row == FUSED and one.metric == run.main)
    assert (fused.won, fused.lost, fused.tied) == (0, 2, 2)
    assert fused.change == pytest.approx(-0.125)
    assert fused.p == 0.5  # two questions that moved the same way: two sign patterns of four
    assert fused.low <= fused.change <= fused.high
    assert {name: [one.lost for one in ones if one.row == FUSED] for name, ones in found.classes.items()} == {
        "code": [1],
        "time": [1],
        "whole": [],
    }
    json.dumps(found.to_json(), allow_nan=False)
    show_comparison(plain_console(), found)
    assert QUESTIONS[0].text in capsys.readouterr().out


def test_runs_are_paired_by_question(run: EvaluationRun) -> None:
    order = [3, 0, 2]
    fewer = replace(
        run,
        questions=tuple(run.questions[at] for at in order),
        scores={name: values[order] for name, values in run.scores.items()},
        signals={name: values[order] for name, values in run.signals.items()},
        spans=None,
    )
    found = compare(run, fewer)
    assert (found.questions, found.only_before, found.only_after) == (3, 3, 0)
    assert found.won == found.lost == ()
    strangers = tuple(Judged("1", f"other {at}", "other") for at in range(6))
    with pytest.raises(QueryError, match="share no question"):
        compare(run, replace(run, questions=strangers))


@pytest.mark.parametrize(
    ("conditions", "tripped"),
    [
        ("recall@400<-1", [True]),
        ("recall@400<-50", [False]),
        ("recall@400<-1%, p95>+20%", [True, True]),
        ("p95>+200% p50-score>+60%", [False, True]),
        ("fused:recall@400<10 sentence:recall@400<99 without+x:recall@400<1", None),
        (
            "recall@400<99 broken>0 duplicates@400>50 characters@400>400 source-mrr<10",
            [True, False, False, False, False],
        ),
    ],
)
def test_a_gate_trips_where_a_condition_holds(run: EvaluationRun, conditions: str, tripped: list[bool] | None) -> None:
    parsed, now = parse_gate(conditions), worse(run, 0.25, slower=1.7)
    if tripped is None:
        with pytest.raises(QueryError, match="no row"):
            judge(parsed, now, run)
        return
    verdicts = judge(parsed, now, run)
    assert [verdict.tripped for verdict in verdicts] == tripped
    assert [str(verdict).split()[0] for verdict in verdicts] == ["FAILS" if one else "holds" for one in tripped]


@pytest.mark.parametrize(
    ("conditions", "complaint"),
    [
        ("recall@400", "'recall@400' is no condition"),
        ("recall@400<=3", "is no condition"),
        ("recall@400<x", "is no condition"),
        ("recall@400<5%", "needs a sign"),
    ],
)
def test_a_gate_that_makes_no_sense_is_named(conditions: str, complaint: str) -> None:
    with pytest.raises(QueryError, match=complaint):
        parse_gate(conditions)


@pytest.mark.parametrize(
    ("conditions", "complaint"),
    [
        ("recall@77<5", "no 'recall@77'.*60, 120, 400"),
        ("p95-lunch>5", "'lunch' is no stage"),
        ("recall@400<-1", "--against"),
    ],
)
def test_a_gate_that_asks_for_what_was_not_measured_is_refused(
    run: EvaluationRun, conditions: str, complaint: str
) -> None:
    with pytest.raises(QueryError, match=complaint):
        judge(parse_gate(conditions), run, None)
