"""``octavo calibrate``: a team's questions asked, a map fitted, kept in a commit, and used."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from octavo import cli
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.confidence.assess import calibration_of
from octavo.indexes.confidence.calibrate import ask_all, calibrate
from octavo.indexes.confidence.calibration import SETTING, CalibrationMap
from octavo.indexes.evaluate.questions import Question, Relevant, write_questions
from octavo.indexes.retrieve import Encoders
from octavo.pipeline.encoders.character import CharacterEncoder
from octavo.pipeline.errors import KnowledgeBaseError, QueryError

from .library import MANUAL, NOTES, BagOfWords, document, encoded, shelf
from .sound_world import encoders_of, kb_of, recording_of

ENCODERS = Encoders(BagOfWords(), CharacterEncoder())


def asked(text: str, quote: str, number: int) -> Question:
    name, whole = ("manual.md", MANUAL) if quote in MANUAL else ("notes.md", NOTES)
    start = whole.index(quote)
    return Question(text, (Relevant(name, start, start + len(quote)),), id=str(number))


ANSWERABLE = [
    asked(text, quote, number)
    for number, (text, quote) in enumerate(
        (
            ("What does E-4304 mean?", "E-4304 means that the pump is dry."),
            ("What does E-4305 mean?", "E-4305 means that the lid is open."),
            ("How long is the warranty of the boiler?", "The warranty covers pump, valve and boiler for two years."),
            ("Is scale covered?", "It does not cover scale, misuse and worn seals."),
            ("What do I send with a claim?", "Send the invoice with every claim."),
            ("How often is the filter rinsed?", "Rinse the filter every week."),
            ("Which acid descales the boiler?", "Descale the boiler every three months with citric acid."),
            ("Where is the database kept?", "The database of recipes is now kept on the device."),
            ("In which unit is temperature shown?", "Temperature is shown in degrees Celsius."),
            ("Can the lamp be dimmed?", "The lamp can be dimmed."),
            ("How often are readings logged?", "Thermostat readings are logged every minute."),
        )
    )
]
UNANSWERABLE = [
    Question(text, (), answerable=False, id=f"u{number}")
    for number, text in enumerate(("Who painted the moon?", "How many zebras are there?", "What does E-9999 mean?"))
]


@pytest.fixture
def kb(tmp_path: Path) -> Iterator[KnowledgeBase]:
    with shelf(tmp_path / "kb", document("manual.md", MANUAL), document("notes.md", NOTES)) as base:
        yield base


def test_questions_with_answers_are_asked_without_their_source_too(kb: KnowledgeBase) -> None:
    with kb.snapshot() as snapshot:
        scores = ask_all(kb, snapshot, ENCODERS, ANSWERABLE)
    assert len(scores.right) == 2 * len(ANSWERABLE)
    assert np.array_equal(scores.group, np.repeat(np.arange(len(ANSWERABLE)), 2))
    assert not scores.right[1::2].any()
    assert scores.right[::2].mean() > 0.8
    assert (scores.logits[::2] > scores.logits[1::2]).mean() > 0.8


def test_unanswerable_ones_are_taken_as_they_are(kb: KnowledgeBase) -> None:
    with kb.snapshot() as snapshot:
        scores = ask_all(kb, snapshot, ENCODERS, [*ANSWERABLE, *UNANSWERABLE])
    assert len(scores.right) == len(ANSWERABLE) + len(UNANSWERABLE)
    assert not scores.right[-3:].any()
    assert not scores.answerable[-3:].any()


def test_what_only_sound_answers_is_left_out(tmp_path: Path) -> None:
    said = Question("is the router broken", (Relevant("call.wav"),), id="said")
    with kb_of(
        tmp_path / "kb",
        encoded(document("manual.md", MANUAL), BagOfWords()),
        encoded(document("notes.md", NOTES), BagOfWords()),
        recording_of(tmp_path, "call", ["my router is broken"]),
    ) as base:
        with base.snapshot() as snapshot:
            scores = ask_all(base, snapshot, encoders_of(), [said, *ANSWERABLE])
        assert len(scores.right) == 2 * len(ANSWERABLE)
        with pytest.raises(QueryError, match=r"9 of 11 .* only recordings without a transcript"):
            calibrate(base, encoders_of(), [said, said, *ANSWERABLE[:9]])


def test_the_map_is_kept_used_and_shown(kb: KnowledgeBase) -> None:
    before = kb.generation
    done = calibrate(kb, ENCODERS, ANSWERABLE, threshold=0.35)
    assert done.generation == before + 1 == kb.generation
    assert (done.questions, done.unanswerable, done.left_out) == (22, 11, 11)
    assert 0 <= done.ece_after <= 1
    status = kb.status()
    assert status.calibration is not None
    assert status.calibration.questions == 22
    with kb.snapshot() as snapshot:
        kept = calibration_of(snapshot)
        with kb.snapshot(before) as earlier:
            assert calibration_of(earlier) == CalibrationMap()
    assert kept == done.map
    assert kept.threshold == 0.35
    # A second run starts from the shipped model again, not from the first map.
    again = calibrate(kb, ENCODERS, ANSWERABLE)
    assert again.map.stretch == pytest.approx(kept.stretch)
    assert again.map.slopes == kept.slopes
    assert again.map.threshold == 0.35


def test_search_uses_the_map(kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Encoders, "load", classmethod(lambda cls, *a, **k: ENCODERS))
    question = "How long is the warranty of the boiler?"
    before = kb.search(question).confidence
    with kb.writer() as writer:
        writer.keep(SETTING, json.dumps(CalibrationMap(1.0, -6.0, 50, 25, threshold=0.2).to_json()))
        writer.commit({"action": "calibrate"})
    answer = kb.search(question)
    assert answer.confidence is not None
    assert before is not None
    assert answer.confidence < 0.2 < before
    assert answer.abstain
    assert answer.handoff is not None
    assert answer.handoff.threshold == 0.2
    assert not kb.search(question, abstain_below=0.0).abstain
    kb.compact()
    assert kb.search(question).confidence == pytest.approx(answer.confidence)


def test_what_is_not_committed_is_not_there(kb: KnowledgeBase) -> None:
    """A writer that ends without a commit, as by a kill, leaves the map of before."""
    calibrate(kb, ENCODERS, ANSWERABLE)
    generation, kept = kb.generation, kb.status().calibration
    with kb.writer() as writer:
        writer.keep(SETTING, json.dumps(CalibrationMap(2.0, 1.0).to_json()))
    assert kb.generation == generation
    assert kb.status().calibration == kept


def test_a_dry_run_keeps_nothing(kb: KnowledgeBase) -> None:
    done = calibrate(kb, ENCODERS, ANSWERABLE, dry_run=True)
    assert done.generation is None
    assert kb.status().calibration is None


@pytest.mark.parametrize(
    ("questions", "said"),
    [
        (ANSWERABLE[:3], "3 questions are too few"),
        ([*UNANSWERABLE * 4], "no answer was found in the hits"),
        ([*ANSWERABLE, Question("x", (Relevant("nowhere.md"),), id="9")], "not in the knowledge base"),
        ([*ANSWERABLE, Question("x", (Relevant("manual.md", 5, 90_000),), id="9")], "reaches past"),
    ],
)
def test_nonsense_is_refused(kb: KnowledgeBase, questions: list[Question], said: str) -> None:
    before = kb.generation
    with pytest.raises(QueryError, match=said):
        calibrate(kb, ENCODERS, questions)
    assert kb.generation == before


def test_a_damaged_map_is_named(kb: KnowledgeBase) -> None:
    with kb.writer() as writer:
        writer.keep(SETTING, "{")
        writer.commit({"action": "calibrate"})
    with kb.snapshot() as snapshot, pytest.raises(KnowledgeBaseError, match="octavo calibrate again"):
        calibration_of(snapshot)
    calibrate(kb, ENCODERS, ANSWERABLE)
    assert kb.status().calibration is not None


@pytest.fixture
def arguments(kb: KnowledgeBase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(Encoders, "load", classmethod(lambda cls, *a, **k: ENCODERS))
    write_questions(tmp_path / "questions.jsonl", ANSWERABLE)
    return ["calibrate", str(tmp_path / "questions.jsonl"), "--kb", str(kb.path)]


def test_the_command(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([*arguments, "--dry-run"]) == cli.DONE
    assert "nothing was kept" in capsys.readouterr().out
    assert cli.main([*arguments, "--json", "--abstain-below", "0.4"]) == cli.DONE
    made = json.loads(capsys.readouterr().out)
    assert made["questions"] == 22
    assert made["threshold"] == 0.4
    assert set(made) >= {"ece_before", "ece_after", "risk_area_before", "risk_area_after", "stretch", "generation"}
    assert cli.main(["status", *arguments[2:]]) == cli.DONE
    assert "calibrated by 22 questions" in capsys.readouterr().out
    assert cli.main(["status", *arguments[2:], "--json"]) == cli.DONE
    assert json.loads(capsys.readouterr().out)["calibration"]["questions"] == 22


def test_search_abstains_from_nonsense(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["search", "Which zebra conquered the moons of Quaxwell?", *arguments[2:]]
    assert cli.main([*asked, "--json"]) == cli.DONE
    made = json.loads(capsys.readouterr().out)
    assert made["abstain"]
    assert made["handoff"]["nearest"] == made["hits"]
    assert cli.main(asked) == cli.DONE
    said = capsys.readouterr().out
    assert said.startswith("No answer")
    assert "No text in the knowledge base mentions 'zebra'" in said
    assert "Nearest: " in said
    assert 3 <= said.count("\n") <= 7
    assert cli.main([*asked, "--json", "--abstain-below", "0"]) == cli.DONE
    assert not json.loads(capsys.readouterr().out)["abstain"]


@pytest.mark.parametrize("text", ["nonsense", '{"question": 1}', ""])
def test_files_of_nonsense_are_refused(
    arguments: list[str], text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "questions.jsonl").write_text(text)
    assert cli.main(arguments) == cli.USAGE
    assert "questions.jsonl" in capsys.readouterr().err
