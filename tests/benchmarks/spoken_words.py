"""Typed words found in recordings without transcripts: ranking, detection and times, inside one process.

    OMP_NUM_THREADS=1 python tests/benchmarks/spoken_words.py SPEECH [--kb DIR] [--weights FILE] [--failures]

300 words of six letters and more that are said in one to five of the recordings of ``timit_dev`` and ``dev``, drawn by
a fixed seed, none chosen by result. Each word ranks the recordings:

- exhaustive: CTC score of every utterance;
- proposals: FAISS proposes so many utterances by their windows, CTC scores them;
- windows: cosine of the nearest windows alone.

MTWV is the maximum term-weighted value of NIST's spoken term detection (Fiscus et al. 2007, beta 999.9) over one
threshold for all words; a recording counts once, with its best place. ``raw`` takes the score per phone, ``calibrated``
the probability, both of exhaustive search.

Times: of every recording of TIMIT in which a word asked is said, the first place found in it is compared with TIMIT's
own word times. A word not found at all counts as off by more than 150 ms in the share, and is left out of the median,
which cannot name its error; how many these are is printed.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from octavo.indexes.sound.hearing import Hearing
from octavo.indexes.sound.keyword import Sought
from octavo.indexes.sound.spoken import LEAST_UTTERANCES, SpokenHit, decide, propose
from octavo.indexes.store.snapshot import Snapshot
from octavo.pipeline.phones import phone_names
from octavo.pipeline.recording import SAMPLE_RATE
from octavo.pipeline.training.lexicon import read_lexicon
from octavo.tests.benchmarks.sound_library import (
    Spoken,
    chosen_words,
    hearing_of,
    keys_of,
    knowledge_base,
    places_of,
    spoken_library,
)

PROPOSED = (20, 50, 64, 100)
FALSE_ALARM_WEIGHT = 999.9
K = 200


@dataclass(frozen=True, slots=True)
class Ranked:
    """The recordings found for a word, best first, each with its first place."""

    keys: list[str]
    hits: list[SpokenHit]

    @classmethod
    def of(cls, hits: Sequence[SpokenHit], keys: Mapping[int, str]) -> Ranked:
        """Of places in order; the first of each recording stays."""
        first: dict[str, SpokenHit] = {}
        for hit in hits:
            first.setdefault(keys[hit.content], hit)
        return cls(list(first), list(first.values()))


def quality(ranked: Sequence[str], right: set[str]) -> tuple[float, float, float]:
    """Average precision, precision at 1, recall at 10."""
    found = [at for at, key in enumerate(ranked) if key in right]
    average = sum((number + 1) / (at + 1) for number, at in enumerate(found)) / len(right)
    return average, float(bool(found) and found[0] == 0), sum(at < 10 for at in found) / len(right)


def exhaustive(variants: Sequence[Sought], snapshot: Snapshot, hearing: Hearing) -> list[SpokenHit]:
    """Every utterance scored."""
    near = propose(variants, snapshot, hearing, LEAST_UTTERANCES)
    rows, frames = hearing.heard_whole(snapshot, snapshot.ranges())
    return decide(variants, rows, frames, hearing, K, near.nearness_of(rows.id))


def proposed(variants: Sequence[Sought], snapshot: Snapshot, hearing: Hearing, count: int) -> list[SpokenHit]:
    """What the windows propose, scored."""
    near = propose(variants, snapshot, hearing, count)
    rows, frames = hearing.heard(snapshot, near.utterances)
    return decide(variants, rows, frames, hearing, K, near.nearness_of(rows.id))


def by_windows(variants: Sequence[Sought], snapshot: Snapshot, hearing: Hearing, keys: Mapping[int, str]) -> list[str]:
    """Recordings by the cosine of their nearest window."""
    near = propose(variants, snapshot, hearing, 10 * K)
    contents = snapshot.sounds(near.utterances).content
    return list(dict.fromkeys(keys[one] for one in contents.tolist()))


def mtwv(
    found: Mapping[str, Ranked], where: Mapping[str, set[str]], scores: Mapping[str, Sequence[float]], seconds: float
) -> float:
    """Maximum over thresholds of the mean over words of hits less weighted false alarms."""
    values, gains = [], []
    for word, ranked in found.items():
        right = where[word]
        for key, score in zip(ranked.keys, scores[word], strict=True):
            values.append(score)
            gains.append(1 / len(right) if key in right else -FALSE_ALARM_WEIGHT / (seconds - len(right)))
    order = np.argsort(-np.array(values), kind="stable")
    total = np.cumsum(np.array(gains)[order])
    return float(max(0.0, total.max()) / len(found))


def time_errors(found: Mapping[str, Ranked], library: Sequence[Spoken]) -> tuple[npt.NDArray[np.float64], int]:
    """Start and stop errors in seconds of words found, and how many are not found. *Shape:* (n, 2)"""
    errors, missing = [], 0
    for one in library:
        for word in {word for word, _, _ in one.times} & set(found):
            if one.key not in found[word].keys:
                missing += 1
                continue
            hit = found[word].hits[found[word].keys.index(one.key)]
            said = [(start, stop) for own, start, stop in one.times if own == word]
            errors.append(
                min(((hit.start - start, hit.stop - stop) for start, stop in said), key=lambda off: abs(off[0]))
            )
    return np.array(errors, np.float64).reshape(-1, 2) / SAMPLE_RATE, missing


def failures(
    found: Mapping[str, Ranked],
    where: Mapping[str, set[str]],
    snapshot: Snapshot,
    hearing: Hearing,
    keys: Mapping[int, str],
    lexicon: Path,
) -> None:
    """Words of average precision below a half, and whose fault it is.

    pronunciation: with the dictionary's phones the average precision is higher by a quarter; net: even so the word's
    best place costs more than 1.5 nats a phone; ranking: it is heard, and other places are heard better.
    """
    known = {word: [Sought(way) for way in ways] for word, ways in read_lexicon(lexicon).items()}
    blame: dict[str, int] = {}
    for word, ranked in found.items():
        average, _, _ = quality(ranked.keys, where[word])
        if average >= 0.5:
            continue
        other = quality(Ranked.of(exhaustive(known.get(word, []), snapshot, hearing), keys).keys, where[word])[0]
        own = [hit.score for key, hit in zip(ranked.keys, ranked.hits, strict=True) if key in where[word]]
        if other > average + 0.25:
            why = "pronunciation"
        elif not own or max(own) < -1.5:
            why = "net"
        else:
            why = "ranking"
        blame[why] = blame.get(why, 0) + 1
        best = max(own, default=float("nan"))
        said = phone_names(hearing.variants(word)[0].phones)
        heard = next((h.heard for k, h in zip(ranked.keys, ranked.hits, strict=True) if k in where[word]), "")
        print(
            f"  {word:16} {average:.2f} (dictionary {other:.2f}) {why:13} score {best:.2f} asked {said} heard {heard}"
        )
    print(f"words of average precision below 0.5: {blame}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("speech", type=Path)
    parser.add_argument("--kb", type=Path)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--words", type=int, default=300)
    parser.add_argument("--some", type=int, help="every so many-th recording only, for a trial")
    parser.add_argument("--espeak", action="store_true", help="ask espeak-ng for pronunciations too")
    parser.add_argument("--failures", type=Path, metavar="CMUDICT", help="name the words that fail, and why")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    library = spoken_library(arguments.speech)[:: arguments.some]
    where = places_of(library)
    words = chosen_words(where, arguments.words)
    hearing, encoder = hearing_of(arguments.weights, espeak=arguments.espeak)
    folder = arguments.kb or Path(tempfile.mkdtemp(prefix="octavo-words-")) / "kb"
    with knowledge_base(folder, library, encoder) as kb, kb.snapshot() as snapshot:
        keys = keys_of(kb)
        sounds = snapshot.sounds_between(snapshot.ranges())
        seconds = float((sounds.stop - sounds.start)[sounds.parent < 0].sum()) / SAMPLE_RATE
        ways = {word: hearing.variants(word) for word in words}
        whole = {word: Ranked.of(exhaustive(ways[word], snapshot, hearing), keys) for word in words}
        rankings = {"exhaustive": {word: one.keys for word, one in whole.items()}}
        for count in PROPOSED:
            rankings[f"{count} proposals"] = {
                word: Ranked.of(proposed(ways[word], snapshot, hearing, count), keys).keys for word in words
            }
        rankings["windows"] = {word: by_windows(ways[word], snapshot, hearing, keys) for word in words}
        print(f"{len(words)} words, {len(library)} recordings, {seconds / 60:.1f} min of speech heard\n")
        print("| ranking | MAP | P@1 | recall@10 |\n|---|---|---|---|")
        for name, ranked in rankings.items():
            rows = np.array([quality(ranked[word], where[word]) for word in words]).mean(axis=0)
            print(f"| {name} | {rows[0]:.3f} | {rows[1]:.3f} | {rows[2]:.3f} |")
        lengths = np.array([len(ways[word][0].phones) for word in words])
        average = np.array([quality(whole[word].keys, where[word])[0] for word in words])
        for low, high in ((0, 5), (6, 6), (7, 8), (9, 99)):
            chosen = (lengths >= low) & (lengths <= high)
            if chosen.any():
                print(f"exhaustive, words of {low} to {high} phones: MAP {average[chosen].mean():.3f} ({chosen.sum()})")
        raw = {word: [hit.score for hit in one.hits] for word, one in whole.items()}
        calibrated = {word: [hit.probability for hit in one.hits] for word, one in whole.items()}
        print(
            f"MTWV raw {mtwv(whole, where, raw, seconds):.3f}, calibrated {mtwv(whole, where, calibrated, seconds):.3f}"
        )
        chances = np.concatenate([np.array(calibrated[word]) for word in words])
        truth = np.concatenate([[key in where[word] for key in whole[word].keys] for word in words])
        print("probability stated -> share said:", end="")
        for lowest, highest in pairwise((0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.01)):
            inside = (chances >= lowest) & (chances < highest)
            if inside.any():
                print(f"  {chances[inside].mean():.2f} -> {truth[inside].mean():.2f} ({inside.sum()})", end="")
        print()
        errors, missing = time_errors(whole, library)
        within = (np.abs(errors) <= 0.15).all(axis=1)
        asked = len(errors) + missing
        print(
            f"times: {asked} words of TIMIT, {missing} not found, median error of starts and stops "
            f"{1000 * np.median(np.abs(errors)):.0f} ms (starts {1000 * np.median(errors[:, 0]):+.0f}, stops "
            f"{1000 * np.median(errors[:, 1]):+.0f}), both within 150 ms {within.sum() / max(asked, 1):.3f}; "
            f"starts alone {(np.abs(errors[:, 0]) <= 0.15).sum() / max(asked, 1):.3f}"
        )
        if arguments.failures:
            failures(whole, where, snapshot, hearing, keys, arguments.failures)


if __name__ == "__main__":
    main()
