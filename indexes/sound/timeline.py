"""What is said in a recording and how, utterance by utterance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...pipeline.errors import QueryError
from ...pipeline.phones import phone_names
from ..cite import moment
from ..store.measures import measure_names
from .hits import measured
from .keyword import best_phones
from .manner import find_recording

if TYPE_CHECKING:
    from ..store.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Line:
    """An utterance.

    Attributes:
        start_seconds, stop_seconds: Of the file.
        text: What the transcript has for it; "" without one.
        heard: The most likely phones.
        measures: How it is said, by name.
        phrases: The phrases in it, in seconds.
    """

    start_seconds: float
    stop_seconds: float
    text: str
    heard: str
    measures: dict[str, float]
    phrases: tuple[tuple[float, float], ...]

    def to_json(self) -> dict[str, Any]:
        """For a machine."""
        return {
            "start_seconds": round(self.start_seconds, 3),
            "stop_seconds": round(self.stop_seconds, 3),
            "text": self.text,
            "heard": self.heard,
            "measures": {name: round(value, 4) for name, value in self.measures.items()},
            "phrases": [[round(start, 3), round(stop, 3)] for start, stop in self.phrases],
        }


@dataclass(frozen=True, slots=True)
class Timeline:
    """The utterances of a recording in order.

    Attributes:
        seconds: Length of the recording.
        format: Container and codec, for people.
    """

    uri: str
    seconds: float
    format: str
    lines: tuple[Line, ...]

    def to_json(self) -> dict[str, Any]:
        """For a machine."""
        return {
            "uri": self.uri,
            "seconds": round(self.seconds, 3),
            "format": self.format,
            "utterances": [line.to_json() for line in self.lines],
        }


def timeline(snapshot: Snapshot, uri: str) -> Timeline:
    """The timeline of a recording by its path.

    Raises:
        QueryError: It is no recording of this knowledge base, or nothing is said in it.
    """
    ranges, content = find_recording(snapshot, uri)
    if content is None:
        raise QueryError(f"{uri} is no recording in which something is said: octavo status --sources lists all sources")
    rows = snapshot.sounds_between(ranges)
    whole = np.flatnonzero(rows.parent < 0)
    names = measure_names()
    measures = snapshot.manners(rows.id[whole])
    heard = snapshot.heard(rows.id[whole])
    lines = []
    for number, at in enumerate(whole.tolist()):
        start, stop = int(rows.start[at]), int(rows.stop[at])
        said = snapshot.said(content.id, start, stop) if content.text_length else None
        inside = np.flatnonzero(rows.parent == rows.id[at])
        place = moment(content, start, stop)
        phrases = (moment(content, int(rows.start[one]), int(rows.stop[one])) for one in inside.tolist())
        lines.append(
            Line(
                place.start_seconds or 0.0,
                place.stop_seconds or 0.0,
                snapshot.text(content.id, *said) if said else "",
                phone_names(best_phones(heard.posteriors[number])),
                measured(names, measures[number].tolist()),
                tuple((one.start_seconds or 0.0, one.stop_seconds or 0.0) for one in phrases),
            )
        )
    end = moment(content, 0, content.samples)
    return Timeline(uri, (end.stop_seconds or 0.0) - (end.start_seconds or 0.0), content.format, tuple(lines))
