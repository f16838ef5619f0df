"""The text of a caption: tags taken out, voices and times inside it kept."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Final

from .cues import Cue, Piece, clock_microseconds

# Bounded, and it cannot run over another "<": a caption of nothing but "<" takes linear time.
_TAG: Final = re.compile(r"<([^<>]{0,300})>")
_NAMED: Final = re.compile(r"/?\s*[A-Za-z]")
_VOICE: Final = re.compile(r"v(?:\.[^\s]*)?\s+(\S.*)", re.DOTALL)
_CLOCK: Final = re.compile(r"(?:(\d{1,9}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,9})")
_OVERRIDE: Final = re.compile(r"\{\\[^{}]{0,200}\}")
_ARROWS: Final = re.compile(r"\s*(?:>>+|&gt;&gt;)\s*")
_DASH: Final = re.compile(r"\s*[-–—]\s*(?=\S)")


def cues_of_text(raw: str, start_us: int, stop_us: int | None, *, overrides: bool = False) -> Iterator[Cue]:
    """The cues of one caption: more than one where several people speak in it.

    A voice span (``<v Anna>``), ``>>`` at the beginning of a line, or a dash before each of several lines begins a
    turn. A time in the text (``<00:00:02.500>``) begins a piece. Entities are characters.

    Args:
        raw: The lines of the caption, tags included.
        overrides: Whether ``{\\an8}`` and its like are orders to a player, as in SubRip files.
    """
    if overrides:
        raw = _OVERRIDE.sub("", raw)
    speaker = ""
    stretches: list[tuple[int, list[str]]] = [(start_us, [])]
    for text, tag in _tokens(raw):
        time = stretches[-1][0]
        if tag is None:
            stretches[-1][1].append(html.unescape(text))
        elif voice := _VOICE.fullmatch(tag):
            yield from _turns(stretches, speaker, stop_us)
            stretches, speaker = [(time, [])], " ".join(html.unescape(voice.group(1)).split())
        elif clock := _CLOCK.fullmatch(tag):
            hours, minutes, seconds, fraction = clock.groups()
            moment = clock_microseconds(hours or "", minutes, seconds, fraction)
            # A time that runs backwards, or past the caption, is no time of a word in it.
            if moment is not None and time < moment and (stop_us is None or moment < stop_us):
                stretches.append((moment, []))
    yield from _turns(stretches, speaker, stop_us)


def _tokens(raw: str) -> Iterator[tuple[str, str | None]]:
    """Stretches of text, each with ``None``, and tags, each with an empty text."""
    at = 0
    for match in _TAG.finditer(raw):
        tag = match.group(1)
        if tag.strip() not in ("", "/") and not _NAMED.match(tag) and not _CLOCK.fullmatch(tag):
            continue  # "I <3 you" with a ">" further on
        if match.start() > at:
            yield raw[at : match.start()], None
        yield "", tag
        at = match.end()
    if at < len(raw):
        yield raw[at:], None


def _turns(stretches: list[tuple[int, list[str]]], speaker: str, stop_us: int | None) -> Iterator[Cue]:
    """The stretches as pieces with their ends, divided where a line begins a turn."""
    stops = [*(time for time, _ in stretches[1:]), stop_us]
    pieces = [Piece("".join(texts), time, stop) for (time, texts), stop in zip(stretches, stops, strict=True)]
    lines = [line for line in "".join(piece.text for piece in pieces).split("\n") if line.strip()]
    if not lines:
        return
    dashed = len(lines) > 1 and all(_DASH.match(line) for line in lines)
    if not dashed and not any(_ARROWS.match(line) for line in lines):
        yield Cue(tuple(pieces), speaker)
        return
    turn: list[Piece] = []
    opens, at_line_start = False, True
    for piece in pieces:
        for line in piece.text.splitlines(keepends=True):
            mark = (_DASH if dashed else _ARROWS).match(line) if at_line_start else None
            if mark:
                if any(part.text.strip() for part in turn):
                    yield Cue(tuple(turn), speaker, opens)
                turn, opens = [], True
                line = line[mark.end() :]
            turn.append(Piece(line, piece.start_us, piece.stop_us))
            at_line_start = line.endswith("\n")
    if any(part.text.strip() for part in turn):
        yield Cue(tuple(turn), speaker, opens)
