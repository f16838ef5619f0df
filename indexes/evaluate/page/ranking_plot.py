"""Where sources as a whole are relevant: how well each scale ranks them."""

from __future__ import annotations

import numpy as np

from ..intervals import sign_flip_test
from ..rows import FUSED, Kind
from ..run import EvaluationRun
from ..summary import Summary
from .figure import Figure, listed, metric, percent
from .interval_drawing import Bar, interval_drawing
from .recall_plot import SURE


def ranking_figure(run: EvaluationRun, summary: Summary) -> Figure:
    """Each scale in the main metric, best first, with its interval."""
    singles = [run.rows[at].name for at in run.positions(Kind.SINGLE)]
    rows = [(name, summary.estimates[run.main][name]) for name in (FUSED, *singles)]
    rows.append(("oracle", summary.oracle[run.main]))
    rows.sort(key=lambda row: -row[1].mean if row[1].mean == row[1].mean else 0)
    finding = _finding(run, summary, singles)
    bars = [
        Bar(
            name,
            100 * one.mean,
            100 * one.low,
            100 * one.high,
            percent(one.mean),
            "fused" if name == FUSED else "oracle" if name == "oracle" else "soft",
            strong=name == FUSED,
        )
        for name, one in rows
    ]
    label = f"{metric(run.main)}: dots are means, lines 95 % intervals"
    drawing, x = interval_drawing(finding, bars, label, " %")
    reading = (
        "How high the right sources stand among the best ten, 100 % being perfect: the questions name whole sources, so"
        " no characters are counted."
    )
    if x.low > 0:
        reading += f" The axis begins at {x.low:g} %, not at zero."
    cells = ((name, percent(one.mean), f"{percent(one.low)} to {percent(one.high)}") for name, one in rows)
    table = (("evidence", metric(run.main), "95 % interval"), *cells)
    return Figure("ranking", finding, reading, drawing, table)


def _finding(run: EvaluationRun, summary: Summary, singles: list[str]) -> str:
    values = run.scores[run.main]
    fused = values[:, [run.row(FUSED)]]
    lead = fused - values[:, [run.row(name) for name in singles]]
    p, mean = sign_flip_test(lead), np.nan_to_num(np.nanmean(lead, axis=0))
    best = max(singles, key=lambda name: np.nan_to_num(summary.estimates[run.main][name].mean))
    both = (
        f"{percent(summary.estimates[run.main][FUSED].mean)} against {percent(summary.estimates[run.main][best].mean)}"
    )
    if bool(((mean > 0) & (p < SURE)).all()):
        return f"Fused ranks sources better than every single scale: {both} of the best ({best})"
    if beating := [one for one, m, q in zip(singles, mean, p, strict=True) if m < 0 and q < SURE / len(singles)]:
        return f"{listed(beating).capitalize()} alone ranks sources better than fused: fused has {both} of {best}"
    return f"No difference shown between fused and the best single scale, {best}, in ranking sources: {both}"
