"""How well a character encoder finds what was meant, and the fit of what decides among its proposals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..embed import Vectors
from ..encoders.character_network import CharacterNetwork, letter_batch, letter_bytes, places_of
from ..encoders.likeness import Likeness, features, fit
from ..encoders.spelling_channel import ChannelNetwork, SpellingChannel
from .lexicon import part_of
from .spelling_noise import code, code_misread, other_code
from .spelling_pairs import SpellingMaterial

Encoder = Callable[[Sequence[str]], Vectors]
"""Terms as vectors. *Shape:* (terms, width)."""

_PROPOSED: Final = 50
_ABSENT: Final = 0.25
"""Share of words that likeness is fitted on whose word is not among those proposed."""

_AMONG: Final = 6_000
"""Words among which the right one has to be the nearest."""


@dataclass(frozen=True, slots=True)
class SpellingScore:
    """Shares of what was found.

    Attributes:
        typed: Misspellings that people made whose word is the nearest among 6,000.
        made: The same for misspellings by all noise models.
        codes: Codes that lie nearer to a misprint of themselves than to a code that differs by a figure.
        pairs: Misspellings that people made, counted.
    """

    typed: float
    made: float
    codes: float
    pairs: int

    def __str__(self) -> str:
        return f"{self.typed:.1%} of {self.pairs} typed, {self.made:.1%} made, codes {self.codes:.1%}"


def batch_vectors(network: CharacterNetwork, read: Sequence[bytes]) -> Tensor:
    """Vectors of terms, those of about a length together. *Shape:* (n, width)."""
    lots: dict[int, list[int]] = {}
    for at, letters in enumerate(read):
        lots.setdefault(places_of(len(letters)), []).append(at)
    device = next(network.parameters()).device
    made = [network(letter_batch([read[at] for at in lot], places).to(device)) for places, lot in sorted(lots.items())]
    order = [at for _, lot in sorted(lots.items()) for at in lot]
    back = torch.empty(len(order), dtype=torch.long)
    back[order] = torch.arange(len(order))
    return torch.cat(made)[back.to(device)]


@torch.inference_mode()
def encode(network: CharacterNetwork, terms: Sequence[str], batch: int = 1_024) -> Vectors:
    """*Shape:* (terms, width)."""
    order = sorted(range(len(terms)), key=lambda at: len(terms[at]))
    vectors = np.empty((len(terms), network.shape.width), np.float32)
    for first in range(0, len(order), batch):
        chosen = order[first : first + batch]
        vectors[chosen] = batch_vectors(network, [letter_bytes(terms[at]) for at in chosen]).cpu().numpy()
    return vectors


def score(encoder: Encoder, material: SpellingMaterial, part: str, made: int = 600, seed: int = 7) -> SpellingScore:
    """Measures any encoder on words of a part that nothing was learnt from."""
    chance = Random(f"{seed} {part}")
    typed = chance.sample(material.kept[part], min(len(material.kept[part]), made))
    own = _words(material, part)
    noisy = []
    for word in chance.sample(own, min(made, len(own))):
        kind = chance.choice(("respelt", "slip", "letters", "misread", "spaces"))
        noisy.append((word, material.noisy(word, kind, chance)))
    asked = [*typed, *noisy]
    among = dict.fromkeys(word for word, _ in asked)
    rest = [word for word in material.vocabulary if word not in among]
    words = [*among, *chance.sample(rest, max(0, min(len(rest), _AMONG - len(among))))]
    place = {word: at for at, word in enumerate(words)}
    cosines = encoder([written for _, written in asked]) @ encoder(words).T
    right = cosines.argmax(1) == np.array([place[word] for word, _ in asked])
    codes = [code(chance) for _ in range(made)]
    near, far = ([make(one, chance) for one in codes] for make in (code_misread, other_code))
    vectors = [encoder(one) for one in (codes, near, far)]
    kept = np.einsum("nw,nw->n", vectors[0], vectors[1]) > np.einsum("nw,nw->n", vectors[0], vectors[2])
    return SpellingScore(_mean(right[: len(typed)]), _mean(right[len(typed) :]), _mean(kept), len(typed))


def fit_likeness(
    encoder: Encoder, letters: ChannelNetwork | None, material: SpellingMaterial, made: int = 900, seed: int = 11
) -> Likeness:
    """Weights of what decides among proposals, from words watched: what is learnt from lies too near.

    Args:
        encoder: Proposes.
        letters: Compares letter by letter; without it the other features decide alone.
    """
    chance = Random(seed)
    own = _words(material, "watched")
    pairs = [*material.kept["watched"]] * 2
    for number in range(made):
        word = chance.choice(own)
        kind = ("poor", "respelt", "slip")[number % 3]
        pairs.append(
            (word, material.poorly(word, chance) if kind == "poor" else material.noisy(word, kind, chance).lower())
        )
    channel = SpellingChannel(letters) if letters else None
    examples = []
    for word, written, near, cosines in _proposed(encoder, material, pairs, chance):
        if word == written:
            continue
        right = near.index(word) if word in near else -1
        if right >= 0 and chance.random() < _ABSENT:  # and where the word itself is not there, nothing is right
            near.pop(right)
            cosines, right = np.delete(cosines, right), -1
        examples.append((features(written, near, cosines, channel), right))
    return Likeness(fit(examples).weights, channel)


def decided(encoder: Encoder, likeness: Likeness, material: SpellingMaterial, part: str, seed: int = 13) -> float:
    """Share of the misspellings that people typed whose word is the likeliest of those proposed among 6,000."""
    found = [
        near[int(likeness(written, near, cosines).argmax())] == word
        for word, written, near, cosines in _proposed(encoder, material, material.kept[part], Random(seed))
    ]
    return _mean(np.array(found, bool))


def _words(material: SpellingMaterial, part: str) -> list[str]:
    return [word for word in material.vocabulary if part_of(word) == part and len(word) > 3]


def _proposed(
    encoder: Encoder, material: SpellingMaterial, pairs: Sequence[tuple[str, str]], chance: Random
) -> Iterator[tuple[str, str, list[str], npt.NDArray[np.float32]]]:
    """Words, what was written for them, the 50 terms nearest to that among 6,000, and their cosines."""
    among = dict.fromkeys(word for word, _ in pairs)
    rest = [word for word in material.vocabulary if word not in among]
    words = [*among, *chance.sample(rest, max(0, min(len(rest), _AMONG - len(among))))]
    vectors = encoder(words).T
    for (word, written), asked in zip(pairs, encoder([written for _, written in pairs]), strict=True):
        cosines = asked @ vectors
        best = np.argsort(-cosines, kind="stable")[:_PROPOSED]
        yield word, written, [words[at] for at in best], cosines[best]


def _mean(found: npt.NDArray[np.bool_]) -> float:
    return round(float(found.mean()), 4) if len(found) else 0.0
