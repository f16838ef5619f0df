"""What all text scales cost against paragraph vectors alone, by processor time, both in one run.

    python tests/benchmarks/text_cost.py FILE... [--model octavo-text] [--rounds 3]

Paragraphs alone: each paragraph by itself through the same transformer, mean-pooled, longest first; no token states.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from octavo.pipeline.document import Span
from octavo.pipeline.encoders.checkpoint import DEFAULT_MODEL
from octavo.pipeline.encoders.text import PYRAMID, TextEncoder, pyramid_file
from octavo.pipeline.reading import read_document
from octavo.pipeline.scale import PARAGRAPH
from octavo.pipeline.segment import cut

Documents = Sequence[tuple[str, Sequence[Span]]]


def every_scale(encoder: TextEncoder, documents: Documents) -> None:
    """All text scales from one pass."""
    for _ in encoder.encode(documents):
        pass


def paragraphs(encoder: TextEncoder, documents: Documents) -> None:
    """Paragraph vectors and nothing else."""
    texts = [text[span.start : span.stop] for text, spans in documents for span in spans if span.scale is PARAGRAPH]
    encoder.question_sums(texts)


def seconds(work: Callable[[TextEncoder, Documents], None], encoder: TextEncoder, documents: Documents) -> float:
    """Processor time."""
    began = time.process_time()
    work(encoder, documents)
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--model", default=PYRAMID)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    read = [read_document(path.resolve()) for path in options.files]
    documents = [(one.text, cut(one)) for one in read]
    plain, pyramid = TextEncoder(DEFAULT_MODEL), TextEncoder(options.model)
    assert pyramid_file(options.model), f"{options.model} is no pyramid"
    bare = TextEncoder(DEFAULT_MODEL)
    bare._axes = None
    ways = {
        "paragraphs alone, plain": (paragraphs, bare),
        "all scales, plain pooling": (every_scale, plain),
        "all scales, pyramid": (every_scale, pyramid),
    }
    spent = {name: [seconds(*way, documents) for _ in (0,)] for name, way in ways.items()}  # the first warms up
    for _ in range(options.rounds):
        for name, way in ways.items():
            spent[name].append(seconds(*way, documents))
    least = {name: min(taken[1:]) for name, taken in spent.items()}
    print(f"{len(documents)} files, {sum(len(text) for text, _ in documents):,} characters, best of {options.rounds}")
    print("| what | seconds of the processor | ratio |\n|---|---|---|")
    for name, taken in least.items():
        print(f"| {name} | {taken:.2f} | {taken / least['paragraphs alone, plain']:.2f} |")


if __name__ == "__main__":
    main()
