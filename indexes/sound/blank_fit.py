"""Fits by how much a speech network is too fond of the blank.

A net trained with CTC leaves out more phones than it puts in, the more so the less it is sure: where two phones are
about as likely, none is said. That costs the reading of phones, and a keyword more, whose every phone must be passed.
What is taken off the blank's log-probability is fitted on people whom the network did not learn from, so that as many
phones are put in as are left out: the word insertion penalty of speech recognisers, at the scale of phones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from ...pipeline.posteriors import Posteriors
from .keyword import Phones, best_phones

STEPS: Final = np.arange(0, 3.01, 0.25)
"""Nats."""

Read = tuple[npt.NDArray[np.float32], Phones]
"""Log-probabilities of an utterance, *Shape:* (T, SYMBOLS), and the phones said in it."""


def mistakes(read: Sequence[Read], blank: float) -> npt.NDArray[np.float64]:
    """Phones heard as others, left out and put in, as shares of those said. *Shape:* (3,)"""
    from rapidfuzz.distance import Levenshtein

    counted = dict.fromkeys(("replace", "delete", "insert"), 0)
    for log_probabilities, said in read:
        for edit in Levenshtein.editops(list(said), list(best_phones(Posteriors.pack(log_probabilities, blank)))):
            counted[edit.tag] += 1
    return np.array(list(counted.values()), np.float64) / max(1, sum(len(said) for _, said in read))


def fit_blank(read: Sequence[Read]) -> tuple[float, str]:
    """What balances phones left out and put in best, and what that does; nothing where nobody speaks."""
    if not read:
        return 0.0, "nothing is taken off the blank: no people"
    made = np.stack([mistakes(read, blank) for blank in STEPS.tolist()])
    best = int(np.abs(made[:, 1] - made[:, 2]).argmin())

    def told(row: int) -> str:
        wrong, left_out, put_in = 100 * made[row]
        return f"{made[row].sum():.1%} (others {wrong:.1f}, left out {left_out:.1f}, put in {put_in:.1f})"

    return float(STEPS[best]), f"blank less {STEPS[best]:g} nats: phone errors {told(0)} -> {told(best)}"
