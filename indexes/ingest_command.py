"""``octavo ingest``."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..pipeline.errors import SourceMissing
from .shell import (
    FAILED,
    INTERRUPTED,
    SOME_FAILED,
    Asr,
    AsrLanguage,
    Device,
    Espeak,
    Folder,
    Json,
    Respellings,
    Settings,
    complain,
    error_json,
    message,
    print_json,
)

if TYPE_CHECKING:
    from .taken import Taken


def ingest(
    kb: Folder,
    paths: Annotated[list[str] | None, typer.Argument(metavar="PATH…", help="Files, folders and globs.")] = None,
    files_from: Annotated[
        str | None, typer.Option(metavar="FILE", help="Read further paths from FILE, one a line; - is standard input.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="ID", help="Text encoder: a hub id or a folder. The shipped one by default.")
    ] = None,
    width: Annotated[
        int | None,
        typer.Option(metavar="N", min=8, help="Keep the first N numbers of a text vector. All by default."),
    ] = None,
    speech_model: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Speech encoder, made by octavo train speech, or shipped. By default the one remembered.",
        ),
    ] = None,
    asr: Asr = None,
    asr_language: AsrLanguage = "",
    respellings: Respellings = None,
    espeak: Espeak = False,
    rehear: Annotated[
        bool, typer.Option("--rehear", help="Hear recordings anew that another speech encoder heard before an update.")
    ] = False,
    device: Device = "auto",
    workers: Annotated[int | None, typer.Option(min=1, help="Processes that read files.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done and do nothing.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Report every file, not only the problems.")] = False,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a JSON line for each file as soon as it is safely in.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Bring a knowledge base up to date with files.

    Unchanged files are not read again, so an interrupted run is continued by running it again. Files that are gone
    stay in until octavo delete; those of the folders named are counted.

    Recordings are indexed by their sound. Words come from a transcript beside one (talk.vtt, .srt, .json, .TextGrid),
    else from a recogniser (--asr); what one wrote down stays when the next run has none. Names in --respellings, and
    --espeak, move the sounds of terms: give them with every run, or the terms are pronounced again without.

    A knowledge base belongs to one speech encoder. After an update brought another, --rehear hears all recordings anew
    and puts them in place of what was heard before with one commit at the end; until then that answers.
    """
    from ..pipeline.ingest import discover
    from .intake_run import Ears, intake, planned, without_file, write_line
    from .plan import plan
    from .report import plain_console, show_intake

    named = [*(paths or []), *(_lines(files_from) if files_from else [])]
    if not named:
        raise typer.BadParameter("name at least one file, folder or glob, or use --files-from")
    inside = Path(os.path.abspath(kb))
    found = [path for path in discover(named) if inside != path and inside not in path.parents]
    if not found:
        raise SourceMissing(f"no files found in {', '.join(named)}: check the names; hidden files are left out")
    ears = Ears(device, speech_model, asr, asr_language, respellings, espeak, rehear)
    began = time.monotonic()
    taken: list[Taken] = []
    interrupted = False
    failure: Exception | None = None
    if dry_run:
        stream = planned(kb, found, model, ears, width)
    elif any(map(os.path.lexists, found)):
        stream = intake(kb, found, model, ears, workers, width)
    else:
        stream = plan(None, found, "")  # names what is wrong with each; no knowledge base is made for it
    with ExitStack() as stack:
        lines = stack.enter_context(report.open("wb", buffering=0)) if report else None
        try:
            for item in stream:
                taken.append(item)
                if lines and report:
                    write_line(lines, report, item)
        except KeyboardInterrupt:
            interrupted = True
        except Exception as error:
            if not taken:
                raise
            failure = error  # told after what is in all the same
    seconds = time.monotonic() - began
    failed = sum(not item.done for item in taken)
    gone = [] if interrupted or failure else without_file(kb, named)
    if as_json:
        made: dict[str, Any] = {"knowledge_base": str(kb), "codes": Counter(item.code for item in taken)}
        made |= {"found": len(found), "failed": failed, "interrupted": interrupted, "dry_run": dry_run}
        made |= {"seconds": round(seconds, 3), "gone": gone} | (error_json(failure) if failure else {})
        print_json(made | {"outcomes": [item.to_json() for item in taken]})
    else:
        show_intake(plain_console(), taken, verbose=verbose, seconds=seconds, planned=dry_run, found=len(found))
    if gone:
        complain(
            f"{len(gone):,} sources below the folders named are on disk no longer ({gone[0]}) and still answer:"
            f" octavo delete takes them out, octavo ingest --json lists them"
        )
    if interrupted:
        complain(f"interrupted; {'what is reported above' if taken else 'nothing'} is in. Run it again to go on")
        raise typer.Exit(INTERRUPTED)
    if failure:
        if Settings.debug:
            raise failure
        complain(f"{message(failure)}; what is reported above is in")
        raise typer.Exit(FAILED)
    if failed:
        raise typer.Exit(SOME_FAILED if failed < len(taken) else FAILED)


def _lines(name: str) -> list[str]:
    """Paths, one a line, as the file system's bytes: they need not be text."""
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except (OSError, ValueError) as error:
        raise SourceMissing(f"the list of paths {name} cannot be read: {getattr(error, 'strerror', error)}") from error
    return [os.fsdecode(line.rstrip(b"\r")) for line in data.split(b"\n") if line.strip()]
