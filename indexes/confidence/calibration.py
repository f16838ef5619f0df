"""A knowledge base's own map from the shipped model's score to a probability.

The shipped model was fitted on other texts and other questions than a team's. Questions whose answers are known say how
its log-odds have to be stretched and shifted to be right here (Platt 1999), and which features weigh more or less here
than elsewhere. With few of them the map stays near the identity: stretch, shift and slopes have priors, the slopes the
strongest, which only many questions outvote.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ...pipeline.errors import KnowledgeBaseError
from .features import FEATURES
from .model import ABSTAIN_BELOW, newton, sigmoid

Floats = npt.NDArray[np.float64]

SETTING: Final = "confidence"
"""Key in the knowledge base's table of settings."""

STRETCH_PRIOR: Final = 12.0
SHIFT_PRIOR: Final = 2.0
"""Penalties on leaving stretch 1 and shift 0: precisions of Gaussian priors, standard deviations 0.29 and 0.71."""
SLOPE_PRIOR: Final = 30.0
"""The same for slopes, of features in units of their spread; standard deviation 0.18. Chosen on held-out shelves: with
30 questions it costs nothing, with 400 it takes up to a sixth off the area that can be avoided."""
LEAST_SPREAD: Final = 1e-6
LEAST_STRETCH: Final = 0.05
"""The map never falls, so a surer answer stays surer."""


@dataclass(frozen=True, slots=True)
class CalibrationMap:
    """Log-odds to log-odds: ``stretch * logit + shift``, rising, and a slope for each feature.

    Attributes:
        stretch: Above 0; 1 leaves as is.
        shift: Added; above 0 where the shipped model is too careful for this knowledge base.
        questions: How many it was fitted on; 0 for the shipped model as it is.
        unanswerable: How many of them had no answer, those made by leaving out the source included.
        ece_before, ece_after: Expected calibration error on these questions, after by cross-validation.
        threshold: An answer abstains below this probability.
        at: When it was fitted, ISO 8601.
        slopes: Log-odds that a feature adds here per unit beside what the shipped model gives it.
    """

    stretch: float = 1.0
    shift: float = 0.0
    questions: int = 0
    unanswerable: int = 0
    ece_before: float | None = None
    ece_after: float | None = None
    threshold: float = ABSTAIN_BELOW
    at: str = ""
    slopes: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (np.isfinite(self.stretch) and np.isfinite(self.shift)) or self.stretch <= 0:
            raise ValueError(f"a calibration stretches by {self.stretch} and shifts by {self.shift}: it has to rise")
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"the threshold {self.threshold} is no probability")
        if self.questions < 0 or not 0 <= self.unanswerable <= self.questions:
            raise ValueError(f"{self.unanswerable} of {self.questions} questions have no answer")
        if unknown := [name for name in self.slopes if name not in FEATURES]:
            raise ValueError(f"there is no feature {unknown[0]!r}")
        if not np.isfinite(list(self.slopes.values())).all():
            raise ValueError("a slope is not finite")

    def probability(self, logit: float, values: Mapping[str, float]) -> float:
        """Calibrated probability, from 0 to 1, of a question with these features."""
        own = sum(slope * values[name] for name, slope in self.slopes.items())
        return float(sigmoid(np.array([self.stretch * logit + self.shift + own]))[0])

    def probabilities(self, logits: Floats, rows: Floats | None = None) -> Floats:
        """The same for many. *Shape:* (n,), (n, len(FEATURES)) to (n,)

        Raises:
            ValueError: The map has slopes, and no features were given.
        """
        made = self.stretch * logits + self.shift
        if self.slopes:
            if rows is None:
                raise ValueError("this map has slopes: give the features too")
            made = made + rows @ np.array([self.slopes.get(name, 0.0) for name in FEATURES])
        return sigmoid(made)

    def to_json(self) -> dict[str, Any]:
        """For the knowledge base and for people."""
        return asdict(self)

    @classmethod
    def from_json(cls, text: str) -> CalibrationMap:
        """The map that a knowledge base keeps.

        Raises:
            KnowledgeBaseError: It is something else.
        """
        try:
            return cls(**json.loads(text))
        except (AttributeError, TypeError, ValueError) as error:
            raise KnowledgeBaseError(
                f"the calibration that the knowledge base keeps cannot be read ({error}): run octavo calibrate again"
            ) from error


def fit_map(logits: Floats, right: npt.NDArray[np.bool_], rows: Floats | None = None) -> CalibrationMap:
    """The map that makes the log-odds right, held near the identity by its priors.

    Args:
        logits: Of the shipped model. *Shape:* (n,)
        right: Whether the answer was in the hits. *Shape:* (n,)
        rows: Features; without them only stretch and shift are fitted. *Shape:* (n, len(FEATURES))
    """
    wanted = right.astype(np.float64)
    columns = np.stack((logits, np.ones(len(logits))), axis=1)
    penalty, centre = np.array([STRETCH_PRIOR, SHIFT_PRIOR]), np.array([1.0, 0.0])
    means = spreads = np.empty(0)
    if rows is not None and len(rows):
        means, spreads = rows.mean(axis=0), rows.std(axis=0)
        # A feature that is the same for all says nothing; a spread of 1 keeps its slope at 0.
        spreads = np.where(spreads > LEAST_SPREAD, spreads, 1.0)
        columns = np.concatenate((columns, (rows - means) / spreads), axis=1)
        penalty = np.concatenate((penalty, np.full(len(FEATURES), SLOPE_PRIOR)))
        centre = np.concatenate((centre, np.zeros(len(FEATURES))))
    stretch, shift, *slopes = newton(columns, wanted, np.ones(len(logits)), penalty, centre).tolist()
    if stretch < LEAST_STRETCH:
        # Score and truth run against each other here: only the level can be learned.
        fixed = newton(np.ones((len(logits), 1)), wanted, np.ones(len(logits)), np.array([SHIFT_PRIOR]))
        return CalibrationMap(LEAST_STRETCH, float(fixed[0]))
    per_unit = np.array(slopes) / spreads
    names = FEATURES if slopes else ()
    return CalibrationMap(
        stretch,
        shift - float(per_unit @ means),
        slopes={name: float(f"{slope:.6g}") for name, slope in zip(names, per_unit.tolist(), strict=True)},
    )


def cross_validated(
    logits: Floats,
    right: npt.NDArray[np.bool_],
    groups: npt.NDArray[np.int64],
    rows: Floats | None = None,
    folds: int = 5,
    seed: int = 0,
) -> Floats:
    """Probabilities of each question by maps that were fitted without its group. *Shape:* (n,)

    Args:
        groups: Questions of one group stay together: those asked with and without their source.
    """
    distinct = np.unique(groups)
    order = np.random.default_rng(seed).permutation(distinct)
    fold = np.empty(len(distinct), np.int64)
    fold[np.searchsorted(distinct, order)] = np.arange(len(distinct)) % folds
    mine = fold[np.searchsorted(distinct, groups)]
    made = np.empty(len(logits))
    for number in range(folds):
        out = mine == number
        if out.any():
            fitted = fit_map(logits[~out], right[~out], None if rows is None else rows[~out])
            made[out] = fitted.probabilities(logits[out], None if rows is None else rows[out])
    return made
