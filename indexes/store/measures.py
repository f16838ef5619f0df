"""The measures of manner that this version knows, by name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def measure_names() -> tuple[str, ...]:
    """Names of the columns of measures, in their order."""
    from ...pipeline.voice.measures import MEASURES

    return tuple(measure.name for measure in MEASURES)


def by_name(measures: npt.NDArray[np.float32], stored: Sequence[str], wanted: Sequence[str]) -> npt.NDArray[np.float32]:
    """Columns in the order wanted, NaN for a measure that was not taken when they were stored. *Shape:* (n, wanted)."""
    if list(stored) == list(wanted):
        return measures
    found = np.full((len(measures), len(wanted)), np.nan, np.float32)
    for column, name in enumerate(wanted):
        if name in stored:
            found[:, column] = measures[:, stored.index(name)]
    return found
