"""Cuts a recording where nobody speaks: utterances of 2 to 15 s, and the phrases inside them.

Speech is where phones are heard. So music, noise and silence need no detector of their own, and where the encoder
hears nothing there is nothing to be found either.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Frames = npt.NDArray[np.int64]

PAUSE: Final = 18
"""Frames (of 20 ms) between two phones that end a phrase: 360 ms from peak to peak, of which phones take about 100."""

LONG_PAUSE: Final = 75
"""Frames of silence over which short phrases are not joined: 1.5 s."""

SHORTEST: Final = 100
LONGEST: Final = 750
"""Frames of an utterance. A lone word is shorter; nothing is longer."""

_BEFORE: Final = 7
_AFTER: Final = 10
"""Frames that belong to the first and the last phone around their peaks."""


def cut_utterances(peaks: Frames, frames: int) -> list[tuple[int, int, Frames]]:
    """Utterances of a stretch, from left to right, so that what comes later does not change what came before.

    Args:
        peaks: Frames at which a phone is heard, rising. *Shape:* (n,)
        frames: Length of the stretch.

    Returns:
        Start, stop and phrases of each; no phrases where it is one. Phrases are *shape* (p, 2).
    """
    found = []
    runs = _runs(peaks)
    first = 0
    while first < len(runs):
        last = first
        # An utterance grows over pauses while it is short, and never beyond the longest.
        while (
            last + 1 < len(runs)
            and runs[last + 1][0] - runs[last][1] < LONG_PAUSE
            and runs[last][1] - runs[first][0] < SHORTEST
            and runs[last + 1][1] - runs[first][0] + _BEFORE + _AFTER <= LONGEST
        ):
            last += 1
        left = runs[first - 1][1] if first else -frames
        right = runs[last + 1][0] if last + 1 < len(runs) else 2 * frames
        start = max(0, runs[first][0] - _BEFORE, (left + runs[first][0] + 1) // 2)
        stop = min(frames, runs[last][1] + 1 + _AFTER, (runs[last][1] + right + 1) // 2)
        parts = [(max(start, low - _BEFORE), min(stop, high + 1 + _AFTER)) for low, high in runs[first : last + 1]]
        found.append((start, stop, np.array(parts if len(parts) > 1 else [], np.int64).reshape(-1, 2)))
        first = last + 1
    return found


def _runs(peaks: Frames) -> list[tuple[int, int]]:
    """First and last peak of each phrase: between two pauses, and no longer than an utterance may be."""
    runs: list[tuple[int, int]] = []
    at = 0
    while at < len(peaks):
        stop = at
        while stop + 1 < len(peaks) and peaks[stop + 1] - peaks[stop] < PAUSE:
            stop += 1
            if peaks[stop] - peaks[at] + _BEFORE + _AFTER > LONGEST:
                # Nobody breathed for 15 s: cut at the widest gap of the last two thirds.
                inside = peaks[at:stop]
                from_ = at + int(np.searchsorted(inside, inside[0] + LONGEST // 3))
                gaps = np.diff(peaks[from_:stop])
                stop = from_ + int(np.argmax(gaps)) if len(gaps) else stop - 1
                break
        runs.append((int(peaks[at]), int(peaks[stop])))
        at = stop + 1
    return runs
