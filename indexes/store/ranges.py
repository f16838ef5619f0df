"""Sets of ids as ranges: contents and subtrees have consecutive ids, so a few numbers say which thousands are meant."""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt

from ...pipeline.scale import PHONEME, TERM_SCALES

Ranges = npt.NDArray[np.int64]
"""*Shape:* (m, 2): ids ``first <= id < stop``."""

WINDOW_BITS = 12
WINDOWS = 1 << WINDOW_BITS
"""Windows that an utterance can have; one of 15 s has 441."""

_TERM_SCALES = {scale.name for scale in TERM_SCALES}


def normalised(ranges: Ranges) -> Ranges:
    """Ranges sorted, without empty ones, those that touch or overlap joined."""
    ranges = np.asarray(ranges, np.int64).reshape(-1, 2)
    ranges = ranges[ranges[:, 0] < ranges[:, 1]]
    if len(ranges) < 2:
        return ranges
    ranges = ranges[np.argsort(ranges[:, 0], kind="stable")]
    reach = np.maximum.accumulate(ranges[:, 1])
    fresh = np.concatenate(([True], ranges[1:, 0] > reach[:-1]))
    stops = reach[np.concatenate((np.flatnonzero(fresh)[1:] - 1, [len(ranges) - 1]))]
    return np.stack((ranges[fresh, 0], stops), axis=1)


def subtracted(ranges: Ranges, taken: Ranges) -> Ranges:
    """What is left of (normalised) ranges without others. *Shape:* (m, 2)"""
    edges = np.unique(np.concatenate((normalised(ranges).ravel(), normalised(taken).ravel())))
    pieces = np.stack((edges[:-1], edges[1:]), axis=1) if len(edges) else np.empty((0, 2), np.int64)
    kept = within(pieces[:, 0], normalised(ranges)) & ~within(pieces[:, 0], normalised(taken))
    return normalised(pieces[kept])


def within(ids: npt.NDArray[np.int64], ranges: Ranges) -> npt.NDArray[np.bool_]:
    """*Shape:* as ``ids``; whether each id lies in one of the (normalised) ranges."""
    if not len(ranges):
        return np.zeros(ids.shape, np.bool_)
    at = np.searchsorted(ranges[:, 0], ids, "right") - 1
    return cast(npt.NDArray[np.bool_], (at >= 0) & (ids < ranges[np.maximum(at, 0), 1]))


def window_ranges(ranges: Ranges) -> Ranges:
    """Ids at the phoneme scale of the windows of utterances in ranges. *Shape:* (m, 2), as given."""
    return np.asarray(ranges, np.int64).reshape(-1, 2) << WINDOW_BITS


def vector_ranges(scale: str, spans: Ranges) -> Ranges | None:
    """Ids of the vectors that a scale has for spans and sounds; ``None`` for scales of terms, which belong to none."""
    if scale in _TERM_SCALES:
        return None
    return window_ranges(spans) if scale == PHONEME.name else spans


def window_ids(utterance: int, count: int) -> npt.NDArray[np.int64]:
    """Ids of the first windows of an utterance. *Shape:* (count,)

    Raises:
        ValueError: More windows than an utterance can have.
    """
    if count > WINDOWS:
        raise ValueError(f"{count} windows in one utterance, {WINDOWS} can be told apart: cut it at its pauses")
    return (utterance << WINDOW_BITS) + np.arange(count, dtype=np.int64)


def utterances_of(windows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The utterance of each id of the phoneme scale. *Shape:* as given; -1 stays -1."""
    return np.asarray(windows, np.int64) >> WINDOW_BITS


def windows_of(windows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Which window of its utterance each id of the phoneme scale is. *Shape:* as given."""
    return np.asarray(windows, np.int64) & (WINDOWS - 1)
