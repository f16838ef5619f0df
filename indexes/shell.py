"""What all commands of the command line share: options, exit codes, and what goes to which stream.

Standard output carries answers only, with ``--json`` one object; progress and complaints go to standard error.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from ..pipeline.errors import OctavoError

DONE, FAILED, USAGE, SOME_FAILED, INTERRUPTED = 0, 1, 2, 3, 130
"""Exit codes. ``SOME_FAILED``: some sources could not be read and the rest is in."""

DeviceName = Literal["auto", "cpu", "cuda"]

Folder = Annotated[Path, typer.Option("--kb", metavar="DIR", envvar="OCTAVO_KB", help="Folder of the knowledge base.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Device = Annotated[DeviceName, typer.Option(help="auto takes a GPU where there is one.")]
Asr = Annotated[
    str | None,
    typer.Option(
        "--asr", metavar="ID", help="Speech recogniser, Whisper or CTC: a hub id or a folder. None by default."
    ),
]
AsrLanguage = Annotated[
    str, typer.Option("--asr-language", metavar="CODE", help="What is spoken, such as en; Whisper tells by itself.")
]
Respellings = Annotated[
    Path | None,
    typer.Option("--respellings", metavar="FILE", help='How names are said, one a line: "Siobhan = shivawn".'),
]
Espeak = Annotated[
    bool,
    typer.Option(
        "--espeak", envvar="OCTAVO_ESPEAK", help='Pronounce with espeak-ng too, also other scripts (extra "espeak").'
    ),
]


class Commands(TyperGroup):
    """Commands whose help flows: a paragraph of a docstring is as wide as the terminal, not as its source."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        command = super().get_command(ctx, cmd_name)
        if command is not None and command.help:
            command.help = re.sub(r"(?<!\n)\n(?!\n)", " ", inspect.cleandoc(command.help))
        return command


class Settings:
    """What the options before a command set."""

    debug = False
    """Show tracebacks of errors."""


def print_json(made: object) -> None:
    """One object on a line of standard output."""
    print(json.dumps(made, default=str), flush=True)


def complain(message: str) -> None:
    """A line on standard error."""
    print("octavo: " + message.encode("utf-8", "replace").decode(), file=sys.stderr, flush=True)


def error_json(error: Exception) -> dict[str, Any]:
    """An error as ``--json`` shows it."""
    code = error.code if isinstance(error, OctavoError) else "system" if isinstance(error, OSError) else "fault"
    return {"error": {"code": code, "message": message(error)}}


def message(error: Exception) -> str:
    """What an error says to people."""
    if isinstance(error, OctavoError | OSError):
        return str(error)
    said = " ".join(str(error).split())
    return f"a fault in Octavo, {type(error).__name__}{f': {said}' if said else ''}; octavo --debug shows where"
