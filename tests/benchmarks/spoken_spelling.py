"""Typed questions over what a recogniser wrote down: the paragraph first by words alone, and with words spelt alike.

    python tests/benchmarks/spoken_spelling.py SPOKEN_SQUAD [--questions 1000] [--weights character.safetensors]

SPOKEN_SQUAD holds ``spoken_test-v1.1*.json.gz`` at three word error rates. BM25 (k1 1.2, b 0.75) over stems of
paragraphs; "unknown" takes neighbours for words that stand nowhere, "rare" also for words in at most five paragraphs,
"every" for all, beside the word itself. R@1 in percent; in a trial character 4-grams and phonetic keys gave +4.6, +4.1
and +4.5.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from octavo.indexes.expand import NEIGHBOURS, PROPOSALS, SpellingEncoder, judge
from octavo.pipeline.encoders.character import CharacterEncoder
from octavo.pipeline.encoders.learned_character import WEIGHTS, LearnedCharacterEncoder
from octavo.pipeline.stems import stem
from octavo.pipeline.terms import query_stems, terms

Floats = npt.NDArray[np.float64]
RARE = 5
"""Paragraphs that hold a word that may be a mishearing of a more frequent one, or be misheard elsewhere."""
EVERY = 1 << 30
BESIDE = 0.5
"""Weight of a neighbour beside the word itself, times its likeness."""


class Paragraphs:
    """BM25 over paragraphs, and the words in them."""

    def __init__(self, texts: Sequence[str]) -> None:
        held: dict[str, list[tuple[int, int]]] = defaultdict(list)
        words: dict[str, str] = {}
        lengths = np.zeros(len(texts))
        for row, text in enumerate(texts):
            found = [term.text for term in terms(text)]
            words.update((word, stem(word, "en")) for word in found)
            for one, count in Counter(words[word] for word in found).items():
                held[one].append((row, count))
            lengths[row] = len(found)
        self.columns = {one: np.array(rows).T for one, rows in held.items()}
        self.words = words
        self.count = len(texts)
        self.norm = 1.2 * (0.25 + 0.75 * lengths / lengths.mean())

    def often(self, one: str) -> int:
        return self.columns[one].shape[1] if one in self.columns else 0

    def best(self, asked: Sequence[Sequence[tuple[str, float]]]) -> int:
        """The first paragraph for words, each with the stems that stand for it."""
        scores = np.zeros(self.count)
        for stems in asked:
            frequencies = np.zeros(self.count)
            for one, weight in stems:
                rows, counts = self.columns[one]
                np.add.at(frequencies, rows, weight * counts)
            often = self.often(max(stems, key=lambda pair: pair[1])[0])
            idf = np.log(1 + (self.count - often + 0.5) / (often + 0.5))
            scores += idf * frequencies * 2.2 / (frequencies + self.norm)
        return int(scores.argmax())


class Neighbourhood:
    """Words of the paragraphs that are spelt like a word."""

    def __init__(self, paragraphs: Paragraphs, encoder: SpellingEncoder) -> None:
        self.words, self.encoder, self.stems = list(paragraphs.words), encoder, paragraphs.words
        self.vectors = encoder.encode(self.words)
        self.known: dict[str, list[tuple[str, float]]] = {}

    def of(self, word: str) -> list[tuple[str, float]]:
        """Stems with their likeness, nearest first."""
        if word not in self.known:
            cosines = self.vectors @ self.encoder.encode([word])[0]
            near = [at for at in np.argsort(-cosines)[:PROPOSALS].tolist() if self.words[at] != word]
            judged = judge(word, [self.words[at] for at in near], cosines[near], self.encoder.likeness)
            best: dict[str, float] = {}
            for at, likely in zip(near, judged, strict=True):
                if likely > 0:
                    best[self.stems[self.words[at]]] = max(best.get(self.stems[self.words[at]], 0.0), likely)
            self.known[word] = sorted(best.items(), key=lambda pair: -pair[1])[:NEIGHBOURS]
        return self.known[word]


def read(path: Path) -> tuple[list[str], list[tuple[str, int]]]:
    """Paragraphs, and questions with the number of theirs."""
    texts: list[str] = []
    questions = []
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for article in json.load(file)["data"]:
            for paragraph in article["paragraphs"]:
                questions += [(one["question"], len(texts)) for one in paragraph["qas"]]
                texts.append(paragraph["context"])
    return texts, questions


def share(
    paragraphs: Paragraphs, questions: Sequence[tuple[str, int]], near: Neighbourhood | None, rare: int = 0
) -> float:
    """R@1 in percent."""
    right = 0
    for question, row in questions:
        asked = []
        for term in query_stems(question, ["en"]):
            own = [(one, 1.0) for one in term.stems if one in paragraphs.columns]
            stems = own
            if near is not None and not term.stop_word:
                if not own:
                    stems = near.of(term.text)
                elif max(paragraphs.often(one) for one, _ in own) <= rare:
                    held = {one for one, _ in own}
                    stems = own + [(one, BESIDE * likely) for one, likely in near.of(term.text) if one not in held]
            if stems:
                asked.append(stems)
        right += paragraphs.best(asked) == row
    return 100 * right / len(questions)


def main() -> None:
    import torch

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("spoken_squad", type=Path)
    parser.add_argument("--questions", type=int, help="only so many of each file, by chance (seed 1)")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("| file | words | hashed, unknown | hashed, every | trained, unknown | trained, rare | trained, every |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for path in sorted(options.spoken_squad.glob("spoken_test*.json.gz")):
        texts, questions = read(path)
        if options.questions:
            questions = random.Random(1).sample(questions, min(options.questions, len(questions)))
        paragraphs = Paragraphs(texts)
        hashed = Neighbourhood(paragraphs, CharacterEncoder())
        learned = Neighbourhood(paragraphs, LearnedCharacterEncoder(options.weights))
        ways = ((None, 0), (hashed, 0), (hashed, EVERY), (learned, 0), (learned, RARE), (learned, EVERY))
        shares = [share(paragraphs, questions, near, rare) for near, rare in ways]
        print(f"| {path.name} | {' | '.join(f'{one:.1f}' for one in shares)} |", flush=True)


if __name__ == "__main__":
    main()
