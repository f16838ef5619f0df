"""What was found for a question, on its way from evidence to cited hits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from ..pipeline.scale import CHARACTER, DOCUMENT, SENTENCE, Scale
from ..pipeline.terms import terms
from .choose import Choice, best, fill, ranked
from .cite import cite
from .evidence import Evidence, Universe
from .expand import QueryTerm
from .fuse import Fused, fuse
from .hit import Hit
from .late_interaction import TOKEN
from .store.filter import Filter

if TYPE_CHECKING:
    from .names import Names
    from .store.snapshot import Snapshot


class Pieces(Protocol):
    """See :class:`octavo.pipeline.encoders.word_pieces.WordPieces`."""

    def nearest(self, question: str, text: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Pieces of a question by their characters, with how near the text comes to each. *Shape:* (n, 2), (n,)"""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What speaks for every sentence that came into question.

    Attributes:
        vector: Of the question. *Shape:* (width,)
        words: Of the question, and their neighbours in spelling.
        names: The question's words where titles, file names and headings hold them.
        universe: The sentences, and what contains them.
        evidence: Scores at every scale, each divided by its best.
        fused: All of them together.
        pinned: Scales that were asked for; empty for all.
        over: What would be found over another universe.
        pieces: Compares single words, where the encoder of text can.
    """

    snapshot: Snapshot
    vector: npt.NDArray[np.float32]
    universe: Universe
    evidence: Sequence[Evidence]
    fused: Fused
    words: Sequence[QueryTerm]
    names: Names
    pinned: tuple[Scale, ...]
    over: Callable[[Universe], Found]
    pieces: Pieces | None = None

    @property
    def finest(self) -> Scale:
        """The scale whose spans are chosen."""
        return next((scale for scale in self.pinned if scale is not CHARACTER), SENTENCE)

    def choose(self, k: int, budget: int | None) -> Sequence[Choice]:
        """Spans for the answer, best first."""
        universe, scores = self.universe, self.fused.total
        if self.one_by_one():
            return ranked(universe, scores, self.finest, len(universe))
        if budget is not None:
            return fill(universe, scores, budget, self.finest)
        if self.pinned:
            return ranked(universe, scores, self.finest, k)
        # Words in their context are alike in all rows of a table: they would have a row give way to its table.
        exact = [part for part in self.evidence if part.credit != TOKEN]
        own = fuse(exact, len(universe), (SENTENCE,)).total
        return best(universe, scores, own, k, self._is_heading)

    def hits(self, choices: Sequence[Choice], budget: int | None, where: Filter | None) -> Iterator[Hit]:
        """Choices with their citations, as long as they are asked for."""
        universe = self.universe
        characters = (universe.stop - universe.start).astype(np.float64)
        rank, left = 0, budget
        for choice in choices:
            place = self.place(choice)
            if place is None:
                continue
            start, stop, scale, context = place
            if left is not None and self.one_by_one():
                if stop - start > left:
                    continue
                left -= stop - start
            content = self.snapshot.content(int(universe.content[choice.first]), where)
            heading = "" if scale is DOCUMENT else universe.spans.labels[int(universe.section[choice.first])]
            core = slice(*choice.core)
            shares = {
                name: float(np.average(share[core], weights=characters[core]))
                for name, share in self.fused.shares.items()
            }
            rank += 1
            yield Hit(
                rank=rank,
                score=choice.score,
                scale=scale.name,
                citation=cite(self.snapshot, content, start, stop, heading),
                contributions={name: share for name, share in shares.items() if share > 0},
                context=context,
            )

    def one_by_one(self) -> bool:
        """Whether the span of a hit is known only when it is cited: a word in its sentence, a document as a whole."""
        return self.pinned in ((CHARACTER,), (DOCUMENT,), (CHARACTER, DOCUMENT))

    def place(self, choice: Choice) -> tuple[int, int, Scale, str] | None:
        """Start, stop and scale of what is cited for a choice, and the sentence around it if it is a word."""
        universe = self.universe
        start, stop = int(universe.start[choice.first]), int(universe.stop[choice.last - 1])
        if choice.scale is DOCUMENT:
            document = self.snapshot.spans(universe.spans.parent[universe.section[[choice.first]]])
            return int(document.start[0]), int(document.stop[0]), DOCUMENT, ""
        if self.pinned != (CHARACTER,):
            return start, stop, choice.scale, ""
        sentence = self.snapshot.text(int(universe.content[choice.first]), start, stop)
        found = _occurrence(sentence, universe.spans.stems[int(universe.sentence[choice.first])], self.words)
        return None if found is None else (start + found[0], start + found[1], CHARACTER, sentence)

    def _is_heading(self, sentence: int) -> bool:
        """Whether a sentence is a part of its section's heading path."""
        universe = self.universe
        path = universe.spans.labels[int(universe.section[sentence])].split(" > ")
        start, stop = int(universe.start[sentence]), int(universe.stop[sentence])
        if stop - start > max(map(len, path)):
            return False
        return " ".join(self.snapshot.text(int(universe.content[sentence]), start, stop).split()) in path


def _occurrence(sentence: str, stems: npt.NDArray[np.int32], words: Sequence[QueryTerm]) -> tuple[int, int] | None:
    """Characters of the word in a sentence that matches most letters of the question; the first of equals.

    Length counts because a code comes with its parts: ``E-4304`` holds the words ``e`` and ``4304`` too.
    """
    weights = {stem: weight for word in words if not word.stop_word for stem, weight in word.stems}
    found = [
        (weights[stem] * (term.stop - term.start), -term.start, term.stop)
        for stem, term in zip(stems.tolist(), terms(sentence), strict=True)
        if stem in weights
    ]
    if not found:
        return None
    _, before, end = max(found)
    return -before, end
