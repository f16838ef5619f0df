"""How the work on a knowledge base looks in a terminal: what was taken in, what there is, what is wrong."""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import IO, TYPE_CHECKING, cast

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..pipeline.document import Flag
from ..pipeline.encoders.checkpoint import DEFAULT_MODEL
from ..pipeline.recording import SAMPLE_RATE
from .doctor import Check, State
from .progress import clock
from .store.kinds import BANDS, FLAT
from .taken import UNCHANGED, Taken

if TYPE_CHECKING:
    from .confidence.calibrate import Calibrated
    from .status import Status
    from .store.compaction import Compaction
    from .store.sources import StoredSource
    from .store.verification import Verification

_GOOD, _BAD, _DOUBT, _DIM = "green", "red", "yellow", "dim"

LONGEST_TABLE = 200
"""Rows of problems on a terminal; all of them are in ``--json`` and ``--report``."""

PIPE_WIDTH = 120
"""Columns where there is no terminal."""

NOTES = frozenset({"header-footer-removed"})
"""Flags that say what was done, not what is missing: shown with ``--verbose`` and in JSON."""


def doubts(taken: Taken) -> list[Flag]:
    """Flags of a file that a person should look at."""
    return [flag for flag in taken.flags if flag.code not in NOTES]


def plain_console(*, stderr: bool = False) -> Console:
    """A console that takes nothing in a text for markup.

    Where there is no terminal its width is that of the variable ``COLUMNS``, else :data:`PIPE_WIDTH`, and no line ends
    in spaces.
    """
    stream = sys.stderr if stderr else sys.stdout
    if stream.isatty():
        return Console(stderr=stderr, highlight=False, emoji=False, markup=False)
    columns = os.environ.get("COLUMNS", "")
    width = int(columns) if columns.isdecimal() and int(columns) else PIPE_WIDTH
    unpadded = cast(IO[str], _Unpadded(stream))
    return Console(file=unpadded, highlight=False, emoji=False, markup=False, width=width)


class _Unpadded:
    """A stream that drops the spaces with which rich fills the lines of a table; rich writes whole lines."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write(re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE))
        return len(text)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


def size(count: float) -> str:
    """Bytes for people: ``1.5 MB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def show_intake(
    console: Console, report: Sequence[Taken], *, verbose: bool, seconds: float, planned: bool, found: int = 0
) -> None:
    """Every file that was not simply taken in, or with ``verbose`` every file; then the sums.

    Args:
        found: Files that there were to take in: more than the report has if it was interrupted.
    """
    rows = [taken for taken in report if verbose or not taken.done or doubts(taken)]
    shown = rows[:LONGEST_TABLE] if console.is_terminal else rows
    table = _table("", "file", "what it says")
    for taken in shown:
        style = _BAD if not taken.done else _DOUBT if doubts(taken) else _GOOD
        flags = (f"{flag.code}: {flag.detail}" if flag.detail else flag.code for flag in taken.flags)
        # Messages of errors begin with the path, which stands there already.
        detail = taken.detail.removeprefix(str(taken.path)).removeprefix(":").lstrip()
        said = "".join(_printable("; ".join(text for text in (detail, *flags) if text)))
        if console.is_terminal:
            table.add_row(Text(taken.code, style), _path(str(taken.path)), Text(said))
        else:
            line = Text.assemble(f"{taken.code:<13} ", _path(str(taken.path)), f"  {said}" if said else "")
            console.print(line, soft_wrap=True)
    if table.rows:
        console.print(table)
    if len(rows) > len(shown):
        console.print(Text(f"and {len(rows) - len(shown):,} more: see --report FILE", _DIM))
    codes = Counter(taken.code for taken in report)
    sums = ", ".join(f"{count:,} {code}" for code, count in codes.most_common())
    if not sums:
        sums = f"{found:,} files found, none of them finished" if found else "no files found"
    elif len(report) < found:
        sums += f", {found - len(report):,} of {found:,} files not finished"
    flagged = sum(bool(doubts(taken)) for taken in report)
    summary = f"{sums}{f', {flagged:,} of them flagged' if flagged else ''}"
    if planned:
        console.print(Text(f"would be: {summary}"))
        return
    worked = sum(taken.size for taken in report if taken.code != UNCHANGED)
    console.print(Text(f"{summary}; {size(worked)} in {seconds:.1f} s"))
    if heard := [taken.counts for taken in report if taken.counts.get("samples")]:
        samples, speech = (sum(counts.get(name, 0) for counts in heard) for name in ("samples", "speech"))
        wordless = sum(not counts.get("characters") for counts in heard)
        console.print(Text(recordings(len(heard), samples / SAMPLE_RATE, speech / SAMPLE_RATE, wordless)))


def recordings(count: int, seconds: float, speech_seconds: float, wordless: int) -> str:
    """How much sound there is, and for how much of it there are words."""
    words = f"{wordless:,} without a transcript: indexed by sound alone" if wordless else "all with transcripts"
    things = "1 recording" if count == 1 else f"{count:,} recordings"
    return f"{things}, {_long(seconds)}, {_long(speech_seconds)} of it speech; {words}"


def _long(seconds: float) -> str:
    return f"{seconds / 3600:,.1f} hours" if seconds >= 3600 else clock(seconds)


def show_status(console: Console, status: Status, model: str, speech_model: str = "") -> None:
    """What a knowledge base holds, a row a scale."""
    console.print(Text(f"{status.path}: generation {status.generation} of {status.committed_at}", "bold"))
    facts = [
        f"{status.sources:,} sources, {status.contents:,} distinct contents, {status.characters:,} characters,"
        f" {size(status.bytes)}",
    ]
    if model:
        facts.append(f"model {model}")
    if speech_model:
        facts.append(f"speech model {speech_model}")
    if status.recordings:
        wordless = status.recordings - status.transcribed
        facts.append(recordings(status.recordings, status.sound_seconds, status.speech_seconds, wordless))
    if status.unfinished:
        facts.append(f"{status.unfinished:,} stretches heard of recordings that are not in: ingest them again to go on")
    if status.languages:
        facts.append("languages " + ", ".join(f"{name or 'unknown'} {n:,}" for name, n in status.languages.items()))
    if status.flags:
        facts.append("flags " + ", ".join(f"{code} {n:,}" for code, n in sorted(status.flags.items())))
    if status.token_states:
        facts.append(f"single words in context {size(status.token_bytes)}")
    elif status.characters and model in ("", DEFAULT_MODEL):
        facts.append("no single words in context are kept: octavo reembed adds them")
    if status.calibration is not None:
        own = status.calibration
        facts.append(f"confidence calibrated by {own.questions:,} questions; answers abstain below {own.threshold:.0%}")
    if status.dead:
        facts.append(f"{status.dead:,} deleted documents wait for octavo compact")
    slow = [scale.scale for scale in status.scales if scale.vectors >= BANDS[0].below and FLAT.name in scale.kinds]
    if slow:
        facts.append(f"octavo compact would give {', '.join(slow)} a faster index")
    for fact in facts:
        console.print(Text(fact))
    table = _table(
        "scale", *[(name, "right") for name in ("units", "vectors", "shards")], "index", *_NUMBERS, "made by"
    )
    for scale in status.scales:
        kinds = ", ".join(kind if n == 1 else f"{n} x {kind}" for kind, n in sorted(scale.kinds.items()))
        table.add_row(
            scale.scale,
            f"{scale.units:,}",
            f"{scale.vectors:,}",
            f"{scale.shards:,}",
            kinds,
            f"{scale.width}",
            f"{scale.recall:.3f}",
            size(scale.bytes),
            scale.fingerprint,
        )
    if status.scales:
        console.print(table)


def show_calibrated(console: Console, done: Calibrated) -> None:
    """What calibrating did."""
    made = f", {done.left_out:,} of them made by leaving out the source" if done.left_out else ""
    console.print(Text(f"{done.questions:,} questions asked, {done.unanswerable:,} without an answer{made}", "bold"))
    console.print(f"the answer was in the hits of {done.right:.0%}")
    console.print(
        f"confidence is off by {100 * done.ece_before:.0f} points as shipped, by {100 * done.ece_after:.0f} as"
        f" calibrated (mean error; {100 * done.ece_by_chance:.0f} would be chance with so many questions; calibrated"
        " ones are judged by maps that did not see them)"
    )
    console.print(
        f"answering the surest first, {done.risk_area_before:.0%} of the answers are wrong as shipped,"
        f" {done.risk_area_after:.0%} as calibrated (mean over all coverages)"
    )
    if done.ece_after >= done.ece_before:
        console.print(
            "calibrating shows no gain on these questions: "
            + ("ask more of them, better a hundred" if done.questions < FEW_QUESTIONS else "the shipped map is right")
        )
    kept = "nothing was kept" if done.generation is None else f"kept in generation {done.generation}"
    console.print(f"answers abstain below {done.map.threshold:.0%}; {kept}")


FEW_QUESTIONS = 200
"""Asked with and without their sources: from a hundred on calibrating is worth it."""

_COUNTS = (("units", "right"), ("vectors", "right"), ("shards", "right"))
_NUMBERS = (("width", "right"), ("recall", "right"), ("bytes", "right"))


def show_sources(console: Console, sources: Sequence[StoredSource]) -> None:
    """Every source on a line of its own, however long."""
    for source in sources:
        flags = "".join(f"  {flag.code}" for flag in source.flags)
        length = f"{source.text_length:,} characters" if source.text_length or not source.samples else "no transcript"
        if source.samples:
            length = f"{clock(source.samples / SAMPLE_RATE)}, {length}"
        line = Text.assemble(_path(source.uri), f"  {source.media_type}  {length}{flags}")
        console.print(line, soft_wrap=True)


def show_verification(console: Console, found: Verification) -> None:
    """What is damaged, file by file."""
    for problem in found.problems:
        console.print(Text.assemble((problem.file, _BAD), f": {problem.what}"), soft_wrap=True)
    for orphan in found.orphans:
        console.print(Text(f"{orphan}: replaced, or left by a killed process; the next writer removes it", _DIM))
    for stretch in found.unfinished:
        console.print(Text(f"{stretch}: heard of a recording that is not in; its next ingest goes on from there", _DIM))
    verdict = "clean" if found.clean else f"{len(found.problems)} problems"
    line = f"{verdict}: generation {found.generation}, {found.files:,} files, {size(found.bytes)} read"
    console.print(Text(line, _GOOD if found.clean else _BAD))


def show_compaction(console: Console, done: Compaction) -> None:
    """What a compaction did."""
    console.print(
        Text(
            f"generation {done.generation}: {done.contents:,} deleted documents and {done.vectors:,} vectors dropped,"
            f" {done.shards_before:,} shards -> {done.shards_after:,},"
            f" {size(done.bytes_before)} -> {size(done.bytes_after)}"
        )
    )
    for scale, (kind, recall) in done.kinds.items():
        console.print(Text(f"  {scale}: {kind}, recall {recall:.3f}"))


def show_checks(console: Console, checks: Sequence[Check]) -> None:
    """Every check, and under those that need it what to do."""
    styles = {State.OK: _GOOD, State.WARNING: _DOUBT, State.PROBLEM: _BAD}
    for check in checks:
        line = Text.assemble((f"{check.state:<8}", styles[check.state]), f"{check.name:<15}{check.found}")
        console.print(line, soft_wrap=True)
        if check.advice:
            console.print(Text(f"{'':<23}-> {check.advice}", "bold"), soft_wrap=True)


def _table(*columns: str | tuple[str, str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        name, justify = column if isinstance(column, tuple) else (column, "left")
        table.add_column(name, justify="right" if justify == "right" else "left", overflow="fold")
    return table


def _path(path: str) -> Text:
    return Text("".join(_printable(path)))


def _printable(text: str) -> Iterator[str]:
    for character in text:
        yield character if character.isprintable() else "\ufffd"
