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
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from ..pipeline.errors import KnowledgeBaseError, NotAKnowledgeBase
from ..pipeline.scale import SENTENCE
from .counters import Counters, Signals
from .status import Status, status_of
from .store.catalog import NAME, Catalog, Ids
from .store.compaction import Compaction, compact
from .store.creation import create_folder
from .store.folder import remove_files, stray_files
from .store.kinds import BANDS, RECALL_TARGET, Band
from .store.lock import WriterLock
from .store.manifest import GenerationRecord, Manifest, manifest, records
from .store.past import assembled
from .store.pinning import Pinning
from .store.scale_index import Device
from .store.snapshot import Snapshot
from .store.sources import StoredSource, stored_sources
from .store.term_vectors import Pronouncer, TermEncoder, term_scales
from .store.unfinished import Unfinished
from .store.verification import Verification, Verifier
from .store.writer import Writer

if TYPE_CHECKING:
    from .hit import Answer
    from .retrieve import Encoders
    from .sound.hearing import Hearing
    from .store.filter import Filter

SPEECH_MODEL = "speech_model"
"""The setting that holds the file of a speech model that was named."""

_MODEL: Final = "SELECT what ->> 'model' FROM generation WHERE what ->> 'model' <> '' ORDER BY number DESC LIMIT 1"


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
        self._encoded_by: tuple[str, int] | None = None
        self._counters = Counters()
        self._pinning = Pinning(path, device)
        self._guard = threading.Lock()

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
            base._pinning.put_back(Catalog(catalog, "read"))
        except NotAKnowledgeBase:
            if read_only or not catalog.exists():
                raise
            # Of an older format, perhaps: opening it to write lifts it, or says again what is wrong.
            with WriterLock(root):
                Catalog(catalog, "write").close()
        return base

    def close(self) -> None:
        """Closes idle connections and lets shards go; open snapshots stay usable."""
        self._pinning.close()

    def __repr__(self) -> str:
        return f"KnowledgeBase({str(self.path)!r}, generation {self.generation})"

    def __enter__(self) -> KnowledgeBase:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Reading

    @property
    def generation(self) -> int:
        """Number of the newest commit; 0 for a new knowledge base."""
        return self._pinning.number

    @property
    def model(self) -> str:
        """Name of the text model of the newest ingest, as it was given; empty if no ingest named one."""
        return str(self._value(_MODEL) or "")

    @property
    def width(self) -> int:
        """Numbers of a vector of text; 0 where there are none."""
        return int(self._value("SELECT width FROM scale WHERE name = ?", SENTENCE.name) or 0)

    @property
    def speech_model(self) -> str:
        """File of the speech model that its recordings were heard with; empty for the shipped one."""
        return str(self._value("SELECT value FROM setting WHERE key = ?", SPEECH_MODEL) or "")

    def _value(self, query: str, *bindings: str) -> Any:
        return self._pinning.told(lambda catalog: catalog.value(query, bindings))

    def snapshot(self, generation: int | None = None) -> Snapshot:
        """A commit, pinned: a context manager to read and search it.

        Args:
            generation: An earlier one than the newest. Reading it is slower; its answers are those of its time, save
                for what :attr:`Snapshot.notes` says.

        Raises:
            QueryError: There never was such a generation.
            GenerationGone: Compaction has dropped some of what it held.
        """
        return self._pinning.pin() if generation is None else self._pinning.pin_earlier(generation)

    def replay(self, generation: int, contents: Ids, stored: Ids, named_in: Sequence[int]) -> Snapshot:
        """A generation with other contents than it had: what would have been, had only some things changed.

        Args:
            contents: Ids of those that may answer. *Shape:* (n,)
            stored: Ids of those that count in how rare a word is. *Shape:* (m,)
            named_in: Generations whose sources name them.
        """
        return self._pinning.pin(lambda catalog: assembled(catalog, generation, contents, stored, named_in))

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
        from .sound.hearing import Hearing

        text = self.model, self.width  # another one since octavo reembed, maybe
        with self._guard:
            if self._encoders is None or self._encoded_by not in (None, text):
                hearing = (self._hearing or Hearing(device=self._device)).on(self.speech_model)
                self._encoders, self._encoded_by = Encoders.load(text[0], self._device, hearing, width=text[1]), text
            return self._encoders

    def signals(self) -> Signals:
        """How the answers that this object gave lately fare: the four signals."""
        return self._counters.signals()

    def sources(self, generation: int | None = None) -> list[StoredSource]:
        """All paths, sorted; those of an earlier generation as far as compaction has left them."""
        return self._pinning.told(lambda catalog: stored_sources(catalog, generation))

    def generations(self) -> list[GenerationRecord]:
        """All commits and what is on record of each, the oldest first."""
        return self._pinning.told(records)

    def manifest(self, generation: int) -> Manifest:
        """What made a generation: every source that came, changed or went in it, and how.

        Raises:
            QueryError: There never was such a generation.
        """
        return self._pinning.told(lambda catalog: manifest(catalog, generation))

    def status(self) -> Status:
        """Counts, sizes and settings."""
        return self._pinning.told(lambda catalog: status_of(self.path, catalog))

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
                remove_files(stray_files(self.path, catalog))
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
