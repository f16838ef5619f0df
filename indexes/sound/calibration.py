"""From keyword scores to probabilities that a word was said."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt

from .coefficients import Coefficients

Floats = npt.NDArray[np.float64]

RIVALS: Final = 32
"""Utterances among which a place has its share of the evidence for a word."""


@dataclass(frozen=True, slots=True)
class Calibration(Coefficients):
    """A logistic model of what tells a word from what only sounds like it; fitted with the speech encoder.

    Beside the score per phone it looks at the number of phones (a long word is not said by chance), at how far the
    speaking rate is from the usual, at how near the windows there lie to the word in the space that both share, and at
    the place's share of all evidence for the word. That share is the
    sum-to-one normalisation of spoken term detection (Mamou et al. 2013): words that resemble much of what is
    said in a collection need a better score than words that resemble nothing.

    Attributes:
        bias, per_phone, phones, haste, share, nearness: Weights, see :meth:`features`.
        prior: Weight of a pronunciation's log-probability beside its score.
        phone_frames: Frames that a phone usually takes.
        sharpness: How fast the evidence of a place falls with its score per phone.
    """

    CALLED: ClassVar[str] = "calibration"

    bias: float = 1.65
    per_phone: float = 1.2
    phones: float = 0.3
    haste: float = -1.2
    share: float = 0.7
    prior: float = 0.5
    nearness: float = 6.0
    phone_frames: float = 4.0
    sharpness: float = 2.0

    def __post_init__(self) -> None:
        for one in fields(self):
            if not np.isfinite(getattr(self, one.name)):
                raise ValueError(f"{one.name} of a calibration is {getattr(self, one.name)}")
        if self.phone_frames <= 0 or self.sharpness <= 0:
            raise ValueError(f"phones take {self.phone_frames} frames, sharpness is {self.sharpness}: both are above 0")

    def evidence(self, per_phone: Floats) -> Floats:
        """The weight of places in the sum of all evidence for a word. *Shape:* (n,)"""
        weight: Floats = np.exp(self.sharpness * per_phone)
        return weight

    def total(self, per_phone: Floats) -> float:
        """The evidence for a word: of the best place of each utterance looked at, of the best :data:`RIVALS` of them.

        Only the best count, so that the sum is about the same whether all utterances were looked at or only those that
        the index proposed, and hardly grows with the collection. *Shape:* (n,)
        """
        best = np.sort(per_phone)[-RIVALS:]
        return float(self.evidence(best).sum())

    def features(
        self, per_phone: Floats, phones: Floats, frames: Floats, total: float, nearness: Floats | None = None
    ) -> Floats:
        """What the model looks at, in the order of its weights, the bias left out. *Shape:* (n, 5)

        Args:
            per_phone: Scores per phone. *Shape:* (n,)
            phones: Phones of the variant. *Shape:* (n,)
            frames: Frames from the first to the last phone's peak. *Shape:* (n,)
            total: From :meth:`total`.
            nearness: Cosines of the word, or of a spoken example, and the nearest windows of each place's utterance,
                less the best of all utterances; by default everything is as near as the best. *Shape:* (n,)
        """
        haste = np.abs(np.log(np.maximum(frames, 1) / (self.phone_frames * np.maximum(phones - 1, 0.5))))
        share = self.sharpness * per_phone - np.log(max(total, 1e-30))
        near = np.zeros(len(per_phone)) if nearness is None else nearness
        return np.stack((per_phone, np.log(phones / 6), haste, np.minimum(share, 0), near), axis=1)

    def probabilities(self, features: Floats) -> Floats:
        """*Shape:* (n, 5) to (n,), between 0 and 1."""
        weights = np.array([self.per_phone, self.phones, self.haste, self.share, self.nearness])
        logits = self.bias + features @ weights
        probabilities: Floats = 1 / (1 + np.exp(-np.clip(logits, -60, 60)))
        return probabilities

    def fitted(self, features: Floats, said: npt.NDArray[np.bool_], *, ridge: float = 1e-6) -> Calibration:
        """The same with weights fitted by maximum likelihood (iteratively reweighted least squares).

        Args:
            features: Of places found for many words, from :meth:`features`. *Shape:* (n, 5)
            said: Whether the word is said there. *Shape:* (n,)
            ridge: Keeps weights finite where the places can be told apart without error.

        Raises:
            ValueError: All or none of them are said.
        """
        if said.all() or not said.any():
            raise ValueError(f"{int(said.sum())} of {len(said)} places are said: both kinds are needed to fit")
        columns = np.concatenate((np.ones((len(features), 1)), features), axis=1)
        weights = np.zeros(columns.shape[1])
        for _ in range(50):
            chance = 1 / (1 + np.exp(-np.clip(columns @ weights, -30, 30)))
            spread = np.maximum(chance * (1 - chance), 1e-6)
            hessian = (columns * spread[:, None]).T @ columns / len(said) + ridge * np.eye(len(weights))
            step = np.linalg.solve(hessian, columns.T @ (said - chance) / len(said) - ridge * weights)
            weights += step
            if np.abs(step).max() < 1e-9:
                break
        names = ("bias", "per_phone", "phones", "haste", "share", "nearness")
        return replace(self, **dict(zip(names, weights.tolist(), strict=True)))
