"""``octavo eval --weights``: one run with fixed weights, one with those of the question, compared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from octavo import cli
from octavo.indexes.evaluate.questions import Question, Relevant, write_questions
from octavo.indexes.evaluate.run import EvaluationRun, read_run
from octavo.indexes.retrieve import Encoders

from ..evaluate.shelf import encoders, shelve


def test_runs_say_which_weights_they_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Encoders, "load", classmethod(lambda cls, *given, **named: encoders()))
    run = tmp_path / "run.json"
    with shelve(tmp_path) as kb:
        source = kb.sources()[0]
        words = "Hello, thank you for the lamp. It was dimmed every minute. What does E-4304 mean?"
        write_questions(tmp_path / "asked.jsonl", [Question(words, (Relevant(source.uri, 0, 60),))])
        arguments = ["eval", str(tmp_path / "asked.jsonl"), "--kb", str(tmp_path / "kb"), "--budgets", "120"]
        assert cli.main([*arguments, "--weights", "fixed", "--report", str(run), "--json"]) == cli.DONE
        assert json.loads(capsys.readouterr().out)["weights"] == read_run(run).weights == "fixed"
        assert cli.main([*arguments, "--against", str(run), "--json"]) == cli.DONE
        compared = json.loads(capsys.readouterr().out)["comparison"]
        assert compared["weights"] == {"before": "fixed", "after": "query"}
        assert cli.main([*arguments, "--against", str(run)]) == cli.DONE
        assert "the weights were fixed, now query" in capsys.readouterr().out
        assert cli.main([*arguments, "--weights", "heavy"]) == cli.USAGE
    made = json.loads(run.read_text(encoding="utf-8"))
    del made["weights"]
    assert EvaluationRun.from_json(made).weights == "fixed", "runs of before had no others"
