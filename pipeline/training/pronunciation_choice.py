"""Which of its pronunciations each word of a corpus was said in, and when each phone, by what a trained network hears.

A dictionary's first pronunciation is often the careful one (W AA Z for *was*, AH for every *a*), so a network that
learns from it is told wrong phones. Once it hears well enough to choose, the likeliest pronunciation of every word
takes the place of the first, and ``octavo train speech`` goes on from there: the realignment with pronunciation
variants of speech recognisers (Young et al., The HTK book, 2006). And as nobody measured when people said their phones,
the framewise head, which learnt from the synthesisers' exact times, says it: people's speech has a framewise loss too
from then on.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from ..alignment import phone_times
from ..encoders.hearing_network import HearingNetwork
from ..phones import BLANK
from .speech_batches import waveform
from .speech_corpus import SAMPLES, UTTERANCES, SpeechCorpus
from .speech_synthesis import TimedPhone
from .speech_texts import Transcriber

Pronunciation = tuple[int, ...]

_ROUNDS: Final = 2
"""Words are chosen one after another, given the others; a second time, as neighbours share frames."""


def choose(words: Sequence[Sequence[Pronunciation]], log_probabilities: Tensor) -> list[Pronunciation]:
    """The pronunciation of each word under which the sound is likeliest (CTC, all alignments summed up).

    Args:
        words: Pronunciations of each word, the usual one first.
        log_probabilities: *Shape:* (T, SYMBOLS).
    """
    chosen = [variants[0] for variants in words]
    for _ in range(_ROUNDS):
        before = list(chosen)
        for at, variants in enumerate(words):
            if len(variants) > 1:
                said = [[*chosen[:at], variant, *chosen[at + 1 :]] for variant in variants]
                chosen[at] = variants[int(_costs([list(chain(*one)) for one in said], log_probabilities).argmin())]
        if chosen == before:
            break
    return chosen


def _costs(readings: Sequence[Sequence[int]], log_probabilities: Tensor) -> Tensor:
    """Negative log-likelihood of each reading. *Shape:* (readings,)."""
    lengths = torch.tensor([len(reading) for reading in readings])
    rows = log_probabilities[:, None].expand(-1, len(readings), -1)
    frames = torch.full((len(readings),), len(log_probabilities))
    said = torch.tensor(list(chain(*readings)))
    return torch.nn.functional.ctc_loss(rows, said, frames, lengths, BLANK, reduction="none")


def rechosen(
    corpus: Path, transcriber: Transcriber, network: HearingNetwork, out: Path, device: str = "cpu"
) -> tuple[int, int]:
    """Writes the corpus again with the pronunciations that were heard, and with the times of all phones.

    Phones that are not the dictionary's first (canonical ones) stay as they are, and so do times that are known. Where
    the phones do not fit into the utterance, its times stay unknown.

    Args:
        device: Where the network is.

    Returns:
        Words that have a choice, and those of them for which another than the first was heard.
    """
    given = SpeechCorpus(corpus)
    out.mkdir(parents=True, exist_ok=True)
    (out / ".done").unlink(missing_ok=True)
    shutil.copyfile(corpus / SAMPLES, out / SAMPLES)
    free = changed = 0
    with (out / UTTERANCES).open("w", encoding="utf-8") as lines, torch.inference_mode():
        for number, utterance in enumerate(given.utterances):
            heard = network(waveform(given, number).to(device))
            words = transcriber.of_text(utterance.text)
            usual = tuple(chain(*(word[0] for word in words))) if words else ()
            if words and usual == utterance.phones and max(map(len, words)) > 1:
                said = choose(words, heard.phones[0].float().log_softmax(-1).cpu())
                free += sum(len(word) > 1 for word in words)
                changed += sum(one != word[0] for one, word in zip(said, words, strict=True))
                utterance = replace(utterance, phones=tuple(chain(*said)), times=None)
            if utterance.times is None:
                frames = heard.frames[0].float().log_softmax(-1).cpu().numpy()
                with suppress(ValueError):
                    timed = (TimedPhone(*one) for one in phone_times(frames, utterance.phones))
                    utterance = replace(utterance, times=tuple(timed))
            lines.write(utterance.to_json() + "\n")
    (out / ".done").touch()
    return free, changed
