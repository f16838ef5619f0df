"""How an answer looks: in a terminal and in a notebook.

Everything that comes from a document is shown as plain text, never read as markup of the terminal or of HTML.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..pipeline.document import Place
from ..pipeline.scale import PHONEME, Medium
from .hit import Answer, Citation, Hit

if TYPE_CHECKING:
    from .confidence.handoff import Handoff
    from .sound.timeline import Timeline

LONGEST_QUOTE = 900
"""Characters of a quote that a terminal shows; the rest is counted. A document-scale quote would fill the screen."""

LONGEST_GLIMPSE = 200
"""Characters of a quote that stands in one line, as far as the terminal is wide."""
MOST_REASONS, MOST_NEAREST = 2, 2
"""Of an answer that abstains; all of them are in ``--json``."""

_QUOTE, _WORD, _DIM, _RANK, _DOUBT = "bold", "bold black on yellow", "dim", "bold cyan", "bold yellow"

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_COMMON = (
    "about after also and are but can could did does for from had has have how into its may not off one our out over"
    " should than that the their them then there these they this was were what when where which who why will with"
    " would you your"
)
_STOP = frozenset(_COMMON.split())


def question_words(question: str) -> frozenset[str]:
    """Words of a question that are worth marking in a quote."""
    words = (word.casefold() for word in re.findall(r"[\w][\w'’-]*", question))
    return frozenset(word for word in words if (len(word) > 2 or not word.isascii()) and word not in _STOP)


def words_of(hit: Hit, words: frozenset[str]) -> frozenset[str]:
    """What to mark in a hit: the word it cites where it cites one word of a sentence, else the question's words."""
    return frozenset({hit.text.casefold()}) if hit.context else words


def marked(text: str, words: frozenset[str]) -> Iterator[tuple[str, bool]]:
    """Pieces of ``text`` in order, each with whether it is one of the words."""
    at = 0
    for found in re.finditer(r"[\w][\w'’-]*", text):
        if found.group().casefold() in words:
            yield text[at : found.start()], False
            yield found.group(), True
            at = found.end()
    yield text[at:], False


def compact(text: str) -> str:
    """Without blank lines, which stand between the blocks of a document and only push an answer apart."""
    return re.sub(r"[ \t]*\n\s*", "\n", text.strip())


def shortened(text: str, longest: int = LONGEST_QUOTE) -> tuple[str, int]:
    """The beginning of a text, cut between words, and how many characters are left out."""
    if len(text) <= longest:
        return text, 0
    cut = text.rfind(" ", longest - 80, longest)
    cut = longest if cut < 0 else cut
    return text[:cut], len(text) - cut


def pages(places: Sequence[Place]) -> str:
    """``page 3`` or ``pages 3-5``; empty in formats without pages."""
    numbers = [place.page for place in places if place.page is not None]
    if not numbers:
        return ""
    first, last = min(numbers), max(numbers)
    return f"page {first}" if first == last else f"pages {first}-{last}"


def clock(seconds: float) -> str:
    """``1:02.1`` or ``2:01:02.1``."""
    tenths = round(seconds * 10)
    minutes, tenths = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}:{minutes:02}" if hours else f"{minutes}"
    return f"{head}:{tenths // 10:02}.{tenths % 10}"


def moments(places: Sequence[Place]) -> str:
    """``1:02.1-1:02.8``; empty for what is no recording's."""
    times = [
        (place.start_seconds, place.stop_seconds)
        for place in places
        if place.start_seconds is not None and place.stop_seconds is not None
    ]
    return f"{clock(times[0][0])}-{clock(times[-1][1])}" if times else ""


def where(citation: Citation) -> str:
    """File, page or time, heading and characters of a citation in one line."""
    parts = [short_name(citation), pages(citation.places), moments(citation.places), citation.heading]
    if citation.medium is Medium.TEXT:
        parts.append(f"characters {citation.start:,}-{citation.stop:,}")
    return " · ".join(plain(part) for part in parts if part)


def link(citation: Citation) -> str:
    """Address that opens the file at the cited page or time (W3C Media Fragments)."""
    uri = citation.source.uri
    if "://" not in uri:
        uri = "file://" + quote(os.fsencode(uri))
    for place in citation.places:
        if place.start_seconds is not None and place.stop_seconds is not None:
            return f"{uri}#t={place.start_seconds:.2f},{place.stop_seconds:.2f}"
    first = next((place.page for place in citation.places if place.page is not None), None)
    return f"{uri}#page={first}" if first and citation.source.media_type == "application/pdf" else uri


def shares(contributions: Mapping[str, float]) -> str:
    """What every scale added to a score, the largest first."""
    ranked = sorted(contributions.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {share:.2f}" for name, share in ranked if round(share, 2))


def sounded(hit: Hit) -> str:
    """What was heard at a hit and how it was said, in one line; empty for text."""
    parts = [f'heard "{hit.heard}"'] if hit.heard else []
    parts += [f"{name} {round(value, 3) + 0.0:.3g}" for name, value in hit.measures.items()]
    return ", ".join(parts)


def understood(answer: Answer) -> str:
    """The words of a spoken question, the doubtful ones marked."""
    words = (f"{word.text}{'' if word.probability >= 0.5 else '(?)'}" for word in answer.heard_words)
    return plain(" ".join(words))


def answer_text(answer: Answer, *, longest: int = LONGEST_QUOTE) -> RenderableType:
    """An answer for a terminal: each quote with its question words marked, and where it stands."""
    if not answer.hits:
        notes = [Text(f"note: {plain(warning)}", _DIM) for warning in answer.warnings]
        notes += [Text(f"why: {plain(reason)}", _DIM) for reason in (answer.handoff.reasons if answer.handoff else ())]
        return Group(Text("Nothing in the knowledge base answers this question.", style=_DIM), *notes)
    if answer.abstain and answer.handoff is not None:
        return abstained_text(answer)
    words = question_words(answer.query)
    hits = Table.grid(padding=(0, 1))
    hits.add_column(justify="right", width=2)
    hits.add_column(overflow="fold")
    for hit in answer.hits:
        hits.add_row(Text(f"{hit.rank}", _RANK), Text(where(hit.citation), f"link {link(hit.citation)}"))
        shared = shares(hit.contributions)
        hits.add_row("", Text(f"{hit.scale} {hit.score:.2f}{f'  ({shared})' if shared else ''}", _DIM))
        quoted, left_out = shortened(compact(hit.context or hit.text), longest)
        if sounded(hit):
            hits.add_row("", Text(sounded(hit)))
        body = Text(style=_QUOTE)
        for piece, is_word in marked(plain(quoted), words_of(hit, words)):
            body.append(piece, _WORD if is_word else None)
        if left_out:
            body.append(f" … ({left_out:,} more characters)", "not bold dim")
        if quoted:
            hits.add_row("", body)
        hits.add_row("", "")
    total = sum(answer.timings_ms.values()) if "total" not in answer.timings_ms else answer.timings_ms["total"]
    confidence = "scores only rank these hits"
    if answer.confidence is not None:
        confidence = f"confidence {answer.confidence:.0%}"
    if all(set(hit.contributions) == {PHONEME.name} and hit.score <= 1 for hit in answer.hits):
        confidence += ", a score is the probability that it is said there"
    above = [Text(f"understood: {understood(answer)}\n")] if answer.heard_words else []
    below = [Text(f"note: {plain(warning)}", _DIM) for warning in answer.warnings]
    last = Text(f"{total:.0f} ms, generation {answer.generation}, {confidence}", style=_DIM)
    return Group(*above, hits, *below, last)


def abstained_text(answer: Answer) -> RenderableType:
    """An answer that abstains, for a terminal: that it does, why, and where a person would look first."""
    packet = answer.handoff
    assert packet is not None
    lines = [Text(f"understood: {understood(answer)}")] if answer.heard_words else []
    lines.append(Text(_no_answer(packet), _DOUBT))
    lines += [Text(plain(reason[:1].upper() + reason[1:]) + ".") for reason in packet.reasons[:MOST_REASONS]]
    words = question_words(answer.query)
    for at, hit in enumerate(packet.nearest[:MOST_NEAREST]):
        line = Text("Nearest: " if not at else "         ", no_wrap=True, overflow="ellipsis")
        cited = hit.citation
        line.append(" ".join(part for part in (short_name(cited), pages(cited.places), moments(cited.places)) if part))
        quoted, left_out = shortened(" ".join((hit.context or hit.text or hit.heard).split()), LONGEST_GLIMPSE)
        for piece, is_word in marked(f": {plain(quoted)}", words_of(hit, words)):
            line.append(piece, _WORD if is_word else _QUOTE)
        lines.append(line.append(" …" if left_out else ""))
    lines += [Text(f"note: {plain(warning)}", _DIM) for warning in answer.warnings]
    lines.append(Text("More: octavo explain says why, --abstain-below 0 shows these spans, --json has it all.", _DIM))
    return Group(*lines)


def _no_answer(packet: Handoff) -> str:
    return (
        f"No answer: only {packet.confidence:.0%} sure that the best spans hold one ({packet.threshold:.0%} is needed)."
    )


def short_name(citation: Citation) -> str:
    """The file's name without its folders."""
    uri = citation.source.uri
    return plain(Path(urlsplit(uri).path if "://" in uri else uri).name)


_SHOWN = ("f0", "f0_range", "loudness", "rate", "pauses")
"""Measures in the terminal; ``--json`` gives all."""


def timeline_text(made: Timeline) -> RenderableType:
    """A timeline for a terminal."""
    title = Text(f"{plain(made.uri)}, {clock(made.seconds)}")
    table = Table(title=title, title_justify="left", box=None, padding=(0, 1))
    table.add_column("time", no_wrap=True)
    for name in _SHOWN:
        table.add_column(name, justify="right")
    table.add_column("said or heard", overflow="fold")
    for line in made.lines:
        said = Text(plain(line.text)) if line.text else Text(line.heard, "dim")
        cells = [f"{line.measures[name]:.3g}" if name in line.measures else "-" for name in _SHOWN]
        table.add_row(f"{clock(line.start_seconds)}-{clock(line.stop_seconds)}", *cells, said)
    return table


def answer_html(answer: Answer) -> str:
    """An answer for a notebook. Colours are left to the notebook's theme but for the mark."""
    words = question_words(answer.query)
    notes = "".join(f"<p><em>{escape(warning)}</em></p>" for warning in answer.warnings)
    hits = "".join(_hit_html(hit, words) for hit in answer.hits) or "<p>Nothing in the knowledge base answers this.</p>"
    asked = f"<p><strong>{escape(answer.query)}</strong></p>"
    return f'<div class="octavo-answer">{asked}{_abstaining_html(answer)}{hits}{notes}</div>'


def _abstaining_html(answer: Answer) -> str:
    packet = answer.handoff
    if packet is None:
        return ""
    items = "".join(f"<li>{escape(plain(text))}</li>" for text in packet.reasons)
    return f"<p><strong>{escape(_no_answer(packet))}</strong></p><ul>{items}</ul>"


def _hit_html(hit: Hit, words: frozenset[str]) -> str:
    quoted, left_out = shortened(compact(hit.context or hit.text))
    pieces = (
        f"<mark>{escape(piece)}</mark>" if is_word else escape(piece)
        for piece, is_word in marked(quoted, words_of(hit, words))
    )
    more = f" <em>… ({left_out:,} more characters)</em>" if left_out else ""
    quote_html = f'<blockquote style="margin:.3em 0 0 1em;white-space:pre-wrap">{"".join(pieces)}{more}</blockquote>'
    sound = f"<div>{escape(sounded(hit))}</div>" if sounded(hit) else ""
    shared = escape(shares(hit.contributions))
    return (
        '<div style="margin:0 0 1em 0"><div style="opacity:.75;font-size:90%">'
        f'{hit.rank}. <a href="{escape(link(hit.citation))}">{escape(where(hit.citation))}</a>'
        f" &middot; {escape(hit.scale)} {hit.score:.2f}{f' ({shared})' if shared else ''}</div>"
        f"{sound}{quote_html if quoted else ''}</div>"
    )


def plain(text: str) -> str:
    """Without control characters, which could move a terminal's cursor, and half characters, which none can show."""
    return _CONTROL.sub("\ufffd", text)
