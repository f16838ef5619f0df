"""Made dialogues: questions at the end of turns that greet, book something else, or name what it is about.

Beside the ways to ask of :mod:`octavo.indexes.confidence.training_questions`, for the one thing they lack: what is
asked comes last, and what was said before is chatter but for a word or two that tell the source.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from ...pipeline.scale import SENTENCE
from ..confidence.training_questions import Paraphraser, QuestionMaker, TrainingQuestion, content_words

if TYPE_CHECKING:
    from ..store.snapshot import Snapshot

PHRASES: Final = (
    "hello",
    "hi there",
    "good morning",
    "could you help me",
    "I am looking for something",
    "I would like to know more",
    "sure, I can help you with that",
    "let me check that for you",
    "all right, one moment",
    "there are several, which one do you mean",
    "what would you like to know about it",
    "is there anything else you would like to know",
    "I see, thank you",
    "thank you, that sounds good",
    "that would be great",
    "yes please",
    "okay",
    "no, that is all for now",
)
TELLING: Final = 6
"""Words of a source that tell it from others."""
STRANGERS: Final = 400
"""Sentences of other shelves that are talked about."""
_LEAST_WORDS: Final = 6


def strangers(snapshot: Snapshot, generator: np.random.Generator, count: int = STRANGERS) -> list[str]:
    """Some sentences of a knowledge base."""
    spans = snapshot.between(snapshot.ranges())
    rows = np.flatnonzero((spans.rank == SENTENCE.rank) & (spans.stop - spans.start >= 40))
    chosen = generator.choice(rows, min(count, len(rows)), replace=False).tolist()
    return [snapshot.text(int(spans.content[at]), int(spans.start[at]), int(spans.stop[at])) for at in chosen]


def telling_words(snapshot: Snapshot) -> dict[int, list[str]]:
    """The words of each content that stand there often and elsewhere seldom (tf-idf)."""
    spans = snapshot.between(snapshot.ranges())
    counts: dict[int, Counter[str]] = {}
    for at in np.flatnonzero(spans.parent < 0).tolist():
        content = int(spans.content[at])
        counts[content] = Counter(content_words(snapshot.text(content, int(spans.start[at]), int(spans.stop[at]))))
    held = Counter(word for own in counts.values() for word in own)
    return {
        content: sorted(own, key=lambda word: (-own[word] * np.log(len(counts) / held[word]), word))[:TELLING]
        for content, own in counts.items()
    }


class DialogueMaker(QuestionMaker):
    """Makes dialogues from one knowledge base."""

    def __init__(
        self,
        snapshot: Snapshot,
        paraphraser: Paraphraser,
        generator: np.random.Generator,
        foreign: Sequence[str],
        telling: Mapping[int, Sequence[str]],
    ) -> None:
        """With sentences of other knowledge bases, and what :func:`telling_words` found in this one."""
        super().__init__(snapshot, paraphraser, generator)
        self._foreign, self._telling = foreign, telling

    def dialogues(self, count: int) -> list[TrainingQuestion]:
        """So many."""
        made: list[TrainingQuestion] = []
        while len(made) < count:
            place = self._place()
            if len(content_words(place.text)) < _LEAST_WORDS:
                continue
            turns = [self._turn() for _ in range(int(self._generator.integers(1, 4)))]
            self._tell(turns, self._telling.get(place.content, ()))
            words = self._some(content_words(place.text), int(self._generator.integers(1, 7)), in_order=True)
            asked = self._opened(self._reworded(" ".join(words), 0.7))
            text = " ".join(f"{turn[:1].upper()}{turn[1:].rstrip(' .,;:!?-')}." for turn in turns)
            text = " ".join(f"{text} {asked[:1].upper()}{asked[1:]}".split())
            made.append(TrainingQuestion(text, "dialogue", place.content, place.start, place.stop))
        return made

    def _turn(self) -> str:
        """A phrase, something foreign, or both."""
        chance = self._generator.random()
        phrase = PHRASES[int(self._generator.integers(len(PHRASES)))]
        if chance < 0.5:
            return phrase
        talk = self._thinned(self._foreign[int(self._generator.integers(len(self._foreign)))], (0.5, 1.0))[:140]
        return talk or phrase if chance < 0.8 else f"{phrase}. {talk}"

    def _tell(self, turns: list[str], words: Sequence[str]) -> None:
        """Four times of five one of the turns holds a word or two that tell the source."""
        if not words or self._generator.random() >= 0.8:
            return
        count = min(int(self._generator.integers(1, 3)), len(words))
        chosen = [words[at] for at in self._generator.choice(len(words), count, replace=False).tolist()]
        turn = int(self._generator.integers(len(turns)))
        said = turns[turn].split()
        at = int(self._generator.integers(len(said) + 1))
        turns[turn] = " ".join([*said[:at], *chosen, *said[at:]])
