"""Praat TextGrid, long and short.

Praat itself reads both by one rule (manual, "TextGrid file formats"): free-standing numbers, quoted strings and flags
in angle brackets are data, everything else is comment. So one tokenizer reads either. ``praatio`` cuts at line ends and
at the words of the long format instead, and fails on labels such as ``item [`` or ``intervals [2]``.
"""

# ruff: noqa: SIM905 (sets of names read best as words)
from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ..document import Flag
from ..errors import DamagedSource
from .cues import Cue, Piece, Transcript, microseconds

# Possessive, and an open string runs to the end: every character is looked at once.
_TOKEN: Final = re.compile(
    r'"((?:[^"]++|"")*+)("|\Z)'  # a string
    r"|<[^<>\s]{0,40}>(?!\S)|![^\n]*+"  # a flag, a comment
    r"|([-+]?\d{1,40}(?:\.\d{0,40})?(?:[eE][-+]?\d{1,3})?)%?(?!\S)|\S+"
)
_SILENCE: Final = frozenset("sp sil silence spn <eps> <sil> <p:> <p> <unk> # _ - ...".split())
_WORDS: Final = re.compile(r"(?:^|[\s_.:-])(?:words?|wrd|tokens?|ort(?:ho?)?-?mau)$", re.IGNORECASE)
_FINE: Final = re.compile(
    r"(?:^|[\s_.:-])(?:phon(?:e|em|eme|es|emes|etics?)?|segments?|mau|kan|sampa|ipa|syll?(?:able)?s?|mas|tones?|tobi|"
    r"pitch|f0|breaks?|pos|lemmas?|gloss|translation|comments?|notes?)$",
    re.IGNORECASE,
)
_SENTENCES: Final = re.compile(
    r"sentence|utterance|phrase|transcri|text|ortho|^ort$|speech|caption|turn|^ipus?$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class _Tier:
    """An interval tier: labelled intervals that hold speech, in order."""

    name: str
    intervals: tuple[tuple[int, int, str], ...]

    @property
    def letters(self) -> int:
        return sum(len(label) for _, _, label in self.intervals)


def read_textgrid(text: str, uri: str) -> Transcript:
    """Read a TextGrid: the word tiers or, where there are none, the tiers of sentences.

    Each word, or each sentence, is a cue. Tiers of phones, syllables, tones and the like, and point tiers, are passed
    over. Several tiers count as several speakers if they are word tiers (``Anna - words``), or if they take turns:
    less than half of a tier's labelled time overlaps with those already taken.

    Raises:
        DamagedSource: It is no TextGrid, or has no interval tier with text.
    """
    tiers, complete = _tiers(text, uri)
    spoken = [tier for tier in tiers if tier.intervals]
    words = [tier for tier in spoken if _WORDS.search(tier.name)]
    chosen = words or _in_turn([tier for tier in spoken if not _FINE.search(tier.name)])
    if not chosen:
        names = ", ".join(repr(tier.name[:40]) for tier in tiers[:10]) or "none"
        raise DamagedSource(f"{uri}: the TextGrid has no interval tier with words or sentences (tiers: {names})")
    several = len(chosen) > 1
    cues: list[Cue] = []
    for tier in chosen:
        speaker = " ".join(_WORDS.sub("", tier.name).split()).strip(" -_.:") if several else ""
        cues.extend(Cue((Piece(label, start, stop),), speaker) for start, stop, label in tier.intervals)
    flags = () if complete else (Flag("transcript-damaged", "the TextGrid ends early; what was there is read"),)
    return Transcript(tuple(cues), "", flags)


def _in_turn(tiers: Sequence[_Tier]) -> list[_Tier]:
    named = [tier for tier in tiers if _SENTENCES.search(tier.name)]
    ranked = sorted(named or tiers, key=lambda tier: -tier.letters)[:20]
    taken: list[_Tier] = []
    for tier in ranked:
        length = sum(stop - start for start, stop, _ in tier.intervals)
        if 2 * sum(_overlap(tier, other) for other in taken) < length:
            taken.append(tier)
    return taken


def _overlap(tier: _Tier, other: _Tier) -> int:
    """Microseconds in which both tiers have a label; intervals of one tier follow one another."""
    total = 0
    starts = [start for start, _, _ in other.intervals]
    for start, stop, _ in tier.intervals:
        index = max(0, bisect_right(starts, start) - 1)
        while index < len(starts) and starts[index] < stop:
            begin, end, _ = other.intervals[index]
            total += max(0, min(stop, end) - max(start, begin))
            index += 1
    return total


def _tokens(text: str) -> Iterator[str | float]:
    """Data of the file: strings with a quote in front, to tell them from flags, and numbers."""
    for match in _TOKEN.finditer(text):
        if match.group(1) is not None:
            if not match.group(2):
                return  # a string that never ends: the file was cut there
            yield '"' + match.group(1).replace('""', '"')
        elif match.group(3) is not None:
            yield float(match.group(3))


def _tiers(text: str, uri: str) -> tuple[list[_Tier], bool]:
    """The interval tiers, and whether the file holds all that it announces."""
    tokens = _tokens(text)
    tiers: list[_Tier] = []
    try:
        kind, content = _string(tokens), _string(tokens)
        if not kind.startswith("ooTextFile") or "TextGrid" not in content:
            raise _Unexpected
    except (_Unexpected, StopIteration):
        raise DamagedSource(
            f'{uri}: a TextGrid begins with "ooTextFile" and "TextGrid", this file does not; mend it, or save it in '
            "Praat as a text file"
        ) from None
    complete = True
    intervals: list[tuple[int, int, str]] = []
    name = ""
    try:
        _number(tokens), _number(tokens)
        for _ in range(_count(tokens)):
            tier, name = _string(tokens), _string(tokens)
            _number(tokens), _number(tokens)
            points = tier != "IntervalTier"
            for _ in range(_count(tokens)):
                start = microseconds(_number(tokens))
                stop = start if points else microseconds(_number(tokens))
                label = " ".join(_string(tokens).split())
                if points or start is None or stop is None or stop <= start:
                    continue
                if label and label.lower() not in _SILENCE:
                    intervals.append((start, stop, label))
            if not points:
                tiers.append(_Tier(name, _disjoint(intervals)))
            intervals = []
    except (_Unexpected, StopIteration):
        complete = False
        if intervals:
            tiers.append(_Tier(name, _disjoint(intervals)))
    return tiers, complete


def _disjoint(intervals: list[tuple[int, int, str]]) -> tuple[tuple[int, int, str], ...]:
    """In order of time, each beginning no sooner than the one before it ends, as the format wants them."""
    rows: list[tuple[int, int, str]] = []
    for start, stop, label in sorted(intervals):
        begin = max(start, rows[-1][1]) if rows else start
        rows.append((begin, max(stop, begin + 1), label))
    return tuple(rows)


class _Unexpected(Exception):
    """Another kind of token than the format has in this place."""


def _string(tokens: Iterator[str | float]) -> str:
    token = next(tokens)
    if not isinstance(token, str):
        raise _Unexpected
    return token[1:]


def _number(tokens: Iterator[str | float]) -> float:
    token = next(tokens)
    if isinstance(token, str):
        raise _Unexpected
    return token


def _count(tokens: Iterator[str | float]) -> int:
    number = _number(tokens)
    if not 0 <= number <= 1e9:
        raise _Unexpected
    return int(number)
