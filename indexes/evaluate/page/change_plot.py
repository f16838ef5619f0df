"""What changed since an earlier run, by more than chance?"""

from __future__ import annotations

from ..compare import Comparison, Difference
from ..rows import FUSED
from .figure import Figure, metric, percent, points
from .interval_drawing import Bar, interval_drawing
from .recall_plot import SURE


def change_figure(found: Comparison) -> Figure:
    """The main metric of fused and of each single scale: now less before."""
    rows = sorted((one for one in found.rows if one.metric == found.main), key=lambda one: one.row != FUSED)
    finding = _finding(found, next((one for one in rows if one.row == FUSED), None))
    if not rows:
        return Figure("change", finding, "No question has a value in both runs.")
    bars = [
        Bar(
            one.row,
            100 * one.change,
            100 * one.low,
            100 * one.high,
            f"{percent(one.before)} → {percent(one.after)}, {one.won} won, {one.lost} lost",
            "doubt" if one.p >= SURE else "good" if one.change > 0 else "bad",
            strong=one.row == FUSED,
            hollow=one.p >= SURE,
        )
        for one in rows
    ]
    label = f"change of {metric(found.main)} in points, with 95 % interval"
    drawing, _ = interval_drawing(finding, bars, label, "", signed=True)
    ms = ", ".join(f"{name} {a:.0f} → {b:.0f} ms" for name, (a, b) in found.ms.items())
    reading = (
        f"The same {found.questions:,} questions in both runs ({found.only_before:,} only before, {found.only_after:,} "
        f"only now). A full dot is a change that chance does not explain (p < {SURE:g}). Time of an answer: {ms}."
    )
    head = ("evidence", "before", "now", "change, points", "95 % interval", "p", "won", "lost", "tied")
    cells = (
        (
            one.row,
            percent(one.before),
            percent(one.after),
            points(one.change),
            f"{points(one.low)} to {points(one.high)}",
            f"{one.p:.4f}",
            f"{one.won}",
            f"{one.lost}",
            f"{one.tied}",
        )
        for one in rows
    )
    table = (head, *cells)
    return Figure("change", finding, reading, drawing, table)


def _finding(found: Comparison, fused: Difference | None) -> str:
    since = (
        f"since generation {found.generation_before}" if found.generation_before != found.generation_after else "now"
    )
    if fused is None:
        return "Nothing can be compared with the earlier run"
    both = f"{percent(fused.before)} then, {percent(fused.after)} now"
    if fused.p >= SURE:
        return f"No change of the fused answer is shown {since}: {metric(found.main)} {both}"
    verb = "finds more" if fused.change > 0 else "finds less"
    return f"The fused answer {verb} {since}: {metric(found.main)} {both} ({points(fused.change)} points)"
