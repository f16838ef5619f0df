"""Entering the sound of a recording: utterance by utterance, as they are heard."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...pipeline.embed import Embeddings, Sound, Utterance
from ...pipeline.errors import KnowledgeBaseError
from ...pipeline.posteriors import FRAME
from ...pipeline.scale import PHONEME, PROSODY, Scale
from .catalog import Catalog
from .measures import measure_names
from .ranges import window_ids
from .shard import ShardWriter

ShardOf = Callable[[str, int, str], ShardWriter]
"""The shard being written for a scale, by its name, width and fingerprint."""

_PIECE = 512
"""Rows of measures in a row of the catalog: a few database pages."""


@dataclass(frozen=True, slots=True)
class Sounded:
    """What was entered.

    Attributes:
        stop: The first id that is free again.
        utterances, phrases: How many.
        speech: Samples in utterances.
        vectors: By name of scale.
    """

    stop: int
    utterances: int
    phrases: int
    speech: int
    vectors: dict[str, int]


def stage_sound(catalog: Catalog, shard: ShardOf, sound: Sound, content: int, first: int) -> Sounded:
    """Enters a recording and its utterances, inside a step of the caller's.

    One utterance and a piece of measures are in memory at a time.

    Args:
        first: Id of its first utterance; the others, and phrases, follow.

    Raises:
        FingerprintMismatch: The vectors are of another encoder than those that are there.
        KnowledgeBaseError: The utterances are out of order, reach past the recording, or do not fit together.
    """
    recording = sound.recording
    names = measure_names()
    entry = _Entry(catalog, content, first, len(names))
    end = -(-recording.samples // FRAME) * FRAME  # a last frame may be filled up with silence
    at = speech = utterances = 0
    vectors = {PHONEME.name: 0, PROSODY.name: 0}
    for utterance in sound.utterances:
        where = f"{recording.source.uri}, samples {utterance.start} to {utterance.stop}"
        if utterance.start < at or utterance.stop > end:
            raise KnowledgeBaseError(
                f"{where}: an utterance begins before the one before it ends, at {at}, or goes on after {end}"
            )
        try:
            windows = window_ids(entry.next, len(utterance.windows))
            _check(PHONEME, utterance.windows, sound.phoneme_fingerprint)
            _check(PROSODY, utterance.manners, sound.prosody_fingerprint)
        except ValueError as error:
            raise KnowledgeBaseError(f"{where}: {error}") from error
        manners = np.arange(entry.next, entry.next + len(utterance.manners))
        for scale, ids, rows, fingerprint in (
            (PHONEME.name, windows, utterance.windows, sound.phoneme_fingerprint),
            (PROSODY.name, manners, utterance.manners, sound.prosody_fingerprint),
        ):
            shard(scale, rows.shape[1], fingerprint).add(ids, rows)
            vectors[scale] += len(ids)
        entry.add(utterance, where)
        at = utterance.stop
        speech += utterance.stop - utterance.start
        utterances += 1
    entry.flush()
    catalog.rows(
        "INSERT INTO recording VALUES (?, ?, ?, ?, ?, ?, ?)",
        (content, recording.samples, recording.start_us, recording.format, utterances, speech, json.dumps(names)),
    )
    return Sounded(entry.next, utterances, entry.next - first - utterances, speech, vectors)


def _check(scale: Scale, vectors: npt.NDArray[np.float32], fingerprint: str) -> None:
    Embeddings(scale, vectors, np.arange(len(vectors)), fingerprint)


class _Entry:
    """The rows of one recording on their way into the catalog."""

    def __init__(self, catalog: Catalog, content: int, first: int, measures: int) -> None:
        self._catalog, self._content, self._width = catalog, content, measures
        self.next = self._flushed = first
        self._measures: list[npt.NDArray[np.float32]] = []

    def add(self, utterance: Utterance, where: str) -> None:
        first, content = self.next, self._content
        if utterance.measures.shape != (len(utterance.manners), self._width):
            raise KnowledgeBaseError(
                f"{where}: measures of shape {utterance.measures.shape}, not ({len(utterance.manners)}, {self._width})"
            )
        last = first + len(utterance.phrases)
        self._catalog.rows(
            "INSERT INTO sound VALUES (?, ?, ?, ?, -1, ?)", (first, content, utterance.start, utterance.stop, last)
        )
        self._catalog.each(
            "INSERT INTO sound VALUES (?, ?, ?, ?, ?, ?)",
            (
                (one, content, start, stop, first, one)
                for one, (start, stop) in enumerate(utterance.phrases.tolist(), first + 1)
            ),
        )
        self._catalog.rows("INSERT INTO heard VALUES (?, ?, ?)", (first, content, utterance.posteriors.to_bytes()))
        self._measures.append(utterance.measures)
        self.next = last + 1
        if self.next - self._flushed >= _PIECE:
            self.flush()

    def flush(self) -> None:
        """Enters the measures gathered so far."""
        if self._measures:
            rows = np.concatenate(self._measures).astype("<f4")
            self._catalog.rows(
                "INSERT INTO manner VALUES (?, ?, ?, ?)", (self._flushed, self.next, self._content, rows.tobytes())
            )
        self._measures, self._flushed = [], self.next
