"""How good confidence is on question sets that it never saw: risk-coverage and calibration.

    python tests/benchmarks/confidence.py DATA [--work FOLDER] [--questions N] [--sets NAME,…]

DATA holds the folders of the sets. Of each set N questions are asked, every second one of a knowledge base without the
source that answers it (a search restricted to the others), and N/5 questions of the other sets, which it cannot answer.
Compared are the areas under the risk-coverage curve (lower is better) of confidence and of single scores, with 95 %
intervals of the gain by bootstrap over questions, and the expected calibration error of the model as shipped and after
fitting a knowledge base's map on one half of the questions, measured on the other half, and the other way round; ``gain
fitted`` is the gain of that map on the half that it did not see, on the score that is best there.
``excess`` is the gain counted above the least possible area, which is what cannot be answered at all (E-AURC, Geifman,
Uziel and El-Yaniv 2019). ``chance`` is the error of calibration that a perfect map would still show with so many
questions in 15 bins.

Nothing here may tune the shipped model: features and coefficients are chosen on held-out books alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.confidence.calibration import fit_map
from octavo.indexes.confidence.features import FEATURES, signs
from octavo.indexes.confidence.model import shipped, sigmoid
from octavo.indexes.confidence.quality import area_under_risk, calibration_error, error_by_chance, least_area
from octavo.indexes.confidence.training_samples import contents, in_hits, ranges_of, spans_of
from octavo.indexes.evaluate.adapters import prepare
from octavo.indexes.evaluate.gold import Judge
from octavo.indexes.evaluate.questions import Question, read_questions
from octavo.indexes.intake_run import Ears, intake
from octavo.indexes.retrieve import Encoders, find
from octavo.indexes.store.catalog import NAME
from octavo.pipeline.ingest import discover

Floats = npt.NDArray[np.float64]

SETS = ("spoken_squad", "chroma", "dstc11_track5")
SINGLE = {
    "cosine": "cosine sentence",
    "words": "words paragraph",
    "fused": "fused",
    "margin": "fused margin source",
}
RESAMPLES = 2000


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """Judged answers: features, whether the answer was in the hits, and what was asked for."""

    rows: Floats
    right: npt.NDArray[np.bool_]
    kind: tuple[str, ...]


def ask(base: KnowledgeBase, encoders: Encoders, own: Sequence[Question], foreign: Sequence[Question]) -> Asked:
    """Ask every question once."""
    rows, right, kind = [], [], []
    with base.snapshot() as snapshot:
        judge, held = Judge(base, snapshot), contents(snapshot)
        for number, question in enumerate(own):
            gold = judge.gold(question)
            left_out = number % 2 == 1
            away = set(gold.contents.tolist()) if left_out else set()
            ranges = ranges_of([one for content, one in held.items() if content not in away]) if away else None
            found = find(question.text, snapshot, encoders, {}, sections=5, ranges=ranges)
            rows.append(signs(question.text, found).row(FEATURES))
            right.append(not left_out and in_hits(found, spans_of(gold)))
            kind.append("left out" if left_out else "answerable")
        for question in foreign:
            found = find(question.text, snapshot, encoders, {}, sections=5)
            rows.append(signs(question.text, found).row(FEATURES))
            right.append(False)
            kind.append("foreign")
    return Asked(np.array(rows), np.array(right), tuple(kind))


def report(name: str, asked: Asked, seed: int = 0) -> dict[str, float]:
    """Print one line of each table for a set."""
    model = shipped()
    logits, right = model.logits(asked.rows), asked.right
    said = sigmoid(logits)
    area = area_under_risk(said, right)
    areas = {label: area_under_risk(asked.rows[:, FEATURES.index(feature)], right) for label, feature in SINGLE.items()}
    best = min(areas, key=lambda label: areas[label])
    gain = 1 - area / areas[best]
    rng = np.random.default_rng(seed)
    gains = []
    for _ in range(RESAMPLES):
        at = rng.integers(len(right), size=len(right))
        ours = area_under_risk(said[at], right[at])
        theirs = area_under_risk(asked.rows[at, FEATURES.index(SINGLE[best])], right[at])
        gains.append(1 - ours / theirs)
    low, high = np.quantile(gains, [0.025, 0.975])
    half = rng.permutation(len(right)) % 2 == 0
    after = np.empty(len(right))
    for fitted, measured in ((half, ~half), (~half, half)):
        own = fit_map(logits[fitted], right[fitted], asked.rows[fitted])
        after[measured] = own.probabilities(logits[measured], asked.rows[measured])
    each = [calibration_error(after[part], right[part]) for part in (half, ~half)]
    floor = least_area(right)
    # Scores of two maps do not compare: each half is a curve of its own.
    halves = [
        1
        - area_under_risk(after[part], right[part])
        / min(area_under_risk(asked.rows[part, FEATURES.index(feature)], right[part]) for feature in SINGLE.values())
        for part in (half, ~half)
    ]
    answerable = np.array([one == "answerable" for one in asked.kind])
    print(
        f"{name:14} {len(right):5} {right[answerable].mean():6.2f}  "
        + " ".join(f"{areas[label]:7.4f}" for label in SINGLE)
        + f" {area:10.4f} {floor:7.4f}  {100 * gain:+5.1f} % ({100 * low:+.1f} … {100 * high:+.1f})"
        + f"  {100 * (1 - (area - floor) / max(areas[best] - floor, 1e-9)):+5.1f} %"
        + f"  {calibration_error(said, right):7.3f} {calibration_error(after, right):7.3f} {np.mean(each):7.3f}"
        + f" {error_by_chance(after):7.3f}  {100 * float(np.mean(halves)):+5.1f} %"
    )
    return {"gain": gain, "ece": calibration_error(said, right), "after": calibration_error(after, right)}


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--work", type=Path, default=Path("build/confidence"))
    parser.add_argument("--questions", type=int, default=500, help="of each set")
    parser.add_argument("--sets", default=",".join(SETS))
    given = parser.parse_args()
    names = given.sets.split(",")
    questions: dict[str, list[Question]] = {}
    for name in names:
        folder = given.work / name
        if not (folder / "questions.jsonl").exists():
            prepare(name, given.data / name, folder)
        every = [one for one in read_questions(folder / "questions.jsonl") if one.answerable]
        count = min(given.questions, len(every))
        questions[name] = [every[at * len(every) // count] for at in range(count)]
        if not (folder / "kb" / NAME).exists():
            for _ in intake(folder / "kb", discover([str(folder / "sources")]), None, Ears(), None):
                pass
    print(
        f"{'set':14} {'asked':>5} {'in hits':>6}  "
        + " ".join(f"{label:>7}" for label in SINGLE)
        + f" {'confidence':>10} {'least':>7}  gain on the best single (95 %)   excess"
        + "     ECE   fitted   a half  chance  gain fitted"
    )
    joined = []
    for name in names:
        others = [one for other in names if other != name for one in questions[other]]
        step = max(1, len(others) // max(1, given.questions // 5))
        foreign = others[::step][: given.questions // 5]
        with KnowledgeBase.open(given.work / name / "kb") as base:
            asked = ask(base, base.encoders(), questions[name], foreign)
        np.savez(given.work / f"{name}.npz", rows=asked.rows, right=asked.right, kind=np.array(asked.kind))
        report(name, asked)
        joined.append(asked)
    if len(joined) > 1:
        rows, right = (np.concatenate([getattr(one, part) for one in joined]) for part in ("rows", "right"))
        report("together", Asked(rows, right, tuple(kind for one in joined for kind in one.kind)))


if __name__ == "__main__":
    main()
