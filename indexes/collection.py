"""A knowledge base on disk: one catalog, and shards of vectors per scale.

::

    catalog.sqlite           what there is; the single commit point
    unfinished/              what was heard so far of long recordings that no commit holds yet
    lock                     held by the process that writes
    vectors/<scale>/<uuid>.f16      a shard: float16 rows and their ids
    vectors/<scale>/<uuid>.faiss    its index, where one is worth it

Readers never wait and never see half a commit: they read inside a transaction of the catalog, and hold open the files
it names. A file is whole and durable before a commit names it, and is removed only after a commit stopped naming it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from ..pipeline.document import Flag
from ..pipeline.errors import KnowledgeBaseError, NotAKnowledgeBase
from .catalog import NAME, Catalog, Ids
from .compaction import Compaction, compact, orphans, remove_files
from .counters import Counters, Signals
from .creation import create_folder
from .generation import Generation
from .kinds import BANDS, RECALL_TARGET, Band
from .lock import WriterLock
from .manifest import GenerationRecord, Manifest, manifest, records
from .past import Past, assembled, live_then, past_of
from .scale_index import Device
from .shard import Shard, ShardRow
from .snapshot import Snapshot
from .status import ScaleStatus, Status, status_of
from .stored import read_flags, read_uri
from .term_vectors import Pronouncer, TermEncoder, term_scales
from .unfinished import Unfinished
from .verification import Verification, Verifier
from .writer import Writer

__all__ = ["KnowledgeBase", "ScaleStatus", "Status", "StoredSource"]

if TYPE_CHECKING:
    from .filter import Filter
    from .hit import Answer
    from .retrieve import Encoders
    from .sound.hearing import Hearing

T = TypeVar("T")

_VACUUM_ABOVE = 0.25
_RETRIES = 20
_PAST_KEPT = 4
"""Earlier generations kept open: each has its own masks over the shards."""


@dataclass(frozen=True, slots=True)
class StoredSource:
    """A path in a knowledge base.

    Attributes:
        bytes, mtime_ns: Of the file when it was read.
        flags: What its reader could not do.
        samples: Length of a recording; 0 for a document.
    """

    uri: str
    media_type: str
    sha256: str
    recipe: str
    content: int
    bytes: int
    mtime_ns: int
    text_length: int
    flags: tuple[Flag, ...]
    samples: int = 0


class KnowledgeBase:
    """A folder that answers questions. Any number of processes may read it, one at a time may write.

    Attributes:
        path: The folder.
    """

    def __init__(
        self,
        path: Path,
        *,
        read_only: bool,
        term_encoder: TermEncoder | None,
        pronouncer: Pronouncer | None,
        device: Device,
        hearing: Hearing | None = None,
    ) -> None:
        """For :meth:`open`, which is the way to get one."""
        self.path = path
        self._read_only = read_only
        self._terms = term_scales(term_encoder, pronouncer)
        self._device: Device = device
        self._hearing = hearing
        self._encoders: Encoders | None = None
        self._counters = Counters()
        self._idle: list[Catalog] = []
        self._guard = threading.RLock()
        self._shards: dict[str, Shard] = {}
        self._newest: Generation | None = None
        self._past: dict[tuple[int, int], Generation] = {}

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        create: bool = False,
        read_only: bool = False,
        term_encoder: TermEncoder | None = None,
        pronouncer: Pronouncer | None = None,
        device: Device = "auto",
        hearing: Hearing | None = None,
    ) -> KnowledgeBase:
        """Opens a knowledge base.

        Args:
            create: Make one if the folder is empty or not there.
            term_encoder: Makes the vectors of the character scale when something is written.
            pronouncer: Makes vectors of terms by how they sound, likewise.
            device: Where exact vector search runs; ``auto`` takes a GPU where FAISS sees one.
            hearing: Pronounces and hears questions; by default the shipped models.

        Raises:
            NotAKnowledgeBase: The folder holds none, or one of a newer format.
            DamagedFile: Its catalog is damaged.
        """
        root = Path(path)
        catalog = root / NAME
        if create and not catalog.exists():
            if read_only:
                raise KnowledgeBaseError(f"{root} cannot be made read-only: leave out one of the two")
            create_folder(root)
        base = cls(
            root,
            read_only=read_only,
            term_encoder=term_encoder,
            pronouncer=pronouncer,
            device=device,
            hearing=hearing,
        )
        try:
            base._put_back(Catalog(catalog, "read"))
        except NotAKnowledgeBase:
            if read_only or not catalog.exists():
                raise
            # Of an older format, perhaps: opening it to write lifts it, or says again what is wrong.
            with WriterLock(root):
                Catalog(catalog, "write").close()
        return base

    def close(self) -> None:
        """Closes idle connections and lets shards go; open snapshots stay usable."""
        with self._guard:
            for catalog in self._idle:
                catalog.close()
            self._idle, self._shards, self._newest, self._past = [], {}, None, {}

    def __repr__(self) -> str:
        return f"KnowledgeBase({str(self.path)!r}, generation {self.generation})"

    def __enter__(self) -> KnowledgeBase:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Reading

    def _take(self) -> Catalog:
        with self._guard:
            if self._idle:
                return self._idle.pop()
        return Catalog(self.path / NAME, "read")

    def _put_back(self, catalog: Catalog) -> None:
        with self._guard:
            self._idle.append(catalog)

    @property
    def generation(self) -> int:
        """Number of the newest commit; 0 for a new knowledge base."""
        catalog = self._take()
        try:
            return int(catalog.value("SELECT max(number) FROM generation"))
        finally:
            self._put_back(catalog)

    @property
    def model(self) -> str:
        """Name of the text model of the newest ingest, as it was given; empty if no ingest named one."""
        catalog = self._take()
        try:
            found = catalog.value(
                "SELECT what ->> 'model' FROM generation WHERE what ->> 'model' <> '' ORDER BY number DESC LIMIT 1"
            )
        finally:
            self._put_back(catalog)
        return str(found or "")

    def snapshot(self, generation: int | None = None) -> Snapshot:
        """A commit, pinned: a context manager to read and search it.

        Args:
            generation: An earlier one than the newest. Reading it is slower; its answers are those of its time, save
                for what :attr:`Snapshot.notes` says.

        Raises:
            QueryError: There never was such a generation.
            GenerationGone: Compaction has dropped some of what it held.
        """
        if generation is None:
            return self._pinned()
        wanted = generation
        return self._pinned(lambda catalog, newest: self._earlier(catalog, newest, wanted))

    def replay(self, generation: int, contents: Ids, stored: Ids, named_in: Sequence[int]) -> Snapshot:
        """A generation with other contents than it had: what would have been, had only some things changed.

        Args:
            contents: Ids of those that may answer. *Shape:* (n,)
            stored: Ids of those that count in how rare a word is. *Shape:* (m,)
            named_in: Generations whose sources name them.
        """
        return self._pinned(
            lambda catalog, newest: self._opened(catalog, assembled(catalog, generation, contents, stored, named_in))
        )

    def _pinned(self, chosen: Callable[[Catalog, int], Generation] | None = None) -> Snapshot:
        """A snapshot of the newest generation, or of what is chosen in the newest commit."""
        catalog = self._take()
        try:
            for attempt in range(_RETRIES):
                catalog.begin_reading()
                number = int(catalog.value("SELECT max(number) FROM generation"))
                shared = self._shared_by(catalog, number)
                if chosen is not None:
                    shared = chosen(catalog, number)
                # A file can only vanish between pin and open if a compaction committed meanwhile: then pin anew.
                # With no newer commit it is lost, and the scale says so when it is asked.
                if not shared.lost or attempt + 1 == _RETRIES or self.generation == number:
                    return Snapshot(catalog, shared, self._put_back)
                catalog.end()
        except BaseException:
            catalog.close()
            raise
        raise AssertionError("unreachable")

    def _earlier(self, catalog: Catalog, newest: int, number: int) -> Generation:
        """An earlier generation as the newest commit still knows it; the newest itself if that is asked for."""
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
            return self._shards.get(row.name) or Shard(self.path, row)

        return Generation(catalog, past.number, open_shard, self._device, past)

    def _shared_by(self, catalog: Catalog, number: int) -> Generation:
        """The shared state of a generation, with shards of the one before carried over: they never change."""
        with self._guard:
            if self._newest is not None and self._newest.number == number:
                return self._newest
            opened: dict[str, Shard] = {}

            def open_shard(row: ShardRow) -> Shard:
                opened[row.name] = self._shards.get(row.name) or Shard(self.path, row)
                return opened[row.name]

            shared = Generation(catalog, number, open_shard, self._device)
            if not shared.lost and (self._newest is None or number > self._newest.number):
                self._newest, self._shards = shared, opened
            return shared

    def search(
        self,
        question: str | None = None,
        *,
        k: int = 5,
        budget: int | None = None,
        scales: Sequence[str] | None = None,
        where: Filter | None = None,
        audio: str | Path | None = None,
        like: str = "",
        manner: str = "",
        words: str | None = None,
        generation: int | None = None,
        abstain_below: float | None = None,
    ) -> Answer:
        """Answer a question, typed, spoken or by example; see :class:`octavo.indexes.ask.Question`.

        An encoder is loaded with the first question that needs it, and kept.

        Args:
            generation: Answer from an earlier one than the newest, see :meth:`snapshot`.
            abstain_below: Confidence below which the answer abstains; by default the threshold that
                ``octavo calibrate`` kept, else 0.5.

        Raises:
            QueryError: The question is empty or far too long, or an option makes no sense.
            SourceError: A recording given as a question or an example cannot be read.
            FingerprintMismatch: The model's weights are others than those the vectors were made with.
            DamagedFile: A shard is not what was committed; nothing is answered from the others.
        """
        from .ask import Question
        from .counters import watched

        names = (scales,) if isinstance(scales, str) else tuple(scales or ())
        encoders = self.encoders()
        asked = Question(question, audio, like, manner, words, k, budget, names, where, abstain_below)
        with self.snapshot(generation) as snapshot:
            answer = watched(asked, snapshot, encoders, self._counters)
            return replace(answer, warnings=(*answer.warnings, *snapshot.notes)) if snapshot.notes else answer

    def encoders(self) -> Encoders:
        """What questions are encoded with; loaded piece by piece when first needed, and kept."""
        from .retrieve import Encoders

        with self._guard:
            if self._encoders is None:
                self._encoders = Encoders.load(self.model, self._device, self._hearing)
            return self._encoders

    def signals(self) -> Signals:
        """How the answers that this object gave lately fare: the four signals."""
        return self._counters.signals()

    def sources(self, generation: int | None = None) -> list[StoredSource]:
        """All paths, sorted; those of an earlier generation as far as compaction has left them."""
        there = "s.removed IS NULL" if generation is None else live_then("s", generation)
        catalog = self._take()
        try:
            rows: list[tuple[str | bytes, str, str, str, int, int, int, int, str, int]] = catalog.rows(
                "SELECT s.uri, c.media_type, c.sha256, c.recipe, c.id, s.bytes, s.mtime_ns, c.text_length, c.flags,"
                " coalesce(r.samples, 0) FROM source AS s JOIN content AS c ON c.id = s.content_id"
                f" LEFT JOIN recording AS r ON r.content_id = c.id WHERE {there} ORDER BY s.uri"
            )
        finally:
            self._put_back(catalog)
        return [
            StoredSource(read_uri(uri), kind, digest, recipe, content, size, mtime, length, read_flags(flags), samples)
            for uri, kind, digest, recipe, content, size, mtime, length, flags, samples in rows
        ]

    def generations(self) -> list[GenerationRecord]:
        """All commits and what is on record of each, the oldest first."""
        return self._told(records)

    def manifest(self, generation: int) -> Manifest:
        """What made a generation: every source that came, changed or went in it, and how.

        Raises:
            QueryError: There never was such a generation.
        """
        return self._told(lambda catalog: manifest(catalog, generation))

    def _told(self, ask: Callable[[Catalog], T]) -> T:
        catalog = self._take()
        try:
            with catalog.reading():
                return ask(catalog)
        finally:
            self._put_back(catalog)

    def status(self) -> Status:
        """Counts, sizes and settings."""
        catalog = self._take()
        try:
            with catalog.reading():
                return status_of(self.path, catalog)
        finally:
            self._put_back(catalog)

    def verify(self) -> Verification:
        """Checks every byte of every file; others may read and write meanwhile."""
        # Not a connection used before: the check of the full-text index looks at the structure that a connection
        # remembers of it, and reports damage if another process has merged it since (SQLite 3.54).
        catalog = Catalog(self.path / NAME, "read")
        try:
            return Verifier(self.path, catalog).run()
        finally:
            catalog.close()

    # Writing

    def writer(self) -> Writer:
        """The right to write: a context manager, which drops what was not committed.

        Files left by a killed writer are removed first, all but what it had heard of long recordings in the last month.

        Raises:
            KnowledgeBaseBusy: Another process is writing.
        """
        if self._read_only:
            raise KnowledgeBaseError(f"{self.path} was opened read-only: open it without read_only to write")
        lock = WriterLock(self.path)
        try:
            catalog = Catalog(self.path / NAME, "write")
            try:
                remove_files(orphans(self.path, catalog))
                Unfinished(self.path).sweep()
                return Writer(self.path, catalog, lock, self._terms)
            except BaseException:
                catalog.close()
                raise
        except BaseException:
            lock.release()
            raise

    def delete(self, uris: Iterable[str]) -> list[str]:
        """Removes paths, and the contents no other path points to; returns the paths that were there."""
        with self.writer() as writer:
            removed = [uri for uri in uris if writer.remove(uri)]
            writer.commit({"action": "delete", "sources": len(removed)})
        return removed

    def compact(
        self, bands: Sequence[Band] = BANDS, *, target: float = RECALL_TARGET, vacuum: bool = True
    ) -> Compaction:
        """Makes one shard of each scale, with the index its size calls for, and drops what was deleted for good.

        Searches go on meanwhile. A kill at any moment leaves the knowledge base as before or as after.

        Args:
            bands: Which kinds of index to try at which size.
            target: Recall at 10 that an approximate kind has to reach.
            vacuum: Also give the catalog's free pages back to the file system, where they are many.

        Raises:
            KnowledgeBaseBusy: Another process is writing.
            DamagedFile: A shard is not what was committed.
        """
        if self._read_only:
            raise KnowledgeBaseError(f"{self.path} was opened read-only: open it without read_only to compact")
        return compact(self.path, bands, target, vacuum)
