"""Commits held open to be read: idle connections, and the shards and generations that snapshots share.

A pinned commit is a read transaction of the catalog and the files that it names. Shards never change, so one that is
open serves every generation that names it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from .catalog import NAME, Catalog
from .commits import newest_generation
from .generation import Generation
from .past import Past, past_of
from .shard import Shard, ShardRow
from .snapshot import Snapshot

if TYPE_CHECKING:
    from .scale_index import Device

T = TypeVar("T")

_RETRIES: Final = 20
_PAST_KEPT: Final = 4
"""Earlier generations kept open: each has its own masks over the shards."""


class Pinning:
    """Safe to use by several threads.

    Args:
        path: Folder of the knowledge base.
        device: Where exact vector search runs.
    """

    def __init__(self, path: Path, device: Device) -> None:
        self._path = path
        self._device: Device = device
        self._guard = threading.RLock()
        self._idle: list[Catalog] = []
        self._shards: dict[str, Shard] = {}
        self._newest: Generation | None = None
        self._past: dict[tuple[int, int], Generation] = {}

    def close(self) -> None:
        """Closes idle connections and lets shards go; open snapshots stay usable."""
        with self._guard:
            for catalog in self._idle:
                catalog.close()
            self._idle, self._shards, self._newest, self._past = [], {}, None, {}

    def put_back(self, catalog: Catalog) -> None:
        """Keeps a connection for whoever reads next."""
        with self._guard:
            self._idle.append(catalog)

    def told(self, ask: Callable[[Catalog], T]) -> T:
        """What the catalog says, of one commit."""
        catalog = self._take()
        try:
            with catalog.reading():
                return ask(catalog)
        finally:
            self.put_back(catalog)

    @property
    def number(self) -> int:
        """Of the newest commit; 0 for a new knowledge base."""
        return self.told(newest_generation)

    def pin(self, past: Callable[[Catalog], Past] | None = None) -> Snapshot:
        """The newest commit, or what it still knows of an earlier one.

        Args:
            past: Asked of the newest commit, for what is to be read instead of it.
        """
        return self._pinned(None if past is None else lambda catalog, newest: self._opened(catalog, past(catalog)))

    def pin_earlier(self, number: int) -> Snapshot:
        """An earlier generation as the newest commit still knows it; the newest itself if that is asked for.

        Raises:
            QueryError: There never was such a generation.
            GenerationGone: Compaction has dropped some of what it held.
        """
        return self._pinned(lambda catalog, newest: self._earlier(catalog, newest, number))

    def _take(self) -> Catalog:
        with self._guard:
            if self._idle:
                return self._idle.pop()
        return Catalog(self._path / NAME, "read")

    def _pinned(self, chosen: Callable[[Catalog, int], Generation] | None) -> Snapshot:
        catalog = self._take()
        try:
            for attempt in range(_RETRIES):
                catalog.begin_reading()
                number = newest_generation(catalog)
                shared = self._shared_by(catalog, number)
                if chosen is not None:
                    shared = chosen(catalog, number)
                # A file can only vanish between pin and open if a compaction committed meanwhile: then pin anew.
                # With no newer commit it is lost, and the scale says so when it is asked.
                if not shared.lost or attempt + 1 == _RETRIES or self.number == number:
                    return Snapshot(catalog, shared, self.put_back)
                catalog.end()
        except BaseException:
            catalog.close()
            raise
        raise AssertionError("unreachable")

    def _earlier(self, catalog: Catalog, newest: int, number: int) -> Generation:
        if number == newest:
            return self._shared_by(catalog, newest)
        with self._guard:
            if (newest, number) not in self._past:
                made = self._opened(catalog, past_of(catalog, number))
                if len(self._past) >= _PAST_KEPT:
                    self._past.clear()
                self._past[newest, number] = made
            return self._past[newest, number]

    def _opened(self, catalog: Catalog, past: Past) -> Generation:
        """An earlier generation, with the shards of the newest."""

        def open_shard(row: ShardRow) -> Shard:
            return self._shards.get(row.name) or Shard(self._path, row)

        return Generation(catalog, past.number, open_shard, self._device, past)

    def _shared_by(self, catalog: Catalog, number: int) -> Generation:
        """The shared state of a generation, with shards of the one before carried over."""
        with self._guard:
            if self._newest is not None and self._newest.number == number:
                return self._newest
            opened: dict[str, Shard] = {}

            def open_shard(row: ShardRow) -> Shard:
                opened[row.name] = self._shards.get(row.name) or Shard(self._path, row)
                return opened[row.name]

            shared = Generation(catalog, number, open_shard, self._device)
            if not shared.lost and (self._newest is None or number > self._newest.number):
                self._newest, self._shards = shared, opened
            return shared
