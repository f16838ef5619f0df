"""Fits how far words reach beyond the peaks of their phones, on speech with known word times.

Synthesisers know their times exactly. Of people's speech nobody measured the words; there the framewise head of the
speech network, which was trained on the synthesisers' times, is aligned with the phones that are said. (The CTC head
cannot say it: where its peaks lie inside a word is just what is sought.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from ...pipeline.alignment import align
from ...pipeline.posteriors import FRAME, Posteriors
from ...pipeline.training.speech_corpus import SpeechCorpus, Utterance
from .frames import Frames
from .hearing import Pronouncing
from .keyword import Edges, Phones, places

if TYPE_CHECKING:
    from ...pipeline.encoders.hearing_network import HearingNetwork

STEPS: Final = {
    "before": np.arange(0.1, 1.01, 0.1),
    "after": np.arange(0.1, 1.01, 0.1),
    "most_before": np.arange(0, 8.5, 0.5),
    "most_after": np.arange(0, 10.5, 0.5),
    "clear": np.array([0.02, 0.05, 0.1, 0.2, 0.35, 0.5]),
}

_SHORTEST: Final = 4
"""Phones of a word."""
_LOST: Final = 15
"""Frames from which an error counts no more: the word was found elsewhere."""
_WORST: Final = -2.0
"""Score per phone below which a word was not found."""


@dataclass(frozen=True, slots=True, eq=False)
class TimedWord:
    """A word of an utterance that is known to be said there.

    Attributes:
        frames: Of the whole utterance.
        start, stop: Frames from the start of the utterance, not rounded.
    """

    frames: Frames
    phones: Phones
    start: float
    stop: float


def network_of(weights: Path) -> HearingNetwork:
    """The network of a checkpoint with all its heads, on its trunk; the encoder shows only one of them."""
    from ...pipeline.encoders.speech_checkpoint import SpeechCheckpoint

    return SpeechCheckpoint.open(weights).hearing()


def timed_words(
    network: HearingNetwork,
    pronouncer: Pronouncing,
    corpus: SpeechCorpus,
    numbers: Sequence[int],
    most: int = 120,
    *,
    blank: float = 0.0,
) -> list[TimedWord]:
    """Words of some utterances with their times, exact where the corpus has them, else by the framewise head.

    Args:
        blank: Nats taken off the blank.
        most: Utterances at most.
    """
    found: list[TimedWord] = []
    for number in numbers[:most]:
        utterance = corpus.utterances[number]
        samples = corpus.pcm(number).astype(np.float32) / np.float32(32768)
        phones, frames = heads(network, samples)
        if utterance.times is not None:
            said = tuple(timed.phone for timed in utterance.times)
            bounds = np.array([(timed.start, timed.stop) for timed in utterance.times]) / FRAME
        else:
            said = utterance.phones
            try:
                bounds = phone_bounds(frames, said)
            except ValueError:
                continue
        laid_out = Frames.of([Posteriors.pack(phones, blank)])
        for first, last in word_phones(utterance, said, pronouncer):
            if last - first >= _SHORTEST:
                found.append(TimedWord(laid_out, said[first:last], bounds[first, 0], bounds[last - 1, 1]))
    return found


def heads(
    network: HearingNetwork, samples: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Log-probabilities of the CTC head and of the framewise head. *Shape:* (T, SYMBOLS) each."""
    import torch

    with torch.inference_mode():
        heard = network(torch.from_numpy(samples))
        phones, frames = (head[0].log_softmax(-1).numpy() for head in (heard.phones, heard.frames))
    return phones, frames


def phone_bounds(frames: npt.NDArray[np.float32], said: Phones) -> npt.NDArray[np.float64]:
    """Frames of each phone by the framewise head, in which silence between phones is the blank. *Shape:* (n, 2)

    Raises:
        ValueError: There are fewer frames than the phones need.
    """
    bounds: npt.NDArray[np.float64] = align(frames, said).astype(np.float64)
    return bounds


def word_phones(utterance: Utterance, said: Phones, pronouncer: Pronouncing) -> list[tuple[int, int]]:
    """First and last-but-one phone of each word of which it is certain: all of it is said as it is pronounced."""
    from rapidfuzz.distance import Levenshtein

    words = utterance.text.split()
    ways = pronouncer.variants_of(words, 1)
    written: list[int] = []
    bounds: list[tuple[int, int]] = []
    for variants in ways:
        start = len(written)
        written += variants[0].phones if variants else ()
        bounds.append((start, len(written)))
    same = np.full(len(written) + 1, -1)
    for code in Levenshtein.opcodes(written, list(said)):
        if code.tag == "equal":
            same[code.src_start : code.src_end] = np.arange(code.dest_start, code.dest_end)
    found = []
    for start, stop in bounds:
        own = same[start:stop]
        if len(own) and (own >= 0).all() and own[-1] - own[0] == len(own) - 1:
            found.append((int(own[0]), int(own[-1]) + 1))
    return found


def errors(words: Sequence[TimedWord], edges: Edges) -> npt.NDArray[np.float64]:
    """Frames by which words begin and end too late; NaN where they are not found. *Shape:* (n, 2)"""
    made = np.full((len(words), 2), np.nan)
    for row, word in enumerate(words):
        place = places(word.frames, [word.phones], most=1, least=_WORST, edges=edges)
        if place:
            made[row] = place[0].start - word.start, place[0].stop - word.stop
    made[(np.abs(made) > 2 * _LOST).any(axis=1)] = np.nan
    return made


def fit_edges(kinds: Sequence[Sequence[TimedWord]]) -> tuple[Edges, str]:
    """The edges with the least error, and what it is, for people; every kind of speech counts the same.

    Each number is improved in turn until none can be.
    """
    kinds = [words for words in kinds if words]

    def cost(edges: Edges) -> float:
        return float(np.mean([np.nanmean(np.minimum(np.abs(errors(words, edges)), _LOST)) for words in kinds]))

    best = Edges()
    least = before = cost(best)
    improved = True
    while improved:
        improved = False
        for name, steps in STEPS.items():
            for value in steps.tolist():
                tried = replace(best, **{name: float(value)})
                if (made := cost(tried)) < least - 1e-6:
                    best, least, improved = tried, made, True
    parts = []
    for words in kinds:
        off = errors(words, best)
        median = np.nanmedian(np.abs(off)) * 20
        parts.append(f"{np.isfinite(off[:, 0]).sum()} of {len(words)} words found, median error {median:.0f} ms")
    return best, f"mean error {before * 20:.0f} -> {least * 20:.0f} ms; " + "; ".join(parts)
