"""Milliseconds of a typed word over a hundred hours of repeated, perturbed speech, p50 and p95, on one thread.

    OMP_NUM_THREADS=1 python tests/benchmarks/hours.py SPEECH KB [--hours 100] [--words 100] [--weights FILE]

KB is made unless it is there: the utterances of ``timit_dev`` and ``dev`` are encoded once and then entered again and
again, in another order each time, with noise on window vectors (cosine 0.94 to the original) and on posteriors (half a
nat), an hour to a recording; then compacted. Words are those of ``spoken_words.py``. The first search, which opens the
shards and loads the networks, is not counted; every word is asked once, so no posteriors are in memory yet.

On a machine with other work the processor's own time says more than the clock. ``answer`` is the whole of ``octavo
search WORD --scale phoneme`` after the start of the process; the stages before it are measured in a run of their own.
``right`` is the share of the first ten hits in copies of recordings that do hold the word, and can be less than 1 only
by mistakes of the encoder or of the proposals.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.retrieve import Encoders, retrieve
from octavo.indexes.sound.hearing import Hearing
from octavo.indexes.sound.spoken import LEAST_UTTERANCES, decide, propose
from octavo.pipeline.document import Metadata, Source
from octavo.pipeline.embed import Sound, Utterance
from octavo.pipeline.encoders.speech import SpeechEncoder
from octavo.pipeline.posteriors import FRAME, Posteriors
from octavo.pipeline.recording import SAMPLE_RATE, Recording
from octavo.pipeline.scale import PHONEME
from octavo.tests.benchmarks.sound_library import (
    Spoken,
    add,
    chosen_words,
    hearing_of,
    listened,
    places_of,
    spoken_library,
)

WINDOW_NOISE = 0.065
"""Standard deviation for each number of a unit vector of 32."""
POSTERIOR_NOISE = 0.5
GAP = 16 * FRAME

Result = TypeVar("Result")
Spent = dict[str, list[tuple[float, float]]]
"""Milliseconds by the clock and of this process, by stage."""


def perturbed(one: Utterance, start: int, generator: np.random.Generator) -> Utterance:
    """The utterance at another place, heard a little differently."""
    windows = one.windows + WINDOW_NOISE * generator.standard_normal(one.windows.shape, np.float32)
    windows /= np.linalg.norm(windows, axis=1, keepdims=True)
    costs = one.posteriors.costs + 20 * POSTERIOR_NOISE * generator.standard_normal(one.posteriors.costs.shape)
    order = np.argsort(costs, axis=1)
    posteriors = Posteriors(
        np.take_along_axis(one.posteriors.symbols, order, 1),
        np.clip(np.take_along_axis(costs, order, 1), 0, 255).astype(np.uint8),
    )
    return replace(
        one,
        start=start,
        stop=start + one.stop - one.start,
        posteriors=posteriors,
        windows=windows,
        phrases=one.phrases - one.start + start,
    )


def an_hour(base: Sequence[tuple[str, Utterance]], number: int) -> Iterator[tuple[str, int, Utterance]]:
    """Utterances of the recording of a number with their keys and starts, as they are before they are perturbed."""
    generator = np.random.default_rng([11, number])
    at = 0
    while True:
        for position in generator.permutation(len(base)).tolist():
            key, one = base[position]
            if at + one.stop - one.start > 3600 * SAMPLE_RATE:
                return
            yield key, at, one
            at += one.stop - one.start + GAP


def build(folder: Path, base: Sequence[tuple[str, Utterance]], encoder: SpeechEncoder, hours: int) -> None:
    """Enters and compacts the hours."""
    kb = KnowledgeBase.open(folder, create=True)
    began = time.monotonic()
    pcm = folder / "silence.pcm"
    with kb.writer() as writer:
        for number in range(hours):
            generator = np.random.default_rng([12, number])
            with pcm.open("wb") as file:
                file.truncate(2 * 3600 * SAMPLE_RATE)  # nobody reads it
            digest = hashlib.sha256(str(number).encode()).hexdigest()
            source = Source(f"/hours/{number:03}.wav", "audio/wav", digest)
            with Recording(source, 3600 * SAMPLE_RATE, 0, Metadata(), (), pcm) as recording:
                said = (perturbed(one, at, generator) for _, at, one in an_hour(base, number))
                sound = Sound(recording, said, encoder.phoneme_fingerprint, encoder.prosody_fingerprint)
                add(writer, pcm, recording, sound)
            if number % 10 == 9 or number + 1 == hours:
                writer.commit({"action": "benchmark"})
                print(f"{number + 1} hours entered after {time.monotonic() - began:.0f} s", flush=True)
    compacted = kb.compact()
    print(f"compacted after {time.monotonic() - began:.0f} s: {compacted.kinds}", flush=True)
    kb.close()


def base_of(library: Sequence[Spoken], encoder: SpeechEncoder) -> list[tuple[str, Utterance]]:
    """Every utterance of a library with the key of its recording."""
    keys = {one.path: one.key for one in library}
    paths = [one.path for one in library]
    return [(keys[path], one) for path, _, sound in listened(paths, encoder) for one in sound.utterances]


def timed(spent: Spent, stage: str, work: Callable[[], Result]) -> Result:
    """Runs some work and notes its time."""
    began, busy = time.perf_counter(), time.process_time()
    made = work()
    milliseconds = ((time.perf_counter() - began) * 1000, (time.process_time() - busy) * 1000)
    spent.setdefault(stage, []).append(milliseconds)
    return made


def measure(kb: KnowledgeBase, hearing: Hearing, words: Sequence[str], k: int) -> Spent:
    """Milliseconds of the stages, word by word, and of whole answers."""
    spent: Spent = {}
    fresh = Hearing(hearing.pronouncer, hearing.speech, calibration=hearing.calibration, edges=hearing.edges)
    encoders = Encoders(hearing=fresh)
    with kb.snapshot() as snapshot:
        retrieve("warm", snapshot, encoders, k=k, scales=(PHONEME.name,))
        for word in words:
            variants = timed(spent, "pronounce", lambda: hearing.variants(word))  # noqa: B023
            count = max(LEAST_UTTERANCES, 2 * k)
            proposed = timed(spent, "propose", lambda: propose(variants, snapshot, hearing, count))  # noqa: B023
            rows, frames = timed(
                spent,
                "fetch posteriors",
                lambda: hearing.heard(snapshot, proposed.utterances),  # noqa: B023
            )
            timed(
                spent,
                "score and place",
                lambda: decide(variants, rows, frames, hearing, k, proposed.nearness_of(rows.id)),  # noqa: B023
            )
        for word in words:
            timed(spent, "answer", lambda: retrieve(word, snapshot, encoders, k=k, scales=(PHONEME.name,)))  # noqa: B023
    return spent


def right(
    kb: KnowledgeBase,
    hearing: Hearing,
    words: Sequence[str],
    where: dict[str, set[str]],
    base: Sequence[tuple[str, Utterance]],
) -> float:
    """Share of the first ten hits that lie in copies of recordings which hold the word."""
    copies: dict[int, dict[int, str]] = {}
    good = []
    encoders = Encoders(hearing=hearing)
    with kb.snapshot() as snapshot:
        for word in words:
            for hit in retrieve(word, snapshot, encoders, k=10, scales=(PHONEME.name,)).hits:
                number = int(Path(hit.citation.source.uri).stem)
                if number not in copies:
                    copies[number] = {at: key for key, at, _ in an_hour(base, number)}
                sample = int((hit.citation.places[0].start_seconds or 0) * SAMPLE_RATE)
                start = max(at for at in copies[number] if at <= sample)
                good.append(copies[number][start] in where[word])
    return float(np.mean(good))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("speech", type=Path)
    parser.add_argument("kb", type=Path)
    parser.add_argument("--hours", type=int, default=100)
    parser.add_argument("--words", type=int, default=100)
    parser.add_argument("--some", type=int, help="use so many recordings only, for a trial")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("-k", type=int, default=10)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    library = spoken_library(arguments.speech)[: arguments.some]
    where = places_of(library)
    words = chosen_words(where)[:: max(1, 300 // arguments.words)][: arguments.words]
    hearing, encoder = hearing_of(arguments.weights)
    base = base_of(library, encoder)
    if not (arguments.kb / "catalog.sqlite").exists():
        build(arguments.kb, base, encoder, arguments.hours)
    with KnowledgeBase.open(arguments.kb) as kb:
        spent = measure(kb, hearing, words, arguments.k)
        found = right(kb, hearing, words, where, base)
        size = sum(path.stat().st_size for path in arguments.kb.rglob("*") if path.is_file() and path.suffix != ".pcm")
        status = {one.scale: one.vectors for one in kb.status().scales}
    print(f"{arguments.hours} hours, {len(words)} words, vectors {json.dumps(status)}, right {found:.2f}")
    print(f"{size / 1e6 / arguments.hours:.2f} MB an hour\n")
    print("| stage | p50 ms | p95 ms | p50 ms of the processor |\n|---|---|---|---|")
    for stage, values in spent.items():
        clock, busy = np.array(values).T
        low, high = np.quantile(clock, (0.5, 0.95))
        print(f"| {stage} | {low:.1f} | {high:.1f} | {np.median(busy):.1f} |")


if __name__ == "__main__":
    main()
