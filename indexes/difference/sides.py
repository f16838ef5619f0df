"""The two things that are compared: generations of one knowledge base, or two knowledge bases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...pipeline.errors import QueryError
from ..collection import KnowledgeBase
from ..retrieve import Encoders, retrieve
from ..store.catalog import NAME
from ..store.sources import StoredSource
from .alignment import Alignment

if TYPE_CHECKING:
    from ..hit import Answer
    from ..store.manifest import GenerationRecord
    from ..store.snapshot import Snapshot


@dataclass(frozen=True, eq=False)
class Side:
    """A generation of a knowledge base, open to be asked.

    Attributes:
        encoders: What its questions are encoded with.
        snapshot: Held as long as the side is compared.
    """

    base: KnowledgeBase
    encoders: Encoders
    snapshot: Snapshot

    @property
    def number(self) -> int:
        """Of the generation."""
        return self.snapshot.generation

    @cached_property
    def sources(self) -> list[StoredSource]:
        """Its paths, sorted."""
        return self.base.sources(self.number)

    @cached_property
    def records(self) -> list[GenerationRecord]:
        """Of all commits up to this one, the oldest first."""
        return [record for record in self.base.generations() if record.number <= self.number]

    @cached_property
    def model(self) -> str:
        """Name of the text model of its newest ingest."""
        return next((str(record.what["model"]) for record in reversed(self.records) if record.what.get("model")), "")

    def ask(self, question: str, k: int, snapshot: Snapshot | None = None) -> Answer:
        """Its answer, or that of a replay of it."""
        return retrieve(question, snapshot or self.snapshot, self.encoders, k=k)

    def text(self, source: StoredSource) -> str:
        """The whole text of a source."""
        return self.snapshot.text(source.content, 0, source.text_length)

    def to_json(self) -> dict[str, Any]:
        """As in ``octavo diff --json``."""
        return {
            "knowledge_base": str(self.base.path),
            "generation": self.number,
            "model": self.model,
            "sources": len(self.sources),
            "notes": list(self.snapshot.notes),
        }


class Texts:
    """Texts of sources on both sides, aligned as they are needed."""

    def __init__(self, before: Side, after: Side) -> None:
        self._before, self._after = before, after
        self._known: dict[tuple[int, int, bool], Alignment | None] = {}

    def moved(self, old: StoredSource, new: StoredSource, start: int, stop: int) -> tuple[int, int] | None:
        """Characters of the old text of a source in its new one; ``None`` if nothing is left of them."""
        alignment = self._alignment(old, new, back=False)
        return (start, stop) if alignment is None else alignment.moved(start, stop)

    def moved_back(self, old: StoredSource, new: StoredSource, start: int, stop: int) -> tuple[int, int] | None:
        """Characters of the new text in the old one."""
        alignment = self._alignment(old, new, back=True)
        return (start, stop) if alignment is None else alignment.moved(start, stop)

    def _alignment(self, old: StoredSource, new: StoredSource, *, back: bool) -> Alignment | None:
        key = old.content, new.content, back
        if key not in self._known:
            texts = self._before.text(old), self._after.text(new)
            self._known[key] = None if texts[0] == texts[1] else Alignment(*(reversed(texts) if back else texts))
        return self._known[key]


def parse_side(text: str, kb: Path | None) -> tuple[Path, int | None]:
    """The folder and the generation that ``7``, ``FOLDER`` or ``FOLDER@7`` names.

    Raises:
        QueryError: It names none.
    """
    if text.isdecimal():
        if kb is None:
            raise QueryError(f"generation {text} of which knowledge base? Give --kb DIR, or write DIR@{text}")
        return kb, int(text)
    if (Path(text) / NAME).exists():
        return Path(text), None
    folder, mark, number = text.rpartition("@")
    if mark and number.isdecimal():
        return Path(folder), int(number)
    raise QueryError(
        f"{text} is neither a generation nor a folder with a knowledge base: write 7, DIR or DIR@7; octavo status"
        " --generations lists the generations"
    )


@contextmanager
def opened(
    before: tuple[Path, int | None], after: tuple[Path, int | None], *, device: Any = "auto"
) -> Iterator[tuple[Side, Side]]:
    """Both sides; two generations of one folder share one open knowledge base.

    Raises:
        QueryError: There never was such a generation.
        GenerationGone: It can no longer be read in full.
    """
    with ExitStack() as stack:
        bases: dict[Path, KnowledgeBase] = {}
        sides = []
        for folder, number in (before, after):
            root = folder.resolve()
            if root not in bases:
                bases[root] = stack.enter_context(KnowledgeBase.open(folder, device=device))
            base = bases[root]
            sides.append(Side(base, base.encoders(), stack.enter_context(base.snapshot(number))))
        yield sides[0], sides[1]
