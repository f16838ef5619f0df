"""``octavo search`` and ``octavo timeline`` over recordings, through the command line."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from octavo import cli
from octavo.indexes.retrieve import Encoders
from octavo.indexes.sound.hearing import Hearing
from octavo.indexes.sound.keyword import Edges
from octavo.pipeline.document import Document
from octavo.pipeline.recording import Recording

from .library import BagOfWords, document, encoded
from .sound_world import (
    CALIBRATION,
    FakeSpeech,
    FakeTermSounds,
    encoders_of,
    kb_of,
    phones_of,
    recording_of,
    utterance_of,
)
from .test_unfinished import write_wav

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "answer.schema.json").read_text(encoding="utf-8"))
TEXT = "# Warranty\nPlease send the invoice. The warranty is broken.\n"


@pytest.fixture(scope="module")
def kb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("command")
    kb_of(
        folder / "kb",
        encoded(document("manual.md", TEXT), BagOfWords()),
        recording_of(folder, "call", ["my router is broken", "please send the invoice again"], measures=[[100], [200]]),
        recording_of(folder, "memo", ["the modem is my router"], measures=[[210]]),
        pronouncer=FakeTermSounds(),
    ).close()
    return folder / "kb"


@pytest.fixture
def octavo(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    monkeypatch.setattr(Encoders, "load", classmethod(lambda cls, model, device, hearing, width: encoders_of()))

    def run(*arguments: object, code: int = cli.DONE) -> str:
        capsys.readouterr()
        assert cli.main([str(one) for one in arguments]) == code
        return capsys.readouterr().out

    return run


def test_a_typed_word_is_answered_from_a_recording(octavo: Any, kb: Path) -> None:
    out = octavo("search", "router", "--kb", kb, "--scale", "phoneme")
    assert 'heard "R AW T ER"' in out
    assert "call.wav · 0:01." in out


def test_words_from_standard_input_get_a_line_each(octavo: Any, kb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("router\nmodem\nzzz\n"))
    lines = octavo("search", "-", "--kb", kb, "--json", "-k", 200, "--scale", "phoneme").splitlines()
    answers = [json.loads(line) for line in lines]
    for answer in answers:
        jsonschema.validate(answer, SCHEMA)
    assert [answer["query"] for answer in answers] == ["router", "modem", "zzz"]
    assert Path(answers[1]["hits"][0]["source"]["uri"]).name == "memo.wav"
    assert answers[1]["hits"][0]["scale"] == "phoneme"
    assert answers[2]["hits"] == []


def test_a_spoken_question_is_answered_from_a_document(octavo: Any, kb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = (utterance_of(phones_of("is the warranty broken")),)
    monkeypatch.setattr("octavo.indexes.sound.question_recording.listen_to", lambda path, hearing: said)
    answer = json.loads(octavo("search", "--audio", "question.wav", "--kb", kb, "--json"))
    jsonschema.validate(answer, SCHEMA)
    assert answer["query"] == "is the warranty broken"
    assert "warranty is broken" in answer["hits"][0]["text"]
    example = (utterance_of(phones_of("modem")),)
    monkeypatch.setattr("octavo.indexes.sound.question_recording.listen_to", lambda path, hearing: example)
    answer = json.loads(octavo("search", "--audio", "word.wav", "--scale", "phoneme", "--kb", kb, "--json"))
    assert Path(answer["hits"][0]["source"]["uri"]).name == "memo.wav"


def test_a_name_is_said_as_its_respelling_says(
    octavo: Any, kb: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(cls: type[Encoders], model: str, device: str, hearing: Hearing | None, *, width: int) -> Encoders:
        assert hearing is not None
        return Encoders(hearing=Hearing(hearing.pronouncer, FakeSpeech(), calibration=CALIBRATION, edges=Edges()))

    monkeypatch.setattr(Encoders, "load", classmethod(load))
    names = tmp_path / "names.txt"
    names.write_text("Xqzt = R AW T ER\n")
    asked = ("search", "Xqzt", "--kb", kb, "--scale", "phoneme")
    assert "call.wav · 0:01." in octavo(*asked, "--respellings", names)
    names.write_text("Xqzt\n")
    octavo(*asked, "--respellings", names, code=cli.USAGE)


def test_the_words_of_a_recogniser_join_a_spoken_question(
    octavo: Any, kb: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Scribe:
        def __init__(self, model: str, device: str, *, language: str) -> None:
            assert (model, language) == ("some/model", "en")

        def transcribe(self, recording: Recording, utterances: list[tuple[int, int]]) -> Document:
            assert utterances == [(0, recording.samples)]
            return Document(recording.source, "invoice", ())

    monkeypatch.setattr("octavo.pipeline.encoders.recogniser.Recogniser", Scribe)
    monkeypatch.setattr("octavo.indexes.sound.question_recording.listen_to", lambda path, hearing: ())
    question = write_wav(tmp_path / "question.wav", 1, 1)
    asked = ("search", "--audio", question, "--kb", kb, "--json", "--asr", "some/model", "--asr-language", "en")
    answer = json.loads(octavo(*asked))
    assert answer["query"] == "invoice"
    assert "invoice" in answer["hits"][0]["text"]


def test_manner_is_asked_for(octavo: Any, kb: Path) -> None:
    answer = json.loads(octavo("search", "--filter", "f0>150Hz", "--kb", kb, "--json"))
    assert [hit["measures"]["f0"] for hit in answer["hits"]] == [210, 200]
    out = octavo("search", "--like", "/calls/memo.wav@1-3", "--kb", kb)
    assert "f0 200" in out
    assert octavo("search", "--filter", "speed>3", "--kb", kb, code=cli.USAGE) == ""


def test_something_has_to_be_asked(octavo: Any, kb: Path) -> None:
    octavo("search", "--kb", kb, code=cli.USAGE)
    octavo("search", "router", "--audio", "x.wav", "--kb", kb, code=cli.USAGE)


def test_a_timeline(octavo: Any, kb: Path) -> None:
    made = json.loads(octavo("timeline", "call.wav", "--kb", kb, "--json"))
    assert [line["measures"]["f0"] for line in made["utterances"]] == [100, 200]
    assert made["utterances"][0]["heard"].startswith("M AY R AW T ER")
    assert "0:01.0-" in octavo("timeline", "call.wav", "--kb", kb)
    octavo("timeline", "other.wav", "--kb", kb, code=cli.USAGE)
    octavo("timeline", "*.wav", "--kb", kb, code=cli.USAGE)
