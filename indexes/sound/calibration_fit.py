"""Fits what is taken off the blank, what scores are worth and where words end, and writes it beside the weights::

    python -m octavo.indexes.sound.calibration_fit --corpus out/real --corpus out/flite --weights speech.safetensors

Only utterances that the speech network did not learn from are used: the part of each corpus that training holds out.
Words that are said in them and as many that are not are looked for in all of them; every place found is an example of
the logistic model, said or not said by the alignment of the transcript. The numbers go into the header of the weights'
file; its tensors stay as they are. The fingerprint changes with what is taken off the blank, on which posteriors rest.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from shutil import copymode
from typing import Final

import numpy as np
import numpy.typing as npt

from ...pipeline.alignment import refine_times, words_to_align
from ...pipeline.document import TIMES_DTYPE, Block, Document, Source
from ...pipeline.embed import Utterance, Vectors
from ...pipeline.encoders.speech import SpeechEncoder
from ...pipeline.errors import ModelError
from ...pipeline.posteriors import FRAME, window_grid
from ...pipeline.training.speech_corpus import SpeechCorpus
from .blank_fit import fit_blank
from .calibration import Calibration
from .edges_fit import fit_edges, heads, network_of, timed_words
from .frames import Frames
from .hearing import MOST_VARIANTS, Pronouncing
from .keyword import Phones, Sought
from .spoken import LEAST_UTTERANCES, about_as_long, candidates, pieces

Floats = npt.NDArray[np.float64]
Encode = Callable[[Sequence[Phones]], Vectors]

HELD_OUT: Final = 0.03
"""Share that training keeps for validation, see :class:`octavo.pipeline.training.speech.SpeechRecipe`."""

SHARPNESS: Final = (0.5, 1.0, 2.0, 4.0)
"""Tried in turn."""
SLACK: Final = 1.015
"""The sharpest is kept that predicts left-out words about as well as the best: the sharper, the less does a place's
share depend on how many utterances were looked at, and a spoken question is compared with a word or two only."""

_SHORTEST: Final = 4
"""Letters of a word that is asked."""
_MOST_PLACES: Final = 5
"""Utterances that a word that is asked may be said in: what is said everywhere is not searched for."""
_TOLERANCE: Final = 8 * FRAME
"""Samples by which a place may miss the aligned word and still be of it."""
_FOLDS: Final = 5


@dataclass(frozen=True, slots=True, eq=False)
class HeardSpeech:
    """An utterance of a corpus as the encoder hears it.

    Attributes:
        said: Words of the transcript in lower case with first and last-but-one sample, as aligned.
        utterances: The stretches of speech in it.
    """

    said: tuple[tuple[str, int, int], ...]
    utterances: tuple[Utterance, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Tried:
    """Places found for words.

    Attributes:
        said: Whether the word is said there. *Shape:* (n,)
        word: Number of the word. *Shape:* (n,)
        per_phone, phones, frames, nearness: As in :meth:`Calibration.features`. *Shape:* (n,)
        best: Of each place's word the best scores per phone, one an utterance. *Shape:* (n, utterances)
    """

    said: npt.NDArray[np.bool_]
    word: npt.NDArray[np.int64]
    per_phone: Floats
    phones: Floats
    frames: Floats
    nearness: Floats
    best: Floats

    def features(self, calibration: Calibration) -> Floats:
        """What a calibration looks at. *Shape:* (n, 5)"""
        made = np.empty((len(self.said), 5))
        for one in np.unique(self.word).tolist():
            own = self.word == one
            total = calibration.total(self.best[own.argmax()])
            columns = (self.per_phone[own], self.phones[own], self.frames[own])
            made[own] = calibration.features(*columns, total, self.nearness[own])
        return made

    def only(self, chosen: npt.NDArray[np.bool_]) -> Tried:
        """Some of the places. *Shape:* (n,)"""
        return Tried(*(getattr(self, one.name)[chosen] for one in fields(self)))


def held_out(corpus: SpeechCorpus, share: float = HELD_OUT) -> list[int]:
    """Numbers of the utterances that training did not learn from."""
    import torch

    from ...pipeline.training.speech_batches import Example, fits, split

    used = [number for number, one in enumerate(corpus.utterances) if fits(one)]
    number_of = {id(corpus.utterances[number]): number for number in used}
    found = [Example(torch.empty(0), corpus.utterances[number]) for number in used]
    return [number_of[id(example.utterance)] for example in split(found, share)[1]]


def hear_corpus(
    encoder: SpeechEncoder, pronouncer: Pronouncing, corpus: SpeechCorpus, numbers: Sequence[int]
) -> list[HeardSpeech]:
    """Some utterances of a corpus, encoded as clips, with their words aligned."""
    found = []
    for number in numbers:
        heard = encoder.hear(corpus.pcm(number).astype(np.float32) / np.float32(32768))
        text = corpus.utterances[number].text
        found.append(HeardSpeech(aligned(text, corpus.utterances[number].samples, heard, pronouncer), heard))
    return found


def aligned(
    text: str, samples: int, heard: Sequence[Utterance], pronouncer: Pronouncing
) -> tuple[tuple[str, int, int], ...]:
    """When each word of a transcript is said, from peak to peak: word, first and last-but-one sample."""
    if not heard or not text.strip():
        return ()
    times = np.array([(0, len(text), 0, samples)], TIMES_DTYPE)
    document = Document(Source("clip", "audio/wav", "0" * 64), text, (Block(0, len(text)),), times=times)
    words = words_to_align(document)
    ways = {
        word: [one.phones for one in variants]
        for word, variants in zip(words, pronouncer.variants_of(words, MOST_VARIANTS), strict=True)
    }
    refined = refine_times(document, [(one.start, one.posteriors) for one in heard], lambda word: ways.get(word, []))
    return tuple((_bare(text[row["start"] : row["stop"]]), int(row["from"]), int(row["to"])) for row in refined.times)


def _bare(word: str) -> str:
    return re.sub(r"[^a-z']", "", word.lower())


def asked_words(heard: Sequence[HeardSpeech], others: Sequence[str], seed: int, most: int = 400) -> list[str]:
    """Words said in a few of the utterances, and as many of other texts that are said in none."""
    where: dict[str, set[int]] = {}
    for number, one in enumerate(heard):
        for word, _, _ in one.said:
            where.setdefault(word, set()).add(number)
    present = sorted(word for word, keys in where.items() if len(word) >= _SHORTEST and len(keys) <= _MOST_PLACES)
    generator = np.random.default_rng(seed)
    present = sorted(generator.choice(present, min(len(present), most), replace=False).tolist())
    elsewhere = {_bare(word) for text in others for word in text.split()}
    absent = sorted(word for word in elsewhere - set(where) if len(word) >= _SHORTEST)
    chosen = generator.choice(len(absent), min(len(absent), len(present)), replace=False)
    return present + [absent[at] for at in sorted(chosen.tolist())]


def nearness(phones: Sequence[Sought], heard: Sequence[Utterance], encode: Encode, phone_frames: float) -> Floats:
    """What :meth:`octavo.indexes.sound.spoken.Proposed.nearness_of` says of utterances in memory. *Shape:* (n,)"""
    ways = []
    for one in phones:
        parts = pieces(one.phones)
        vectors = encode(parts)
        ways.append([_nearest(vectors, [phone_frames * len(part) for part in parts], one) for one in heard])
    whole = np.array(ways).max(axis=0)
    last = np.sort(whole)[::-1][:LEAST_UTTERANCES][-1]
    nearer: Floats = np.maximum(whole, last) - whole.max()
    return nearer


def _nearest(vectors: Vectors, frames: Sequence[float], heard: Utterance) -> float:
    """Mean over pieces of the cosine of the window that is nearest, of those that are about as long."""
    grid = window_grid(len(heard.posteriors))
    lengths = grid[:, 1] - grid[:, 0]
    cosines = heard.windows.astype(np.float32) @ vectors.T
    fits = np.stack([about_as_long(lengths, one) for one in frames], axis=1)
    return float(np.where(fits, cosines, -1.0).max(axis=0).mean())


def try_words(
    words: Sequence[str],
    heard: Sequence[HeardSpeech],
    pronouncer: Pronouncing,
    encode: Encode,
    calibration: Calibration,
    k: int = 32,
) -> Tried:
    """Looks for words in all utterances, and says by the alignment which places are right.

    Args:
        encode: Vectors of pronunciations.
    """
    owner = [number for number, one in enumerate(heard) for _ in one.utterances]
    utterances = [utterance for one in heard for utterance in one.utterances]
    starts = [utterance.start for utterance in utterances]
    frames = Frames.of([utterance.posteriors for utterance in utterances])
    said: list[bool] = []
    numbers: list[int] = []
    rows: list[tuple[float, float, float, float]] = []
    best: list[Floats] = []
    for number, (word, variants) in enumerate(zip(words, pronouncer.variants_of(words, MOST_VARIANTS), strict=True)):
        ways = list(dict.fromkeys(Sought(one.phones, one.log_probability) for one in variants))
        if not ways:
            continue
        near = nearness(ways, utterances, encode, calibration.phone_frames)
        made = candidates(ways, frames, calibration, k, nearness=near)
        for place, features in zip(made.places, made.features, strict=True):
            row = int(made.row[place.utterance])
            low, high = starts[row] + place.start * FRAME, starts[row] + place.stop * FRAME
            times = ((start, stop) for one, start, stop in heard[owner[row]].said if one == word)
            said.append(any(start - _TOLERANCE < high and low < stop + _TOLERANCE for start, stop in times))
            numbers.append(number)
            rows.append((float(features[0]), place.phones, place.peaks[-1][0] - place.peaks[0][0], float(near[row])))
            best.append(made.best)
    table = np.array(rows, np.float64).reshape(-1, 4)
    evidence = np.array(best, np.float64).reshape(len(best), len(owner))
    per_phone, phones, spans, nearest = table.T
    return Tried(np.array(said, bool), np.array(numbers, np.int64), per_phone, phones, spans, nearest, evidence)


def log_loss(calibration: Calibration, tried: Tried) -> float:
    """Mean negative log-probability of what is the case, in nats a place."""
    chance = np.clip(calibration.probabilities(tried.features(calibration)), 1e-9, 1 - 1e-9)
    return float(-np.where(tried.said, np.log(chance), np.log(1 - chance)).mean())


def left_out_loss(calibration: Calibration, tried: Tried) -> float:
    """The same where the words judged by a model are none of those that it was fitted on."""
    fold = tried.word % _FOLDS
    features = tried.features(calibration)
    losses = []
    for one in range(_FOLDS):
        own, others = fold == one, fold != one
        made = calibration.fitted(features[others], tried.said[others])
        losses.append(log_loss(made, tried.only(own)) * own.sum())
    return float(np.sum(losses) / len(fold))


def fit_calibration(tried: Tried, *, tell: Callable[[str], None] = print) -> Calibration:
    """The model that predicts left-out words, see :data:`SLACK`.

    Raises:
        ValueError: No word is found where it is said.
    """
    start = Calibration()
    sure = tried.said & (tried.per_phone > -0.5)
    if sure.any():
        pace = tried.frames[sure] / np.maximum(tried.phones[sure] - 1, 0.5)
        start = replace(start, phone_frames=float(np.median(pace)))
    losses: dict[float, float] = {}
    for sharpness in SHARPNESS:
        loss = losses[sharpness] = left_out_loss(replace(start, sharpness=sharpness), tried)
        tell(f"sharpness {sharpness}: {len(tried.said)} places, {tried.said.sum()} said, log-loss {loss:.4f}")
    kept = max(one for one, loss in losses.items() if loss <= SLACK * min(losses.values()))
    best = replace(start, sharpness=kept)
    return best.fitted(tried.features(best), tried.said)


def write_header(path: Path, entries: dict[str, str]) -> None:
    """Puts entries into the header of a checkpoint; its tensors stay as they are.

    Raises:
        ModelError: The checkpoint cannot be read.
    """
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import save_file

    try:
        with safe_open(path, framework="pt") as file:
            metadata = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"the speech weights {path} cannot be read ({error}): train them first") from error
    unfinished = path.with_name(path.name + ".part")
    save_file(tensors, unfinished, metadata | entries)
    copymode(path, unfinished)
    unfinished.replace(path)


def main() -> None:
    """Fits both, prints what they are worth, and writes them."""
    import torch

    from ...pipeline.pronouncing.pronunciation import Pronouncer

    parser = argparse.ArgumentParser(description="Fit the calibration and the word edges of a speech encoder.")
    parser.add_argument("--corpus", type=Path, action="append", required=True, help="a corpus of the training; repeat")
    parser.add_argument("--weights", type=Path, required=True, help="speech.safetensors; its header is rewritten")
    parser.add_argument("--held-out", type=float, default=HELD_OUT, help="as in training")
    parser.add_argument("--most", type=int, default=400, help="utterances of a corpus at most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dry", action="store_true", help="write nothing")
    options = parser.parse_args()
    torch.set_num_threads(1)
    pronouncer = Pronouncer(espeak=False)
    people: list[HeardSpeech] = []
    others: list[str] = []
    bounds = []
    network = network_of(options.weights)
    corpora = [SpeechCorpus(folder) for folder in options.corpus]
    chosen = [held_out(corpus, options.held_out)[: options.most] for corpus in corpora]
    read = [
        (heads(network, corpus.pcm(number).astype(np.float32) / np.float32(32768))[0], corpus.utterances[number].phones)
        for corpus, numbers in zip(corpora, chosen, strict=True)
        for number in numbers
        if not corpus.utterances[number].synthetic
    ]
    blank, balance = fit_blank(read)
    print(balance, flush=True)
    encoder = SpeechEncoder(options.weights, "cpu", blank=blank)
    for folder, corpus, numbers in zip(options.corpus, corpora, chosen, strict=True):
        if any(not corpus.utterances[number].synthetic for number in numbers):
            people += hear_corpus(encoder, pronouncer, corpus, numbers)
            kept = set(numbers)
            others += [one.text for number, one in enumerate(corpus.utterances) if number not in kept]
        bounds.append(timed_words(network, pronouncer, corpus, numbers, blank=blank))
        print(f"{folder.name}: {len(numbers)} utterances held out, {len(bounds[-1])} words with times", flush=True)
    words = asked_words(people, others, options.seed)
    calibration = fit_calibration(try_words(words, people, pronouncer, encoder.encode_pronunciations, Calibration()))
    print(calibration.to_json())
    edges, report = fit_edges(bounds)
    print(report)
    print(edges.to_json())
    if not options.dry:
        fitted = {"blank": f"{blank:g}", "calibration": calibration.to_json(), "edges": edges.to_json()}
        write_header(options.weights, fitted)
        fitted_on = {"words": len(words), "utterances": len(people), "blank": balance, "edges": report}
        write_header(options.weights, {"calibration_made": json.dumps(fitted_on)})


if __name__ == "__main__":
    main()
