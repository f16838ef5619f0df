"""Sets of ids as ranges: contents and subtrees have consecutive ids, so a few numbers say which thousands are meant."""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt

Ranges = npt.NDArray[np.int64]
"""*Shape:* (m, 2): ids ``first <= id < stop``."""


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


def within(ids: npt.NDArray[np.int64], ranges: Ranges) -> npt.NDArray[np.bool_]:
    """*Shape:* as ``ids``; whether each id lies in one of the (normalised) ranges."""
    if not len(ranges):
        return np.zeros(ids.shape, np.bool_)
    at = np.searchsorted(ranges[:, 0], ids, "right") - 1
    return cast(npt.NDArray[np.bool_], (at >= 0) & (ids < ranges[np.maximum(at, 0), 1]))
