"""``octavo ingest`` of recordings, with a recogniser and with names that have respellings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from octavo import cli
from octavo.indexes import intake_run
from octavo.indexes.collection import KnowledgeBase
from octavo.pipeline.embed import Vectors
from octavo.pipeline.encoders import recogniser
from octavo.pipeline.scale import PRONUNCIATION

from ..pipeline.encoders.test_recogniser import ctc_folder  # noqa: F401, a fixture
from .recording_world import PHONEME_WIDTH, FakeListener
from .test_unfinished import write_wav
from .world import unit


class Speech(FakeListener):
    """Hears like its parent; the vector of a pronunciation is drawn from its phones."""

    width = PHONEME_WIDTH

    def encode_pronunciations(self, pronunciations: list[tuple[int, ...]]) -> Vectors:
        return unit(np.stack([np.random.default_rng(phones).normal(size=self.width) for phones in pronunciations]))


@pytest.fixture
def octavo(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    monkeypatch.setattr(intake_run, "speech_encoder", lambda device, model: Speech())

    def run(*arguments: object, code: int = cli.DONE) -> Any:
        capsys.readouterr()
        assert cli.main([*map(str, arguments), "--json"]) == code
        return json.loads(capsys.readouterr().out)

    return run


def test_a_recogniser_writes_down_what_has_no_transcript(
    octavo: Any,
    ctc_folder: Path,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recogniser, "_REPETITIVE", 1e9)  # a random model repeats itself
    talk, kb = write_wav(tmp_path / "talk.wav", 6, 1), tmp_path / "kb"
    asr = ("--asr", ctc_folder)
    assert octavo("ingest", talk, "--kb", kb)["codes"] == {"added": 1}
    assert octavo("status", "--kb", kb)["transcribed"] == 0
    assert octavo("ingest", talk, "--kb", kb, *asr, "--dry-run")["codes"] == {"updated": 1}
    made = octavo("ingest", talk, "--kb", kb, *asr)
    assert made["codes"] == {"updated": 1}
    (taken,) = made["outcomes"]
    assert taken["counts"]["characters"] > 0
    assert taken["counts"]["speech"] <= taken["counts"]["samples"] == 6 * 16000
    status = octavo("status", "--kb", kb)
    assert (status["recordings"], status["transcribed"]) == (1, 1)
    with KnowledgeBase.open(kb) as base, base.snapshot() as snapshot:
        (source,) = base.sources()
        assert f"transcriber recogniser/1 {ctc_folder.name}" in source.recipe
        content = snapshot.content(source.content)
        assert content.manifest["transcript"].startswith("recogniser/1")
        assert content.manifest["aligned"]
        rows = snapshot.times(content.id, 0, content.text_length)
        assert len(rows) == len(snapshot.text(content.id, 0, content.text_length).split())
        heard = snapshot.sounds_between(snapshot.ranges())
        for row in rows:
            assert np.any((heard.start <= row["from"]) & (row["to"] <= heard.stop)), "only utterances are listened to"
    for options in ((), asr):
        assert octavo("ingest", talk, "--kb", kb, *options)["codes"] == {"unchanged": 1}
    assert octavo("verify", "--kb", kb)["clean"]


def test_a_recogniser_that_is_not_there(octavo: Any, tmp_path: Path) -> None:
    talk = write_wav(tmp_path / "talk.wav", 2, 1)
    failed = octavo("ingest", talk, "--kb", tmp_path / "kb", "--asr", tmp_path, code=cli.FAILED)
    assert failed["error"]["code"] == "model"
    assert "the recogniser" in failed["error"]["message"]


def test_respellings_move_the_sounds_of_terms(octavo: Any, tmp_path: Path) -> None:
    kb, names = tmp_path / "kb", tmp_path / "names.txt"
    note, other = tmp_path / "note.md", tmp_path / "other.md"
    note.write_text("Siobhan has the key.\n")
    other.write_text("Nobody asked.\n")
    names.write_text("Siobhan = SH IH V AO N\n")

    def sound(term: str) -> tuple[str, list[float]]:
        with KnowledgeBase.open(kb) as base, base.snapshot() as snapshot:
            index = snapshot.index(PRONUNCIATION)
            ids = np.arange(1, len(index) + 1)
            texts = [text for text, _ in snapshot.terms(ids)]
            return snapshot.fingerprint(PRONUNCIATION) or "", index.vectors(ids)[texts.index(term)].tolist()

    octavo("ingest", note, "--kb", kb)
    guessed = sound("siobhan")
    octavo("ingest", note, other, "--kb", kb, "--respellings", names)
    given = sound("siobhan")
    assert guessed[0] != given[0]
    from octavo.pipeline.phones import phone_ids

    wanted = Speech().encode_pronunciations([phone_ids("SH IH V AO N")])[0]
    assert np.allclose(given[1], wanted, atol=2e-3)
    assert not np.allclose(guessed[1], wanted, atol=2e-3)
    names.write_text("Siobhan\n")
    octavo("ingest", note, "--kb", kb, "--respellings", names, code=cli.USAGE)
