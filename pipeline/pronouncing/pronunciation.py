"""Text -> phones: any written word, number, code, abbreviation and name, as several variants with probabilities.

The text is first put into the words that are said (:mod:`.spoken_form`), then each word into phones: by a respelling
that the user gave, by the names of letters, and else by a small trained network
(:mod:`octavo.pipeline.encoders.grapheme_to_phoneme`). English; Latin letters lose their accents, and words of other
scripts are passed over unless espeak-ng is asked too.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..errors import QueryError
from ..phones import PHONES, phone_ids
from .spoken_form import plain_text, spoken_tokens
from .spoken_lexis import SOUNDS

SPOKEN_FORM_VERSION: Final = "1"
"""Part of the fingerprint; changes whenever the same text would be put into other words."""

_ESPEAK_SHARE: Final = 0.3
"""Of a word's probability, where espeak-ng has a say: a rule of thumb."""

_LETTER_SOUNDS = (
    "EY/B IY/S IY/D IY/IY/EH F/JH IY/EY CH/AY/JH EY/K EY/EH L/EH M/EH N/OW/P IY/K Y UW/AA R/EH S/T IY/Y UW/V IY/"
    "D AH B AH L Y UW/EH K S/W AY/Z IY"
)
_LETTER_NAMES: Final = {
    letter: phone_ids(sounds)
    for letter, sounds in zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", _LETTER_SOUNDS.split("/"), strict=True)
}
_KNOWN: Final = {word: tuple(map(phone_ids, sounds)) for word, sounds in SOUNDS.items()}
"""Number words and the like: pronounced without a guess."""

_HISSING: Final = frozenset(phone_ids("S Z SH ZH CH JH"))
_VOICELESS: Final = frozenset(phone_ids("P T K F TH"))


@dataclass(frozen=True, slots=True)
class Pronunciation:
    """One way a text may sound.

    Attributes:
        phones: Ids of :mod:`octavo.pipeline.phones`, at least one.
        log_probability: Natural logarithm of this variant's probability given the text, at most 0; the variants of a
            text need not sum to one, as only the best are kept. 0 for respellings, which are given and not guessed.
        origin: ``network``, ``espeak`` or ``respelling``: the least certain of what went into it. Letters and
            whatever else needs no guess count as ``respelling``.
    """

    phones: tuple[int, ...]
    log_probability: float
    origin: str

    def __post_init__(self) -> None:
        if not self.phones or min(self.phones) < 1 or max(self.phones) > len(PHONES):
            raise ValueError(f"a pronunciation is one or more of the phones 1 to {len(PHONES)}, not {self.phones}")
        if not self.log_probability <= 0:
            raise ValueError(f"a log probability is at most 0, not {self.log_probability}")
        if self.origin not in _CERTAINTY:
            raise ValueError(f"the origin of a pronunciation is one of {', '.join(_CERTAINTY)}, not {self.origin!r}")


_CERTAINTY: Final = ("network", "espeak", "respelling")
_Candidates = dict[tuple[int, ...], tuple[float, str]]
"""Phones -> log probability and origin."""


class Pronouncer:
    """Pronounces texts; holds the network and the respellings.

    Args:
        respellings: Names and how they are said, see :func:`read_respellings`.
        espeak: Ask espeak-ng as well. Never by itself: what is installed must not change what is found.

    Raises:
        ModelError: The weights are missing, or espeak-ng was asked for and is not there.
        QueryError: A respelling cannot be pronounced.
    """

    def __init__(self, *, respellings: Mapping[str, str] | None = None, espeak: bool = False) -> None:
        from ..encoders.grapheme_to_phoneme import load_network
        from . import espeak_phones

        loaded = load_network()
        self._network = loaded.network
        self._espeak = espeak
        version = espeak_phones.espeak_version() if self._espeak else ""
        self._respelt: dict[str, tuple[tuple[tuple[int, ...], float], ...]] = {}
        given = {" ".join(plain_text(name).casefold().split()): said for name, said in (respellings or {}).items()}
        for name, said in given.items():
            self._respelt[name] = self._respelling(name, said)
        names = "|".join(sorted(map(re.escape, self._respelt), key=len, reverse=True))
        self._names = re.compile(rf"(?<!\w)(?:{names})(?!\w)", re.IGNORECASE) if names else None
        parts = (loaded.digest, SPOKEN_FORM_VERSION, version, json.dumps(given, sort_keys=True))
        self.fingerprint = hashlib.blake2b("\0".join(parts).encode(), digest_size=8).hexdigest()

    def variants(self, text: str, n: int = 4) -> tuple[Pronunciation, ...]:
        """The ``n`` likeliest pronunciations of ``text``, best first, no two alike; none if nothing in it can be said.

        Raises:
            QueryError: ``n`` is not positive.
        """
        return self.variants_of([text], n)[0]

    def variants_of(self, texts: Sequence[str], n: int = 4) -> list[tuple[Pronunciation, ...]]:
        """:meth:`variants` of each text; their words pass through the network together.

        Raises:
            QueryError: ``n`` is not positive.
        """
        if n < 1:
            raise QueryError(f"{n} pronunciations were asked for: ask for at least one")
        # A text is a row of tokens, a token either given phones or readings in words.
        rows = [self._tokens(text) for text in texts]
        known = self._pronounce(_guessed(rows), max(n, 4))
        return [self._best(row, known, n) for row in rows]

    def _tokens(self, text: str) -> list[_Token]:
        plain = " ".join(plain_text(text).split())
        if self._names is None:
            return self._read(plain)
        tokens: list[_Token] = []
        after = 0
        for match in self._names.finditer(plain):
            tokens += self._read(plain[after : match.start()])
            tokens.append(_Given(self._respelt[match[0].casefold()]))
            after = match.end()
        return tokens + self._read(plain[after:])

    def _read(self, plain: str) -> list[_Token]:
        tokens = spoken_tokens(plain, foreign=self._espeak)
        return [[(reading.words, reading.log_probability) for reading in readings] for readings in tokens]

    def _pronounce(self, words: Sequence[str], n: int) -> dict[str, _Candidates]:
        """The network's and espeak's answers for single words."""
        from ..encoders.grapheme_to_phoneme import best_phones, phone_posteriors

        latin = [word for word in words if word.isascii()]
        answers: dict[str, _Candidates] = {word: {} for word in words}
        for word, posterior in zip(latin, phone_posteriors(self._network, latin), strict=True):
            best = best_phones(posterior, n)
            answers[word] = {phones: (score, "network") for phones, score in best if phones}
        if not self._espeak:
            return answers
        from .espeak_phones import espeak_pronunciations

        for word, phones in zip(words, espeak_pronunciations(words), strict=True):
            if not phones:
                continue
            if not answers[word]:
                answers[word] = {phones: (0.0, "espeak")}
                continue
            mixed = {said: (score + math.log(1 - _ESPEAK_SHARE), who) for said, (score, who) in answers[word].items()}
            own, who = mixed.get(phones, (-math.inf, "espeak"))
            mixed[phones] = (min(0.0, _add_logs(own, math.log(_ESPEAK_SHARE))), who)
            answers[word] = mixed
        return answers

    def _best(self, row: Sequence[_Token], known: Mapping[str, _Candidates], n: int) -> tuple[Pronunciation, ...]:
        kept = max(4 * n, 16)
        so_far: _Candidates = {(): (0.0, "respelling")}
        for token in row:
            if isinstance(token, _Given):
                ways: _Candidates = {phones: (score, "respelling") for phones, score in token.phones}
            else:
                ways = {}
                for said, share in token:
                    one: _Candidates = {(): (share, "respelling")}
                    for word in said:
                        one = _joined(one, _sounds(word, known), kept)
                    for phones, (score, origin) in one.items():
                        _put(ways, phones, score, origin)
            so_far = _joined(so_far, ways, kept) if ways else so_far
        # Rounded, because the last digits of the network's sums depend on what else was in the batch.
        ranked = sorted((-round(score, 4), phones, origin) for phones, (score, origin) in so_far.items() if phones)
        return tuple(Pronunciation(phones, min(0.0, -score), origin) for score, phones, origin in ranked[:n])

    def _respelling(self, name: str, said: str) -> tuple[tuple[tuple[int, ...], float], ...]:
        """Phones of each alternative in ``said``, parted by ``|``, with log probabilities.

        Phones that are given are certain. For English letters the network is asked, and its best answer is taken as
        certain, the others by how much less likely they are.
        """
        if not name:
            raise QueryError(f"a respelling {said!r} stands for no name: write the name before it")
        found: dict[tuple[int, ...], float] = {}
        for alternative in said.split("|"):
            symbols = alternative.split()
            if symbols and all(symbol.rstrip("012") in PHONES for symbol in symbols):
                found[phone_ids(symbols)] = 0.0
                continue
            row = self._read(plain_text(alternative).lower())
            best = self._best(row, self._pronounce(_guessed([row]), 4), 4)
            if not best:
                raise QueryError(
                    f"the respelling {said!r} of {name!r} cannot be pronounced: write phones such as SH IH V AO N, "
                    "or the sound in English letters such as shivawn"
                )
            for way in best:
                score = way.log_probability - best[0].log_probability
                found[way.phones] = max(found.get(way.phones, -math.inf), score)
        return tuple(found.items())


@dataclass(frozen=True, slots=True)
class _Given:
    """A token whose phones the user gave, as alternatives with log probabilities."""

    phones: tuple[tuple[tuple[int, ...], float], ...]


_Token = _Given | list[tuple[tuple[str, ...], float]]


def _guessed(rows: Iterable[Sequence[_Token]]) -> list[str]:
    """Distinct words that the network or espeak must pronounce, sorted."""
    tokens = (token for row in rows for token in row if not isinstance(token, _Given))
    words = {word for token in tokens for said, _ in token for word in said}
    return sorted(word for word in words if word not in _KNOWN and not _is_letter(word))


def _sounds(word: str, guessed: Mapping[str, _Candidates]) -> _Candidates:
    if _is_letter(word):
        return _letter(word)
    if word in _KNOWN:
        whole = math.log(sum(0.5**rank for rank in range(len(_KNOWN[word]))))
        return {phones: (rank * math.log(0.5) - whole, "respelling") for rank, phones in enumerate(_KNOWN[word])}
    return guessed[word]


def _is_letter(word: str) -> bool:
    return word[0].isascii() and word[0].isupper()


def _letter(word: str) -> _Candidates:
    """Name of a letter, or of several of them (``U's``)."""
    phones = _LETTER_NAMES[word[0]]
    if word.endswith("'s"):
        last = phones[-1]
        phones += phone_ids("IH Z" if last in _HISSING else "S" if last in _VOICELESS else "Z")
    return {phones: (0.0, "respelling")}


def _joined(first: _Candidates, second: _Candidates, kept: int) -> _Candidates:
    """Every one of ``first`` followed by every one of ``second``; the likeliest ``kept`` of them."""
    if not second:
        return first
    both: _Candidates = {}
    for start, (score, origin) in first.items():
        for end, (added, other) in second.items():
            _put(both, start + end, score + added, min(origin, other, key=_CERTAINTY.index))
    if len(both) <= kept:
        return both
    ranked = sorted(both.items(), key=lambda item: (-round(item[1][0], 4), item[0]))
    return dict(ranked[:kept])


def _put(candidates: _Candidates, phones: tuple[int, ...], score: float, origin: str) -> None:
    """Two ways to the same phones: their probabilities add up."""
    before, who = candidates.get(phones, (-math.inf, origin))
    candidates[phones] = (min(0.0, _add_logs(before, score)), who)


def _add_logs(first: float, second: float) -> float:
    high, low = max(first, second), min(first, second)
    return high if low == -math.inf else high + math.log1p(math.exp(low - high))


def read_respellings(path: Path) -> dict[str, str]:
    """Names and how they are said, from a file.

    Either a JSON object, or lines of a name, ``=`` (or a tab) and a respelling; ``#`` begins a comment. A respelling
    is written in phones (``SH IH V AO N``) or in English letters (``shivawn``); ``|`` parts alternatives::

        Siobhan = shivawn
        Nguyen = W IH N | N UW Y EH N

    Raises:
        QueryError: The file cannot be read, or a line is not of this form; it says which.
    """
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise QueryError(f"the respellings {path} cannot be read ({error}): give a text file in UTF-8") from error
    if text.lstrip().startswith("{"):
        try:
            pairs: Iterable[tuple[object, object]] = json.loads(text).items()
        except json.JSONDecodeError as error:
            raise QueryError(f"the respellings {path} are no JSON: {error}") from error
        for name, said in pairs:
            if not isinstance(said, str) or not said.strip() or not str(name).strip():
                raise QueryError(f"{path}: {name!r} has the respelling {said!r}: both must be texts that are not empty")
        return {str(name).strip(): str(said).strip() for name, said in pairs}
    respellings: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        line = line.partition("#")[0].strip()
        if not line:
            continue
        name, said = (part.strip() for part in [*re.split(r"=|\t", line, maxsplit=1), ""][:2])
        if not name or not said:
            raise QueryError(f"{path}, line {number}: {line!r} is not of the form `name = respelling`")
        if respellings.setdefault(name, said) != said:
            raise QueryError(f"{path}, line {number}: {name!r} has a respelling already; part alternatives by |")
    return respellings
