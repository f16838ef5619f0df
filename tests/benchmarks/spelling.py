"""How many human misspellings find their word: the character encoders against edit distance, n-grams and Metaphone.

    python tests/benchmarks/spelling.py SPELLING/birkbeck_missp.dat [--sample 5000] [--weights character.safetensors]

The file gives a word as ``$word`` and its misspellings in the lines below it. Every misspelling is looked for among all
words of the file, in small letters; of words that are equally near, each counts as first with its share. A way that
needs neither network nor index compares with all words; encoders propose 50, and what says "decided" orders these anew.
Metaphone: edit distance of the keys, then of the letters. Needs jellyfish, of the extra dev.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from octavo.indexes.expand import similarity
from octavo.pipeline.encoders.character import CharacterEncoder
from octavo.pipeline.encoders.learned_character import WEIGHTS, LearnedCharacterEncoder

Scores = npt.NDArray[np.float64]
PROPOSALS = 50


def main() -> None:
    import torch

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("misspellings", type=Path)
    parser.add_argument("--sample", type=int, help="only so many misspellings, by chance (seed 1)")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    pairs = read_birkbeck(options.misspellings)
    words = list(dict.fromkeys(word for _, word in pairs))
    if options.sample:
        pairs = random.Random(1).sample(pairs, min(options.sample, len(pairs)))
    place = {word: at for at, word in enumerate(words)}
    right = np.array([place[word] for _, word in pairs])
    asked = [written for written, _ in pairs]
    unheard = np.array([written not in place for written in asked])
    print(f"{len(pairs):,} misspellings, {len(words):,} words; {1 - unheard.mean():.1%} are another word of them\n")
    print(
        "| way | first | among 5 | among 50 | first, of those that are no other word |\n|---|---|---|---|---|",
        flush=True,
    )
    hashed, learned = CharacterEncoder(), LearnedCharacterEncoder(options.weights)
    ways: dict[str, Callable[[], Scores]] = {
        "Levenshtein distance": lambda: levenshtein(asked, words),
        "Levenshtein distance over length": lambda: levenshtein(asked, words, normalised=True),
        "3-grams, TF-IDF": lambda: trigrams(asked, words),
        "Metaphone": lambda: metaphone(asked, words),
        "hashed n-grams": lambda: cosines(hashed, asked, words),
        "hashed n-grams, decided by letters": lambda: by_letters(cosines(hashed, asked, words), asked, words),
        "trained encoder": lambda: cosines(learned, asked, words),
        "trained encoder, decided": lambda: decided(learned, cosines(learned, asked, words), asked, words),
    }
    for name, way in ways.items():
        scores = way()
        shares = [found(scores, right, most) for most in (1, 5, 50)] + [found(scores[unheard], right[unheard], 1)]
        print(f"| {name} | {' | '.join(f'{share:.1%}' for share in shares)} |", flush=True)
    print()
    for name, encoder in (("hashed n-grams", hashed), ("trained encoder", learned)):
        print(f"{name}: {speed(encoder, list(dict.fromkeys(asked))):,.0f} distinct terms a second, one thread")


def read_birkbeck(path: Path) -> list[tuple[str, str]]:
    """Misspellings and their words, in small letters; an underscore stands for a space."""
    pairs: list[tuple[str, str]] = []
    word = ""
    for line in path.read_text(encoding="latin-1").lower().split("\n"):
        if line.startswith("$"):
            word = line[1:].strip()
        elif line.strip():
            pairs.append((line.strip().replace("_", " "), word))
    return pairs


def found(scores: Scores, right: npt.NDArray[np.int64], most: int) -> float:
    """Share of rows whose right column is among the ``most`` highest; ties count by chance."""
    own = scores[np.arange(len(right)), right][:, None]
    higher = (scores > own).sum(1)
    equal = (scores == own).sum(1)
    return float(np.clip((most - higher) / equal, 0, 1)[np.isfinite(own[:, 0])].sum() / len(right))


def levenshtein(asked: Sequence[str], words: Sequence[str], *, normalised: bool = False) -> Scores:
    """*Shape:* (asked, words)."""
    from rapidfuzz.distance import Levenshtein
    from rapidfuzz.process import cdist

    scorer = Levenshtein.normalized_similarity if normalised else Levenshtein.distance
    scores: Scores = cdist(asked, words, scorer=scorer, dtype=np.float32)
    return scores if normalised else -scores


def metaphone(asked: Sequence[str], words: Sequence[str]) -> Scores:
    """*Shape:* (asked, words)."""
    import jellyfish

    keys = [[jellyfish.metaphone(one) for one in side] for side in (asked, words)]
    scores: Scores = levenshtein(keys[0], keys[1]) + levenshtein(asked, words) / 1_000
    return scores


def trigrams(asked: Sequence[str], words: Sequence[str]) -> Scores:
    """Cosines of bags of letter triples between marks, weighed by inverse document frequency."""

    def bag(term: str) -> Counter[str]:
        framed = f"^{term}$"
        return Counter(framed[at : at + 3] for at in range(len(framed) - 2))

    held: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for at, word in enumerate(words):
        for gram, count in bag(word).items():
            held[gram].append((at, count))
    rarity = {gram: np.log((1 + len(words)) / (1 + len(rows))) + 1 for gram, rows in held.items()}
    columns = {gram: np.array(rows).T for gram, rows in held.items()}
    lengths = np.zeros(len(words))
    for gram, (rows, counts) in columns.items():
        lengths[rows] += (rarity[gram] * counts) ** 2
    scores = np.zeros((len(asked), len(words)), np.float32)
    for row, term in enumerate(asked):
        for gram, count in bag(term).items():
            if gram in columns:
                rows, counts = columns[gram]
                scores[row, rows] += rarity[gram] ** 2 * count * counts
    return np.asarray(scores / np.sqrt(lengths)[None])


def cosines(encoder: CharacterEncoder | LearnedCharacterEncoder, asked: Sequence[str], words: Sequence[str]) -> Scores:
    """*Shape:* (asked, words)."""
    return np.asarray(encoder.encode(asked) @ encoder.encode(words).T)


def by_letters(scores: Scores, asked: Sequence[str], words: Sequence[str]) -> Scores:
    """The proposed by optimal string alignment, as long as it takes them for the same; all others behind."""
    return _ordered(scores, asked, lambda word, best, row: [similarity(word, words[at]) for at in best])


def decided(encoder: LearnedCharacterEncoder, scores: Scores, asked: Sequence[str], words: Sequence[str]) -> Scores:
    """The proposed by their likeness, all others behind."""
    likeness = encoder.likeness
    if likeness is None:
        return scores
    return _ordered(scores, asked, lambda word, best, row: likeness(word, [words[at] for at in best], row).tolist())


def _ordered(
    scores: Scores, asked: Sequence[str], judge: Callable[[str, list[int], Scores], Sequence[float]]
) -> Scores:
    out = np.full_like(scores, -np.inf)
    proposed = np.argpartition(-scores, PROPOSALS, axis=1)[:, :PROPOSALS]
    for row, word in enumerate(asked):
        best = proposed[row].tolist()
        # the cosine breaks ties
        out[row, best] = np.array(judge(word, best, scores[row, best])) + 1e-4 * scores[row, best]
    return out


def speed(encoder: CharacterEncoder | LearnedCharacterEncoder, terms: Sequence[str]) -> float:
    """Distinct terms a second of processor time, the best of three runs."""
    times = []
    for _ in range(3):
        began = time.process_time()
        encoder.encode(terms)
        times.append(time.process_time() - began)
    return len(terms) / min(times)


if __name__ == "__main__":
    main()
