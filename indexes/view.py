"""How an answer looks: in a terminal and in a notebook.

Everything that comes from a document is shown as plain text, never read as markup of the terminal or of HTML.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote, urlsplit

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..pipeline.document import Place
from .hit import Answer, Citation, Hit

LONGEST_QUOTE = 900
"""Characters of a quote that a terminal shows; the rest is counted. A document-scale quote would fill the screen."""

_QUOTE, _WORD, _DIM, _RANK = "bold", "bold black on yellow", "dim", "bold cyan"

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


def where(citation: Citation) -> str:
    """File, page, heading and characters of a citation in one line."""
    uri = citation.source.uri
    name = urlsplit(uri).path if "://" in uri else uri
    parts = [Path(name).name, pages(citation.places), citation.heading]
    parts.append(f"characters {citation.start:,}-{citation.stop:,}")
    return " · ".join(_clean(part) for part in parts if part)


def link(citation: Citation) -> str:
    """Address that opens the file at the cited page."""
    uri = citation.source.uri
    if "://" not in uri:
        uri = "file://" + quote(os.fsencode(uri))
    first = next((place.page for place in citation.places if place.page is not None), None)
    return f"{uri}#page={first}" if first and citation.source.media_type == "application/pdf" else uri


def shares(contributions: Mapping[str, float]) -> str:
    """What every scale added to a score, the largest first."""
    ranked = sorted(contributions.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {share:.2f}" for name, share in ranked if round(share, 2))


def answer_text(answer: Answer, *, longest: int = LONGEST_QUOTE) -> RenderableType:
    """An answer for a terminal: each quote with its question words marked, and where it stands."""
    if not answer.hits:
        return Text("Nothing in the knowledge base answers this question.", style=_DIM)
    words = question_words(answer.query)
    hits = Table.grid(padding=(0, 1))
    hits.add_column(justify="right", width=2)
    hits.add_column(overflow="fold")
    for hit in answer.hits:
        hits.add_row(Text(f"{hit.rank}", _RANK), Text(where(hit.citation), f"link {link(hit.citation)}"))
        shared = f"  ({shares(hit.contributions)})" if hit.contributions else ""
        hits.add_row("", Text(f"{hit.scale} {hit.score:.2f}{shared}", _DIM))
        quoted, left_out = shortened(compact(hit.context or hit.text), longest)
        body = Text(style=_QUOTE)
        for piece, is_word in marked(_clean(quoted), words_of(hit, words)):
            body.append(piece, _WORD if is_word else None)
        if left_out:
            body.append(f" … ({left_out:,} more characters)", "not bold dim")
        hits.add_row("", body)
        hits.add_row("", "")
    total = sum(answer.timings_ms.values()) if "total" not in answer.timings_ms else answer.timings_ms["total"]
    confidence = (
        f"confidence {answer.confidence:.0%}" if answer.confidence is not None else "scores only rank these hits"
    )
    return Group(hits, Text(f"{total:.0f} ms, generation {answer.generation}, {confidence}", style=_DIM))


def answer_html(answer: Answer) -> str:
    """An answer for a notebook. Colours are left to the notebook's theme but for the mark."""
    words = question_words(answer.query)
    hits = "".join(_hit_html(hit, words) for hit in answer.hits) or "<p>Nothing in the knowledge base answers this.</p>"
    return f'<div class="octavo-answer"><p><strong>{escape(answer.query)}</strong></p>{hits}</div>'


def _hit_html(hit: Hit, words: frozenset[str]) -> str:
    quoted, left_out = shortened(compact(hit.context or hit.text))
    pieces = (
        f"<mark>{escape(piece)}</mark>" if is_word else escape(piece)
        for piece, is_word in marked(quoted, words_of(hit, words))
    )
    more = f" <em>… ({left_out:,} more characters)</em>" if left_out else ""
    return (
        '<div style="margin:0 0 1em 0"><div style="opacity:.75;font-size:90%">'
        f'{hit.rank}. <a href="{escape(link(hit.citation))}">{escape(where(hit.citation))}</a>'
        f" &middot; {escape(hit.scale)} {hit.score:.2f} ({escape(shares(hit.contributions))})</div>"
        '<blockquote style="margin:.3em 0 0 1em;white-space:pre-wrap">'
        f"{''.join(pieces)}{more}</blockquote></div>"
    )


def _clean(text: str) -> str:
    """Without control characters, which could move a terminal's cursor, and half characters, which none can show."""
    return _CONTROL.sub("\ufffd", text)
