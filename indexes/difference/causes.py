"""Why an answer changed: changes are tried one at a time, and what cannot be told apart is named as possible."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from .answers import AnswerChange
from .replay import Parts, Replay
from .sources import Label, Pair

Role = Literal["direct", "competitor"]

MOST_SINGLE = 6
"""Sources of one question that are tried one by one; the others that differ in the same way are tried together."""
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Cause:
    """What made an answer change, or may have.

    Attributes:
        certain: Whether it is the only one that can have; if not, it is one of several possible ones.
        role: ``direct``: a changed span stands in a source that differs in this, or everything does. ``competitor``:
            the change is in other sources than the spans that moved: it took their place, or moved all scores, which
            are divided by the best of each question.
        sources: Paths that differ in this and matter here, at most five.
        detail: For people.
    """

    label: Label
    certain: bool
    role: Role = "direct"
    sources: tuple[str, ...] = ()
    detail: str = ""

    @property
    def kind(self) -> str:
        """What causes are counted by: ``file`` where a cited source has other bytes, came or went, ``competitor`` where
        that happened to another source than those whose spans changed; else the kind of the label."""
        if self.label.kind not in ("file", "came", "went"):
            return self.label.kind
        return "competitor" if self.role == "competitor" else "file"

    def to_json(self) -> dict[str, Any]:
        """As in ``octavo diff --json``."""
        return {
            "kind": self.kind,
            "name": self.label.name,
            "old": self.label.old,
            "new": self.label.new,
            "change": self.label.kind,
            "role": self.role,
            "certain": self.certain,
            "sources": list(self.sources),
            "detail": self.detail,
        }


class Attribution:
    """Finds the causes of changed answers."""

    def __init__(self, replay: Replay, pairs: Sequence[Pair], besides: Sequence[Label], k: int) -> None:
        """Args:
        besides: Differences that no source shows and no replay can make: a calibration, a compaction, a version.
        """
        self._replay, self._pairs, self._besides, self._k = replay, pairs, besides, k

    def causes(self, question: str, change: AnswerChange) -> tuple[Cause, ...]:
        """What made an answer change; empty only if nothing is known to differ."""
        everywhere = sorted(self._replay.everywhere)
        parts = self._parts(change)
        if self._differs(question, frozenset()):
            found = [Cause(label, len(everywhere) == 1) for label in everywhere]
            return (*found, *self._beside_the_rest(change, parts), *self._recalibrated(question, change))
        effective = [part for part in parts if self._differs(question, part)]
        if effective:
            found = [cause for part in effective for cause in self._named(part, change)]
            return (*found, *self._recalibrated(question, change))
        whole = self._replay.differing
        if whole and self._differs(question, whole):
            # Only together: none of them does it alone.
            found = [cause for part in parts for cause in self._named(part, change, certain=False)]
            return (*found, *(Cause(label, False) for label in everywhere))
        if (calibrated := self._recalibrated(question, change)) and not change.spans_changed:
            return calibrated
        rest = [label for label in self._besides if label.kind != "setting"]
        return (*(Cause(label, len(rest) == 1) for label in rest), *calibrated)

    def _recalibrated(self, question: str, change: AnswerChange) -> tuple[Cause, ...]:
        """A calibration that made an answer abstain, or none: no span shows it, and no change of sources does it.

        Within one knowledge base replays have the calibration of before; between two it may be one of several causes.
        """
        labels = [label for label in self._besides if label.kind == "setting"]
        if not labels or not change.handed_over:
            return ()
        replayed = self._replay.compared(question, self._replay.differing, self._k)
        if not self._replay.one_base:
            return tuple(Cause(label, not change.spans_changed) for label in labels)
        return () if replayed.handed_over else tuple(Cause(label, True) for label in labels)

    def _differs(self, question: str, parts: Parts) -> bool:
        return self._replay.compared(question, parts, self._k).changed

    def _parts(self, change: AnswerChange) -> list[Parts]:
        """Sources that differ, those of changed spans one by one, the others together with what differs alike."""
        cited = dict.fromkeys(
            self._replay.number(hit.pair) for hit in change.hits if hit.status != "same" and hit.pair is not None
        )
        single = [at for at in cited if at in self._replay.differing][:MOST_SINGLE]
        alike: dict[frozenset[Label], set[int]] = {}
        for at in sorted(self._replay.differing - set(single)):
            alike.setdefault(self._pairs[at].labels, set()).add(at)
        # A handful of others is tried one by one too, so that the one that matters has a name.
        groups = [frozenset({at}) for at in single]
        for group in alike.values():
            few = len(group) + len(groups) <= MOST_SINGLE
            groups += [frozenset({at}) for at in sorted(group)] if few else [frozenset(group)]
        return groups

    def _named(self, part: Parts, change: AnswerChange, certain: bool = True) -> list[Cause]:
        """The labels of a part; several on the same sources cannot be told apart."""
        labels = sorted(frozenset[Label]().union(*(self._pairs[at].labels for at in part)) - self._replay.everywhere)
        cited = {self._replay.number(hit.pair) for hit in change.hits if hit.status != "same" and hit.pair} & part
        named = sorted(cited) or sorted(part)
        sources = tuple(self._pairs[at].uri for at in named[:_NAMED])
        sure = certain and len(labels) == 1
        role: Role = "direct"
        detail = ""
        if not cited:
            role = "competitor"
            detail = "none of its spans is in the answer: it moved the scores, which are divided by the best of all"
        elif self._took_a_place(change, cited):
            detail = "its span took the place of another"
            role = "competitor" if labels == [Label("came")] else "direct"
        return [Cause(label, sure, role, sources, detail) for label in labels]

    def _took_a_place(self, change: AnswerChange, cited: set[int]) -> bool:
        """Whether spans of other sources, which did not change, gave way to new ones of these."""
        own = [hit for hit in change.hits if hit.pair is not None and self._replay.number(hit.pair) in cited]
        others = [hit for hit in change.hits if hit.pair is None or self._replay.number(hit.pair) not in cited]
        return all(hit.status == "new" for hit in own if hit.status != "same") and any(
            hit.status in ("gone", "moved") for hit in others
        )

    def _beside_the_rest(self, change: AnswerChange, parts: Iterable[Parts]) -> list[Cause]:
        """Sources that differ in more than what differs everywhere, where that alone changes the answer already.

        A span of a file that came or went, or that has other words in a file that changed, has its cause for certain.
        """
        found = []
        for part in parts:
            certain = any(
                hit.pair is not None
                and self._replay.number(hit.pair) in part
                and (hit.pair.before is None or hit.pair.after is None or hit.status == "reworded")
                for hit in change.hits
                if hit.status != "same"
            )
            found += self._named(part, change, certain)
        return found
