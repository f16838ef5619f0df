"""Words cut from other speakers and looked for as sound, against MFCC and dynamic time warping in the same run.

    OMP_NUM_THREADS=1 python tests/benchmarks/query_by_example.py SPEECH [--kb DIR] [--weights FILE] [--letters 5]

An example is a word of five letters and more, cut by its times from one recording of ``timit_dev`` or ``dev``, of up
to two speakers a word. It ranks all recordings of the other speakers; those in which the word is said are right. TIMIT
measured its word times; in ``dev`` they are aligned with the transcript by Octavo's own posteriors and widened by its
edges, the same samples for both sides. Words, speakers and places are drawn by a fixed seed, none chosen by result.

The other side: 13 MFCC with their first and second differences at 10 ms (torchaudio), mean and variance of the whole
recording taken out (the example by those of the recording it was cut from, which a real example would not have),
subsequence dynamic time warping (Sakoe and Chiba 1978; free beginning and end) by cosine and by Euclidean distance;
a recording counts with its cheapest path a frame of the example. The interval is a bootstrap over examples.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from octavo.indexes.sound.by_example import by_example
from octavo.indexes.sound.calibration_fit import aligned
from octavo.indexes.sound.hearing import Hearing
from octavo.indexes.store.snapshot import Snapshot
from octavo.pipeline.encoders.speech import SpeechEncoder
from octavo.pipeline.posteriors import FRAME
from octavo.pipeline.recording import SAMPLE_RATE
from octavo.tests.benchmarks.sound_library import (
    Spoken,
    hearing_of,
    keys_of,
    knowledge_base,
    samples_of,
    spoken_library,
)

HOP = 160
SHORTEST = SAMPLE_RATE // 5
"""Samples of an example: what is cut shorter was aligned badly, or is no word to search with."""

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Example:
    """A word cut from a recording.

    Attributes:
        start, stop: Samples.
        right: Keys of the other speakers' recordings in which it is said.
    """

    word: str
    source: Spoken
    start: int
    stop: int
    right: frozenset[str]


def examples(
    library: Sequence[Spoken], sounds: dict[str, Floats], encoder: SpeechEncoder, hearing: Hearing, letters: int
) -> list[Example]:
    """Of every word of so many letters that two speakers say, up to two speakers' examples."""
    draw = random.Random(7)
    made = []
    for word in sorted({word for one in library for word in one.words if len(word) >= letters and "'" not in word}):
        saying = [one for one in library if word in one.words]
        speakers = sorted({one.speaker for one in saying})
        if len(speakers) < 2:
            continue
        for speaker in draw.sample(speakers, 2):
            source = draw.choice([one for one in saying if one.speaker == speaker])
            times = source.times or widened(source, sounds[source.key], encoder, hearing)
            found = [(start, stop) for own, start, stop in times if own == word and stop - start >= SHORTEST]
            right = frozenset(one.key for one in saying if one.speaker != speaker)
            if found:
                made.append(Example(word, source, *found[0], right))
    return made


def widened(one: Spoken, samples: Floats, encoder: SpeechEncoder, hearing: Hearing) -> tuple[tuple[str, int, int], ...]:
    """Word times by alignment: from peak to peak, and the gaps beside them shared with the neighbours."""
    rows = aligned(one.text, len(samples), encoder.hear(samples), hearing.pronouncer)
    edges = hearing.edges
    made = []
    for at, (word, start, stop) in enumerate(rows):
        before = start - rows[at - 1][2] if at else start
        after = rows[at + 1][1] - stop if at + 1 < len(rows) else len(samples) - stop
        low = start - max(0, min(round(edges.before * before), round(edges.most_before * FRAME)))
        high = stop + max(0, min(round(edges.after * after), round(edges.most_after * FRAME)))
        made.append((word, max(0, low), min(len(samples), high)))
    return tuple(made)


def average_precision(ranked: Sequence[str], right: frozenset[str]) -> float:
    """Of a ranking of recordings."""
    found = [at for at, key in enumerate(ranked) if key in right]
    return sum((number + 1) / (at + 1) for number, at in enumerate(found)) / len(right)


class Cepstra:
    """All recordings as normalised MFCC, one after another with a wall between, for subsequence warping."""

    def __init__(self, library: Sequence[Spoken], sounds: dict[str, Floats]) -> None:
        import torchaudio

        self._mfcc = torchaudio.transforms.MFCC(
            SAMPLE_RATE, 13, melkwargs={"n_fft": 512, "win_length": 400, "hop_length": HOP, "n_mels": 40}
        )
        self.keys = [one.key for one in library]
        self.speakers = [one.speaker for one in library]
        self.rows = {key: self._normalised(sounds[key]) for key in self.keys}
        wall = np.zeros((1, 39), np.float32)
        parts = [part for key in self.keys for part in (self.rows[key], wall)]
        lengths = np.array([len(self.rows[key]) + 1 for key in self.keys])
        self.first = np.cumsum(lengths) - lengths
        self.walls = np.cumsum(lengths) - 1
        self.whole = np.concatenate(parts)

    def _normalised(self, samples: Floats) -> Floats:
        import torchaudio

        base = self._mfcc(torch.from_numpy(samples))
        slope = torchaudio.functional.compute_deltas(base)
        whole = torch.cat((base, slope, torchaudio.functional.compute_deltas(slope))).T
        made: Floats = ((whole - whole.mean(0)) / whole.std(0).clamp(min=1e-5)).numpy()
        return made

    def distances(self, example: Floats, measure: str) -> Doubles:
        """Of each frame of an example to each of all recordings; walls cost more than any path. *Shape:* (m, F)"""
        if measure == "cosine":
            a, b = (one / np.maximum(np.linalg.norm(one, axis=1, keepdims=True), 1e-6) for one in (example, self.whole))
            made: Doubles = 1 - (a @ b.T).astype(np.float64)
        else:
            squares = (example**2).sum(1)[:, None] + (self.whole**2).sum(1)[None] - 2 * example @ self.whole.T
            made = np.sqrt(np.maximum(squares, 0).astype(np.float64))
        made[:, self.walls] = 1e4
        return made

    def costs(self, example: Floats, measure: str) -> Doubles:
        """The cheapest path in each recording, a frame of the example. *Shape:* (recordings,)"""
        ends = subsequence_costs(self.distances(example, measure))
        cheapest: Doubles = np.minimum.reduceat(ends, self.first)
        return cheapest / len(example)

    def ranked(self, example: Example, measure: str) -> list[str]:
        """Recordings of other speakers, the likeliest first."""
        cut = self.rows[example.source.key][example.start // HOP : max(example.stop // HOP, example.start // HOP + 2)]
        order = np.argsort(self.costs(cut, measure), kind="stable").tolist()
        return [self.keys[at] for at in order if self.speakers[at] != example.source.speaker]


def subsequence_costs(distances: Doubles) -> Doubles:
    """Cost of the cheapest path through all rows that ends in each column, beginning in any. *Shape:* (m, F) to (F,)

    Staying in a row along the columns is a running minimum once the row's prefix sums are taken off, so that the loop
    runs over the rows only.
    """
    path: Doubles = distances[0].copy()
    for row in distances[1:]:
        sums = np.cumsum(row)
        before = np.concatenate(([np.inf], path[:-1]))
        entering = np.minimum(path, before) + row
        path = np.minimum.accumulate(entering - sums) + sums
    return path


def by_octavo(
    example: Example,
    samples: Floats,
    encoder: SpeechEncoder,
    snapshot: Snapshot,
    hearing: Hearing,
    keys: dict[int, str],
    speakers: dict[str, str],
) -> list[str]:
    """The recordings of other speakers as a spoken question ranks them."""
    utterances = encoder.hear(np.ascontiguousarray(samples[example.start : example.stop]))
    hits = by_example(utterances, snapshot, hearing, k=len(keys))
    found = dict.fromkeys(keys[hit.content] for hit in hits)
    return [key for key in found if speakers[key] != example.source.speaker]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("speech", type=Path)
    parser.add_argument("--kb", type=Path)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--letters", type=int, default=5)
    parser.add_argument("--some", type=int, help="every so many-th recording only, for a trial")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    library = spoken_library(arguments.speech)[:: arguments.some]
    hearing, encoder = hearing_of(arguments.weights)
    sounds = samples_of(library)
    asked = examples(library, sounds, encoder, hearing, arguments.letters)
    cepstra = Cepstra(library, sounds)
    folder = arguments.kb or Path(tempfile.mkdtemp(prefix="octavo-example-")) / "kb"
    speakers = {one.key: one.speaker for one in library}
    sides = ("Octavo", "MFCC + DTW, cosine", "MFCC + DTW, Euclidean")
    values: dict[str, list[float]] = {side: [] for side in sides}
    seconds = dict.fromkeys(sides, 0.0)
    with knowledge_base(folder, library, encoder) as kb, kb.snapshot() as snapshot:
        keys = keys_of(kb)
        for one in asked:
            for side in sides:
                began = time.perf_counter()
                if side == "Octavo":
                    ranked = by_octavo(one, sounds[one.source.key], encoder, snapshot, hearing, keys, speakers)
                else:
                    ranked = cepstra.ranked(one, "cosine" if "cosine" in side else "Euclidean")
                seconds[side] += time.perf_counter() - began
                values[side].append(average_precision(ranked, one.right))
    draws = np.random.default_rng(7).integers(len(asked), size=(1_000, len(asked)))
    lengths = [1000 * (one.stop - one.start) / SAMPLE_RATE for one in asked]
    print(
        f"{len(asked)} examples of {len({one.word for one in asked})} words (median {np.median(lengths):.0f} ms), "
        f"{len(library)} recordings, mean {np.mean([len(one.right) for one in asked]):.1f} right\n"
    )
    print("| | MAP | 95 % | ms an example |\n|---|---|---|---|")
    for side in sides:
        own = np.array(values[side])
        low, high = np.quantile(own[draws].mean(axis=1), (0.025, 0.975))
        print(f"| {side} | {own.mean():.3f} | {low:.3f} to {high:.3f} | {1000 * seconds[side] / len(asked):.0f} |")
    best = max(np.mean(values[side]) for side in sides[1:])
    print(f"\nOctavo / the better of the others: {np.mean(values['Octavo']) / best:.2f}")


if __name__ == "__main__":
    main()
