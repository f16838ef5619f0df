"""Shards: immutable files of vectors.

A shard's file is its vectors as raw float16 rows, then their ids as raw int64, rising. How many and how wide, and the
BLAKE2b checksum of the whole file, stand in the catalog and nowhere else. A shard may have a FAISS index beside it,
a file of the same name with its own checksum; the index numbers rows from 0 and knows nothing of ids.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from ...pipeline.embed import Vectors
from ...pipeline.errors import DamagedFile, KnowledgeBaseError
from .durable import UNFINISHED_SUFFIX, check_file, checksum, sync_folder

FOLDER = "vectors"
VECTORS_SUFFIX = ".f16"
INDEX_SUFFIX = ".faiss"
_SORT_ROWS = 1 << 15
_RESTORE = "restore it from a backup, or ingest the sources again into a new knowledge base"

Ids = npt.NDArray[np.int64]
Halves = npt.NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class ShardRow:
    """A shard as the catalog describes it.

    Attributes:
        name: A UUID; the files' name without suffix.
        bytes, checksum: Of the vectors file.
        kind: Name of the kind of index, ``flat`` if there is no index file.
        probes: Lists that a search visits, 0 for exact kinds.
        recall: At 10, against brute force, measured when the index was built; 1 for exact kinds.
        added: Generation that brought it.
    """

    name: str
    scale: str
    count: int
    width: int
    bytes: int
    checksum: str
    kind: str
    index_bytes: int
    index_checksum: str
    probes: int
    recall: float
    fingerprint: str
    added: int = 0

    def vectors_path(self, root: Path) -> Path:
        """Its vectors file in a knowledge base's folder."""
        return root / FOLDER / self.scale / (self.name + VECTORS_SUFFIX)

    def index_path(self, root: Path) -> Path | None:
        """Its index file, if its kind has one."""
        return root / FOLDER / self.scale / (self.name + INDEX_SUFFIX) if self.index_checksum else None

    def paths(self, root: Path) -> list[Path]:
        """All its files."""
        index = self.index_path(root)
        return [self.vectors_path(root)] + ([index] if index else [])


class Shard:
    """An open shard. Holds its files, so that it outlives their removal by a compaction.

    Nothing is answered from a file before its checksum was compared once.

    Attributes:
        row: What the catalog says of it.
    """

    def __init__(self, root: Path, row: ShardRow) -> None:
        """Opens the files without reading them.

        Raises:
            FileNotFoundError: A file is gone: a compaction came between, or it is lost.
        """
        self.row = row
        self._vectors_path = row.vectors_path(root)
        self._index_path = row.index_path(root)
        self._vectors_file: BinaryIO = self._vectors_path.open("rb")
        self._index_file: BinaryIO | None = None
        if self._index_path:
            try:
                self._index_file = self._index_path.open("rb")
            except OSError:
                self._vectors_file.close()
                raise
        self._lock = threading.Lock()
        self._loaded: tuple[Halves, Ids] | None = None
        self._index: object | None = None

    @classmethod
    def in_memory(cls, scale: str, ids: Ids, vectors: Vectors, fingerprint: str = "") -> Shard:
        """A shard without files. Ids must rise."""
        if len(ids) != len(vectors) or np.any(ids[1:] <= ids[:-1]):
            raise KnowledgeBaseError(f"{len(vectors)} {scale} vectors need as many ids, rising; got {len(ids)}")
        shard = cls.__new__(cls)
        count, width = vectors.shape
        shard.row = ShardRow(str(uuid.uuid4()), scale, count, width, 0, "", "flat", 0, "", 0, 1.0, fingerprint)
        shard._index_file = shard._index_path = shard._index = None
        shard._lock = threading.Lock()
        shard._loaded = vectors.astype(np.float16), ids.astype(np.int64)
        return shard

    def __len__(self) -> int:
        return self.row.count

    def _load(self) -> tuple[Halves, Ids]:
        with self._lock:
            if self._loaded is None:
                row = self.row
                # closefd is left to the duplicate: the map below keeps the file itself
                with os.fdopen(os.dup(self._vectors_file.fileno()), "rb") as file:
                    if problem := check_file(self._vectors_path, row.bytes, row.checksum, file):
                        raise DamagedFile(f"{problem}; {_RESTORE}")
                if row.bytes != row.count * (2 * row.width + 8):
                    raise DamagedFile(
                        f"{self._vectors_path}: {row.bytes} bytes are not {row.count} x {row.width} vectors"
                    )
                if row.count == 0:
                    self._loaded = np.empty((0, row.width), np.float16), np.empty(0, np.int64)
                else:
                    whole = np.memmap(self._vectors_file, np.uint8, "r")
                    split = row.count * row.width * 2
                    halves = whole[:split].view("<f2").reshape(row.count, row.width)
                    self._loaded = halves, np.array(whole[split:]).view("<i8")
                self._vectors_file.close()
            return self._loaded

    @property
    def halves(self) -> Halves:
        """*Shape:* (count, width), float16, mapped from the file.

        Raises:
            DamagedFile: The file is not what was committed.
        """
        return self._load()[0]

    @property
    def ids(self) -> Ids:
        """*Shape:* (count,), int64, rising. Raises as :attr:`halves` does."""
        return self._load()[1]

    def index(self, read: Callable[[BinaryIO], object], make: Callable[[Halves], object]) -> object:
        """Its FAISS index, read from its file or, for exact kinds, made of its vectors; once.

        Raises:
            DamagedFile: A file is not what was committed.
        """
        halves = self.halves
        with self._lock:
            if self._index is None:
                if self._index_file is None:
                    self._index = make(halves)
                else:
                    assert self._index_path is not None
                    with os.fdopen(os.dup(self._index_file.fileno()), "rb") as file:
                        row = self.row
                        if problem := check_file(self._index_path, row.index_bytes, row.index_checksum, file):
                            raise DamagedFile(f"{problem}; {_RESTORE}")
                    self._index_file.seek(0)
                    self._index = read(self._index_file)
                    self._index_file.close()
            return self._index

    def rows_of(self, ids: Ids) -> npt.NDArray[np.int64]:
        """*Shape:* as ``ids``; the row of each id, -1 where the shard does not have it."""
        own = self.ids
        if not len(own):
            return np.full(len(ids), -1, np.int64)
        rows = np.minimum(np.searchsorted(own, ids), len(own) - 1).astype(np.int64)
        rows[own[rows] != ids] = -1
        return rows


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in an unfinished shard to which it can go back."""

    rows: int
    batches: int


class ShardWriter:
    """A shard being written: vectors go to a temporary file as they come, ids wait in memory (8 bytes a row)."""

    def __init__(self, root: Path, scale: str, width: int, fingerprint: str) -> None:
        self.scale, self.width, self.fingerprint = scale, width, fingerprint
        self.name = str(uuid.uuid4())
        self._folder = root / FOLDER / scale
        self._folder.mkdir(parents=True, exist_ok=True)
        self._path = self._folder / (self.name + VECTORS_SUFFIX + UNFINISHED_SUFFIX)
        self._file = self._path.open("w+b")
        self._ids: list[Ids] = []
        self._rows = 0

    def __len__(self) -> int:
        return self._rows

    def add(self, ids: Ids, vectors: Vectors | Halves) -> None:
        """Appends vectors. *Shape:* (n,) and (n, width)."""
        if vectors.ndim != 2 or vectors.shape[1] != self.width or ids.shape != (len(vectors),):
            raise KnowledgeBaseError(
                f"{self.scale} vectors of shape {vectors.shape} with {ids.shape} ids do not fit width {self.width}:"
                " all vectors of a scale have one width"
            )
        self._write(np.ascontiguousarray(vectors, "<f2"))
        self._ids.append(np.array(ids, np.int64))
        self._rows += len(ids)

    def _write(self, array: npt.NDArray[np.generic]) -> None:
        try:
            self._file.write(array.data.cast("B") if array.size else b"")
        except OSError as error:
            raise KnowledgeBaseError(f"{self._path} cannot be written: {error.strerror}; free some space") from error

    def mark(self) -> Mark:
        """Where it stands."""
        return Mark(self._rows, len(self._ids))

    def go_back(self, mark: Mark) -> None:
        """Forgets what was added after a mark."""
        del self._ids[mark.batches :]
        self._rows = mark.rows
        self._file.seek(mark.rows * self.width * 2)
        self._file.truncate()

    def finish(self) -> ShardRow:
        """Sorts, checksums, syncs and names the file; the catalog has yet to name the shard."""
        ids = np.concatenate(self._ids) if self._ids else np.empty(0, np.int64)
        if len(ids) > 1 and not np.all(ids[1:] > ids[:-1]):
            ids = self._sort(ids)
        self._file.seek(0, os.SEEK_END)
        self._write(np.ascontiguousarray(ids, "<i8"))
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            digest = checksum(self._file)
            size = self._file.tell()
            self._file.close()
            self._path.rename(self._folder / (self.name + VECTORS_SUFFIX))
            sync_folder(self._folder)
        except OSError as error:
            raise KnowledgeBaseError(f"{self._path} cannot be finished: {error.strerror}; check the disk") from error
        return ShardRow(
            self.name, self.scale, len(ids), self.width, size, digest, "flat", 0, "", 0, 1.0, self.fingerprint
        )

    def _sort(self, ids: Ids) -> Ids:
        """Rewrites the rows in the order of their ids, a stretch at a time."""
        order = np.argsort(ids, kind="stable")
        ids = ids[order]
        if np.any(ids[1:] == ids[:-1]):
            twice = ids[1:][ids[1:] == ids[:-1]][0]
            raise KnowledgeBaseError(f"{self.scale} span {twice} was given two vectors: one encoder run must give one")
        self._file.flush()
        old = np.memmap(self._file, "<f2", "r", shape=(len(ids), self.width))
        unsorted, path = self._file, self._path
        self._path = path.with_name(self.name + ".sorted" + UNFINISHED_SUFFIX)
        self._file = self._path.open("w+b")
        for start in range(0, len(order), _SORT_ROWS):
            self._write(old[order[start : start + _SORT_ROWS]])
        unsorted.close()
        path.unlink()
        return ids

    def abandon(self) -> None:
        """Drops the file."""
        with suppress(OSError):  # closing writes what is buffered, and the disk may be full
            self._file.close()
        self._path.unlink(missing_ok=True)
