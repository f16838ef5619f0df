"""Pairs for the character encoder: a term, what became of it, and a term that looks like it and is another.

Drawn anew for every batch from the words of books and of a pronouncing dictionary, with the noise of
:mod:`.spelling_noise` and :mod:`.respelling`, and from what people really typed for the same recording (CrowdSpeech:
Pavlichenko, Stelmakh and Ustalov, 2021, where it is given).
"""

from __future__ import annotations

import csv
import gzip
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Final

import numpy as np

from ..embed import Vectors
from ..errors import ModelError
from ..stems import stem
from .books import book_paths, book_text
from .lexicon import Lexicon, part_of, read_lexicon
from .respelling import Respelling
from .spelling_noise import (
    accented,
    code,
    code_misread,
    key_slip,
    letter_slip,
    misread,
    other_code,
    recased,
    respaced,
)

SHARES: Final[Mapping[str, float]] = {
    "respelt": 0.34,
    "typed": 0.16,
    "slip": 0.16,
    "letters": 0.08,
    "misread": 0.06,
    "spaces": 0.05,
    "marks": 0.03,
    "inflected": 0.03,
    "sounds alike": 0.03,
    "code": 0.06,
}
"""What the pairs of a batch are made by, and how many of each."""

_WORD: Final = re.compile(r"[a-z]+(?:'[a-z]+)*")
_LEAST_LIKE: Final = 0.45
"""Least likeness, as one less the edit distance over the longer length, of two words typed for one sound."""

_LEAST_LIKE_WINDOWS: Final = 0.6
"""The same where one of them is two words: there more is misheard than misspelt."""

_MINED_AMONG: Final = 12_000
_MINED: Final = 4


@dataclass(frozen=True, slots=True)
class Pair:
    """A term, what became of it, another term that looks like it, and what it was made by."""

    term: str
    written: str
    other: str
    kind: str


@dataclass(frozen=True, slots=True, eq=False)
class SpellingMaterial:
    """What pairs are made from; words of the parts watched and held out are in no list but ``kept``.

    Attributes:
        words: With how often they are drawn.
        windows: Two neighbouring words of a book.
        typed: Words and what people typed who heard them, no word of the lexicon.
        inflected: Words of one stem.
        homophones: Words of the same phones, and words that people typed for each other by ear.
        others: Words that look like a word and are not it; :meth:`mine` puts the encoder's own confusions in.
        lookalikes: Words with one letter less in common.
        kept: By part, words and misspellings that people really made.
        vocabulary: All words, those kept too.
    """

    words: tuple[list[str], list[float]]
    windows: list[str]
    typed: list[tuple[str, str]]
    inflected: list[list[str]]
    homophones: list[tuple[str, str]]
    others: dict[str, list[str]]
    lookalikes: Mapping[str, list[str]]
    kept: Mapping[str, list[tuple[str, str]]]
    vocabulary: list[str]
    respelling: Respelling
    shares: Mapping[str, float] = field(default_factory=lambda: SHARES)

    def draw(self, count: int, chance: Random) -> list[Pair]:
        """So many pairs, of kinds by their shares."""
        kinds = chance.choices([*self.shares], [*self.shares.values()], k=count)
        return [self.pair(kind, chance) for kind in kinds]

    def pair(self, kind: str, chance: Random) -> Pair:
        """One pair of a kind."""
        if kind == "code":
            term = code(chance)
            return Pair(term, code_misread(term, chance), other_code(term, chance), kind)
        if kind == "typed" and self.typed:
            term, written = chance.choice(self.typed)
            return Pair(term, written, self.other(term, chance), kind)
        if kind == "sounds alike" and self.homophones:
            term, written = chance.choice(self.homophones)
            return Pair(term, written, self.other(term, chance, written), kind)
        if kind == "inflected" and self.inflected:
            term, written = chance.sample(chance.choice(self.inflected), 2)
            return Pair(term, written, self.other(term, chance, written), kind)
        windows = self.windows and chance.random() < (0.6 if kind == "spaces" else 0.06)
        term = chance.choice(self.windows) if windows else self.word(chance)
        return Pair(term, self.noisy(term, kind, chance), self.other(term, chance), kind)

    def noisy(self, term: str, kind: str, chance: Random) -> str:
        """What becomes of a term; one in seven meets with a slip on top."""
        if kind == "respelt":
            parts = term.split(" ")
            at = chance.randrange(len(parts))
            parts[at] = self.respelling(parts[at], chance, share=chance.choice((0.1, 0.2, 0.3, 0.45)))
            written = " ".join(parts)
        elif kind == "letters":
            written = letter_slip(term, chance)
        elif kind == "misread":
            written = misread(term, chance)
        elif kind == "spaces":
            written = respaced(term, chance)
        elif kind == "marks":
            written = accented(term, chance)
        else:
            written = key_slip(term, chance)
        if written == term or chance.random() < 0.14:
            written = chance.choice((key_slip, letter_slip))(written, chance)
        return recased(written, chance) if chance.random() < 0.04 else written

    def poorly_spelt(self, chance: Random) -> tuple[str, str]:
        """A word, and what somebody wrote for it who is no good at spelling: often several errors at once."""
        if self.typed and chance.random() < 0.4:
            return chance.choice(self.typed)
        return (word := self.word(chance)), self.poorly(word, chance)

    def poorly(self, word: str, chance: Random) -> str:
        """What a poor speller, who may not say r as in America, makes of a word by ear, and slips on top."""
        written, kind = word, chance.random()
        if kind < 0.75:
            written = self.respelling(
                word,
                chance,
                share=chance.choice((0.1, 0.2, 0.3, 0.45)),
                lost=chance.choice((0.0, 0.02, 0.06)),
                silent_r=chance.random() < 0.35,
                weak=3.0,
            )
        slips = 1 if kind >= 0.75 else chance.choice((0, 0, 1))
        for _ in range(slips + (chance.random() < 0.2) + (written == word)):
            written = chance.choice((key_slip, letter_slip))(written, chance)
        return written

    def mine(self, encoder: Callable[[Sequence[str]], Vectors], chance: Random) -> None:
        """Takes as lookalikes of each word those that ``encoder`` puts nearest, of a sample; not those of its stem."""
        words = self.words[0]
        vectors = encoder(words)
        among = np.array(chance.sample(range(len(words)), min(_MINED_AMONG, len(words))))
        candidates = np.ascontiguousarray(vectors[among].T)
        for first in range(0, len(words), 1_024):
            cosines = vectors[first : first + 1_024] @ candidates
            count = min(2 * _MINED, len(among))
            nearest = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
            for row, found in enumerate(among[nearest].tolist(), first):
                own = stem(words[row], "en")
                kept = [words[at] for at in found if at != row and stem(words[at], "en") != own][:_MINED]
                self.others[words[row]] = [*self.lookalikes.get(words[row], ())[:2], *kept]

    def unmine(self) -> None:
        """Takes back what :meth:`mine` put in."""
        self.others.clear()
        self.others.update(self.lookalikes)

    def word(self, chance: Random) -> str:
        """A word of a book or of the lexicon."""
        return chance.choices(self.words[0], cum_weights=self.words[1])[0]

    def other(self, term: str, chance: Random, *same: str) -> str:
        """A word that looks like ``term`` and is neither it nor one of ``same``."""
        near = [one for one in self.others.get(term, ()) if one not in same]
        return chance.choice(near) if near else self.word(chance)


def read_material(
    books: Sequence[Path], lexicon: Path, typed: Sequence[Path] = (), *, seed: int = 1, most: int = 40_000
) -> SpellingMaterial:
    """Everything that pairs are made from.

    Args:
        books: Folders of texts, ``*.txt`` or ``*.txt.gz``.
        lexicon: CMUdict, as text or zip.
        typed: Folders that hold ``*-crowd.tsv.gz`` with ``*-gt.txt.gz``, in the form of CrowdSpeech.
        most: Words of the lexicon that stand in no book, by chance.

    Raises:
        ModelError: There are too few words, or a file is not what it should be.
    """
    pronounced = read_lexicon(lexicon)
    counts, windows = _read_books(books)
    chance = Random(seed)
    rest = sorted(word for word in pronounced if word not in counts and len(word) > 2)
    chosen = dict.fromkeys([word for word in counts if len(word) > 1])
    chosen |= dict.fromkeys(chance.sample(rest, min(most, len(rest))))
    heard = [pair for folder in typed for pair in _read_typed(folder)]
    known, unknown = _sorted_out(heard, pronounced)
    vocabulary = sorted(chosen)
    kept: dict[str, list[tuple[str, str]]] = {"watched": [], "held out": []}
    learnt_typed: list[tuple[str, str]] = []
    for word, written in unknown:
        part = part_of(word)
        (learnt_typed if part == "learnt" else kept[part]).append((word, written))
    words = [word for word in vocabulary if part_of(word) == "learnt"]
    if len(words) < 100:
        raise ModelError(f"{[*map(str, books)]} and {lexicon} hold {len(words)} words to learn from: give more text")
    weights: list[float] = []
    for word in words:  # a word of the books counts by how often it is used, damped; others as one seen once
        weights.append((weights[-1] if weights else 0.0) + (1.5 * counts[word] ** 0.25 if word in counts else 0.5))
    learnt = set(words)
    homophones = [pair for pair in (*_same_phones(pronounced, learnt), *known) if learnt.issuperset(pair)]
    lookalikes = _lookalikes(words, seed)
    return SpellingMaterial(
        words=(words, weights),
        windows=[pair for pair in windows if learnt.issuperset(pair.split(" "))],
        typed=learnt_typed,
        inflected=_one_stem(words),
        homophones=homophones,
        others=dict(lookalikes),
        lookalikes=lookalikes,
        kept=kept,
        vocabulary=vocabulary,
        respelling=Respelling(pronounced, seed=seed),
    )


def _read_books(folders: Iterable[Path]) -> tuple[Counter[str], list[str]]:
    """Words with their number, and pairs of neighbours, each once."""
    counts: Counter[str] = Counter()
    windows: dict[str, None] = {}
    for path in book_paths(folders):
        found = _WORD.findall(book_text(path).lower())
        counts.update(found)
        pairs = pairwise(found)
        windows |= dict.fromkeys(f"{a} {b}" for a, b in pairs if min(len(a), len(b)) > 2 and len(a) + len(b) < 20)
    return counts, [*windows]


def _read_typed(folder: Path) -> Iterator[tuple[str, str]]:
    """Words of the truth and what stands in their place in what people typed."""
    from rapidfuzz.distance import Levenshtein

    for path in sorted(folder.glob("*-crowd.tsv.gz")):
        truth: dict[str, list[str]] = {}
        with gzip.open(path.with_name(path.name.replace("-crowd.tsv", "-gt.txt")), "rt", encoding="utf-8") as lines:
            for line in lines:
                recording, _, text = line.partition("\t")
                truth[recording] = _WORD.findall(text.lower())
        with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
            for row in csv.reader(lines, delimiter="\t"):
                if len(row) < 2 or row[0] not in truth:
                    continue
                said, typed = truth[row[0]], _WORD.findall(row[1].lower())
                for step in Levenshtein.opcodes(said, typed):
                    left, right = said[step.src_start : step.src_end], typed[step.dest_start : step.dest_end]
                    if step.tag == "replace" and len(left) <= 2 and len(right) <= 2:
                        yield " ".join(left), " ".join(right)


def _sorted_out(
    heard: Sequence[tuple[str, str]], pronounced: Lexicon
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Pairs that look or sound alike: those of two known words, and those of a word and a misspelling."""
    from rapidfuzz.distance import OSA, Levenshtein

    known: dict[tuple[str, str], None] = {}
    unknown: dict[tuple[str, str], None] = {}
    for said, typed in dict.fromkeys(heard):
        least = _LEAST_LIKE_WINDOWS if " " in said + typed else _LEAST_LIKE
        if min(len(said), len(typed)) < 3 or OSA.normalized_similarity(said, typed) < least:
            continue
        if said in pronounced and typed in pronounced:
            phones = [Levenshtein.normalized_similarity(a, b) for a in pronounced[said] for b in pronounced[typed]]
            if max(phones) >= 0.7 and stem(said, "en") != stem(typed, "en"):
                known[said, typed] = None
        else:
            unknown[said, typed] = None
    return [*known], [*unknown]


def _same_phones(pronounced: Lexicon, words: set[str]) -> list[tuple[str, str]]:
    sounds: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for word in sorted(words & pronounced.keys()):
        for phones in pronounced[word]:
            sounds[phones].append(word)
    return [(a, b) for group in sounds.values() for a in group for b in group if a != b and len(a) > 2 and len(b) > 2]


def _one_stem(words: Sequence[str]) -> list[list[str]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for word in words:
        groups[stem(word, "en")].append(word)
    return [group for group in groups.values() if len(group) > 1]


def _lookalikes(words: Sequence[str], seed: int, most: int = 6) -> dict[str, list[str]]:
    """For each word some that share most of its letters: those with one letter less in common form a bucket.

    Deleting letters finds all words within one edit, and many within two, without comparing all pairs (SymSpell:
    Garbe, 2012).
    """
    buckets: dict[str, list[str]] = defaultdict(list)
    for word in words:
        if 3 < len(word) < 16:
            # in the order of the letters: that of a set is another in every process, and chance would fall otherwise
            for form in dict.fromkeys((word, *(word[:at] + word[at + 1 :] for at in range(len(word))))):
                buckets[form].append(word)
    chance = Random(seed)
    near: dict[str, set[str]] = defaultdict(set)
    for bucket in buckets.values():
        if len(bucket) > 1:
            for word in bucket:
                near[word].update(chance.sample(bucket, min(len(bucket), 3)))
    return {
        word: chance.sample(found, min(len(found), most)) for word in words if (found := sorted(near[word] - {word}))
    }
