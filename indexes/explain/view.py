"""How an explanation looks in a terminal: the story of one hit in reading order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ...pipeline.scale import PHONEME
from ..hit import Hit
from ..on_disk import FileState
from ..view import clock, compact, moments, pages, plain, shortened, where
from ..weighting.emphasis import asking_part
from .expected import Expected
from .explanation import Explanation
from .heard import HeardPlace
from .origin import Level, Origin
from .scoring import Column, Neighbour, Proposal, Word, apportioned

SHORT: Final = 110
WIDTHS: Final = {"425": "425 around", "1700": "1,700 around"}
CLOSE: Final = 4

_HEAD, _DIM, _QUOTE = "bold cyan", "dim", "bold"

_ON_DISK = {
    FileState.SAME: "the file still has the bytes that were read",
    FileState.CHANGED: "the file has CHANGED since: ingest it again",
    FileState.GONE: "the file is GONE",
    FileState.UNREADABLE: "the file cannot be read now",
}


def explanation_text(made: Explanation, *, verbose: bool = False) -> RenderableType:
    """An explanation for a terminal."""
    parts: list[RenderableType] = [*_title(made)]
    if made.hit is not None and made.origin is not None:
        parts += _section("Where it stands", _origin(made.origin, made.hit, verbose), _levels(made.levels))
    if made.words:
        parts += _section("What was asked", *_asked(made.answer.query, made.words), _words(made.words))
    if made.proposals:
        parts += _section("Who proposed it", _proposals(made.proposals, verbose))
    if made.columns:
        parts += _section("How it scored", _columns(made.columns, made))
    if made.heard:
        parts += _section("What was heard", *(_heard(one) for one in made.heard))
    if made.reasons:
        parts += _section("Why this much of it", *(Text(reason) for reason in made.reasons))
    if made.expected:
        parts += _section("The place you expected", *_expected(made.expected, made))
    if made.close:
        parts += _section("What came close", _close(made.close if verbose else made.close[:CLOSE]))
    parts += [Text(f"note: {plain(warning)}", _DIM) for warning in made.answer.warnings]
    return Group(*parts)


def _title(made: Explanation) -> list[RenderableType]:
    asked = Text(plain(made.answer.query), "bold")
    if made.hit is None:
        return [asked, Text("Nothing in the knowledge base answers this question.", _DIM)]
    hit = made.hit
    of = f"next after the {len(made.answer.hits)} hits" if made.beyond else f"hit {hit.rank} of {len(made.answer.hits)}"
    quoted = _short(hit.context or hit.text or f'heard "{hit.heard}"', 300)
    about = f"{of}, {hit.scale}, score {hit.score:.3f}, generation {made.answer.generation}"
    return [asked, Text(about, _DIM), Text(quoted, _QUOTE)]


def _section(name: str, *parts: RenderableType) -> list[RenderableType]:
    return [Text(f"\n{name}", _HEAD), *(Padding(part, (0, 0, 0, 2)) for part in parts)]


def _origin(origin: Origin, hit: Hit, verbose: bool) -> Text:
    source, read = origin.content.source, origin.made_by.get("reader", "")
    lines = [where(hit.citation)]
    if origin.bytes:
        lines.append(f"bytes {origin.bytes[0]:,}-{origin.bytes[1]:,} of the file")
    size = f"{origin.on_disk.bytes:,} bytes, " if origin.on_disk.bytes else ""
    lines.append(f"{source.media_type}, {size}{_ON_DISK[origin.on_disk.state]}")
    lines.append(f"read by {read}" + "".join(f"; {flag.code}" for flag in origin.flags))
    if verbose:
        lines += [source.uri, f"sha256 {source.sha256}", f"made by: {origin.content.recipe}"]
        lines += [f"{flag.code}: {flag.detail}" for flag in origin.flags]
        lines += [f"page {place.page}: box {box}" for place in hit.citation.places for box in place.boxes]
    return Text("\n".join(plain(line) for line in lines))


def _levels(levels: Iterable[Level]) -> Table:
    table = Table.grid(padding=(0, 2))
    for number, level in enumerate(levels):
        seen = level.glimpse
        at = f"{seen.start:,}-{seen.stop:,}" if level.scale.medium == "text" else moments(seen.citation.places)
        text = _short(seen.citation.quote, 60) if number or not level.heading else ""
        table.add_row("in " + level.scale.name if number else level.scale.name, at, text)
    return table


def _asked(question: str, words: Iterable[Word]) -> list[Text]:
    """Which part of a question of several sentences asks."""
    least = min((word.emphasis for word in words), default=1.0)
    if least == 1:
        return []
    part = _short(question[asking_part(question) :], SHORT)
    return [
        Text(
            f"asked by {part!r}: its words that carry meaning count in full, and codes; the others {least:.0%} of their"
            " worth. Its meaning counts beside that of the whole"
        )
    ]


def _words(words: Iterable[Word]) -> Table:
    table = _table("word", "known as", ("paragraphs", "right"), ("worth (idf)", "right"), ("in the hit", "right"))
    for word in words:
        known = {
            "exact": "itself",
            "near": _alike(word.stands_for),
            "family": "words of its family alone",
            "unknown": "nowhere, nor anything like it",
        }[word.known]
        if word.family:
            known += f"; here {_alike(word.family)}"
        if word.known == "unknown":
            known, here = ("by a name alone", "in its name") if word.in_name else (known, "-")
            table.add_row(plain(word.text), known, "-", "-", here)
            continue
        common = " (common)" if word.stop_word else ""
        worth = f"{word.idf:.2f}" + (f" x {word.emphasis:.2f}" if word.emphasis < 1 else "")
        here = f"{word.in_hit:.3g}" + (" and its name" if word.in_name else "")
        table.add_row(plain(word.text) + common, plain(known), f"{word.frequency:,}", worth, here)
    return table


def _alike(words: Iterable[Neighbour]) -> str:
    return ", ".join(f"{'/'.join(one.terms[:1])} {one.similarity:.2f}" for one in words)


def _proposals(proposals: Iterable[Proposal], verbose: bool) -> RenderableType:
    table = _table("scale", "index", ("holds", "right"), ("rank", "right"), ("score", "right"), "nearest rival")
    for one in proposals:
        rank = f"{one.rank} of {one.proposed}" if one.rank else f"not in {one.proposed}"
        score = "-" if one.score is None else f"{one.score:.3f}"
        rivals = one.rivals if verbose else one.rivals[:1]
        seen = "\n".join(
            f"{rival:.3f} {_name(look.citation.source.uri)} {_short(look.citation.quote, 30)}"
            for _, rival, look in rivals
        )
        table.add_row(
            "words" if one.scale == "lexical" else one.scale, "/".join(one.kinds), f"{one.vectors:,}", rank, score, seen
        )
    return table


_KINDS: Final = {
    "vectors": ("cosine", "meaning"),
    "words": ("BM25", "words"),
    "tokens": ("in context", "words in context"),
}
"""What columns of evidence begin with, what their scores are called, and what they are."""

_NAMES: Final = {"names document": "title and file name", "names section": "headings"}
"""Evidence that is there at one or two scales: told in words below the table."""


def _columns(columns: tuple[Column, ...], made: Explanation) -> RenderableType:
    kinds = [kind for kind in _KINDS if any(one.name.startswith(kind) for one in columns)]
    table = _table("compared with")
    for kind in kinds:
        for name in (_KINDS[kind][0], "of the best", "adds"):
            table.add_column(name, justify="right")
    total = sum(made.shares.values()) if made.shares else 0.0
    sound = (made.shares or {}).get(PHONEME.name, 0.0)
    # Shown with three digits, shares still sum to the score that is shown.
    shown = dict(zip(columns, apportioned([one.share for one in columns], total - sound, 3), strict=True))
    tabled = [column.name.split(maxsplit=1) for column in columns if column.name not in _NAMES]
    for scale in dict.fromkeys(scale for _, scale in tabled):
        cells: list[str] = []
        for kind in kinds:
            own = [one for one in columns if one.name == f"{kind} {scale}"]
            if not own:
                cells += ["", "", ""]
                continue
            cells += [
                f"{sum(one.raw for one in own):.3f}",
                f"{sum(one.normalised for one in own):.0%}",
                f"{sum(shown[one] for one in own):.3f}",
            ]
        table.add_row(WIDTHS.get(scale, scale), *cells)
    sums = {kind: sum(shown[one] for one in columns if one.name.startswith(kind)) for kind in kinds}
    table.add_row("together", *(cell for kind in kinds for cell in ("", "", f"{sums[kind]:.3f}")))
    called = [one for one in columns if one.name in _NAMES]
    named = sum(shown[one] for one in called)
    terms = [f"{sums[kind]:.3f} {_KINDS[kind][1]}" for kind in kinds]
    terms += [f"{value:.3f} {what}" for value, what in ((named, "names"), (sound, "sound")) if value]
    near = sum(shown[one] for one in columns if one.credit == "character")
    note = f" ({near:.3f} of it words alike)" if near else ""
    lines = [
        f"{_NAMES[one.name]}: words worth {one.raw:.3f}, {one.normalised:.0%} of the best, add {shown[one]:.3f}"
        for one in called
        if one.raw > 0
    ]
    return Group(
        table, Text("\n".join([*lines, f"{' + '.join(terms)} = {sum(sums.values()) + named + sound:.3f}{note}"]))
    )


def _heard(one: HeardPlace) -> Text:
    start, stop = one.place.start_seconds or 0.0, one.place.stop_seconds or 0.0
    ways = "every utterance was scored" if one.exhaustive else "the index proposed utterances"
    return Text(
        f'"{plain(one.word)}" at {clock(start)}-{clock(stop)}, probability {one.probability:.2f},'
        f" score {one.per_phone:.2f} a phone (0 is best)\n"
        f"asked  {one.asked}\nheard  {one.heard}   ({one.differing} of {len(one.asked.split())} phones differ)\n"
        f"{len(one.pronunciations)} pronunciations tried, {one.windows:,} windows of sound stored: {ways}"
    )


def _expected(one: Expected, made: Explanation) -> list[RenderableType]:
    seen = one.seen
    head = f"{_name(seen.citation.source.uri)} {pages(seen.citation.places)} {seen.start:,}-{seen.stop:,}"
    lines: list[RenderableType] = [Text(f"{head}: {_short(seen.citation.quote, SHORT)}"), Text(one.verdict, "bold")]
    if one.proposals != made.proposals:  # else they are shown already, of the hit that holds it
        lines.append(_proposals(one.proposals, False))
    return lines


def _close(hits: Iterable[Hit]) -> Table:
    table = Table.grid(padding=(0, 2))
    for hit in hits:
        table.add_row(f"{hit.score:.3f}", where_short(hit), _short(hit.text or hit.heard, 60))
    return table


def where_short(hit: Hit) -> str:
    """File, and page or time."""
    cited = hit.citation
    return " ".join(part for part in (_name(cited.source.uri), pages(cited.places), moments(cited.places)) if part)


def _name(uri: str) -> str:
    return plain(uri.rsplit("/", 1)[-1])


def _short(text: str, longest: int) -> str:
    line = " ".join(compact(plain(text)).split())
    cut, left_out = shortened(line, longest)
    return cut + " …" if left_out else cut


def _table(*columns: str | tuple[str, str]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    for column in columns:
        name, justify = column if isinstance(column, tuple) else (column, "left")
        table.add_column(name, justify="right" if justify == "right" else "left", overflow="fold")
    return table
