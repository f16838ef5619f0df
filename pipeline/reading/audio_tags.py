"""What a recording and its tracks say about themselves."""

from __future__ import annotations

from collections.abc import Mapping

from ..document import Metadata
from .dates import iso_date


def metadata(container: Mapping[str, str], track: Mapping[str, str]) -> Metadata:
    """From the tags of a container and of one of its tracks, by FFmpeg's names."""
    tags = {**track, **container}
    language = tag(track, "language")
    return Metadata(
        title=tag(tags, "title"),
        author=tag(tags, "artist") or tag(tags, "album_artist") or tag(tags, "author"),
        language="" if language == "und" else language,
        created=iso_date(tag(tags, "creation_time") or tag(tags, "date") or tag(tags, "year")),
    )


def track_name(number: int, tags: Mapping[str, str]) -> str:
    """A track, for people."""
    about = ", ".join(filter(None, (tag(tags, "language"), tag(tags, "title"))))
    return f"track {number}" + (f" ({about})" if about else "")


def tag(tags: Mapping[str, str], name: str) -> str:
    """A tag by its name in any case, on one line; empty where there is none."""
    found = next((value for key, value in tags.items() if key.lower() == name), "")
    return " ".join(found.replace("\0", " ").split())[:1000]
