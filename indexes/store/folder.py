"""The folder of a knowledge base: how much is in it, and which files of vectors no commit names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .catalog import Catalog
from .shard import FOLDER
from .stored import shard_rows


def stray_files(root: Path, catalog: Catalog) -> list[Path]:
    """Files among the vectors that the newest commit does not name: left by a process that was killed."""
    named = {path for row in shard_rows(catalog) for path in row.paths(root)}
    return sorted(path for path in (root / FOLDER).glob("*/*") if path.is_file() and path not in named)


def remove_files(paths: Sequence[Path]) -> None:
    """Removes files that no commit names any more. Readers that have them open keep them."""
    for path in paths:
        path.unlink(missing_ok=True)


def folder_bytes(root: Path) -> int:
    """Bytes of all files in a folder."""
    total = 0
    for path in root.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            continue  # removed by a writer meanwhile
    return total
