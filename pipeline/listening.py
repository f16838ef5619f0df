"""A recording heard stretch by stretch, so that what was heard of a long one outlives an interruption."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Protocol

from .embed import Utterance
from .posteriors import Posteriors
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


class Listening:
    """A recording that is heard once, from its beginning or from where stretches kept of it end.

    Either :meth:`utterances` alone streams it. Or :meth:`spans` hears it through first, for whoever needs all that was
    heard before the first utterance goes on, its words namely; the utterances then come from where stretches are kept,
    so that one stretch is in memory and of the others only posteriors, 2 MB an hour.

    Attributes:
        posteriors: First sample and posteriors of each utterance that :meth:`spans` gave.
    """

    def __init__(
        self,
        listener: Listener,
        recording: Recording,
        unfinished: Unfinished | None = None,
        heard: Heard = lambda path, done, of: None,
    ) -> None:
        self._listener, self._recording, self._unfinished, self._heard = listener, recording, unfinished, heard
        self.posteriors: list[tuple[int, Posteriors]] = []
        self._spans: Iterator[tuple[int, int]] | None = None
        self._kept = 0
        self._held: list[Stretch] = []
        # Another version of the reader may decode the same bytes to other samples.
        version = reader_version(recording.source.media_type)
        self._fingerprint = f"{fingerprint_of(listener)}, {version}, {recording.samples} samples"

    def spans(self) -> Iterator[tuple[int, int]]:
        """First and last-but-one sample of each utterance, as they are heard; goes on where it was left."""
        if self._spans is None:
            self._spans = self._hear_through()
        return self._spans

    def utterances(self) -> Generator[Utterance, None, None]:
        """In order of time; after :meth:`spans`, all of them without hearing again."""
        if self._spans is None:
            for stretch, _ in self._stretches():
                yield from stretch.utterances
            return
        for _ in self._spans:
            pass
        state: Mapping[str, object] | None = None
        number = 0
        for stretch in islice(self._stored(), self._kept):
            yield from stretch.utterances
            state = stretch.state
            number += 1
        # What was lost from the disk in between is heard again, and with it all that follows.
        rest = self._held if number == self._kept else self._listener.encode(self._recording, state)
        for stretch in rest:
            yield from stretch.utterances

    def _hear_through(self) -> Iterator[tuple[int, int]]:
        for stretch, kept in self._stretches():
            self._kept += kept
            if not kept:
                self._held.append(stretch)
            self.posteriors += [(one.start, one.posteriors) for one in stretch.utterances]
            yield from [(one.start, one.stop) for one in stretch.utterances]

    def _stretches(self) -> Iterator[tuple[Stretch, bool]]:
        """Stretches, and whether they are kept on disk.

        Every stretch but the last is kept before it is given, so that a recording of one stretch leaves nothing.
        """
        recording, path = self._recording, Path(self._recording.source.uri)
        state: Mapping[str, object] | None = None
        number = 0
        for stretch in self._stored():
            yield stretch, True
            state = stretch.state
            number += 1
            self._heard(path, stretch.stop, recording.samples)
        for number, stretch in enumerate(self._listener.encode(recording, state), number):  # noqa: B020
            keeps = self._unfinished is not None and stretch.stop < recording.samples
            if self._unfinished is not None and keeps:
                self._unfinished.keep(recording.source.sha256, self._fingerprint, number, stretch)
            yield stretch, keeps
            self._heard(path, stretch.stop, recording.samples)

    def _stored(self) -> Iterator[Stretch]:
        if self._unfinished is not None:
            yield from self._unfinished.kept(self._recording.source.sha256, self._fingerprint)
