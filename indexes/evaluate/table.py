"""How an evaluation looks in a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from ...pipeline.scale import PHONEME
from ..report import plain_console
from .command import Outcome
from .compare import Comparison, Difference, Moved
from .gate import Verdict
from .rows import FUSED, Kind
from .run import EvaluationRun
from .summary import STAGES, Estimate, Summary

_GOOD, _BAD, _DOUBT, _DIM, _BOLD = "green", "red", "yellow", "dim", "bold"

CLASSES_SHOWN = 12
MOVED_SHOWN = 5
_LONGEST_NAME = 20
"""What a narrow terminal leaves to names at least, in columns."""
SIGNIFICANT = 0.05
_NOTHING_FITS = 0.05
"""Share of the budget: a row that uses less has no spans short enough, which are not cut."""

SECONDS_BETWEEN_LINES = 15.0

_HEADS = {
    "character": "charac-\nter",
    "paragraph": "para-\ngraph",
    "document": "docu-\nment",
    "precision": "preci-\nsion",
    "iou": "IoU",
    "precision-omega": "preci-\nsion Ω",
    "whole-gold": "whole\ngold",
    "wrong-source": "wrong\nsource",
    "span-recall@10": "span\nR@10",
    "span-ndcg@10": "span\nnDCG\n@10",
    "span-mrr": "span\nMRR",
    "source-recall@1": "source\nR@1",
    "source-recall@5": "source\nR@5",
    "source-recall@10": "source\nR@10",
    "source-ndcg@10": "source\nnDCG\n@10",
    "source-mrr": "source\nMRR",
}


@contextmanager
def counting(total: int, what: str) -> Iterator[Callable[[], None]]:
    """Counts towards ``total`` on standard error: a bar on a terminal, a line now and then elsewhere."""
    if sys.stderr.isatty():
        columns = ("{task.description}", BarColumn(24), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task(what, total=total)
            yield lambda: progress.advance(task)
        return
    done, last = 0, time.monotonic()

    def step() -> None:
        nonlocal done, last
        done += 1
        if time.monotonic() - last >= SECONDS_BETWEEN_LINES and done < total:
            last = time.monotonic()
            print(f"{done:,}/{total:,} {what}", file=sys.stderr, flush=True)

    yield step


def show_outcome(outcome: Outcome) -> None:
    """An evaluation, what changed since an earlier one, and what the gate says of it, on standard output."""
    console = plain_console()
    show_evaluation(console, outcome.evaluation.run, outcome.summary)
    if outcome.comparison:
        show_comparison(console, outcome.comparison)
    show_verdicts(console, outcome.verdicts)


def show_evaluation(console: Console, run: EvaluationRun, summary: Summary) -> None:
    """Scales against budgets, what choosing could add, the four signals, and classes of questions."""
    answerable = sum(question.answerable for question in run.questions)
    console.print(
        Text(f"{run.knowledge_base}: generation {run.generation}, {answerable:,} questions with an answer", _BOLD)
        + Text(f", {len(run.questions) - answerable:,} without" if answerable < len(run.questions) else "")
    )
    if run.caveat:
        console.print(Text(run.caveat, _DOUBT), soft_wrap=True)
    if not answerable:
        console.print(Text("no question has an answer, so there is nothing to rank", _DOUBT))
    else:
        timed = " and milliseconds" if PHONEME.name in {row.name for row in run.rows} else ""
        unit = f"recall of gold characters{timed}, %, in a budget of characters"
        unit = unit if run.judged_by_characters() else "ranking of sources, %"
        console.print(Text(f"{unit} (± half of the 95 % interval; p of {run.main} by a paired test)"))
        console.print(_leading(run, summary))
        if run.judged_by_characters():
            console.print(_details(run, summary))
    console.print(_signals(run, summary))
    if answerable:
        console.print(_worth(summary))
    if summary.classes:
        console.print(Text(f"by class of question, {run.main}"))
        console.print(_classes(summary))


def _leading(run: EvaluationRun, summary: Summary) -> Table:
    heads = (
        [f"{budget:,}" for budget in run.budgets]
        if run.judged_by_characters()
        else [_head(name) for name in run.leading]
    )
    table = _table("evidence", *heads, "p vs\nfused", "best\nfor", least=_widest(row.name for row in run.rows))
    for row in run.rows:
        if row.kind is Kind.WITHOUT:
            continue
        style = _BOLD if row.kind is Kind.FUSED else _DIM if row.kind is Kind.PAIR else ""
        won = f"{100 * summary.winners[row.name]:.0f} %" if row.name in summary.winners else ""
        cells = [_leading_cell(metric, row.name, summary) for metric in run.leading]
        versus = summary.versus_fused.get(row.name)
        chance = Text("")
        if versus:
            sure = "" if versus.p > SIGNIFICANT else _GOOD if versus.change.mean > 0 else _BAD
            chance = Text("<.001" if versus.p < 0.001 else f"{versus.p:.3f}", sure)
        table.add_row(Text(row.name, style), *(Text(cell, style) for cell in cells), chance, won)
    table.add_section()
    table.add_row("oracle: best single scale", *(_cell(summary.oracle[metric]) for metric in run.leading))
    table.add_row("headroom over fused", *(_cell(summary.headroom[m], sign=True) for m in run.leading))
    return table


def _leading_cell(metric: str, row: str, summary: Summary) -> str:
    name, _, budget = metric.partition("@")
    if name == "recall" and row != PHONEME.name:  # of sound there may be little to hear
        used = summary.estimates[f"characters@{budget}"][row].mean
        return "none fit" if used < _NOTHING_FITS * int(budget) else _cell(summary.estimates[metric][row])
    return _cell(summary.estimates[metric][row])


def _details(run: EvaluationRun, summary: Summary) -> Table:
    at = run.main.rpartition("@")[2]
    metrics = [f"precision@{at}", f"iou@{at}", "precision-omega", f"whole-gold@{at}", f"wrong-source@{at}"]
    metrics += ["span-recall@10", "span-ndcg@10", "span-mrr", "source-recall@1", "source-ndcg@10", "source-mrr"]
    names = (row.name for row in run.rows if row.kind in (Kind.SINGLE, Kind.FUSED))
    table = _table("evidence", *(_head(name) for name in metrics), least=_widest(names))
    table.title = f"at {int(at):,} characters"
    for row in run.rows:
        if row.kind in (Kind.SINGLE, Kind.FUSED):
            found = [summary.estimates[metric][row.name] for metric in metrics]
            style = _BOLD if row.kind is Kind.FUSED else ""
            # A mean over the few questions that such a row answers at all would say nothing.
            most = max(one.count for one in found)
            cells = (_points(one.mean) if 2 * one.count > most else "–" for one in found)
            table.add_row(Text(row.name, style), *(Text(cell, style) for cell in cells))
    return table


def _signals(run: EvaluationRun, summary: Summary) -> Table:
    slow, grounded, noisy, handoff = (summary.signals[name] for name in summary.signals)
    budget = str(run.budgets[len(run.budgets) // 2] if not run.judged_by_characters() else run.main.rpartition("@")[2])
    of = f"of {int(budget):,} characters"
    stages = ", ".join(f"{name} {ms['p50']:.1f} / {ms['p95']:.1f}" for name, ms in slow["ms"].items() if name in STAGES)
    total = slow["ms"]["total"]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row(
        "slower answers",
        f"{total['p50']:.0f} ms in the median, {total['p95']:.0f} ms at the 95th percentile ({stages});"
        f" {slow['characters'][budget]['mean'] or 0:,.0f} characters to read {of}",
    )
    resolved, broken = grounded["file"] + grounded["stored"], grounded["broken"]
    line = (
        f"{resolved:,} of {grounded['citations']:,} citations resolve ({grounded['file']:,} tried on the file itself)"
    )
    if grounded["changed"]:
        line += f"; {grounded['changed']:,} cite a file that has changed since: ingest it again"
    if broken:
        line += f"; {broken:,} are BROKEN: octavo verify"
    whole = grounded["whole_gold"][budget]["mean"]
    if whole is not None:
        line += f"; {100 * whole:.1f} % of the gold spans stand in one piece in an answer {of}"
    table.add_row("weaker grounding", Text(line, _BAD if broken else ""))
    parts = []
    for name, text in (
        ("precision", "precision"),
        ("iou", "IoU"),
        ("wrong_source", "from wrong sources"),
        ("duplicates", "said before"),
    ):
        value = noisy[name][budget]["mean"]
        if value is not None:
            parts.append(f"{text} {100 * value:.1f} %")
    table.add_row("noisy retrieval", f"{', '.join(parts)} {of}")
    none = "no question without an answer is in the set"
    said = f"{handoff['answered_all_the_same']:,} of {handoff['unanswerable']:,} questions without an answer got one"
    said = said if handoff["unanswerable"] else none
    table.add_row("confusing handoff", "; ".join([said, *_trust(handoff)]))
    return table


def _trust(handoff: Mapping[str, Any]) -> list[str]:
    """What confidence is worth, as far as it was measured."""
    if not handoff.get("judged"):
        return []
    said = [
        f"confidence is off by {100 * handoff['calibration_error']:.1f} points",
        f"area under risk-coverage {handoff['risk_area']:.3f} (least possible {handoff['least_risk_area']:.3f}",
    ]
    if handoff["gain"] is not None:
        best = handoff["best_single_score"]
        said[1] += f"; by {best} alone {handoff['risk_area_of'][best]:.3f}: {100 * handoff['gain']:+.0f} %)"
    else:
        said[1] += ")"
    kept, wrong = handoff["abstained_rightly"], handoff["answered_wrongly"]
    said.append(
        f"{handoff['abstained']:,} of {handoff['judged']:,} handed over, {kept:,} of them rightly;"
        f" {wrong:,} answered without the answer in the hits"
    )
    if handoff["handoff_complete"] is not None:
        said.append(f"packets {100 * handoff['handoff_complete']:.0f} % complete")
    return said


def _worth(summary: Summary) -> Table:
    table = _table("evidence", "ms of its index", "adds, points", "")
    styles = {"earns": _GOOD, "harms": _BAD, "no gain shown": _DOUBT}
    for worth in summary.worth:
        spent = "" if worth.ms != worth.ms else f"{worth.ms:.2f}"
        verdict = worth.verdict
        if verdict != "earns" and spent:
            verdict += ": does not earn its milliseconds here"
        table.add_row(worth.name, spent, _cell(worth.gain, sign=True, digits=2), Text(verdict, styles[worth.verdict]))
    return table


def _classes(summary: Summary) -> Table:
    names = list(next(iter(summary.classes.values())))
    table = _table("class", "ques-\ntions", *map(_head, names), least=_widest(summary.classes))
    for name, found in list(summary.classes.items())[:CLASSES_SHOWN]:
        best = max((found[one].mean for one in names if one not in (FUSED, "oracle")), default=0.0)
        cells = []
        for one in names:
            mean = found[one].mean
            text = _cell(found[one]) if one == FUSED else _points(mean)
            cells.append(Text(text, _BOLD if one == FUSED or mean == best else ""))
        table.add_row(Text(name), f"{found[FUSED].count:,}", *cells)
    if len(summary.classes) > CLASSES_SHOWN:
        table.caption = f"and {len(summary.classes) - CLASSES_SHOWN:,} smaller classes: see --report"
    return table


def show_comparison(console: Console, found: Comparison) -> None:
    """What changed since an earlier run."""
    console.print(
        Text(
            f"against generation {found.generation_before}: {found.questions:,} questions in both runs"
            f" ({found.only_before:,} only before, {found.only_after:,} only now)",
            _BOLD,
        )
    )
    if found.model_before != found.model_after:
        console.print(Text(f"the model was {found.model_before or 'another'}, now {found.model_after}", _DOUBT))
    if found.weights_before != found.weights_after:
        console.print(Text(f"the weights were {found.weights_before}, now {found.weights_after}", _DOUBT))
    console.print(_differences([one for one in found.rows if one.row == FUSED], "metric", lambda one: one.metric))
    console.print(_differences([one for one in found.rows if one.metric == found.main], "scale", lambda one: one.row))
    by_class = [(name, one) for name, ones in found.classes.items() for one in ones if one.row == FUSED]
    if by_class:
        names = {id(one): name for name, one in by_class}
        shown = sorted((one for _, one in by_class), key=lambda one: one.p)[:CLASSES_SHOWN]
        console.print(_differences(shown, "class, fused", lambda one: names[id(one)]))
    for title, moved, style in (("won", found.won, _GOOD), ("lost", found.lost, _BAD)):
        for one in moved[:MOVED_SHOWN]:
            console.print(_moved(title, one, style), soft_wrap=True)
        if len(moved) > MOVED_SHOWN:
            console.print(Text(f"and {len(moved) - MOVED_SHOWN:,} more {title}: see --report", _DIM))
    times = ", ".join(f"{name} {a:.0f} -> {b:.0f} ms" for name, (a, b) in found.ms.items())
    console.print(Text(f"time of an answer: {times}"))


def _differences(differences: Sequence[Difference], head: str, label: Callable[[Difference], str]) -> Table:
    table = _table(head, "before", "now", "change", "95 % interval", "p", "won", "lost", "tied")
    for one in differences:
        style = "" if one.p > SIGNIFICANT else _GOOD if one.change > 0 else _BAD
        table.add_row(
            Text(label(one)),
            _points(one.before),
            _points(one.after),
            Text(f"{100 * one.change:+.1f}", style),
            f"{100 * one.low:+.1f} … {100 * one.high:+.1f}",
            Text(f"{one.p:.4f}", style),
            f"{one.won:,}",
            f"{one.lost:,}",
            f"{one.tied:,}",
        )
    return table


def _moved(title: str, one: Moved, style: str) -> Text:
    shown = one.question if len(one.question) <= 90 else one.question[:89] + "…"
    return Text.assemble((f"{title:<5}", style), f"{_points(one.before):>5} -> {_points(one.after):>5}  {shown}")


def show_verdicts(console: Console, verdicts: Sequence[Verdict]) -> None:
    """The gate, condition by condition."""
    for verdict in verdicts:
        console.print(Text(str(verdict), _BAD if verdict.tripped else _GOOD))


def _widest(names: Iterable[str]) -> int:
    """What names need that are not to be broken; long ones are."""
    return min(max(map(len, names), default=0), _LONGEST_NAME)


def _table(first: str, *columns: str, least: int = 0) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title_justify="left", title_style="")
    table.add_column(first, overflow="fold", min_width=least)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _head(metric: str) -> str:
    return _HEADS.get(metric, _HEADS.get(metric.partition("@")[0], metric))


def _points(share: float) -> str:
    return "–" if share != share else f"{100 * share:.1f}"


def _cell(found: Estimate, *, sign: bool = False, digits: int = 1) -> str:
    if found.mean != found.mean:
        return "–"
    width = 50 * (found.high - found.low)
    return f"{100 * found.mean:{'+' if sign else ''}.{digits}f} ±{width:.{digits}f}"
