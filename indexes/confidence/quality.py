"""How good a confidence is: whether it means what it says, and whether it knows the right answers from the wrong."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

BINS: Final = 15


def calibration_error(probabilities: Floats, right: npt.NDArray[np.bool_], bins: int = BINS) -> float:
    """Expected calibration error (Naeini, Cooper and Hauskrecht 2015), in bins of equal width from 0 to 1.

    The mean over bins, weighted by their questions, of how far the mean probability is from the share of right answers.
    A probability of exactly ``i / bins`` is in the bin that ends there (the first bin holds 0 too). NaN where there are
    no questions.
    """
    if not len(right):
        return float("nan")
    bin_of = np.clip(np.ceil(probabilities * bins).astype(np.int64) - 1, 0, bins - 1)
    gaps = np.bincount(bin_of, weights=probabilities - right, minlength=bins)
    return float(np.abs(gaps).sum() / len(right))


def error_by_chance(probabilities: Floats, seed: int = 0, draws: int = 200) -> float:
    """The calibration error that is left, in the mean, where every probability is exactly right.

    With few questions most of a measured error is this: bins hold too few to show their share.
    """
    if not len(probabilities):
        return float("nan")
    generator = np.random.default_rng(seed)
    drawn = generator.random((draws, len(probabilities))) < probabilities
    return float(np.mean([calibration_error(probabilities, right) for right in drawn]))


def reliability(
    probabilities: Floats, right: npt.NDArray[np.bool_], bins: int = BINS
) -> list[tuple[float, float, int]]:
    """Mean probability, share of right answers and number of questions of each bin that holds any."""
    bin_of = np.clip(np.ceil(probabilities * bins).astype(np.int64) - 1, 0, bins - 1)
    counts = np.bincount(bin_of, minlength=bins)
    said = np.bincount(bin_of, weights=probabilities, minlength=bins)
    true = np.bincount(bin_of, weights=right.astype(np.float64), minlength=bins)
    return [
        (float(said[at] / counts[at]), float(true[at] / counts[at]), int(counts[at]))
        for at in np.flatnonzero(counts).tolist()
    ]


def risk_coverage(scores: Floats, right: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Share of questions answered, and share of wrong ones among those, as the surest are answered first.

    Questions with the same score are answered together in any order: their risk is the mean over all orders, so
    a score that is the same for all has the risk of chance. *Shape:* (n,), (n,)
    """
    count = len(scores)
    order = np.argsort(-scores, kind="stable")
    wrong = (~right[order]).astype(np.float64)
    tied = scores[order]
    heads = np.flatnonzero(np.concatenate([[True], tied[1:] != tied[:-1]])) if count else np.empty(0, np.int64)
    lengths = np.diff(np.concatenate([heads, [count]]))
    means = np.add.reduceat(wrong, heads) / lengths if count else wrong
    spread = np.repeat(means, lengths)
    upto = np.arange(1, count + 1)
    return upto / max(count, 1), np.cumsum(spread) / upto


def area_under_risk(scores: Floats, right: npt.NDArray[np.bool_]) -> float:
    """Area under the risk-coverage curve (Geifman and El-Yaniv 2017): mean risk over all coverages; lower is better."""
    return float(risk_coverage(scores, right)[1].mean()) if len(right) else float("nan")


def least_area(right: npt.NDArray[np.bool_]) -> float:
    """The area of a confidence that knows every right answer: what is left is what cannot be answered."""
    return area_under_risk(right.astype(np.float64), right)
