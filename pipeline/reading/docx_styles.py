"""What a paragraph of a Word file is, told by its style, outline level and numbering."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ..document import BlockKind

if TYPE_CHECKING:
    from docx.document import Document as WordDocument
    from lxml.etree import _Element

W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"

_HEADING_NAME: Final = re.compile(r"heading\s*([1-9])", re.IGNORECASE)
_LIST_NAME: Final = re.compile(r"list (?:bullet|number|continue)\s*([2-9])?", re.IGNORECASE)
"""Not "List Paragraph", which only indents; Word gives it to items together with a numbering of their own."""
_CODE_NAME: Final = re.compile(r"\bcode|source\s?(?:code|text)|preformatted|verbatim|listing|macro text", re.IGNORECASE)

Role = tuple[BlockKind, int]


def attribute(element: _Element, name: str) -> str:
    """An attribute in the Word namespace; empty where absent."""
    return element.get(W + name) or ""


class Styles:
    """Paragraph styles of a file, each with the role it gives a paragraph, inheritance followed."""

    def __init__(self, word: WordDocument) -> None:
        self._elements: dict[str, _Element] = {}
        self._roles: dict[str, Role | None] = {}
        self._default = ""
        for style in word.styles.element.iter(W + "style"):
            name = attribute(style, "styleId")
            self._elements[name] = style
            if attribute(style, "type") == "paragraph" and attribute(style, "default") in ("1", "true"):
                self._default = name

    def role(self, paragraph: _Element) -> Role:
        """Kind and level of a paragraph."""
        properties = paragraph.find(W + "pPr")
        own = None if properties is None else _outline(properties)
        if own is not None:
            return BlockKind.HEADING, own
        chosen = None if properties is None else properties.find(W + "pStyle")
        style = self._style_role(self._default if chosen is None else attribute(chosen, "val"))
        if style is not None and style[0] is not BlockKind.LIST_ITEM:
            return style
        numbering = None if properties is None else properties.find(W + "numPr")
        if numbering is not None:
            item = _item(numbering)
            return (BlockKind.LIST_ITEM, item) if item else (BlockKind.PARAGRAPH, 0)
        return style or (BlockKind.PARAGRAPH, 0)

    def _style_role(self, name: str) -> Role | None:
        if name in self._roles:
            return self._roles[name]
        chain: list[str] = []
        role: Role | None = None
        while name in self._elements and name not in chain and role is None:  # styles based on each other exist
            chain.append(name)
            role = _own_role(self._elements[name])
            based = self._elements[name].find(W + "basedOn")
            name = "" if based is None else attribute(based, "val")
        self._roles.update(dict.fromkeys(chain, role))
        return role


def _own_role(style: _Element) -> Role | None:
    named = style.find(W + "name")
    name = "" if named is None else attribute(named, "val")
    if match := _HEADING_NAME.match(name):
        return BlockKind.HEADING, min(int(match.group(1)), 6)
    properties = style.find(W + "pPr")
    if properties is not None and (level := _outline(properties)) is not None:
        return BlockKind.HEADING, level
    lower = name.lower()
    if lower == "title":
        return BlockKind.HEADING, 1
    if lower == "caption":
        return BlockKind.CAPTION, 0
    if _CODE_NAME.search(name):
        return BlockKind.CODE, 0
    if match := _LIST_NAME.match(name):
        return BlockKind.LIST_ITEM, int(match.group(1) or 1)
    numbering = None if properties is None else properties.find(W + "numPr")
    if numbering is not None and (item := _item(numbering)):
        return BlockKind.LIST_ITEM, item
    return None


def _outline(properties: _Element) -> int | None:
    """Outline levels 0 to 8 are headings, 9 is body text."""
    found = properties.find(W + "outlineLvl")
    value = "" if found is None else attribute(found, "val")
    return min(int(value) + 1, 6) if value.isdigit() and int(value) < 9 else None


def _item(numbering: _Element) -> int:
    """Depth from 1 of a numbered or bulleted paragraph; 0 where the numbering is switched off."""
    number, level = numbering.find(W + "numId"), numbering.find(W + "ilvl")
    if number is not None and attribute(number, "val") in ("", "0"):
        return 0
    value = "" if level is None else attribute(level, "val")
    return int(value) + 1 if value.isdigit() else 1
