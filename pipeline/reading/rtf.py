"""Rich Text Format: control words read once from left to right (RTF 1.9.1)."""

# ruff: noqa: SIM905 (sets of names read best as words)
from __future__ import annotations

import codecs
import contextlib
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ..document import BlockKind, Document, Metadata, Source
from .compose import Composer, Draft, one_line, table_row, tidy

_TOKEN: Final = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z'])|([{}])|[\r\n]+|([^\\{}\r\n]+)", re.DOTALL
)

_SKIPPED: Final = frozenset(
    "fonttbl colortbl stylesheet filetbl listtable listoverridetable revtbl rsidtbl generator pict object themedata"
    " colorschememapping latentstyles datastore xmlnstbl mmathPr fldinst datafield listtext pntext pntxta pntxtb"
    " nonshppict shpinst picprop sp sv sn bkmkstart bkmkend xe tc private template operator category keywords comment"
    " hlinkbase company manager doccomm userprops annotation atnid atnauthor atndate atnref atrfstart atrfend"
    " background pgptbl wgrffmtfilter docvar passwordhash do factoidname formfield ftnsep ftnsepc ftncn aftnsep"
    " aftnsepc aftncn creatim revtim printim buptim".split()
)
_NOTES: Final = frozenset("header headerl headerr headerf footer footerl footerr footerf footnote".split())
_STARRED: Final = frozenset("shppict shptxt".split())
"""Destinations that may be passed over (``\\*``) but hold text for a reader."""

_CHARACTERS: Final = {
    "tab": "\t", "line": "\n", "lbr": "\n", "emdash": "\u2014", "endash": "\u2013", "lquote": "\u2018",
    "rquote": "\u2019", "ldblquote": "\u201c", "rdblquote": "\u201d", "bullet": "\u2022", "emspace": " ",
    "enspace": " ", "qmspace": " ",
}  # fmt: skip
_SYMBOLS: Final = {b"~": " ", b"_": "-", b"\\": "\\", b"{": "{", b"}": "}", b"\n": "\n", b"\r": "\n"}
_FONT_CHARSETS: Final = {
    77: "mac_roman", 128: "cp932", 129: "cp949", 130: "johab", 134: "gb18030", 136: "cp950", 161: "cp1253",
    162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874",
    238: "cp1250",
}  # fmt: skip
_HEADING: Final = re.compile(r"heading (\d)", re.IGNORECASE)


@dataclass(slots=True)
class _Group:
    """What holds inside a pair of braces."""

    destination: str = ""
    skipped: bool = False
    hidden: bool = False
    fallback: int = 1
    """Characters after ``\\u`` that repeat it for older readers."""
    font: int = -1
    outline: int = 0
    listed: bool = False
    list_level: int = 1
    in_table: bool = False


def read_rtf(path: Path, source: Source) -> Document:
    """Read a Rich Text file.

    Raises:
        EmptySource: No text.
    """
    parser = _Parser()
    parser.parse(path.read_bytes())
    composer = Composer()
    composer.add(parser.drafts)
    composer.add(parser.notes)
    metadata = Metadata(title=parser.info.get("title", ""), author=parser.info.get("author", ""))
    return composer.document(source, metadata, empty="the file holds no text, perhaps pictures only")


class _Parser:
    def __init__(self) -> None:
        self.drafts: list[Draft] = []
        self.notes: list[Draft] = []
        self.info: dict[str, str] = {}
        self._group = _Group()
        self._stack: list[_Group] = []
        self._codec = "cp1252"
        self._fonts: dict[int, str] = {}
        self._headings: dict[int, int] = {}
        """Styles that are headings, with their level."""
        self._parts: list[str] = []
        self._bytes = bytearray()
        """Characters given as bytes; two may make one in East Asian code pages."""
        self._to_skip = 0
        self._outer: list[tuple[list[str], str]] = []
        """Text interrupted by a note, a header or a property, and what interrupted it."""
        self._cells: list[list[Draft]] = []
        self._cell: list[Draft] = []

    def parse(self, data: bytes) -> None:
        position = 0
        while position < len(data):
            match = _TOKEN.match(data, position)
            if match is None:
                position += 1
                continue
            position = match.end()
            word, number, hexadecimal, symbol, brace, text = match.groups()
            if word:
                name = word.decode("ascii")
                if name == "bin":
                    position += max(int(number or 0), 0)
                else:
                    self._word(name, int(number) if number else None)
            elif hexadecimal:
                self._byte(int(hexadecimal, 16))
            elif brace == b"{":
                self._flush_bytes()
                self._stack.append(self._group)
                self._group = replace(self._group, destination="")
            elif brace == b"}":
                self._close()
            elif symbol == b"*":
                self._group.destination = "*"
            elif symbol is not None:
                if symbol == b"~" or symbol in _SYMBOLS:
                    self._text(_SYMBOLS[symbol])
            elif text:
                self._literal(text)
        while self._stack:
            self._close()
        self._paragraph()
        self._row()

    def _close(self) -> None:
        self._flush_bytes()
        closed = self._group
        self._group = self._stack.pop() if self._stack else _Group()
        if closed.destination in _NOTES or closed.destination in ("title", "author"):
            text = one_line("".join(self._parts))
            self._parts, _ = self._outer.pop()
            if closed.destination in ("title", "author"):
                self.info.setdefault(closed.destination, text)
            elif any(map(str.isalpha, text)) and all(note.text != text for note in self.notes):
                self.notes.append(Draft(text, BlockKind.NOTE))
        elif closed.destination == "style":
            self._style("".join(self._parts), closed)
            self._parts, _ = self._outer.pop()

    def _style(self, name: str, group: _Group) -> None:
        match = _HEADING.search(name)
        if match and group.font >= 0:
            self._headings[group.font] = min(max(int(match.group(1)), 1), 6)

    def _word(self, name: str, number: int | None) -> None:
        group = self._group
        if name == "u":
            if not group.skipped:
                self._flush_bytes()
                code = (number or 0) % 0x10000
                self._text(chr(code), wide=True)
            self._to_skip = group.fallback
            return
        self._flush_bytes()
        self._to_skip = 0
        inside = self._stack[-1].destination if self._stack else ""
        if name == "fonttbl" or name == "stylesheet":
            group.destination, group.skipped = name, True
        elif inside == "stylesheet" and name in ("s", "cs", "ds", "ts") and group.destination in ("", "*"):
            if name == "s" and group.destination == "":
                # The style's name is the text of its group; its number is kept where the font's would be.
                self._outer.append((self._parts, "style"))
                self._parts = []
                group.destination, group.skipped, group.font = "style", False, number or 0
        elif name == "fcharset" and (encoding := _FONT_CHARSETS.get(number or 0)):
            self._fonts[group.font] = encoding
        elif name == "f" and group.destination != "style":
            group.font = number or 0
        elif name in _NOTES or (name in ("title", "author") and inside == "info"):
            if not group.skipped and group.destination in ("", "*"):
                self._outer.append((self._parts, name))
                self._parts = []
                group.destination = name
                group.hidden = False
        elif name in _SKIPPED or (group.destination == "*" and name not in _STARRED):
            group.destination, group.skipped = name, True
        elif group.destination == "*":
            group.destination = ""
        elif name == "info":
            group.destination = "info"
        elif name == "ansicpg" and number:
            with contextlib.suppress(LookupError):
                self._codec = codecs.lookup("utf-8" if number == 65001 else f"cp{number}").name
        elif name == "mac":
            self._codec = "mac_roman"
        elif name == "uc":
            group.fallback = max(number or 0, 0)
        elif not group.skipped:
            self._format(name, number, group)

    def _format(self, name: str, number: int | None, group: _Group) -> None:
        if name in _CHARACTERS:
            self._text(_CHARACTERS[name])
        elif name in ("par", "sect", "page"):
            if self._outer:
                self._parts.append(" ")
            else:
                self._paragraph()
        elif name in ("cell", "nestcell"):
            self._paragraph()
            self._cells.append(self._cell)
            self._cell = []
        elif name in ("row", "nestrow"):
            self._row()
        elif name == "pard":
            group.outline = 0
            group.listed = group.in_table = False
            group.list_level = 1
        elif name == "intbl":
            group.in_table = True
        elif name == "s":
            group.outline = self._headings.get(number or 0, 0)
        elif name == "outlinelevel" and number is not None:
            group.outline = min(number + 1, 6) if 0 <= number < 9 else 0
        elif name == "ls":
            group.listed = bool(number)
        elif name == "ilvl" and number is not None:
            group.list_level = min(max(number, 0), 8) + 1
        elif name == "v" or name == "deleted":
            group.hidden = number != 0

    def _literal(self, data: bytes) -> None:
        if self._to_skip:
            data, self._to_skip = data[self._to_skip :], max(self._to_skip - len(data), 0)
        if not self._group.skipped and not self._group.hidden and data:
            self._bytes += data

    def _byte(self, value: int) -> None:
        if self._to_skip:
            self._to_skip -= 1
        elif not self._group.skipped and not self._group.hidden:
            self._bytes.append(value)

    def _text(self, text: str, *, wide: bool = False) -> None:
        if not wide and self._to_skip:
            self._to_skip -= 1
        elif not self._group.skipped and not self._group.hidden:
            self._flush_bytes()
            self._parts.append(text)

    def _flush_bytes(self) -> None:
        if self._bytes:
            codec = (
                self._codec if self._group.destination == "style" else self._fonts.get(self._group.font, self._codec)
            )
            self._parts.append(self._bytes.decode(codec, "replace"))
            self._bytes.clear()

    def _paragraph(self) -> None:
        self._flush_bytes()
        # Characters beyond U+FFFF come as two halves.
        raw = "".join(self._parts).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        self._parts.clear()
        group = self._group
        if not group.in_table and self._cells:
            self._row()
        if text := tidy(raw):
            draft = Draft(text)
            if group.outline and not group.in_table:
                draft = Draft(text, BlockKind.HEADING, group.outline)
            elif group.listed:
                draft = Draft(text, BlockKind.LIST_ITEM, group.list_level)
            (self._cell if group.in_table else self.drafts).append(draft)

    def _row(self) -> None:
        if self._cell:
            self._cells.append(self._cell)
            self._cell = []
        self.drafts.extend(table_row(self._cells))
        self._cells = []
