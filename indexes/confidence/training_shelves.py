"""Texts that the confidence model learns from, as shelves of small sources: knowledge bases that know different things.

A shelf is a folder of text files. Books are cut into sources of some chapters' length, so that a source can be left out
of a search and the rest still knows the same people and places; transcripts are put together likewise.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator, Mapping
from itertools import accumulate
from pathlib import Path
from typing import Final

from ...pipeline.errors import QueryError

SHELVES: Final[Mapping[str, tuple[str, ...]]] = {
    "austen": ("austen-emma", "austen-persuasion", "austen-sense"),
    "chesterton": ("chesterton-ball", "chesterton-brown", "chesterton-thursday"),
    "verse": (
        "blake-poems",
        "blake-songs",
        "milton-paradise",
        "shakespeare-caesar",
        "shakespeare-hamlet",
        "shakespeare-macbeth",
        "whitman-leaves",
    ),
}
"""Books by shelf. What one shelf is asked from another has no answer there."""

TRANSCRIPTS: Final = "transcripts"
"""The shelf of transcribed sentences, and the questions to it: the same sentences as typed by people who listened."""

SOURCE_CHARACTERS: Final = 10_000
SHELF_CHARACTERS: Final = 600_000
"""Of each shelf, alike from the beginning of each of its books; less than there is, so that a laptop can do it."""

SENTENCES_A_SOURCE: Final = 40

_END_WITHIN: Final = 20_000
_AFTER = (re.compile(r"\*END\*\s?THE SMALL PRINT.*?\n"), re.compile(r"\*\*\* ?START OF.*?\n"))
_BEFORE = re.compile(r"\n\s*\*{0,3} ?(?:End of (?:the |this )?(?:Project Gutenberg|Etext)|END OF).*", re.DOTALL)


def write_shelves(gutenberg: Path, crowdspeech: Path, out: Path, characters: int = SHELF_CHARACTERS) -> list[Path]:
    """Write every shelf as a folder of text files below ``out``.

    Args:
        gutenberg: Folder of ``<author>-<book>.txt.gz``.
        crowdspeech: Folder of ``crowdspeech-<part>-gt.txt.gz``.
        characters: Of each shelf.

    Raises:
        QueryError: A book is not there.
    """
    made = []
    for shelf, books in SHELVES.items():
        folder = out / shelf
        folder.mkdir(parents=True, exist_ok=True)
        for book in books:
            text = book_text(gutenberg / f"{book}.txt.gz")
            for number, piece in enumerate(_pieces(text[: characters // len(books)]), 1):
                (folder / f"{book}-{number:03}.txt").write_text(piece, encoding="utf-8")
        made.append(folder)
    folder = out / TRANSCRIPTS
    folder.mkdir(parents=True, exist_ok=True)
    parts = crowdspeech_parts(crowdspeech)
    for part in parts:
        truth = _first(transcripts(crowdspeech, part), characters // len(parts))
        for at in range(0, len(truth), SENTENCES_A_SOURCE):
            lines = [f"{text[:1].upper()}{text[1:]}." for text in truth[at : at + SENTENCES_A_SOURCE]]
            (folder / f"{part}-{at // SENTENCES_A_SOURCE:03}.txt").write_text("\n\n".join(lines), encoding="utf-8")
    made.append(folder)
    return made


def crowdspeech_parts(folder: Path) -> list[str]:
    """Names of the parts, such as ``crowdspeech-dev-clean``."""
    found = [path.name.removesuffix("-gt.txt.gz") for path in sorted(folder.glob("*-gt.txt.gz"))]
    if not found:
        raise QueryError(f"{folder} holds no *-gt.txt.gz: give the folder of CrowdSpeech")
    return found


def transcripts(folder: Path, part: str) -> list[str]:
    """What is really said in each recording of a part."""
    rows = [line.split("\t") for line in _read(folder / f"{part}-gt.txt.gz").splitlines()]
    return [row[1] for row in sorted((row for row in rows if len(row) == 2), key=lambda row: _number(row[0]))]


def _first(texts: list[str], characters: int) -> list[str]:
    """As many of the first as fit."""
    ends = accumulate(len(text) for text in texts)
    return [text for text, end in zip(texts, ends, strict=True) if end <= characters]


def typed(folder: Path, part: str) -> list[tuple[int, str]]:
    """What people typed who listened, each with the position of its recording in :func:`transcripts`."""
    truth = [line.split("\t") for line in _read(folder / f"{part}-gt.txt.gz").splitlines()]
    position = {url: at for at, url in enumerate(sorted((row[0] for row in truth if len(row) == 2), key=_number))}
    rows = [line.split("\t") for line in _read(folder / f"{part}-crowd.tsv.gz").splitlines()[1:]]
    return [(position[row[0]], row[1].strip()) for row in rows if row[0] in position and row[1].strip()]


def _number(url: str) -> tuple[int, str]:
    stem = url.rpartition("/")[2].partition(".")[0]
    return int(stem) if stem.isdecimal() else 0, url


def book_text(path: Path) -> str:
    """A book without what Project Gutenberg says around it."""
    text = _read(path)
    for pattern in _AFTER:
        if found := pattern.search(text):
            text = text[found.end() :]
            break
    body, tail = text[:-_END_WITHIN], text[-_END_WITHIN:]
    return (body + _BEFORE.sub("", tail)).strip() + "\n"


def _pieces(text: str) -> Iterator[str]:
    """Pieces of about :data:`SOURCE_CHARACTERS`, cut between paragraphs where there are any, else between lines."""
    while text:
        cut = len(text)
        if len(text) > 1.5 * SOURCE_CHARACTERS:
            near = text[: int(1.25 * SOURCE_CHARACTERS)]
            cut = next(
                (at + len(mark) for mark in ("\n\n", "\n") if (at := near.rfind(mark, SOURCE_CHARACTERS // 2)) > 0),
                SOURCE_CHARACTERS,
            )
        piece, text = text[:cut].strip(), text[cut:]
        if piece:
            yield piece + "\n"


def _read(path: Path) -> str:
    try:
        return gzip.decompress(path.read_bytes()).decode("utf-8", "replace").replace("\r\n", "\n")
    except OSError as error:
        raise QueryError(f"{path} cannot be read: {error}") from error
