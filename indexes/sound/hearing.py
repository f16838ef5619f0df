"""What turns words into phones, phones into vectors and a spoken question into both; loaded when first asked for."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from ...pipeline.embed import Utterance, Vectors
from ...pipeline.errors import FingerprintMismatch
from ...pipeline.posteriors import Posteriors
from ...pipeline.scale import PHONEME, PROSODY, Scale
from .calibration import Calibration
from .frames import Frames
from .keyword import Edges, Phones, Sought

if TYPE_CHECKING:
    from ...pipeline.listening import Stretch
    from ...pipeline.pronouncing.pronunciation import Pronunciation
    from ...pipeline.recording import Recording
    from ..store.snapshot import Snapshot
    from ..store.sounds import HeardRows

MOST_VARIANTS: Final = 4
"""Pronunciations of one question that are looked for, the likeliest first."""

REMEMBERED: Final = 4_000
"""Utterances whose posteriors are kept from question to question: about 20 MB."""


class Pronouncing(Protocol):
    """What retrieval asks of a pronouncer."""

    def variants(self, text: str, n: int = 4) -> Sequence[Pronunciation]:
        """Pronunciations of a word or phrase, the likeliest first; none for what cannot be said."""
        ...

    def variants_of(self, texts: Sequence[str], n: int = 4) -> Sequence[Sequence[Pronunciation]]:
        """The same for many at once."""
        ...


class SpeechEncoding(Protocol):
    """What retrieval asks of a speech encoder."""

    @property
    def phoneme_fingerprint(self) -> str:
        """Names what makes window vectors and posteriors."""
        ...

    @property
    def prosody_fingerprint(self) -> str:
        """Names what makes prosody vectors."""
        ...

    def encode_pronunciations(self, pronunciations: Sequence[Phones]) -> Vectors:
        """One unit vector each, in the space of the windows. *Shape:* (n, width)"""
        ...

    def encode(self, recording: Recording, state: Mapping[str, object] | None = None) -> Iterator[Stretch]:
        """A recording, some minutes at a time."""
        ...

    def hear(self, samples: npt.NDArray[np.float32]) -> tuple[Utterance, ...]:
        """A short clip of 16 kHz sound as a whole. *Shape:* (n,)"""
        ...


class Hearing:
    """The encoders of sound, and what was heard lately.

    Attributes:
        pronouncer: Words to phones.
        speech: Phones and sound to vectors.
        calibration: Scores to probabilities; stored with the speech encoder.
        edges: Peaks to word bounds; stored with the speech encoder.
    """

    def __init__(
        self,
        pronouncer: Pronouncing | None = None,
        speech: SpeechEncoding | None = None,
        *,
        calibration: Calibration | None = None,
        edges: Edges | None = None,
        device: str = "auto",
        model: str = "",
    ) -> None:
        """What is not given is loaded when it is first needed: a typed word needs none of the networks that hear.

        Args:
            model: The speech encoder's weights, a checkpoint of ``octavo train speech``; empty for the shipped one.
        """
        given: dict[str, Any] = {"pronouncer": pronouncer, "speech": speech, "calibration": calibration, "edges": edges}
        self.__dict__ |= {name: value for name, value in given.items() if value is not None}
        self._given, self._device, self._model = given, device, model
        self._guard = threading.RLock()
        self._heard: OrderedDict[int, Posteriors] = OrderedDict()
        self._whole: tuple[Hashable, HeardRows, Frames] | None = None
        self._generation = -1

    def on(self, model: str) -> Hearing:
        """The same with a knowledge base's speech model, unless one of its own was given."""
        if not model or self._model or self._given["speech"] is not None:
            return self
        return Hearing(**self._given, device=self._device, model=model)

    @cached_property
    def pronouncer(self) -> Pronouncing:
        from .speech_models import load_pronouncer

        return load_pronouncer()

    @cached_property
    def speech(self) -> SpeechEncoding:
        from .speech_models import load_speech_encoder

        return load_speech_encoder(self._device, self._model)

    @cached_property
    def calibration(self) -> Calibration:
        from .speech_models import stored_calibration

        return stored_calibration(self._model)

    @cached_property
    def edges(self) -> Edges:
        from .speech_models import stored_edges

        return stored_edges(self._model)

    def variants(self, text: str) -> list[Sought]:
        """How a word or phrase may sound, the likeliest first."""
        return self.variants_of([text])[0]

    def variants_of(self, texts: Sequence[str]) -> list[list[Sought]]:
        """:meth:`variants` of each text; together they cost little more than one."""
        found = self.pronouncer.variants_of(texts, MOST_VARIANTS)
        return [[Sought(one.phones, one.log_probability) for one in variants] for variants in found]

    def match(self, snapshot: Snapshot, scale: Scale) -> None:
        """Checks that the vectors of a scale of sound are of this encoder.

        Raises:
            FingerprintMismatch: They are of another one.
        """
        if mismatch := self.mismatch(snapshot, scale):
            raise FingerprintMismatch(mismatch)

    def mismatch(self, snapshot: Snapshot, scale: Scale) -> str:
        """What is wrong if the vectors of a scale of sound are of another encoder; empty if they are not."""
        stored = snapshot.fingerprint(scale)
        own = {PHONEME.name: "phoneme_fingerprint", PROSODY.name: "prosody_fingerprint"}[scale.name]
        asked = getattr(self.speech, own)
        if stored in (None, asked):
            return ""
        return (
            f"the {scale} vectors were made by {stored}, the question would be encoded by {asked}: hear the recordings"
            " anew with octavo ingest --rehear, or put back the speech model of before"
        )

    def heard(self, snapshot: Snapshot, utterances: npt.NDArray[np.int64]) -> tuple[HeardRows, Frames]:
        """Posteriors of some utterances, those heard lately from memory."""
        from ..store.sounds import HeardRows

        with self._guard:
            self._forget(snapshot)
            known = self._heard
            missing = np.array([one for one in np.unique(utterances).tolist() if one not in known], np.int64)
            if len(missing):
                fresh = snapshot.heard(missing)
                known.update(zip(fresh.id.tolist(), fresh.posteriors, strict=True))
            for one in utterances.tolist():
                known.move_to_end(one)
            posteriors = [known[one] for one in utterances.tolist()]
            while len(known) > REMEMBERED:
                known.popitem(last=False)
        sounds = snapshot.sounds(utterances)
        rows = HeardRows(sounds.id, sounds.content, sounds.start, sounds.stop, posteriors)
        return rows, Frames.of(posteriors)

    def heard_whole(self, snapshot: Snapshot, ranges: npt.NDArray[np.int64]) -> tuple[HeardRows, Frames]:
        """Posteriors of everything in ranges of ids; the last answer is remembered."""
        from ..store.sounds import HeardRows

        with self._guard:
            self._forget(snapshot)
            key = ranges.tobytes()
            if self._whole is None or self._whole[0] != key:
                parts = list(snapshot.heard_between(ranges))
                posteriors = [one for part in parts for one in part.posteriors]
                rows = HeardRows(
                    _joined([part.id for part in parts]),
                    _joined([part.content for part in parts]),
                    _joined([part.start for part in parts]),
                    _joined([part.stop for part in parts]),
                    posteriors,
                )
                self._whole = (key, rows, Frames.of(posteriors))
            return self._whole[1], self._whole[2]

    def _forget(self, snapshot: Snapshot) -> None:
        """An id may come to mean another utterance, but never within one generation."""
        if self._generation != snapshot.generation:
            self._generation = snapshot.generation
            self._heard.clear()
            self._whole = None


def _joined(columns: Sequence[npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
    return np.concatenate([np.empty(0, np.int64), *columns])
