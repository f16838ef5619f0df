"""A parsed page, walked once from top to bottom without recursion, to drafts of blocks."""

# ruff: noqa: SIM905 (sets of names read best as words)
from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ..document import BlockKind
from .compose import Draft, table_row, tidy, tidy_code

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

BOILERPLATE: Final = 1
"""Navigation, page header or footer, sidebar."""
MAIN: Final = 2
"""Inside ``<main>`` or ``<article>``."""

_UNREAD: Final = frozenset("head script style template title meta link base param source track area".split())
_NOT_TEXT: Final = frozenset(
    "noscript svg select datalist button input textarea iframe object audio video canvas progress meter rp rt"
    " annotation annotation-xml".split()
)
_BLOCKS: Final = frozenset(
    "html body address article aside blockquote center dd details dialog dir div dl dt fieldset figcaption figure"
    " footer form h1 h2 h3 h4 h5 h6 header hgroup hr legend li listing main menu nav ol optgroup option p plaintext pre"
    " search section summary table caption colgroup thead tbody tfoot tr td th ul xmp".split()
)
_HEADINGS: Final = {f"h{level}": level for level in range(1, 7)}
_LISTS: Final = frozenset(("ul", "ol", "menu", "dir", "dl"))
_CAPTIONS: Final = frozenset(("caption", "figcaption"))
_WHOLE: Final = frozenset(("html", "body", "main", "article"))
_PREFORMATTED: Final = frozenset(("pre", "listing", "xmp", "plaintext"))
_PARTS: Final = frozenset(("header", "footer", "aside"))
_BARE: Final = frozenset("b i em strong u s tt sub sup br wbr hr tbody thead tfoot tr td th colgroup col".split())
"""Elements whose attributes never matter here; fetching attributes is most of the walk's time."""

_BOILERPLATE_ROLES: Final = frozenset(
    "navigation banner contentinfo complementary search dialog alertdialog menu menubar toolbar doc-pagelist".split()
)
_NOTE_ROLES: Final = frozenset("doc-footnote doc-endnote doc-endnotes footnote endnote rearnote endnotes note".split())
_NOT_SHOWN: Final = re.compile(r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
_UNPRINTED: Final = re.compile(
    r"(?:^|\s)(?:noprint|no-print|d-print-none|print:hidden|mw-editsection|headerlink|skip-?(?:link|to-content)|navbox|mw-jump-link|interlanguage-link|after-portlet|vector-(?:dropdown|menu))(?:\s|$)"
)
_CONSENT: Final = re.compile(
    r"(?:cookie|consent|gdpr)s?[-_]?(?:law|policy)?[-_]?"
    r"(?:banner|bar|notice|popup|pop-up|modal|overlay|dialog|message|wall|layer|container|prompt)"
    r"|onetrust|cookiebot|cybot",
    re.IGNORECASE,
)


@dataclass(slots=True)
class HtmlDraft(Draft):
    """A draft that knows which part of the page it stands in.

    Attributes:
        zone: :data:`BOILERPLATE`, :data:`MAIN` or both.
        linked: How many of its characters are link text.
    """

    zone: int = 0
    linked: int = 0


@dataclass(slots=True)
class _State:
    """What holds for text at one place of the tree."""

    kind: BlockKind = BlockKind.PARAGRAPH
    level: int = 0
    zone: int = 0
    depth: int = 0
    preformatted: bool = False
    linked: bool = False
    hidden: bool = False


def walk(root: LexborNode, *, show_hidden: bool = False) -> tuple[list[HtmlDraft], int]:
    """All drafts under a node, in order.

    Args:
        show_hidden: Take text that the page hides until a script shows it, and controls.

    Returns:
        The drafts, and how many characters other than white space stood in text nodes, hidden ones too.
    """
    page = _Page(show_hidden)
    page.walk(root)
    return page.drafts, page.seen


class _Page:
    def __init__(self, show_hidden: bool) -> None:
        self._show_hidden = show_hidden
        self.drafts: list[HtmlDraft] = []
        self.seen = 0
        self._state = _State()
        self._parts: list[str] = []
        self._linked = 0
        self._breaks = 0
        # Cells of the open rows, innermost last; a cell is where drafts go while it is open.
        self._sinks: list[list[HtmlDraft]] = [self.drafts]
        self._rows: list[list[list[HtmlDraft]]] = []

    def walk(self, root: LexborNode) -> None:
        frames: list[tuple[LexborNode, str, _State]] = []
        node: LexborNode | None = root
        while node is not None:
            tag = node.tag or ""
            child: LexborNode | None = None
            if tag == "-text":
                self._text(node.text_content or "")
            elif tag not in _UNREAD and not tag.startswith("-") and not tag.startswith("!"):
                before = self._state
                self._enter(node, tag)
                child = node.child
                if child is not None:
                    frames.append((node, tag, before))
                else:
                    self._leave(tag, before)
            following = child or node.next
            while following is None and frames:
                node, tag, before = frames.pop()
                self._leave(tag, before)
                following = node.next
            if following is None or (not frames and child is None):
                break
            node = following
        self._flush()

    def _text(self, text: str) -> None:
        bare = len("".join(text.split()))
        self.seen += bare
        if self._state.hidden and not self._show_hidden:
            return
        if bare:
            self._breaks = 0
            if self._state.linked:
                self._linked += bare
        self._parts.append(text if self._state.preformatted else text.replace("\n", " ").replace("\r", " "))

    def _enter(self, node: LexborNode, tag: str) -> None:
        if tag == "br":
            self._parts.append("\n")
            self._breaks += 1
            if self._breaks == 2 and not self._state.preformatted:
                self._flush()  # an empty line is how old pages begin a paragraph
            return
        old = self._state
        state = _State(old.kind, old.level, old.zone, old.depth, old.preformatted, old.linked, old.hidden)
        if tag not in _BARE:
            _read_attributes(node, tag, state)
        if tag in _NOT_TEXT:
            state.hidden = True
        elif tag == "a":
            state.linked = True
        elif tag in _HEADINGS:
            state.kind, state.level = BlockKind.HEADING, _HEADINGS[tag]
        elif tag in _LISTS:
            state.depth += 1
        elif tag in ("li", "dt", "dd"):
            state.kind, state.level = BlockKind.LIST_ITEM, max(state.depth, 1)
        elif tag in _PREFORMATTED:
            state.kind, state.level, state.preformatted = BlockKind.CODE, 0, True
        elif tag in _CAPTIONS:
            state.kind, state.level = BlockKind.CAPTION, 0
        if _is_block(tag) or state.zone != old.zone or state.kind is not old.kind:
            self._flush()
        elif tag == "q":
            self._parts.append("\u201c")
        if tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            state.kind, state.level, state.depth = BlockKind.PARAGRAPH, 0, 0
            self._sinks.append([])
        self._state = state

    def _leave(self, tag: str, before: _State) -> None:
        state = self._state
        if _is_block(tag) or state.zone != before.zone or state.kind is not before.kind:
            self._flush()
        elif tag == "q":
            self._parts.append("\u201d")
        if tag in ("td", "th") and len(self._sinks) > 1:
            cell = self._sinks.pop()
            if self._rows:
                self._rows[-1].append(cell)
            else:
                self._sinks[-1].extend(cell)
        elif tag == "tr":
            self._sinks[-1].extend(table_row(self._rows.pop()))
        self._state = before

    def _flush(self) -> None:
        if not self._parts:
            return
        raw = "".join(self._parts)
        state = self._state
        text = tidy_code(raw) if state.preformatted else tidy(raw)
        if text:
            self._sinks[-1].append(HtmlDraft(text, state.kind, state.level, state.zone, min(self._linked, len(text))))
        self._parts.clear()
        self._linked = 0
        self._breaks = 0


def _is_block(tag: str) -> bool:
    return tag in _BLOCKS or ("-" in tag and tag not in _NOT_TEXT)  # custom elements mostly are boxes


def _read_attributes(node: LexborNode, tag: str, state: _State) -> None:
    if tag in ("main", "article"):
        state.zone |= MAIN
    elif tag == "nav" or (tag in _PARTS and not state.zone & MAIN):
        state.zone |= BOILERPLATE
    attributes = node.attributes
    if not attributes:
        return
    role = (attributes.get("role") or attributes.get("epub:type") or "").split(" ")[0]
    if role == "main":
        state.zone |= MAIN
    elif role in _BOILERPLATE_ROLES:
        state.zone |= BOILERPLATE
    elif role in _NOTE_ROLES and tag not in ("a", "sup", "span"):
        state.kind, state.level = BlockKind.NOTE, 0
    elif role == "heading" and tag not in _HEADINGS:
        level = attributes.get("aria-level") or ""
        state.kind, state.level = BlockKind.HEADING, int(level) if level in tuple("123456") else 2
    names = f"{attributes.get('class') or ''} {attributes.get('id') or ''}"
    if (
        ("hidden" in attributes and attributes["hidden"] != "until-found")
        or attributes.get("aria-hidden") == "true"
        or _NOT_SHOWN.search(attributes.get("style") or "")
        or (tag not in _WHOLE and len(names) > 1 and (_UNPRINTED.search(names) or _CONSENT.search(names)))
    ):
        state.hidden = True
