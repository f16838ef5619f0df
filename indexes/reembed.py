"""``octavo reembed``: vectors of another encoder made anew beside the old ones, and put in their place at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..pipeline.encoders.character import character_encoder
from .collection import KnowledgeBase


@dataclass(frozen=True, slots=True)
class Reembedded:
    """What was made anew.

    Attributes:
        scale: Asked for.
        generation: The newest generation afterwards; unchanged if there was nothing to do.
        made: Whether there was something to do.
        fingerprint: Of the encoder whose vectors are there now.
    """

    scale: str
    generation: int
    made: bool
    fingerprint: str

    def __str__(self) -> str:
        if not self.made:
            return f"the {self.scale} vectors are those of {self.fingerprint} already"
        return f"generation {self.generation}: the {self.scale} vectors are now those of {self.fingerprint}"


def reembed_terms(kb: Path, scale: str) -> Reembedded:
    """Makes the vectors of a scale of terms anew, if another encoder made them.

    Terms are few and stand in the catalog, so no source is read. Whoever holds an older generation goes on with it.

    Raises:
        KnowledgeBaseError: There is none, or somebody else is writing.
    """
    encoder = character_encoder()
    with KnowledgeBase.open(kb, term_encoder=encoder) as base, base.writer() as writer:
        stale = scale in writer.renew_terms()
        generation = writer.commit({"action": "reembed", "scale": scale})
    return Reembedded(scale, generation, stale, encoder.fingerprint)
