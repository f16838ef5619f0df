"""Questions weighed by the part that asks, against all of them alike and against single scales, on question sets.

    python tests/benchmarks/weights.py DATA [--work FOLDER] [--questions N] [--sets NAME,…] [--budget CHARS]

DATA holds the folders of the sets; FOLDER gets sources, questions and a knowledge base of each. ``fixed`` weighs all
words alike and encodes the question as a whole, ``words`` damps the words that were said only before the part that
asks, ``query`` adds the vector of that part: what a search does. ``no families`` leaves out the words of one family,
see :mod:`octavo.indexes.families`, ``no tokens`` what single words mean in their context, see
:mod:`octavo.indexes.late_interaction`, ``no names`` what titles, file names and headings say, see
:mod:`octavo.indexes.names`. Single scales are as with fixed weights. Printed for each set: recall of the
gold characters in a budget (where no characters are named: nDCG@10 of the sources), in percent, with the change
against fixed weights, its 95 % bootstrap interval, the p of the paired randomisation test, questions won and lost.

Nothing here may tune what is shipped: that is chosen on made dialogues, ``python -m octavo.indexes.weighting.fit``.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from octavo.indexes import names
from octavo.indexes.choose import pack, rank, runs
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.evaluate import metrics
from octavo.indexes.evaluate.adapters import prepare
from octavo.indexes.evaluate.gold import Gold, Judge
from octavo.indexes.evaluate.ground import Ground
from octavo.indexes.evaluate.intervals import bootstrap, sign_flip_test
from octavo.indexes.evaluate.questions import read_questions
from octavo.indexes.evaluate.said_times import SaidTimes
from octavo.indexes.evidence import LEXICAL, by_meaning, by_words
from octavo.indexes.found import Found
from octavo.indexes.fuse import fuse
from octavo.indexes.intake_run import Ears, intake
from octavo.indexes.late_interaction import TOKEN
from octavo.indexes.retrieve import find
from octavo.indexes.store.catalog import NAME
from octavo.indexes.weighting.emphasis import asking_part, emphasised
from octavo.indexes.weighting.weights import Weights
from octavo.pipeline.ingest import discover
from octavo.pipeline.scale import CHARACTER, DOCUMENT, PARAGRAPH, SECTION, SENTENCE, Scale

Floats = npt.NDArray[np.float64]

SETS = ("chroma", "dstc11_track5", "spoken_squad", "cranfield")
SINGLES = (SENTENCE, PARAGRAPH, SECTION, DOCUMENT)
BUDGETS = (800, 1600, 3200)
FIXED = "fixed"


def judged(found: Found, gold: Gold, times: SaidTimes, total: npt.NDArray[np.float32], scale: Scale) -> list[float]:
    """Recall at every budget; where the gold is whole sources, their nDCG@10 in place of each."""
    universe = found.universe
    ranking = rank(universe, total, scale)
    if gold.characters <= 0:
        contents, at = np.unique(universe.content[ranking.first], return_index=True)
        grades = dict(zip(gold.contents.tolist(), gold.grades.tolist(), strict=True))
        gains = np.array([grades.get(content, 0) for content in contents[np.argsort(at)].tolist()], np.float64)
        return [metrics.ndcg_at(gains, gold.grades.astype(np.float64), 10)] * len(BUDGETS)
    ground = Ground.of(universe, None, gold, times)
    made = []
    for budget in BUDGETS:
        starts, stops = ground.answer(*runs(universe, pack(universe, ranking, budget)[1]))
        shared = metrics.overlaps(starts, stops, gold.starts, gold.stops)
        made.append(metrics.recall(float(shared.sum()), gold.characters))
    return made


def measure(folder: Path, count: int) -> tuple[dict[str, Floats], int]:
    """Values of each way, and how many questions have a part before the one that asks. *Shape:* (questions, budgets)"""
    every = [one for one in read_questions(folder / "questions.jsonl") if one.answerable]
    count = min(count, len(every))
    questions = [every[at * len(every) // count] for at in range(count)]
    values: dict[str, list[list[float]]] = {}
    with KnowledgeBase.open(folder / "kb", read_only=True) as base, base.snapshot() as snapshot:
        encoders = base.encoders()
        judge = Judge(base, snapshot)
        for question in questions:
            gold = judge.gold(question)
            found = find(question.text, snapshot, encoders, {}, weights=Weights.FIXED)
            asked = found
            if asking_part(question.text):  # else nothing differs
                asked = find(question.text, snapshot, encoders, {}, weights=Weights.QUERY)
            words = by_words(found.universe, emphasised(question.text, found.words), snapshot)
            meaning = by_meaning(found.universe, found.vector, snapshot)
            size = len(found.universe)
            ways: dict[str, tuple[Found, npt.NDArray[np.float32], Scale]] = {
                scale.name: (found, fuse(found.evidence, size, (scale,)).total, scale) for scale in SINGLES
            }
            ways[FIXED] = found, found.fused.total, SENTENCE
            beside = [one for one in found.evidence if one.credit in (TOKEN, names.NAME)]
            ways["words"] = found, fuse([*meaning, *words, *beside], size).total, SENTENCE
            ways["query"] = asked, asked.fused.total, SENTENCE
            rows = len(asked.universe)
            bare = by_words(asked.universe, [replace(word, family=()) for word in asked.words if word.stems], snapshot)
            others = [one for one in asked.evidence if one.credit not in (LEXICAL, CHARACTER.name)]
            ways["query, no families"] = asked, fuse([*others, *bare], rows).total, SENTENCE
            for what, credit in (("tokens", TOKEN), ("names", names.NAME)):
                without = [one for one in asked.evidence if one.credit != credit]
                ways[f"query, no {what}"] = asked, fuse(without, rows).total, SENTENCE
            for name, (own, total, scale) in ways.items():
                values.setdefault(name, []).append(judged(own, gold, judge.times, total, scale))
    parts = sum(asking_part(question.text) > 0 for question in questions)
    return {name: np.array(rows) for name, rows in values.items()}, parts


def report(name: str, values: Mapping[str, Floats], parts: int, budget: int) -> None:
    """One table."""
    at = BUDGETS.index(budget)
    fixed = values[FIXED]
    print(f"\n{name}: {len(fixed)} questions, {parts} of them with something said before the part that asks")
    print("| way | " + " | ".join(f"{one:,}" for one in BUDGETS) + f" | change at {budget:,} | p | won : lost |")
    print("|---|" + "---|" * (len(BUDGETS) + 3))
    for way, own in values.items():
        change = own - fixed
        mean, low, high = bootstrap(change)
        p = sign_flip_test(change)
        won, lost = int((change[:, at] > 1e-6).sum()), int((change[:, at] < -1e-6).sum())
        told = f"{100 * mean[at]:+.1f} ({100 * low[at]:+.1f} … {100 * high[at]:+.1f}) | {p[at]:.4f} | {won} : {lost}"
        print(
            f"| {way} | "
            + " | ".join(f"{100 * one:.1f}" for one in own.mean(axis=0))
            + (" | | | |" if way == FIXED else f" | {told} |"),
            flush=True,
        )


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--work", type=Path, default=Path("build/weights"))
    parser.add_argument("--questions", type=int, default=500, help="of each set")
    parser.add_argument("--budget", type=int, default=1600, choices=BUDGETS)
    parser.add_argument("--sets", default=",".join(SETS))
    given = parser.parse_args()
    for name in given.sets.split(","):
        folder = given.work / name
        if not (folder / "questions.jsonl").exists():
            prepare(name, given.data / name, folder)
        if not (folder / "kb" / NAME).exists():
            for _ in intake(folder / "kb", discover([str(folder / "sources")]), None, Ears(), None):
                pass
        values, parts = measure(folder, given.questions)
        np.savez(given.work / f"{name}.npz", **values)  # type: ignore[arg-type]
        report(name, values, parts, given.budget)


if __name__ == "__main__":
    main()
