"""How the work on a knowledge base looks in a terminal."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import pytest
from octavo.indexes.doctor import Check, State
from octavo.indexes.report import plain_console, show_checks, show_intake, show_verification, size
from octavo.indexes.store.verification import Problem, Verification
from octavo.indexes.taken import Taken
from octavo.pipeline.document import Flag
from rich.console import Console
from rich.table import Table

REPORT = (
    Taken(Path("/d/good.md"), "added", size=1000),
    Taken(Path("/d/scan.pdf"), "added", flags=(Flag("needs-ocr", "page 2"),), size=2000),
    Taken(Path("/d/manual.pdf"), "added", flags=(Flag("header-footer-removed"),), size=3000),
    Taken(Path("/d/[red]\x1b[2J.zip"), "unsupported", "no reader takes application/zip", size=4000),
)


def console(*, terminal: bool = False) -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, width=120, force_terminal=terminal, color_system=None, markup=False, emoji=False), out


def intake(report: Sequence[Taken], *, verbose: bool = False, terminal: bool = False) -> str:
    shown, out = console(terminal=terminal)
    show_intake(shown, report, verbose=verbose, seconds=2.0, planned=False)
    return out.getvalue()


@pytest.mark.parametrize("terminal", [False, True])
def test_only_problems_are_listed(terminal: bool) -> None:
    out = intake(REPORT, terminal=terminal)
    assert "good.md" not in out
    assert "manual.pdf" not in out
    assert "needs-ocr: page 2" in out
    assert "no reader takes application/zip" in out
    assert "3 added, 1 unsupported, 1 of them flagged; 10.0 kB in 2.0 s" in out


def test_recordings_are_summed_up() -> None:
    hour = 3600 * 16000
    talk = Taken(Path("/d/talk.wav"), "added", counts={"samples": 2 * hour, "speech": hour, "characters": 0})
    call = Taken(Path("/d/call.wav"), "added", counts={"samples": hour, "speech": hour // 2, "characters": 900})
    out = intake((*REPORT, talk, call))
    assert "2 recordings, 3.0 hours, 1.5 hours of it speech; 1 without a transcript: indexed by sound alone" in out
    assert "1 recording, 1.0 hours, 30:00 of it speech; all with transcripts" in intake([call])
    assert "recording" not in intake(REPORT)


def test_verbose_lists_every_file() -> None:
    out = intake(REPORT, verbose=True)
    assert all(taken.path.parent.as_posix() in out for taken in REPORT)
    assert out.count("/d/") == len(REPORT)


def test_names_cannot_move_the_cursor() -> None:
    assert "\x1b[2J" not in intake(REPORT)
    assert "[red]" in intake(REPORT)


def test_nothing_found() -> None:
    assert intake([]).startswith("no files found")


def test_nothing_finished() -> None:
    shown, out = console()
    show_intake(shown, [], verbose=False, seconds=1.0, planned=False, found=1200)
    assert out.getvalue().startswith("1,200 files found, none of them finished")
    show_intake(shown, REPORT, verbose=False, seconds=1.0, planned=False, found=10)
    assert "1 unsupported, 6 of 10 files not finished" in out.getvalue()


def test_a_path_is_named_once_and_cannot_move_the_cursor_in_a_message() -> None:
    path = Path("/d/\x1b[2J.md")
    out = intake([Taken(path, "missing", f"{path}: No such file; check {path.name}")])
    assert out.count("/d/") == 1
    assert "No such file; check" in out
    assert "\x1b" not in out


def test_pipes_get_no_padding_and_the_width_they_ask_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = Table("one", "two")
    table.add_row("x", "a longer cell\nshort")
    plain_console().print(table)
    out = capsys.readouterr().out
    assert "a longer cell" in out
    assert all(line == line.rstrip() for line in out.splitlines())
    monkeypatch.setenv("COLUMNS", "30")
    plain_console().print("word " * 20)
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 30
    monkeypatch.setenv("COLUMNS", "wide")
    assert plain_console().width == 120


def test_damage_is_named() -> None:
    shown, out = console()
    show_verification(
        shown, Verification(3, (Problem("vectors/x.f16", "is missing"),), ("vectors/y.part",), 5, 1_500_000)
    )
    assert "vectors/x.f16: is missing" in out.getvalue()
    assert "1 problems: generation 3, 5 files, 1.5 MB read" in out.getvalue()
    assert "y.part" in out.getvalue()


def test_advice_stands_under_its_check() -> None:
    shown, out = console()
    show_checks(shown, [Check("gpu", State.OK, "none"), Check("faiss", State.PROBLEM, "missing", "pip install it")])
    lines = out.getvalue().splitlines()
    assert lines[0].startswith("ok      gpu")
    assert lines[2].strip() == "-> pip install it"


@pytest.mark.parametrize(("count", "shown"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2.5e12, "2.5 TB")])
def test_size(count: float, shown: str) -> None:
    assert size(count) == shown
