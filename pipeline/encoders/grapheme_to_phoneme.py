"""Letters of a word -> phones: a small network, trained by :mod:`octavo.pipeline.training.pronunciation`.

Every letter, seen with all others of its word, says at three places each whether a phone is heard there and which.
Connectionist temporal classification (Graves et al. 2006) sums over the ways to place the phones, so no alignment of
letters and phones is needed. Its weak point is that the places are chosen independently of each other; therefore the
guess of the middle layers is fed back into the later ones (self-conditioned CTC, Nozaki and Komatsu 2021).
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..phones import BLANK, SYMBOLS
from .weights_file import loading, read_weights, weights_digest, write_weights

LETTERS = "abcdefghijklmnopqrstuvwxyz'"
PADDING, START, STOP = 0, 1, 2
_LETTER = {letter: number for number, letter in enumerate(LETTERS, 3)}
LONGEST = 64
"""Letters of a word that are read; no word of a language comes near, so the rest is cut off."""

SHIPPED = Path(__file__).parent.parent / "weights" / "grapheme_to_phoneme.safetensors"
FORMAT = "octavo-grapheme-to-phoneme-1"


@dataclass(frozen=True, slots=True)
class GraphemeToPhonemeShape:
    """Size of the network.

    Attributes:
        width: Of a letter's state.
        blocks: Attention and convolution, this many times.
        heads: Of attention.
        reach: Letters to either side that are told apart by distance in attention.
        places: Frames for phones per letter.
    """

    width: int = 176
    blocks: int = 4
    heads: int = 4
    reach: int = 10
    places: int = 3

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} cannot be shared by {self.heads} heads")
        if min(self.width, self.blocks, self.heads, self.reach, self.places) < 1:
            raise ValueError(f"every size must be positive: {self}")


class LetterBlock(nn.Module):
    """Self-attention over the letters of a word, then a gated convolution over neighbours, both residual.

    *Shape:* (B, T, width) -> (B, T, width)
    """

    def __init__(self, shape: GraphemeToPhonemeShape, dropout: float) -> None:
        super().__init__()
        width = shape.width
        self.heads, self.reach, self.dropout = shape.heads, shape.reach, dropout
        self.attention_norm = nn.LayerNorm(width)
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.mix = nn.Linear(width, width)
        self.distance = nn.Parameter(torch.zeros(shape.heads, 2 * shape.reach + 1))
        self.convolution_norm = nn.LayerNorm(width)
        self.widen = nn.Linear(3 * width, 2 * width)
        self.narrow = nn.Linear(2 * width, width)

    def forward(self, states: Tensor, present: Tensor) -> Tensor:
        batch, letters, width = states.shape
        joined = self.queries_keys_values(self.attention_norm(states))
        query, key, value = joined.view(batch, letters, 3, self.heads, -1).permute(2, 0, 3, 1, 4)  # (3, B, H, T, C)
        places = torch.arange(letters, device=states.device)
        apart = (places[None] - places[:, None]).clamp(-self.reach, self.reach) + self.reach
        bias = self.distance[:, apart].to(states.dtype)  # (H, T, T)
        scores = query @ key.transpose(-1, -2) * (width // self.heads) ** -0.5 + bias
        weights = scores.masked_fill(~present[:, None, None], -1e4).softmax(-1)
        heard = (weights.to(value.dtype) @ value).transpose(1, 2).reshape(batch, letters, width)
        states = states + functional.dropout(self.mix(heard), self.dropout, self.training)
        # Zeros beyond the word, so that a word reads the same whatever it is padded to.
        near = self.convolution_norm(states) * present[..., None]
        near = functional.pad(near, (0, 0, 1, 1))
        near = torch.cat((near[:, :-2], near[:, 1:-1], near[:, 2:]), -1)  # a convolution of three as one product
        change: Tensor = self.narrow(functional.gelu(self.widen(near)))
        return states + functional.dropout(change, self.dropout, self.training)


class GraphemeToPhoneme(nn.Module):
    """Posterior of blank and phones at ``places`` frames for each letter and for either end of the word.

    *Shape:* (B, T) letter ids -> (B, T * places, SYMBOLS) log probabilities, one such for each guess, the last being
    the result. Frames beyond ``places *`` a word's own length mean nothing.
    """

    def __init__(self, shape: GraphemeToPhonemeShape | None = None, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.shape = shape = shape or GraphemeToPhonemeShape()
        self.letters = nn.Embedding(len(LETTERS) + 3, shape.width, padding_idx=PADDING)
        self.blocks = nn.ModuleList(LetterBlock(shape, dropout) for _ in range(shape.blocks))
        self.norm = nn.LayerNorm(shape.width)
        self.spread = nn.Linear(shape.width, shape.places * shape.width)
        self.name = nn.Linear(shape.width, SYMBOLS)
        self.feedback = nn.Linear(shape.places * SYMBOLS, shape.width)

    def forward(self, letters: Tensor) -> list[Tensor]:
        present = letters != PADDING
        states = self.letters(letters)
        guesses = []
        for number, block in enumerate(self.blocks, 1):
            states = block(states, present)
            if number == len(self.blocks) or number >= len(self.blocks) // 2:
                guess = self._phones(states)
                guesses.append(guess)
                if number < len(self.blocks):
                    states = states + self.feedback(guess.exp().flatten(2).to(states.dtype))
        return [guess.flatten(1, 2) for guess in guesses]

    def _phones(self, states: Tensor) -> Tensor:
        """*Shape:* (B, T, width) -> (B, T, places, SYMBOLS)"""
        spread = functional.gelu(self.spread(self.norm(states)))
        names: Tensor = self.name(spread.unflatten(-1, (self.shape.places, -1)))
        return names.float().log_softmax(-1)


def letter_ids(word: str) -> list[int]:
    """Ids of a lower-case word of :data:`LETTERS`, with a mark at either end.

    Raises:
        ValueError: The word holds something else.
    """
    try:
        return [START, *(_LETTER[letter] for letter in word[:LONGEST]), STOP]
    except KeyError as error:
        raise ValueError(f"{word!r} holds {error.args[0]!r}: the network reads {LETTERS} only") from error


def letter_batch(words: Sequence[str]) -> Tensor:
    """*Shape:* (B, longest + 2) ids, padded."""
    rows = [letter_ids(word) for word in words]
    longest = max(map(len, rows))
    return torch.tensor([row + [PADDING] * (longest - len(row)) for row in rows])


@torch.inference_mode()
def phone_posteriors(network: GraphemeToPhoneme, words: Sequence[str], *, batch: int = 256) -> list[Tensor]:
    """Log probabilities of blank and phones for each word, in the order given.

    *Shape:* of each: (places * (letters + 2), SYMBOLS)
    """
    if network.training:
        raise ValueError("the network is in training mode: call eval() first, or dropout is in the result")
    device = network.name.weight.device
    order = sorted(range(len(words)), key=lambda number: len(words[number]))  # words of a length: little padding
    posteriors: list[Tensor] = [torch.empty(0)] * len(words)
    for first in range(0, len(order), batch):
        chosen = order[first : first + batch]
        result = network(letter_batch([words[number] for number in chosen]).to(device))[-1].cpu()
        for number, rows in zip(chosen, result, strict=True):
            posteriors[number] = rows[: network.shape.places * (min(len(words[number]), LONGEST) + 2)]
    return posteriors


def greedy_phones(posterior: Tensor) -> tuple[int, ...]:
    """Best path: the best symbol of each frame, repeats merged, blanks dropped. *Shape:* (T, SYMBOLS)"""
    best = torch.unique_consecutive(posterior.argmax(-1)).tolist()
    return tuple(symbol for symbol in best if symbol != BLANK)


def best_phones(
    posterior: Tensor, n: int, *, width: int = 16, floor: float = -9.0
) -> list[tuple[tuple[int, ...], float]]:
    """The ``n`` likeliest phone sequences, best first: prefix beam search over CTC posteriors (Hannun et al. 2014).

    A sequence's probability is the sum over all its placements that the beam kept.

    Args:
        posterior: Log probabilities. *Shape:* (T, SYMBOLS)
        width: Sequences kept after each frame.
        floor: Symbols below this log probability are not tried at a frame.

    Returns:
        Sequences of phone ids and their log probabilities; fewer than ``n`` where no more were kept.
    """
    blank_end, phone_end = 0, 1  # log probability of a prefix whose last frame is a blank, or is its last phone
    beam: dict[tuple[int, ...], list[float]] = {(): [0.0, -math.inf]}
    for frame in posterior.tolist():
        tried = [(symbol, score) for symbol, score in enumerate(frame) if score > floor]
        grown: dict[tuple[int, ...], list[float]] = {}
        for prefix, ends in beam.items():
            total = _add_logs(*ends)
            for symbol, score in tried:
                if symbol == BLANK:
                    kept = grown.setdefault(prefix, [-math.inf, -math.inf])
                    kept[blank_end] = _add_logs(kept[blank_end], total + score)
                    continue
                before = total
                if prefix and prefix[-1] == symbol:  # the same phone goes on; a second one needs a blank between
                    kept = grown.setdefault(prefix, [-math.inf, -math.inf])
                    kept[phone_end] = _add_logs(kept[phone_end], ends[phone_end] + score)
                    before = ends[blank_end]
                longer = grown.setdefault((*prefix, symbol), [-math.inf, -math.inf])
                longer[phone_end] = _add_logs(longer[phone_end], before + score)
        ranked = sorted(grown.items(), key=lambda item: (-_add_logs(*item[1]), item[0]))
        beam = dict(ranked[:width])
    return [(prefix, min(0.0, _add_logs(*ends))) for prefix, ends in list(beam.items())[:n]]


def _add_logs(first: float, second: float) -> float:
    high, low = (first, second) if first > second else (second, first)
    return high if low == -math.inf else high + math.log1p(math.exp(low - high))


@dataclass(frozen=True, slots=True)
class LoadedGraphemeToPhoneme:
    """The network in evaluation mode, what its file says about itself, and a digest of shape and weights."""

    network: GraphemeToPhoneme
    metadata: dict[str, str]
    digest: str


def save_network(network: GraphemeToPhoneme, path: Path, metadata: dict[str, str]) -> None:
    """Write the weights as 16-bit floats with their shape and ``metadata`` in the header."""
    header = {"format": FORMAT, "shape": json.dumps(asdict(network.shape)), "letters": LETTERS, **metadata}
    write_weights(network.state_dict(), path, header)


def load_network(path: Path = SHIPPED, *, device: str = "cpu") -> LoadedGraphemeToPhoneme:
    """Read weights written by :func:`save_network`.

    Raises:
        ModelError: The file is not there, is damaged, or is of another format.
    """
    with loading("pronunciation network", path, "octavo train pronunciation"):
        metadata, tensors = read_weights(path, {"format": FORMAT, "letters": LETTERS}, "train it again")
        network = GraphemeToPhoneme(GraphemeToPhonemeShape(**json.loads(metadata["shape"])))
        network.load_state_dict(tensors)
    digest = weights_digest(metadata["shape"], tensors)
    return LoadedGraphemeToPhoneme(network.eval().to(device), metadata, digest)
