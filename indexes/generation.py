"""What all snapshots of one generation share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .catalog import Catalog
from .ranges import Ranges, normalised, vector_ranges
from .scale_index import Device, ScaleIndex
from .shard import Shard, ShardRow
from .stored import shard_rows


class Generation:
    """Open shards, live ranges and totals as of one commit. Never changes.

    Attributes:
        number: Of the commit.
        live: Ids of everything not deleted, normalised.
        tombstones: Whether anything deleted is still physically there.
        paragraphs: Live ones.
        stored_paragraphs: Dead ones too.
        stems: Counted over live paragraphs.
        indexes: By name of scale.
        lost: A file that is missing, by name of scale.
    """

    def __init__(self, catalog: Catalog, number: int, open_shard: Callable[[ShardRow], Shard], device: Device) -> None:
        self.number = number
        rows = catalog.rows("SELECT first, stop, paragraphs, stems FROM content WHERE removed IS NULL ORDER BY first")
        table = np.array(rows, np.int64).reshape(-1, 4)
        self.live: Ranges = normalised(table[:, :2])
        self.paragraphs, self.stems = int(table[:, 2].sum()), int(table[:, 3].sum())
        dead = catalog.rows("SELECT count(*), coalesce(sum(paragraphs), 0) FROM content WHERE removed IS NOT NULL")[0]
        self.tombstones, self.stored_paragraphs = bool(dead[0]), self.paragraphs + int(dead[1])
        self.lost: dict[str, str] = {}
        self.indexes: dict[str, ScaleIndex] = {}
        for name, width in catalog.rows("SELECT name, width FROM scale"):
            shards: list[Shard] = []
            for row in shard_rows(catalog, name):
                try:
                    shards.append(open_shard(row))
                except FileNotFoundError as error:
                    self.lost[name] = str(error.filename)
            live = vector_ranges(name, self.live) if self.tombstones else None
            if shards or name in self.lost:
                self.indexes[name] = ScaleIndex(width, shards, live=live, device=device)
