"""A question in, cited spans out: expand -> gather -> weigh -> fuse, then choose -> cite, see :mod:`.found`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from ..pipeline.embed import Vectors
from ..pipeline.errors import FingerprintMismatch, QueryError
from ..pipeline.scale import CHARACTER, PHONEME, PROSODY, SCALES, SENTENCE, TEXT_SCALES, Scale
from .confidence.assess import Beside, assessed, assessed_sound
from .evidence import Universe, gather, weigh
from .expand import SpellingEncoder, expand
from .found import Found
from .fuse import fuse
from .hit import Answer
from .late_interaction import by_tokens
from .names import Names
from .sound.audible import UTTERANCES, heard_within, hits_within
from .sound.hearing import Hearing
from .sound.hits import find_said, sound_hits
from .sound.joined import join, listen_for, listened_for
from .store.filter import Filter
from .store.stored import storable
from .tracing import Kind, clocked, timed
from .weighting.emphasis import emphasised, question_vector
from .weighting.weights import Weights

if TYPE_CHECKING:
    from .notes import Notes
    from .sound.joined import HeardIn, Listened
    from .store.ranges import Ranges
    from .store.snapshot import Snapshot

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
        spelling: SpellingEncoder | None = None,
        hearing: Hearing | None = None,
        *,
        model: str = "",
        device: str = "auto",
        width: int = 0,
    ) -> None:
        """What is not given is loaded when it is first needed: a word looked for in recordings needs no text model."""
        given = {"text": text, "spelling": spelling, "hearing": hearing}
        self.__dict__ |= {name: encoder for name, encoder in given.items() if encoder is not None}
        self._model, self._width, self._device = model, width, device

    @classmethod
    def load(cls, model: str, device: str, hearing: Hearing | None = None, *, width: int = 0) -> Encoders:
        """The encoders that a knowledge base was made with.

        Raises:
            ModelError: The model cannot be loaded; said when it is first needed.
        """
        return cls(hearing=hearing, model=model, width=width, device=device)

    @cached_property
    def text(self) -> QuestionEncoder:
        from ..pipeline.encoders.checkpoint import DEFAULT_MODEL
        from ..pipeline.encoders.text import TextEncoder

        return TextEncoder(self._model or DEFAULT_MODEL, self._device, width=self._width)

    @cached_property
    def spelling(self) -> SpellingEncoder:
        from ..pipeline.encoders.character import character_encoder

        return character_encoder()

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
    beside: Beside | None = None,
    notes: Notes | None = None,
) -> Answer:
    """Answer a question from one generation of a knowledge base.

    Args:
        k: Hits wanted, where there is no budget.
        budget: Answer with as many of the smallest sufficient spans as fit into this many characters in all: sentences
            and, by :mod:`octavo.indexes.sound.as_written`, utterances.
        scales: Use the evidence of these scales alone and answer at the finest of them. With ``phoneme`` alone every
            hit is a word in a recording; under a budget, an utterance.
        where: Which sources may answer.
        sounds: Ids of the utterances that may answer by sound, where not all of these sources may.
        beside: What bears on confidence beside what text says, and the threshold for abstaining.
        notes: Gets what led to the answer, for whoever asks why.

    Raises:
        QueryError: The question holds no word, is far too long, or an option makes no sense.
        FingerprintMismatch: The vectors were made by other encoders.
    """
    pinned = _check(question, k, budget, scales)
    beside = beside or Beside()
    if scales and not pinned:
        answer = _said(question, snapshot, encoders, k, budget, where, sounds, notes)
        return assessed_sound(answer, snapshot, beside.abstain_below)
    timings: dict[str, float] = {}
    with clocked(timings, "total"):
        ranges = snapshot.contents(where) if where else None
        found = find(
            question, snapshot, encoders, timings, sections=k if budget is None else 1, ranges=ranges, pinned=pinned
        )
        with timed(timings, "choose"):
            choices = found.choose(k, budget)
        with timed(timings, "cite"):
            hits = tuple(islice(found.hits(choices, budget, where), k if budget is None else None))
        if notes is not None:
            notes.found, notes.choices, notes.text = found, choices, hits
        sought: Sequence[Listened] = ()
        heard: Sequence[HeardIn] = ()
        warnings: tuple[str, ...] = ()
        listens = snapshot.holds(PHONEME) and (not scales or PHONEME.name in scales)
        if listens and not scales and (mismatch := encoders.hearing.mismatch(snapshot, PHONEME)):
            listens, warnings = False, (f"recordings were not listened to: {mismatch}",)  # text answers all the same
        if listens:
            with timed(timings, "listen"):
                wanted = k if budget is None else UTTERANCES
                sought = listened_for(question, snapshot, found.words)
                allowed = ranges if sounds is None else sounds
                heard = listen_for(sought, snapshot, encoders.hearing, k=wanted, ranges=allowed)
                if notes is not None:
                    notes.listened, notes.heard = sought, heard
                if budget is None:
                    hits = join(hits, heard, snapshot, where, k)
                elif heard and not found.one_by_one():
                    hits = hits_within(found, found.universe, heard, snapshot, budget, where)
        with timed(timings, "assess"):
            answer = Answer(question, snapshot.generation, hits, timings, warnings=warnings)
            answer = assessed(answer, found, where, beside, sought, heard)
    return answer


def find(
    question: str,
    snapshot: Snapshot,
    encoders: Encoders,
    timings: dict[str, float],
    *,
    sections: int = 1,
    ranges: Ranges | None = None,
    pinned: tuple[Scale, ...] = (),
    weights: Weights = Weights.QUERY,
) -> Found:
    """Score everything that may answer a question: the first half of :func:`retrieve`.

    Args:
        timings: Gets the milliseconds of the stages.
        sections: Sections wanted at least.
        ranges: Ids of the spans that may answer.
        pinned: Fuse the evidence of these scales alone.
        weights: Whether what counts depends on the question.

    Raises:
        FingerprintMismatch: The vectors were made by other encoders.
    """
    _match(snapshot, encoders)
    with timed(timings, "expand"):
        words = expand(question, snapshot, encoders.spelling)
    with timed(timings, "encode", Kind.EMBEDDING) as traced:
        # Other encoders than ours need not tell what single words mean.
        read = getattr(encoders.text, "read_question", None)
        whole, pieces = read(question) if read else (encoders.text.encode_questions([question])[0], None)
        vector = whole
        if weights is Weights.QUERY:
            vector = question_vector(question, words, whole, encoders.text)
            words = emphasised(question, words)
        traced.embedded(question, encoders.text.fingerprint)
    if pieces is not None and snapshot.token_fingerprint != getattr(encoders.text, "token_fingerprint", ""):
        pieces = None

    def scored(universe: Universe) -> Found:
        evidence = weigh(universe, vector, words, snapshot) + names.evidence(universe)
        if pieces is not None:
            evidence += by_tokens(universe, question, pieces, words, snapshot)
        fused = fuse(evidence, len(universe), pinned)
        compare = getattr(encoders.text, "pieces", None)
        return Found(snapshot, vector, universe, evidence, fused, words, names, pinned, scored, compare)

    with timed(timings, "search"):
        names = Names(question, words, snapshot)
        universe = gather(vector, words, snapshot, ranges, sections, names)
    with timed(timings, "score"):
        return scored(universe)


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
    return pinned


def _said(
    question: str,
    snapshot: Snapshot,
    encoders: Encoders,
    k: int,
    budget: int | None,
    where: Filter | None,
    sounds: Ranges | None,
    notes: Notes | None,
) -> Answer:
    """Where a question is said, by sound alone; under a budget, the utterances in which its words are."""
    timings: dict[str, float] = {}
    with clocked(timings, "total"):
        with timed(timings, "search"):
            ranges = snapshot.contents(where) if where and sounds is None else sounds
            if budget is not None:
                hits = heard_within(question, snapshot, encoders.hearing, budget, where, ranges)
                return Answer(question, snapshot.generation, hits, timings)
            found, warnings = find_said(question, snapshot, encoders.hearing, k=k, ranges=ranges)
        if notes is not None:
            notes.said = found
        with timed(timings, "cite"):
            hits = tuple(sound_hits(found, snapshot, where))
    return Answer(question, snapshot.generation, hits, timings, warnings=warnings)


def _match(snapshot: Snapshot, encoders: Encoders) -> None:
    for scale, encoder in ((SENTENCE, encoders.text), (CHARACTER, encoders.spelling)):
        stored = snapshot.fingerprint(scale)
        if stored not in (None, encoder.fingerprint):
            raise FingerprintMismatch(
                f"the {scale} vectors were made by {stored}, the question would be encoded by {encoder.fingerprint}: "
                + (
                    "make them anew with octavo reembed --scale character"
                    if scale is CHARACTER
                    else "put back the model's files as they were, or make them anew with octavo reembed --scale text"
                )
            )
