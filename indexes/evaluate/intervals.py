"""How sure a mean is, and whether two runs differ by more than chance."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

ROUNDS = 2_000
SIGN_ROUNDS = 10_000
EXACT_UP_TO = 12
"""Pairs that differ, up to which all 2^n sign patterns are counted."""

_SEED = 20_020


def bootstrap(
    values: Floats, *, level: float = 0.95, rounds: int = ROUNDS, seed: int = _SEED
) -> tuple[Floats, Floats, Floats]:
    """Means over questions with percentile bootstrap intervals (Efron 1979; Efron and Tibshirani 1993, chapter 13).

    All columns are resampled together, and NaN is left out of each mean.

    Args:
        values: *Shape:* (questions, columns)

    Returns:
        Mean, lower and upper end. *Shape of each:* (columns,); NaN where a column has no value.
    """
    count, columns = values.shape
    there = ~np.isnan(values)
    filled = np.where(there, values, 0.0)
    mean = _divided(filled.sum(axis=0), there.sum(axis=0).astype(np.float64))
    if not count:
        return mean, mean.copy(), mean.copy()
    generator = np.random.default_rng(seed)
    # How often each question is drawn; so a round is a row of a matrix product, not a loop.
    drawn = generator.multinomial(count, np.full(count, 1 / count), size=rounds).astype(np.float64)
    complete = bool(there.all())
    weights = np.full((rounds, columns), float(count)) if complete else drawn @ there
    tail = 100 * (1 - level) / 2
    means = _divided(drawn @ filled, weights)
    low, high = np.full(columns, np.nan), np.full(columns, np.nan)
    known = there.any(axis=0)
    if known.any():
        low[known], high[known] = np.nanpercentile(means[:, known], [tail, 100 - tail], axis=0)
    return mean, low, high


def sign_flip_test(differences: Floats, *, rounds: int = SIGN_ROUNDS, seed: int = _SEED) -> Floats:
    """Two-sided p-values of the paired randomisation test, a column each (Fisher 1935; for search engines Smucker,
    Allan and Carterette 2007).

    If the two runs were alike, each question's difference could as well have the other sign. With few questions that
    differ, all sign patterns are counted; else ``rounds`` random ones, and the one observed among them (Phipson and
    Smyth 2010), so that p is never 0.

    Args:
        differences: NaN where a question says nothing. *Shape:* (questions, columns)

    Returns:
        *Shape:* (columns,); 1 where nothing differs.
    """
    filled = np.nan_to_num(differences)
    generator = np.random.default_rng(seed)
    p = np.ones(filled.shape[1])
    counts = np.count_nonzero(filled, axis=0)
    for column in np.flatnonzero((counts > 0) & (counts <= EXACT_UP_TO)):
        moved = filled[filled[:, column] != 0, column]
        patterns = (np.arange(2 ** len(moved))[:, None] >> np.arange(len(moved))) & 1
        p[column] = np.mean(_as_far(np.abs((1 - 2 * patterns) @ moved), abs(moved.sum())))
    many = np.flatnonzero(counts > EXACT_UP_TO)
    if len(many):
        beyond = np.zeros(len(many))
        observed = np.abs(filled[:, many].sum(axis=0))
        for begin in range(0, rounds, 1_000):  # a block of rounds at a time bounds the memory
            shape = (min(1_000, rounds - begin), len(filled))
            signs = 1.0 - 2.0 * generator.integers(0, 2, size=shape, dtype=np.int8)
            beyond += _as_far(np.abs(signs @ filled[:, many]), observed).sum(axis=0)
        p[many] = (1 + beyond) / (1 + rounds)
    return p


def _as_far(sums: Floats, observed: Floats | float) -> npt.NDArray[np.bool_]:
    # Sums of the same numbers in another order differ by rounding.
    return np.asarray(sums >= observed * (1 - 1e-9) - 1e-12)


def _divided(sums: Floats, weights: Floats) -> Floats:
    return np.asarray(np.divide(sums, weights, out=np.full(np.shape(sums), np.nan), where=weights > 0), np.float64)
