"""A program of ours whose environment asks for traces and metrics: takes files in, searches, and ends.

Run as ``python -m octavo.tests.indexes.trace_worker KB FILE...``. Says what :func:`set_up` has to say.
"""

from __future__ import annotations

import sys
from pathlib import Path

from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.intake import take_in
from octavo.indexes.retrieve import Encoders
from octavo.indexes.trace_export import set_up
from octavo.pipeline.encoders.character import CharacterEncoder

from .library import BagOfWords


def main(folder: str, *files: str) -> None:
    print(set_up())
    encoder = BagOfWords()
    with KnowledgeBase.open(folder, create=True, term_encoder=CharacterEncoder()) as base:
        list(take_in(base, [Path(file) for file in files], encoder, workers=1))
        base.encoders = lambda: Encoders(encoder, CharacterEncoder())  # type: ignore[method-assign]
        base.search("pump")


if __name__ == "__main__":
    main(*sys.argv[1:])
