"""A question in, cited spans out: expand -> gather -> weigh -> fuse -> choose -> cite."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from ..pipeline.embed import Vectors
from ..pipeline.encoders.character import CharacterEncoder
from ..pipeline.errors import FingerprintMismatch, QueryError
from ..pipeline.scale import CHARACTER, DOCUMENT, SCALES, SENTENCE, TEXT_SCALES, Scale
from ..pipeline.terms import terms
from .choose import Choice, best, fill, ranked
from .cite import cite
from .evidence import Universe, gather, weigh
from .expand import QueryTerm, expand
from .filter import Filter
from .fuse import Fused, fuse
from .hit import Answer, Hit

if TYPE_CHECKING:
    from .snapshot import Snapshot

QUESTION_CHARACTERS = 20_000
"""A longer question is refused: it is a document."""


class QuestionEncoder(Protocol):
    """What retrieval asks of a text encoder."""

    fingerprint: str

    def encode_questions(self, questions: Sequence[str]) -> Vectors:
        """One unit vector a question. *Shape:* (questions, width)"""
        ...


@dataclass(frozen=True, slots=True)
class Encoders:
    """What turns a question into vectors: by its meaning, and by the spelling of its words."""

    text: QuestionEncoder
    spelling: CharacterEncoder

    @classmethod
    def load(cls, model: str, device: str) -> Encoders:
        """The encoders that a knowledge base was made with.

        Raises:
            ModelError: The model cannot be loaded.
        """
        from ..pipeline.encoders.checkpoint import DEFAULT_MODEL
        from ..pipeline.encoders.text import TextEncoder

        return cls(TextEncoder(model or DEFAULT_MODEL, device), CharacterEncoder())


def retrieve(
    question: str,
    snapshot: Snapshot,
    encoders: Encoders,
    *,
    k: int = 5,
    budget: int | None = None,
    scales: Sequence[str] = (),
    where: Filter | None = None,
) -> Answer:
    """Answer a question from one generation of a knowledge base.

    Args:
        k: Hits wanted, where there is no budget.
        budget: Answer with as many of the smallest sufficient spans as fit into this many characters in all.
        scales: Use the evidence of these scales alone and answer at the finest of them.
        where: Which sources may answer.

    Raises:
        QueryError: The question is empty or far too long, or an option makes no sense.
        FingerprintMismatch: The vectors were made by other encoders.
    """
    pinned = _check(question, k, budget, scales)
    _match(snapshot, encoders)
    timings: dict[str, float] = {}
    with _timed(timings, "total"):
        with _timed(timings, "encode"):
            vector = encoders.text.encode_questions([question])[0]
        with _timed(timings, "expand"):
            words = expand(question, snapshot, encoders.spelling)
        with _timed(timings, "search"):
            ranges = snapshot.contents(where) if where else None
            wanted = k if budget is None else 1
            universe = gather(vector, words, snapshot, ranges, wanted)
        with _timed(timings, "score"):
            fused = fuse(weigh(universe, vector, words, snapshot), len(universe), pinned)
        with _timed(timings, "choose"):
            choices = _choose(snapshot, universe, fused, k, budget, pinned)
        with _timed(timings, "cite"):
            hits = tuple(_hits(snapshot, universe, fused, choices, words, pinned, where))
    return Answer(question, snapshot.generation, hits, timings)


def _check(question: str, k: int, budget: int | None, scales: Sequence[str]) -> tuple[Scale, ...]:
    if not question.strip():
        raise QueryError("the question is empty: ask something")
    if len(question) > QUESTION_CHARACTERS:
        raise QueryError(f"the question has {len(question)} characters, more than {QUESTION_CHARACTERS}: shorten it")
    if k < 1:
        raise QueryError(f"{k} hits were asked for: ask for at least 1")
    if budget is not None and budget < 1:
        raise QueryError(f"the budget is {budget} characters: give at least 1")
    for name in scales:
        if name not in SCALES:
            raise QueryError(f"{name!r} is no scale: choose from {', '.join(SCALES)}")
    return tuple(scale for scale in TEXT_SCALES if scale.name in scales)


def _match(snapshot: Snapshot, encoders: Encoders) -> None:
    for scale, encoder in ((SENTENCE, encoders.text), (CHARACTER, encoders.spelling)):
        stored = snapshot.fingerprint(scale)
        if stored not in (None, encoder.fingerprint):
            raise FingerprintMismatch(
                f"the {scale} vectors were made by {stored}, the question would be encoded by {encoder.fingerprint}: "
                "put back the model's files as they were, or ingest the sources into a new knowledge base"
            )


def _choose(
    snapshot: Snapshot, universe: Universe, fused: Fused, k: int, budget: int | None, pinned: Sequence[Scale]
) -> Sequence[Choice]:
    finest = next((scale for scale in pinned if scale is not CHARACTER), SENTENCE)
    if budget is not None:
        return fill(universe, fused.total, budget, finest)
    if not pinned:
        return best(universe, fused.total, k, partial(_is_heading, snapshot, universe))
    return ranked(universe, fused.total, finest, k)


def _is_heading(snapshot: Snapshot, universe: Universe, sentence: int) -> bool:
    """Whether a sentence is a part of its section's heading path."""
    path = universe.spans.labels[int(universe.section[sentence])].split(" > ")
    start, stop = int(universe.start[sentence]), int(universe.stop[sentence])
    if stop - start > max(map(len, path)):
        return False
    return " ".join(snapshot.text(int(universe.content[sentence]), start, stop).split()) in path


def _hits(
    snapshot: Snapshot,
    universe: Universe,
    fused: Fused,
    choices: Sequence[Choice],
    words: Sequence[QueryTerm],
    pinned: Sequence[Scale],
    where: Filter | None,
) -> Iterator[Hit]:
    characters = (universe.stop - universe.start).astype(np.float64)
    rank = 0
    for choice in choices:
        core = slice(*choice.core)
        content = snapshot.content(int(universe.content[choice.first]), where)
        heading = universe.spans.labels[int(universe.section[choice.first])]
        start, stop, scale = int(universe.start[choice.first]), int(universe.stop[choice.last - 1]), choice.scale
        if scale is DOCUMENT:
            document = snapshot.spans(universe.spans.parent[universe.section[[choice.first]]])
            start, stop, heading = int(document.start[0]), int(document.stop[0]), ""
        context = ""
        if pinned == (CHARACTER,):
            context = snapshot.text(content.id, start, stop)
            found = _occurrence(context, universe.spans.stems[int(universe.sentence[choice.first])], words)
            if found is None:
                continue
            start, stop, scale = start + found[0], start + found[1], CHARACTER
        shares = {
            name: float(np.average(share[core], weights=characters[core])) for name, share in fused.shares.items()
        }
        rank += 1
        yield Hit(
            rank=rank,
            score=choice.score,
            scale=scale.name,
            citation=cite(snapshot, content, start, stop, heading),
            contributions={name: share for name, share in shares.items() if share > 0},
            context=context,
        )


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


@contextmanager
def _timed(timings: dict[str, float], stage: str) -> Iterator[None]:
    began = perf_counter()
    yield
    timings[stage] = (perf_counter() - began) * 1000
