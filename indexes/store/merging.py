"""One shard of several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from .catalog import Ids
from .shard import Shard, ShardRow, ShardWriter

_ROWS: Final = 1 << 14
"""Vectors in memory at a time."""

Alive = Callable[[Ids], npt.NDArray[np.bool_]]
"""A test of which ids are still of use."""


def merge(root: Path, rows: Sequence[ShardRow], keep: Alive) -> ShardRow | None:
    """Writes one shard with the living vectors of several; ``None`` if nothing lives in them.

    Needs memory for the ids, not for the vectors.

    Raises:
        DamagedFile: One of the shards is not what was committed.
    """
    shards = [Shard(root, row) for row in rows]
    ids = np.concatenate([shard.ids for shard in shards])
    owner = np.repeat(np.arange(len(shards)), [len(shard) for shard in shards])
    place = np.concatenate([np.arange(len(shard)) for shard in shards])
    order = np.argsort(ids, kind="stable")
    order = order[keep(ids[order])]
    if not len(order):
        return None
    writer = ShardWriter(root, rows[0].scale, rows[0].width, rows[0].fingerprint)
    try:
        for start in range(0, len(order), _ROWS):
            chunk = order[start : start + _ROWS]
            vectors = np.empty((len(chunk), rows[0].width), np.float16)
            for number in np.unique(owner[chunk]).tolist():
                here = owner[chunk] == number
                vectors[here] = shards[number].halves[place[chunk][here]]
            writer.add(ids[chunk], vectors)
        return writer.finish()
    except BaseException:
        writer.abandon()
        raise
