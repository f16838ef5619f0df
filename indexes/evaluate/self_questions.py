"""Questions made from a knowledge base itself: a first table of scales where nobody has written questions yet.

It is asked for what it says: a sentence with gaps, a paragraph's most telling words, a heading, a question by the
pattern of a sentence (``question_styles``, ``wh_questions``). No language model is needed; one can ask too
(``question_model``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace

import numpy as np

from ...pipeline.errors import QueryError
from ...pipeline.scale import PARAGRAPH
from ..collection import KnowledgeBase
from ..store.snapshot import Snapshot
from .passages import Passage, Passages
from .question_styles import STYLES, Draft, Style, heading_text
from .questions import Question, Relevant

COUNT = 300
UNANSWERABLE = 0.2
"""Share of questions whose source is left out of the search."""

MOST_PLACES = 5
"""A question with more equally good places is dropped: nobody asks for boilerplate."""
MOST_GOLD = 4000
"""Characters of gold: about one section."""

_NEAR = 0.7
"""A place that holds so much of a question's weight of words may answer it: then it is not unanswerable."""
_RIVALS = 50
_TRIES = 60
"""Passages of a content that are tried for one question."""
_CONTENTS_TRIED = 100
"""Contents that are tried for one question."""
_MISSES = 10
"""Questions that could not be made before a style is given up."""


def self_questions(
    base: KnowledgeBase,
    count: int = COUNT,
    seed: int = 0,
    *,
    snapshot: Snapshot | None = None,
    styles: Sequence[Style] = STYLES,
    unanswerable: float = UNANSWERABLE,
) -> list[Question]:
    """Make questions from what a knowledge base holds, always the same for the same contents and seed.

    They are spread over sources (by the root of their length), over styles and thus over scales. A question that other
    places answer as well, by their words, is dropped, or these places are relevant too if they say the same. Its class
    is the name of its style.

    Args:
        count: How many; fewer come back where there is too little text.
        snapshot: The generation to make them from; the newest if not given.
        unanswerable: Share of questions whose source is named in :attr:`Question.without`. None come where there is
            only one source.

    Raises:
        QueryError: There is no text to make a question of.
    """
    if count < 1:
        raise QueryError(f"{count} questions were asked for: ask for 1 or more")
    with nullcontext(snapshot) if snapshot else base.snapshot() as held:
        made = list(_Maker(base, held, seed, styles).make(count, unanswerable))
    if not made:
        raise QueryError(
            f"{base.path} holds no text that a question could be made of (recordings without transcripts hold none):"
            " ingest documents, or write questions yourself"
        )
    return [replace(question, id=f"self-{number}") for number, question in enumerate(made, 1)]


@dataclass(slots=True)
class _Content:
    """A content on its way through the draw."""

    id: int
    uri: str
    weight: float
    asked: float
    """Questions made so far, plus a random start below 1 that gives every content its chance."""
    waiting: dict[str, list[int]] = field(default_factory=dict)
    """By style, the spans that were not tried yet, the next one last."""


class _Maker:
    """Draws passages, asks for them, and sees that nothing else answers."""

    def __init__(self, base: KnowledgeBase, snapshot: Snapshot, seed: int, styles: Sequence[Style]) -> None:
        self._snapshot, self._styles = snapshot, styles
        self._random = np.random.default_rng(seed)
        self._passages = Passages(snapshot)
        by_content = {one.content: one for one in reversed(base.sources()) if one.text_length}
        self._contents = [
            _Content(one.content, one.uri, float(one.text_length) ** 0.5, float(self._random.random()))
            for one in sorted(by_content.values(), key=lambda one: one.uri)
        ]
        self._uris = {one.id: one.uri for one in self._contents}
        self._taken: set[tuple[int, int, int]] = set()
        self._texts: set[str] = set()

    def make(self, count: int, unanswerable: float) -> Iterator[Question]:
        open_styles = list(self._styles)
        made = left_out = turn = 0
        misses: dict[str, int] = {}
        while made < count and open_styles:
            style = open_styles[turn % len(open_styles)]
            leave_out = len(self._contents) > 1 and left_out + 1 <= unanswerable * (made + 1)
            question = self._next(style, leave_out)
            if question is None:  # nothing for now; the passages that were tried do not come again
                misses[style.name] = misses.get(style.name, 0) + 1
                if misses[style.name] == _MISSES:
                    open_styles.remove(style)
                turn += 1
                continue
            turn += 1
            made += 1
            left_out += not question.answerable
            yield question

    def _next(self, style: Style, leave_out: bool) -> Question | None:
        """The next question of a style, from the content that is furthest behind its share."""
        turns = sorted(self._contents, key=lambda one: (one.asked / one.weight, one.id))
        for content in turns[:_CONTENTS_TRIED]:
            question = self._ask(content, style, leave_out)
            if question is not None:
                content.asked += 1
                return question
        return None

    def _ask(self, content: _Content, style: Style, leave_out: bool) -> Question | None:
        if style.name not in content.waiting:
            rows = self._passages.rows(content.id, style.scale)
            content.waiting[style.name] = self._random.permutation(rows).tolist()
        waiting = content.waiting[style.name]
        for _ in range(min(_TRIES, len(waiting))):
            passage = self._passages.read(content.id, waiting.pop())
            if not passage.text or (passage.content, passage.start, passage.stop) in self._taken:
                continue
            draft = style.ask(passage, self._random)
            question = draft and self._checked(draft, passage, style, leave_out)
            if question:
                self._taken.add((passage.content, passage.start, passage.stop))
                self._texts.add(question.text.casefold())
                return question
        return None

    def _checked(self, draft: Draft, passage: Passage, style: Style, leave_out: bool) -> Question | None:
        """The question with every place that answers it; ``None`` if it is ambiguous."""
        if draft.heading:
            draft, places = self._under(draft, passage)
            if leave_out and self._told_elsewhere(draft, passage):
                return None
        else:
            places = self._saying(draft, passage, style, _NEAR if leave_out else 1.0)
        if not places or len(places) > MOST_PLACES or draft.text.casefold() in self._texts:
            return None
        if not any(map(str.isalnum, draft.text)) or sum(stop - start for _, start, stop in places) > MOST_GOLD:
            return None
        if leave_out:
            if any(content != passage.content for content, _, _ in places):
                return None
            return Question(draft.text, (), style.name, False, "", (passage.uri,), True)
        relevant = tuple(Relevant(self._uri(content), start, stop) for content, start, stop in places)
        return Question(draft.text, relevant, style.name, self_made=True)

    def _saying(self, draft: Draft, passage: Passage, style: Style, share: float) -> list[tuple[int, int, int]]:
        """The passage, and others that say the same; nothing if another one holds the same words and says more."""
        weights = self._passages.weight(draft.stems)
        whole = sum(weights[stem] for stem in draft.stems)

        def fits(stems: frozenset[int]) -> bool:
            return sum(weights[stem] for stem in draft.stems & stems) >= share * whole - 1e-9

        if not whole:
            return []
        own = _bare(passage.text)
        places = [(passage.content, passage.start, passage.stop)]
        for paragraph in self._passages.paragraphs(self._snapshot.lexical(sorted(draft.stems), _RIVALS).ids[0]):
            if not fits(paragraph.stems):
                continue
            inside = paragraph.overlaps(passage)
            spans = [paragraph] if style.scale is PARAGRAPH else paragraph.sentences
            alike = False
            for span in spans:
                if fits(span.stems) and not span.overlaps(passage):
                    if _bare(self._snapshot.text(span.content, span.start, span.stop)) != own:
                        return []
                    places.append((span.content, span.start, span.stop))
                    alike = True
            if not inside and not alike:  # words of several sentences together
                return []
        return places

    def _under(self, draft: Draft, passage: Passage) -> tuple[Draft, list[tuple[int, int, int]]]:
        """The sections under a heading, which gets the ones above it until it names few enough sections."""
        places: list[tuple[int, int, int]] = []
        for depth in range(1, len(passage.path) + 1):
            heading = passage.path[-depth:]
            draft = Draft(heading_text(heading), draft.stems, heading)
            places = self._sections(heading, passage)
            if len(places) == 1:
                break
        return draft, places

    def _told_elsewhere(self, draft: Draft, passage: Passage) -> bool:
        """Whether a paragraph of another source holds most of a heading's words."""
        stems = frozenset(self._passages.stems(draft.text, passage.language))
        weights = self._passages.weight(stems)
        whole = sum(weights[one] for one in stems)
        return any(
            paragraph.content != passage.content
            and sum(weights[one] for one in stems & paragraph.stems) >= _NEAR * whole
            for paragraph in self._passages.paragraphs(self._snapshot.lexical(sorted(stems), _RIVALS).ids[0])
        )

    def _sections(self, heading: tuple[str, ...], passage: Passage) -> list[tuple[int, int, int]]:
        """What stands under headings that end like this one, in all contents."""
        contents = {passage.content}
        stems = self._passages.stems(heading[-1], passage.language)
        if stems:
            found = self._snapshot.lexical(stems, _RIVALS).ids[0]
            paragraphs = self._snapshot.spans(found[found >= 0])
            sections = self._snapshot.spans(np.unique(paragraphs.parent))
            for content, label in zip(sections.content.tolist(), sections.labels, strict=True):
                if tuple(label.split(" > "))[-len(heading) :] == heading:
                    contents.add(content)
        if len(contents) > MOST_PLACES:
            return [(content, 0, MOST_GOLD) for content in contents]
        return [
            (content, start, stop)
            for content in sorted(contents)
            for path, start, stop in self._passages.under_headings(content)
            if path[-len(heading) :] == heading
        ]

    def _uri(self, content: int) -> str:
        return self._uris[content]


def _bare(text: str) -> str:
    return " ".join(text.casefold().split())
