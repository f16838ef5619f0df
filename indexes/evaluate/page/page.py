"""The page: one HTML file that needs nothing else, no network and no script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ..compare import Comparison
from ..run import EvaluationRun
from ..summary import Summary
from .change_plot import change_figure
from .class_plot import class_figure
from .drawing import theme
from .examples import Examples
from .figure import Figure, metric, percent
from .ranking_plot import ranking_figure
from .recall_plot import recall_figure
from .tiles import Tile, tiles
from .trust_plots import calibration_figure, risk_figure
from .worth_plot import worth_figure

TEMPLATE = "report.html.j2"


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """All that the page shows.

    Attributes:
        made: The run as JSON, with its summary.
        command: How to run it again.
    """

    run: EvaluationRun
    made: dict[str, Any]
    figures: tuple[Figure, ...]
    tiles: tuple[Tile, ...]
    examples: Examples
    command: str

    @property
    def title(self) -> str:
        """The finding of the first figure."""
        return self.figures[0].finding


def report(
    run: EvaluationRun,
    summary: Summary,
    comparison: Comparison | None,
    made: dict[str, Any],
    examples: Examples,
    command: str,
) -> Report:
    """Every figure of a run, the most important first."""
    signals = made["summary"]["signals"]
    return Report(
        run, made, tuple(figures(run, summary, comparison, signals)), tuple(tiles(run, signals)), examples, command
    )


def figures(
    run: EvaluationRun, summary: Summary, comparison: Comparison | None, signals: dict[str, Any]
) -> Sequence[Figure]:
    """The plots that this run has data for; the others say what is missing."""
    if not any(question.answerable for question in run.questions):
        none = "No question of this run has an answer, so no scale can find one"
        main = [Figure("recall", none, "Only confidence and time were measured.")]
    else:
        by_characters = run.judged_by_characters()
        main = [recall_figure(run, summary) if by_characters else ranking_figure(run, summary)]
        mean = "mean recall" if by_characters else "mean of five rankings"
        main += [worth_figure(summary, mean), class_figure(run, summary)]
    handoff = signals["confusing_handoff"]
    change = [change_figure(comparison)] if comparison else []
    return [main[0], *change, *main[1:], risk_figure(run, handoff), calibration_figure(run, handoff)]


def page(made: Report) -> str:
    """The HTML. Whatever stands in questions and sources is escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = percent
    environment.filters["metric"] = metric
    environment.filters["svg"] = lambda drawing: Markup(drawing.svg())
    run = made.run
    return environment.get_template(TEMPLATE).render(
        report=made,
        run=run,
        theme=Markup(theme()),
        answerable=sum(question.answerable for question in run.questions),
    )
