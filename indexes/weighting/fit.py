"""Shows on made dialogues what the part of a question that asks should count, and what was said before it.

    python -m octavo.indexes.weighting.fit --gutenberg DIR --crowdspeech DIR --work FOLDER [--count N] [--seeds N]

The shelves are those of :mod:`octavo.indexes.confidence.fit`, which may share its FOLDER. Dialogues are made from each;
each is asked with every pair of weights: ``before``, of words that were said only before the part that asks, and
``asking``, of the vector of that part beside the whole's. Printed: how much of the sentence that answers is among the
best in a budget of characters, in percent, mean and standard deviation over the seeds; and for every shelf the pair
that is best on the others, with what it reaches there. What is chosen stands in :mod:`.emphasis`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from ...pipeline.errors import OctavoError
from ...pipeline.scale import SENTENCE
from ..choose import pack, rank
from ..confidence.fit import SEED, ingest_folder
from ..confidence.training_questions import Paraphraser, TrainingQuestion
from ..confidence.training_shelves import write_shelves
from ..evidence import by_meaning, by_words
from ..fuse import fuse
from ..retrieve import Encoders, find
from .dialogues import DialogueMaker, strangers, telling_words
from .emphasis import carrying, emphasised, question_vector
from .weights import Weights

if TYPE_CHECKING:
    from ..collection import KnowledgeBase
    from ..retrieve import QuestionEncoder
    from ..store.snapshot import Snapshot

Floats = npt.NDArray[np.float64]
Pair = tuple[float, float]
"""Of ``before`` and ``asking``."""

COUNT: Final = 60
"""Dialogues of each shelf and seed."""
SEEDS: Final = 3
BUDGETS: Final = (800, 1600, 3200)
MAIN: Final = BUDGETS.index(1600)
FIXED: Final[Pair] = (1.0, 0.0)
PAIRS: Final[tuple[Pair, ...]] = (
    FIXED,
    (0.5, 0.0),
    (0.35, 0.0),
    (0.2, 0.0),
    (1.0, 1.0),
    (0.5, 1.0),
    (0.35, 1.0),
    (0.2, 1.0),
    (0.35, 0.5),
    (0.35, 2.0),
)


@dataclass(frozen=True, slots=True, eq=False)
class Reached:
    """What some dialogues reached.

    Attributes:
        shares: Of what answers. *Shape:* (dialogues, pairs, budgets)
        words: How many words carry what is asked. *Shape:* (dialogues,)
    """

    shares: Floats
    words: npt.NDArray[np.int64]


def reached(
    asked: Sequence[TrainingQuestion], snapshot: Snapshot, encoders: Encoders, pairs: Sequence[Pair] = PAIRS
) -> Iterator[tuple[Floats, int]]:
    """Share of what answers each question that is found in each budget, and how many words carry what it asks.

    *Shape of each:* (pairs, budgets)
    """
    for question in asked:
        found = find(question.text, snapshot, encoders, {}, weights=Weights.FIXED)
        universe = found.universe
        size = len(universe)
        vectors = {
            asking: question_vector(question.text, found.words, found.vector, encoders.text, asking)
            for _, asking in pairs
            if asking
        }
        meaning = {asking: by_meaning(universe, vector, snapshot) for asking, vector in vectors.items()}
        meaning[0.0] = by_meaning(universe, found.vector, snapshot)
        words = {
            before: by_words(universe, emphasised(question.text, found.words, before), snapshot) for before, _ in pairs
        }
        gold = (universe.content == question.content) & (universe.start < question.stop)
        gold &= universe.stop > question.start
        lengths = universe.stop - universe.start
        whole = max(question.stop - question.start, 1)
        made = np.zeros((len(pairs), len(BUDGETS)))
        for row, (before, asking) in enumerate(pairs):
            ranking = rank(universe, fuse([*meaning[asking], *words[before]], size).total, SENTENCE)
            for column, budget in enumerate(BUDGETS):
                taken = pack(universe, ranking, budget)[1]
                made[row, column] = min(1.0, float(lengths[taken & gold].sum()) / whole)
        yield made, carrying(question.text, found.words)


def collect(
    gutenberg: Path, crowdspeech: Path, work: Path, count: int = COUNT, seeds: int = SEEDS
) -> dict[str, list[Reached]]:
    """What was reached on each shelf, for each seed; kept in ``work``."""
    from ...pipeline.encoders.checkpoint import DEFAULT_MODEL
    from ...pipeline.encoders.text import TextEncoder
    from ..collection import KnowledgeBase

    encoder = TextEncoder(DEFAULT_MODEL, "auto")
    made: dict[str, list[Reached]] = {}
    with ExitStack() as stack:
        bases: dict[str, KnowledgeBase] = {}
        for folder in write_shelves(gutenberg, crowdspeech, work / "shelves"):
            kb = work / "kb" / folder.name
            ingest_folder(folder, kb)
            bases[folder.name] = stack.enter_context(KnowledgeBase.open(kb, read_only=True))
        talk = {}
        for number, (name, base) in enumerate(bases.items()):
            with base.snapshot() as snapshot:
                talk[name] = strangers(snapshot, np.random.default_rng([SEED, number]))
        for number, (name, base) in enumerate(bases.items()):
            foreign = [one for other, said in talk.items() if other != name for one in said]
            made[name] = _shelf(base, encoder, foreign, [[SEED, number, seed] for seed in range(seeds)], count)
            for seed, own in enumerate(made[name]):
                np.savez(work / f"dialogues-{name}-{seed}.npz", shares=own.shares, words=own.words)
            print(f"{name}: {seeds} times {count} dialogues", file=sys.stderr, flush=True)
    return made


def _shelf(
    base: KnowledgeBase, encoder: QuestionEncoder, foreign: Sequence[str], seeds: Sequence[Sequence[int]], count: int
) -> list[Reached]:
    with base.snapshot() as snapshot:
        paraphraser, telling = Paraphraser.of(snapshot, encoder), telling_words(snapshot)
        made = []
        for seed in seeds:
            maker = DialogueMaker(snapshot, paraphraser, np.random.default_rng(seed), foreign, telling)
            asked = maker.dialogues(count)
            shares, words = zip(*reached(asked, snapshot, Encoders(encoder)), strict=True)
            made.append(Reached(np.array(shares), np.array(words)))
    return made


def table(shelves: Mapping[str, Sequence[Reached]]) -> Iterator[str]:
    """Markdown: a row a pair, over all shelves; by how many words ask; what is best on the others, shelf by shelf."""
    every = [one for own in shelves.values() for one in own]
    words = np.concatenate([one.words for one in every])
    main = 100 * np.concatenate([one.shares for one in every])[:, :, MAIN]
    groups = {"none": words == 0, "1": words == 1, "2": words == 2, "3 or 4": (words == 3) | (words == 4)}
    groups["more"] = words > 4
    yield "| before | asking | " + " | ".join(f"{budget:,}" for budget in BUDGETS) + " |"
    yield "|---|---|" + "---|" * len(BUDGETS)
    seeds = [np.concatenate([one.shares for one in parts]) for parts in zip(*shelves.values(), strict=True)]
    means = 100 * np.array([seed.mean(axis=0) for seed in seeds])
    for row, (before, asking) in enumerate(PAIRS):
        cells = [
            f"{mean:.1f} ± {spread:.1f}"
            for mean, spread in zip(means[:, row].mean(axis=0), means[:, row].std(axis=0), strict=True)
        ]
        yield f"| {before:g} | {asking:g} | " + " | ".join(cells) + " |"
    yield ""
    yield "| before | asking | " + " | ".join(f"{name} ({int(own.sum())})" for name, own in groups.items()) + " |"
    yield "|---|---|" + "---|" * len(groups)
    for row, (before, asking) in enumerate(PAIRS):
        cells = [f"{main[own, row].mean():.1f}" if own.any() else "" for own in groups.values()]
        yield f"| {before:g} | {asking:g} | " + " | ".join(cells) + " |"
    yield ""
    yield "| shelf | best on the others | fixed | there |"
    yield "|---|---|---|---|"
    for name, own in shelves.items():
        others = np.concatenate([one.shares for other, parts in shelves.items() if other != name for one in parts])
        best = int(others[:, :, MAIN].mean(axis=0).argmax())
        here = 100 * np.concatenate([one.shares for one in own])[:, :, MAIN].mean(axis=0)
        before, asking = PAIRS[best]
        yield f"| {name} | {before:g}, {asking:g} | {here[PAIRS.index(FIXED)]:.1f} | {here[best]:.1f} |"


def main() -> int:
    """Runs the module's command line."""
    parser = argparse.ArgumentParser(
        prog="python -m octavo.indexes.weighting.fit", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--gutenberg", type=Path, required=True, help="folder of <author>-<book>.txt.gz")
    parser.add_argument("--crowdspeech", type=Path, required=True, help="folder of crowdspeech-<part>-gt.txt.gz")
    parser.add_argument("--work", type=Path, required=True, help="folder for knowledge bases and what was found")
    parser.add_argument("--count", type=int, default=COUNT, help="dialogues of each shelf and seed")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    asked = parser.parse_args()
    try:
        shelves = collect(asked.gutenberg, asked.crowdspeech, asked.work, asked.count, asked.seeds)
    except OctavoError as error:
        print(error, file=sys.stderr)
        return 1
    for line in table(shelves):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
