"""Search by manner of speaking: utterances and phrases said like an example, or whose measures meet conditions.

It states manner (pace, pitch, loudness, pauses) and is no reading of feelings.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from ...pipeline.embed import Utterance
from ...pipeline.errors import EmptySource, QueryError
from ...pipeline.recording import SAMPLE_RATE, Recording
from ...pipeline.scale import PROSODY, Medium
from ..cite import cite_sound
from ..hit import Answer, Citation, Hit, ranked
from ..store.filter import Filter
from ..store.measures import measure_names
from ..store.ranges import Ranges, normalised
from .hits import NO_RECORDINGS, measured
from .manner_filter import MannerFilter

if TYPE_CHECKING:
    from ..store.snapshot import Snapshot, StoredContent
    from ..store.sounds import SoundRows
    from .hearing import Hearing

Ints = npt.NDArray[np.int64]
Vector = npt.NDArray[np.float32]

WELL_MET: Final = 0.5
"""Share of overlap from which one utterance or phrase stands for the whole example."""

LIKE_BESIDE_WORDS: Final = 0.3
"""What the right manner adds to a hit for a question's words, at most, as a share of the best score."""

_EXAMPLE: Final = re.compile(r"(?s)(.+)@([\d:.]+)-([\d:.]+)")


@dataclass(frozen=True, slots=True)
class Example:
    """A stretch of a recording, in seconds of its file; without bounds the whole recording."""

    path: Path
    start: float = 0.0
    stop: float = float("inf")

    @classmethod
    def parse(cls, text: str) -> Example:
        """Reads ``call.wav@62.1-66.4``, ``call.wav@1:02.1-1:06.4`` or ``call.wav``.

        Raises:
            QueryError: The times are none, or reversed.
        """
        found = _EXAMPLE.fullmatch(text)
        if not found:
            return cls(Path(text))
        start, stop = (_seconds(part, text) for part in found.groups()[1:])
        if not start < stop:
            raise QueryError(f"the example {text!r} ends before it begins: write FILE@START-STOP in seconds")
        return cls(Path(found.group(1)), start, stop)


@dataclass(frozen=True, slots=True, eq=False)
class Manner:
    """What is asked of the manner of speaking.

    Attributes:
        like: The prosody vector of an example. *Shape:* (width,)
        itself: Where the example is, if it is in the knowledge base: content, first and last-but-one sample.
        conditions: On measures.
    """

    like: Vector | None = None
    itself: tuple[int, int, int] | None = None
    conditions: MannerFilter | None = None

    @classmethod
    def asked(cls, like: str, conditions: str, snapshot: Snapshot, hearing: Hearing) -> Manner | None:
        """The manner that a question's options ask for; ``None`` where they ask for none.

        Raises:
            QueryError: An option makes no sense, or nothing is said in the example.
            SourceError: The example cannot be read.
        """
        if not like and not conditions:
            return None
        parsed = MannerFilter.parse(conditions) if conditions else None
        if not like:
            return cls(None, None, parsed)
        vector, itself = example_vector(Example.parse(like), snapshot, hearing)
        return cls(vector, itself, parsed)

    def allowed(self, snapshot: Snapshot, ranges: Ranges | None) -> tuple[Ints, Ranges]:
        """Ids of utterances and phrases that meet the conditions; ranges of ids of the utterances that hold them."""
        within_what = snapshot.ranges() if ranges is None else ranges
        if self.conditions is None:
            rows = snapshot.sounds_between(within_what)
            return rows.id, within_what
        ids, measures = snapshot.manners_between(within_what)
        ids = ids[self.conditions.holds(measures)]
        rows = snapshot.sounds(ids)
        holders = np.unique(np.where(rows.parent < 0, rows.id, rows.parent))
        return ids, normalised(np.stack((holders, holders + 1), axis=1))


def by_manner(manner: Manner, snapshot: Snapshot, *, k: int, where: Filter | None = None) -> Answer:
    """The utterances and phrases said in a manner: nearest the example, or furthest in what the conditions ask."""
    began = perf_counter()
    warnings: tuple[str, ...] = () if snapshot.holds(PROSODY) else (NO_RECORDINGS,)
    hits: tuple[Hit, ...] = ()
    if not warnings:
        ranges = snapshot.contents(where) if where else None
        ids, scores = _ranked(manner, snapshot, ranges, k)
        hits = tuple(_hits(snapshot, ids, scores, manner.itself, where, k))
    return Answer("", snapshot.generation, hits, {"total": (perf_counter() - began) * 1000}, warnings=warnings)


def _ranked(manner: Manner, snapshot: Snapshot, ranges: Ranges | None, k: int) -> tuple[Ints, npt.NDArray[np.float64]]:
    allowed = manner.allowed(snapshot, ranges)[0] if manner.conditions is not None else None
    if manner.like is None:
        assert allowed is not None
        assert manner.conditions is not None
        strength = manner.conditions.strength(snapshot.manners(allowed))
        order = np.argsort(-strength, kind="stable")
        # All of them meet the conditions; the score only ranks.
        return allowed[order], np.linspace(1, 0.5, len(order)) if len(order) else np.empty(0)
    if allowed is not None:
        ranges = normalised(np.stack((allowed, allowed + 1), axis=1))
    # Phrases lie in utterances and the example beside itself: more are asked for than wanted.
    near = snapshot.index(PROSODY).search(manner.like[None], 4 * k + 20, ranges)
    found = near.ids[0] >= 0
    return near.ids[0][found], near.scores[0][found].astype(np.float64)


def _hits(
    snapshot: Snapshot,
    ids: Ints,
    scores: npt.NDArray[np.float64],
    itself: tuple[int, int, int] | None,
    where: Filter | None,
    k: int,
) -> Iterator[Hit]:
    """Ranked sounds as hits, no time of a recording twice, the example itself left out."""
    names = measure_names()
    rows = snapshot.sounds(ids)
    taken: list[tuple[int, int, int]] = [itself] if itself else []
    contents: dict[int, StoredContent] = {}
    rank = 0
    for at in range(len(rows)):
        content, start, stop = int(rows.content[at]), int(rows.start[at]), int(rows.stop[at])
        if any(content == other and start < b and a < stop for other, a, b in taken):
            continue
        taken.append((content, start, stop))
        if content not in contents:
            contents[content] = snapshot.content(content, where)
        rank += 1
        score = float(scores[at])
        yield Hit(
            rank,
            score,
            PROSODY.name,
            cite_sound(snapshot, contents[content], start, stop),
            {PROSODY.name: score},
            measures=measured(names, snapshot.manners(ids[at : at + 1])[0].tolist()),
        )
        if rank == k:
            return


def boosted(hits: Sequence[Hit], manner: Manner, snapshot: Snapshot) -> tuple[Hit, ...]:
    """Hits for a question's words, ranked anew: what is said like the example gains, what fails the conditions goes.

    Hits of documents have no manner: they stay as they are beside an example and go where there are conditions.
    """
    best = max((hit.score for hit in hits), default=0.0)
    made: list[Hit] = []
    for hit in hits:
        rows = _said_at(hit.citation, snapshot)
        if manner.conditions is not None and (
            not len(rows) or not manner.conditions.holds(snapshot.manners(rows.id)).any()
        ):
            continue
        if manner.like is not None and len(rows):
            near = float((snapshot.index(PROSODY).vectors(rows.id) @ manner.like).max())
            gain = LIKE_BESIDE_WORDS * best * max(near, 0.0)
            credit = {**hit.contributions, PROSODY.name: gain} if gain else hit.contributions
            hit = replace(hit, score=hit.score + gain, contributions=credit)
        made.append(hit)
    return ranked(made)


def _said_at(cited: Citation, snapshot: Snapshot) -> SoundRows:
    """The utterances and phrases at the time that a hit cites; none for documents."""
    ranges, content = find_recording(snapshot, cited.source.uri)
    rows = snapshot.sounds_between(ranges)
    if content is None or not len(rows):
        return rows.take(np.empty(0, np.int64))
    start, stop = cited.start, cited.stop
    if cited.medium is Medium.TEXT:
        times = snapshot.times(content.id, start, stop)
        if not len(times):
            return rows.take(np.empty(0, np.int64))
        start, stop = int(times["from"].min()), int(times["to"].max())
    return rows.take(np.flatnonzero((rows.start < stop) & (rows.stop > start)))


def find_recording(snapshot: Snapshot, uri: str) -> tuple[Ranges, StoredContent | None]:
    """Ids of a source by its path, and its content if it is a recording."""
    ranges = snapshot.contents(Filter(sources=(re.sub(r"([*?\[])", r"[\1]", uri),)))
    rows = snapshot.sounds_between(ranges)
    return ranges, snapshot.content(int(rows.content[0])) if len(rows) else None


def example_vector(
    example: Example, snapshot: Snapshot, hearing: Hearing
) -> tuple[Vector, tuple[int, int, int] | None]:
    """How an example is said: from the knowledge base if its file is in it, else by encoding the file.

    *Shape:* (width,)

    Raises:
        QueryError: Nothing is said in it.
        SourceError: The file cannot be read.
    """
    ranges, content = find_recording(snapshot, os.path.abspath(example.path))
    if content is not None:
        rows = snapshot.sounds_between(ranges)
        start, stop = (_sample(at, content.start_us, content.samples) for at in (example.start, example.stop))
        vectors = snapshot.index(PROSODY).vectors(rows.id)
        bounds = np.stack((rows.start, rows.stop), axis=1)
        whole = rows.parent < 0
        return _met(example, bounds, whole, vectors, start, stop), (content.id, start, stop)
    hearing.match(snapshot, PROSODY)
    parts: list[tuple[int, int, bool, Vector]] = []
    start, stop = 0, 0
    for start, stop, utterance in _encoded(example, hearing):  # noqa: B007
        parts.append((utterance.start, utterance.stop, True, utterance.manners[0]))
        parts += [
            (int(a), int(b), False, vector)
            for (a, b), vector in zip(utterance.phrases, utterance.manners[1:], strict=True)
        ]
    if not parts:
        raise EmptySource(f"no speech is heard in {example.path}: give another example")
    bounds = np.array([part[:2] for part in parts], np.int64)
    whole = np.array([part[2] for part in parts])
    return _met(example, bounds, whole, np.stack([part[3] for part in parts]), start, stop), None


def _encoded(example: Example, hearing: Hearing) -> Iterator[tuple[int, int, Utterance]]:
    """Utterances of a file up to the example's end, each with the example's samples.

    From the beginning of the file, because that is where the speaker's baseline comes from.
    """
    from ...pipeline.reading import Reader

    with Reader() as reader:
        read = reader.read(example.path)
    if not isinstance(read, Recording):
        raise QueryError(f"{example.path} is a {read.source.media_type}, not a recording: give one as an example")
    with read as recording:
        start, stop = (_sample(at, recording.start_us, recording.samples) for at in (example.start, example.stop))
        for stretch in hearing.speech.encode(recording):
            for utterance in stretch.utterances:
                yield start, stop, utterance
            if stretch.stop >= stop:
                return


def _met(
    example: Example,
    bounds: Ints,
    whole: npt.NDArray[np.bool_],
    vectors: Vector,
    start: int,
    stop: int,
) -> Vector:
    """The vector of the sound that an example is, or the mean of the utterances that it touches.

    *Shape:* bounds (n, 2), vectors (n, width) to (width,)
    """
    common = np.minimum(bounds[:, 1], stop) - np.maximum(bounds[:, 0], start)
    if not len(common) or common.max() <= 0:
        raise QueryError(
            f"nothing is said in {example.path} from {example.start:g} to {example.stop:g} s: octavo timeline shows"
            " when something is"
        )
    union = np.maximum(bounds[:, 1], stop) - np.minimum(bounds[:, 0], start)
    overlap = common / union
    if overlap.max() >= WELL_MET:
        nearest: Vector = vectors[int(overlap.argmax())].astype(np.float32)
        return nearest
    mean = (vectors * (np.maximum(common, 0) * whole)[:, None]).sum(axis=0)
    made: Vector = (mean / max(float(np.linalg.norm(mean)), 1e-12)).astype(np.float32)
    return made


def _sample(seconds: float, start_us: int, samples: int) -> int:
    return int(np.clip((seconds - start_us / 1e6) * SAMPLE_RATE, 0, samples))


def _seconds(text: str, whole: str) -> float:
    try:
        parts = [float(part) for part in text.split(":")]
    except ValueError as error:
        raise QueryError(f"{text!r} in {whole!r} is no time: write seconds (62.1) or 1:02.1") from error
    return sum(part * 60.0**power for power, part in enumerate(reversed(parts)))
