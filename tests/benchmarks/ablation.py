"""What each part of the speech network is worth: trained alike without it, several seeds, one table.

    OMP_NUM_THREADS=1 python tests/benchmarks/ablation.py SPEECH --corpus real:2 --corpus flite --results ablation.jsonl

SPEECH is as in ``phones.py``; corpora are made by ``python -m octavo.pipeline.training.speech_corpus``. The budget is
small, so all else is chosen for phones to come soon: a network of a sixth of the shipped one's weights, short
utterances as they were recorded, a high learning rate, and a first third of the steps with the framewise loss alone, on
speech with exact times, whose head the CTC head then starts from. (With CTC from the first step it depends on the seed
when a network stops hearing blanks only, and a short run tells nothing else.) Every variant of a seed hears the same
batches in the same order; the one without the framewise loss as much sound, but without such a start. Runs that RESULTS
holds are not made again: a stopped table is gone on with.

A row gives mean and standard deviation over the seeds, on people held out of training: phone error rate of the greedy
reading, the same after something is taken off the blank until as many phones are heard as said (a network so young is
too fond of it), the CTC loss in nats a phone, and the mean average precision of typed words (exact score, likeliest
pronunciation, ranking the held-out utterances); then the phone error rate of ``timit_dev`` with the same taken off the
blank. ``time`` is processor time of a step, the whole network's being 1.

Two things have no row, as they do not lie in this network. The space of words is trained on top of it by the
contrastive loss and nothing else: without, there is none. Prosody vectors are a closed form and rest on no network.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import process_time
from typing import Final

import numpy as np
import torch
from octavo.indexes.sound.calibration_fit import held_out
from octavo.indexes.sound.frames import Frames
from octavo.indexes.sound.keyword import Phones, scores
from octavo.pipeline.encoders.log_mel import log_mel
from octavo.pipeline.encoders.speech_network import SpeechNetwork, SpeechShape
from octavo.pipeline.phones import BLANK, PHONES
from octavo.pipeline.posteriors import Posteriors
from octavo.pipeline.pronouncing.pronunciation import Pronouncer
from octavo.pipeline.reading import Reader
from octavo.pipeline.recording import SAMPLE_RATE, Recording
from octavo.pipeline.training.running_average import follow
from octavo.pipeline.training.speech import SpeechRecipe, begin_from_frames, greedy, learning_rate
from octavo.pipeline.training.speech_batches import Example, batches, fits, mel_example
from octavo.pipeline.training.speech_corpus import SpeechCorpus, Utterance
from octavo.pipeline.training.speech_frontend import LogMel
from octavo.pipeline.training.speech_losses import framewise, loss_of
from octavo.tests.benchmarks.phones import folded, timit
from octavo.tests.benchmarks.spoken_words import quality
from rapidfuzz.distance import Levenshtein
from torch import Tensor

SMALL: Final = SpeechShape(channels=(64, 96, 128, 128), blocks=(1, 2, 1, 1))
WHOLE: Final = SpeechRecipe(shape=SMALL, frames_weight=1.0, consistency_weight=0.0, average=0.99, cool_down=0.5)
VARIANTS: Final = {
    "whole": WHOLE,
    "single scale (nothing above 40 ms)": replace(WHOLE, shape=replace(SMALL, levels=2)),
    "without inception branches": replace(WHOLE, shape=replace(SMALL, widths=(5,))),
    "without dilation": replace(WHOLE, shape=replace(SMALL, dilations=(1,))),
    "without attention": replace(WHOLE, shape=replace(SMALL, attention=False)),
    "without skips": replace(WHOLE, shape=replace(SMALL, skips=False)),
    "without losses above 20 ms": replace(WHOLE, coarse_weight=0.0, rate_weight=0.0),
    "without the framewise loss": replace(WHOLE, frames_weight=0.0),  # CTC from the first step
}
START: Final = 1 / 3
"""Share of the steps with the framewise loss alone."""
MEASURES: Final = ("greedy", "evened", "nats", "MAP", "timit_dev")
OFF_THE_BLANK: Final = np.arange(0, 8.1, 0.5)
"""Nats."""
_SHORTEST: Final = 6
"""Letters of a word that is looked for."""
_MOST_PLACES: Final = 5
_MOST_WORDS: Final = 150


@dataclass(frozen=True, slots=True)
class Material:
    """What is heard in training, and what judges.

    Attributes:
        weights: How often each of ``training`` is drawn.
        people: Held out of training.
        words: Pronunciation of words said in a few of them, and in which.
        elsewhere: Recordings of ``timit_dev``; their phones are folded.
    """

    training: list[Example]
    weights: list[float]
    people: list[Example]
    words: dict[Phones, frozenset[int]]
    elsewhere: list[Example]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("speech", type=Path)
    parser.add_argument("--corpus", action="append", required=True, help="FOLDER or FOLDER:WEIGHT")
    parser.add_argument("--results", type=Path, required=True, help="JSON lines, one for each run")
    parser.add_argument("--steps", type=int, default=240)
    parser.add_argument("--batch-seconds", type=float, default=20.0)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--longest", type=float, default=4.0, help="seconds of an utterance to learn from")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", action="append", choices=list(VARIANTS))
    options = parser.parse_args()
    torch.set_num_threads(1)
    corpora = [
        (Path(folder), float(weight or 1)) for folder, _, weight in (one.partition(":") for one in options.corpus)
    ]
    material = read_material(options.speech, corpora, options.longest)
    print(f"{len(material.people)} held out, {len(material.words)} words, {len(material.elsewhere)} of timit_dev")
    done: dict[str, dict[str, float]] = {}
    if options.results.exists():
        done = dict(map(json.loads, options.results.read_text().splitlines()))
    names = options.only or list(VARIANTS)
    settings = f"{options.steps} x {options.batch_seconds:g} s, {options.learning_rate:g}"
    for seed in range(1, options.seeds + 1):
        for name in names:
            run = f"{name}; {settings}; {seed}"
            if run not in done:
                recipe = replace(
                    VARIANTS[name],
                    seed=seed,
                    steps=options.steps,
                    warm_up=options.steps // 10,
                    batch_seconds=options.batch_seconds,
                    learning_rate=options.learning_rate,
                )
                network, seconds = trained(material, recipe)
                size = sum(one.numel() for one in network.parameters())
                done[run] = judged(network, material) | {"seconds": seconds, "parameters": size}
                with options.results.open("a") as file:
                    file.write(json.dumps([run, done[run]]) + "\n")
    print(f"| variant | runs | {' | '.join(MEASURES)} | parameters | time |\n|{'---|' * (len(MEASURES) + 4)}")
    for name in names:
        rows = [told for run, told in done.items() if run.startswith(f"{name}; {settings}; ")]
        whole = [told["seconds"] for run, told in done.items() if run.startswith(f"whole; {settings}; ")]
        cells = []
        for measure in MEASURES:
            values = [row[measure] for row in rows]
            digits = 1 if measure in ("greedy", "evened", "timit_dev") else 3 if measure == "MAP" else 2
            cells.append(f"{np.mean(values):.{digits}f} ± {np.std(values):.{digits}f}")
        time = np.mean([row["seconds"] for row in rows]) / np.mean(whole or [np.nan])
        print(f"| {name} | {len(rows)} | {' | '.join(cells)} | {rows[0]['parameters']:,} | {time:.2f} |")


def read_material(speech: Path, corpora: Sequence[tuple[Path, float]], longest: float) -> Material:
    """Log-mel frames of all that is heard, once for all runs."""
    training: list[Example] = []
    weights: list[float] = []
    people: list[Example] = []
    for folder, weight in corpora:
        corpus = SpeechCorpus(folder)
        kept = held_out(corpus)
        for number, utterance in enumerate(corpus.utterances):
            if number not in kept and fits(utterance) and utterance.samples <= longest * SAMPLE_RATE:
                training.append(mel_example(corpus, number))
                weights.append(weight)
        people += [mel_example(corpus, number) for number in kept if not corpus.utterances[number].synthetic]
    elsewhere = []
    files = Reader()
    for path, phones in timit(speech):
        recording = files.read(path)
        assert isinstance(recording, Recording)
        with recording:
            sound = log_mel(torch.from_numpy(recording.read(0, recording.samples)))
        elsewhere.append(Example(sound, Utterance(0, recording.samples, f"timit:{path.parent.name}", "", phones)))
    return Material(training, weights, people, asked_words(people), elsewhere)


def asked_words(people: Sequence[Example]) -> dict[Phones, frozenset[int]]:
    """Likeliest pronunciation of words said in a few utterances, and the utterances."""
    where: dict[str, set[int]] = {}
    for number, example in enumerate(people):
        for word in re.findall(r"[a-z]+", example.utterance.text.lower()):
            if len(word) >= _SHORTEST:
                where.setdefault(word, set()).add(number)
    few = sorted(word for word, own in where.items() if len(own) <= _MOST_PLACES)
    chosen = sorted(np.random.default_rng(1).permutation(few)[:_MOST_WORDS].tolist())
    ways = Pronouncer(espeak=False).variants_of(chosen, 1)
    return {said[0].phones: frozenset(where[word]) for word, said in zip(chosen, ways, strict=True) if said}


def trained(material: Material, recipe: SpeechRecipe) -> tuple[SpeechNetwork, float]:
    """The averaged network, and processor time of a step in seconds.

    The loop of :mod:`octavo.pipeline.training.speech` without changes of the sound, checkpoints and half precision,
    which does not pay at this size.
    """
    torch.manual_seed(recipe.seed)
    frontend = LogMel()
    network = SpeechNetwork(recipe.shape).train()
    average = {name: value.detach().clone() for name, value in network.state_dict().items()}
    optimizer = torch.optim.AdamW(
        network.parameters(), recipe.learning_rate, (0.9, 0.98), 1e-8, recipe.weight_decay, fused=True
    )
    stream = batches(material.training, material.weights, recipe.batch_seconds, recipe.seed)
    timed = [example for example in material.training if example.utterance.times is not None]
    opening = batches(timed, [1.0] * len(timed), recipe.batch_seconds, recipe.seed)
    start = round(START * recipe.steps) if recipe.frames_weight else 0
    began = process_time()
    for step in range(recipe.steps):
        batch = frontend.batch(next(opening if step < start else stream))
        if start and step == start:
            for state in (network.state_dict(), average):
                begin_from_frames(state)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, recipe)
        heard = network(batch.sound, batch.valid)
        loss = framewise(heard, batch) if step < start else loss_of(heard, batch, recipe)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        follow(average, network.state_dict(), step + 1, recipe.average)
    seconds = (process_time() - began) / recipe.steps
    network.load_state_dict(average)
    return network.eval(), seconds


def judged(network: SpeechNetwork, material: Material) -> dict[str, float]:
    """All of :data:`MEASURES`."""
    heard = listened(network, material.people)
    said = [example.utterance.phones for example in material.people]
    blank = balanced(heard, sum(map(len, said)))
    nats = 0.0
    for row, phones in zip(heard, said, strict=True):
        lengths = torch.tensor(len(row)), torch.tensor(len(phones))
        nats += torch.nn.functional.ctc_loss(row, torch.tensor(phones), *lengths, BLANK, "sum").item()
    elsewhere = [
        folded([PHONES[phone - 1] for phone in phones]) for phones in read(listened(network, material.elsewhere), blank)
    ]
    frames = Frames.of([Posteriors.pack(row.numpy(), blank) for row in heard])
    precisions = []
    for phones, right in material.words.items():
        ranked = np.argsort(-scores(frames, phones), kind="stable").tolist()
        precisions.append(quality([str(at) for at in ranked], {str(at) for at in right})[0])
    return {
        "greedy": error_rate(read(heard, 0.0), said),
        "evened": error_rate(read(heard, blank), said),
        "nats": nats / sum(map(len, said)),
        "MAP": float(np.mean(precisions)),
        "timit_dev": error_rate(elsewhere, [example.utterance.phones for example in material.elsewhere]),
        "blank": blank,
    }


@torch.inference_mode()
def listened(network: SpeechNetwork, examples: Sequence[Example]) -> list[Tensor]:
    """Log-probabilities of each utterance, as it is. *Shape of each:* (T, SYMBOLS)."""
    frontend = LogMel()
    found: dict[int, Tensor] = {}
    order = sorted(range(len(examples)), key=lambda at: examples[at].frames)
    for first in range(0, len(order), 16):
        numbers = order[first : first + 16]
        batch = frontend.batch([examples[at] for at in numbers])
        logits = network(batch.sound, batch.valid).phones
        for row, at in enumerate(numbers):
            found[at] = logits[row, : int(batch.lengths[row]) // 2].log_softmax(-1)
    return [found[at] for at in range(len(examples))]


def read(heard: Sequence[Tensor], blank: float) -> list[Phones]:
    """The greedy reading with so many nats taken off the blank."""
    off = torch.zeros(heard[0].shape[1])
    off[BLANK] = blank
    return [greedy((row - off)[None], torch.tensor([len(row)]))[0] for row in heard]


def balanced(heard: Sequence[Tensor], phones: int) -> float:
    """What to take off the blank for about so many phones to be heard."""
    off: list[float] = OFF_THE_BLANK.tolist()
    return min(off, key=lambda blank: abs(sum(map(len, read(heard, blank))) - phones))


def error_rate(heard: Sequence[Phones], said: Sequence[Phones]) -> float:
    """Edits a phone, in percent."""
    edits = sum(Levenshtein.distance(one, other) for one, other in zip(said, heard, strict=True))
    return 100 * edits / sum(map(len, said))


if __name__ == "__main__":
    main()
