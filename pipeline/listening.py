"""A recording heard stretch by stretch, so that what was heard of a long one outlives an interruption."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from .embed import Utterance
from .reading import reader_version
from .recording import Recording

Heard = Callable[[Path, int, int], None]
"""Told how many samples of a recording are done, of how many."""


class Stretch(Protocol):
    """Some minutes of a recording."""

    @property
    def utterances(self) -> Sequence[Utterance]:
        """In order of time."""

    @property
    def state(self) -> Mapping[str, object]:
        """Where to go on and with what, as JSON."""

    @property
    def stop(self) -> int:
        """Samples of the recording that are done with it."""


class Listener(Protocol):
    """What ingest asks of a speech encoder."""

    @property
    def phoneme_fingerprint(self) -> str:
        """Names what makes posteriors and window vectors."""

    @property
    def prosody_fingerprint(self) -> str:
        """Names what makes prosody vectors and measures."""

    def encode(self, recording: Recording, state: Mapping[str, object] | None = None) -> Iterator[Stretch]:
        """The recording from its beginning, or from where a stretch's state left it."""


class Unfinished(Protocol):
    """Where stretches of a long recording are kept until all of it is in the knowledge base."""

    def kept(self, sha256: str, fingerprint: str) -> Iterator[Stretch]:
        """The stretches kept of a recording, from its beginning; what another fingerprint left of it is dropped."""

    def keep(self, sha256: str, fingerprint: str, number: int, stretch: Stretch) -> None:
        """Keeps the stretch of a number, from 0, durably."""


def fingerprint_of(listener: Listener | None) -> str:
    """Both fingerprints of a listener; empty where there is none."""
    return f"{listener.phoneme_fingerprint}, {listener.prosody_fingerprint}" if listener else ""


def listen(
    listener: Listener,
    recording: Recording,
    unfinished: Unfinished | None = None,
    heard: Heard = lambda path, done, of: None,
) -> Generator[Utterance, None, None]:
    """The utterances of a recording; the stretches kept of it are not encoded again.

    Every stretch but the last is kept before its first utterance is given, so that a recording of one stretch leaves
    nothing to keep.
    """
    source, path = recording.source, Path(recording.source.uri)
    # Another version of the reader may decode the same bytes to other samples.
    fingerprint = f"{fingerprint_of(listener)}, {reader_version(source.media_type)}, {recording.samples} samples"
    state: Mapping[str, object] | None = None
    number = done = 0
    for stretch in unfinished.kept(source.sha256, fingerprint) if unfinished else ():
        yield from stretch.utterances
        state, done = stretch.state, stretch.stop
        number += 1
        heard(path, done, recording.samples)
    for number, stretch in enumerate(listener.encode(recording, state), number):  # noqa: B020
        if unfinished is not None and stretch.stop < recording.samples:
            unfinished.keep(source.sha256, fingerprint, number, stretch)
        yield from stretch.utterances
        heard(path, stretch.stop, recording.samples)
