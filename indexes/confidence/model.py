"""The probability that the answer is in the hits: a curve for each feature, added up; shipped as readable JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ...pipeline.errors import ModelError
from .features import FEATURES

Floats = npt.NDArray[np.float64]

FORMAT: Final = "octavo confidence"
VERSION: Final = 1
SHIPPED: Final = "confidence.json"

ABSTAIN_BELOW: Final = 0.5
"""Default threshold: an answer that is more likely not in the hits than in them is no answer (Chow 1970, for a wrong
answer that costs twice what a question costs that is handed to a person)."""

KNOTS: Final = (0.01, 1 / 3, 2 / 3, 0.99)
"""Quantiles of a feature at which its curve bends; level outside."""


@dataclass(frozen=True, slots=True)
class ConfidenceModel:
    """A sum of curves, one a feature (a generalised additive model, Hastie and Tibshirani 1986).

    Each curve is linear between its knots and level outside of them, so that an odd question cannot be surer than any
    that was judged; it can be read, and drawn, from the JSON.

    Attributes:
        names: Features, of :data:`octavo.indexes.confidence.features.FEATURES`.
        knots: Of each feature the values at which its curve bends, rising; the outer ones are the 1st and the 99th
            percentile of what training saw.
        heights: Log-odds that the feature adds at its knots, 0 in the mean over training.
        usual: Mean of each feature where the answer was in the hits: what a value is compared with to say why an
            answer is not sure.
        bias: Log-odds of a question whose features all add 0.
    """

    names: tuple[str, ...]
    knots: tuple[tuple[float, ...], ...]
    heights: tuple[tuple[float, ...], ...]
    usual: tuple[float, ...]
    bias: float

    def __post_init__(self) -> None:
        count = len(self.names)
        if not count or any(len(column) != count for column in (self.knots, self.heights, self.usual)):
            raise ValueError(f"{count} features with {len(self.knots)} rows of knots, {len(self.heights)} of heights")
        if unknown := [name for name in self.names if name not in FEATURES]:
            raise ValueError(f"there is no feature {unknown[0]!r}")
        for name, knots, heights in zip(self.names, self.knots, self.heights, strict=True):
            if len(knots) != len(heights) or len(knots) < 2 or list(knots) != sorted(knots):
                raise ValueError(f"the curve of {name!r} has knots {knots} and heights {heights}")
        flat = [self.bias, *self.usual, *(value for row in (*self.knots, *self.heights) for value in row)]
        if not np.isfinite(flat).all():
            raise ValueError("a coefficient is not finite")

    def pulls(self, values: Mapping[str, float]) -> dict[str, float]:
        """What each feature adds to the log-odds; below 0 it makes the answer less sure."""
        curves = zip(self.names, self.knots, self.heights, strict=True)
        return {name: float(np.interp(values[name], knots, heights)) for name, knots, heights in curves}

    def shortfalls(self, values: Mapping[str, float]) -> dict[str, float]:
        """What each feature adds compared with questions that were answered; below 0 it speaks against the answer."""
        usual = self.pulls(dict(zip(self.names, self.usual, strict=True)))
        return {name: pull - usual[name] for name, pull in self.pulls(values).items()}

    def logit(self, values: Mapping[str, float]) -> float:
        """Log-odds that the answer is in the hits."""
        return self.bias + sum(self.pulls(values).values())

    def logits(self, rows: Floats) -> Floats:
        """The same for many questions. *Shape:* (n, len(FEATURES)), in the order of ``FEATURES``, to (n,)"""
        made: Floats = np.full(len(rows), self.bias)
        for name, knots, heights in zip(self.names, self.knots, self.heights, strict=True):
            made += np.interp(rows[:, FEATURES.index(name)], knots, heights)
        return made

    def to_json(self) -> dict[str, Any]:
        """One object a feature, so that a person can read it."""
        rows = zip(self.names, self.knots, self.heights, self.usual, strict=True)
        return {
            "format": FORMAT,
            "version": VERSION,
            "bias": _rounded(self.bias),
            "features": {
                name: {
                    "knots": [_rounded(value) for value in knots],
                    "heights": [_rounded(value) for value in heights],
                    "usual": _rounded(usual),
                }
                for name, knots, heights, usual in rows
            },
        }

    @classmethod
    def from_json(cls, made: Mapping[str, Any]) -> ConfidenceModel:
        """The model that :meth:`to_json` wrote.

        Raises:
            ModelError: It is something else.
        """
        if made.get("format") != FORMAT or made.get("version") != VERSION:
            raise ModelError(
                f"this is no confidence model of version {VERSION} but {made.get('format')!r}"
                f" {made.get('version')!r}: make it again with python -m octavo.indexes.confidence.fit"
            )
        try:
            features = dict(made["features"])
            knots, heights = (
                tuple(tuple(float(value) for value in one[name]) for one in features.values())
                for name in ("knots", "heights")
            )
            usual = tuple(float(one["usual"]) for one in features.values())
            return cls(tuple(features), knots, heights, usual, float(made["bias"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"the confidence model cannot be read ({error}): install Octavo again") from error


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")


def fit_curves(
    columns: Floats,
    right: npt.NDArray[np.bool_],
    names: Sequence[str],
    counts: Floats | None = None,
    ridge: float = 10.0,
) -> ConfidenceModel:
    """Fit by penalised maximum likelihood (Newton's method, le Cessie and van Houwelingen 1992).

    Curves bend at the terciles of each feature. Slopes and bends are penalised in units of the feature's spread.

    Args:
        columns: *Shape:* (n, len(names))
        counts: What each sample counts. *Shape:* (n,)
        ridge: Strength of the penalty, in samples; it keeps the curves of features that say the same small.

    Raises:
        ValueError: All or none of the answers are right.
    """
    if right.all() or not right.any():
        raise ValueError(f"{int(right.sum())} of {len(right)} answers are right: both kinds are needed to fit")
    weights = np.ones(len(right)) if counts is None else counts
    knots = np.quantile(columns, KNOTS, axis=0).T
    held = np.clip(columns, knots[:, 0], knots[:, -1])
    means = np.average(held, axis=0, weights=weights)
    spreads = np.maximum(np.sqrt(np.average((held - means) ** 2, axis=0, weights=weights)), 1e-6)
    parts = [(held - means) / spreads]
    for number in range(1, len(KNOTS) - 1):
        parts.append(np.maximum(held - knots[:, number], 0) / spreads)
    basis = np.concatenate(parts, axis=1)
    centre = np.average(basis, axis=0, weights=weights)
    design = np.concatenate((np.ones((len(held), 1)), basis - centre), axis=1)
    penalty = np.full(design.shape[1], ridge)
    penalty[0] = 0.0
    fitted = newton(design, right.astype(np.float64), weights, penalty)
    slopes = fitted[1:].reshape(len(KNOTS) - 1, len(names))
    centres = centre.reshape(len(KNOTS) - 1, len(names))
    heights = []
    for at, own in enumerate(knots):
        height = slopes[0, at] * ((own - means[at]) / spreads[at] - centres[0, at])
        for number in range(1, len(KNOTS) - 1):
            bent = np.maximum(own - own[number], 0) / spreads[at] - centres[number, at]
            height = height + slopes[number, at] * bent
        heights.append(tuple(height.tolist()))
    return ConfidenceModel(
        tuple(names),
        tuple(tuple(own.tolist()) for own in knots),
        tuple(heights),
        tuple(np.average(held[right], axis=0, weights=weights[right]).tolist()),
        float(fitted[0]),
    )


def newton(columns: Floats, wanted: Floats, counts: Floats, penalty: Floats, start: Floats | None = None) -> Floats:
    """Weights of a logistic regression with a quadratic penalty around ``start`` (0 by default). *Shape:* (columns,)

    Steps are halved where a full one would make it worse, so that it always arrives.
    """
    centre = np.zeros(columns.shape[1]) if start is None else start
    weights = centre.copy()

    def loss(at: Floats) -> float:
        logits = columns @ at
        return float(counts @ (np.logaddexp(0, logits) - wanted * logits) + 0.5 * penalty @ (at - centre) ** 2)

    for _ in range(100):
        chance = sigmoid(columns @ weights)
        slope = columns.T @ (counts * (chance - wanted)) + penalty * (weights - centre)
        curve = (columns * (counts * np.maximum(chance * (1 - chance), 1e-9))[:, None]).T @ columns + np.diag(penalty)
        step = np.linalg.solve(curve + 1e-9 * np.eye(len(curve)), slope)
        before, size = loss(weights), 1.0
        while loss(weights - size * step) > before and size > 1e-6:
            size /= 2
        weights = weights - size * step
        if np.abs(size * step).max() < 1e-8:
            break
    return weights


def sigmoid(logits: Floats) -> Floats:
    """Probabilities. *Shape:* as given"""
    made: Floats = 1 / (1 + np.exp(-np.clip(logits, -60, 60)))
    return made


@lru_cache(maxsize=1)
def shipped() -> ConfidenceModel:
    """The model that comes with Octavo.

    Raises:
        ModelError: Its file is damaged or not there.
    """
    try:
        text = files(__package__).joinpath(SHIPPED).read_text(encoding="utf-8")
        made = json.loads(text)
    except (OSError, ValueError) as error:
        raise ModelError(f"the confidence model {SHIPPED} cannot be read ({error}): install Octavo again") from error
    return ConfidenceModel.from_json(made)
