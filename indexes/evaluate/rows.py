"""What is compared: each scale alone, every pair of text, all fused, and all but one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

import numpy as np
import numpy.typing as npt

from ...pipeline.scale import CHARACTER, PHONEME, SCALES, SENTENCE, TEXT_SCALES, Scale
from ..evidence import LEXICAL, WINDOW, Evidence
from ..fuse import fuse
from ..late_interaction import TOKEN
from ..names import NAME
from ..sound.audible import Audible

Floats = npt.NDArray[np.float32]


class Kind(StrEnum):
    """How a row is made."""

    SINGLE = "single"
    PAIR = "pair"
    FUSED = "fused"
    WITHOUT = "without"


FUSED = "fused"


@dataclass(frozen=True, slots=True)
class Row:
    """One way to score the sentences of a question, and the utterances in which its words are heard.

    ``octavo search --scale …`` answers as a single or a pair does: from the evidence of those scales, with spans of
    the finer one. The character scale answers here with the sentence around the word, since a word alone holds no
    characters of an answer. The phoneme scale answers with utterances, and so does everything fused.

    Attributes:
        scales: Names of the scales used; of a row of kind ``without``, the evidence that is left out: a scale, or
            ``lexical`` (exact words), ``token`` (words in context), or ``window`` (the widths between two scales).
    """

    name: str
    kind: Kind
    scales: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.kind in (Kind.SINGLE, Kind.PAIR) and not all(name in SCALES for name in self.scales):
            raise ValueError(f"row {self.name} names no scales: {self.scales}")

    @property
    def unit(self) -> Scale:
        """The scale whose spans are ranked and cited."""
        if self.kind in (Kind.FUSED, Kind.WITHOUT):
            return SENTENCE
        if self.scales == (PHONEME.name,):
            return PHONEME
        spans = [SCALES[name] for name in self.scales if name != CHARACTER.name]
        # As in search: a pair with the character scale answers at the other one.
        return min(spans, key=lambda scale: scale.rank, default=SENTENCE)

    def scores(self, evidence: Sequence[Evidence], count: int, audible: Audible | None = None) -> Floats:
        """A score a sentence, and then one an utterance if any is heard. *Shape:* (count + utterances,)"""
        if self.unit is PHONEME:
            return audible.alone() if audible else np.zeros(count, np.float32)
        text = self._text(evidence, count)
        if audible is None:
            return text
        joins = self.kind is Kind.FUSED or (self.kind is Kind.WITHOUT and self.scales != (PHONEME.name,))
        return audible.joined(text) if joins else audible.unheard(text)

    def _text(self, evidence: Sequence[Evidence], count: int) -> Floats:
        if self.kind is Kind.WITHOUT:
            return fuse([part for part in evidence if not _speaks(part, self.scales[0])], count).total
        return fuse(evidence, count, [SCALES[name] for name in self.scales]).total


def _speaks(part: Evidence, left_out: str) -> bool:
    if left_out in (LEXICAL, CHARACTER.name, TOKEN, NAME):  # words of all kinds: at any scale
        return part.credit == left_out
    if left_out == WINDOW:
        return part.scale is None
    return part.scale is not None and part.scale.name == left_out


def rows(scales: Sequence[Scale], *, tokens: bool = False) -> tuple[Row, ...]:
    """Every row for a knowledge base that holds vectors of ``scales``; of those of sound, the phoneme scale.

    Args:
        tokens: Whether single words are compared in context.
    """
    text = [scale.name for scale in scales if scale in TEXT_SCALES and scale is not CHARACTER]
    # Words are there even where their spelling has no vectors, but none in a knowledge base of sound alone.
    text = [CHARACTER.name, *text] if text or PHONEME not in scales else []
    sound = [PHONEME.name] if PHONEME in scales else []
    parts = [*text, *((LEXICAL, NAME, WINDOW) if text else ()), *((TOKEN,) if tokens else ()), *sound]
    return (
        *(Row(name, Kind.SINGLE, (name,)) for name in (*text, *sound)),
        *(Row(f"{a}+{b}", Kind.PAIR, (a, b)) for a, b in combinations(text, 2)),
        Row(FUSED, Kind.FUSED),
        *(Row(f"without {name}", Kind.WITHOUT, (name,)) for name in parts),
    )
