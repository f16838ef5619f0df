"""``octavo reembed``: vectors of another encoder made anew beside the old ones, and put in their place at once."""

from __future__ import annotations

from collections.abc import Callable
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


def reembed_text(
    kb: Path,
    model: str | None = None,
    width: int | None = None,
    device: str = "auto",
    told: Callable[[int, int], None] = lambda done, of: None,
) -> Reembedded:
    """Makes the vectors of all text anew by another encoder, or in another width, from the text that is stored.

    One commit at the end: a kill leaves all as it was, and until then the vectors that are there answer.

    Args:
        model: As for ``octavo ingest``; by default that of the knowledge base.
        width: Numbers of a vector to keep; 0 keeps all. By default as many as before, all of another model.
        told: Told how many characters of how many are done.

    Raises:
        ModelError: The model cannot be loaded, or makes narrower vectors.
        KnowledgeBaseError: There is no knowledge base, or somebody else is writing.
    """
    from ..pipeline.encoders.checkpoint import DEFAULT_MODEL
    from ..pipeline.encoders.text import PYRAMID, TextEncoder

    with KnowledgeBase.open(kb) as base:
        named = model or base.model or DEFAULT_MODEL
        width = (0 if model else base.width) if width is None else width
        # The same vectors in coordinates whose first numbers tell most.
        named = PYRAMID if width and not model and named == DEFAULT_MODEL else named
        encoder = TextEncoder(named, device, width=width)
        with base.writer() as writer:
            made = writer.renew_text(encoder, told)
            what = {"action": "reembed", "scale": "text", "model": encoder.model, "encoder": encoder.settings}
            generation = writer.commit(what)
    return Reembedded("text", generation, made, encoder.fingerprint)
