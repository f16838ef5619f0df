"""Searches until told to stop; sources come and go in pairs, so half a pair is half a commit.

Run as ``python -m octavo.tests.indexes.reader_worker FOLDER STOP``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from octavo.indexes.collection import KnowledgeBase
from octavo.pipeline.scale import DOCUMENT, SENTENCE

from .world import encode, sentence, vector_of, write_text

STAYS = 0


def search(folder: str, stop: Path) -> None:
    """Prints how many snapshots and generations it saw."""
    base = KnowledgeBase.open(folder)
    text = sentence(encode(str(STAYS), write_text(STAYS)), 4)
    generations: set[int] = set()
    snapshots = 0
    while not stop.exists():
        with base.snapshot() as snapshot:
            rows = snapshot.between(snapshot.ranges())
            documents = rows.take(np.flatnonzero(rows.rank == DOCUMENT.rank))
            numbers = {int(snapshot.content(int(one)).source.uri) for one in documents.content}
            assert STAYS in numbers
            assert all(number ^ 1 in numbers for number in numbers), f"half a commit: {sorted(numbers)}"
            found = snapshot.index(SENTENCE).search(vector_of(text)[None], 5)
            assert np.all(found.ids >= 0) or len(numbers) < 3
            assert snapshot.texts(snapshot.spans(found.ids[0, :1])) == [text]
            sentences = int((rows.rank == SENTENCE.rank).sum())
            every = snapshot.index(SENTENCE).search(vector_of(text)[None], sentences + 5).ids[0]
            assert (every >= 0).sum() == sentences
            (stem,) = snapshot.stem_ids([f"n{STAYS}"])
            assert stem is not None
            assert snapshot.lexical([stem], 1).ids[0, 0] > 0
            generations.add(snapshot.generation)
            snapshots += 1
            if snapshots == 1:
                print("ready", flush=True)
    print(snapshots, len(generations), flush=True)


if __name__ == "__main__":
    search(sys.argv[1], Path(sys.argv[2]))
