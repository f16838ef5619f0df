"""How fast recordings are indexed by sound, stage by stage and on one and two cores, and what an hour of them weighs.

    python tests/benchmarks/listening.py AUDIO... [--weights FILE] [--cores 1 --cores 2]

AUDIO are recordings, or folders of them. The stages are measured on one core, in seconds of a processor: each runs as
``octavo ingest`` runs it, and a stage's time is without that of stages inside it. Then the whole of an ingest, with its
reader processes, runs in a process of its own that may use so many cores; loading models is not counted. Speed is
seconds of sound a second. Bytes are of the compacted knowledge base, per hour of sound, pauses included.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from octavo.indexes.collection import KnowledgeBase
from octavo.pipeline.embed import Embeddings
from octavo.pipeline.encoders.character import character_encoder
from octavo.pipeline.encoders.speech import WEIGHTS, SpeechEncoder
from octavo.pipeline.recording import SAMPLE_RATE
from octavo.tests.benchmarks.sound_library import add, listened

SUFFIXES = {".flac", ".wav", ".opus", ".ogg", ".mp3", ".m4a", ".mp4", ".webm", ".mkv", ".aac"}


class Stages:
    """Seconds of stages that may lie inside each other; each counts what is its own.

    Args:
        clock: Tells seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self.seconds: dict[str, float] = {}
        self._inside: list[float] = []
        self._clock = clock

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measures what runs inside."""
        began = self._clock()
        self._inside.append(0.0)
        try:
            yield
        finally:
            spent = self._clock() - began
            own = spent - self._inside.pop()
            self.seconds[name] = self.seconds.get(name, 0.0) + own
            if self._inside:
                self._inside[-1] += spent

    def watch(self, owner: Any, attribute: str, name: str) -> None:
        """Measures every call of a function that is looked up by this name."""
        inner: Callable[..., Any] = getattr(owner, attribute)

        def watched(*arguments: Any, **named: Any) -> Any:
            with self.stage(name):
                return inner(*arguments, **named)

        setattr(owner, attribute, staticmethod(watched) if isinstance(owner, type) else watched)

    def steps(self, stream: Iterator[Any], name: str) -> Iterator[Any]:
        """Measures each step of an iterator."""
        end = object()
        while True:
            with self.stage(name):
                item = next(stream, end)
            if item is end:
                return
            yield item


def busy() -> float:
    """Seconds of a processor that this process took: what other programs do does not count."""
    return time.process_time()


def children() -> float:
    """Seconds of processors that ended children took."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def files_of(named: Sequence[Path]) -> list[Path]:
    """Recordings named, and those in folders named."""
    found: list[Path] = []
    for path in named:
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        found += [one for one in inside if one.suffix.lower() in SUFFIXES]
    return found


def stages(paths: Sequence[Path], weights: Path, folder: Path) -> tuple[dict[str, float], float]:
    """Seconds of each stage on this process's cores, and seconds of sound."""
    import octavo.pipeline.encoders.log_mel as log_mel
    import octavo.pipeline.encoders.speech as speech
    import octavo.pipeline.posteriors as posteriors
    import octavo.pipeline.voice.contour as contour

    made = Stages(busy)
    encoder = SpeechEncoder(weights, "cpu")
    for owner, attribute, name in (
        (log_mel, "log_mel", "log-mel"),
        (log_mel, "level", "log-mel"),
        (encoder._hearing, "forward", "network"),
        (encoder._windows, "forward", "window vectors"),
        (contour, "fundamental", "F0"),
        (speech, "contour", "other contours"),
        (speech, "functionals", "functionals"),
        (speech, "measures", "measures"),
        (encoder._prosody, "encode", "prosody vectors"),
        (posteriors.Posteriors, "pack", "packing posteriors"),
    ):
        made.watch(owner, attribute, name)
    encode = encoder.encode
    encoder.encode = lambda *given: made.steps(encode(*given), "cutting and the rest of encoding")  # type: ignore[method-assign]
    seconds, before = 0.0, children()
    with KnowledgeBase.open(folder, create=True) as kb, kb.writer() as writer:
        stream = made.steps(listened(paths, encoder), "handing over samples")
        for path, recording, sound in stream:
            seconds += recording.seconds
            with made.stage("store"):
                add(writer, path, recording, sound)
        with made.stage("commit"):
            writer.commit({"action": "benchmark"})
    # The reader is another process, and has ended.
    return made.seconds | {"decode": children() - before}, seconds


class NoText:
    """Stands where ingest wants an encoder of text: recordings without a transcript have none."""

    fingerprint = "none"

    def encode(self, documents: Sequence[Any]) -> Iterator[tuple[int, Embeddings]]:
        assert not documents
        return iter(())


def whole(paths: Sequence[Path], weights: Path, folder: Path) -> dict[str, float]:
    """Seconds of an ingest and of the compaction after it, and what the knowledge base holds."""
    from octavo.indexes.intake import take_in

    encoder = SpeechEncoder(weights, "cpu")
    began, before = time.perf_counter(), busy() + children()
    samples = 0
    with KnowledgeBase.open(folder, create=True, term_encoder=character_encoder()) as kb:
        for taken in take_in(kb, paths, NoText(), listener=encoder):
            assert taken.done, taken
            samples += taken.counts.get("samples", 0)
        spent, used = time.perf_counter() - began, busy() + children() - before
        began = busy()
        kb.compact()
        compacted = busy() - began
    sizes = {name: float(_bytes(folder, part)) for name, part in PARTS.items()}
    return {"sound": samples / SAMPLE_RATE, "ingest": spent, "used": used, "compact": compacted, **sizes}


PARTS = {
    "all": "**/*",
    "window vectors": "vectors/phoneme/*",
    "prosody vectors": "vectors/prosody/*",
    "catalog (posteriors, measures, times)": "catalog.sqlite*",
}


def _bytes(folder: Path, pattern: str) -> int:
    return sum(path.stat().st_size for path in folder.glob(pattern) if path.is_file())


def on_cores(count: int) -> None:
    """Restricts this process, and those it starts, to so many cores."""
    import torch

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])
    torch.set_num_threads(count)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("audio", type=Path, nargs="+")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--cores", type=int, action="append", help="for the whole ingest; repeat. Default 1 and 2")
    parser.add_argument("--alone", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    paths = files_of(arguments.audio)
    with tempfile.TemporaryDirectory(prefix="octavo-listening-") as folder:
        if arguments.alone:
            on_cores(arguments.alone)
            print(json.dumps(whole(paths, arguments.weights, Path(folder) / "kb")))
            return
        runs = []
        for count in arguments.cores or (1, 2):
            command = [sys.executable, __file__, *map(str, arguments.audio), "--weights", str(arguments.weights)]
            done = subprocess.run(
                [*command, "--alone", str(count)],
                check=True,
                stdout=subprocess.PIPE,
                env=os.environ | {"OMP_NUM_THREADS": str(count)},
            )
            runs.append((count, json.loads(done.stdout.splitlines()[-1])))
        on_cores(1)
        spent, seconds = stages(paths, arguments.weights, Path(folder) / "kb")
    total = sum(spent.values())
    print(f"{len(paths)} recordings, {seconds / 3600:.2f} h of sound\n")
    print("| stage, one core | times real time | share |\n|---|---|---|")
    for name, own in sorted(spent.items(), key=lambda item: -item[1]):
        print(f"| {name} | {seconds / own:,.0f} | {own / total:.1%} |")
    print(f"| all, one after another | {seconds / total:,.0f} | |\n")
    print("| whole ingest | times real time by the clock | if the cores were free | compaction |\n|---|---|---|---|")
    for count, run in runs:
        clock, free = run["sound"] / run["ingest"], count * run["sound"] / run["used"]
        print(f"| {count} core{'s' * (count > 1)} | {clock:,.0f} | {free:,.0f} at most | {run['compact']:.1f} s |")
    print("\n| kept | MB an hour of sound |\n|---|---|")
    for name in PARTS:
        print(f"| {name} | {runs[-1][1][name] / 1e6 / (runs[-1][1]['sound'] / 3600):.2f} |")


if __name__ == "__main__":
    main()
