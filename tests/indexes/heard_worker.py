"""Takes in recordings with a slow listener until it is killed; says which stretch it begins.

Run as ``python -m octavo.tests.indexes.heard_worker FOLDER SECONDS_EACH RECORDING…``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.intake import take_in

from .recording_world import FakeListener
from .test_intake import SpanVectors
from .world import TermVectors


def say(*words: object) -> None:
    """A line to the parent, at once."""
    print(*words, flush=True)


def work(folder: str, seconds_each: float, paths: list[str]) -> None:
    listener = FakeListener(seconds_each=seconds_each, before=lambda start: say("began", start))
    with KnowledgeBase.open(folder, term_encoder=TermVectors()) as base:
        say("ready")
        for taken in take_in(base, [Path(path) for path in paths], SpanVectors(), listener=listener, workers=1):
            say("did", taken.path.name, taken.code)


if __name__ == "__main__":
    work(sys.argv[1], float(sys.argv[2]), sys.argv[3:])
