"""How people write words they know by ear: every sound may be written as other words write it.

From a pronouncing dictionary it is learnt which letters stand for which phones (the many-to-many alignment of
Jiampojamarn, Kondrak and Sherif, Applying many-to-many alignments and hidden Markov models to letter-to-phoneme
conversion, 2007, with the best alignment in place of the sum over all). A respelling keeps a word's phones, or takes
ones that sound nearly alike, and writes some of them with other letters: "seperate", "fisiks", "reciept".
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random
from typing import Final

from ..phones import PHONES
from .lexicon import Lexicon

Unit = tuple[str, tuple[int, ...]]
"""Letters and the phones they stand for; silent letters have none."""

_SIZES: Final = ((1, 1), (2, 1), (1, 0), (3, 1), (1, 2), (2, 0), (4, 1), (2, 2))
"""Letters and phones of a unit."""

_FIRST, _INSIDE, _LAST = 0, 1, 2

_ALIKE: Final = (
    "AH IH EH UH AE", "AA AO AH", "IY IH EY", "UW UH OW", "AW OW", "ER AH AO", "P B", "T D", "K G", "F V TH",
    "TH DH T D", "S Z", "SH ZH CH", "CH JH", "M N", "N NG", "L R W", "W V",
)  # fmt: skip
"""Phones that are taken for each other, by manner and place of articulation."""

NEAR_PHONES: Final[Mapping[int, tuple[int, ...]]] = {
    number: tuple(
        PHONES.index(other) + 1
        for group in map(str.split, _ALIKE)
        if phone in group
        for other in group
        if other != phone
    )
    for number, phone in enumerate(PHONES, 1)
}
"""Phones that are taken for a phone, by their ids; more often those that are so in two ways."""

_R, _ER, _AH = ((PHONES.index(phone) + 1,) for phone in ("R", "ER", "AH"))
_BROAD: Final = frozenset((PHONES.index(phone) + 1,) for phone in ("AA", "AO"))
_WEAK: Final = frozenset(PHONES.index(phone) + 1 for phone in ("AH", "IH", "EH", "ER"))
_VOWELS: Final = frozenset(number for number, phone in enumerate(PHONES, 1) if phone[0] in "AEIOU")


class Respelling:
    """Which letters write which phones, and words written anew by it.

    Args:
        lexicon: Words and their pronunciations.
        seed: Chooses the words that it is learnt from.
        sample: So many words.
        rounds: Times that the words are aligned and counted.
    """

    def __init__(self, lexicon: Lexicon, *, seed: int = 1, sample: int = 6_000, rounds: int = 3) -> None:
        self._lexicon = lexicon
        words = sorted(word for word in lexicon if 2 < len(word) < 13)
        chosen = Random(seed).sample(words, min(sample, len(words)))
        pairs = [(word, lexicon[word][0]) for word in chosen]
        self._costs: dict[Unit, float] = _first_costs(pairs)
        self._aligned: dict[str, tuple[Unit, ...]] = {}
        found: list[tuple[Unit, ...]] = []
        for _ in range(rounds):
            found = [units for word, phones in pairs if (units := self._align(word, phones))]
            counts = Counter(unit for units in found for unit in units)
            total = sum(counts.values())
            # Long units explain words by heart; a price for each letter and phone beyond the first keeps them short.
            self._costs = {
                unit: -math.log(count / total) + 1.5 * (len(unit[0]) + len(unit[1]) - 2 if unit[1] else 1)
                for unit, count in counts.items()
                if count > 1
            }
        self._written = _writings(found)

    def units(self, word: str) -> tuple[Unit, ...]:
        """A word of the lexicon, its letters divided among its phones; empty where that cannot be done."""
        if word not in self._aligned:
            self._aligned[word] = self._align(word, self._lexicon[word][0]) if word in self._lexicon else ()
        return self._aligned[word]

    def __call__(
        self,
        word: str,
        chance: Random,
        share: float = 0.3,
        near: float = 0.12,
        lost: float = 0.03,
        *,
        silent_r: bool = False,
        weak: float = 1.0,
    ) -> str:
        """A word as somebody might write it who has only heard it.

        Args:
            share: Of the phones that are written anew, at least one.
            near: Of those, how many are taken for another phone.
            lost: Of all, how many are not heard at all.
            silent_r: Whether r is heard only before a vowel, as in England.
            weak: Times as often are vowels of weak syllables taken for others.
        """
        units = self.units(word)
        if not units:
            return word
        anew = {at for at in range(len(units)) if chance.random() < share} or {chance.randrange(len(units))}
        written = []
        for at, (letters, phones) in enumerate(units):
            if at and chance.random() < lost:
                continue
            if silent_r and phones == _R and not _begins_with_vowel(units[at + 1 :]):
                anew.add(at)
                phones = ()
            if at not in anew:
                written.append(letters)
                continue
            if len(phones) == 1:
                often = near * (weak if phones[0] in _WEAK and len(units) > 3 else 1)
                if chance.random() < often and NEAR_PHONES[phones[0]]:
                    phones = (chance.choice(NEAR_PHONES[phones[0]]),)
                if silent_r and phones == _ER and chance.random() < 0.5:
                    phones = _AH
            place = _FIRST if at == 0 else _LAST if at == len(units) - 1 else _INSIDE
            options = self._written.get((phones, place)) or self._written.get((phones, _INSIDE))
            if not phones:  # silent letters are forgotten
                written.append("" if chance.random() < 0.8 else letters)
            elif options:
                written.append(chance.choices(*options)[0])
                if silent_r and phones in _BROAD and chance.random() < 0.25:  # "farther" for father
                    written.append("r")
            else:
                written.append(letters)
        return "".join(written) or word

    def _align(self, word: str, phones: Sequence[int]) -> tuple[Unit, ...]:
        """The cheapest division of letters among phones; empty if there is none."""
        letters, heard = len(word), len(phones)
        phones = tuple(phones)
        best: list[list[float]] = [[math.inf] * (heard + 1) for _ in range(letters + 1)]
        back: list[list[tuple[int, int]]] = [[(0, 0)] * (heard + 1) for _ in range(letters + 1)]
        best[0][0] = 0.0
        costs = self._costs
        for i in range(letters):
            for j in range(heard + 1):
                here = best[i][j]
                if here == math.inf:
                    continue
                for a, b in _SIZES:
                    if i + a > letters or j + b > heard:
                        continue
                    cost = here + costs.get((word[i : i + a], phones[j : j + b]), 20.0 * (a + b))
                    if cost < best[i + a][j + b]:
                        best[i + a][j + b], back[i + a][j + b] = cost, (a, b)
        if best[letters][heard] >= 60:  # several units that nobody has seen
            return ()
        units: list[Unit] = []
        i, j = letters, heard
        while i or j:
            a, b = back[i][j]
            units.append((word[i - a : i], phones[j - b : j]))
            i, j = i - a, j - b
        return tuple(reversed(units))


def _begins_with_vowel(units: Sequence[Unit]) -> bool:
    """Whether the next phone is a vowel."""
    return next((phones[0] in _VOWELS for _, phones in units if phones), False)


def _first_costs(pairs: Sequence[tuple[str, Sequence[int]]]) -> dict[Unit, float]:
    """Where to begin: letters and phones that stand at about the same place of the same words."""
    together: Counter[Unit] = Counter()
    single: Counter[str] = Counter()
    heard: Counter[int] = Counter()
    for word, phones in pairs:
        for i, letter in enumerate(word):
            single[letter] += 1
            for j, phone in enumerate(phones):
                if abs((i + 0.5) / len(word) - (j + 0.5) / len(phones)) < 0.15:
                    together[letter, (phone,)] += 1
        heard.update(phones)
    costs: dict[Unit, float] = {}
    for (letter, phones), count in together.items():
        # Dice's coefficient: how often they come together, of how often either comes.
        cost = -math.log(2 * count / (single[letter] + heard[phones[0]]))
        costs[letter, phones] = cost
    for letter in single:
        costs[letter, ()] = 4.0
    for word, phones in pairs:
        for i in range(len(word) - 1):
            for phone in dict.fromkeys(phones):
                inner = [costs.get((one, (phone,)), 9.0) for one in word[i : i + 2]]
                costs.setdefault((word[i : i + 2], (phone,)), min(inner) + 2.0)
        for letter in word:
            for j in range(len(phones) - 1):
                two = tuple(phones[j : j + 2])
                costs.setdefault((letter, two), sum(costs.get((letter, (one,)), 9.0) for one in two) + 2.0)
    return costs


def _writings(
    found: Sequence[Sequence[Unit]],
) -> dict[tuple[tuple[int, ...], int], tuple[list[str], list[float]]]:
    """For phones at the beginning, inside or at the end of words: how they are written, and how often."""
    counts: dict[tuple[tuple[int, ...], int], Counter[str]] = {}
    for units in found:
        for at, (letters, phones) in enumerate(units):
            place = _FIRST if at == 0 else _LAST if at == len(units) - 1 else _INSIDE
            counts.setdefault((phones, place), Counter())[letters] += 1
    # Damped, as people who are unsure take rare letters more often than writers who know.
    return {
        key: ([*seen], [count**0.7 for count in seen.values()])
        for key, one in counts.items()
        if (seen := {letters: count for letters, count in one.items() if count > 1})
    }
