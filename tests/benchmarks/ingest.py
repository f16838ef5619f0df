"""Seconds and peak memory of every stage of ingest, and what one pass saves against one pass a scale.

    python tests/benchmarks/ingest.py FILE...          stages, side by side, on these files
    python tests/benchmarks/ingest.py --pages 10000    peak memory of the whole of ``octavo ingest`` on a made PDF

Seconds depend on the machine; the ratio in the last line does not, as both sides run in turn in the same process.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from octavo.indexes.collection import KnowledgeBase
from octavo.pipeline.document import Document, Span
from octavo.pipeline.embed import Embeddings, Encoded
from octavo.pipeline.encoders.character import character_encoder
from octavo.pipeline.encoders.text import TextEncoder
from octavo.pipeline.encoders.token_windows import Window
from octavo.pipeline.reading import Reader
from octavo.pipeline.scale import PARAGRAPH, SECTION, SENTENCE
from octavo.pipeline.segment import cut
from octavo.pipeline.terms import lexis


def each_scale_alone(encoder: TextEncoder, documents: Sequence[tuple[str, Sequence[Span]]]) -> int:
    """Encode every sentence, every paragraph and every section by itself, as indexes of one chunk size do.

    Longer texts than the window are cut off, which makes this side cheaper, never dearer. Returns the tokens read.
    """
    tokens = 0
    for scale in (SENTENCE, PARAGRAPH, SECTION):
        texts = [text[span.start : span.stop] for text, spans in documents for span in spans if span.scale is scale]
        ids = encoder._checkpoint.tokenizer(texts, truncation=True, max_length=encoder.window_tokens)["input_ids"]
        for start in range(0, len(ids), 4096):
            part = ids[start : start + 4096]
            encoder._pool([Window(row, [at] * len(row)) for at, row in enumerate(part)], len(part))
        tokens += sum(map(len, ids))
    return tokens


def one_pass(encoder: TextEncoder, documents: Sequence[tuple[str, Sequence[Span]]]) -> int:
    """Encode every scale the way Octavo does; returns the vectors made."""
    return sum(len(made.vectors) for _, made in encoder.encode(documents))


def stages(paths: Sequence[Path], repeats: int) -> None:
    """Print a table of seconds by stage."""
    seconds: dict[str, float] = {}
    clock = time.perf_counter

    documents: list[Document] = []
    with Reader() as readers:
        readers.read(paths[0])  # the child's start is not the reading's
        began = clock()
        documents = [found for found in map(readers.read, paths) if isinstance(found, Document)]
    seconds["read"] = clock() - began
    reader = peak(resource.RUSAGE_CHILDREN)  # now: a child forked later counts this process' memory as its own
    began = clock()
    encoder = TextEncoder()
    seconds["load the model"] = clock() - began
    began = clock()
    trees = [cut(document) for document in documents]
    seconds["cut"] = clock() - began
    began = clock()
    words = [
        lexis(document.text, [span for span in spans if span.scale is SENTENCE], document.metadata.language)
        for document, spans in zip(documents, trees, strict=True)
    ]
    seconds["count words"] = clock() - began
    pairs = [(document.text, spans) for document, spans in zip(documents, trees, strict=True)]
    passes: list[float] = []
    alone: list[float] = []
    for _ in range(repeats):  # in turn, so that a busy moment hits both
        began = clock()
        one_pass(encoder, pairs)
        passes.append(clock() - began)
        began = clock()
        each_scale_alone(encoder, pairs)
        alone.append(clock() - began)
    seconds["encode, one pass for all scales"] = min(passes)
    seconds["encode, each scale by itself"] = min(alone)
    made: list[list[Embeddings]] = [[] for _ in pairs]
    for number, embeddings in encoder.encode(pairs):
        made[number].append(embeddings)
    with tempfile.TemporaryDirectory() as folder:
        kb = KnowledgeBase.open(Path(folder) / "kb", create=True, term_encoder=character_encoder())
        began = clock()
        with kb.writer() as writer:
            for document, spans, counted, vectors in zip(documents, trees, words, made, strict=True):
                writer.add(Encoded(document, spans, counted, vectors), "benchmark", 0, 0)
            writer.commit({})
        seconds["store, terms encoded"] = clock() - began
    characters = sum(len(document.text) for document in documents)
    print(f"{len(paths)} files, {characters:,} characters, {sum(map(len, trees)):,} spans\n")
    print("| stage | seconds |\n|---|---|")
    for stage, spent in seconds.items():
        print(f"| {stage} | {spent:.2f} |")
    here = peak(resource.RUSAGE_SELF)
    print(f"\npeak memory: {here:.0f} MB here, {reader:.0f} MB in the reader")
    print(f"each scale by itself / one pass for all: {min(alone) / min(passes):.2f}")


def peak(who: int) -> float:
    """Largest resident memory so far, in MB."""
    return resource.getrusage(who).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)


def made_pdf(path: Path, pages: int, characters: int) -> None:
    """A PDF of ``pages`` pages of about ``characters`` characters of numbered prose."""
    import pymupdf

    line = "Valve {0} of pump {1} opens at {2} bar and closes when the pressure falls by a tenth. "
    document = pymupdf.open()
    for number in range(pages):
        page = document.new_page()
        text = ""
        while len(text) < characters:
            text += line.format(number, len(text), number % 97)
        page.insert_textbox(pymupdf.Rect(50, 50, 545, 800), text[:characters], fontsize=9)
    document.save(path, deflate=True)


def memory(pages: int, characters: int) -> None:
    """Peak memory of ``octavo ingest`` and of its reader on a made PDF, read from the kernel."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.pdf"
        made_pdf(path, pages, characters)
        began = time.perf_counter()
        command = [sys.executable, "-m", "octavo.cli", "ingest", str(path), "--kb", f"{folder}/kb", "--json"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        print(
            f"{pages:,} pages of {characters:,} characters, {path.stat().st_size / 1e6:.1f} MB: "
            f"{time.perf_counter() - began:.0f} s, largest process {peak(resource.RUSAGE_CHILDREN):.0f} MB"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--pages", type=int)
    parser.add_argument("--characters", type=int, default=400)
    parser.add_argument("--repeats", type=int, default=2)
    arguments = parser.parse_args()
    if arguments.pages:
        memory(arguments.pages, arguments.characters)
    if arguments.files:
        stages(arguments.files, arguments.repeats)


if __name__ == "__main__":
    main()
