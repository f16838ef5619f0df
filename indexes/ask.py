"""Whatever is asked, typed, spoken or by example, to the part that answers it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..pipeline.errors import QueryError
from ..pipeline.scale import PROSODY
from .confidence.assess import Beside, kept_out, settled
from .hit import Answer
from .retrieve import MOST_HITS, retrieve
from .sound.manner import Manner, boosted, by_manner

if TYPE_CHECKING:
    from .notes import Notes
    from .retrieve import Encoders
    from .store.filter import Filter
    from .store.ranges import Ranges
    from .store.snapshot import Snapshot

MORE_FOR_MANNER: Final = 4
"""Times as many hits are looked at where manner reorders or thins them out."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked; at least one of the four ways.

    Attributes:
        text: Typed.
        audio: Spoken: a file.
        like: By an example of manner: ``FILE@START-STOP``; beside a question it moves what is said like that up.
        manner: By conditions on manner, see :class:`~.sound.manner_filter.MannerFilter`; beside a question it
            leaves only what is said in recordings that way.
        words: What a speech recogniser made of ``audio``.
        k, budget, scales, where: As for :func:`octavo.indexes.retrieve.retrieve`.
        abstain_below: Confidence below which the answer abstains; ``None`` for the knowledge base's own threshold.

    Raises:
        QueryError: Nothing is asked, or both a typed and a spoken question, or options that exclude each other.
    """

    text: str | None = None
    audio: str | Path | None = None
    like: str = ""
    manner: str = ""
    words: str | None = None
    k: int = 5
    budget: int | None = None
    scales: Sequence[str] = ()
    where: Filter | None = None
    abstain_below: float | None = None

    def __post_init__(self) -> None:
        if self.abstain_below is not None and not 0 <= self.abstain_below <= 1:
            raise QueryError(f"abstain below {self.abstain_below}: give a probability from 0 to 1")
        if self.text is not None and self.audio is not None:
            raise QueryError("a question is typed or spoken, not both: leave out the text or --audio")
        if self.text is not None or self.audio is not None:
            return
        if not self.like and not self.manner:
            raise QueryError("nothing is asked: give a question, --audio FILE, --like FILE@START-STOP or --filter")
        if not 1 <= self.k <= MOST_HITS:
            raise QueryError(f"{self.k} hits were asked for: ask for 1 to {MOST_HITS:,}")
        if self.budget is not None:
            raise QueryError(f"a budget of {self.budget} characters means nothing for manner of speaking: ask with -k")
        if [name for name in self.scales if name != PROSODY.name]:
            raise QueryError(
                f"without a question manner is found at scale {PROSODY} only, not {', '.join(self.scales)}"
            )


def ask(question: Question, snapshot: Snapshot, encoders: Encoders, notes: Notes | None = None) -> Answer:
    """Answer a question from one generation of a knowledge base.

    Args:
        notes: Gets what led to the answer, for whoever asks why.

    Raises:
        QueryError: The question or an option makes no sense.
        SourceError: A recording that was given as a question or example cannot be read.
        FingerprintMismatch: The vectors were made by other encoders.
    """
    manner = None
    if question.like or question.manner:
        manner = Manner.asked(question.like, question.manner, snapshot, encoders.hearing)
    if manner is not None and question.text is None and question.audio is None:
        return by_manner(manner, snapshot, k=question.k, where=question.where)
    k, sounds = question.k, None
    if manner is not None:
        k = min(MORE_FOR_MANNER * k, MOST_HITS)
        if manner.conditions is not None:
            sounds = manner.allowed(snapshot, snapshot.contents(question.where))[1]
    answer = _answered(question, snapshot, encoders, k, sounds, notes)
    if manner is None:
        return answer
    hits = boosted(answer.hits, manner, snapshot)[: question.k]
    return settled(answer, hits) if hits or not answer.hits else kept_out(answer, snapshot, question.abstain_below)


def _answered(
    question: Question, snapshot: Snapshot, encoders: Encoders, k: int, sounds: Ranges | None, notes: Notes | None
) -> Answer:
    if question.text is not None:
        return retrieve(
            question.text,
            snapshot,
            encoders,
            k=k,
            budget=question.budget,
            scales=question.scales,
            where=question.where,
            sounds=sounds,
            beside=Beside(question.abstain_below),
            notes=notes,
        )
    from .sound.question_audio import ask_aloud
    from .sound.question_recording import listen_to

    assert question.audio is not None
    utterances = listen_to(Path(question.audio), encoders.hearing)
    return ask_aloud(
        utterances,
        snapshot,
        encoders,
        k=k,
        budget=question.budget,
        scales=question.scales,
        where=question.where,
        sounds=sounds,
        words=question.words,
        abstain_below=question.abstain_below,
        notes=notes,
    )
