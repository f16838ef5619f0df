"""Every question asked on both sides: which answers changed, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from ..confidence.calibration import SETTING, CalibrationMap
from .answers import AnswerChange, Matcher
from .causes import Attribution, Cause
from .labels import Jury, Verdict
from .questions import Asked
from .replay import Replay
from .sides import Side, Texts
from .sources import Label, Pair, pairs_of

HITS = 5
"""Of each answer, as ``octavo search`` gives."""

Counting = Callable[[int, str], AbstractContextManager[Callable[[], None]]]


@dataclass(frozen=True, slots=True, eq=False)
class Answered:
    """A question and its two answers.

    Attributes:
        causes: Empty where nothing changed, or nothing is known that could have changed it.
        verdict: ``None`` where it is not known what should be found.
    """

    asked: Asked
    change: AnswerChange
    causes: tuple[Cause, ...]
    verdict: Verdict | None

    def to_json(self) -> dict[str, Any]:
        """As in ``octavo diff --json``."""
        before, after = self.change.before, self.change.after
        return {
            "id": self.asked.id,
            "question": self.asked.text,
            "changed": self.change.changed,
            "spans": self.change.counts(),
            "confidence": {"before": before.confidence, "after": after.confidence},
            "abstain": {"before": before.abstain, "after": after.abstain},
            "causes": [cause.to_json() for cause in self.causes],
            "verdict": self.verdict.to_json() if self.verdict else None,
            "hits": [hit.to_json() for hit in self.change.hits],
        }


@dataclass(frozen=True, slots=True, eq=False)
class Difference:
    """All that one ``octavo diff`` found.

    Attributes:
        sources: Paths that differ, by in what.
        besides: Differences that no single source shows.
    """

    before: Side
    after: Side
    pairs: Sequence[Pair]
    besides: tuple[Label, ...]
    answered: tuple[Answered, ...]

    @property
    def changed(self) -> list[Answered]:
        """Questions whose answers changed."""
        return [one for one in self.answered if one.change.changed]

    @property
    def share(self) -> float:
        """Of answers that changed, 0 to 1."""
        return len(self.changed) / max(len(self.answered), 1)

    def counted(self) -> dict[str, tuple[int, int]]:
        """For each kind of cause, the answers that it changed for certain, and those it may have changed."""
        found: dict[str, tuple[int, int]] = {}
        for one in self.changed:
            kinds: dict[str, bool] = {}
            for cause in one.causes:
                kinds[cause.kind] = kinds.get(cause.kind, False) or cause.certain
            for kind, certain in (kinds or {"unknown": False}).items():
                sure, possible = found.get(kind, (0, 0))
                found[kind] = (sure + certain, possible + (not certain))
        return dict(sorted(found.items(), key=lambda item: (-sum(item[1]), item[0])))

    def outcomes(self) -> Counter[str]:
        """Labelled questions by whether their answer is better or worse."""
        return Counter(one.verdict.outcome for one in self.answered if one.verdict)

    def labels(self) -> Counter[Label]:
        """In what sources differ, with how many do."""
        return Counter(label for pair in self.pairs for label in pair.labels)

    def to_json(self) -> dict[str, Any]:
        """As in ``octavo diff --json``."""
        return {
            "before": self.before.to_json(),
            "after": self.after.to_json(),
            "differences": [
                {"kind": label.kind, "name": label.name, "old": label.old, "new": label.new, "sources": count}
                for label, count in self.labels().most_common()
            ]
            + [
                {"kind": label.kind, "name": label.name, "old": label.old, "new": label.new, "sources": None}
                for label in self.besides
            ],
            "questions": len(self.answered),
            "changed": len(self.changed),
            "share": round(self.share, 6),
            "causes": {kind: {"certain": sure, "possible": other} for kind, (sure, other) in self.counted().items()},
            "verdicts": dict(self.outcomes()),
            "answers": [one.to_json() for one in self.answered],
        }


def compare(
    before: Side,
    after: Side,
    questions: Sequence[Asked],
    *,
    k: int = HITS,
    counting: Counting = lambda total, what: nullcontext(lambda: None),
) -> Difference:
    """Ask every question on both sides, and find the causes of every changed answer.

    Args:
        k: Hits of each answer.
        counting: Makes a meter of so many steps, see :func:`octavo.indexes.evaluate.table.counting`.

    Raises:
        QueryError: A question makes no sense.
        FingerprintMismatch: A side's vectors were made by other encoders than are there now.
    """
    pairs = pairs_of(before, after)
    texts = Texts(before, after)
    matcher = Matcher(pairs, texts)
    besides = differences_besides(before, after)
    jury = Jury(before, after, pairs, texts) if any(asked.labelled for asked in questions) else None
    answered = []
    with Replay(before, after, pairs, matcher) as replay, counting(len(questions), "asking both sides") as step:
        attribution = Attribution(replay, pairs, besides, k)
        for asked in questions:
            change = matcher.compared(before.ask(asked.text, k), after.ask(asked.text, k))
            causes = attribution.causes(asked.text, change) if change.changed else ()
            verdict = jury.verdict(asked.labelled, change.before, change.after) if jury and asked.labelled else None
            answered.append(Answered(asked, change, causes, verdict))
            step()
    return Difference(before, after, pairs, besides, tuple(answered))


def differences_besides(before: Side, after: Side) -> tuple[Label, ...]:
    """What differs besides sources: calibration, compactions between, Octavo's version when the sides were made."""
    found = []
    kept = [side.snapshot.setting(SETTING) for side in (before, after)]
    if kept[0] != kept[1]:
        found.append(Label("setting", "calibration", *map(_calibration, kept)))
    found += _compactions(before, after)
    old, new = (_newest(side, "octavo") for side in (before, after))
    if old != new:
        found.append(Label("octavo", "", old, new))
    for scale in ("character", "pronunciation"):
        old, new = ((side.records[-1].what.get("encoders") or {}).get(scale, "") for side in (before, after))
        if old and new and old != new:
            found.append(Label("model", scale, old, new))
    return tuple(found)


def _compactions(before: Side, after: Side) -> list[Label]:
    """Compactions between two generations of one knowledge base; other kinds of index in two."""
    if before.base is after.base:
        low, high = sorted((before, after), key=lambda side: side.number)
        made = [one.number for one in high.records if low.number < one.number and one.action == "compact"]
        return [Label("index", f"compaction of generation {number}") for number in made]
    kinds = [{one.scale: "+".join(sorted(one.kinds)) for one in side.base.status().scales} for side in (before, after)]
    return [
        Label("index", scale, kinds[0][scale], kinds[1][scale])
        for scale in sorted(kinds[0].keys() & kinds[1].keys())
        if kinds[0][scale] != kinds[1][scale]
    ]


def _calibration(kept: str | None) -> str:
    if kept is None:
        return "as shipped"
    made = CalibrationMap.from_json(kept)
    return f"stretch {made.stretch:.3g}, shift {made.shift:.3g}, threshold {made.threshold:.3g}"


def _newest(side: Side, name: str) -> str:
    return str(side.records[-1].what.get(name) or "unknown")
