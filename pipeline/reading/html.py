"""Web pages (selectolax): the main content as headings, paragraphs, list items, table rows and code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ..document import BlockKind, Document, Flag, Metadata, Source
from .compose import Composer, Draft, tidy
from .decoding import decode_html
from .html_walk import BOILERPLATE, MAIN, HtmlDraft, walk
from .markup_strip import flatten, nesting, strip_tags
from .page_metadata import page_metadata

_DEEPEST: Final = 8_000
"""Open elements that the parser is given. It walks up all of them at many tags, so its time grows with the square
(measured: 10,000 nested divs 0.1 s, 50,000 2.6 s, 200,000 96 s)."""

_LOST_SHARE: Final = 0.7
"""Below this share of the characters that a plain removal of tags finds, the parser has lost text."""


def read_html(path: Path, source: Source) -> Document:
    """Read a web page.

    Navigation, page header and footer, hidden parts and cookie banners are left out, and what stands outside
    ``<main>`` or ``<article>`` where that holds most of the text.

    Raises:
        EmptySource: No text outside scripts and hidden parts.
        UnsupportedSource: The bytes are not text.
    """
    decoded = decode_html(path.read_bytes())
    drafts, metadata, flags = read_page(decoded.text)
    composer = Composer()
    composer.add(main_content(drafts))
    empty = "the page holds no visible text (is it drawn by a script? save it from a browser)"
    return composer.document(source, metadata, (*decoded.flags, *flags), empty=empty)


def read_page(markup: str) -> tuple[list[HtmlDraft], Metadata, list[Flag]]:
    """All visible text of a page as drafts that remember their zone, what it says about itself, and doubts."""
    from selectolax.lexbor import LexborHTMLParser

    flags: list[Flag] = []
    markup = markup.replace("\0", "\ufffd")
    depth = nesting(markup)
    if depth > _DEEPEST:
        flags.append(Flag("structure-lost", f"{depth} elements inside each other; divisions were taken out"))
        markup = flatten(markup)
        depth = nesting(markup)
    if depth > _DEEPEST:
        drafts: list[HtmlDraft] = []
        metadata, seen = Metadata(), 0
    else:
        tree = LexborHTMLParser(markup)
        drafts, seen = walk(tree.root) if tree.root is not None else ([], 0)
        if not drafts and seen and tree.root is not None:
            drafts, _ = walk(tree.root, show_hidden=True)
            flags.append(Flag("hidden-text", "the page hides all of its text until a script runs; read all the same"))
        metadata = page_metadata(tree)
    crude = strip_tags(markup)
    expected = sum(len(part) - part.count(" ") for part in crude)
    if seen < _LOST_SHARE * expected and expected - seen > 100:
        flags.append(Flag("text-lost", f"the parser found {seen} of {expected} characters; tags removed by hand"))
        drafts = [HtmlDraft(text) for part in crude if (text := tidy(part))]
    return drafts, metadata, flags


def main_content(drafts: Sequence[HtmlDraft]) -> list[HtmlDraft]:
    """The drafts that a reader came for.

    Each step that would leave out more than half of the text (links count little) is not taken.
    """
    body = [draft for draft in drafts if not draft.zone & BOILERPLATE]
    if _weight(body) < 0.5 * _weight(drafts):
        body = list(drafts)
    main = [draft for draft in body if draft.zone & MAIN]
    if not main or _weight(main) < 0.5 * _weight(body):
        main = body
    if not any(_is_title(draft) for draft in main):
        # The title often stands in the page's header, outside of the article it names.
        title = next((draft for draft in drafts if _is_title(draft)), None)
        if title is not None:
            main = [title, *main]
    return main


def _is_title(draft: Draft) -> bool:
    return draft.kind is BlockKind.HEADING and draft.level == 1


def _weight(drafts: Sequence[HtmlDraft]) -> float:
    return sum(max(len(draft.text) - draft.linked, 0) + 0.2 * draft.linked for draft in drafts)
