"""Core properties of Office files."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from ..document import Metadata
from .compose import one_line

if TYPE_CHECKING:
    from docx.document import Document as WordDocument
    from pptx.presentation import Presentation

_LIBRARIES = ("python-docx", "Steve Canny")
"""Authors that the templates of the two libraries leave in files made with them, together with a date of 2013."""


def core_metadata(package: WordDocument | Presentation) -> Metadata:
    """Title, author, language and dates; nothing where a property is absent or malformed."""
    if not any(str(part.partname).startswith("/docProps/core") for part in package.part.package.iter_parts()):
        return Metadata()  # the libraries would make properties up, with today's date
    properties = package.core_properties

    def stated(name: str) -> str:
        try:
            value = getattr(properties, name)
        except (ValueError, TypeError, KeyError, AttributeError):
            return ""
        if isinstance(value, datetime.datetime):
            date = value.isoformat(timespec="seconds")
            return "" if author in _LIBRARIES and date.startswith("2013-") else date
        return one_line(str(value)) if value else ""

    author = stated("author")
    title = stated("title")
    return Metadata(
        title="" if title in ("Word Document", "PowerPoint Presentation") else title,
        author="" if author in _LIBRARIES else author,
        language=stated("language"),
        created=stated("created"),
        modified=stated("modified"),
    )
