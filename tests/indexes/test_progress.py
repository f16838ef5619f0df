"""How far a long command is."""

from __future__ import annotations

import io
import time

import pytest
from octavo.indexes.progress import clock, meter


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_short_runs_without_a_terminal_are_silent() -> None:
    stream = io.StringIO()
    with meter(2, 200, stream) as running:
        running.advance("a.md", 100)
        running.advance("b.md", 100)
    assert stream.getvalue() == ""


def test_long_runs_say_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    clock_of_the_test = iter([0.0, 20.0, 25.0, 40.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock_of_the_test))
    stream = io.StringIO()
    with meter(4, 4_000_000, stream) as running:
        for _ in range(3):
            running.advance("a.md", 1_000_000)
    assert stream.getvalue().splitlines() == [
        "1/4 files, 0.1 files/s, 0.05 MB/s, 1:00 left",
        "3/4 files, 0.1 files/s, 0.07 MB/s, 0:13 left",
    ]


def test_a_long_recording_tells_its_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    clock_of_the_test = iter([0.0, 5.0, 20.0, 40.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock_of_the_test))
    stream = io.StringIO()
    with meter(1, 4_000_000, stream) as running:
        for done in (600, 9_000, 18_000):
            running.within("talk.wav", 4_000_000, done, 36_000)
        running.advance("talk.wav", 4_000_000)
    assert stream.getvalue().splitlines() == [
        "0/1 files, talk.wav 2:30:00 of 10:00:00, 0.0 files/s, 0.05 MB/s, 1:00 left",
        "0/1 files, talk.wav 5:00:00 of 10:00:00, 0.0 files/s, 0.05 MB/s, 0:40 left",
    ]
    terminal = Terminal()
    with meter(2, 200, terminal) as bar:
        bar.within("talk.wav", 100, 62, 124)
        bar.advance("talk.wav", 100)
        bar.within("more.wav", 100, 31, 62)
    assert "of 1:02" in terminal.getvalue()


def test_a_terminal_gets_a_bar_that_takes_no_markup_from_names() -> None:
    stream = Terminal()
    with meter(2, 200, stream) as running:
        running.advance("[red]a[/red]\x1b[2J.md", 100)
        running.advance("b.md", 100)
    assert "2/2 files" in stream.getvalue()
    assert "\x1b[2J.md" not in stream.getvalue()


@pytest.mark.parametrize(("seconds", "shown"), [(0, "0:00"), (61.4, "1:01"), (3599.6, "1:00:00"), (7325, "2:02:05")])
def test_clock(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown
