"""How likely a term is what was meant by a misspelt word: what the vectors say, and what the letters say.

The vectors propose, of many thousand terms a few; that these be compared letter by letter costs little. The features
are weighed by a conditional logit that is fitted beside the encoder and stands in its file, so that 0.8 means: of ten
such terms eight are what was meant.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


class Channel(Protocol):
    """Compares a word with terms letter by letter, such as :class:`.spelling_channel.SpellingChannel`."""

    def __call__(self, word: str, terms: Sequence[str]) -> Floats:
        """Log probabilities that the word is written for each term. *Shape:* (terms,)"""

    def reads(self, word: str) -> bool:
        """Whether it knows the word's letters."""


FEATURES = ("cosine", "behind", "written", "letters", "beginning", "sounds", "first letter", "length", "one")
"""What is compared. "written" is the log probability, by the channel, of the word for that of the terms which makes it
likeliest, "behind" by how much less it is for this one; "one" is always 1."""

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
    """Weights of :data:`FEATURES`, and what compares letter by letter; without it "behind" and "written" are 0.

    Raises:
        ValueError: There are more or fewer of them.
    """

    weights: tuple[float, ...]
    channel: Channel | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if len(self.weights) != len(FEATURES):
            raise ValueError(f"{len(self.weights)} weights for {len(FEATURES)} features")

    def reads(self, word: str) -> bool:
        """Whether it can judge what is meant by ``word``: its letters are known."""
        return self.channel is None or self.channel.reads(word)

    def __call__(self, word: str, terms: Sequence[str], cosines: npt.NDArray[np.floating]) -> Floats:
        """Probabilities that each of the terms proposed for ``word`` is what was meant; at most 1 together.

        *Shape:* (terms,)
        """
        if not terms:
            return np.empty(0)
        return _chances(features(word, terms, cosines, self.channel), np.array(self.weights))


def features(
    word: str, terms: Sequence[str], cosines: npt.NDArray[np.floating], channel: Channel | None = None
) -> Floats:
    """What is compared of a word and each of the terms that were proposed for it. *Shape:* (terms, features)."""
    from rapidfuzz.distance import OSA, JaroWinkler

    rows = np.empty((len(terms), len(FEATURES)))
    rows[:, 0] = cosines
    written = channel(word, terms) if channel else np.zeros(len(terms))
    rows[:, 2] = written.max() if len(terms) else 0.0
    rows[:, 1] = written - rows[:, 2]
    sound = sounds(word)
    for row, term in enumerate(terms):
        rows[row, 3:] = (
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


def fit(examples: Sequence[tuple[Floats, int]], rounds: int = 30, ridge: float = 1e-2) -> Likeness:
    """Conditional logit (McFadden, 1974) by Newton's method: of the terms proposed one was meant, or none of them.

    Args:
        examples: Features of the terms proposed for a word, and the row of the right one, -1 if it is not among them.
    """
    size = len(FEATURES)
    weights = np.zeros(size)
    for _ in range(rounds):
        slope, curve = -ridge * weights, ridge * np.eye(size)
        for rows, right in examples:
            chances = _chances(rows, weights)
            expected = chances @ rows
            slope += (rows[right] if right >= 0 else 0.0) - expected
            curve += (rows * chances[:, None]).T @ rows - np.outer(expected, expected)
        step = np.linalg.solve(curve, slope)
        # A whole step may overshoot while the weights are far off.
        step *= min(1.0, 10 / np.abs(step).max()) if step.any() else 1.0
        weights += step
        if np.abs(step).max() < 1e-6:
            break
    return Likeness(tuple(round(float(one), 4) for one in weights))


def _chances(rows: Floats, weights: Floats) -> Floats:
    """Softmax over the terms and that none of them was meant, which scores 0. *Shape:* (terms,)."""
    scores = rows @ weights
    highest = max(0.0, float(scores.max()))
    powers = np.exp(scores - highest)
    chances: Floats = powers / (powers.sum() + np.exp(-highest))
    return chances
