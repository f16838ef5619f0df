"""A question in, cited spans out: expand -> gather -> weigh -> fuse -> choose -> cite."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from ..pipeline.embed import Vectors
from ..pipeline.encoders.character import CharacterEncoder
from ..pipeline.errors import FingerprintMismatch, QueryError
from ..pipeline.scale import CHARACTER, DOCUMENT, PHONEME, PROSODY, SCALES, SENTENCE, TEXT_SCALES, Scale
from ..pipeline.terms import terms
from .choose import Choice, best, fill, ranked
from .cite import cite
from .evidence import Evidence, Universe, gather, weigh
from .expand import QueryTerm, expand
from .filter import Filter
from .fuse import Fused, fuse
from .hit import Answer, Hit
from .sound.hearing import Hearing
from .sound.hits import find_said, sound_hits
from .sound.joined import join, listen_for, listened_for
from .stored import storable

if TYPE_CHECKING:
    from .ranges import Ranges
    from .snapshot import Snapshot

QUESTION_CHARACTERS = 20_000
"""A longer question is refused: it is a document."""


MOST_HITS = 10_000


class QuestionEncoder(Protocol):
    """What retrieval asks of a text encoder."""

    fingerprint: str

    def encode_questions(self, questions: Sequence[str]) -> Vectors:
        """One unit vector a question. *Shape:* (questions, width)"""
        ...


class Encoders:
    """What turns a question into vectors: by its meaning, by the spelling of its words, and by their sound.

    Attributes:
        text: By meaning.
        spelling: By the spelling of words.
        hearing: By sound.
    """

    def __init__(
        self,
        text: QuestionEncoder | None = None,
        spelling: CharacterEncoder | None = None,
        hearing: Hearing | None = None,
        *,
        model: str = "",
        device: str = "auto",
    ) -> None:
        """What is not given is loaded when it is first needed: a word looked for in recordings needs no text model."""
        given = {"text": text, "spelling": spelling, "hearing": hearing}
        self.__dict__ |= {name: encoder for name, encoder in given.items() if encoder is not None}
        self._model, self._device = model, device

    @classmethod
    def load(cls, model: str, device: str, hearing: Hearing | None = None) -> Encoders:
        """The encoders that a knowledge base was made with.

        Raises:
            ModelError: The model cannot be loaded; said when it is first needed.
        """
        return cls(hearing=hearing, model=model, device=device)

    @cached_property
    def text(self) -> QuestionEncoder:
        from ..pipeline.encoders.checkpoint import DEFAULT_MODEL
        from ..pipeline.encoders.text import TextEncoder

        return TextEncoder(self._model or DEFAULT_MODEL, self._device)

    @cached_property
    def spelling(self) -> CharacterEncoder:
        return CharacterEncoder()

    @cached_property
    def hearing(self) -> Hearing:
        return Hearing(device=self._device)


def retrieve(
    question: str,
    snapshot: Snapshot,
    encoders: Encoders,
    *,
    k: int = 5,
    budget: int | None = None,
    scales: Sequence[str] = (),
    where: Filter | None = None,
    sounds: Ranges | None = None,
) -> Answer:
    """Answer a question from one generation of a knowledge base.

    Args:
        k: Hits wanted, where there is no budget.
        budget: Answer with as many of the smallest sufficient spans of text as fit into this many characters in all.
        scales: Use the evidence of these scales alone and answer at the finest of them. With ``phoneme`` alone every
            hit is a word in a recording.
        where: Which sources may answer.
        sounds: Ids of the utterances that may answer by sound, where not all of these sources may.

    Raises:
        QueryError: The question holds no word, is far too long, or an option makes no sense.
        FingerprintMismatch: The vectors were made by other encoders.
    """
    pinned = _check(question, k, budget, scales)
    if scales and not pinned:
        return _said(question, snapshot, encoders, k, where, sounds)
    _match(snapshot, encoders)
    timings: dict[str, float] = {}
    with _timed(timings, "total"):
        with _timed(timings, "encode"):
            vector = encoders.text.encode_questions([question])[0]
        with _timed(timings, "expand"):
            words = expand(question, snapshot, encoders.spelling)
        with _timed(timings, "search"):
            ranges = snapshot.contents(where) if where else None
            universe = gather(vector, words, snapshot, ranges, k if budget is None else 1)
        with _timed(timings, "score"):
            evidence = weigh(universe, vector, words, snapshot)
            fused = fuse(evidence, len(universe), pinned)
        found = _Found(snapshot, universe, evidence, fused, words, pinned)
        with _timed(timings, "choose"):
            choices = found.choose(k, budget)
        with _timed(timings, "cite"):
            hits = tuple(islice(found.hits(choices, budget, where), k if budget is None else None))
        # Sound has no characters to count against a budget.
        if budget is None and snapshot.holds(PHONEME) and (not scales or PHONEME.name in scales):
            with _timed(timings, "listen"):
                sought = listened_for(question, snapshot)
                heard = listen_for(sought, snapshot, encoders.hearing, k=k, ranges=ranges if sounds is None else sounds)
                hits = join(hits, heard, snapshot, where, k)
    return Answer(question, snapshot.generation, hits, timings)


def _check(question: str, k: int, budget: int | None, scales: Sequence[str]) -> tuple[Scale, ...]:
    if not any(map(str.isalnum, question)):
        raise QueryError(f"the question {question!r} holds neither a letter nor a digit: ask something")
    if question != storable(question):
        raise QueryError(f"the question {question!r} is not valid Unicode: send it as UTF-8")
    if len(question) > QUESTION_CHARACTERS:
        raise QueryError(f"the question has {len(question)} characters, more than {QUESTION_CHARACTERS}: shorten it")
    if not 1 <= k <= MOST_HITS:
        raise QueryError(f"{k} hits were asked for: ask for 1 to {MOST_HITS:,}")
    if budget is not None and budget < 1:
        raise QueryError(f"the budget is {budget} characters: give at least 1")
    for name in scales:
        if name not in SCALES:
            raise QueryError(f"{name!r} is no scale: choose from {', '.join(SCALES)}")
    if PROSODY.name in scales:
        raise QueryError("the prosody scale holds manner and no words: ask it by example, with --like FILE@START-STOP")
    pinned = tuple(scale for scale in TEXT_SCALES if scale.name in scales)
    if scales and not pinned and budget is not None:
        raise QueryError(f"a budget of {budget} characters means nothing for places in recordings: ask with -k instead")
    return pinned


def _said(
    question: str, snapshot: Snapshot, encoders: Encoders, k: int, where: Filter | None, sounds: Ranges | None
) -> Answer:
    """Where a word is said, by sound alone."""
    timings: dict[str, float] = {}
    with _timed(timings, "total"):
        with _timed(timings, "search"):
            ranges = snapshot.contents(where) if where and sounds is None else sounds
            found, warnings = find_said(question, snapshot, encoders.hearing, k=k, ranges=ranges)
        with _timed(timings, "cite"):
            hits = tuple(sound_hits(found, snapshot, where))
    return Answer(question, snapshot.generation, hits, timings, warnings=warnings)


def _match(snapshot: Snapshot, encoders: Encoders) -> None:
    for scale, encoder in ((SENTENCE, encoders.text), (CHARACTER, encoders.spelling)):
        stored = snapshot.fingerprint(scale)
        if stored not in (None, encoder.fingerprint):
            raise FingerprintMismatch(
                f"the {scale} vectors were made by {stored}, the question would be encoded by {encoder.fingerprint}: "
                "put back the model's files as they were, or ingest the sources into a new knowledge base"
            )


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """What was found for a question, on its way to hits."""

    snapshot: Snapshot
    universe: Universe
    evidence: Sequence[Evidence]
    fused: Fused
    words: Sequence[QueryTerm]
    pinned: tuple[Scale, ...]

    def choose(self, k: int, budget: int | None) -> Sequence[Choice]:
        """Spans for the answer, best first."""
        universe, scores = self.universe, self.fused.total
        finest = next((scale for scale in self.pinned if scale is not CHARACTER), SENTENCE)
        if self._one_by_one():
            return ranked(universe, scores, finest, len(universe))
        if budget is not None:
            return fill(universe, scores, budget, finest)
        if self.pinned:
            return ranked(universe, scores, finest, k)
        own = fuse(self.evidence, len(universe), (SENTENCE,)).total
        return best(universe, scores, own, k, self._is_heading)

    def hits(self, choices: Sequence[Choice], budget: int | None, where: Filter | None) -> Iterator[Hit]:
        """Choices with their citations, as long as they are asked for."""
        universe = self.universe
        characters = (universe.stop - universe.start).astype(np.float64)
        rank, left = 0, budget
        for choice in choices:
            place = self._place(choice)
            if place is None:
                continue
            start, stop, scale, context = place
            if left is not None and self._one_by_one():
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

    def _one_by_one(self) -> bool:
        """Whether the span of a hit is known only when it is cited: a word in its sentence, a document as a whole."""
        return self.pinned in ((CHARACTER,), (DOCUMENT,), (CHARACTER, DOCUMENT))

    def _place(self, choice: Choice) -> tuple[int, int, Scale, str] | None:
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


@contextmanager
def _timed(timings: dict[str, float], stage: str) -> Iterator[None]:
    began = perf_counter()
    yield
    timings[stage] = (perf_counter() - began) * 1000
