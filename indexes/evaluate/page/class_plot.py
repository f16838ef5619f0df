"""Which scale wins in which class of questions?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from ..intervals import sign_flip_test
from ..rows import FUSED, Kind
from ..run import EvaluationRun
from ..summary import Estimate, Summary
from .drawing import Drawing, fitted, text_width
from .figure import Figure, listed, metric, percent
from .recall_plot import SURE, fits_into

SHOWN = 14
_WIDTH, _ROW, _TOP = 860.0, 38.0, 44.0
_LONGEST = 220.0
_ALL = "all questions"
_LEVEL = 1e-6


@dataclass(frozen=True, slots=True)
class Line:
    """A class.

    Attributes:
        best: Best single scale, "" where none finds anything or several are level.
        sure: Whether it beats the next one by more than chance.
    """

    name: str
    cells: dict[str, Estimate]
    best: str
    sure: bool


_NONE_FIT = Estimate(float("nan"), float("nan"), float("nan"), 0)


def class_figure(run: EvaluationRun, summary: Summary) -> Figure:
    """A heat map: classes by scales, the winner of each class framed."""
    lines = class_lines(run, summary)
    finding = _finding(lines)
    if not any(cell.mean > 0 for cell in lines[0].cells.values()):
        return Figure("classes", finding, "No scale found anything for any question.")
    reading = (
        f"Each row a class of questions, each number its {metric(run.main)} in percent; the stronger the blue, the more"
        " is found. The best single scale of a row is framed: a full frame beats the next scale by more than chance, a"
        " dashed one does not; without a frame several are level, or nothing was found."
    )
    if any(cell.count == 0 for cell in lines[0].cells.values()):
        reading += " None fit: the spans of that scale are longer than the budget."
    if len(summary.classes) > SHOWN:
        reading += f" The {SHOWN} largest of {len(summary.classes)} classes."
    names = list(lines[0].cells)
    cells = (
        (line.name, f"{line.cells[FUSED].count:,}", *(percent(line.cells[name].mean) for name in names))
        for line in lines
    )
    table = (("class", "questions", *names), *cells)
    return Figure("classes", finding, reading, _drawn(finding, lines), table)


def class_lines(run: EvaluationRun, summary: Summary) -> list[Line]:
    """All questions, then each class, the largest first."""
    singles = [run.rows[at].name for at in run.positions(Kind.SINGLE)]
    columns = [*singles, FUSED]
    values, metric, budget = run.scores[run.main], *run.main.split("@")
    fits = {name: metric != "recall" or fits_into(name, int(budget), summary) for name in columns}
    members = {_ALL: list(range(len(run.questions)))}
    for name in list(summary.classes)[:SHOWN]:
        members[name] = [at for at, one in enumerate(run.questions) if one.question_class == name and one.answerable]
    lines = []
    for number, (name, chosen) in enumerate(members.items()):
        found = summary.estimates[run.main] if not number else summary.classes[name]
        means = [found[one].mean for one in singles]
        order = sorted(range(len(singles)), key=lambda at: -means[at] if means[at] == means[at] else 1.0)
        level = len(order) > 1 and means[order[0]] - means[order[1]] < _LEVEL
        best = singles[order[0]] if means[order[0]] > 0 and not level else ""
        sure = False
        if best and len(order) > 1:
            pair = values[np.ix_(chosen, [run.row(singles[at]) for at in order[:2]])]
            sure = bool(sign_flip_test(pair[:, [0]] - pair[:, [1]])[0] < SURE)
        lines.append(Line(name, {one: found[one] if fits[one] else _NONE_FIT for one in columns}, best, sure))
    return lines


def _finding(lines: list[Line]) -> str:
    classes = [line for line in lines[1:] if line.best]
    if not any(cell.mean > 0 for cell in lines[0].cells.values()):
        return "No single scale finds an answer to any question"
    if len(lines) == 1:
        whole = lines[0]
        if not whole.best:
            return "No single scale is better than all others"
        sure = "beyond chance" if whole.sure else "though the next one is as good by all that is shown"
        return f"Over all questions {whole.best} is the best single scale, {sure}; the questions have no classes"
    if not classes:
        return "No class of questions has one best single scale: the best are level, or nothing was found"
    wins = Counter(line.best for line in classes)
    sure_of = Counter(line.best for line in classes if line.sure)
    best, most = wins.most_common(1)[0]
    beyond = f"{sure_of[best]} beyond chance" if sure_of[best] else "in none beyond chance"
    many = f"{most} of {len(lines) - 1} classes" if len(lines) > 2 else "the only class"
    said = f"{best.capitalize()} is the best single scale in {many} ({beyond})"
    rest = [f"{name} in {count}" for name, count in wins.most_common()[1:]]
    rest += [f"none alone in {len(lines) - 1 - len(classes)}"] if len(lines) - 1 > len(classes) else []
    return f"{said}, {listed(rest)}" if rest else said


def _drawn(title: str, lines: list[Line]) -> Drawing:
    names = list(lines[0].cells)
    left = 18 + min(_LONGEST, max(text_width(f"{line.name}  ({line.cells[FUSED].count:,})") for line in lines))
    width = (_WIDTH - left - 12) / len(names)
    drawing = Drawing(_WIDTH, _TOP + _ROW * len(lines) + 18, title)
    known = [cell.mean for line in lines for cell in line.cells.values() if cell.mean == cell.mean]
    low, high = min(known), max(known)
    edge = [left + width * at + (12 if at == len(names) - 1 else 0) for at in range(len(names))]
    for name, x in zip(names, edge, strict=True):
        drawing.text((x + width / 2, 24), fitted(name, width), "strong", anchor="middle")
    for number, line in enumerate(lines):
        y = _TOP + _ROW * number + (8 if number else 0)
        count = f"  ({line.cells[FUSED].count:,})"
        label = fitted(line.name, left - 18 - text_width(count)) + count
        drawing.text((left - 12, y + _ROW / 2 + 5), label, "" if number else "strong", anchor="end")
        for name, x in zip(names, edge, strict=True):
            cell = line.cells[name]
            if cell.mean != cell.mean:
                drawing.text((x + width / 2, y + _ROW / 2 + 5), "none fit", "soft small", anchor="middle")
                continue
            depth = 0.05 + 0.45 * ((cell.mean - low) / (high - low) if high > low else 0.5)
            tip = f"{line.name}, {name}: {percent(cell.mean)} ({percent(cell.low)} to {percent(cell.high)})"
            won = name == line.best
            corner, size = (x + 3, y + 3), (width - 6, _ROW - 6)
            drawing.box(corner, size, "fused", depth, edge="ink" if won else "", dashed=not line.sure, tip=tip)
            drawing.text(
                (x + width / 2, y + _ROW / 2 + 5), f"{100 * cell.mean:.1f}", "strong" if won else "", anchor="middle"
            )
    return drawing
