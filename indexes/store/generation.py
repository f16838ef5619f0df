"""What all snapshots of one generation share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .catalog import Catalog
from .past import Past
from .ranges import Ranges, normalised, vector_ranges
from .scale_index import Device, ScaleIndex
from .shard import Shard, ShardRow
from .stored import shard_rows

_TOTALS = "SELECT first, stop, paragraphs FROM content"


class Generation:
    """Open shards, live ranges and totals as of one commit. Never changes.

    Attributes:
        number: Of the commit.
        live: Ids of everything not deleted, normalised.
        past: Of an earlier commit, what the catalog held then.
        tombstones: Whether anything that is not live is physically there.
        paragraphs: Live ones.
        stored_paragraphs: Dead ones too.
        indexes: By name of scale.
        lost: A file that is missing, by name of scale.
    """

    def __init__(
        self,
        catalog: Catalog,
        number: int,
        open_shard: Callable[[ShardRow], Shard],
        device: Device,
        past: Past | None = None,
    ) -> None:
        """Args:
        past: What the catalog held then; ``None`` for the newest commit.
        """
        self.number, self.past = number, past
        if past is None:
            rows = catalog.rows(f"{_TOTALS} WHERE removed IS NULL ORDER BY first")
        else:
            rows = catalog.among(f"{_TOTALS} WHERE id IN (SELECT value FROM carray(?)) ORDER BY first", past.contents)
        table = np.array(rows, np.int64).reshape(-1, 3)
        self.live: Ranges = normalised(table[:, :2])
        self.paragraphs = int(table[:, 2].sum())
        if past is None:
            dead = catalog.rows("SELECT count(*), coalesce(sum(paragraphs), 0) FROM content WHERE removed IS NOT NULL")[
                0
            ]
            self.tombstones, self.stored_paragraphs = bool(dead[0]), self.paragraphs + int(dead[1])
        else:
            # What came later is out of the answers like what was deleted.
            self.tombstones, self.stored_paragraphs = True, past.words.rows
        self.lost: dict[str, str] = {}
        self.indexes: dict[str, ScaleIndex] = {}
        for name, width in catalog.rows("SELECT name, width FROM scale"):
            shards: list[Shard] = []
            if past is not None and not past.vectors.get(name):
                continue
            for row in shard_rows(catalog, name):
                try:
                    shards.append(open_shard(row))
                except FileNotFoundError as error:
                    self.lost[name] = str(error.filename)
            live = vector_ranges(name, self.live) if self.tombstones else None
            if shards or name in self.lost:
                if past is None:
                    self.indexes[name] = ScaleIndex(width, shards, live=live, device=device)
                else:
                    self.indexes[name] = _index_of_then(past, name, width, shards, live, device)


def _index_of_then(
    past: Past, scale: str, width: int, shards: list[Shard], live: Ranges | None, device: Device
) -> ScaleIndex:
    count = past.vectors[scale]
    if live is None:  # terms: the last that had a vector is known, and the others came before it
        live = np.array([[1, count + 1]], np.int64)
        count = sum(int(np.searchsorted(shard.ids, count, "right")) for shard in shards)
    return ScaleIndex(width, shards, live=live, device=device, exact_after=past.number, count=count)
