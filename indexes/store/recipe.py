"""Everything that shapes what becomes of a file's bytes: under another recipe, the file is worked on again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...pipeline.document import Source
    from ...pipeline.ingest import Listener
    from .sources import StoredSource

_TRANSCRIBER = "; transcriber "
"""Begins the last part of a recipe."""


def recipe(
    media_type: str, encoder_fingerprint: str, sound: str = "", transcript: str = "", transcriber: str = ""
) -> str:
    """The recipe of a file.

    Args:
        sound: Of recordings: what listens to them.
        transcript: Of recordings: the digest of the transcript beside one.
        transcriber: Of recordings without one: the fingerprint of what writes down what is heard.
    """
    from ...pipeline.alignment import ALIGNMENT_VERSION
    from ...pipeline.reading import reader_version
    from ...pipeline.reading.media_signatures import RECORDINGS
    from ...pipeline.reading.transcripts import TRANSCRIPTS_VERSION
    from ...pipeline.segment import SEGMENTER_VERSION
    from ...pipeline.terms import TERMS_VERSION

    parts = [reader_version(media_type), f"segmenter {SEGMENTER_VERSION}", f"terms {TERMS_VERSION}"]
    parts.append(f"encoder {encoder_fingerprint}")
    if media_type not in RECORDINGS:
        return "; ".join(parts)
    parts.append(f"listener {sound or 'none'}")
    # Pronunciations move the times of words by little: another pronouncer is no reason to hear everything again.
    if transcript or transcriber:
        parts.append(f"transcripts {TRANSCRIPTS_VERSION}, alignment {ALIGNMENT_VERSION}")
    if transcript:
        parts.append(f"transcript {transcript}")
    return "; ".join(parts) + (_TRANSCRIBER + transcriber if transcriber and not transcript else "")


def re_encoded(made_by: str, before: str, now: str) -> str:
    """A recipe whose text encoder was replaced by another one, all else being as it was."""
    return "; ".join(f"encoder {now}" if part == f"encoder {before}" else part for part in made_by.split("; "))


def sound_recipe(listener: Listener | None) -> str:
    """What listens to recordings, for :func:`recipe`."""
    from ...pipeline.listening import fingerprint_of

    return fingerprint_of(listener)


@dataclass(frozen=True, slots=True)
class Recipes:
    """The recipes of one run of ingest.

    Attributes:
        encoder, sound, transcriber: As for :func:`recipe`.
        written: What a recogniser wrote down before, see :func:`written_before`: a run without one keeps it.
    """

    encoder: str
    sound: str = ""
    transcriber: str = ""
    written: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def of(self, source: Source, transcript: str = "") -> str:
        """The recipe of a file, with the digest of the transcript beside it."""
        if self.transcriber or transcript:
            return recipe(source.media_type, self.encoder, self.sound, transcript, self.transcriber)
        plain = recipe(source.media_type, self.encoder, self.sound)
        unnamed = recipe(source.media_type, self.encoder, self.sound, transcriber="?").removesuffix("?")
        return self.written.get((source.sha256, unnamed), plain)


def written_before(sources: Iterable[StoredSource]) -> dict[tuple[str, str], str]:
    """Recipes of recordings that a recogniser wrote down, by digest and by the recipe without its name."""
    found = {}
    for source in sources:
        head, mark, _ = source.recipe.partition(_TRANSCRIBER)
        if mark:
            found[source.sha256, head + mark] = source.recipe
    return found


def written_by(sources: Iterable[StoredSource]) -> set[str]:
    """Fingerprints of the recognisers that wrote recordings down."""
    return {source.recipe.partition(_TRANSCRIBER)[2] for source in sources} - {""}
