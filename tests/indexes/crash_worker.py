"""Adds, deletes and compacts until it is killed; says before and after each step what it is about.

Run as ``python -m octavo.tests.indexes.crash_worker FOLDER SEED NEXT``.
"""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

import numpy as np
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.store.kinds import FLAT, IVF_SQ8, Band
from octavo.pipeline.document import TIMES_DTYPE
from octavo.pipeline.embed import Encoded

from .recording_world import recording_of, transcribed
from .world import RECIPE, TermVectors, encode, write_text

BANDS = (Band(200, (FLAT,)), Band(float("inf"), (IVF_SQ8, FLAT)))


def say(*words: object) -> None:
    """A line to the parent, at once."""
    print(*words, flush=True)


def made(one: int, scratch: Path) -> Encoded:
    """A document or, every third time, a recording with a transcript."""
    if one % 3:
        return encode(str(one), write_text(one))
    return transcribed(recording_of(scratch, str(one), 12), write_text(one), np.array([(0, 9, 0, 16000)], TIMES_DTYPE))


def work(folder: str, seed: int, number: int) -> None:
    """Never returns."""
    generator = random.Random(seed)
    base = KnowledgeBase.open(folder, term_encoder=TermVectors())
    there = [int(source.uri) for source in base.sources()]
    scratch = Path(tempfile.mkdtemp(dir=Path(folder).parent))
    say("ready")
    while True:
        step = generator.choices(("add", "delete", "compact"), (4, 3 if len(there) > 12 else 1, 2))[0]
        if step == "add":
            new = list(range(number, number + generator.randint(1, 3)))
            number += len(new)
            say("try add", *new)
            with base.writer() as writer:
                for one in new:
                    writer.add(made(one, scratch), RECIPE, 1, 1)
                writer.commit()
            there += new
            say("did add", *new)
        elif step == "delete" and there:
            old = generator.sample(there, 1)
            say("try delete", *old)
            base.delete(map(str, old))
            there.remove(old[0])
            say("did delete", *old)
        elif step == "compact":
            say("try compact")
            base.compact(BANDS, vacuum=generator.random() < 0.5)
            say("did compact")


if __name__ == "__main__":
    work(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
