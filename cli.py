"""The command line: ``octavo ingest``, ``search``, ``eval``, ``status``, ``delete``, ``verify``, ``compact``
and ``doctor``.

Standard output carries answers only, with ``--json`` one object (``search -``: one a line); progress and complaints
go to standard error. Nothing heavy is imported before a command needs it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from .pipeline.errors import OctavoError, QueryError, SourceMissing

if TYPE_CHECKING:
    from .indexes.intake import Taken

DONE, FAILED, USAGE, SOME_FAILED, INTERRUPTED = 0, 1, 2, 3, 130
"""Exit codes. ``SOME_FAILED``: some sources could not be read and the rest is in."""

app = typer.Typer(
    name="octavo",
    help="Answers from documents, cited to the page, at the scale that fits the question.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


ScaleName = StrEnum("ScaleName", ["character", "sentence", "paragraph", "section", "document"])
"""Choices of an option; a test keeps them those of ``octavo.pipeline.scale``."""

DeviceName = Literal["auto", "cpu", "cuda"]

Folder = Annotated[Path, typer.Option("--kb", metavar="DIR", envvar="OCTAVO_KB", help="Folder of the knowledge base.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Device = Annotated[DeviceName, typer.Option(help="auto takes a GPU where there is one.")]


@app.callback()
def _options(
    debug: Annotated[
        bool, typer.Option("--debug", envvar="OCTAVO_DEBUG", help="Show tracebacks of errors; also after the command.")
    ] = False,
) -> None:
    _State.debug = debug


class _State:
    """The one option that all commands share; :func:`main` reads it."""

    debug = False


@app.command()
def ingest(
    kb: Folder,
    paths: Annotated[list[str] | None, typer.Argument(metavar="PATH…", help="Files, folders and globs.")] = None,
    files_from: Annotated[
        str | None, typer.Option(metavar="FILE", help="Read further paths from FILE, one a line; - is standard input.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="ID", help="Text encoder: a hub id or a folder. The shipped one by default.")
    ] = None,
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
    """
    from .indexes.intake_run import intake, planned, without_file, write_line
    from .indexes.plan import plan
    from .indexes.report import plain_console, show_intake
    from .pipeline.ingest import discover

    named = [*(paths or []), *(_lines(files_from) if files_from else [])]
    if not named:
        raise typer.BadParameter("name at least one file, folder or glob, or use --files-from")
    inside = Path(os.path.abspath(kb))
    found = [path for path in discover(named) if inside != path and inside not in path.parents]
    if not found:
        raise SourceMissing(f"no files found in {', '.join(named)}: check the names; hidden files are left out")
    began = time.monotonic()
    taken: list[Taken] = []
    interrupted = False
    failure: Exception | None = None
    if dry_run:
        stream = planned(kb, found, model, device)
    elif any(map(os.path.lexists, found)):
        stream = intake(kb, found, model, device, workers)
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
        made |= {"seconds": round(seconds, 3), "gone": gone} | (_error(failure) if failure else {})
        _print_json(made | {"outcomes": [item.to_json() for item in taken]})
    else:
        show_intake(plain_console(), taken, verbose=verbose, seconds=seconds, planned=dry_run, found=len(found))
    if gone:
        _complain(
            f"{len(gone):,} sources below the folders named are on disk no longer ({gone[0]}) and still answer:"
            f" octavo delete takes them out, octavo ingest --json lists them"
        )
    if interrupted:
        _complain(f"interrupted; {'what is reported above' if taken else 'nothing'} is in. Run it again to go on")
        raise typer.Exit(INTERRUPTED)
    if failure:
        if _State.debug:
            raise failure
        _complain(f"{_message(failure)}; what is reported above is in")
        raise typer.Exit(FAILED)
    if failed:
        raise typer.Exit(SOME_FAILED if failed < len(taken) else FAILED)


@app.command()
def search(
    question: Annotated[str, typer.Argument(help="The question; - reads one a line from standard input.")],
    kb: Folder,
    k: Annotated[int, typer.Option("-k", min=1, help="Hits wanted, where there is no budget.")] = 5,
    budget: Annotated[
        int | None, typer.Option(min=1, metavar="CHARS", help="As many smallest sufficient spans as fit into CHARS.")
    ] = None,
    scale: Annotated[list[ScaleName] | None, typer.Option(help="Answer at this scale only; may be repeated.")] = None,
    source: Annotated[
        list[str] | None, typer.Option(metavar="GLOB", help="Answer from these files only; may be repeated.")
    ] = None,
    kind: Annotated[
        list[str] | None, typer.Option("--type", metavar="TYPE", help="Media type or its beginning, such as text/.")
    ] = None,
    after: Annotated[str, typer.Option(metavar="DATE", help="Only documents dated then or later (ISO 8601).")] = "",
    before: Annotated[str, typer.Option(metavar="DATE", help="Only documents dated earlier.")] = "",
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Ask a knowledge base; every answer is cited.

    With - as the question, one question is read a line and one JSON object is printed a line, in order.
    """
    from .indexes.collection import KnowledgeBase
    from .indexes.filter import Filter

    where = Filter(tuple(source or ()), tuple(kind or ()), after, before)
    failed = False
    with KnowledgeBase.open(kb, device=device) as base:
        if question == "-":
            for line in sys.stdin:
                try:
                    answer = base.search(line.strip("\r\n"), k=k, budget=budget, scales=scale, where=where)
                    _print_json(answer.to_json())
                except QueryError as error:  # the other lines still have their answers, and lines must not shift
                    _print_json({"query": line.strip("\r\n"), **_error(error)})
                    failed = True
        else:
            answer = base.search(question, k=k, budget=budget, scales=scale, where=where)
            if as_json:
                _print_json(answer.to_json())
            else:
                from .indexes.report import plain_console
                from .indexes.view import answer_text

                plain_console().print(answer_text(answer))
    if failed:
        raise typer.Exit(FAILED)


@app.command("eval")
def evaluate(
    questions: Annotated[Path, typer.Argument(metavar="QUESTIONS", help="JSON lines, or a SQuAD-format .json.")],
    kb: Folder,
    budgets: Annotated[
        str, typer.Option(metavar="CHARS,…", help="Characters of context at which to measure.")
    ] = "400,800,1600,3200,6400",
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the run, question by question.")] = None,
    against: Annotated[Path | None, typer.Option(metavar="RUN", help="Compare with a run of --report.")] = None,
    fail_if: Annotated[
        str, typer.Option(metavar="CONDITIONS", help='Exit with 1 if one holds: "recall@1600<-1 p95>+20%".')
    ] = "",
    trec: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a TREC run, and FILE.qrels.")] = None,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Measure which scale answers best: each alone, every pair and all fused, at equal budgets of context."""
    from .indexes.collection import KnowledgeBase
    from .indexes.evaluate.command import Asked, parse_budgets, run_evaluation
    from .indexes.evaluate.table import counting, show_outcome

    asked = Asked(questions, parse_budgets(budgets), against, fail_if, report, trec)
    with KnowledgeBase.open(kb, read_only=True, device=device) as base:
        outcome = run_evaluation(asked, base, device=device, counting=counting)
    if as_json:
        _print_json(outcome.to_json(whole=False))
    else:
        show_outcome(outcome)
    if outcome.failed:
        raise typer.Exit(FAILED)


@app.command()
def status(
    kb: Folder,
    sources: Annotated[bool, typer.Option("--sources", help="List every source.")] = False,
    as_json: Json = False,
) -> None:
    """What a knowledge base holds: units, vectors, index kind, measured recall, bytes and model of each scale."""
    from .indexes.collection import KnowledgeBase

    with KnowledgeBase.open(kb) as base:
        found, model = base.status(), base.model
        stored = base.sources() if sources else []
    if as_json:
        made: dict[str, Any] = {"model": model, **asdict(found)}
        if sources:
            made["sources_list"] = [
                {
                    "uri": source.uri,
                    "media_type": source.media_type,
                    "characters": source.text_length,
                    "flags": [asdict(flag) for flag in source.flags],
                }
                for source in stored
            ]
        _print_json(made)
    else:
        from .indexes.report import plain_console, show_sources, show_status

        show_status(plain_console(), found, model)
        show_sources(plain_console(), stored)


@app.command()
def delete(
    kb: Folder,
    sources: Annotated[list[str], typer.Argument(metavar="SOURCE…", help="Files, folders or globs, as ingested.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be deleted and do nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Take files out of a knowledge base; the files themselves stay. octavo compact then frees the room."""
    from .indexes.collection import KnowledgeBase
    from .indexes.source_paths import matching

    with KnowledgeBase.open(kb) as base:
        chosen = matching([stored.uri for stored in base.sources()], sources)
        uris = list(dict.fromkeys(uri for uris in chosen.values() for uri in uris))
        deleted = uris if dry_run or not uris else base.delete(uris)
        generation = base.generation
    unmatched = [asked for asked, uris in chosen.items() if not uris]
    if as_json:
        _print_json({"deleted": deleted, "unmatched": unmatched, "dry_run": dry_run, "generation": generation})
    else:
        for uri in deleted:
            typer.echo(uri.encode("utf-8", "replace").decode())
        _complain(f"{'would delete' if dry_run else 'deleted'} {len(deleted)} sources")
    for asked in unmatched:
        _complain(f"{asked} matches no source: octavo status --sources lists them")
    if unmatched:
        raise typer.Exit(SOME_FAILED if deleted else FAILED)


@app.command()
def verify(kb: Folder, as_json: Json = False) -> None:
    """Check every byte of a knowledge base against its checksums, and name what is damaged."""
    from .indexes.collection import KnowledgeBase

    with KnowledgeBase.open(kb, read_only=True) as base:
        found = base.verify()
    if as_json:
        _print_json({"clean": found.clean, **asdict(found)})
    else:
        from .indexes.report import plain_console, show_verification

        show_verification(plain_console(), found)
    if not found.clean:
        raise typer.Exit(FAILED)


@app.command()
def compact(kb: Folder, as_json: Json = False) -> None:
    """Merge shards, choose the index of each scale by its size, and free what was deleted."""
    from .indexes.collection import KnowledgeBase

    with KnowledgeBase.open(kb) as base:
        done = base.compact()
    if as_json:
        _print_json(asdict(done))
    else:
        from .indexes.report import plain_console, show_compaction

        show_compaction(plain_console(), done)


@app.command()
def doctor(
    kb: Annotated[
        Path | None, typer.Option("--kb", metavar="DIR", envvar="OCTAVO_KB", help="Look at this knowledge base too.")
    ] = None,
    model: Annotated[str | None, typer.Option(metavar="ID", help="Look for this text encoder.")] = None,
    as_json: Json = False,
) -> None:
    """Look for what is wrong with this installation, and say what to do about it."""
    from .indexes.doctor import State, examine

    checks = examine(kb, model)
    healthy = all(check.state is not State.PROBLEM for check in checks)
    if as_json:
        _print_json({"healthy": healthy, "checks": [check.to_json() for check in checks]})
    else:
        from .indexes.report import plain_console, show_checks

        show_checks(plain_console(), checks)
    if not healthy:
        raise typer.Exit(FAILED)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command line.

    Returns:
        The exit code: 0 done, 1 failed, 2 usage, 3 some sources failed and the rest is in, 130 interrupted.
    """
    given = _debug_first(sys.argv[1:] if arguments is None else list(arguments))
    _State.debug = False
    # Threads of OpenMP (in torch and FAISS) otherwise spin while they wait: on a busy machine ten times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        app(args=given, prog_name="octavo")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else DONE if end.code is None else FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        if _State.debug:
            raise
        # A command that failed early had no chance to say it; a question that is the word --json is no harm.
        if "--json" in given:
            _print_json(_error(error))
        _complain(_message(error))
        return USAGE if isinstance(error, QueryError) else FAILED
    return DONE


def _debug_first(given: list[str]) -> list[str]:
    """``--debug`` moved before the command, where the parser looks for it."""
    end = given.index("--") if "--" in given else len(given)
    if "--debug" not in given[:end]:
        return given
    return ["--debug", *(word for word in given[:end] if word != "--debug"), *given[end:]]


def _lines(name: str) -> list[str]:
    """Paths, one a line, as the file system's bytes: they need not be text."""
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except (OSError, ValueError) as error:
        raise SourceMissing(f"the list of paths {name} cannot be read: {getattr(error, 'strerror', error)}") from error
    return [os.fsdecode(line.rstrip(b"\r")) for line in data.split(b"\n") if line.strip()]


def _error(error: Exception) -> dict[str, Any]:
    code = error.code if isinstance(error, OctavoError) else "system" if isinstance(error, OSError) else "fault"
    return {"error": {"code": code, "message": _message(error)}}


def _message(error: Exception) -> str:
    if isinstance(error, OctavoError | OSError):
        return str(error)
    said = " ".join(str(error).split())
    return f"a fault in Octavo, {type(error).__name__}{f': {said}' if said else ''}; octavo --debug shows where"


def _print_json(made: object) -> None:
    print(json.dumps(made, default=str), flush=True)


def _complain(message: str) -> None:
    print("octavo: " + message.encode("utf-8", "replace").decode(), file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
