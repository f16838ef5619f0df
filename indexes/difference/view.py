"""A comparison in the terminal: the sum first, then every changed answer with its spans side by side."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..hit import Hit
from ..view import moments, pages, plain, short_name, shortened, where
from .answers import HitChange
from .causes import Cause
from .compare import Answered, Difference
from .sides import Side
from .sources import Label

LONGEST_QUOTE = 240
LONGEST_VALUE = 60
"""Characters of an old or new value; a whole recipe is in ``--json``."""

_DIM = "dim"
_STYLES = {"same": "dim", "moved": "cyan", "reworded": "yellow", "new": "green", "gone": "red"}
_OUTCOMES = {"better": "green", "worse": "bold red", "same": "dim", "unknown": "dim"}


def show_difference(console: Console, found: Difference) -> None:
    """Prints the summary, then the changed answers."""
    console.print(_summary(found))
    for one in found.changed:
        console.print()
        console.print(_answer(one))


def _summary(found: Difference) -> RenderableType:
    lines = [Text(f"{_named(found.before)}  ->  {_named(found.after)}")]
    differing = found.labels()
    for label, count in differing.most_common():
        lines.append(Text(f"  {plain(_short(label))}: {count:,} {'source' if count == 1 else 'sources'}", _DIM))
    lines += [Text(f"  {plain(_short(label))}", _DIM) for label in found.besides]
    if not differing and not found.besides:
        lines.append(Text("  nothing differs", _DIM))
    for side in (found.before, found.after):
        lines += [Text(f"  note: {plain(note)}", _DIM) for note in side.snapshot.notes]
    changed, asked = len(found.changed), len(found.answered)
    lines.append(Text(f"{changed:,} of {asked:,} answers changed ({found.share:.1%})", "bold"))
    for kind, (sure, possible) in found.counted().items():
        told = [f"{sure:,}"] if sure else []
        told += [f"{possible:,} possibly"] if possible else []
        lines.append(Text(f"  {kind}: {', '.join(told)}"))
    if outcomes := found.outcomes():
        told = [f"{outcomes[name]:,} {name}" for name in ("better", "worse", "same", "unknown") if outcomes[name]]
        lines.append(Text(f"  of the labelled ones: {', '.join(told)}"))
    return Group(*lines)


def _named(side: Side) -> str:
    model = f", {side.model}" if side.model else ""
    return f"{plain(str(side.base.path))} generation {side.number} ({len(side.sources):,} sources{model})"


def _short(label: Label) -> str:
    old, new = (
        value if len(value) <= LONGEST_VALUE else value[: LONGEST_VALUE - 1] + "…" for value in (label.old, label.new)
    )
    return str(Label(label.kind, label.name, old, new))


def _answer(one: Answered) -> RenderableType:
    title = Text(plain(one.asked.text), "bold")
    if one.verdict:
        title.append(f"  {one.verdict.outcome}", _OUTCOMES[one.verdict.outcome])
        if one.verdict.before is not None:
            title.append(f" ({one.verdict.before:.0%} -> {one.verdict.after:.0%} of what should be found)", _DIM)
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, expand=True)
    table.add_column("", no_wrap=True)
    table.add_column("before", ratio=1, overflow="fold")
    table.add_column("after", ratio=1, overflow="fold")
    moved = [hit for hit in one.change.hits if hit.status == "moved"]
    for hit in one.change.hits:
        if hit.status in ("same", "moved"):
            continue
        style = _STYLES[hit.status]
        table.add_row(Text(hit.status, style), _hit(hit.before), _hit(hit.after))
    same = one.change.counts().get("same", 0)
    lines: list[RenderableType] = [title]
    lines += [Text.assemble(("because " if cause.certain else "possibly "), _because(cause)) for cause in one.causes]
    if not one.causes:
        lines.append(Text("no known difference explains it", _DIM))
    if one.change.handed_over:
        lines.append(Text(_confidence(one)))
    if table.rows:
        lines.append(table)
    if moved:
        lines.append(Text(f"moved: {', '.join(map(_moved, moved))}", _STYLES["moved"]))
    if same:
        lines.append(Text(f"{same} {'span' if same == 1 else 'spans'} the same", _DIM))
    return Group(*lines)


_HAPPENED = {"file": "changed", "came": "came", "went": "went"}


def _because(cause: Cause) -> str:
    sources = ", ".join(map(plain, cause.sources))
    detail = f"; {cause.detail}" if cause.detail else ""
    if happened := _HAPPENED.get(cause.label.kind):
        beside = ", a competitor" if cause.kind == "competitor" else ""
        return f"{sources} {happened}{beside}{detail}"
    return f"{plain(_short(cause.label))}{f' ({sources})' if sources else ''}{detail}"


def _confidence(one: Answered) -> str:
    before, after = one.change.before, one.change.after
    told = [
        f"{'abstained' if side.abstain else 'answered'}"
        + (f" (confidence {side.confidence:.0%})" if side.confidence is not None else "")
        for side in (before, after)
    ]
    return f"{told[0]}, now {told[1].replace('answered', 'answers').replace('abstained', 'abstains')}"


def _moved(change: HitChange) -> str:
    """``2 -> 3 manual.pdf page 9``."""
    assert change.before is not None
    assert change.after is not None
    cited = change.after.citation
    place = " ".join(part for part in (short_name(cited), pages(cited.places), moments(cited.places)) if part)
    return f"{change.before.rank} -> {change.after.rank} {place}"


def _hit(hit: Hit | None) -> RenderableType:
    if hit is None:
        return Text("")
    quoted, left = shortened(" ".join(hit.text.split()), LONGEST_QUOTE)
    head = Text(f"{hit.rank}. {plain(where(hit.citation))}", _DIM)
    return Group(head, Text(plain(quoted) + (" …" if left else "")))
