"""Does a citation resolve to the bytes it quotes?"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from ...pipeline.document import Source
from ...pipeline.errors import OctavoError
from ...pipeline.reading.decoding import decode
from ...pipeline.scale import Medium
from ..hit import Citation

_TEXT_IS_FILE = ("text/plain", "text/markdown")
"""Formats whose text is the decoded file itself, so that a citation's offsets can be tried on the file."""

_FILES = 64


class Grounding(StrEnum):
    """What became of a citation."""

    FILE = "file"
    """The source file, read again, holds the quote at these characters."""
    STORED = "stored"
    """Only the stored text could be asked (another format, or the file is gone), and it holds the quote."""
    CHANGED = "changed"
    """The file is another one since it was ingested."""
    BROKEN = "broken"
    """The quote does not stand there."""


class Grounder:
    """Tries citations on their sources. One an evaluation: it keeps the files it has read."""

    def __init__(self) -> None:
        self._text = lru_cache(_FILES)(_decoded)

    def grounding(self, citation: Citation, stored_length: int) -> Grounding:
        """Tries a citation on its source file, else on the stored text.

        Args:
            stored_length: Characters of the document's stored text; samples of the recording where a sound is cited.
        """
        if citation.stop > stored_length or (citation.medium is Medium.TEXT and not citation.quote):
            return Grounding.BROKEN
        if citation.medium is Medium.AUDIO:
            return Grounding.STORED
        if citation.source.media_type not in _TEXT_IS_FILE:
            return Grounding.STORED
        try:
            text = self._text(citation.source)
        except (OSError, OctavoError):
            return Grounding.STORED
        if text is None:
            return Grounding.CHANGED
        return Grounding.FILE if text[citation.start : citation.stop] == citation.quote else Grounding.BROKEN


def _decoded(source: Source) -> str | None:
    """The file's text; ``None`` if its bytes are others than those ingested."""
    data = Path(source.uri).read_bytes()
    return decode(data).text if hashlib.sha256(data).hexdigest() == source.sha256 else None
