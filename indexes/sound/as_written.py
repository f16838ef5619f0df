"""How much of a budget of characters a stretch of sound takes: as much as someone would read if it were written down.

Where a transcript has the words, it takes the transcript's characters. Elsewhere it takes 15 characters a second: about
150 words a minute, the pace of talk, of six characters each with the space. So a budget means the same effort whatever
answers, and a position in a recording without transcript is a position in the text that nobody wrote.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from ...pipeline.recording import SAMPLE_RATE

Ints = npt.NDArray[np.int64]

CHARACTERS_A_SECOND: Final = 15


def as_written(samples: npt.ArrayLike) -> Ints:
    """Positions in samples as positions in characters; those of samples in order are in order."""
    characters: Ints = np.asarray(samples, np.int64) * CHARACTERS_A_SECOND // SAMPLE_RATE
    return characters
