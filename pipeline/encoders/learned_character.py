"""Vectors of terms by their spelling, learned: what people, keyboards, scanners and recognisers confuse lies near."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from ..embed import Vectors
from ..errors import ModelError
from ..scale import CHARACTER
from .likeness import Likeness
from .one_thread import one_thread

if TYPE_CHECKING:
    from .character_network import LoadedCharacterNetwork

WEIGHTS: Final = Path(__file__).parent.parent / "weights" / "character.safetensors"

_BATCH: Final = 512
"""Terms at once: fewer are slower, more are not faster."""


class LearnedCharacterEncoder:
    """The trained network of :mod:`.character_network` as an encoder of terms.

    Attributes:
        likeness: Decides among the terms that its vectors propose; ``None`` if its file holds no weights for that.

    Raises:
        ModelError: Its weights are not there, damaged, or of another version.
    """

    scale = CHARACTER

    def __init__(self, weights: Path = WEIGHTS) -> None:
        from .character_network import load_network

        loaded = load_network(weights)
        self._network = loaded.network
        self.likeness = _likeness(loaded, weights)
        self.width = loaded.network.shape.width
        self.fingerprint = f"character-network-{loaded.digest}"

    def encode(self, terms: Sequence[str]) -> Vectors:
        """One vector a term.

        *Shape:* (terms, width), rows of length 1
        """
        import torch

        from .character_network import letter_batch, letter_bytes, places_of

        vectors = np.empty((len(terms), self.width), np.float32)
        read = [letter_bytes(term) for term in terms]
        lots: dict[int, list[int]] = {}
        for at, letters in enumerate(read):
            lots.setdefault(places_of(len(letters)), []).append(at)
        with one_thread, torch.inference_mode():
            for places, lot in lots.items():
                for start in range(0, len(lot), _BATCH):
                    chosen = lot[start : start + _BATCH]
                    vectors[chosen] = self._network(letter_batch([read[at] for at in chosen], places)).numpy()
        return vectors


def _likeness(loaded: LoadedCharacterNetwork, path: Path) -> Likeness | None:
    """What decides by the weights in a file."""
    from .spelling_channel import SpellingChannel

    fitted = loaded.metadata.get("likeness")
    if not fitted:
        return None
    try:
        channel = SpellingChannel.of(loaded.channel, loaded.metadata["channel"]) if loaded.channel else None
        return Likeness(tuple(json.loads(fitted)), channel)
    except (RuntimeError, KeyError, ValueError, TypeError) as error:
        raise ModelError(
            f"what compares letters in {path} cannot be loaded ({type(error).__name__}: {error}): "
            "reinstall Octavo, or train it with `octavo train character`"
        ) from error
