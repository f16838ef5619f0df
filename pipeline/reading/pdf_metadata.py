"""What a PDF says about itself: title, author, language, dates, outline."""

from __future__ import annotations

import re
from typing import Any

from ..document import BlockKind, Metadata
from .pdf_draft import PageDraft
from .pdf_headings import Outline, fold

_DATE = re.compile(r"D?:?\s*(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?\s*(?:(Z)|([+-])(\d\d)'?(\d\d)?)?")
_FILE_NAME = re.compile(r"\.(?:docx?|dvi|indd|pptx?|xlsx?|tex|pdf|qxd|rtf|html?|ps|pmd|fm|odt|txt)$", re.I)
_EMPTY_TITLES = frozenset({"untitled", "title", "document", "document1", "noname", "slide1", "powerpointpresentation"})
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*$")


def iso_date(stamp: str) -> str:
    """A PDF date (ISO 32000-1, 7.9.4) as ISO 8601, as precise as it is; empty where it is none.

    ``D:20240103093826+01'00'`` becomes ``2024-01-03T09:38:26+01:00``.
    """
    found = _DATE.match(stamp.strip())
    if not found:
        return ""
    year, month, day, hour, minute, second, zulu, sign, zone_hour, zone_minute = found.groups()
    if (month and not 1 <= int(month) <= 12) or (day and not 1 <= int(day) <= 31):
        return ""
    date = "-".join(part for part in (year, month, month and day) if part)
    if not (month and day and hour and minute) or int(hour) > 23 or int(minute) > 59:
        return date
    time = f"{hour}:{minute}" + (f":{second}" if second and int(second) < 60 else "")
    zone = "Z" if zulu else f"{sign}{zone_hour}:{zone_minute or '00'}" if sign else ""
    return f"{date}T{time}{zone}"


def metadata(pdf: Any, drafts: list[PageDraft]) -> Metadata:
    """Metadata of an open PDF; the title falls back to the largest heading on the first page.

    To be called when headings are marked and before the drafts are used up.
    """
    stated = {key: _clean(value) for key, value in (pdf.metadata or {}).items() if isinstance(value, str)}
    title = re.sub(r"^Microsoft (?:Word|PowerPoint|Excel) - ", "", stated.get("title", ""))
    if _FILE_NAME.search(title) or fold(title) in _EMPTY_TITLES or not any(char.isalpha() for char in title):
        title = ""
    return Metadata(
        title=title or _largest_heading(drafts),
        author=stated.get("author", ""),
        language=_language(pdf),
        created=iso_date(stated.get("creationDate", "")),
        modified=iso_date(stated.get("modDate", "")),
    )


def _clean(value: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in value).split())


def _largest_heading(drafts: list[PageDraft]) -> str:
    if not drafts:
        return ""
    headings = [block for block in drafts[0].blocks if block.kind is BlockKind.HEADING]
    if not headings:
        return ""
    best = max(headings, key=lambda block: (block.size, -block.start))
    return drafts[0].text[best.start : best.stop]


def _language(pdf: Any) -> str:
    try:
        kind, value = pdf.xref_get_key(pdf.pdf_catalog(), "Lang")
    except Exception:  # the catalogue of a broken file; MuPDF raises several unrelated classes
        return ""
    return value if kind == "string" and _LANGUAGE.match(value) else ""


def outline(pdf: Any) -> Outline:
    """The file's table of contents, by page."""
    entries: dict[int, dict[str, int]] = {}
    try:
        contents = pdf.get_toc(simple=True)
    except Exception:  # circular or broken outlines
        return Outline({})
    for level, title, page, *_ in contents:
        folded = fold(str(title))
        if folded and page > 0:
            entries.setdefault(int(page), {}).setdefault(folded, min(max(int(level), 1), 6))
    return Outline(entries)
