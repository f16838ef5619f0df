"""The catalog: one SQLite database that says what a knowledge base holds; the single commit point.

Pages carry checksums (SQLite's cksumvfs extension), so a flipped bit surfaces as :class:`DamagedFile` when the page
is read instead of as a wrong answer. A commit is in the database file itself before it is acknowledged wherever no
reader holds the log back, so that a log left behind by a killed process has nothing of worth in it.
"""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import apsw
import apsw.sqlite_extra
import numpy as np
import numpy.typing as npt

from ...pipeline.errors import DamagedFile, KnowledgeBaseBusy, KnowledgeBaseError, NotAKnowledgeBase
from .durable import UNFINISHED_SUFFIX, sync_folder
from .schema import FORMAT, format_of, migrate

NAME = "catalog.sqlite"
_VFS = "cksmvfs"
_CHECKSUM_BYTES = 8
_BUSY_MS = 30_000
_CACHE_KIB = 32 * 1024

_RESTORE = "restore the folder from a backup, or ingest the sources again into a new one"
_DAMAGE = (apsw.SQLITE_IOERR_DATA, apsw.SQLITE_IOERR_CORRUPTFS, apsw.SQLITE_IOERR_SHORT_READ)

Mode = Literal["read", "write"]
Row = tuple[Any, ...]
Ids = npt.NDArray[np.int64]


@functools.cache
def _register_checksums() -> None:
    """Registers the checksumming file system with SQLite; a connection to memory is needed to load an extension."""
    loader = apsw.Connection(":memory:")
    loader.enable_load_extension(True)
    apsw.sqlite_extra.load(loader, "cksumvfs")


class Catalog:
    """One connection to a catalog. Not shared between threads.

    Attributes:
        path: The database file.
    """

    def __init__(self, path: Path, mode: Mode) -> None:
        """Opens a catalog, lifting it to the newest format if it may be written (the writer's lock must be held).

        Raises:
            NotAKnowledgeBase: No catalog there, or one of another format than this version can use.
            DamagedFile: It is there and broken.
        """
        self.path = path
        _register_checksums()
        if not path.is_file():
            raise NotAKnowledgeBase(f"{path.parent} holds no knowledge base: there is no {path.name} in it")
        with self._translated():
            self._connection = self._connect(mode)
            try:
                self._prepare(mode)
            except BaseException:
                self._connection.close()
                raise

    @staticmethod
    def create(path: Path) -> None:
        """Makes an empty catalog, which has its name only when it is whole."""
        _register_checksums()
        unfinished = path.with_name(path.name + UNFINISHED_SUFFIX)
        for suffix in ("", "-wal", "-shm", "-journal"):
            unfinished.with_name(unfinished.name + suffix).unlink(missing_ok=True)
        connection = apsw.Connection(str(unfinished), vfs=_VFS)
        connection.reserve_bytes(reserve=_CHECKSUM_BYTES)
        connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", "full")
        migrate(connection)
        connection.close()
        unfinished.rename(path)
        sync_folder(path.parent)

    def _connect(self, mode: Mode) -> apsw.Connection:
        if os.access(self.path, os.W_OK) and os.access(self.path.parent, os.W_OK):
            # Readers too: the last connection to close folds the log away, which one opened read-only cannot.
            connection = apsw.Connection(str(self.path), flags=apsw.SQLITE_OPEN_READWRITE, vfs=_VFS)
            connection.pragma("query_only", mode == "read")
            return connection
        connection = apsw.Connection(str(self.path), flags=apsw.SQLITE_OPEN_READONLY, vfs=_VFS)
        try:
            connection.pragma("schema_version")
        except apsw.CantOpenError:
            # Readers of a logged database have to write its shared memory. On a medium that nobody can write
            # there is no log either, so the file is taken as it is. A hack where only this user may not write:
            # a commit by another one while this connection is open can surface as damage; opening again helps.
            connection.close()
            uri = f"{self.path.resolve().as_uri()}?immutable=1"
            return apsw.Connection(uri, flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI, vfs=_VFS)
        return connection

    def _prepare(self, mode: Mode) -> None:
        connection = self._connection
        connection.set_busy_timeout(_BUSY_MS)
        connection.pragma("cache_size", -_CACHE_KIB)
        format_ = format_of(connection)
        if format_ is None:
            raise NotAKnowledgeBase(f"{self.path} is no catalog of Octavo: give the folder of a knowledge base")
        if format_ > FORMAT:
            raise NotAKnowledgeBase(
                f"{self.path} has format {format_} and this version reads formats up to {FORMAT}:"
                " install a newer Octavo"
            )
        if connection.reserve_bytes() != _CHECKSUM_BYTES:
            raise DamagedFile(f"{self.path} has no page checksums: its first page is damaged; {_RESTORE}")
        if mode == "write":
            connection.pragma("synchronous", "full")
            connection.pragma("wal_autocheckpoint", 0)
            connection.pragma("secure_delete", "on")  # deleted text leaves the file with the compaction
            migrate(connection)
        elif format_ < FORMAT:
            raise NotAKnowledgeBase(
                f"{self.path} has the older format {format_}: open it once for writing (octavo compact) to lift it"
                f" to format {FORMAT}"
            )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (apsw.CorruptError, apsw.NotADBError) as error:
            raise DamagedFile(f"{self.path} is damaged ({error}); {_RESTORE}") from error
        except apsw.IOError as error:
            if getattr(error, "extendedresult", 0) in _DAMAGE:
                raise DamagedFile(f"{self.path} is damaged: a page does not match its checksum; {_RESTORE}") from error
            raise KnowledgeBaseError(f"reading or writing {self.path} failed: {error}; check the disk") from error
        except apsw.FullError as error:
            raise KnowledgeBaseError(f"no room is left for {self.path}: free some space and run again") from error
        except (apsw.ReadOnlyError, apsw.CantOpenError, apsw.PermissionsError) as error:
            raise KnowledgeBaseError(
                f"{self.path} cannot be opened or written: {error}; check its permissions"
            ) from error
        except (apsw.BusyError, apsw.LockedError) as error:
            raise KnowledgeBaseBusy(f"another process holds {self.path}: try again when it is done") from error
        except apsw.SQLError as error:
            # The statements are constants: a table that is missing was lost, never misspelt.
            raise DamagedFile(f"{self.path} lacks something it should have ({error}); {_RESTORE}") from error

    def rows(self, sql: str, bindings: Sequence[Any] = ()) -> list[Row]:
        """All rows of a statement."""
        with self._translated():
            return self._connection.execute(sql, bindings).fetchall()

    def value(self, sql: str, bindings: Sequence[Any] = ()) -> Any:
        """First column of the first row, ``None`` if there is no row."""
        with self._translated():
            rows = self._connection.execute(sql, bindings).fetchall()
        return rows[0][0] if rows else None

    def each(self, sql: str, sequence: Iterable[Sequence[Any]]) -> list[Row]:
        """Runs a statement once per item; the rows of all runs, in order."""
        with self._translated():
            return self._connection.executemany(sql, sequence).fetchall()

    def stream(self, sql: str, bindings: Sequence[Any] = (), batch: int = 1024) -> Iterator[list[Row]]:
        """Rows in batches, computed as they are asked for."""
        with self._translated():
            cursor = self._connection.execute(sql, bindings)
        try:
            while True:
                with self._translated():
                    rows = list(itertools.islice(cursor, batch))
                if not rows:
                    return
                yield rows
        finally:
            cursor.close()

    def ranges(self, sql: str, firsts: Ids, lasts: Ids) -> list[Row]:
        """Rows of a statement with two placeholders, once for each range of ids, ends included."""
        return self.each(sql, zip(firsts.tolist(), lasts.tolist(), strict=True))

    def among(self, sql: str, ids: Ids) -> list[Row]:
        """Rows of a statement whose one placeholder is a table of ids: ``... IN (SELECT value FROM carray(?))``."""
        if not len(ids):
            return []
        return self.rows(sql, (apsw.carray(np.ascontiguousarray(ids, np.int64)),))

    @contextmanager
    def reading(self) -> Iterator[None]:
        """A read transaction: everything read inside is of one commit, whatever is committed meanwhile."""
        self.begin_reading()
        try:
            yield
        finally:
            self.end()

    def begin_reading(self) -> None:
        """Pins the newest commit until :meth:`end`."""
        self.rows("BEGIN")
        self.rows("SELECT number FROM generation LIMIT 1")  # SQLite pins at the first read, not at BEGIN

    def begin_writing(self) -> None:
        """Starts the one write transaction."""
        self.rows("BEGIN IMMEDIATE")

    def end(self) -> None:
        """Ends a transaction and drops what it wrote; does nothing outside one."""
        if self._connection.in_transaction:
            self.rows("ROLLBACK")

    def commit(self) -> None:
        """Makes the transaction durable, then folds the log into the database file as far as readers let it."""
        self.rows("COMMIT")
        self.fold_log()

    def fold_log(self) -> None:
        """Moves the log into the database file, where every page has a checksum; what readers pin stays.

        On a full disk it stays as well: it is durable where it is, and is moved when there is room.
        """
        self._connection.set_busy_timeout(0)
        try:
            self._connection.pragma("wal_checkpoint", "truncate")
        except (apsw.BusyError, apsw.LockedError, apsw.FullError):
            pass
        finally:
            self._connection.set_busy_timeout(_BUSY_MS)

    @contextmanager
    def step(self) -> Iterator[None]:
        """A part of a transaction that happens wholly or not at all."""
        with self._translated(), self._connection:
            yield

    def vacuum(self) -> None:
        """Rewrites the database file without its free pages. Outside transactions only."""
        self.rows("VACUUM")
        self.fold_log()

    def free_pages(self) -> float:
        """Share of the file's pages that hold nothing."""
        with self._translated():
            pages = int(self._connection.pragma("page_count"))
            return int(self._connection.pragma("freelist_count")) / max(pages, 1)

    def damage(self) -> list[str]:
        """What SQLite's own checks find wrong: page checksums, b-trees, indexes, the full-text index."""
        try:
            found = [str(row[0]) for row in self.rows("PRAGMA integrity_check(20)") if row[0] != "ok"]
        except (DamagedFile, KnowledgeBaseError) as error:
            found = [str(error)]
        return found

    def close(self) -> None:
        """Closes the connection; a transaction under way is dropped."""
        self._connection.close()
