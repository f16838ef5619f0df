"""What a web page says about itself: ``<title>``, language, and the meta elements in use."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from ..document import Metadata
from .compose import one_line
from .dates import iso_date

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser

_TITLE: Final = ("og:title", "twitter:title", "dc.title", "dcterms.title", "citation_title")
_AUTHOR: Final = (
    "author",
    "article:author",
    "dc.creator",
    "dcterms.creator",
    "citation_author",
    "byl",
    "parsely-author",
)
_CREATED: Final = (
    "article:published_time",
    "datepublished",
    "date",
    "dc.date",
    "dc.date.issued",
    "dcterms.created",
    "dcterms.date",
    "citation_publication_date",
    "citation_date",
    "pubdate",
)
_MODIFIED: Final = (
    "article:modified_time",
    "og:updated_time",
    "datemodified",
    "last-modified",
    "dcterms.modified",
    "revised",
)


def page_metadata(tree: LexborHTMLParser) -> Metadata:
    """Read the head of a parsed page."""
    stated: dict[str, str] = {}
    for element in tree.css("meta")[:500]:
        attributes = element.attributes
        name = attributes.get("name") or attributes.get("property") or attributes.get("itemprop")
        name = (name or attributes.get("http-equiv") or "").lower()
        content = one_line(attributes.get("content") or "")
        if name and content and name not in stated:
            stated[name] = content
    for name, value in _linked_data(tree):
        stated.setdefault(name, value)

    def first(names: tuple[str, ...]) -> str:
        return next((stated[name] for name in names if name in stated), "")

    title = tree.css_first("head > title") or tree.css_first("title")
    author = first(_AUTHOR)
    return Metadata(
        title=(one_line(title.text()) if title is not None else "") or first(_TITLE),
        author="" if author.startswith(("http://", "https://")) else author,
        language=_language(tree, stated),
        created=iso_date(first(_CREATED)),
        modified=iso_date(first(_MODIFIED)),
    )


def _language(tree: LexborHTMLParser, stated: dict[str, str]) -> str:
    root = tree.css_first("html")
    attributes = root.attributes if root is not None else {}
    tag = attributes.get("lang") or attributes.get("xml:lang") or stated.get("content-language") or ""
    tag = tag.split(",")[0].strip().replace("_", "-")
    return tag if tag and len(tag) <= 35 and tag.replace("-", "").isalnum() else ""


def _linked_data(tree: LexborHTMLParser) -> Iterator[tuple[str, str]]:
    """Dates and author of the first JSON-LD object that has them (schema.org)."""
    for element in tree.css('script[type="application/ld+json"]')[:10]:
        try:
            loaded = json.loads(element.text())
        except (ValueError, RecursionError):
            continue
        objects = loaded if isinstance(loaded, list) else [loaded]
        for item in objects:
            graph = item.get("@graph") if isinstance(item, dict) else None
            objects.extend(graph[:50] if isinstance(graph, list) and len(objects) < 50 else [])
        for item in objects:
            if not isinstance(item, dict):
                continue
            for key in ("datePublished", "dateModified"):
                if isinstance(item.get(key), str):
                    yield key.lower(), item[key]
            author = item.get("author")
            author = author[0] if isinstance(author, list) and author else author
            name = author.get("name") if isinstance(author, dict) else author
            if isinstance(name, str):
                yield "author", one_line(name)
