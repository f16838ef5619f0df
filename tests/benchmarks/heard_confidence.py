"""How much the confidence of answers from recordings without transcripts means what it says.

    OMP_NUM_THREADS=1 python tests/benchmarks/heard_confidence.py SPEECH [--kb DIR] [--words 300]

SPEECH is as in ``spoken_words.py``, and so are the words, each asked as a user would type it. Every second one is asked
of the recordings in which it is not said, so that there is nothing to find. An answer is right if one of its five hits
is a recording in which the word is said. ``all`` searches everything, ``phoneme`` sound alone. Printed: expected
calibration error (15 bins) beside what chance would leave of it, area under risk-coverage by confidence, by the score
of the first hit, and the least possible; what is answered at the usual threshold and how much of that is right; and the
probability said against the share of right answers.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.confidence.quality import (
    area_under_risk,
    calibration_error,
    error_by_chance,
    least_area,
    reliability,
)
from octavo.indexes.retrieve import Encoders, retrieve
from octavo.indexes.store.ranges import normalised
from octavo.pipeline.encoders.character import character_encoder
from octavo.pipeline.encoders.checkpoint import DEFAULT_MODEL
from octavo.pipeline.encoders.text import TextEncoder
from octavo.pipeline.scale import PHONEME
from octavo.tests.benchmarks.sound_library import (
    chosen_words,
    hearing_of,
    keys_of,
    knowledge_base,
    places_of,
    spoken_library,
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("speech", type=Path)
    parser.add_argument("--kb", type=Path)
    parser.add_argument("--words", type=int, default=300)
    options = parser.parse_args()
    torch.set_num_threads(1)
    library = spoken_library(options.speech)
    where = places_of(library)
    words = chosen_words(where, options.words)
    hearing, encoder = hearing_of(None)
    with tempfile.TemporaryDirectory() as folder:
        kb = knowledge_base(options.kb or Path(folder) / "kb", library, encoder)
        encoders = Encoders(TextEncoder(DEFAULT_MODEL, "cpu"), character_encoder(), hearing)
        for name, scales in (("all", ()), (PHONEME.name, (PHONEME.name,))):
            report(name, *asked(kb, encoders, words, where, scales))


def asked(
    kb: KnowledgeBase, encoders: Encoders, words: list[str], where: dict[str, set[str]], scales: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Confidence, score of the first hit, and whether the answer is right. *Shape of each:* (words,)"""
    keys = keys_of(kb)
    rows = []
    with kb.snapshot() as snapshot:
        held = {content: snapshot.content(content) for content in keys}
        for number, word in enumerate(words):
            allowed = [one for content, one in held.items() if number % 2 == 0 or keys[content] not in where[word]]
            ranges = normalised(np.array([(one.first, one.stop) for one in allowed], np.int64))
            answer = retrieve(word, snapshot, encoders, scales=scales, sounds=ranges)
            paths = [Path(hit.citation.source.uri) for hit in answer.hits]
            found = {f"{path.parent.name}/{path.stem}" for path in paths}
            score = answer.hits[0].score if answer.hits else 0.0
            rows.append((answer.confidence or 0.0, score, bool(found & where[word])))
    confidence, score, right = np.array(rows, np.float64).T
    return confidence, score, right.astype(bool)


def report(name: str, confidence: np.ndarray, score: np.ndarray, right: np.ndarray) -> None:
    """One set of answers."""
    answered = confidence >= 0.5
    print(
        f"{name}: {len(right)} words, {right.mean():.1%} answered rightly; calibration error"
        f" {calibration_error(confidence, right):.3f} (by chance {error_by_chance(confidence):.3f}); area under"
        f" risk-coverage {area_under_risk(confidence, right):.3f}, by the first score"
        f" {area_under_risk(score, right):.3f}, least possible {least_area(right):.3f};"
        f" {answered.mean():.1%} not abstained from, {right[answered].mean():.1%} of these right"
    )
    for said, true, count in reliability(confidence, right, 10):
        print(f"  said {said:.2f}  right {true:.2f}  of {count}")


if __name__ == "__main__":
    main()
