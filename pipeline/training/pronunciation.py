"""Train the network that pronounces words from a lexicon such as CMUdict::

    octavo train pronunciation --lexicon cmudict.zip --out DIR

The words are split by a hash of their spelling into three parts, the same on every machine: those learnt from, those
watched to choose the best weights, and those held out, which are scored at the end, for the model card.
A possessive goes with its word ("Aaron's" with "Aaron"), so that it gives nothing away.
"""

from __future__ import annotations

import copy
import json
import math
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ModelError
from .lexicon import Lexicon, part_of, read_lexicon

if TYPE_CHECKING:
    import torch

    from ..encoders.grapheme_to_phoneme import GraphemeToPhoneme, GraphemeToPhonemeShape

NAME = "grapheme_to_phoneme"


@dataclass(frozen=True, slots=True)
class PronunciationScore:
    """How well a network pronounces words; where a word has several pronunciations, the nearest one counts.

    Attributes:
        words: Counted.
        phone_error: Edit distance of the best answer over phones of the reference.
        word_error: Share of words whose best answer is no reference.
        oracle_phone_error, oracle_word_error: The same for the best of the four likeliest answers.
    """

    words: int
    phone_error: float
    word_error: float
    oracle_phone_error: float
    oracle_word_error: float

    def __str__(self) -> str:
        return (
            f"{self.words} words: phone error {self.phone_error:.2%}, word error {self.word_error:.2%}, "
            f"best of 4: {self.oracle_phone_error:.2%}, {self.oracle_word_error:.2%}"
        )


@dataclass(frozen=True, slots=True)
class TrainingProgress:
    """After one pass through the words: loss per word, greedy phone error on the watched part, seconds so far."""

    epoch: int
    epochs: int
    loss: float
    phone_error: float
    seconds: float


def nearest_error(answer: tuple[int, ...], references: Sequence[tuple[int, ...]]) -> tuple[int, int]:
    """Edit distance to the reference with the lowest error rate, and that reference's length."""
    from rapidfuzz.distance import Levenshtein

    pairs = [(Levenshtein.distance(answer, reference), len(reference)) for reference in references]
    return min(pairs, key=lambda pair: pair[0] / pair[1])


def score(network: GraphemeToPhoneme, lexicon: Lexicon, words: Sequence[str]) -> PronunciationScore:
    """Measure ``network`` on ``words`` of ``lexicon`` with the search that :class:`Pronouncer` uses."""
    from ..encoders.grapheme_to_phoneme import best_phones, phone_posteriors

    errors = phones = wrong = oracle_errors = oracle_phones = oracle_wrong = 0
    for word, posterior in zip(words, phone_posteriors(network, words), strict=True):
        answers = [nearest_error(answer, lexicon[word]) for answer, _ in best_phones(posterior, 4)]
        first, best = answers[0], min(answers, key=lambda pair: pair[0] / pair[1])
        errors, phones, wrong = errors + first[0], phones + first[1], wrong + (first[0] > 0)
        oracle_errors, oracle_phones = oracle_errors + best[0], oracle_phones + best[1]
        oracle_wrong += best[0] > 0
    return PronunciationScore(
        words=len(words),
        phone_error=errors / max(phones, 1),
        word_error=wrong / max(len(words), 1),
        oracle_phone_error=oracle_errors / max(oracle_phones, 1),
        oracle_word_error=oracle_wrong / max(len(words), 1),
    )


def greedy_phone_error(network: GraphemeToPhoneme, lexicon: Lexicon, words: Sequence[str]) -> float:
    """Phone error of the best path: quick, for watching."""
    from ..encoders.grapheme_to_phoneme import greedy_phones, phone_posteriors

    posteriors = phone_posteriors(network, words)
    pairs = [nearest_error(greedy_phones(row), lexicon[word]) for word, row in zip(words, posteriors, strict=True)]
    return sum(distance for distance, _ in pairs) / max(sum(length for _, length in pairs), 1)


def train(
    lexicon: Path,
    out: Path,
    *,
    seed: int = 1,
    device: str = "auto",
    minutes: float | None = None,
    epochs: int = 12,
    batch: int = 256,
    patience: int = 3,
    shape: GraphemeToPhonemeShape | None = None,
    progress: Callable[[TrainingProgress], None] | None = None,
) -> dict[str, PronunciationScore]:
    """Train on the learnt part of ``lexicon`` and write weights and model card into ``out``.

    AdamW with a warm-up and a cosine fall, CTC at the last layer and, at 0.3, at those that feed back; what is kept
    is the running average of the weights (decay 0.998) at the epoch with the lowest error on the watched part.

    Args:
        minutes: Upper limit of the time; the learning rate falls with the time where that runs out before ``epochs``.
        patience: Epochs without a gain on the watched part after which to stop.

    Returns:
        Scores on the held-out part and on as many learnt words.

    Raises:
        ModelError: The lexicon cannot be read or is too small to be split.
    """
    import torch
    from torch.nn import functional

    from ..encoders.device import choose_device
    from ..encoders.grapheme_to_phoneme import GraphemeToPhoneme, save_network

    words = read_lexicon(lexicon)
    parts: dict[str, list[str]] = {"held out": [], "watched": [], "learnt": []}
    for word in sorted(words):
        parts[part_of(word)].append(word)
    if not all(parts.values()):
        raise ModelError(
            f"{lexicon} has {len(words)} words: too few for a part to learn, one to watch, one to hold out"
        )
    where = choose_device(device)
    torch.manual_seed(seed)
    shuffle = random.Random(seed)
    network = GraphemeToPhoneme(shape, dropout=0.1).to(where)
    average = copy.deepcopy(network).eval()
    best, best_error, since = copy.deepcopy(average.state_dict()), math.inf, 0
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, betas=(0.9, 0.98), weight_decay=0.01)
    pairs = [(word, phones) for word in parts["learnt"] for phones in words[word]]
    steps, step, started = epochs * math.ceil(len(pairs) / batch), 0, time.monotonic()
    done = 0.0
    for epoch in range(1, epochs + 1):
        network.train()
        losses = []
        for chosen in _batches(pairs, batch, shuffle):
            done = step / steps
            if minutes is not None:
                done = max(done, (time.monotonic() - started) / (60 * minutes))
            if done >= 1:
                break
            optimizer.param_groups[0]["lr"] = 2e-3 * _rate(done)
            letters, lengths, targets, target_lengths = _tensors(chosen, network.shape.places, where)
            # 16-bit products halve the time on processors that have them and change no score by more than the seed.
            with torch.autocast(torch.device(where).type, torch.bfloat16):
                guesses = network(letters)
            terms = [
                functional.ctc_loss(g.transpose(0, 1), targets, lengths, target_lengths, reduction="sum")
                for g in guesses
            ]
            loss = (terms[-1] + 0.3 * torch.stack(terms[:-1]).mean() if terms[:-1] else terms[-1]) / len(chosen)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            step += 1
            _follow(average, network, min(0.998, step / (step + 10)))
            losses.append(float(terms[-1].detach()) / len(chosen))
        error = greedy_phone_error(average, words, parts["watched"])
        if progress is not None and losses:
            spent = time.monotonic() - started
            progress(TrainingProgress(epoch, epochs, sum(losses) / len(losses), error, spent))
        since = 0 if error < best_error else since + 1
        if error < best_error:
            best, best_error = copy.deepcopy(average.state_dict()), error
        if since >= patience or done >= 1:
            break
    # Rounded as they will be stored, so that the scores are those of the file.
    average.load_state_dict({name: weights.half().float() for name, weights in best.items()})
    average.cpu()
    seen = shuffle.sample(parts["learnt"], min(len(parts["held out"]), len(parts["learnt"])))
    scores = {
        part: score(average, words, chosen) for part, chosen in (("held out", parts["held out"]), ("learnt", seen))
    }
    out.mkdir(parents=True, exist_ok=True)
    metadata = {
        "lexicon": lexicon.name,
        "lexicon_words": str(len(words)),
        "seed": str(seed),
        "epochs": str(epochs),
        "minutes": "" if minutes is None else str(minutes),
        "steps": str(step),
        "held_out": json.dumps(_as_json(scores["held out"])),
        "learnt": json.dumps(_as_json(scores["learnt"])),
    }
    save_network(average, out / f"{NAME}.safetensors", metadata)
    (out / f"{NAME}.md").write_text(_card(average, metadata, scores, time.monotonic() - started))
    return scores


def _batches(
    pairs: Sequence[tuple[str, tuple[int, ...]]], batch: int, shuffle: random.Random
) -> Iterator[list[tuple[str, tuple[int, ...]]]]:
    """Shuffled, words of about a length together: little is padding."""
    mixed = shuffle.sample(pairs, len(pairs))
    lots = [
        sorted(mixed[first : first + 32 * batch], key=lambda pair: len(pair[0]))
        for first in range(0, len(mixed), 32 * batch)
    ]
    batches = [lot[first : first + batch] for lot in lots for first in range(0, len(lot), batch)]
    shuffle.shuffle(batches)
    yield from batches


def _tensors(
    pairs: Sequence[tuple[str, tuple[int, ...]]], places: int, device: str
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Letters (B, T), frames of each (B,), all phones one after the other, phones of each (B,)."""
    import torch

    from ..encoders.grapheme_to_phoneme import PADDING, letter_batch

    letters = letter_batch([word for word, _ in pairs])
    lengths = places * (letters != PADDING).sum(1)
    targets = torch.tensor([phone for _, phones in pairs for phone in phones])
    target_lengths = torch.tensor([len(phones) for _, phones in pairs])
    return letters.to(device), lengths, targets, target_lengths


def _rate(done: float) -> float:
    return done / 0.04 if done < 0.04 else 0.5 * (1 + math.cos(math.pi * (done - 0.04) / 0.96))


def _follow(average: GraphemeToPhoneme, network: GraphemeToPhoneme, decay: float) -> None:
    import torch

    with torch.no_grad():
        torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), 1 - decay)


def _as_json(scored: PronunciationScore) -> dict[str, float]:
    return {name: round(getattr(scored, name), 5) for name in PronunciationScore.__slots__}


def _card(
    network: GraphemeToPhoneme, metadata: Mapping[str, str], scores: Mapping[str, PronunciationScore], seconds: float
) -> str:
    rows = [
        f"| {part} | {s.words} | {s.phone_error:.2%} | {s.word_error:.2%} | {s.oracle_phone_error:.2%} "
        f"| {s.oracle_word_error:.2%} |"
        for part, s in scores.items()
    ]
    return "\n".join(
        [
            "# Grapheme to phoneme",
            "",
            "Letters of an English word -> the 39 phones of CMUdict, without stress; several answers, each with its "
            "probability.",
            "",
            f"- Network: {sum(p.numel() for p in network.parameters()):,} parameters, {network.shape}; "
            "see `pipeline/encoders/grapheme_to_phoneme.py`. 16-bit floats.",
            f"- Trained by `octavo train pronunciation {_options(metadata)}` on `{metadata['lexicon']}`, "
            f"{metadata['lexicon_words']} words: {metadata['steps']} steps in {seconds / 60:.0f} minutes. "
            "Where a limit in minutes ends it, a faster machine gives other weights.",
            "- The weights that ship with Octavo come from the Carnegie Mellon Pronouncing Dictionary 0.7a "
            "(2-clause BSD licence).",
            "- Held out: 5 % of the words by a hash of the spelling, neither learnt from nor used to choose "
            "weights. Nearest of several reference pronunciations counts. "
            "Best of 4: the best of the four likeliest answers.",
            "- Learnt: as many words, by chance, from those it was trained on.",
            "",
            "| Part | Words | Phone error | Word error | Best of 4: phone error | Best of 4: word error |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
            "It reads the letters a to z and the apostrophe. Words are American English; names from other languages "
            "are pronounced as the lexicon's Americans would. Give respellings for names that matter.",
            "",
        ]
    )


def _options(metadata: Mapping[str, str]) -> str:
    limit = f" --minutes {metadata['minutes']}" if metadata["minutes"] else ""
    return f"--seed {metadata['seed']} --epochs {metadata['epochs']}{limit}"
