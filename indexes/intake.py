"""Files into a knowledge base: what is new is read, encoded and staged; commits come as time goes by.

A file is reported after the commit that holds it, never before: what was reported is there, whatever happens next.
"""

from __future__ import annotations

import errno
import fnmatch
import glob
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apsw

from ..pipeline.document import Flag, Source
from ..pipeline.errors import KnowledgeBaseError, OctavoError, SourceError

if TYPE_CHECKING:
    from ..pipeline.ingest import Encoder, Outcome
    from .collection import KnowledgeBase
    from .writer import Writer

COMMIT_SECONDS = 20.0
"""Time after which what is staged is committed, at the end of a batch. Every commit writes one shard a scale, so more
often costs."""

ADDED, UPDATED, LINKED, MOVED, UNCHANGED = "added", "updated", "linked", "moved", "unchanged"
DONE_CODES = frozenset({ADDED, UPDATED, LINKED, MOVED, UNCHANGED})
"""Every other code is the reason code of an error."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one file.

    Attributes:
        code: ``added``, ``updated`` (other bytes than before), ``linked`` (its bytes were there under another path),
            ``moved`` (and that path is gone from its folder), ``unchanged``, or the reason code of a
            :class:`~octavo.pipeline.errors.SourceError`.
        flags: What its reader could not do.
        size: Bytes of the file.
        seconds: Spent on encoding and staging it; reading goes on beside that.
        counts: Characters, and spans by scale.
    """

    path: Path
    code: str
    detail: str = ""
    flags: tuple[Flag, ...] = ()
    size: int = 0
    seconds: float = 0.0
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        """Whether the file is in the knowledge base as it is on disk."""
        return self.code in DONE_CODES

    def to_json(self) -> dict[str, Any]:
        """As in ``octavo ingest --json`` and in its report."""
        return {
            "uri": str(self.path),
            "code": self.code,
            "detail": self.detail,
            "flags": [{"code": flag.code, "detail": flag.detail} for flag in self.flags],
            "bytes": self.size,
            "seconds": round(self.seconds, 3),
            "counts": dict(self.counts),
        }


def recipe(media_type: str, encoder_fingerprint: str) -> str:
    """Everything that shapes what becomes of a file's bytes: under another recipe, the file is worked on again."""
    from ..pipeline.reading import reader_version
    from ..pipeline.segment import SEGMENTER_VERSION
    from ..pipeline.terms import TERMS_VERSION

    parts = (reader_version(media_type), f"segmenter {SEGMENTER_VERSION}", f"terms {TERMS_VERSION}")
    return "; ".join((*parts, f"encoder {encoder_fingerprint}"))


def take_in(
    kb: KnowledgeBase,
    paths: Sequence[Path],
    encoder: Encoder,
    *,
    model: str = "",
    workers: int | None = None,
    commit_seconds: float = COMMIT_SECONDS,
    staged: Callable[[Taken], None] = lambda taken: None,
    interruptible: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> Iterator[Taken]:
    """Bring a knowledge base up to date with files.

    Args:
        kb: Opened with an encoder of terms.
        model: Name of the encoder's model, for the record of each commit.
        workers: Reader processes.
        staged: Told of each file as it is staged, which is earlier than the commit that its report waits for.
        interruptible: Makes the context inside which a ``KeyboardInterrupt`` may come. What was staged before it is
            committed and reported, then it is raised again.

    Yields:
        One report a path.

    Raises:
        KnowledgeBaseBusy: Another process is writing.
        FingerprintMismatch: The knowledge base was made with another model.
        OctavoError: Nothing more can be taken in: no room, no memory, an encoder that failed.
        OSError: The same, by another fault of the system.

    After every error what was staged before it is committed and reported where that is possible, and files that no
    commit names are removed.
    """
    try:
        yield from _take_in(kb, paths, encoder, model, workers, commit_seconds, staged, interruptible)
    except Exception as error:
        # On a full disk a writer may not even be able to close its files; the next one removes them first.
        with suppress(OctavoError, OSError, apsw.Error):
            kb.writer().close()
        if clear := _told(error, kb):
            raise clear from error
        raise


def _told(error: Exception, kb: KnowledgeBase) -> KnowledgeBaseError | None:
    """What to do about a lack of room or memory, whoever met it."""
    met: BaseException | None = error
    while met is not None:
        full = isinstance(met, OSError) and met.errno in (errno.ENOSPC, errno.EDQUOT)
        if full or isinstance(met, apsw.FullError):
            return KnowledgeBaseError(f"no room is left on the disk of {kb.path}: free some and run the same again")
        if isinstance(met, MemoryError):
            return KnowledgeBaseError(
                "memory has run out: close other programs or allow one reader (--workers 1), and run the same again"
            )
        met = met.__cause__ or met.__context__
    return None


def _take_in(
    kb: KnowledgeBase,
    paths: Sequence[Path],
    encoder: Encoder,
    model: str,
    workers: int | None,
    commit_seconds: float,
    staged: Callable[[Taken], None],
    interruptible: Callable[[], AbstractContextManager[object]],
) -> Iterator[Taken]:
    from ..pipeline.ingest import ingest

    with kb.writer() as writer:
        # Asked by several threads, and the writer's catalog belongs to this one.
        there = {(source.sha256, source.recipe) for source in kb.sources()}

        def known(source: Source) -> bool:
            return (source.sha256, recipe(source.media_type, encoder.fingerprint)) in there

        stream = ingest(paths, encoder, known=known, workers=workers)
        pending: list[Taken] = []
        again: list[Path] = []
        end: BaseException | None = None
        usable = True
        committed = time.monotonic()
        while True:
            staging = False
            try:
                with interruptible():
                    outcome = next(stream, None)
                    staging = True
                    taken = _stage(writer, outcome, encoder.fingerprint) if outcome else None
            except (Exception, KeyboardInterrupt) as error:
                end = error
                # The writer puts faults of its files as a KnowledgeBaseError once it has taken the file back. A bare
                # one says that it could not: what its shards hold is uncertain.
                usable = not (staging and isinstance(error, OSError))
                break
            if outcome is None:
                if not again:
                    break
                stream, again = ingest(again, encoder, workers=workers), []
                continue
            if taken is None:
                again.append(outcome.path)
            else:
                if taken.done and outcome.source is not None:
                    there.add((outcome.source.sha256, recipe(outcome.source.media_type, encoder.fingerprint)))
                pending.append(taken)
                staged(taken)
            # Inside a batch the next files cost next to nothing: its time went into its first.
            if outcome.ends_batch and time.monotonic() - committed > commit_seconds:
                end = _commit(kb, writer, pending, model)
                committed = time.monotonic()
                yield from pending
                pending = []
                if end is not None:
                    usable = False
                    break
        if usable:
            try:
                fault = _commit(kb, writer, pending, model)
            except Exception:
                if end is None:
                    raise
            else:
                yield from pending
                end = end or fault
        if end is not None:
            raise end


def plan(kb: KnowledgeBase | None, paths: Sequence[Path], encoder_fingerprint: str) -> Iterator[Taken]:
    """What :func:`take_in` would do, as far as can be told without reading the files through."""
    from ..pipeline.ingest import look_at
    from ..pipeline.reading import identify
    from ..pipeline.reading.dispatch import parser_for

    ledger = _Ledger(kb)
    again: list[tuple[Path, int, _Content]] = []
    for path in paths:
        try:
            size = look_at(path).st_size
            source = identify(path)
            parser_for(source)
        except SourceError as error:
            yield Taken(path, error.code, str(error))
            continue
        content = (source.sha256, source.media_type, recipe(source.media_type, encoder_fingerprint))
        if entered := ledger.enter(str(path), content, read=False):
            yield Taken(path, *entered, size=size)
        else:
            again.append((path, size, content))
    for path, size, content in again:
        if entered := ledger.enter(str(path), content, read=True):
            yield Taken(path, *entered, size=size)


_Content = tuple[str, str, str]
"""Digest, media type and recipe: what makes two contents the same."""


class _Ledger:
    """Which path would hold what: the writer's rules, without a writer."""

    def __init__(self, kb: KnowledgeBase | None) -> None:
        self._at: dict[str, _Content] = {}
        self._holders: dict[_Content, dict[str, None]] = {}
        for source in kb.sources() if kb else []:
            self._point(source.uri, (source.sha256, source.media_type, source.recipe))
        self._known = {(digest, made_by) for digest, _, made_by in self._holders}

    def _point(self, uri: str, content: _Content) -> None:
        self._remove(uri)
        self._at[uri] = content
        self._holders.setdefault(content, {})[uri] = None

    def _remove(self, uri: str) -> None:
        before = self._at.pop(uri, None)
        if before is not None:
            del self._holders[before][uri]

    def enter(self, uri: str, content: _Content, *, read: bool) -> tuple[str, str] | None:
        """Code and detail; ``None`` if the file has to be ``read`` after all, as :func:`_stage` says."""
        before = self._at.get(uri)
        if before == content:
            return UNCHANGED, ""
        holders = list(self._holders.get(content, ()))
        if not holders and not read and (content[0], content[2]) in self._known:
            return None
        self._point(uri, content)
        if not holders:
            return (ADDED if before is None else UPDATED), ""
        gone = [holder for holder in holders if is_gone(holder)]
        for holder in gone:
            self._remove(holder)
        return _linked(holders, gone)


def _commit(kb: KnowledgeBase, writer: Writer, pending: Sequence[Taken], model: str) -> Exception | None:
    """Commits; returns the error of a commit that is in all the same, after which the writer cannot go on.

    On a full disk SQLite makes a commit durable in its log, and then has no room to move it into the database.
    """
    changed = sum(taken.done and taken.code != UNCHANGED for taken in pending)
    number = writer.generation
    try:
        writer.commit({"action": "ingest", "sources": changed, "model": model})
    except Exception as error:
        with suppress(OctavoError, OSError, apsw.Error):
            if kb.generation >= number:
                return error
        raise
    return None


def _stage(writer: Writer, outcome: Outcome, encoder_fingerprint: str) -> Taken | None:
    """Stages one file. ``None`` if it has to be read after all.

    Its bytes were there when it was looked at, and went with their last path before its turn came: two files that
    swapped their contents.
    """
    began = time.monotonic()
    source = outcome.source
    if source is None or (outcome.encoded is None and outcome.code != "known"):
        return Taken(outcome.path, outcome.code, outcome.detail, size=outcome.size)
    made_by = recipe(source.media_type, encoder_fingerprint)
    state = writer.has(source, made_by)
    if state == "unchanged":
        return Taken(outcome.path, UNCHANGED, size=outcome.size)
    if state == "known":
        code, detail = _link(writer, outcome, source, made_by)
        return Taken(outcome.path, code, detail, size=outcome.size, seconds=time.monotonic() - began)
    if outcome.encoded is None:
        return None
    writer.add(outcome.encoded, made_by, outcome.size, outcome.mtime_ns)
    document = outcome.encoded.document
    counts = {"characters": len(document.text)}
    for span in outcome.encoded.spans:
        counts[span.scale.name] = counts.get(span.scale.name, 0) + 1
    code = ADDED if state == "new" else UPDATED
    return Taken(outcome.path, code, outcome.detail, document.flags, outcome.size, time.monotonic() - began, counts)


def _link(writer: Writer, outcome: Outcome, source: Source, made_by: str) -> tuple[str, str]:
    """Points a path at bytes that are there; a path of theirs whose file is gone was moved."""
    before = writer.uris(source, made_by)
    writer.link(source, made_by, outcome.size, outcome.mtime_ns)
    gone = [uri for uri in before if uri != source.uri and is_gone(uri)]
    for uri in gone:
        writer.remove(uri)
    return _linked(before, gone)


def _linked(before: Sequence[str], gone: Sequence[str]) -> tuple[str, str]:
    return (MOVED, f"from {gone[0]}") if gone else (LINKED, f"the same bytes as {before[0]}")


def is_gone(uri: str) -> bool:
    """Whether a file has left its folder, which is there itself: on a drive that is not mounted nothing has gone."""
    try:
        os.lstat(uri)
    except FileNotFoundError:
        return os.path.isdir(os.path.dirname(uri))
    except (OSError, ValueError):
        pass  # no permission to look, most likely
    return False


def gone_below(uris: Iterable[str], folders: Iterable[str | Path]) -> list[str]:
    """Sources below folders, of those that are there, whose files are there no longer."""
    below = tuple(os.path.join(os.path.abspath(folder), "") for folder in folders if os.path.isdir(folder))
    gone = []
    for uri in uris:
        if uri.startswith(below):
            try:
                os.lstat(uri)
            except (FileNotFoundError, NotADirectoryError):
                gone.append(uri)
            except (OSError, ValueError):
                continue
    return gone


def matching(uris: Sequence[str], asked: Sequence[str]) -> dict[str, list[str]]:
    """The sources that each path, folder or glob names.

    Globs match whole paths, and ``*`` crosses folders. One that begins with ``./``, ``../`` or ``~`` is taken from
    there, any other relative one (``*.pdf``, ``manuals/*.md``) fits in every folder.
    """
    found: dict[str, list[str]] = {}
    for name in asked:
        path = os.path.abspath(os.path.expanduser(name))
        exact = [uri for uri in uris if uri in (name, path) or uri.startswith(path.rstrip("/") + "/")]
        pattern = _whole_glob(name)
        found[name] = exact or [uri for uri in uris if fnmatch.fnmatchcase(uri, pattern)]
    return found


def _whole_glob(name: str) -> str:
    first, slash, rest = name.partition("/")
    if first in (".", ".."):
        return os.path.normpath(os.path.join(glob.escape(os.getcwd()), name))
    if first.startswith("~") and (home := os.path.expanduser(first)) != first:
        return os.path.normpath(glob.escape(home) + slash + rest)
    return name if name.startswith(("/", "*")) else f"*/{name}"
