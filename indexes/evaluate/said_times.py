"""When characters of transcripts are said, and which characters are said when: whole contents at a time."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from ...pipeline.document import Times
from ...pipeline.recording import SAMPLE_RATE
from ..sound.as_written import as_written
from ..store.snapshot import Snapshot

Ints = npt.NDArray[np.int64]

_SAMPLES_A_MILLISECOND = SAMPLE_RATE // 1000
_RECORDINGS = 256


def milliseconds(samples: npt.ArrayLike) -> Ints:
    """Whole milliseconds from the first sample of a recording."""
    whole: Ints = np.asarray(samples, np.int64) // _SAMPLES_A_MILLISECOND
    return whole


class SaidTimes:
    """The times of one generation's recordings."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._times = lru_cache(_RECORDINGS)(self._load)

    def said(self, content: int, starts: Ints, stops: Ints) -> tuple[Ints, Ints]:
        """When spans of a transcript are said, in milliseconds; nothing lasts 0 ms if its time is not known.

        A cue that a span touches counts as a whole, as in citations.
        """
        times = self._times(content)
        begins, ends = times["start"].astype(np.int64), times["stop"].astype(np.int64)
        first = np.searchsorted(np.maximum.accumulate(ends), starts, "right") if len(times) else np.zeros_like(starts)
        last = np.searchsorted(begins, stops, "left")
        made = np.zeros((len(starts), 2), np.int64)
        for at, (a, b) in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
            if a < b:
                made[at] = times["from"][a:b].min(), times["to"][a:b].max()
            elif a:
                made[at] = times["to"][a - 1]
        return milliseconds(made[:, 0]), milliseconds(made[:, 1])

    def written(self, content: int, start: int, stop: int, text_length: int) -> tuple[int, int] | None:
        """The characters that are said in samples ``[start, stop)``; as if written where there is no transcript."""
        if text_length:
            return self._snapshot.said(content, start, stop)
        first, last = (int(one) for one in as_written([start, stop]))
        return first, max(last, first + 1)

    def _load(self, content: int) -> Times:
        times = self._snapshot.times(content, 0, self._snapshot.content(content).text_length)
        return times[np.argsort(times["start"], kind="stable")]
