"""``octavo eval``: what it prints, what it writes, and with which exit code it ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from octavo import cli
from octavo.indexes.evaluate.questions import write_questions
from octavo.indexes.evaluate.run import read_run
from octavo.indexes.retrieve import Encoders

from .shelf import QUESTIONS, encoders, shelve


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    write_questions(tmp_path / "questions.jsonl", QUESTIONS)
    monkeypatch.setattr(Encoders, "load", classmethod(lambda cls, *given, **named: encoders()))
    with shelve(tmp_path):
        yield ["eval", str(tmp_path / "questions.jsonl"), "--kb", str(tmp_path / "kb"), "--budgets", "120,400,60"]


def test_eval_shows_scales_against_budgets(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) == cli.DONE
    said = capsys.readouterr()
    for word in ("sentence+paragraph", "fused", "headroom", "slower answers", "noisy retrieval", "confusing handoff"):
        assert word in said.out
    assert "of 1 questions without an answer got one" in said.out
    assert "handed over" in said.out
    assert said.err == ""


def test_eval_writes_and_compares_runs(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run.json"
    assert cli.main([*arguments, "--report", str(run), "--trec", str(tmp_path / "t"), "--json"]) == cli.DONE
    made = json.loads(capsys.readouterr().out)
    assert made["questions"] == 6
    assert made["summary"]["estimates"]["recall@400"]["fused"]["mean"] == 1
    assert read_run(run).budgets == (60, 120, 400)
    assert len((tmp_path / "t").read_text().splitlines()) >= 6
    assert (tmp_path / "t.qrels").read_text().count(" 0 ") == 5
    gate = "recall@400<-1 recall@400>+0.5 p95>+100000%"
    assert cli.main([*arguments, "--against", str(run), "--fail-if", gate]) == cli.DONE
    said = capsys.readouterr().out
    assert "6 questions in both runs" in said
    assert said.count("holds  ") == 3


def test_a_gate_that_trips_fails(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([*arguments, "--fail-if", "recall@60<100", "--json"]) == cli.FAILED
    assert json.loads(capsys.readouterr().out)["gate"][0]["failed"] is True


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--budgets", "400,many"], "'many' is no budget"),
        (["--fail-if", "recall"], "no condition"),
        (["--fail-if", "recall@60<-1"], "--against"),
        (["--against", "missing.json"], "missing.json"),
    ],
)
def test_what_makes_no_sense_is_said_before_anything_is_measured(
    arguments: list[str], options: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([*arguments, *options]) == cli.USAGE
    assert complaint in capsys.readouterr().err
