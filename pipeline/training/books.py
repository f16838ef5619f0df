"""Books to learn from: ``*.txt`` and ``*.txt.gz`` in folders."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from pathlib import Path


def book_paths(folders: Iterable[Path]) -> list[Path]:
    """The books of some folders, in one order."""
    return sorted(path for folder in folders for path in (*folder.glob("*.txt"), *folder.glob("*.txt.gz")))


def book_text(path: Path) -> str:
    """The text of a book, its line ends as one character each."""
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8", "replace").replace("\r\n", "\n")
