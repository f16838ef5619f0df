"""What each kind of evidence adds to recall: ablations of containment fusion on the Chroma chunking benchmark.

    python tests/benchmarks/fusion.py DATA [--kb DIR] [--budgets 400,800,1600,3200]

DATA is the folder with the corpora (``*.md``) and ``questions_df.csv``. Prints a Markdown table: recall of the gold
characters, mean over all questions, for every row at every budget. The knowledge base is made if DIR holds none.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from octavo.indexes.choose import fill
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.evidence import Evidence, Universe, gather, weigh
from octavo.indexes.expand import expand
from octavo.indexes.fuse import fuse
from octavo.indexes.intake import take_in
from octavo.indexes.retrieve import Encoders
from octavo.pipeline.encoders.character import character_encoder
from octavo.pipeline.encoders.text import TextEncoder

Floats = npt.NDArray[np.float32]
Row = Callable[[Sequence[Evidence], int], Floats]


def summed(keep: Callable[[Evidence], bool]) -> Row:
    """The sum that Octavo uses, over some columns."""
    return lambda evidence, count: fuse([part for part in evidence if keep(part)], count).total


def reciprocal_ranks(evidence: Sequence[Evidence], count: int) -> Floats:
    """Reciprocal-rank fusion (Cormack, Clarke and Buettcher 2009, k = 60) over the same columns."""
    total = np.zeros(count, np.float32)
    for column in {part.column for part in evidence}:
        scores = np.sum([part.scores for part in evidence if part.column == column], axis=0)
        ranks = np.empty(count, np.int64)
        ranks[np.argsort(-scores, kind="stable")] = np.arange(count)
        total += np.where(scores > 0, 1 / (60 + 1 + ranks), 0).astype(np.float32)
    return total


def _words(part: Evidence) -> bool:
    return part.column.startswith("words")


ROWS: dict[str, Row] = {
    "vectors: sentence": summed(lambda part: part.column == "vectors sentence"),
    "vectors: paragraph": summed(lambda part: part.column == "vectors paragraph"),
    "vectors: sentence, paragraph, section": summed(
        lambda part: part.column in ("vectors sentence", "vectors paragraph", "vectors section")
    ),
    "vectors: all scales and windows": summed(lambda part: not _words(part)),
    "words: sentence": summed(lambda part: part.column == "words sentence"),
    "words: all scales and windows": summed(_words),
    "sentence, vectors and words": summed(lambda part: part.column.endswith(" sentence")),
    "all, without windows": summed(lambda part: part.scale is not None),
    "all, without document": summed(lambda part: not part.column.endswith(" document")),
    "all, reciprocal ranks instead of sums": reciprocal_ranks,
    "all (Octavo)": summed(lambda part: True),
}


def recall(universe: Universe, scores: Floats, budget: int, inside: set[int], gold: Sequence[tuple[int, int]]) -> float:
    """Share of the gold characters in the spans that fill a budget; ``inside`` are the contents they stand in."""
    found = 0
    for choice in fill(universe, scores, budget):
        if int(universe.content[choice.first]) in inside:
            start, stop = int(universe.start[choice.first]), int(universe.stop[choice.last - 1])
            found += sum(max(0, min(stop, end) - max(start, begin)) for begin, end in gold)
    return found / sum(end - begin for begin, end in gold)


def union(ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges sorted and joined where they touch."""
    joined: list[tuple[int, int]] = []
    for start, stop in sorted(ranges):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], stop))
        else:
            joined.append((start, stop))
    return joined


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--kb", type=Path)
    parser.add_argument("--budgets", default="400,800,1600,3200")
    arguments = parser.parse_args()
    budgets = [int(budget) for budget in arguments.budgets.split(",")]
    with open(arguments.data / "questions_df.csv", newline="") as file:
        questions = list(csv.DictReader(file))
    folder = arguments.kb or Path(tempfile.mkdtemp()) / "kb"
    encoders = Encoders(TextEncoder(), character_encoder())
    with KnowledgeBase.open(folder, create=True, term_encoder=encoders.spelling) as kb:
        if not kb.sources():
            assert isinstance(encoders.text, TextEncoder)
            list(take_in(kb, sorted(arguments.data.resolve().glob("*.md")), encoders.text, model=encoders.text.model))
        contents: dict[str, set[int]] = {}
        for source in kb.sources():
            contents.setdefault(Path(source.uri).stem, set()).add(source.content)
        sums = {name: np.zeros(len(budgets)) for name in ROWS}
        for question in questions:
            gold = union([(found["start_index"], found["end_index"]) for found in json.loads(question["references"])])
            with kb.snapshot() as snapshot:
                vector = encoders.text.encode_questions([question["question"]])[0]
                words = expand(question["question"], snapshot, encoders.spelling)
                universe = gather(vector, words, snapshot, None, 1)
                evidence = weigh(universe, vector, words, snapshot)
            for name, row in ROWS.items():
                scores = row(evidence, len(universe))
                for column, budget in enumerate(budgets):
                    sums[name][column] += recall(universe, scores, budget, contents[question["corpus_id"]], gold)
    print("| evidence | " + " | ".join(f"{budget:,} characters" for budget in budgets) + " |")
    print("|---|" + "---|" * len(budgets))
    for name, total in sums.items():
        print(f"| {name} | " + " | ".join(f"{100 * share / len(questions):.1f}" for share in total) + " |")


if __name__ == "__main__":
    main()
