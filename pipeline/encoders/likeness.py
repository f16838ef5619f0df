"""How likely a term is what was meant by a misspelt word: what the vectors say, and what the letters say.

The vectors propose, of many thousand terms a few; that these be compared letter by letter costs little. The features
are weighed by a logistic regression that is fitted beside the encoder and stands in its file, so that 0.8 means: of ten
such terms eight are what was meant.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

FEATURES = ("cosine", "behind", "letters", "beginning", "sounds", "first letter", "length", "one")
"""What is compared; "behind" is by how much the nearest term is nearer, "one" is always 1."""

_SOUNDS = (
    ("tch", "c"), ("sch", "s"), ("ph", "f"), ("gh", ""), ("ck", "k"), ("kn", "n"), ("wr", "r"), ("qu", "k"),
    ("x", "ks"),
    ("sh", "s"), ("ch", "c"), ("ti", "s"), ("ci", "s"), ("ce", "s"), ("cy", "s"), ("dge", "j"), ("ge", "j"),
    ("gi", "j"),
    ("c", "k"), ("q", "k"), ("z", "s"), ("v", "f"), ("th", "t"),
)  # fmt: skip
_VOWELS = re.compile("[aeiouyhw]+")
_TWICE = re.compile(r"(.)\1+")


@dataclass(frozen=True, slots=True)
class Likeness:
    """Weights of :data:`FEATURES`.

    Raises:
        ValueError: There are more or fewer of them.
    """

    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.weights) != len(FEATURES):
            raise ValueError(f"{len(self.weights)} weights for {len(FEATURES)} features")

    def __call__(self, word: str, terms: Sequence[str], cosines: npt.NDArray[np.floating]) -> Floats:
        """Probabilities that each of the terms proposed for ``word`` is what was meant. *Shape:* (terms,)."""
        if not terms:
            return np.empty(0)
        scores: Floats = 1 / (1 + np.exp(-(features(word, terms, cosines) @ np.array(self.weights))))
        return scores


def features(word: str, terms: Sequence[str], cosines: npt.NDArray[np.floating]) -> Floats:
    """What is compared of a word and each of the terms that were proposed for it. *Shape:* (terms, features)."""
    from rapidfuzz.distance import OSA, JaroWinkler

    rows = np.empty((len(terms), len(FEATURES)))
    rows[:, 0] = cosines
    rows[:, 1] = rows[:, 0].max() - rows[:, 0]
    sound = sounds(word)
    for row, term in enumerate(terms):
        rows[row, 2:] = (
            OSA.normalized_similarity(word, term),
            JaroWinkler.similarity(word, term),
            OSA.normalized_similarity(sound, sounds(term)),
            word[:1] == term[:1],
            abs(len(word) - len(term)) / max(len(word), len(term), 1),
            1.0,
        )
    return rows


def sounds(word: str) -> str:
    """The consonants that are heard, roughly: the first letter as it sounds, then no vowels and nothing twice.

    After the keys of Soundex and Metaphone (Philips, Hanging on the Metaphone, 1990), and cruder: it is one feature of
    several.
    """
    plain = word
    for letters, sound in _SOUNDS:
        plain = plain.replace(letters, sound)
    return plain[:1] + _TWICE.sub(r"\1", _VOWELS.sub("", plain[1:]))


def fit(examples: Sequence[tuple[Floats, int]], rounds: int = 30, ridge: float = 1e-3) -> Likeness:
    """Logistic regression by Newton's method.

    Args:
        examples: Features of the terms proposed for a word, and the row of the right one, -1 if it is not among them.
    """
    rows = np.concatenate([one for one, _ in examples])
    right = np.concatenate([np.arange(len(one)) == at for one, at in examples]).astype(np.float64)
    weights = np.zeros(rows.shape[1])
    for _ in range(rounds):
        guess = 1 / (1 + np.exp(-np.clip(rows @ weights, -30, 30)))
        slope = rows.T @ (right - guess) - ridge * weights
        curve = (rows * (guess * (1 - guess))[:, None]).T @ rows + (ridge + 1e-9) * np.eye(len(weights))
        step = np.linalg.solve(curve, slope)
        weights += step
        if np.abs(step).max() < 1e-8:
            break
    return Likeness(tuple(round(float(one), 4) for one in weights))
