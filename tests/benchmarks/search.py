"""Milliseconds of every stage of a search, p50 and p95.

    python tests/benchmarks/search.py KB QUESTIONS [--budget 1600]

QUESTIONS holds one question a line, or is a CSV file with a column ``question``. The first question, which loads the
model and the shards, is not counted.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
from octavo.indexes.collection import KnowledgeBase


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("kb", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--budget", type=int)
    arguments = parser.parse_args()
    with open(arguments.questions, newline="", encoding="utf-8") as file:
        if arguments.questions.suffix == ".csv":
            questions = [row["question"] for row in csv.DictReader(file)]
        else:
            questions = [line.strip() for line in file if line.strip()]
    spent: dict[str, list[float]] = {}
    with KnowledgeBase.open(arguments.kb) as kb:
        kb.search(questions[0])
        for question in questions:
            for stage, ms in kb.search(question, budget=arguments.budget).timings_ms.items():
                spent.setdefault(stage, []).append(ms)
        vectors = {scale.scale: scale.vectors for scale in kb.status().scales}
    print(f"{len(questions)} questions, vectors: {vectors}\n")
    print("| stage | p50 ms | p95 ms |\n|---|---|---|")
    for stage, values in spent.items():
        print(f"| {stage} | {np.quantile(values, 0.5):.1f} | {np.quantile(values, 0.95):.1f} |")


if __name__ == "__main__":
    main()
