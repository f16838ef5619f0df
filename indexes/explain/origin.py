"""From a hit back to the bytes: its source, how that was read, and the spans that hold it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ...pipeline.document import Flag, Place
from ...pipeline.scale import DOCUMENT, PARAGRAPH, PROSODY, SECTION, SENTENCE, Medium, Scale
from ..cite import cite, cite_sound
from ..hit import Citation
from ..on_disk import OnDisk, byte_range, look

if TYPE_CHECKING:
    from ..evidence import Universe
    from ..store.snapshot import Snapshot, StoredContent

GLIMPSE: Final = 160
"""Characters of a span that are shown of it."""


@dataclass(frozen=True, slots=True)
class Glimpse:
    """A span, and the beginning of its text.

    Attributes:
        start, stop: Of the whole span; ``citation`` is of its beginning.
    """

    citation: Citation
    start: int
    stop: int

    def to_json(self) -> dict[str, Any]:
        """As in ``octavo explain --json``."""
        places = [place_json(place) for place in self.citation.places]
        return {
            "uri": self.citation.source.uri,
            "start": self.start,
            "stop": self.stop,
            "place": places[0] if places else None,
            "text": self.citation.quote,
        }


def place_json(place: Place) -> dict[str, Any]:
    """A page or a time."""
    if place.start_seconds is not None and place.stop_seconds is not None:
        return {"start_seconds": round(place.start_seconds, 3), "stop_seconds": round(place.stop_seconds, 3)}
    return {"page": place.page, "boxes": [list(box) for box in place.boxes]}


def glimpse(snapshot: Snapshot, content: int, start: int, stop: int, heading: str = "") -> Glimpse:
    """A span of text by its characters."""
    return Glimpse(cite(snapshot, snapshot.content(content), start, min(stop, start + GLIMPSE), heading), start, stop)


@dataclass(frozen=True, slots=True)
class Origin:
    """The source of a hit.

    Attributes:
        on_disk: The file as it is now.
        bytes: Where in the file the cited characters stand; of plain text and Markdown only.
        made_by: What read and cut it, by stage.
        flags: What its reader could not do.
    """

    content: StoredContent
    on_disk: OnDisk
    bytes: tuple[int, int] | None
    made_by: Mapping[str, str]
    flags: tuple[Flag, ...]

    def to_json(self) -> dict[str, Any]:
        """As in ``octavo explain --json``."""
        content = self.content
        return {
            "uri": content.source.uri,
            "also_at": [uri for uri in content.uris if uri != content.source.uri],
            "media_type": content.source.media_type,
            "sha256": content.source.sha256,
            "on_disk": self.on_disk.state.value,
            "bytes_on_disk": self.on_disk.bytes,
            "byte_range": None if self.bytes is None else list(self.bytes),
            "title": content.metadata.title,
            "language": content.metadata.language,
            "characters": content.text_length,
            "samples": content.samples,
            "format": content.format,
            "recipe": content.recipe,
            "made_by": dict(self.made_by),
            "flags": [{"code": flag.code, "detail": flag.detail} for flag in self.flags],
        }


def origin_of(snapshot: Snapshot, content_id: int, citation: Citation) -> Origin:
    """Looks at the file of a citation, and at what the catalog knows of it."""
    content = snapshot.content(content_id)
    found = look(citation.source)
    text = citation.medium is Medium.TEXT and not content.samples
    where = byte_range(citation.source, citation.start, citation.stop) if text and found.state == "same" else None
    return Origin(content, found, where, content.manifest, content.flags)


@dataclass(frozen=True, slots=True)
class Level:
    """One span of the chain that holds a hit.

    Attributes:
        id: Its row in the catalog, and its vector's id.
        heading: Of a section.
    """

    scale: Scale
    id: int
    glimpse: Glimpse
    heading: str = ""

    def to_json(self) -> dict[str, Any]:
        """As in ``octavo explain --json``."""
        return {"scale": self.scale.name, "id": self.id, "heading": self.heading, **self.glimpse.to_json()}


def ids_of(universe: Universe, sentence: int) -> dict[Scale, int]:
    """The spans that hold a sentence, itself first, by scale."""
    spans = universe.spans
    section = int(universe.section[sentence])
    return {
        SENTENCE: int(spans.id[universe.sentence[sentence]]),
        PARAGRAPH: int(spans.id[universe.paragraph[sentence]]),
        SECTION: int(spans.id[section]),
        DOCUMENT: int(spans.parent[section]),
    }


def chain(snapshot: Snapshot, ids: Mapping[Scale, int]) -> tuple[Level, ...]:
    """Spans of text by scale, finest first, as a person can read them."""
    import numpy as np

    rows = snapshot.spans(np.array(list(ids.values()), np.int64))
    return tuple(
        Level(
            scale,
            int(rows.id[at]),
            glimpse(snapshot, int(rows.content[at]), int(rows.start[at]), int(rows.stop[at])),
            rows.labels[at],
        )
        for at, scale in enumerate(ids)
    )


def sound_chain(snapshot: Snapshot, utterance: int) -> tuple[Level, ...]:
    """An utterance."""
    import numpy as np

    row = snapshot.sounds(np.array([utterance], np.int64))
    start, stop = int(row.start[0]), int(row.stop[0])
    cited = cite_sound(snapshot, snapshot.content(int(row.content[0])), start, stop)
    return (Level(PROSODY, utterance, Glimpse(cited, start, stop)),)
