"""The words of a recording: those of a transcript, or of a recogniser, each where it is said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from .alignment import refine_times, words_to_align
from .document import Document, Flag
from .errors import EmptySource
from .posteriors import Posteriors
from .recording import Recording

if TYPE_CHECKING:
    from .pronouncing.pronunciation import Pronunciation


class Transcriber(Protocol):
    """What writes down what is said in a recording; :class:`octavo.pipeline.encoders.recogniser.Recogniser` is one."""

    @property
    def fingerprint(self) -> str:
        """Names the model and its settings."""

    def transcribe(self, recording: Recording, utterances: Iterable[tuple[int, int]]) -> Document:
        """A transcript with its times, of what is said in these samples; without text where nothing is."""


class Phonetic(Protocol):
    """What says how words are pronounced; :class:`octavo.pipeline.pronouncing.pronunciation.Pronouncer` is one."""

    @property
    def fingerprint(self) -> str:
        """Names what the pronunciations depend on."""

    def variants_of(self, texts: Sequence[str], n: int = 4) -> Sequence[Sequence[Pronunciation]]:
        """The likeliest pronunciations of each text; none of what cannot be said."""


def written_down(
    transcriber: Transcriber, recording: Recording, utterances: Iterable[tuple[int, int]]
) -> Document | None:
    """The transcript of a recording; ``None`` where nothing is said."""
    try:
        return transcriber.transcribe(recording, utterances)
    except EmptySource:
        return None


def worded(recording: Recording, found: Document | None, flags: tuple[Flag, ...] = ()) -> Document:
    """A recording's document: the text, blocks and times of a transcript, where there is one; the rest its own."""
    own = Document(recording.source, "", (), metadata=recording.metadata, flags=recording.flags + flags)
    if found is None:
        return own
    own = replace(own, flags=own.flags + found.flags)
    if not found.blocks:
        return own
    language = found.metadata.language or recording.metadata.language
    metadata = replace(recording.metadata, language=language)
    return replace(own, text=found.text, blocks=found.blocks, times=found.times, metadata=metadata)


def timed(document: Document, heard: Sequence[tuple[int, Posteriors]], phonetic: Phonetic) -> Document:
    """A transcript in which every word, number and code has the time at which it is heard.

    Numbers are pronounced in English, so in other languages they are left to lie between their neighbours.
    """
    words = words_to_align(document)
    english = document.metadata.language.partition("-")[0] in ("en", "")
    said = [word for word in words if english or not any(map(str.isdigit, word))]
    known = dict(zip(said, phonetic.variants_of(said), strict=True))
    return refine_times(document, heard, lambda word: [way.phones for way in known.get(word, ())])
