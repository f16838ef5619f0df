"""Places that a person expects an answer to come from: characters, a page, or a time of a recording."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ...pipeline.errors import QueryError
from ...pipeline.recording import SAMPLE_RATE
from ..sound.manner import Example
from ..source_paths import matching

if TYPE_CHECKING:
    from ..collection import KnowledgeBase
    from ..store.snapshot import Snapshot

_CHARACTERS: Final = re.compile(r"(?s)(.+):([\d,]+)-([\d,]+)")
_PAGE: Final = re.compile(r"(?s)(.+):p(?:age)?\.? ?(\d+)")
_TIME: Final = re.compile(r"(?s)(.+)@[\d:.]+-[\d:.]+")

WAYS: Final = "SOURCE:START-STOP in characters, SOURCE:pN for a page, or SOURCE@START-STOP for a time of a recording"


@dataclass(frozen=True, slots=True)
class NamedPlace:
    """Half-open characters of a content's text."""

    content: int
    start: int
    stop: int


def named_place(base: KnowledgeBase, snapshot: Snapshot, place: str) -> NamedPlace:
    """The characters that ``manual.pdf:1517-1618``, ``manual.pdf:p3`` or ``call.wav@1:02-1:06`` names.

    Of a time, the words of the transcript that are said then.

    Raises:
        QueryError: It names no text of this generation of the knowledge base.
    """
    if found := _CHARACTERS.fullmatch(place):
        content = _content(base, snapshot, found[1])
        start, stop = (int(one.replace(",", "")) for one in found.groups()[1:])
        if not start < stop:
            raise QueryError(f"{place!r} is empty: write START-STOP with START below STOP")
        return NamedPlace(content, start, stop)
    if found := _PAGE.fullmatch(place):
        return _page(snapshot, _content(base, snapshot, found[1]), int(found[2]), place)
    if found := _TIME.fullmatch(place):
        times = Example.parse(place)
        return _said(snapshot, _content(base, snapshot, found[1]), times.start, times.stop, place)
    raise QueryError(
        f"{place!r} is no place: write {WAYS}; such as manual.pdf:1517-1618, manual.pdf:p3, call.wav@62-66"
    )


def _page(snapshot: Snapshot, content: int, number: int, place: str) -> NamedPlace:
    stored = snapshot.content(content)
    pages = {page.number: page for page in snapshot.pages(content, 0, stored.text_length) if page.stop > page.start}
    if number not in pages:
        there = f"only on pages {min(pages)} to {max(pages)}" if pages else "and no pages at all: name its characters"
        raise QueryError(f"{place}: {stored.source.uri} has no text on page {number}, {there}")
    return NamedPlace(content, pages[number].start, pages[number].stop)


def _said(snapshot: Snapshot, content: int, start: float, stop: float, place: str) -> NamedPlace:
    stored = snapshot.content(content)
    if not stored.samples:
        raise QueryError(f"{place}: {stored.source.uri} is no recording: name its characters, or a page")
    zero = stored.start_us / 1e6
    first, last = (round((edge - zero) * SAMPLE_RATE) for edge in (start, stop))
    if first >= stored.samples or last <= 0:
        end = zero + stored.samples / SAMPLE_RATE
        raise QueryError(f"{place}: {stored.source.uri} goes from {zero:.2f} to {end:.2f} s")
    if not stored.text_length:
        raise QueryError(
            f"{place}: {stored.source.uri} has no transcript, so nothing of it is text; what is heard in it is"
            " explained by octavo explain QUESTION --scale phoneme"
        )
    said = snapshot.said(content, max(first, 0), min(last, stored.samples))
    if said is None:
        raise QueryError(f"{place}: the transcript of {stored.source.uri} has no words at that time")
    return NamedPlace(content, *said)


def _content(base: KnowledgeBase, snapshot: Snapshot, name: str) -> int:
    stored = {source.uri: source.content for source in base.sources(snapshot.generation)}
    uris = matching(list(stored), [name])[name]
    contents = {stored[uri] for uri in uris}
    if len(contents) != 1:
        many = f"{len(contents)} sources" if contents else "no source"
        raise QueryError(
            f"{name!r} names {many} of generation {snapshot.generation}: octavo status --sources lists them all"
        )
    return contents.pop()
