"""Typed questions over what a recogniser wrote down: the paragraph first by words alone, and with words spelt alike.

    python tests/benchmarks/spoken_spelling.py SPOKEN_SQUAD [--questions 1000] [--weights character.safetensors]
        [--work FOLDER]

SPOKEN_SQUAD holds ``spoken_test-v1.1*.json.gz`` at three word error rates. BM25 (k1 1.2, b 0.75) over stems of
paragraphs; "unknown" takes neighbours for words that stand nowhere, "rare" also for words in at most five paragraphs,
"every" for all, beside the word itself. "4-grams" and "six letters" add BM25 over the 4-grams or over the first six
letters of the words, each divided by its best; "as written" adds half of BM25 over the words unstemmed, "content" half
of that over the stems of words that carry meaning. "families" takes relatives by :mod:`octavo.indexes.families`, the
last column with neighbours for unknown words, as in the product. With FOLDER, "search" is the whole of it: each
paragraph a document of a knowledge base there, vectors and words at every scale. R@1 in percent; in a trial character
4-grams and phonetic keys gave +4.6, +4.1 and +4.5.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.expand import NEIGHBOURS, PROPOSALS, SpellingEncoder, judge
from octavo.indexes.families import WEIGHT, family_of
from octavo.indexes.intake_run import Ears, intake
from octavo.indexes.retrieve import find
from octavo.pipeline.encoders.character import CharacterEncoder
from octavo.pipeline.encoders.learned_character import WEIGHTS, LearnedCharacterEncoder
from octavo.pipeline.ingest import discover
from octavo.pipeline.stems import stem
from octavo.pipeline.terms import query_stems, terms

Floats = npt.NDArray[np.float64]
RARE = 5
"""Paragraphs that hold a word that may be a mishearing of a more frequent one, or be misheard elsewhere."""
EVERY = 1 << 30
BESIDE = 0.5
"""Weight of a neighbour beside the word itself, times its likeness."""


def stemmed(word: str) -> list[str]:
    return [stem(word, "en")]


def four_grams(word: str) -> list[str]:
    framed = f"^{word}$"
    return [framed[at : at + 4] for at in range(max(1, len(framed) - 3))]


def six_letters(word: str) -> list[str]:
    return [word[:6]]


def as_written(word: str) -> list[str]:
    return [word]


class Paragraphs:
    """BM25 over paragraphs, and the words in them with the first of their pieces."""

    def __init__(self, texts: Sequence[str], pieces: Callable[[str], list[str]] = stemmed) -> None:
        held: dict[str, list[tuple[int, int]]] = defaultdict(list)
        parts: dict[str, list[str]] = {}
        lengths = np.zeros(len(texts))
        for row, text in enumerate(texts):
            found = [term.text for term in terms(text)]
            parts.update((word, pieces(word)) for word in found if word not in parts)
            for one, count in Counter(piece for word in found for piece in parts[word]).items():
                held[one].append((row, count))
            lengths[row] = sum(len(parts[word]) for word in found)
        words = {word: one[0] for word, one in parts.items()}
        self.pieces = pieces
        self.columns = {one: np.array(rows).T for one, rows in held.items()}
        self.words = words
        self.count = len(texts)
        self.norm = 1.2 * (0.25 + 0.75 * lengths / lengths.mean())

    def often(self, one: str) -> int:
        return self.columns[one].shape[1] if one in self.columns else 0

    def score(self, stems: Sequence[tuple[str, float]], often: int = 0) -> Floats:
        """For a word and what stands for it; ``often`` in place of the likeliest stem's. *Shape:* (paragraphs,)"""
        frequencies = np.zeros(self.count)
        for one, weight in stems:
            rows, counts = self.columns[one]
            np.add.at(frequencies, rows, weight * counts)
        often = often or self.often(max(stems, key=lambda pair: pair[1])[0])
        idf = np.log(1 + (self.count - often + 0.5) / (often + 0.5))
        scores: Floats = idf * frequencies * 2.2 / (frequencies + self.norm)
        return scores


class Vocabulary:
    """Stands in for a snapshot where words of one family are looked for."""

    def __init__(self, held: Paragraphs) -> None:
        self.paragraphs, self.held, self.stems = held.count, held, list(held.columns)
        self.ids = {one: at for at, one in enumerate(self.stems)}
        self.beginning: dict[str, set[int]] = defaultdict(set)
        for word, one in held.words.items():
            for letters in range(1, len(word) + 1):
                self.beginning[word[:letters]].add(self.ids[one])
        self.known: dict[tuple[str, tuple[str, ...]], list[tuple[list[tuple[str, float]], int, float]]] = {}

    def stems_from(self, beginning: str, most: int) -> list[tuple[int, str]]:
        return [(one, self.stems[one]) for one in sorted(self.beginning.get(beginning, ()))[:most]]

    def document_frequency(self, ids: Sequence[int]) -> npt.NDArray[np.int64]:
        return np.array([self.held.often(self.stems[one]) for one in ids], np.int64)

    def of(self, word: str, own: Sequence[str]) -> list[tuple[list[tuple[str, float]], int, float]]:
        """Bands: stems, frequency, weight."""
        key = word, tuple(own)
        if key not in self.known:
            bands = family_of(word, [stem(word, "en")], [self.ids[one] for one in own], self)  # type: ignore[arg-type]
            self.known[key] = [
                ([(self.stems[one], 1.0) for one, _ in band.stems], band.frequency, WEIGHT * band.likeness)
                for band in bands
            ]
        return self.known[key]


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
    paragraphs: Paragraphs,
    questions: Sequence[tuple[str, int]],
    near: Neighbourhood | None = None,
    rare: int = 0,
    beside: Paragraphs | None = None,
    more: float = 0.0,
    families: Vocabulary | None = None,
) -> float:
    """R@1 in percent.

    Args:
        beside: Adds its scores, both divided by their best; with ``more``, so many times as they are.
    """
    right = 0
    for question, row in questions:
        scores = np.zeros(paragraphs.count)
        asked = query_stems(question, ["en"])
        for term in asked:
            own = [(one, 1.0) for one in term.stems if one in paragraphs.columns]
            stems = own
            if near is not None and not term.stop_word:
                if not own:
                    stems = near.of(term.text)
                elif max(paragraphs.often(one) for one, _ in own) <= rare:
                    held = {one for one, _ in own}
                    stems = own + [(one, BESIDE * likely) for one, likely in near.of(term.text) if one not in held]
            best = paragraphs.score(stems) if stems else np.zeros(paragraphs.count)
            if families is not None and not term.stop_word:
                for kin, often, weight in families.of(term.text, [one for one, _ in stems]):
                    best = np.maximum(best, weight * paragraphs.score(kin, often))
            scores += best
        if beside is not None:
            content = [term.text for term in asked if not term.stop_word]
            pieces = [one for word in content for one in beside.pieces(word) if beside.often(one)]
            further = np.sum([beside.score([(one, 1.0)]) for one in pieces], axis=0) + np.zeros(paragraphs.count)
            if more:
                scores += more * further
            else:
                scores = scores / max(scores.max(), 1e-9) + further / max(further.max(), 1e-9)
        right += int(scores.argmax()) == row
    return 100 * right / len(questions)


def searched(name: str, texts: Sequence[str], questions: Sequence[tuple[str, int]], work: Path) -> float:
    """R@1 in percent of all that a search does, each paragraph being a document."""
    folder = work / name / "paragraphs"
    if not folder.exists():
        folder.mkdir(parents=True)
        for row, text in enumerate(texts):
            (folder / f"{row}.txt").write_text(text, encoding="utf-8")
        for _ in intake(work / name / "kb", discover([str(folder)]), None, Ears(), None):
            pass
    right = 0
    with KnowledgeBase.open(work / name / "kb", read_only=True) as base, base.snapshot() as snapshot:
        encoders = base.encoders()
        for question, row in questions:
            found = find(question, snapshot, encoders, {})
            if len(found.universe):
                best = snapshot.content(int(found.universe.content[found.fused.total.argmax()]))
                # Two paragraphs of the same words are one document under both names.
                right += str(row) in {Path(uri).stem for uri in best.uris}
    return 100 * right / len(questions)


def main() -> None:
    import torch

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("spoken_squad", type=Path)
    parser.add_argument("--questions", type=int, help="only so many of each file, by chance (seed 1)")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--work", type=Path, help="folder for knowledge bases: measure the whole search too")
    options = parser.parse_args()
    torch.set_num_threads(1)
    names = [
        "words",
        "4-grams",
        "six letters",
        "as written",
        "content",
        "families",
        "hashed, unknown",
        "trained, unknown",
        "trained, rare",
        "trained, every",
        "families and trained, unknown",
        *(["search"] if options.work else []),
    ]
    print(f"| file | {' | '.join(names)} |\n|{'---|' * (len(names) + 1)}", flush=True)
    for path in sorted(options.spoken_squad.glob("spoken_test*.json.gz")):
        texts, questions = read(path)
        if options.questions:
            questions = random.Random(1).sample(questions, min(options.questions, len(questions)))
        paragraphs = Paragraphs(texts)
        hashed = Neighbourhood(paragraphs, CharacterEncoder())
        learned = Neighbourhood(paragraphs, LearnedCharacterEncoder(options.weights))
        shares = [share(paragraphs, questions)]
        shares += [
            share(paragraphs, questions, beside=Paragraphs(texts, pieces)) for pieces in (four_grams, six_letters)
        ]
        halves = (Paragraphs(texts, as_written), paragraphs)
        shares += [share(paragraphs, questions, beside=one, more=0.5) for one in halves]
        families = Vocabulary(paragraphs)
        shares.append(share(paragraphs, questions, families=families))
        ways = ((hashed, 0), (learned, 0), (learned, RARE), (learned, EVERY))
        shares += [share(paragraphs, questions, near, rare) for near, rare in ways]
        shares.append(share(paragraphs, questions, learned, families=families))
        if options.work:
            shares.append(searched(path.name.split(".json")[0], texts, questions, options.work))
        print(f"| {path.name} | {' | '.join(f'{one:.1f}' for one in shares)} |", flush=True)


if __name__ == "__main__":
    main()
