"""How far a long command is: a bar on a terminal, a line now and then elsewhere; always on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

SECONDS_BETWEEN_LINES = 15.0
"""Where there is no terminal. Short runs stay silent."""


class Meter(Protocol):
    """What counts."""

    def advance(self, name: str, size: int) -> None:
        """One more file is done, of so many bytes."""

    def within(self, name: str, size: int, done: float, of: float) -> None:
        """Of the recording in hand, of so many bytes, so many seconds of all are done."""


class _Rate(ProgressColumn):
    """Files, their number and bytes a second. Time left follows bytes, since files differ by far more than bytes do."""

    def render(self, task: Task) -> Text:
        files, of = task.fields["files"], task.fields["of"]
        seconds = task.elapsed or 0
        rate = f" {files / seconds:.1f}/s, {task.completed / seconds / 1e6:.2f} MB/s" if seconds > 1 and files else ""
        return Text(f"{files:,}/{of:,} files{rate}")


class _Bar:
    def __init__(self, progress: Progress, files: int, size: int) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=size, files=0, of=files)
        self._files = self._done = 0

    def advance(self, name: str, size: int) -> None:
        self._files += 1
        self._done += size
        self._progress.update(self._task, completed=self._done, files=self._files, description=_fitted(name))

    def within(self, name: str, size: int, done: float, of: float) -> None:
        shown = f"{_fitted(name)} {clock(done)} of {clock(of)}"
        self._progress.update(self._task, completed=self._done + size * done / of, description=shown)


class _Lines:
    def __init__(self, stream: TextIO, files: int, size: int) -> None:
        self._stream, self._of, self._size = stream, files, size
        self._files = self._done = 0
        self._began = self._last = time.monotonic()

    def advance(self, name: str, size: int) -> None:
        self._files += 1
        self._done += size
        if self._files < self._of:
            self._say(self._done, "")

    def within(self, name: str, size: int, done: float, of: float) -> None:
        self._say(self._done + size * done / of, f", {_fitted(name)} {clock(done)} of {clock(of)}")

    def _say(self, done: float, where: str) -> None:
        """A line, if the last one is long enough ago."""
        now = time.monotonic()
        if now - self._last < SECONDS_BETWEEN_LINES:
            return
        self._last = now
        seconds = now - self._began
        rate = f"{self._files / seconds:.1f} files/s, {done / seconds / 1e6:.2f} MB/s"
        # The first few bytes say nothing yet about the rest.
        left = (self._size - done) * seconds / done if done > self._size / 50 else 0
        rest = f", {clock(left)} left" if left else ""
        print(f"{self._files:,}/{self._of:,} files{where}, {rate}{rest}", file=self._stream, flush=True)


@contextmanager
def meter(files: int, size: int, stream: TextIO | None = None) -> Iterator[Meter]:
    """Shows the way through so many files of so many bytes together while the context lasts."""
    stream = stream or sys.stderr
    if not stream.isatty():
        yield _Lines(stream, files, size)
        return
    columns = (
        BarColumn(24),
        _Rate(),
        TimeRemainingColumn(elapsed_when_finished=True),
        TextColumn("{task.description}", markup=False),
    )
    console = Console(file=stream, highlight=False, emoji=False, markup=False)
    with Progress(*columns, console=console, transient=True) as progress:
        yield _Bar(progress, files, size)


def clock(seconds: float) -> str:
    """``1:02:03`` or ``2:03``."""
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def _fitted(name: str, width: int = 36) -> str:
    """A name's end, printable."""
    shown = "".join(character if character.isprintable() else "?" for character in name)
    return shown if len(shown) <= width else "…" + shown[1 - width :]
