"""Utterances in which words of a question are heard, laid beside the sentences that may answer it.

What is chosen under a budget is chosen among all of them: an utterance costs what it would take to read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from ...pipeline.scale import PHONEME
from ..choose import fill
from ..cite import cite_sound
from ..evidence import Universe
from ..fuse import Fused
from ..hit import Hit
from .as_written import as_written
from .joined import SOUND_BESIDE_TEXT, HeardIn, listen_for, listened_for

if TYPE_CHECKING:
    from ..found import Found
    from ..store.filter import Filter
    from ..store.ranges import Ranges
    from ..store.snapshot import Snapshot
    from .hearing import Hearing

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

UTTERANCES: Final = 50
"""Utterances that may be wanted for a budget."""


@dataclass(frozen=True, slots=True, eq=False)
class Audible:
    """Sentences, and behind them utterances.

    Attributes:
        universe: Of both. An utterance stands at the characters of its transcript, or where :mod:`.as_written` says.
        sentences: How many of its rows are sentences; the others are utterances.
        heard: What was heard in each utterance. *Length:* utterances
        start, stop: Of the utterances. *Shape:* (utterances,), samples
        transcribed: The sentences of the universe that are said in each utterance, if it holds any.
    """

    universe: Universe
    sentences: int
    heard: tuple[HeardIn, ...]
    start: Ints
    stop: Ints
    transcribed: tuple[Ints, ...]

    @classmethod
    def of(cls, universe: Universe, heard: Sequence[HeardIn], snapshot: Snapshot) -> Audible:
        """Lay utterances beside a universe."""
        heard = sorted(heard, key=lambda one: one.utterance)
        rows = snapshot.sounds(np.array([one.utterance for one in heard], np.int64))
        has_text = {one: snapshot.content(one).text_length > 0 for one in {one.content for one in heard}}
        starts, stops, transcribed = [], [], []
        for one, first, last in zip(heard, rows.start.tolist(), rows.stop.tolist(), strict=True):
            said = snapshot.said(one.content, first, last) if has_text[one.content] else None
            start, stop = said or (int(as_written(first)), max(int(as_written(last)), int(as_written(first)) + 1))
            starts.append(start)
            stops.append(stop)
            inside = (universe.content == one.content) & (universe.start < stop) & (start < universe.stop)
            transcribed.append(np.flatnonzero(inside) if said else np.empty(0, np.int64))
        # Nothing else of the universe has these numbers, so no utterance is joined with a neighbour or a container.
        own = -1 - np.arange(len(heard), dtype=np.int64)
        laid = replace(
            universe,
            sentence=np.concatenate([universe.sentence, own]),
            paragraph=np.concatenate([universe.paragraph, own]),
            section=np.concatenate([universe.section, own]),
            start=np.concatenate([universe.start, np.array(starts, np.int64)]),
            stop=np.concatenate([universe.stop, np.array(stops, np.int64)]),
            content=np.concatenate([universe.content, rows.content]),
            run=np.concatenate([universe.run, own]),
        )
        return cls(laid, len(universe), tuple(heard), rows.start, rows.stop, tuple(transcribed))

    def alone(self) -> Floats:
        """Scores by sound alone. *Shape:* (n,), 0 for sentences"""
        shares = np.array([one.share for one in self.heard], np.float32)
        return np.concatenate([np.zeros(self.sentences, np.float32), shares])

    def joined(self, text: Floats) -> Floats:
        """Scores of text and sound together, by the rules of :func:`octavo.indexes.sound.joined.join`: a sentence in
        which words are heard gets some more; an utterance that no sentence transcribes stands for itself.

        Args:
            text: *Shape:* (sentences,)

        Returns:
            *Shape:* (n,)
        """
        best = float(text.max(initial=0.0)) or 1.0
        own = np.zeros(len(self.heard), np.float32)
        more = np.zeros(self.sentences, np.float32)
        for at, (one, sentences) in enumerate(zip(self.heard, self.transcribed, strict=True)):
            if len(sentences):
                more[sentences] = np.maximum(more[sentences], SOUND_BESIDE_TEXT * one.share * best)
            else:
                own[at] = one.score(best)
        return np.concatenate([text + more, own])

    def unheard(self, text: Floats) -> Floats:
        """Scores of text alone. *Shape:* (n,), 0 for utterances"""
        return np.concatenate([text, np.zeros(len(self.heard), np.float32)])


def hits_within(
    found: Found | None,
    universe: Universe,
    heard: Sequence[HeardIn],
    snapshot: Snapshot,
    budget: int,
    where: Filter | None,
) -> tuple[Hit, ...]:
    """As many of the best sentences and utterances as fit into a budget of characters, best first.

    Args:
        found: What speaks for the sentences of ``universe``; ``None`` for sound alone.
    """
    if not heard and found is None:
        return ()
    audible = Audible.of(universe, heard, snapshot)
    scores = audible.joined(found.fused.total) if found else audible.alone()
    hits: list[Hit] = []
    if found:
        more = scores[: audible.sentences] - found.fused.total
        total = scores[: audible.sentences]
        shares = {**found.fused.shares, PHONEME.name: more}
        found = replace(found, fused=Fused(total, shares, found.fused.parts, found.fused.columns))
    for choice in fill(audible.universe, scores, budget, found.finest if found else PHONEME):
        if choice.first < audible.sentences:
            assert found  # without text there are no sentences
            hits += [replace(hit, rank=len(hits) + 1) for hit in found.hits([choice], None, where)]
            continue
        at = choice.first - audible.sentences
        content = snapshot.content(audible.heard[at].content, where)
        citation = cite_sound(snapshot, content, int(audible.start[at]), int(audible.stop[at]))
        hits.append(
            Hit(
                len(hits) + 1,
                choice.score,
                PHONEME.name,
                citation,
                {PHONEME.name: choice.score},
                heard=audible.heard[at].heard,
            )
        )
    return tuple(hits)


def heard_within(
    question: str, snapshot: Snapshot, hearing: Hearing, budget: int, where: Filter | None, ranges: Ranges | None
) -> tuple[Hit, ...]:
    """The utterances in which most of a question's words are heard, as many as fit into a budget of characters."""
    if not snapshot.holds(PHONEME):
        return ()
    heard = listen_for(listened_for(question, snapshot), snapshot, hearing, k=UTTERANCES, ranges=ranges)
    nothing = Universe.of(snapshot.subtree(np.empty(0, np.int64)))
    return hits_within(None, nothing, heard, snapshot, budget, where)
