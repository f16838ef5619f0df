"""Sentences: exact half-open spans, in any language.

A regular expression jumps from one possible end to the next, and the words around each decide. Own code, because no
library known to us is right in the languages that Octavo promises at the speed that ingestion needs. Of 120 hard cases
in eight languages, nearly all from the golden rules of pysbd, against which this was developed, it divides 117 as
wanted; pysbd 0.3.4, told the language, 117 at 0.3 MB/s; nupunkt 0.8.0 79 at 13 to 30 MB/s, none of them Chinese,
Japanese or Hindi. This runs at 5 to 60 MB/s on one core (``tests/benchmarks/segment.py``).
"""

from __future__ import annotations

import re
from itertools import pairwise

from .abbreviations import (
    BEFORE_NUMBERS,
    MONTHS,
    NAME_PARTICLES,
    NEVER_FINAL,
    ORDINAL_DETERMINERS,
    ORDINAL_NOUNS,
    SOMETIMES_FINAL,
    STARTERS,
)
from .sentence_length import DENSE, LINE_END, LONGEST, SPACELESS, append_bounded

_LATIN = ".!?…‽⁇⁈⁉"
_BARE = "。！？｡．︒﹒﹗﹖।॥؟۔።፧။།។៕։\u037e"
"""Terminators that need no white space after them."""
_CLOSERS = "\"'”’“‘»«›‹)\\]}*_`）］｝】〕」』》〉〞"
_CLOSING = rf"(?:[{_CLOSERS}]|\[\d{{1,3}}\]|[ \u00a0\u202f]»(?=[\s.,;:!?)]|\Z))*"

_CANDIDATE = re.compile(
    rf"[{_LATIN}{_BARE};](?:"
    rf"(?<=[{_LATIN}])(?<![{_LATIN}]{{2}})(?:[{_LATIN}]|[ \u00a0][.!?](?=[\s.!?”\"]|\Z))*{_CLOSING}(?=\s|\Z)"
    rf"|(?<=[{_BARE}])[{_BARE}{_LATIN}]*{_CLOSING}"
    rf"|(?<=[{DENSE}][.!?])[.!?]*(?=[{DENSE}])|(?<=[{DENSE}]…)…*(?=[“「『])"
    rf"|(?<=[\u0370-\u03ff\u1f00-\u1fff];)(?=\s|\Z)"  # the Greek question mark as it is typed
    r")"
)
_ASCII_CANDIDATE = re.compile(
    r"(?<![.!?])[.!?](?:[.!?]|[ ][.!?](?=[\s.!?\"]|\Z))*(?:[\"')\]}*_`]|\[\d{1,3}\])*(?=\s|\Z)"
)

_BLANK_LINE = re.compile(r"\n[^\S\n]*\n\s*|\r[^\S\n\r]*\r\s*|\u2029")
_LIST_ITEM = re.compile(r"\s*(?:[-*+•·▪▫◦‣⁃●○■□–—]\s|[•▪◦‣⁃●]|\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,4})[.)]{1,2}\s)")
_COLUMNS = re.compile(r"\t|\S[ ]+\|[ ]|\S {3,}\S.* {3,}\S|^\s*\|")
_OPENING = "\"'“‘«„‚‹»([{¿¡*_`「『（《〈【–—#>-"
_NEXT = re.compile(rf"[{re.escape(_OPENING)}\s]*")
_WORD = re.compile(r"[^\W\d_]+")
_GLUE = re.compile(r"--|[—–([\"“„«]")
_WORD_CHARACTER = re.compile(r"\w")
_INNER_STOPS = re.compile(r"(?:[^\W\d_]{1,2}\.-?)+[^\W\d_]{1,4}")
_ENUMERATOR = re.compile(
    r"(?P<bullet>[•⁃▪◦‣●]?)\s*(?P<bracket>\(?)(?:(?P<number>\d{1,3})|(?P<letter>[a-z]))(?P<close>[.)]{1,2})\s"
    r"|(?P<bullet_alone>[•⁃▪◦‣●])"
)
_ITEM = 300
"""An item inside a line is looked for this far, in characters; further on, "2." more likely ends a sentence."""
_SAYS = re.compile(r"[^。，！？]{0,4}[说說问問道答喊叫曰笑想]")
_PAIRS = (("《", "》"), ("〈", "〉"), ("（", "）"), ("【", "】"), ("「", "」"), ("『", "』"), ("“", "”"))
_QUOTED = 80
"""Sentences inside a quotation no longer than this stay together with the sentence that quotes them."""


def sentences(text: str, start: int, stop: int) -> list[tuple[int, int]]:
    """Divides ``text[start:stop]``.

    Every character that is not white space is in exactly one span; spans neither begin nor end with white space.
    Blank lines always divide. A single line end divides unless the line was wrapped: it is nearly as long as the
    longest around it and what follows goes on like prose. Nothing is longer than :data:`LONGEST`.

    Returns:
        Half-open positions in ``text``, rising.
    """
    spans: list[tuple[int, int]] = []
    left = start
    for blank in _BLANK_LINE.finditer(text, start, stop):
        _divide_chunk(text, left, blank.start(), spans)
        left = blank.end()
    _divide_chunk(text, left, stop, spans)
    return spans


def _divide_chunk(text: str, start: int, stop: int, spans: list[tuple[int, int]]) -> None:
    """Divides what stands between two blank lines."""
    first = LINE_END.search(text, start, stop)
    if first is None:
        _divide_line(text, start, stop, spans)
        return
    left = start
    for end in _hard_line_ends(text, start, stop):
        _divide_line(text, left, end, spans)
        left = end
    _divide_line(text, left, stop, spans)


def _hard_line_ends(text: str, start: int, stop: int) -> list[int]:
    """Line ends that the writer meant, as against those that wrapping left."""
    cuts = [start]
    for end in LINE_END.finditer(text, start, stop):
        cuts.append(end.end())
    cuts.append(stop)
    rows = [text[a:b].strip() for a, b in pairwise(cuts)]
    widest = max(map(len, rows))
    wrapped_at = 0.85 * widest
    open_breaks = capitals = 0
    for row, following in pairwise(rows):
        if row and following and row[-1] not in _LATIN:
            open_breaks += 1
            capitals += not following[0].islower()
    has_case = any(row[0].islower() or row[0].isupper() for row in rows if row)
    verse = has_case and open_breaks >= 3 and capitals >= 0.85 * open_breaks
    hard = []
    for (row, following), cut in zip(pairwise(rows), cuts[1:], strict=False):
        if not row or not following:
            continue
        if _LIST_ITEM.match(following) or _COLUMNS.search(row) or _COLUMNS.search(following) or row[-1] in ":：":
            hard.append(cut)
        elif following[0].islower() and len(row) >= 30:
            continue
        else:
            word = following.split(None, 1)[0] if not SPACELESS.match(following) else following[:1]
            short = 15 if SPACELESS.match(following) else 40
            if verse or len(row) < short or len(row) + 1 + len(word) <= wrapped_at:
                hard.append(cut)
    return hard


def _divide_line(text: str, start: int, stop: int, spans: list[tuple[int, int]]) -> None:
    """Divides a stretch in which line ends mean nothing; "1) one 2) two" becomes one sentence an item."""
    while start < stop and text[start].isspace():
        start += 1
    head = _ENUMERATOR.match(text, start, stop)
    while head is not None:
        following = _next_item(head).search(text, head.end(), min(stop, head.end() + _ITEM))
        if following is None:
            break
        _divide_prose(text, start, head.end(), following.start(), spans)
        start = following.start()
        head = _ENUMERATOR.match(text, start, stop)
    _divide_prose(text, start, head.end() if head else start, stop, spans)


def _next_item(head: re.Match[str]) -> re.Pattern[str]:
    """What the item after the one that ``head`` opens begins with."""
    if head["bullet_alone"]:
        return re.compile(rf"(?<=\s){head['bullet_alone']}")
    bullet, bracket, number, letter, close = head.group("bullet", "bracket", "number", "letter", "close")
    label = str(int(number) + 1) if number else chr(ord(letter) + 1)
    return re.compile(rf"(?<=\s){bullet}\s*{re.escape(bracket + label + close)}\s")


def _divide_prose(text: str, start: int, first: int, stop: int, spans: list[tuple[int, int]]) -> None:
    """Divides one item or paragraph, which has no sentence end before ``first``."""
    before = len(spans)
    left = wordless = start
    candidate = _ASCII_CANDIDATE if text.isascii() else _CANDIDATE
    for end in candidate.finditer(text, first, stop):
        right = end.end()
        if right == stop or right - left < 2:
            continue
        following = right
        while following < stop and text[following].isspace():
            following += 1
        if following == stop:
            break
        if _ends(text, left, end.start(), right, following, stop):
            if _WORD_CHARACTER.search(text, wordless, right):
                append_bounded(text, left, right, spans)
                left = following
            wordless = following
    if len(spans) > before and not _WORD_CHARACTER.search(text, left, stop) and stop - spans[-1][0] <= LONGEST // 3:
        left = spans.pop()[0]
    append_bounded(text, left, stop, spans)


def _ends(text: str, start: int, at: int, right: int, following: int, stop: int) -> bool:
    """Whether the terminator at ``at``, with quotes and brackets up to ``right``, ends the sentence from ``start``."""
    mark = text[at]
    after = text[following]
    if after in ",;:，、；：،)]}）」』》":
        return False
    if mark in _BARE:
        return _ends_bare(text, start, at, right, following)
    if text[at - 1] == "[" and at > start:  # [...]
        return False
    closed = text[right - 1] not in _LATIN
    opening = _NEXT.match(text, following, stop)
    letter_at = opening.end() if opening else following
    letter = text[letter_at] if letter_at < stop else ""
    lower = letter.islower()
    single = right - at == 1 or (closed and text[at + 1] not in _LATIN and text[at + 1] != " ")
    if mark != "." or not single:
        if not lower:
            return True
        return not closed and (mark == "?" or (mark == "!" and _starts_lower(text, start)))
    if closed:
        return not lower
    back = text[max(start, at - 24) : at].split()
    word = _GLUE.split(back[-1])[-1].lstrip(_OPENING) if back else ""
    folded = word.lower()
    if not word:
        return True
    if word.isdecimal():
        return _number_ends(text, start, at, word, back, letter_at, stop, lower)
    if folded in NEVER_FINAL:
        return False
    if letter.isdecimal():
        return not (folded in BEFORE_NUMBERS or folded in SOMETIMES_FINAL or (len(word) == 1 and word.isalpha()))
    abbreviated = folded in SOMETIMES_FINAL or len(word) == 1 or _INNER_STOPS.fullmatch(word) is not None
    if lower:
        if abbreviated or folded in BEFORE_NUMBERS:
            return False
        return len(word) > 4 or _starts_lower(text, start)
    if abbreviated:
        if len(word) == 1 and not word.isalpha():
            return True
        return folded in ("etc", "usw", "ecc") or _is_starter(text, letter_at, stop, initial=len(word) == 1)
    if folded in BEFORE_NUMBERS and folded not in STARTERS and letter.isupper():
        # "Fig. S1", "Art. IV": a numeral in letters
        following_word = text[letter_at : min(stop, letter_at + 6)].split()
        numeral = following_word[0].rstrip(".,;:)") if following_word else ""
        return not (any(map(str.isdecimal, numeral)) or set(numeral) <= set("IVX"))
    return True


def _ends_bare(text: str, start: int, at: int, right: int, following: int) -> bool:
    if text[at] == "．" and text[at - 1 : at].isdecimal() and text[at + 1 : at + 2].isdecimal():
        return False
    near = max(start, at - 2 * _QUOTED)
    for opening, closing in _PAIRS:
        opened = text.rfind(opening, near, at)
        if opened >= 0 and text.find(closing, opened, right) < 0:
            closes = text.find(closing, right, opened + _QUOTED)
            if closes >= 0:
                return False
    if text[right - 1] in "」』”）》":  # said, then who said it
        after = text[following]
        if right == following and ("\u3040" <= after <= "\u309f" or _SAYS.match(text, following)):
            return False
    return True


def _number_ends(
    text: str, start: int, at: int, word: str, back: list[str], letter_at: int, stop: int, lower: bool
) -> bool:
    """Whether "17." is the end of a sentence rather than an ordinal, a date or the number of a list item."""
    if at - start < 12 and not text[start : at - len(word)].strip(_OPENING + " •\t\n"):
        return False
    if len(word) > 3:
        return True
    previous = back[-2].lower() if len(back) > 1 else ""
    if previous.rstrip(".").isdecimal() and previous.endswith(".") and text[letter_at].isdecimal():  # 3. 10. 2020
        return False
    if len(word) > 2:
        return not lower
    match = _WORD.match(text, letter_at, stop)
    following = match.group().lower() if match else ""
    if following in MONTHS or following in ORDINAL_NOUNS or previous in ORDINAL_DETERMINERS:
        return following in STARTERS
    if lower:
        return _starts_lower(text, start)
    if not following:
        rest = text[letter_at : letter_at + 5].lstrip("0123456789")
        return not (rest.startswith(".") or text[letter_at - 1] in "-–")
    return True


def _starts_lower(text: str, start: int) -> bool:
    """Whether the sentence itself begins without a capital, as in text that has none."""
    match = _WORD.search(text, start, start + 40)
    return match is not None and match.group()[0].islower()


def _is_starter(text: str, at: int, stop: int, *, initial: bool) -> bool:
    match = _WORD.match(text, at, stop)
    if match is None:
        return True
    word = match.group().lower()
    if len(word) == 1 and text[match.end() : match.end() + 1] == ".":
        return False
    return word in STARTERS and not (initial and word in NAME_PARTICLES)
