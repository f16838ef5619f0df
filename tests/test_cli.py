"""The command line: what is printed, in which form, and with which exit code."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import typer
from octavo import cli
from octavo.indexes import progress
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.evaluate.questions import read_questions
from octavo.pipeline import ingest as ingesting
from octavo.pipeline import reader_pool, segment
from octavo.pipeline.document import Document, Span
from octavo.pipeline.encoders.character import character_encoder
from octavo.pipeline.errors import NotAKnowledgeBase
from octavo.pipeline.reading import read_document
from octavo.pipeline.scale import SCALES, TEXT_SCALES

ROOT = Path(__file__).resolve().parent.parent

COMMANDS = ("ingest", "search", "timeline", "eval", "status", "delete", "verify", "compact", "doctor")

TEXTS = {
    "belts.md": "# Belts\n\nThe drum belt has the number LK-4410. It lasts for 1,200 hours.\n",
    "errors.md": "# Errors\n\nE-4304 means that the drum turns too slowly. Replace the belt.\n",
    "coffee.txt": "Coffee is roasted at 200 degrees. The chaff filter is washed every week.\n",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    files = tmp_path_factory.mktemp("files")
    for name, text in TEXTS.items():
        (files / name).write_text(text)
    return files


@pytest.fixture(scope="module")
def kb(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bases") / "kb"
    assert cli.main(["ingest", str(folder), "--kb", str(path), "--json"]) == cli.DONE
    return path


class Ran:
    """A command line that ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        assert self.out.count("\n") == 1, f"more than one line: {self.out!r}"
        return json.loads(self.out)


@pytest.fixture
def octavo(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*arguments: object) -> Ran:
        capsys.readouterr()
        code = cli.main([str(argument) for argument in arguments])
        return Ran(code, *capsys.readouterr())

    return run


def type_in(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8"))


def test_scales_of_the_command_line_are_those_of_the_code() -> None:
    assert list(cli.ScaleName) == list(SCALES)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_and_takes_json(octavo: Any, command: str) -> None:
    shown = octavo(command, "--help")
    assert shown.code == cli.DONE
    assert "--json" in shown.out


def test_the_installed_script_runs() -> None:
    done = subprocess.run([sys.executable, "-m", "octavo.cli", "--help"], capture_output=True, text=True, check=True)
    assert all(command in done.stdout for command in (*COMMANDS, "train"))


@pytest.mark.parametrize(
    "arguments",
    [
        ["search"],
        ["search", "x"],
        ["search", "x", "--kb", "k", "-k", "0"],
        ["search", "x", "--kb", "k", "--scale", "chapter"],
        ["ingest", "--kb", "k"],
        ["nonsense"],
    ],
)
def test_wrong_usage(octavo: Any, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OCTAVO_KB", raising=False)
    assert octavo(*arguments).code == cli.USAGE


def test_a_question_gets_a_cited_answer(octavo: Any, kb: Path) -> None:
    ran = octavo("search", "how long does the belt last?", "--kb", kb)
    assert ran.code == cli.DONE
    assert "1,200 hours" in ran.out
    assert "belts.md" in ran.out


def test_json_answers_fit_the_schema(octavo: Any, kb: Path, folder: Path) -> None:
    schema = json.loads((ROOT / "docs" / "answer.schema.json").read_text())
    answer = octavo("search", "E-4304", "--kb", kb, "--json", "-k", 2).json
    jsonschema.validate(answer, schema)
    best = answer["hits"][0]
    assert best["source"]["uri"] == str(folder / "errors.md")
    assert TEXTS["errors.md"][best["start"] : best["stop"]] == best["text"]


def test_questions_from_standard_input_keep_their_order(octavo: Any, kb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    questions = ["when is the filter washed?", "E-43O4", "how hot?"]
    type_in(monkeypatch, "\n".join(questions))
    ran = octavo("search", "-", "--kb", kb, "--budget", 80)
    assert ran.code == cli.DONE
    answers = [json.loads(line) for line in ran.out.splitlines()]
    assert [answer["query"] for answer in answers] == questions
    assert all(sum(len(hit["text"]) for hit in answer["hits"]) <= 80 for answer in answers)


def test_a_question_that_makes_no_sense_does_not_shift_the_others(
    octavo: Any, kb: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    type_in(monkeypatch, "belt\n\nfilter\n")
    ran = octavo("search", "-", "--kb", kb)
    first, second, third = (json.loads(line) for line in ran.out.splitlines())
    assert ran.code == cli.FAILED
    assert first["hits"]
    assert third["hits"]
    assert second["error"]["code"] == "query"


def test_filters(octavo: Any, kb: Path) -> None:
    def uris(*options: object) -> set[str]:
        answer = octavo("search", "belt drum coffee", "--kb", kb, "--json", *options).json
        return {Path(hit["source"]["uri"]).name for hit in answer["hits"]}

    assert uris("--source", "*.txt") == {"coffee.txt"}
    assert uris("--type", "text/markdown") == {"belts.md", "errors.md"}
    assert uris("--before", "1999") == set()
    assert uris("--after", "1999") == set(TEXTS)
    assert octavo("search", "belt", "--kb", kb, "--after", "soon").code == cli.USAGE


def test_scales_can_be_pinned(octavo: Any, kb: Path) -> None:
    answer = octavo("search", "belt", "--kb", kb, "--json", "--scale", "document", "-k", 1).json
    assert answer["hits"][0]["scale"] == "document"


def test_status(octavo: Any, kb: Path) -> None:
    found = octavo("status", "--kb", kb, "--json").json
    assert found["sources"] == len(TEXTS)
    assert found["model"] == "all-MiniLM-L6-v2"
    assert {scale["scale"] for scale in found["scales"]} == {scale.name for scale in TEXT_SCALES} | {"pronunciation"}
    assert {"units", "vectors", "kinds", "recall", "bytes", "fingerprint"} <= set(found["scales"][0])
    assert "all-MiniLM-L6-v2" in octavo("status", "--kb", kb).out


def test_ingest_reports_every_file(octavo: Any, tmp_path: Path) -> None:
    (tmp_path / "good.md").write_text("Some words.\n")
    (tmp_path / "bad.bin").write_bytes(b"\x7fELF" + bytes(64))
    (tmp_path / ".hidden.md").write_text("Not for you.\n")
    base, report = tmp_path / "kb", tmp_path / "report.jsonl"
    ran = octavo("ingest", tmp_path, "--kb", base, "--json", "--report", report)
    assert ran.code == cli.SOME_FAILED
    by_name = {Path(taken["uri"]).name: taken["code"] for taken in ran.json["outcomes"]}
    assert by_name == {"good.md": "added", "bad.bin": "unsupported"}
    assert [json.loads(line) for line in report.read_text().splitlines()] == ran.json["outcomes"]
    report.unlink()
    again = octavo("ingest", tmp_path, "--kb", base)
    assert "1 unsupported, 1 unchanged" in again.out
    assert "no reader takes application/x-elf" in again.out
    assert octavo("status", "--kb", base, "--json").json["sources"] == 1, "the knowledge base must not read itself"


def test_all_failed_is_a_failure(octavo: Any, tmp_path: Path) -> None:
    assert octavo("ingest", tmp_path / "nothing.md", "--kb", tmp_path / "kb").code == cli.FAILED


def test_paths_from_standard_input(octavo: Any, tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    type_in(monkeypatch, f"{folder / 'belts.md'}\n{folder / 'coffee.txt'}\n\n")
    ran = octavo("ingest", "--files-from", "-", "--kb", tmp_path / "kb", "--json", "--dry-run")
    assert ran.json["codes"] == {"added": 2}
    assert not (tmp_path / "kb").exists()


def test_names_that_no_file_can_have_are_missing(
    octavo: Any, tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    type_in(monkeypatch, f"{tmp_path}/nul\0.md\n{tmp_path}/{'x' * 300}\n{folder / 'belts.md'}\n")
    ran = octavo("ingest", "--files-from", "-", "--kb", tmp_path / "kb", "--json")
    assert ran.code == cli.SOME_FAILED
    assert [taken["code"] for taken in ran.json["outcomes"]] == ["missing", "missing", "added"]


def test_a_wrong_folder_is_noticed(octavo: Any, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for arguments in (["empty"], ["empty", "--dry-run"]):
        ran = octavo("ingest", tmp_path / arguments[0], *arguments[1:], "--kb", tmp_path / "kb")
        assert ran.code == cli.FAILED
        assert f"no files found in {tmp_path / 'empty'}" in ran.err
    ran = octavo("ingest", tmp_path / "typo", tmp_path / "*.pdf", "--kb", tmp_path / "kb")
    assert ran.code == cli.FAILED
    assert ran.out.count("typo") == 1
    assert not (tmp_path / "kb").exists()


def test_a_folder_of_other_things_stays_as_it_is(octavo: Any, tmp_path: Path, folder: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear Sir")
    ran = octavo("ingest", folder, "--kb", tmp_path)
    assert ran.code == cli.FAILED
    assert "letter.txt" in ran.err
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_sources_whose_files_are_gone_are_told(octavo: Any, tmp_path: Path) -> None:
    files, base = tmp_path / "files", tmp_path / "kb"
    files.mkdir()
    for name, text in TEXTS.items():
        (files / name).write_text(text)
    assert octavo("ingest", files, "--kb", base, "--json").json["gone"] == []
    (files / "belts.md").unlink()
    again = octavo("ingest", files, "--kb", base, "--json")
    assert again.code == cli.DONE
    assert again.json["gone"] == [str(files / "belts.md")]
    assert octavo("ingest", files / "errors.md", "--kb", base, "--json").json["gone"] == []
    assert "octavo delete takes them out" in octavo("ingest", files, "--kb", base).err
    assert octavo("status", "--kb", base, "--json").json["sources"] == len(TEXTS)


def test_sources_are_listed(octavo: Any, kb: Path, folder: Path) -> None:
    listed = octavo("status", "--sources", "--kb", kb, "--json").json["sources_list"]
    assert [source["uri"] for source in listed] == [str(folder / name) for name in sorted(TEXTS)]
    assert listed[0] == {
        "uri": str(folder / "belts.md"),
        "media_type": "text/markdown",
        "characters": len(TEXTS["belts.md"]),
        "flags": [],
    }
    assert f"{folder / 'belts.md'}  text/markdown" in octavo("status", "--sources", "--kb", kb).out
    assert "sources_list" not in octavo("status", "--kb", kb, "--json").json
    assert "octavo status --sources" in octavo("delete", "nothing", "--kb", kb).err


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("a bug")])
def test_an_error_midway_still_reports_what_is_in(
    octavo: Any, tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def cut(document: Document) -> list[Span]:
        if "E-4304" in document.text:
            raise error
        return segment.cut(document)

    monkeypatch.setattr(ingesting, "FILES_PER_BATCH", 1)
    monkeypatch.setattr(reader_pool, "cut", cut)
    base = tmp_path / "kb"
    ran = octavo("ingest", folder, "--kb", base, "--json")
    assert ran.code == cli.FAILED
    assert ran.json["codes"] == {"added": 2}
    assert ("free some" if isinstance(error, OSError) else "a bug") in ran.json["error"]["message"]
    assert ran.err.count("\n") == 1
    assert octavo("status", "--kb", base, "--json").json["sources"] == 2
    with pytest.raises(Exception, match=r"no room|a bug"):
        cli.main(["ingest", str(folder), "--kb", str(base), "--debug"])


def test_a_report_that_cannot_be_written(octavo: Any, tmp_path: Path, folder: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full, a file without room")
    ran = octavo("ingest", folder, "--kb", tmp_path / "kb", "--report", "/dev/full")
    assert ran.code == cli.FAILED
    assert "1 added, 2 of 3 files not finished" in ran.out
    assert "/dev/full cannot be written" in ran.err


def test_delete_then_compact_then_verify(octavo: Any, tmp_path: Path, folder: Path) -> None:
    base = tmp_path / "kb"
    octavo("ingest", folder, "--kb", base)
    planned = octavo("delete", "*.md", "--kb", base, "--json", "--dry-run").json
    assert len(planned["deleted"]) == 2
    ran = octavo("delete", "*.md", "no-such-file.md", "--kb", base, "--json")
    assert ran.code == cli.SOME_FAILED
    assert ran.json["deleted"] == planned["deleted"]
    assert ran.json["unmatched"] == ["no-such-file.md"]
    assert octavo("delete", "*.md", "--kb", base).code == cli.FAILED
    done = octavo("compact", "--kb", base, "--json").json
    assert done["contents"] == 2
    assert octavo("verify", "--kb", base, "--json").json["clean"] is True
    hits = octavo("search", "belt", "--kb", base, "--json").json["hits"]
    assert {Path(hit["source"]["uri"]).name for hit in hits} <= {"coffee.txt"}


def test_verify_names_the_damaged_file(octavo: Any, tmp_path: Path, folder: Path) -> None:
    base = tmp_path / "kb"
    octavo("ingest", folder, "--kb", base)
    shard = next((base / "vectors" / "sentence").iterdir())
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)
    ran = octavo("verify", "--kb", base)
    assert ran.code == cli.FAILED
    assert shard.name in ran.out
    refused = octavo("search", "belt", "--kb", base, "--json")
    assert refused.code == cli.FAILED
    assert refused.json["error"]["code"] == "damaged-file"


def test_errors_are_one_clear_line(octavo: Any, tmp_path: Path) -> None:
    ran = octavo("search", "x", "--kb", tmp_path)
    assert ran.code == cli.FAILED
    assert ran.out == ""
    assert ran.err.startswith("octavo: ")
    assert ran.err.count("\n") == 1
    assert octavo("status", "--kb", tmp_path, "--json").json["error"]["code"] == "not-a-knowledge-base"


def test_files_that_cannot_be_opened_are_named(octavo: Any, tmp_path: Path) -> None:
    ran = octavo("ingest", "--files-from", tmp_path / "no-list.txt", "--kb", tmp_path / "kb", "--json")
    assert ran.code == cli.FAILED
    assert "no-list.txt" in ran.json["error"]["message"]


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    with pytest.raises(NotAKnowledgeBase):
        cli.main(["--debug", "status", "--kb", str(tmp_path)])
    with pytest.raises(NotAKnowledgeBase):
        cli.main(["status", "--kb", str(tmp_path), "--debug"])


def test_the_questions_of_the_sample_name_their_answers(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(ROOT / "demo" / "build.py"), str(tmp_path)], check=True, capture_output=True)
    lines = (ROOT / "demo" / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(read_questions(ROOT / "demo" / "questions.jsonl")) == len(lines)
    for line in map(json.loads, lines):
        (place,) = line["relevant"]
        document = read_document(tmp_path / place["source"])
        if "page" in place:
            assert place["page"] in [page.number for page in document.pages]
        else:
            assert document.text[place["start"] : place["stop"]] == line["answer"], line["id"]


def test_a_busy_knowledge_base(octavo: Any, kb: Path, folder: Path) -> None:
    with KnowledgeBase.open(kb, term_encoder=character_encoder()) as base, base.writer():
        ran = octavo("delete", folder / "belts.md", "--kb", kb, "--json")
    assert ran.code == cli.FAILED
    assert ran.json["error"]["code"] == "busy"


def test_ctrl_c_keeps_what_is_finished(
    octavo: Any, tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Impatient:
        def advance(self, name: str, size: int) -> None:
            signal.raise_signal(signal.SIGINT)

    @contextmanager
    def impatient(*_: object) -> Iterator[Impatient]:
        yield Impatient()

    monkeypatch.setattr(progress, "meter", impatient)
    base = tmp_path / "kb"
    ran = octavo("ingest", folder, "--kb", base, "--json")
    assert ran.code == cli.INTERRUPTED
    assert ran.json["interrupted"] is True
    assert ran.json["codes"] == {"added": 1}
    monkeypatch.undo()
    assert octavo("ingest", folder, "--kb", base, "--json").json["codes"] == {"added": 2, "unchanged": 1}


def test_ctrl_c_before_anything_is_finished(
    octavo: Any, tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(document: Document) -> list[Span]:
        raise KeyboardInterrupt

    monkeypatch.setattr(reader_pool, "cut", cut)
    ran = octavo("ingest", folder, "--kb", tmp_path / "kb")
    assert ran.code == cli.INTERRUPTED
    assert "3 files found, none of them finished" in ran.out
    assert "no files found" not in ran.out
    assert "nothing is in" in ran.err


def test_doctor(octavo: Any, kb: Path, tmp_path: Path) -> None:
    found = octavo("doctor", "--kb", kb, "--json")
    checks = {check["name"]: check for check in found.json["checks"]}
    assert checks["knowledge base"]["state"] == "ok"
    assert all(set(check) == {"name", "state", "found", "advice"} for check in checks.values())
    broken = octavo("doctor", "--model", tmp_path, "--json")
    assert broken.code == cli.FAILED
    assert broken.json["healthy"] is False
    assert "lacks config.json" in octavo("doctor", "--model", tmp_path).out


def test_a_paragraph_of_help_is_not_broken_where_its_source_is() -> None:
    commands: Any = typer.main.get_command(cli.app)
    for group, name in ((commands, "search"), (commands.get_command(None, "train"), "speech")):
        said = group.get_command(None, name).help
        assert len(said.split("\n\n")) == 2
        assert "\n" not in said.replace("\n\n", "")
