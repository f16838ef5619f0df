"""Questions to learn confidence from, made from the texts themselves, without a language model.

Real questions share some words with what answers them, paraphrase others, leave most out, and come with words that
have nothing to do with it. So do these: each is made from a sentence or a paragraph by dropping words, by putting
words near in meaning in their place, by asking from the neighbouring sentence, with slips of the hand, or inside of
chatter. None is meant to read well; what counts is that the model sees every degree of nearness in words and in
meaning, and that the degree is not known from how the question looks.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from ...pipeline.function_words import FUNCTION_WORDS
from ...pipeline.scale import SENTENCE
from ...pipeline.stems import stem

if TYPE_CHECKING:
    from ..retrieve import QuestionEncoder
    from ..store.snapshot import Snapshot

Ints = npt.NDArray[np.int64]

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_STOP = FUNCTION_WORDS.get("en", frozenset())
_OPENINGS: Final = (
    "what {}",
    "who {}",
    "where {}",
    "when did {}",
    "how {}",
    "why did {}",
    "which {}",
    "how many {}",
    "what is said of {}",
    "tell me about {}",
    "is it true that {}",
    "{}",
)
_LEAST_WORDS: Final = 6
"""Content words of a sentence that is asked about."""

NEIGHBOURS: Final = 8
LEAST_LIKENESS: Final = 0.55
VOCABULARY: Final = 5_000
"""Words for which others near in meaning are known, the most frequent ones of the knowledge base."""


@dataclass(frozen=True, slots=True)
class TrainingQuestion:
    """A question and the place that answers it.

    Attributes:
        style: How it was made.
        content: Id of the content that answers; -1 for none.
        start, stop: Half-open, the characters that answer.
    """

    text: str
    style: str
    content: int
    start: int
    stop: int


class Paraphraser:
    """Words near in meaning, by the vectors of single words."""

    def __init__(self, words: Sequence[str], encoder: QuestionEncoder) -> None:
        self._near: dict[str, list[str]] = {}
        if not words:
            return
        vectors = np.concatenate(
            [encoder.encode_questions(words[at : at + 256]) for at in range(0, len(words), 256)], dtype=np.float32
        )
        stems = [stem(word, "en") for word in words]
        for at in range(0, len(words), 512):
            likeness = vectors[at : at + 512] @ vectors.T
            order = np.argpartition(-likeness, NEIGHBOURS + 4, axis=1)[:, : NEIGHBOURS + 4]
            for row, near in enumerate(order):
                own = at + row
                good = [
                    words[one]
                    for one in near[np.argsort(-likeness[row, near])]
                    if stems[one] != stems[own] and likeness[row, one] >= LEAST_LIKENESS
                ]
                self._near[words[own]] = good[:NEIGHBOURS]

    @classmethod
    def of(cls, snapshot: Snapshot, encoder: QuestionEncoder) -> Paraphraser:
        """For the words that a knowledge base holds most often."""
        counts: Counter[str] = Counter()
        spans = snapshot.between(snapshot.ranges())
        for at in np.flatnonzero(spans.parent < 0).tolist():
            text = snapshot.text(int(spans.content[at]), int(spans.start[at]), int(spans.stop[at]))
            counts.update(word.casefold() for word in content_words(text))
        return cls([word for word, _ in counts.most_common(VOCABULARY) if word.isalpha()], encoder)

    def other(self, word: str, generator: np.random.Generator) -> str:
        """Another word for a word; the same where none is near."""
        near = self._near.get(word.casefold(), [])
        return near[int(generator.integers(len(near)))] if near else word


@dataclass(frozen=True, slots=True)
class _Place:
    """A sentence with its neighbours in the same paragraph."""

    content: int
    start: int
    stop: int
    text: str
    before: str
    paragraph: tuple[int, int, str]


Style = Callable[["QuestionMaker", _Place], tuple[str, int, int]]


class QuestionMaker:
    """Makes questions from one knowledge base.

    Args:
        strangers: Sentences that it does not hold, for talk about something else; its own where there are none.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        paraphraser: Paraphraser,
        generator: np.random.Generator,
        strangers: Sequence[str] = (),
    ) -> None:
        self._snapshot, self._paraphraser, self._generator = snapshot, paraphraser, generator
        self._strangers = strangers
        spans = snapshot.between(snapshot.ranges())
        self._spans = spans
        self._sentences = np.flatnonzero((spans.rank == SENTENCE.rank) & (spans.stop - spans.start >= 40))

    def make(self, count: int) -> list[TrainingQuestion]:
        """So many questions, all styles alike."""
        made: list[TrainingQuestion] = []
        while len(made) < count:
            place = self._place()
            if len(content_words(place.text)) < _LEAST_WORDS:
                continue
            name, style = list(STYLES.items())[len(made) % len(STYLES)]
            text, start, stop = style(self, place)
            if text.strip():
                made.append(TrainingQuestion(" ".join(text.split()), name, place.content, start, stop))
        return made

    def _place(self) -> _Place:
        spans = self._spans
        at = int(self._generator.choice(self._sentences))
        paragraph = int(np.searchsorted(spans.id, spans.parent[at]))
        content = int(spans.content[at])
        before = ""
        if at - 1 > paragraph:
            before = self._snapshot.text(content, int(spans.start[at - 1]), int(spans.stop[at - 1]))
        start, stop = int(spans.start[paragraph]), int(spans.stop[paragraph])
        return _Place(
            content,
            int(spans.start[at]),
            int(spans.stop[at]),
            self._snapshot.text(content, int(spans.start[at]), int(spans.stop[at])),
            before,
            (start, stop, self._snapshot.text(content, start, stop)),
        )

    # Ways to ask

    def dropped(self, place: _Place) -> tuple[str, int, int]:
        """The sentence without some of its words."""
        return self._opened(self._thinned(place.text)), place.start, place.stop

    def paraphrased(self, place: _Place) -> tuple[str, int, int]:
        """The sentence without some of its words, others for some."""
        return self._opened(self._reworded(self._thinned(place.text), 1.0)), place.start, place.stop

    def reworded(self, place: _Place) -> tuple[str, int, int]:
        """Hardly a word of the sentence is left, but most of its meaning."""
        words = self._thinned(place.text, (0.5, 1.0)).split()
        chance = self._generator.uniform(0.5, 1.0)
        other = [
            self._paraphraser.other(word, self._generator) if self._generator.random() < chance else word
            for word in words
        ]
        return self._opened(" ".join(other)), place.start, place.stop

    def keywords(self, place: _Place) -> tuple[str, int, int]:
        """A few words of the sentence, in any order."""
        words = self._some(content_words(place.text), int(self._generator.integers(1, 6)))
        return " ".join(words), place.start, place.stop

    def half(self, place: _Place) -> tuple[str, int, int]:
        """One half of the sentence asks for the other."""
        words = place.text.split()
        cut = max(2, int(len(words) * self._generator.uniform(0.35, 0.65)))
        text = " ".join(words[:cut] if self._generator.random() < 0.5 else words[cut:])
        return self._opened(self._reworded(text, 0.3)), place.start, place.stop

    def from_before(self, place: _Place) -> tuple[str, int, int]:
        """What the sentence before says asks for this one."""
        own = self._thinned(place.text, (0.0, 0.3)) if self._generator.random() < 0.5 else ""
        return self._opened(self._reworded(f"{self._thinned(place.before)} {own}", 0.5)), place.start, place.stop

    def gist(self, place: _Place) -> tuple[str, int, int]:
        """Words from anywhere in the paragraph ask for it."""
        start, stop, text = place.paragraph
        words = self._some(content_words(text), int(self._generator.integers(3, 10)), in_order=True)
        return self._opened(self._reworded(" ".join(words), 0.4)), start, stop

    def slips(self, place: _Place) -> tuple[str, int, int]:
        """Some words are mistyped."""
        words = self._thinned(place.text).split()
        chance = self._generator.uniform(0.1, 0.5)
        slipped = [self._slip(word) if self._generator.random() < chance else word for word in words]
        return self._opened(" ".join(slipped)), place.start, place.stop

    def chatter(self, place: _Place) -> tuple[str, int, int]:
        """The question comes at the end of talk about something else, or about the same."""
        talk = []
        for _ in range(int(self._generator.integers(1, 3))):
            near = self._generator.random() < 0.4
            talk.append(self._thinned(place.before or place.text) if near else self._place().text[:160])
        asked = self._opened(self._reworded(self._thinned(place.text, (0.3, 0.9))))
        return " ".join([*talk, asked]), place.start, place.stop

    def dialogue(self, place: _Place) -> tuple[str, int, int]:
        """A few words ask at the end of talk of which the knowledge base holds nothing, but for what it is about."""
        talk = []
        for _ in range(int(self._generator.integers(1, 4))):
            said = self._strangers[int(self._generator.integers(len(self._strangers)))] if self._strangers else ""
            talk.append(self._thinned(said or self._place().text[:160], (0.6, 1.0)))
        topic = self._some(content_words(place.paragraph[2]), int(self._generator.integers(0, 3)))
        at = int(self._generator.integers(len(talk)))
        talk[at] = " ".join([talk[at], *topic])
        words = self._some(content_words(place.text), int(self._generator.integers(1, 5)), in_order=True)
        asked = _OPENINGS[int(self._generator.integers(len(_OPENINGS)))].format(self._reworded(" ".join(words), 0.7))
        said = ". ".join(one[:1].upper() + one[1:] for one in (one.strip() for one in talk) if one)
        return f"{said}. {asked[:1].upper()}{asked[1:]}?", place.start, place.stop

    def vague(self, place: _Place) -> tuple[str, int, int]:
        """Hardly anything of the paragraph is asked for."""
        start, stop, text = place.paragraph
        words = self._some(content_words(text), int(self._generator.integers(1, 4)))
        return self._opened(self._reworded(" ".join(words), 0.5)), start, stop

    # What they share

    def _opened(self, text: str) -> str:
        opening = _OPENINGS[int(self._generator.integers(len(_OPENINGS)))].format(text)
        return opening + "?" if self._generator.random() < 0.6 else opening

    def _thinned(self, text: str, keep: tuple[float, float] = (0.1, 0.75)) -> str:
        chance = self._generator.uniform(*keep)
        stop_chance = chance * self._generator.uniform(0.2, 1.0)
        kept = [
            word
            for word in _WORD.findall(text)
            if self._generator.random() < (stop_chance if word.casefold() in _STOP else chance)
        ]
        return " ".join(kept)

    def _reworded(self, text: str, most: float = 0.8) -> str:
        chance = self._generator.uniform(0, most)
        return " ".join(
            self._paraphraser.other(word, self._generator) if self._generator.random() < chance else word
            for word in text.split()
        )

    def _some(self, words: Sequence[str], count: int, *, in_order: bool = False) -> list[str]:
        count = min(count, len(words))
        chosen = self._generator.choice(len(words), count, replace=False)
        return [words[at] for at in (np.sort(chosen) if in_order else chosen).tolist()]

    def _slip(self, word: str) -> str:
        """One letter left out, doubled, swapped or taken for its neighbour."""
        if len(word) < 4:
            return word
        at = int(self._generator.integers(len(word) - 1))
        match int(self._generator.integers(4)):
            case 0:
                return word[:at] + word[at + 1 :]
            case 1:
                return word[:at] + word[at] + word[at:]
            case 2:
                return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
            case _:
                return word[:at] + "etaoinshrdlu"[int(self._generator.integers(12))] + word[at + 1 :]


STYLES: Final[dict[str, Style]] = {
    "dropped": QuestionMaker.dropped,
    "paraphrased": QuestionMaker.paraphrased,
    "reworded": QuestionMaker.reworded,
    "keywords": QuestionMaker.keywords,
    "half": QuestionMaker.half,
    "from before": QuestionMaker.from_before,
    "gist": QuestionMaker.gist,
    "slips": QuestionMaker.slips,
    "chatter": QuestionMaker.chatter,
    "dialogue": QuestionMaker.dialogue,
    "vague": QuestionMaker.vague,
}


def content_words(text: str) -> list[str]:
    """Words of three letters and more that are no function words, as written."""
    return [word for word in _WORD.findall(text) if word.casefold() not in _STOP and len(word) > 2]
