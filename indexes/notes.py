"""What a search leaves behind for whoever asks why it answered so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .choose import Choice
    from .found import Found
    from .hit import Hit
    from .sound.joined import HeardIn, Listened
    from .sound.spoken import SpokenHit


@dataclass(slots=True)
class Notes:
    """Filled by :func:`octavo.indexes.retrieve.retrieve` on its way, as far as the question leads it.

    Attributes:
        found: What speaks for every sentence that came into question; ``None`` where sound alone was asked.
        choices: Spans of text, best first.
        text: Hits of text before sound joined them.
        listened: Words that were listened for in recordings.
        heard: Utterances in which they were heard.
        said: Places where the question as a whole was heard, of a search by sound alone.
    """

    found: Found | None = None
    choices: Sequence[Choice] = ()
    text: Sequence[Hit] = ()
    listened: Sequence[Listened] = ()
    heard: Sequence[HeardIn] = ()
    said: Sequence[SpokenHit] = ()
