"""Questions won and lost, side by side: the gold, and what each of two answers returned, the gold in it marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ....pipeline.document import Place
from ....pipeline.errors import OctavoError
from ...cite import cite
from ...collection import KnowledgeBase
from ...sound.as_written import CHARACTERS_A_SECOND
from ...store.snapshot import Snapshot, StoredContent
from ...view import compact, moments, pages, plain
from ..rows import FUSED
from ..run import EvaluationRun
from ..spans import Spans, Stretch

EACH = 3
"""Examples won, and as many lost."""

SPANS_SHOWN = 4
LONGEST = 420
"""Characters of a span that are shown, around the gold if it holds any."""

_MOVED = 0.01
_CHANGED = "(the text has changed since this run)"
_SOUND = "(sound without a transcript)"


@dataclass(frozen=True, slots=True)
class Quoted:
    """A span.

    Attributes:
        where: File, page or time, characters.
        pieces: Its text in order, each with whether it is gold.
    """

    where: str
    pieces: tuple[tuple[str, bool], ...]
    holds_gold: bool


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two answers.

    Attributes:
        value: In the main metric.
        more: Spans that are not shown.
    """

    name: str
    value: float
    spans: tuple[Quoted, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Example:
    """A question that one of two answers serves better."""

    question: str
    question_class: str
    gold: tuple[Quoted, ...]
    ours: Side
    other: Side

    @property
    def won(self) -> bool:
        """Whether the first of both is better."""
        return self.ours.value > self.other.value


@dataclass(frozen=True, slots=True)
class Examples:
    """What is shown, and out of how many.

    Attributes:
        ours, other: Names of both answers.
        note: Why there is nothing to show, "" if there is.
    """

    ours: str
    other: str
    won: tuple[Example, ...] = ()
    lost: tuple[Example, ...] = ()
    won_of: int = 0
    lost_of: int = 0
    note: str = ""


def examples(base: KnowledgeBase, run: EvaluationRun, earlier: EvaluationRun | None = None) -> Examples:
    """Fused against the best single scale; with an earlier run the new fused answer against the old one."""
    if earlier is not None:
        ours, other = "the new answer", f"the one before (generation {earlier.generation})"
        there = {question.key: at for at, question in enumerate(earlier.questions)}
        pairs = [(at, there[one.key]) for at, one in enumerate(run.questions) if one.key in there]
        if run.spans is None or earlier.spans is None or FUSED not in earlier.spans.returned:
            return Examples(ours, other, note="The earlier run does not hold which spans it returned.")
        if run.main not in earlier.scores:
            return Examples(ours, other, note=f"The earlier run has no {run.main}.")
        theirs, row, here, past = earlier, FUSED, run.spans, earlier.spans
    else:
        row = next((name for name in run.spans.returned if name != FUSED), "") if run.spans else ""
        ours, other = FUSED, f"{row} alone" if row else "the best single scale"
        if run.spans is None or not row:
            return Examples(ours, other, note="This run does not hold which spans were returned.")
        pairs = [(at, at) for at in range(len(run.questions))]
        theirs, here, past = run, run.spans, run.spans
    a, b = run.scores[run.main][:, run.row(FUSED)], theirs.scores[run.main][:, theirs.row(row)]
    moved = sorted((float(b[j] - a[i]), i, j) for i, j in pairs if abs(a[i] - b[j]) > _MOVED)
    won, lost = [one for one in moved if one[0] < 0], [one for one in reversed(moved) if one[0] > 0]
    with base.snapshot() as snapshot:
        reader = _Reader(base, snapshot)

        def made(i: int, j: int) -> Example:
            question, gold = run.questions[i], reader.named(here, here.gold[i])
            return Example(
                question.text,
                question.question_class,
                tuple(reader.quoted(name, one, []) for name, one in gold[:SPANS_SHOWN]),
                _side(reader, ours, float(a[i]), here, FUSED, i, gold),
                _side(reader, other, float(b[j]), past, row, j, gold),
            )

        shown = [[made(i, j) for i, j in _varied(run, some)] for some in (won, lost)]
    return Examples(ours, other, tuple(shown[0]), tuple(shown[1]), len(won), len(lost))


Named = tuple[tuple[str, str], Stretch]
"""Path and SHA-256 of a source, and the stretch of it."""


def _varied(run: EvaluationRun, moved: Sequence[tuple[float, int, int]]) -> list[tuple[int, int]]:
    """The largest differences, of several classes where they are nearly as large."""
    near = [(i, j) for change, i, j in moved if abs(change) >= 0.8 * abs(moved[0][0])]
    first = {run.questions[i].question_class: (i, j) for i, j in reversed(near)}
    chosen = sorted(first.values(), key=near.index)[:EACH]
    return (chosen + [(i, j) for _, i, j in moved if (i, j) not in chosen])[:EACH]


def _side(reader: _Reader, name: str, value: float, spans: Spans, row: str, at: int, gold: Sequence[Named]) -> Side:
    returned = reader.named(spans, spans.returned[row][at])
    quoted = [reader.quoted(source, one, gold) for source, one in returned]
    # Spans that hold gold are what the reader looks for, wherever they rank.
    order = sorted(range(len(quoted)), key=lambda number: (not quoted[number].holds_gold, number))[:SPANS_SHOWN]
    return Side(name, value, tuple(quoted[number] for number in sorted(order)), len(quoted) - len(order))


class _Reader:
    """Reads the text of spans from the knowledge base."""

    def __init__(self, base: KnowledgeBase, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._content = {stored.uri: stored.content for stored in base.sources()}

    @staticmethod
    def named(spans: Spans, stretches: Sequence[Stretch]) -> list[Named]:
        return [(spans.sources[one.source], one) for one in stretches]

    def quoted(self, source: tuple[str, str], one: Stretch, gold: Sequence[Named]) -> Quoted:
        """A span with its text; without gold to look for, all of it is gold."""
        uri, sha256 = source
        marks = [(s.start, s.stop) for named, s in gold if named[0] == uri] if gold else [(one.start, one.stop)]
        marks = sorted((max(a, one.start), min(b, one.stop)) for a, b in marks if a < one.stop and b > one.start)
        file = plain(uri.rsplit("/", 1)[-1])
        content = self._stored(uri, sha256)
        if content is None:
            return Quoted(f"{file} · characters {one.start:,}–{one.stop:,}", ((_CHANGED, False),), bool(marks))
        if content.samples and not content.text_length:
            # Where nothing is written, positions count what would be, see sound/as_written.py.
            zero = content.start_us / 1e6
            said = Place(
                start_seconds=zero + one.start / CHARACTERS_A_SECOND, stop_seconds=zero + one.stop / CHARACTERS_A_SECOND
            )
            return Quoted(f"{file} · {moments((said,))}", ((_SOUND, bool(marks)),), bool(marks))
        citation = cite(self._snapshot, content, one.start, one.stop)
        parts = (file, pages(citation.places), moments(citation.places), f"characters {one.start:,}–{one.stop:,}")
        pieces = _pieces(citation.quote, [(a - one.start, b - one.start) for a, b in marks])
        return Quoted(" · ".join(part for part in parts if part), pieces, bool(marks))

    def _stored(self, uri: str, sha256: str) -> StoredContent | None:
        if uri not in self._content:
            return None
        try:
            content = self._snapshot.content(self._content[uri])
        except OctavoError:
            return None
        return content if content.source.sha256 == sha256 else None


def _pieces(text: str, marks: Sequence[tuple[int, int]]) -> tuple[tuple[str, bool], ...]:
    """A text in pieces, marked or not, shortened to what stands around the first mark."""
    begin, end = 0, len(text)
    if end > LONGEST:
        first = marks[0] if marks else (0, 0)
        room = max(LONGEST - (first[1] - first[0]), 160) // 2
        begin = max(0, first[0] - room)
        end = min(len(text), max(begin + LONGEST, min(first[1], begin + 2 * LONGEST)))
    made: list[tuple[str, bool]] = []
    at = begin
    for a, b in marks:
        a, b = max(a, at), min(b, end)
        if a < b:
            made += [(text[at:a], False), (text[a:b], True)]
            at = b
    made.append((text[at:end], False))
    made = [(plain(_tidy(piece)), gold) for piece, gold in made if piece]
    if begin:
        made.insert(0, ("… ", False))
    if end < len(text):
        made.append((" …", False))
    return tuple(made)


def _tidy(piece: str) -> str:
    """Without blank lines, but with the space at both ends that keeps pieces apart."""
    head, tail = " " * piece[:1].isspace(), " " * piece[-1:].isspace()
    return f"{head}{compact(piece)}{tail}" if piece.strip() else " "
