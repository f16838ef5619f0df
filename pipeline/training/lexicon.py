"""A pronouncing dictionary: reading it, and the parts of it that are learnt from, watched and held out."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ..errors import ModelError
from ..phones import phone_ids

Lexicon = Mapping[str, Sequence[tuple[int, ...]]]
"""Lower-case words and their pronunciations, at least one each."""

_VARIANT = re.compile(r"(?<=.)\(.*")
"""What numbers the further pronunciations of a word, as in ``READ(2)``."""

HELD_OUT, WATCHED = 0.05, 0.015
"""Shares of the words."""


def read_lexicon(path: Path) -> dict[str, list[tuple[int, ...]]]:
    """Words of a pronouncing dictionary, see :func:`entries`, as the network that pronounces words learns them.

    Words with other signs than letters and apostrophes are left out, and so are those that say more than their letters
    can (``MPH`` as "miles per hour"): they are abbreviations and belong to the spoken form.

    Raises:
        ModelError: The file is not there or holds no such words.
    """
    from ..encoders.grapheme_to_phoneme import LETTERS

    words: dict[str, list[tuple[int, ...]]] = {}
    for written, phones in entries(path):
        word = written.lower()
        if not set(word) <= set(LETTERS) or not set(word) - {"'"}:
            continue
        try:
            sequence = phone_ids(phones)
        except ValueError as error:
            raise ModelError(f"{path}: {written} is said {' '.join(phones)!r}, no pronunciation: {error}") from error
        if len(sequence) <= 2 * len(word) and sequence not in words.setdefault(word, []):
            words[word].append(sequence)
    words = {word: sequences for word, sequences in words.items() if sequences}
    if not words:
        raise ModelError(f"{path} holds no words in the form 'WORD  W ER1 D': give CMUdict or a lexicon like it")
    return words


def entries(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Words as they are written and their ARPAbet phones, a pronunciation each, in the order of the file.

    A text file, or a zip archive that holds one called ``cmudict*``. Lines read ``WORD 1 W ER1 D`` (NLTK),
    ``WORD  W ER1 D`` or ``WORD(2)  W ER1 D`` (CMU).

    Raises:
        ModelError: The file is not there or holds no lexicon.
    """
    for line in _lines(path):
        word, *phones = line.split() or [""]
        if phones and phones[0].isdigit():
            phones = phones[1:]
        if phones and not line.startswith(";;;"):
            yield _VARIANT.sub("", word), phones


def _lines(path: Path) -> Iterator[str]:
    try:
        if not zipfile.is_zipfile(path):
            yield from path.read_text("utf-8", "replace").splitlines()
            return
        with zipfile.ZipFile(path) as archive:
            inside = [name for name in archive.namelist() if Path(name).name.startswith("cmudict")]
            files = [name for name in inside if not name.endswith("/")]
            if not files:
                raise ModelError(f"{path} holds no file called cmudict*, only {archive.namelist()[:5]}")
            with archive.open(files[0]) as file:
                yield from io.TextIOWrapper(file, "utf-8", "replace")
    except (OSError, zipfile.BadZipFile) as error:
        raise ModelError(f"the lexicon {path} cannot be read: {error}") from error


def part_of(word: str) -> str:
    """``held out``, ``watched`` or ``learnt``, by a hash of the word without its possessive ending."""
    stem = word.lower().removesuffix("'s").rstrip("'")
    place = int.from_bytes(hashlib.blake2b(stem.encode(), digest_size=8).digest(), "big") / 2**64
    return "held out" if place < HELD_OUT else "watched" if place < HELD_OUT + WATCHED else "learnt"
