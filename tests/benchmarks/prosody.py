"""Retrieval of the same manner from other speakers on Emo-DB, against four other feature sets in the same run.

    python tests/benchmarks/prosody.py EMODB TRAIN [--orders 5] [--json]

EMODB is the folder with the recordings (``03a01Wa.flac``: speaker, sentence, emotion, take), TRAIN the folder of
training speech with its ``manifest.jsonl``: from some of its utterances the baselines get the same prior knowledge of
people in general that the prosody vector has. Needs ``soundfile`` and ``opensmile`` (research licence; for this
comparison only).

Every clip asks in turn; candidates are all clips of the other nine speakers, by cosine; average precision by emotion
(seven) and by arousal (anger, fear, happiness against boredom, neutral, sadness; disgust neither asks nor answers),
mean over the clips that ask. Speakers are normalised in several ways:

- none: against people in general;
- each clip alone: the clip is its own baseline (as for an uploaded example);
- running: a speaker's clips in a shuffled order, mean and spread of the first 30 s (what production does); the mean
  over several orders is reported;
- running, weighed: the same against people in general, weighed and saturated as the prosody vector does it;
- all clips: mean and spread of everything the speaker said, test clips included. Kinder than production.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from octavo.pipeline.encoders.prosody import LIMIT, UTTERANCE_SECONDS, ProsodyEncoder
from octavo.pipeline.voice.contour import contour
from octavo.pipeline.voice.functionals import column, functionals
from octavo.pipeline.voice.measures import BASELINE_SECONDS, Baseline

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

AROUSED, CALM = "AFW", "LNT"
SAMPLE_RATE = 16_000

PROSODY_24 = (
    *("f0_p05", "f0_p50", "f0_p95", "f0_mean", "f0_deviation", "f0_range", "f0_speed", "f0_slope", "f0_final"),
    *("energy_p05", "energy_p50", "energy_p95", "energy_deviation", "energy_range", "energy_speed", "energy_slope"),
    *("rate", "voiced", "voiced_length", "voiced_length_deviation", "pauses", "pause_rate", "interval", "npvi"),
)
"""Twenty-four numbers of F0, energy and rhythm, as in the trial that the issue quotes."""

BASELINES = ("none", "running", "running, weighed", "all clips")
OWN_BASELINES = ("none", "each clip alone", "running, weighed", "all clips")

Rows = dict[str, Doubles]
Features = Callable[[Floats], npt.ArrayLike]


def feature_sets() -> dict[str, Features]:
    """Samples of one clip -> features, one entry a set."""
    import opensmile
    import torch
    import torchaudio

    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)
    mel = torchaudio.transforms.MelSpectrogram(SAMPLE_RATE, n_fft=512, win_length=400, hop_length=160, n_mels=64)
    mfcc = torchaudio.transforms.MFCC(
        SAMPLE_RATE, n_mfcc=20, melkwargs={"n_fft": 512, "win_length": 400, "hop_length": 160, "n_mels": 40}
    )
    chosen = [column(name) for name in PROSODY_24]

    def cepstral(samples: Floats) -> npt.ArrayLike:
        frames = mfcc(torch.from_numpy(samples)).numpy()
        return np.concatenate([frames.mean(axis=1), frames.std(axis=1)])

    return {
        "mean log-mel (64)": lambda samples: torch.log(mel(torch.from_numpy(samples)) + 1e-6).mean(1).numpy(),
        "MFCC mean + deviation (40)": cepstral,
        "F0 + energy + rhythm (24)": lambda samples: functionals(contour(samples))[chosen],
        "eGeMAPSv02 (88)": lambda samples: smile.process_signal(samples, SAMPLE_RATE).to_numpy()[0],
        "functionals": lambda samples: functionals(contour(samples)),
    }


def read(path: Path) -> Floats:
    """16 kHz mono."""
    import soundfile
    import torch
    import torchaudio

    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = torch.from_numpy(samples.mean(axis=1))
    return np.ascontiguousarray(torchaudio.functional.resample(mono, rate, SAMPLE_RATE).numpy(), np.float32)


def extract(clips: Sequence[Path], sets: dict[str, Features]) -> tuple[Rows, Doubles]:
    """Features of every clip and every set, and the clips' seconds."""
    rows: dict[str, list[npt.ArrayLike]] = {name: [] for name in sets}
    seconds = []
    for number, clip in enumerate(clips):
        samples = read(clip)
        seconds.append(len(samples) / SAMPLE_RATE)
        for name, features in sets.items():
            rows[name].append(features(samples))
        if sys.stderr.isatty():
            print(f"\r{number + 1}/{len(clips)}", end="", file=sys.stderr)
    return {name: np.array(found, np.float64) for name, found in rows.items()}, np.array(seconds)


def population(rows: Doubles, speakers: Sequence[str]) -> tuple[Doubles, Doubles, Doubles]:
    """Mean, variance between and variance within speakers."""
    names = np.array(speakers)
    means = np.stack([np.nanmean(rows[names == name], axis=0) for name in sorted(set(speakers))])
    within = np.nanmean(
        np.stack([np.nanvar(rows[names == name], axis=0, ddof=1) for name in sorted(set(speakers))]), axis=0
    )
    return np.nanmean(means, axis=0), np.nanvar(means, axis=0), np.maximum(within, 1e-12)


def first(order: npt.NDArray[np.int64], seconds: Doubles) -> npt.NDArray[np.int64]:
    """Clips of a speaker up to the one that completes 30 s."""
    ends = np.cumsum(seconds[order])
    return order[: int(np.searchsorted(ends, BASELINE_SECONDS)) + 1]


def standardise(rows: Doubles, mean: Doubles, variance: Doubles) -> Doubles:
    scaled = (rows - mean) / np.sqrt(np.maximum(variance, 1e-9))
    return np.where(np.isfinite(scaled), scaled, 0.0)


def weighed(
    heard: Doubles, seconds: float, prior: tuple[Doubles, Doubles, Doubles], evidence: float
) -> tuple[Doubles, Doubles]:
    """Posterior mean and variance of a speaker, as :meth:`Projection.normalise` weighs them."""
    mean, between, within = prior
    count = seconds / UTTERANCE_SECONDS
    pull = within / np.maximum(between, 1e-6 * within)
    own, spread = np.nanmean(heard, axis=0), np.nanvar(heard, axis=0)
    return (count * own + pull * mean) / (count + pull), (count * spread + evidence * within) / (count + evidence)


def average_precisions(vectors: Doubles, speakers: npt.NDArray[Any], classes: npt.NDArray[Any]) -> Doubles:
    """Of each clip that asks: candidates are the clips of other speakers that have a class. *Shape:* (asking,)"""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.where(lengths > 0, lengths, 1)
    scores = unit @ unit.T
    found = []
    for asking in np.flatnonzero(classes != ""):
        candidates = np.flatnonzero((speakers != speakers[asking]) & (classes != ""))
        ranked = candidates[np.argsort(-scores[asking, candidates], kind="stable")]
        right = classes[ranked] == classes[asking]
        precision = np.cumsum(right) / np.arange(1, len(right) + 1)
        found.append(precision[right].mean())
    return np.array(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("emodb", type=Path)
    parser.add_argument("train", type=Path)
    parser.add_argument("--orders", type=int, default=5, help="shuffled orders of a speaker's clips")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()

    encoder = ProsodyEncoder()
    sets = feature_sets()
    clips = sorted(arguments.emodb.glob("*.flac"))
    speakers = np.array([clip.stem[:2] for clip in clips])
    emotions = np.array([clip.stem[5] for clip in clips])
    arousal = np.array(["high" if e in AROUSED else "low" if e in CALM else "" for e in emotions])
    rows, seconds = extract(clips, sets)
    people = training_clips(arguments.train)
    known, _ = extract([clip for clip, _ in people], {name: sets[name] for name in sets if name != "functionals"})
    priors = {name: population(known[name], [speaker for _, speaker in people]) for name in known}

    own = f"prosody vector ({encoder.width})"
    table: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
    for seed in range(arguments.orders):
        orders = [
            np.random.default_rng([seed, number]).permutation(np.flatnonzero(speakers == speaker))
            for number, speaker in enumerate(sorted(set(speakers.tolist())))
        ]
        for name in rows:
            for how in OWN_BASELINES if name == "functionals" else BASELINES:
                if name == "functionals":
                    vectors = encoded(encoder, rows[name], orders, seconds, how)
                else:
                    vectors = normalised(
                        rows[name], orders, seconds, how, priors[name], encoder.projection.spread_evidence
                    )
                by_emotion = average_precisions(vectors, speakers, emotions)
                balanced = np.mean([by_emotion[emotions == emotion].mean() for emotion in sorted(set(emotions))])
                by_arousal = average_precisions(vectors, speakers, arousal)
                label = own if name == "functionals" else name
                table.setdefault((label, how), []).append(
                    (float(by_emotion.mean()), float(balanced), float(by_arousal.mean()))
                )
    report(table, own, arguments.json)


def normalised(
    rows: Doubles,
    orders: Sequence[npt.NDArray[np.int64]],
    seconds: Doubles,
    how: str,
    prior: tuple[Doubles, Doubles, Doubles],
    evidence: float,
) -> Doubles:
    """Features against the speakers' baselines, one of ``BASELINES``."""
    found = np.empty_like(rows)
    for order in orders:
        heard = order if how == "all clips" else first(order, seconds)
        part = rows[heard]
        mean, variance = np.nanmean(part, axis=0), np.nanvar(part, axis=0)
        if how == "running, weighed":
            mean, variance = weighed(part, float(seconds[heard].sum()), prior, evidence)
        if how == "none":
            mean, variance = prior[0], prior[1] + prior[2]
        scaled = standardise(rows[order], mean, variance)
        found[order] = LIMIT * np.tanh(scaled / LIMIT) if how in ("none", "running, weighed") else scaled
    return found


def encoded(
    encoder: ProsodyEncoder, rows: Doubles, orders: Sequence[npt.NDArray[np.int64]], seconds: Doubles, how: str
) -> Doubles:
    """Prosody vectors with each speaker's baseline, one of ``OWN_BASELINES``."""
    vectors = np.empty((len(rows), encoder.width))
    for order in orders:
        baseline = _Whole() if how == "all clips" else Baseline()
        for clip in order if how != "none" else ():
            if how == "each clip alone":
                baseline = Baseline()
            baseline.add(rows[clip].astype(np.float32), float(seconds[clip]))
            if how == "each clip alone":
                vectors[clip] = encoder.encode(rows[clip : clip + 1].astype(np.float32), baseline)[0]
        if how != "each clip alone":
            vectors[order] = encoder.encode(rows[order].astype(np.float32), baseline)
    return vectors


class _Whole(Baseline):
    """A baseline that never settles."""

    __slots__ = ()

    @property
    def settled(self) -> bool:
        return False


def training_clips(folder: Path, speakers: int = 60, each: int = 6) -> list[tuple[Path, str]]:
    """Some utterances of some speakers of the training speech."""
    of: dict[str, list[Path]] = {}
    for line in (folder / "manifest.jsonl").read_text().splitlines():
        entry = json.loads(line)
        of.setdefault(entry["speaker"], []).append(folder / entry["audio"])
    enough = [name for name in sorted(of) if len(of[name]) >= each]
    chosen = np.random.default_rng(0).permutation(len(enough))[:speakers]
    return [(clip, enough[number]) for number in chosen for clip in of[enough[number]][:each]]


def report(table: dict[tuple[str, str], list[tuple[float, float, float]]], own: str, as_json: bool) -> None:
    """Print means over the orders, and how the prosody vector stands against the best of the others."""
    means = {key: np.mean(values, axis=0).tolist() for key, values in table.items()}
    if as_json:
        columns = ("features", "baseline", "emotion", "balanced", "arousal")
        print(json.dumps([dict(zip(columns, (*key, *row), strict=True)) for key, row in means.items()]))
        return
    print("| features | speaker's baseline | mAP by emotion | mean over emotions | mAP by arousal |")
    print("|---|---|---|---|---|")
    for (name, how), row in means.items():
        deviation = np.std([values[0] for values in table[name, how]])
        print(f"| {name} | {how} | {row[0]:.3f} ± {deviation:.3f} | {row[1]:.3f} | {row[2]:.3f} |")
    print()
    for kind, place in (("emotion", 0), ("arousal", 2)):
        for hows in (("running", "running, weighed"), ("all clips",)):
            others = {key: row[place] for key, row in means.items() if key[0] != own and key[1] in hows}
            best = max(others, key=lambda key: others[key])
            mine = means[own, hows[-1]][place]
            print(
                f"by {kind}, {hows[0]}: {mine:.3f}, {mine / others[best]:.2f} times the best other ({', '.join(best)})"
            )


if __name__ == "__main__":
    main()
