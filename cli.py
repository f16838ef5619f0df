"""The command line: the short commands stand here, the others in a module each (``indexes/*_command.py``).

Standard output carries answers only, with ``--json`` one object (``search -``: one a line); progress and complaints
go to standard error. Nothing heavy is imported before a command needs it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from .indexes import training_command
from .indexes.calibrate_command import calibrate
from .indexes.diff_command import diff
from .indexes.explain.command import explain
from .indexes.ingest_command import ingest
from .indexes.search_command import ScaleName, search
from .indexes.shell import (
    DONE,
    FAILED,
    INTERRUPTED,
    SOME_FAILED,
    USAGE,
    Commands,
    Device,
    Folder,
    Json,
    Settings,
    complain,
    error_json,
    message,
    print_json,
)
from .indexes.status_command import status
from .indexes.trace_export import set_up
from .indexes.weighting.weights import Weights
from .pipeline.errors import QueryError

__all__ = ["DONE", "FAILED", "INTERRUPTED", "SOME_FAILED", "USAGE", "ScaleName", "app", "main"]

app = typer.Typer(
    name="octavo",
    cls=Commands,
    help="Answers from documents and recordings, cited to the page or second, at the scale that fits the question.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _options(
    debug: Annotated[
        bool, typer.Option("--debug", envvar="OCTAVO_DEBUG", help="Show tracebacks of errors; also after the command.")
    ] = False,
) -> None:
    Settings.debug = debug


app.command()(ingest)
app.command()(search)
app.command()(explain)
app.command()(calibrate)
app.command()(diff)
app.add_typer(training_command.app)


@app.command()
def timeline(
    recording: Annotated[str, typer.Argument(metavar="RECORDING", help="A recording, as ingested.")],
    kb: Folder,
    as_json: Json = False,
) -> None:
    """What is said in a recording and how: utterances with times, measures, words or phones."""
    from .indexes.collection import KnowledgeBase
    from .indexes.sound.timeline import timeline as timeline_of
    from .indexes.source_paths import matching

    with KnowledgeBase.open(kb) as base:
        found = matching([stored.uri for stored in base.sources() if stored.samples], [recording])[recording]
        if len(found) != 1:
            named = f"{len(found)} recordings ({', '.join(found[:3])})" if found else "no recording"
            raise QueryError(f"{recording} names {named}: octavo status --sources lists all sources")
        with base.snapshot() as snapshot:
            made = timeline_of(snapshot, found[0])
    if as_json:
        print_json(made.to_json())
    else:
        from .indexes.report import plain_console
        from .indexes.view import timeline_text

        plain_console().print(timeline_text(made))


@app.command("eval")
def evaluate(
    kb: Folder,
    questions: Annotated[
        Path | None, typer.Argument(metavar="[QUESTIONS]", help="JSON lines, or a SQuAD-format .json.")
    ] = None,
    from_itself: Annotated[
        bool, typer.Option("--self", help="Make the questions from the knowledge base itself.")
    ] = False,
    count: Annotated[int, typer.Option(min=1, help="With --self: how many questions.")] = 300,
    seed: Annotated[int, typer.Option(min=0, help="With --self: another seed gives other questions.")] = 0,
    self_model: Annotated[
        str, typer.Option(metavar="ID_OR_DIR", help="With --self: a language model that asks too.")
    ] = "",
    write: Annotated[
        Path | None, typer.Option("--write-questions", metavar="FILE", help="With --self: write them, to be edited.")
    ] = None,
    budgets: Annotated[
        str, typer.Option(metavar="CHARS,…", help="Characters of context at which to measure.")
    ] = "400,800,1600,3200,6400",
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT", help="Write a page (.html), the run (.json), or a folder with both, plots and TREC."
        ),
    ] = None,
    against: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Compare with a run (.json, or folder) of --report.")
    ] = None,
    fail_if: Annotated[
        str, typer.Option(metavar="CONDITIONS", help='Exit with 1 if one holds: "recall@1600<-1 p95>+20%".')
    ] = "",
    trec: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a TREC run, and FILE.qrels.")] = None,
    weights: Annotated[
        Weights, typer.Option(help="query: the part of a question that asks counts most; fixed: all of it alike.")
    ] = Weights.QUERY,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Measure which scale answers best: each alone, every pair and all fused, at equal budgets of context."""
    from .indexes.collection import KnowledgeBase
    from .indexes.evaluate.command import Asked, SelfMade, parse_budgets, run_evaluation
    from .indexes.evaluate.table import counting, show_outcome

    if (questions is None) is not from_itself:
        raise QueryError("give QUESTIONS or --self: a file of questions, or questions made from the knowledge base")
    if not from_itself and (write or self_model):
        raise QueryError("--write-questions and --self-model go with --self: questions of a file are there already")
    wish = questions or SelfMade(count, seed, self_model, write)
    asked = Asked(wish, parse_budgets(budgets), against, fail_if, report, trec, weights)
    with KnowledgeBase.open(kb, read_only=True, device=device) as base:
        outcome = run_evaluation(asked, base, device=device, counting=counting)
    if as_json:
        print_json(outcome.to_json(whole=False))
    else:
        show_outcome(outcome)
    if outcome.failed:
        raise typer.Exit(FAILED)


app.command()(status)


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
        print_json({"deleted": deleted, "unmatched": unmatched, "dry_run": dry_run, "generation": generation})
    else:
        for uri in deleted:
            typer.echo(uri.encode("utf-8", "replace").decode())
        complain(f"{'would delete' if dry_run else 'deleted'} {len(deleted)} sources")
    for asked in unmatched:
        complain(f"{asked} matches no source: octavo status --sources lists them")
    if unmatched:
        raise typer.Exit(SOME_FAILED if deleted else FAILED)


@app.command()
def verify(kb: Folder, as_json: Json = False) -> None:
    """Check every byte of a knowledge base against its checksums, and name what is damaged."""
    from .indexes.collection import KnowledgeBase

    with KnowledgeBase.open(kb, read_only=True) as base:
        found = base.verify()
    if as_json:
        print_json({"clean": found.clean, **asdict(found)})
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
        print_json(asdict(done))
    else:
        from .indexes.report import plain_console, show_compaction

        show_compaction(plain_console(), done)


@app.command()
def reembed(
    kb: Folder,
    scale: Annotated[
        Literal["character", "text"] | None,
        typer.Option(help="Only the vectors of words, or only those of text. Both by default."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="ID", help="Text encoder, as for octavo ingest. That of before by default.")
    ] = None,
    width: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=8, help="Keep the first N numbers of a text vector. As many as before by default."
        ),
    ] = None,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Make vectors anew that another encoder made; until they are there, the old ones answer whoever has them open.

    Nothing is read but the knowledge base itself. A run that was interrupted leaves everything as it was. Vectors of
    sound need the recordings: octavo ingest --rehear.
    """
    from .indexes.reembed import reembed_terms, reembed_text

    if scale != "text" and (model or width):
        raise typer.BadParameter("--model and --width are for --scale text")
    done = []
    if scale != "text":
        done.append(reembed_terms(kb, "character"))
    if scale != "character":
        done.append(reembed_text(kb, model, width, device, lambda n, of: complain(f"{n:,} of {of:,} characters")))
    if as_json:
        print_json(asdict(done[0]) if scale else {"scales": [asdict(one) for one in done]})
    else:
        for one in done:
            typer.echo(str(one))


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
        print_json({"healthy": healthy, "checks": [check.to_json() for check in checks]})
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
    Settings.debug = False
    # Threads of OpenMP (in torch and FAISS) otherwise spin while they wait: on a busy machine ten times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if note := set_up():
        complain(note)
    try:
        app(args=given, prog_name="octavo")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else DONE if end.code is None else FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        if Settings.debug:
            raise
        # A command that failed early had no chance to say it; a question that is the word --json is no harm.
        if "--json" in given:
            print_json(error_json(error))
        complain(message(error))
        return USAGE if isinstance(error, QueryError) else FAILED
    return DONE


def _debug_first(given: list[str]) -> list[str]:
    """``--debug`` moved before the command, where the parser looks for it."""
    end = given.index("--") if "--" in given else len(given)
    if "--debug" not in given[:end]:
        return given
    return ["--debug", *(word for word in given[:end] if word != "--debug"), *given[end:]]


if __name__ == "__main__":
    sys.exit(main())
