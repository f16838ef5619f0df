"""Where ``--report`` goes: the run as JSON, a page beside its JSON, or a folder with everything."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ...pipeline.errors import QueryError
from ..collection import KnowledgeBase
from .granularity import Evaluation
from .run import RUN_FILE, EvaluationRun
from .trec import qrels_lines, run_lines

if TYPE_CHECKING:
    from .command import Outcome

PAGE = "report.html"
TREC = "run.trec"


def check_report(path: Path) -> None:
    """Refuses a name that would be written as something unexpected, before minutes are spent.

    Raises:
        QueryError: It has another suffix than .json and .html.
    """
    if path.suffix and path.suffix not in (".json", ".html") and not path.is_dir():
        raise QueryError(f"--report {path}: name a file .json or .html, or a folder (without a dot in its name)")
    if path.suffix in (".json", ".html") and path.is_dir():
        raise QueryError(f"--report {path} is a folder: give it another name, without .json or .html")


def write_report(path: Path, outcome: Outcome, base: KnowledgeBase, earlier: EvaluationRun | None, asked: str) -> None:
    """Write an evaluation: ``.json``; ``.html`` with the JSON beside it; or a folder of all, plots too.

    Args:
        asked: The questions' file, for the page's note on how to run it again.
    """
    made = outcome.to_json(whole=True)
    run = json.dumps(made) + "\n"
    if path.suffix == ".json":
        write(path, run)
        return
    from .page.examples import examples  # the page needs jinja2, which nothing else here does
    from .page.page import page, report

    whole = path.suffix != ".html"
    folder = path if whole else path.parent
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / RUN_FILE if whole else path.with_suffix(".json")
    measured = outcome.evaluation.run
    found = examples(base, measured, earlier)
    command = _command(asked, measured, kept)
    shown = report(measured, outcome.summary, outcome.comparison, made, found, command)
    write(kept, run)
    write(folder / PAGE if whole else path, page(shown))
    if whole:
        for figure in shown.figures:
            if figure.drawing:
                write(folder / f"{figure.name}.svg", figure.drawing.svg(alone=True) + "\n")
        write_trec(folder / TREC, outcome.evaluation)


def write_trec(path: Path, evaluation: Evaluation) -> None:
    """The fused ranking of sources as a TREC run; its judgments beside it, with ``.qrels`` added."""
    ids = [question.id for question in evaluation.run.questions]
    rankings = zip(ids, evaluation.ranked_sources, strict=True)
    judgments = zip(ids, evaluation.relevant_sources, strict=True)
    write(path, _lines(run_lines(rankings, "octavo")))
    write(Path(f"{path}.qrels"), _lines(qrels_lines(judgments)))


def write(path: Path, text: str) -> None:
    """All of it or nothing: a report that was there stays whole if this one cannot be written."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8", errors="surrogateescape")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _command(asked: str, run: EvaluationRun, kept: Path) -> str:
    parts = ["octavo", "eval", asked, "--kb", run.knowledge_base, "--budgets", ",".join(map(str, run.budgets))]
    return shlex.join([*parts, "--against", str(kept), "--report", "new"])
