"""The shards that the next commit will name: one being written for each scale, and the small ones merged."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from ...pipeline.errors import DamagedFile, FingerprintMismatch
from .catalog import Catalog
from .folder import remove_files
from .merging import merge
from .shard import Mark, ShardRow, ShardWriter
from .stored import name_shard, replace_shards, shard_rows

MERGE_ABOVE: Final = 16
"""Shards of a scale above which a commit merges the small ones."""
MERGE_DOWN_TO: Final = 4


class StagedShards:
    """The files of vectors of one transaction; nobody reads them before it is committed."""

    def __init__(self, root: Path, catalog: Catalog) -> None:
        self._root, self._catalog = root, catalog
        self._open: dict[str, ShardWriter] = {}
        self._finished: list[ShardRow] = []

    def of(self, scale: str, width: int, fingerprint: str) -> ShardWriter:
        """The shard being written for a scale.

        Raises:
            FingerprintMismatch: The scale holds vectors of another encoder.
        """
        known = self._catalog.rows("SELECT fingerprint, width FROM scale WHERE name = ?", (scale,))
        if not known:
            self._catalog.rows("INSERT INTO scale VALUES (?, ?, ?)", (scale, fingerprint, width))
        elif known[0] != (fingerprint, width):
            raise FingerprintMismatch(
                f"the {scale} vectors in {self._root} were made by {known[0][0]} (width {known[0][1]}), these by"
                f" {fingerprint} (width {width}): use the encoder of before, or ingest into a new knowledge base;"
                " vectors of text are made anew by octavo reembed --scale text, of sound by octavo ingest --rehear"
            )
        if scale not in self._open:
            self._open[scale] = ShardWriter(self._root, scale, width, fingerprint)
        return self._open[scale]

    def marks(self) -> dict[str, Mark]:
        """Where each shard stands."""
        return {scale: shard.mark() for scale, shard in self._open.items()}

    def go_back(self, marks: Mapping[str, Mark]) -> None:
        """Forgets what was added after :meth:`marks`."""
        for scale in list(self._open):
            if scale in marks:
                self._open[scale].go_back(marks[scale])
            else:
                self._open.pop(scale).abandon()

    def finish(self, generation: int) -> list[ShardRow]:
        """Makes the files durable and enters them into the catalog; the shards whose place they took."""
        for shard in self._open.values():
            if len(shard):
                row = shard.finish()
                self._finished.append(row)
                name_shard(self._catalog, row, generation)
            else:
                shard.abandon()
        self._open = {}
        return self._merge_small(generation)

    def _merge_small(self, generation: int) -> list[ShardRow]:
        """Merges the smallest shards of a scale that has too many; each vector is rewritten few times in its life."""
        replaced: list[ShardRow] = []
        for (scale,) in self._catalog.rows(
            "SELECT scale FROM shard GROUP BY scale HAVING count(*) > ?", (MERGE_ABOVE,)
        ):
            rows = sorted(shard_rows(self._catalog, scale), key=lambda row: row.count)
            small = [row for row in rows if row.kind == "flat"][: len(rows) - MERGE_DOWN_TO + 1]
            if len(small) < 2:
                continue
            try:
                # The dead too, until compaction: earlier generations can be read as long as they are there.
                new = merge(self._root, small, lambda ids: np.ones(len(ids), np.bool_))
            except DamagedFile:
                continue  # search and verify name it; new sources need not suffer for it
            if new is not None:
                self._finished.append(new)
            replace_shards(self._catalog, small, new, generation)
            replaced += small
        return replaced

    def hand_over(self) -> None:
        """Called before the commit: from then on the files may be its own, even if an error or an interrupt comes
        first, and are not removed any more."""
        self._finished = []

    def abandon(self) -> None:
        """Drops what is being written."""
        for shard in self._open.values():
            shard.abandon()
        self._open = {}

    def remove(self) -> None:
        """Removes finished files that no commit will name."""
        remove_files([path for row in self._finished for path in row.paths(self._root)])
