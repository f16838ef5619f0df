"""Learn the projection of the prosody vector from read speech without labels::

    octavo train prosody --speech DIR --out DIR

The folder of speech holds ``manifest.jsonl`` (``audio``, ``speaker``) and the audio. Two cores need about six minutes,
most of them to measure the contours. A fifth of the speakers is held out; the last lines say how well manners are found
among them.

What is learned, in closed form. (1) How much each functional differs between people and within one person's
utterances: the prior of a speaker's baseline. (2) From utterances edited to manners of known identity
(:mod:`octavo.pipeline.training.manner`), the covariance of functionals within a manner, which is what words, speakers
and tracking errors do; it is whitened to the power 0.75 (within-class covariance normalisation: Hatch, Kajarekar and
Stolcke 2006). (3) In that space the directions along which manners differ, as in linear discriminant analysis; they
are made up to twice as long, and no direction is dropped for what the edits do not move. (4) Principal components
bring the result to 63 numbers; the 64th is the vector's rest.

Power and gain were chosen on manners that move *other properties* than those trained on: discriminant analysis alone,
and a contrastive network, do better on manners like those trained on and worse on any other, see the model card.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..encoders.prosody import FORMAT, UTTERANCE_SECONDS, Projection
from ..errors import ModelError
from ..voice.contour import RATE, Contour, contour
from ..voice.functionals import FUNCTIONALS, functionals
from ..voice.measures import Baseline
from .manner import Manner, apply_manner, draw_manner

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

WIDTH = 64
POWER = 0.75
SPREAD_EVIDENCE = 10.0
# The vector's constant number, in typical lengths of the others.
REST = 0.3
# Weight of the diagonal in a covariance of 140 functionals that a few thousand utterances give.
SHRINKAGE = 0.5
SHORTEST, LONGEST = 1.2, 15.0
"""Seconds of an utterance that is used."""

_SAMPLE_RATE = 16_000


@dataclass(frozen=True, slots=True)
class Speaker:
    """Some utterances of one person, at most 20: several such groups of one person stand for several occasions."""

    name: str
    contours: tuple[Contour, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Manners:
    """Edited utterances.

    Attributes:
        rows: Their functionals. *Shape:* (n, F)
        manner: Number of the manner of each. *Shape:* (n,)
        speaker: Number of the speaker of each. *Shape:* (n,)
        plain: For each speaker, the functionals of utterances as they were spoken. *Shape:* (utterances, F)
        baselines: For each speaker, one that heard every second utterance in some other manner.
        people: Names of the persons behind the speakers.
    """

    rows: Floats
    manner: Numbers
    speaker: Numbers
    plain: tuple[Floats, ...]
    baselines: tuple[Baseline, ...]
    people: tuple[str, ...]


def utterances(folder: Path, most: int = 120) -> Iterator[tuple[str, Contour]]:
    """Contours of the speech in a folder, with the speaker's name, at most ``most`` of one speaker.

    Raises:
        ModelError: There is no manifest.
    """
    import soundfile
    import torch
    import torchaudio

    try:
        lines = (folder / "manifest.jsonl").read_text("utf-8").splitlines()
    except OSError as error:
        raise ModelError(f"no training speech in {folder} ({error}): name a folder with manifest.jsonl") from error
    of: dict[str, list[str]] = {}
    for line in lines:
        entry = json.loads(line)
        of.setdefault(entry["speaker"], []).append(entry["audio"])
    for name in sorted(of):
        # Spread over the whole, as neighbours share a text or an evening.
        step = max(1, len(of[name]) // most)
        for audio in of[name][::step][:most]:
            samples, rate = soundfile.read(folder / audio, dtype="float32", always_2d=True)
            mono = torchaudio.functional.resample(torch.from_numpy(samples.mean(axis=1)), rate, _SAMPLE_RATE)
            yield name, contour(np.ascontiguousarray(mono.numpy(), np.float32))


def group(spoken: Sequence[tuple[str, Contour]], random: np.random.Generator, size: int = 20) -> list[Speaker]:
    """Utterances of usable length in groups of one person; persons with fewer than 8 are left out."""
    of: dict[str, list[Contour]] = {}
    for name, one in spoken:
        if SHORTEST * RATE <= len(one) <= LONGEST * RATE:
            of.setdefault(name, []).append(one)
    found = []
    for name in sorted(of):
        order = random.permutation(len(of[name]))
        for start in range(0, len(order), size):
            part = tuple(of[name][number] for number in order[start : start + size])
            if len(part) >= 8:
                found.append(Speaker(name, part))
    return found


def edit(speakers: Sequence[Speaker], manners: Sequence[Manner], each: int, random: np.random.Generator) -> Manners:
    """Let ``each`` utterances be spoken in every manner.

    Raises:
        ModelError: There is no speaker.
    """
    if not speakers:
        raise ModelError("no speaker with 8 utterances of 1.2 to 15 s: more training speech is needed")
    plain, baselines = [], []
    for speaker in speakers:
        plain.append(np.stack([functionals(one) for one in speaker.contours]))
        baseline = Baseline()
        for one, row in zip(speaker.contours, plain[-1], strict=True):
            # People change their manner in their first 30 s too.
            heard = functionals(apply_manner(one, draw_manner(random), random)) if random.random() < 0.5 else row
            baseline.add(heard, len(one) / RATE)
        baselines.append(baseline)
    rows, labels, who = [], [], []
    for label, manner in enumerate(manners):
        for number in random.choice(len(speakers), each, replace=len(speakers) < each).tolist():
            contours = speakers[number].contours
            one = contours[int(random.integers(len(contours)))]
            rows.append(functionals(apply_manner(one, manner, random)))
            labels.append(label)
            who.append(number)
    return Manners(
        np.stack(rows),
        np.array(labels),
        np.array(who),
        tuple(plain),
        tuple(baselines),
        tuple(speaker.name for speaker in speakers),
    )


def learn(material: Manners, width: int = WIDTH, power: float = POWER, gain: float = 1.0) -> Projection:
    """The projection, in closed form; see the module's text.

    Args:
        power: Of the whitening, 0 to 1.
        gain: How much longer the most telling direction gets.
    """
    prior = _population(material.plain)
    unlearned = Projection(*prior, np.eye(len(FUNCTIONALS), dtype=np.float32), SPREAD_EVIDENCE, 1.0)
    rows = normalised(unlearned, material)
    means = np.stack([rows[material.manner == label].mean(axis=0) for label in np.unique(material.manner)])
    within = _shrunk(_covariance(rows - means[material.manner]))
    between = means.T @ means / len(means)
    values, axes = np.linalg.eigh(within)
    whitening = (axes * values ** (-power / 2)) @ axes.T
    signal, directions = np.linalg.eigh(whitening @ between @ whitening)
    noise = np.einsum("ij,ik,kj->j", directions, whitening @ within @ whitening, directions)
    share = np.maximum(signal, 0) / (np.maximum(signal, 0) + noise)
    matrix = whitening @ directions * (1 + gain * share)
    spread, components = np.linalg.eigh(matrix.T @ _covariance(rows) @ matrix)
    matrix = matrix @ components[:, np.argsort(-spread)[: width - 1]]
    length = float(np.sqrt(np.mean(np.sum((rows @ matrix) ** 2, axis=1))))
    matrix /= length
    return Projection(*prior, matrix.astype(np.float32), SPREAD_EVIDENCE, REST)


def normalised(projection: Projection, material: Manners) -> Doubles:
    """Rows against each speaker's baseline. *Shape:* (n, F)"""
    found = np.empty(material.rows.shape)
    for number, baseline in enumerate(material.baselines):
        mine = material.speaker == number
        found[mine] = projection.normalise(material.rows[mine], baseline)
    return found


def retrieval(vectors: npt.NDArray[np.floating], material: Manners) -> float:
    """Mean average precision of finding the same manner among utterances of other people."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    people = np.array(material.people)[material.speaker]
    found = []
    for asking in range(len(unit)):
        candidates = np.flatnonzero(people != people[asking])
        ranked = candidates[np.argsort(-(unit[candidates] @ unit[asking]), kind="stable")]
        right = material.manner[ranked] == material.manner[asking]
        if right.any():
            precision = np.cumsum(right) / np.arange(1, len(right) + 1)
            found.append(precision[right].mean())
    return float(np.mean(found)) if found else float("nan")


def _population(plain: Sequence[Floats]) -> tuple[Floats, Floats, Floats]:
    """Mean, variance between and variance within speakers, of each functional."""
    means = np.stack([_known_mean(rows.astype(np.float64)) for rows in plain])
    squares = np.stack([_known_mean((rows - mean) ** 2) for rows, mean in zip(plain, means, strict=True)])
    mean = _known_mean(means)
    between = _known_mean((means - mean) ** 2)
    within = _known_mean(squares)
    # A functional that nobody varies says nothing; its spread of one keeps it finite.
    within = np.where(np.isfinite(within) & (within > 1e-9), within, 1.0)
    return (
        np.nan_to_num(mean).astype(np.float32),
        np.nan_to_num(between).astype(np.float32),
        within.astype(np.float32),
    )


def _known_mean(rows: Doubles) -> Doubles:
    """Mean of each column over what is no NaN; NaN where nothing is."""
    known = np.isfinite(rows)
    count = known.sum(axis=0)
    return np.where(count > 0, np.where(known, rows, 0).sum(axis=0) / np.maximum(count, 1), np.nan)


def _covariance(rows: Doubles) -> Doubles:
    centred = rows - rows.mean(axis=0)
    covariance: Doubles = centred.T @ centred / len(rows)
    return covariance


def _shrunk(covariance: Doubles) -> Doubles:
    diagonal = np.diag(np.diag(covariance))
    ridge = 1e-3 * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    shrunk: Doubles = (1 - SHRINKAGE) * covariance + SHRINKAGE * diagonal + ridge
    return shrunk


def train(
    spoken: Sequence[tuple[str, Contour]], manners: int = 300, each: int = 30, seed: int = 1
) -> tuple[Projection, str]:
    """Learn from four fifths of the speakers and try on the rest.

    Returns:
        The projection and a line about the held-out speakers, empty if there were too few to try.
    """
    random = np.random.default_rng(seed)
    speakers = group(spoken, random)
    people = sorted({speaker.name for speaker in speakers})
    held = set(people[2::5])
    learned = [speaker for speaker in speakers if speaker.name not in held]
    material = edit(learned, [draw_manner(random) for _ in range(manners)], each, random)
    projection = learn(material)
    tried = [speaker for speaker in speakers if speaker.name in held]
    if len(held) < 2:
        return projection, ""
    trial = edit(tried, [draw_manner(random) for _ in range(max(2, manners // 3))], each, random)
    rows = normalised(projection, trial)
    line = (
        f"{len(people) - len(held)} people learned from, {len(held)} held out; manner found again among these, from "
        f"others, mAP: functionals {retrieval(rows, trial):.3f}, "
        f"vectors {retrieval(projection.vectors(rows), trial):.3f}"
    )
    return projection, line


def save(projection: Projection, path: Path) -> None:
    """Write the weights."""
    from safetensors.numpy import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = {
        "format": FORMAT,
        "functionals": " ".join(FUNCTIONALS),
        "recipe": "octavo train prosody",
        "utterance_seconds": str(UTTERANCE_SECONDS),
    }
    save_file(projection.tensors(), path, metadata)
