"""A typed word or phrase in, the places in recordings where it is said out; no transcript needed.

Text -> pronunciations -> vectors -> windows that lie near (FAISS proposes) -> their utterances, scored exactly by the
CTC keyword likelihood of the stored posteriors -> calibrated over all that was looked at for this word, and by how
near its windows lie.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from ...pipeline.embed import Vectors
from ...pipeline.phones import phone_names
from ...pipeline.posteriors import FRAME, WINDOW_FRAMES, WINDOW_HOPS
from ...pipeline.scale import PHONEME
from ..store.ranges import utterances_of, window_ranges, windows_of
from .calibration import Calibration
from .frames import WALL, Frames
from .hearing import Hearing
from .keyword import Alignment, Edges, Phones, Sought, places, scores

if TYPE_CHECKING:
    from ..store.ranges import Ranges
    from ..store.snapshot import Snapshot
    from ..store.sounds import HeardRows

Ints = npt.NDArray[np.int64]

EXHAUSTIVE_WINDOWS: Final = 60_000
"""Up to so many stored windows (33 a second: half an hour of speech) every utterance is scored, not only those that
windows propose."""

WINDOW_PHONES: Final = 11
"""A keyword of more phones than the longest windows hold is proposed by pieces; its score is always of the whole."""
PIECE_PHONES: Final = 9
PIECE_HOP: Final = 5

GATE: Final = 0.55
"""A window is left out if its length differs from the one expected by more than this, in natural logarithms."""

WINDOWS_PER_UTTERANCE: Final = 8
"""Windows asked for, for each utterance wanted: a word that is said lies in several windows."""
LEAST_UTTERANCES: Final = 64
MOST_WINDOWS: Final = 8_192

LEAST: Final = -9.0
"""Score per phone below which an utterance is no answer: hardly a phone of the word is among those heard."""
AGAIN: Final = -2.5
"""Score per phone that a second place in the same utterance needs."""


@dataclass(frozen=True, slots=True)
class SpokenHit:
    """A place where a word is heard.

    Attributes:
        utterance: Id of the utterance's row.
        start, stop: Half-open, samples of the recording.
        score: Log-likelihood ratio per phone, 0 at best.
        probability: That it was said, calibrated.
        heard: The most likely phones of these samples, for people.
        asked: The pronunciation that was found.
    """

    utterance: int
    content: int
    start: int
    stop: int
    score: float
    probability: float
    heard: str
    asked: str


@dataclass(frozen=True, slots=True, eq=False)
class Proposed:
    """Utterances in which a keyword may be said, the likeliest first.

    Attributes:
        utterances: *Shape:* (n,)
        nearness: Cosine of the nearest windows. *Shape:* (n,)
    """

    utterances: Ints
    nearness: npt.NDArray[np.float64]

    def nearness_of(self, utterances: Ints) -> npt.NDArray[np.float64]:
        """Of any utterances, less that of the nearest; none that was not proposed is nearer than the last that was.

        *Shape:* (m,) to (m,), at most 0.
        """
        if not len(self.utterances):
            return np.zeros(len(utterances))
        order = np.argsort(self.utterances)
        ids, cosines = self.utterances[order], self.nearness[order]
        at = np.minimum(np.searchsorted(ids, utterances), len(ids) - 1)
        own: npt.NDArray[np.float64] = np.where(ids[at] == utterances, cosines[at], cosines.min()) - cosines.max()
        return own


def spoken(
    variants: Sequence[Sought],
    snapshot: Snapshot,
    hearing: Hearing,
    *,
    k: int,
    ranges: Ranges | None = None,
    exhaustive: bool | None = None,
    example: Vectors | None = None,
) -> list[SpokenHit]:
    """The places where a keyword is heard, likeliest first.

    Args:
        variants: Its pronunciations.
        k: Places wanted; more are looked at.
        ranges: Ids of spans that may answer; ``None`` for all that are live.
        exhaustive: Score every utterance, or only what the index proposes; ``None``: every one up to
            :data:`EXHAUSTIVE_WINDOWS`.
        example: The windows of a spoken example, which are looked for beside its phones. *Shape:* (n, width)

    Raises:
        FingerprintMismatch: The windows were encoded by another model than the pronunciations would be.
    """
    variants = list(dict.fromkeys(variants))
    if not variants or not snapshot.holds(PHONEME):
        return []
    if exhaustive is None:
        exhaustive = len(snapshot.index(PHONEME)) <= EXHAUSTIVE_WINDOWS
    hearing.match(snapshot, PHONEME)
    proposed = propose(variants, snapshot, hearing, max(LEAST_UTTERANCES, 2 * k), ranges, example)
    if exhaustive:
        rows, frames = hearing.heard_whole(snapshot, snapshot.ranges() if ranges is None else ranges)
    else:
        rows, frames = hearing.heard(snapshot, proposed.utterances)
    return decide(variants, rows, frames, hearing, k, proposed.nearness_of(rows.id))


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Exact places of a keyword before they are judged.

    Attributes:
        places: Their utterances count in ``taken``.
        taken: The utterances that were aligned.
        row: Where each utterance of ``taken`` stood in what was asked. *Shape:* (len(taken),)
        features: What the calibration looks at. *Shape:* (len(places), 5)
        best: Score per phone of every utterance that was asked. *Shape:* (n,)
    """

    places: list[Alignment]
    taken: Frames
    row: Ints
    features: npt.NDArray[np.float64]
    best: npt.NDArray[np.float64]


def candidates(
    variants: Sequence[Sought],
    frames: Frames,
    calibration: Calibration,
    k: int,
    *,
    edges: Edges | None = None,
    nearness: npt.NDArray[np.float64] | None = None,
) -> Candidates:
    """The places of a keyword in the utterances that promise most, enough of them for the ``k`` best."""
    prior = [calibration.prior * one.log_probability for one in variants]
    lengths = np.array([[len(one.phones)] for one in variants])
    whole = np.stack([scores(frames, one.phones) for one in variants]) + np.array(prior)[:, None]
    per_phone = whole / lengths
    chosen = per_phone.argmax(axis=0)
    # Ways of saying a word are alternatives, so their likelihoods add up; the best of them says where.
    most = np.maximum(whole.max(axis=0), WALL)
    gain = np.log(np.exp(whole - most).sum(axis=0).clip(1)) / lengths[chosen, 0]
    best = per_phone.max(axis=0) + gain
    total = calibration.total(best)
    promise = best * calibration.per_phone + (0 if nearness is None else nearness * calibration.nearness)
    # Calibration reorders a little: what is far behind the k best cannot come to the front.
    likely = np.argsort(-promise, kind="stable")[: 2 * k + 10]
    likely = np.sort(likely[best[likely] >= LEAST])
    taken = frames.take(likely.tolist())
    ways = [one.phones for one in variants]
    found = places(taken, ways, least=LEAST, again=AGAIN, edges=edges, per_phone=per_phone[:, likely])
    features = calibration.features(
        np.array(
            [(place.score + prior[place.variant]) / place.phones + gain[likely[place.utterance]] for place in found]
        ),
        np.array([float(place.phones) for place in found]),
        np.array([float(place.peaks[-1][0] - place.peaks[0][0]) for place in found]),
        total,
        None if nearness is None else nearness[likely[[place.utterance for place in found]]],
    )
    return Candidates(found, taken, likely, features, best)


def decide(
    variants: Sequence[Sought],
    rows: HeardRows,
    frames: Frames,
    hearing: Hearing,
    k: int,
    nearness: npt.NDArray[np.float64] | None = None,
) -> list[SpokenHit]:
    """Exact places of a keyword in utterances, with the probability that it was said there, likeliest first.

    Args:
        nearness: Of the utterances, see :meth:`Proposed.nearness_of`. *Shape:* (n,)
    """
    if not len(frames):
        return []
    calibration = hearing.calibration
    made = candidates(variants, frames, calibration, k, edges=hearing.edges, nearness=nearness)
    if not made.places:
        return []
    probabilities = calibration.probabilities(made.features)
    hits = []
    for at in np.argsort(-probabilities, kind="stable")[:k].tolist():
        place = made.places[at]
        row = int(made.row[place.utterance])
        hits.append(
            SpokenHit(
                utterance=int(rows.id[row]),
                content=int(rows.content[row]),
                start=int(rows.start[row]) + place.start * FRAME,
                stop=int(rows.start[row]) + place.stop * FRAME,
                score=place.per_phone,
                probability=float(probabilities[at]),
                heard=phone_names(made.taken.heard(place.utterance, place.start, place.stop)),
                asked=phone_names(variants[place.variant].phones),
            )
        )
    return hits


def pieces(phones: Phones) -> list[Phones]:
    """A keyword as the windows can hold it: whole, or in overlapping pieces in order."""
    if len(phones) <= WINDOW_PHONES:
        return [phones]
    starts = [*range(0, len(phones) - PIECE_PHONES, PIECE_HOP), len(phones) - PIECE_PHONES]
    return [phones[start : start + PIECE_PHONES] for start in starts]


def propose(
    variants: Sequence[Sought],
    snapshot: Snapshot,
    hearing: Hearing,
    count: int,
    ranges: Ranges | None = None,
    example: Vectors | None = None,
) -> Proposed:
    """At most ``count`` utterances whose windows lie nearest to a keyword; of a long one, to all of its pieces."""
    cut = [pieces(one.phones) for one in variants]
    queries = hearing.speech.encode_pronunciations([piece for parts in cut for piece in parts])
    expected = np.array([len(piece) for parts in cut for piece in parts]) * hearing.calibration.phone_frames
    groups = np.repeat(np.arange(len(cut)), [len(parts) for parts in cut])
    if example is not None and len(example):
        # A window of an example says for itself how long it is.
        queries = np.concatenate((queries, example.astype(np.float32)))
        expected = np.concatenate((expected, np.full(len(example), np.nan)))
        groups = np.concatenate((groups, len(cut) + np.arange(len(example))))
    wanted = min(MOST_WINDOWS, WINDOWS_PER_UTTERANCE * count)
    near = snapshot.index(PHONEME).search(queries, wanted, None if ranges is None else window_ranges(ranges))
    asked, column = np.nonzero(near.ids >= 0)
    ids, cosines = near.ids[asked, column], near.scores[asked, column]
    fits = _fits(ids, expected[asked], snapshot)
    asked, ids, cosines = asked[fits], ids[fits], cosines[fits]
    if not len(ids):
        return Proposed(np.empty(0, np.int64), np.empty(0))
    utterances, row = np.unique(utterances_of(ids), return_inverse=True)
    nearest = np.full((len(utterances), len(queries)), -1.0)
    np.maximum.at(nearest, (row, asked), cosines)
    # Where a piece was proposed elsewhere only, it cannot be nearer than the last of its proposals.
    last = np.array([cosines[asked == one].min(initial=1.0) for one in range(len(queries))])
    nearest = np.where(nearest > -1, nearest, last)
    whole = np.stack([nearest[:, groups == group].mean(axis=1) for group in range(int(groups.max()) + 1)]).max(axis=0)
    order = np.argsort(-whole, kind="stable")[:count]
    return Proposed(utterances[order], whole[order])


def _fits(ids: Ints, expected: npt.NDArray[np.float64], snapshot: Snapshot) -> npt.NDArray[np.bool_]:
    """Whether windows are about as long as the keyword takes to say. *Shape:* (n,)"""
    if not len(ids):
        return np.zeros(0, bool)
    utterances, row = np.unique(utterances_of(ids), return_inverse=True)
    sounds = snapshot.sounds(utterances)
    lengths = window_lengths(windows_of(ids), ((sounds.stop - sounds.start) // FRAME)[row])
    return np.isnan(expected) | about_as_long(lengths, expected)


def about_as_long(lengths: Ints, expected: npt.NDArray[np.float64] | float) -> npt.NDArray[np.bool_]:
    """Whether windows of so many frames may hold what takes ``expected`` frames. *Shape:* (n,)"""
    usual = np.clip(expected, WINDOW_FRAMES[0], WINDOW_FRAMES[-1])
    # A window cut off by the end of its utterance is short through no fault of the word.
    fits: npt.NDArray[np.bool_] = (np.abs(np.log(lengths / usual)) <= GATE) | (lengths < WINDOW_FRAMES[0])
    return fits


def window_lengths(windows: Ints, frames: Ints) -> Ints:
    """Frames of windows, each by its number in the grid of an utterance of so many frames. *Shape:* (n,)

    The same as :func:`window_grid` has, without laying out a grid for each utterance.
    """
    lengths = np.zeros(len(windows), np.int64)
    before = np.zeros(len(windows), np.int64)
    for length, hop in zip(WINDOW_FRAMES, WINDOW_HOPS, strict=True):
        count = -(-np.maximum(1, frames - length + hop) // hop)
        start = (windows - before) * hop
        own = (windows >= before) & (windows < before + count)
        lengths[own] = np.minimum(length, frames - start)[own]
        before += count
    return lengths
