"""Files into a knowledge base: what is new is read, encoded and staged; commits come as time goes by.

A file is reported after the commit that holds it, never before: what was reported is there, whatever happens next.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import apsw

from ..pipeline.document import Source
from ..pipeline.errors import (
    KnowledgeBaseError,
    OctavoError,
)
from ..pipeline.stages import Stage, Stopwatch
from .rehearing import Rehearing
from .source_paths import is_gone
from .store.recipe import Recipes, sound_recipe, written_before
from .taken import ADDED, LASTING_CODES, TRANSCRIPT, UNCHANGED, UPDATED, Taken, linked
from .tracing import Ingest

if TYPE_CHECKING:
    from ..pipeline.embed import Encoded
    from ..pipeline.ingest import Encoder, Listener, Outcome, Phonetic, Transcriber
    from .collection import KnowledgeBase
    from .store.writer import Writer

COMMIT_SECONDS = 20.0
"""Time after which what is staged is committed, at the end of a batch. Every commit writes one shard a scale, so more
often costs."""


def take_in(
    kb: KnowledgeBase,
    paths: Sequence[Path],
    encoder: Encoder,
    *,
    listener: Listener | None = None,
    transcriber: Transcriber | None = None,
    phonetic: Phonetic | None = None,
    model: str = "",
    options: Mapping[str, object] | None = None,
    speech_model: str = "",
    workers: int | None = None,
    rehear: bool = False,
    commit_seconds: float = COMMIT_SECONDS,
    staged: Callable[[Taken], None] = lambda taken: None,
    heard: Callable[[Path, int, int], None] = lambda path, done, of: None,
    interruptible: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> Iterator[Taken]:
    """Bring a knowledge base up to date with files.

    Args:
        kb: Opened with an encoder of terms.
        listener: Encodes recordings, which are refused without it.
        transcriber: Writes down what is said in recordings that have no transcript beside them; what one wrote before
            stays as long as the recording and what listens to it do.
        phonetic: Pronounces words, so that those of transcripts get the times at which they are heard.
        model: Name of the encoder's model, for the record of each commit.
        options: What else the run was told that shapes its results, for the same.
        speech_model: File of the listener's weights, which the knowledge base then remembers; empty for the shipped.
        workers: Reader processes.
        rehear: Recordings that another listener heard are heard anew, all of them in one commit at the end: an error or
            an interrupt before it leaves everything as it was.
        staged: Told of each file as it is staged, which is earlier than the commit that its report waits for.
        heard: Told how many samples of a recording are done, of how many.
        interruptible: Makes the context inside which a ``KeyboardInterrupt`` may come. What was staged before it is
            committed and reported, then it is raised again.

    Yields:
        One report a path.

    Raises:
        KnowledgeBaseBusy: Another process is writing.
        FingerprintMismatch: The knowledge base was made with another model.
        KnowledgeBaseError: ``rehear``, and a recording that is in was not among the files, or gave nothing.
        OctavoError: Nothing more can be taken in: no room, no memory, an encoder that failed.
        OSError: The same, by another fault of the system.

    After every error what was staged before it is committed and reported where that is possible, and files that no
    commit names are removed, all but what was heard of a long recording: the next run goes on from there.
    """
    from ..pipeline.ingest import ingest
    from .store.unfinished import Unfinished

    def ingested(paths: Sequence[Path], known: Callable[[Source, str], bool]) -> Generator[Outcome, None, None]:
        return ingest(
            paths,
            encoder,
            listener=listener,
            transcriber=transcriber,
            phonetic=phonetic,
            unfinished=Unfinished(kb.path),
            known=known,
            workers=workers,
            heard=heard,
        )

    recipes = Recipes(
        encoder.fingerprint,
        sound_recipe(listener),
        transcriber.fingerprint if transcriber else "",
        written_before(kb.sources()),
    )
    anew = Rehearing.by(listener, kb.path, kb.sources(), writes=bool(transcriber)) if rehear and listener else None
    record = {"model": model, "options": dict(options or {}), "encoder": dict(getattr(encoder, "settings", {}))}
    trace = Ingest(len(paths), model)

    def told(taken: Taken) -> None:
        trace.file(str(taken.path), taken.code, taken.detail, taken.size, taken.counts, taken.stages, taken.done)
        staged(taken)

    try:
        yield from _take_in(
            kb, paths, ingested, recipes.of, record, speech_model, commit_seconds, told, interruptible, trace, anew
        )
    except KeyboardInterrupt as error:
        trace.end(error)
        raise
    except Exception as error:
        trace.end(error)
        # On a full disk a writer may not even be able to close its files; the next one removes them first.
        with suppress(OctavoError, OSError, apsw.Error):
            kb.writer().close()
        if clear := _told(error, kb):
            raise clear from error
        raise
    finally:
        trace.end()


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
    ingested: Callable[[Sequence[Path], Callable[[Source, str], bool]], Generator[Outcome, None, None]],
    made_by: Callable[[Source, str], str],
    record: Mapping[str, object],
    speech_model: str,
    commit_seconds: float,
    staged: Callable[[Taken], None],
    interruptible: Callable[[], AbstractContextManager[object]],
    trace: Ingest,
    anew: Rehearing | None,
) -> Iterator[Taken]:
    from ..pipeline.reading.media_signatures import RECORDINGS
    from .collection import SPEECH_MODEL

    with kb.writer() as writer:
        at_once = anew is not None and anew.begin(writer)
        if speech_model != kb.speech_model:
            writer.keep(SPEECH_MODEL, speech_model)
        # Asked by several threads, and the writer's catalog belongs to this one.
        there = {(source.sha256, source.recipe) for source in kb.sources()}
        refused = writer.refusals()

        def known(source: Source, transcript: str) -> bool:
            made = made_by(source, transcript)
            return (source.sha256, made) in there or (source.sha256, source.media_type, made) in refused

        stream = ingested(paths, known)
        pending: list[Taken] = []
        heard: list[str] = []
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
                    taken = _stage(writer, outcome, made_by, refused) if outcome else None
            except (Exception, KeyboardInterrupt) as error:
                end = error
                # The writer puts faults of its files as a KnowledgeBaseError once it has taken the file back. A bare
                # one says that it could not: what its shards hold is uncertain.
                usable = not (at_once or (staging and isinstance(error, OSError)))
                stream.close()  # now, and with it the samples of recordings that were read ahead
                break
            if outcome is None:
                if not again:
                    break
                stream, again = ingested(again, lambda source, transcript: False), []
                continue
            if taken is None:
                again.append(outcome.path)
            else:
                if taken.done and outcome.source is not None:
                    there.add((outcome.source.sha256, made_by(outcome.source, outcome.transcript)))
                    if taken.code != TRANSCRIPT and outcome.source.media_type in RECORDINGS:
                        heard.append(outcome.source.sha256)  # unchanged ones too: a kill came before this was done
                pending.append(taken)
                staged(taken)
            # Inside a batch the next files cost next to nothing: its time went into its first.
            if outcome.ends_batch and not at_once and time.monotonic() - committed > commit_seconds:
                _commit(writer, pending, record, trace)
                committed = time.monotonic()
                _forget(kb, heard)
                yield from pending
                pending, heard = [], []
        if anew and at_once and end is None:
            anew.end(writer, pending)
        if usable:
            try:
                _commit(writer, pending, record, trace)
            except Exception:
                if end is None:
                    raise
            else:
                _forget(kb, heard)
                yield from pending
        if end is not None:
            raise end


def _commit(writer: Writer, pending: Sequence[Taken], record: Mapping[str, object], trace: Ingest) -> None:
    changed = sum(taken.done and taken.code != UNCHANGED for taken in pending)
    watch = Stopwatch()
    generation = writer.commit({"action": "ingest", "sources": changed, **record})
    trace.stage(watch.lap("commit"), {"sources": changed, "generation": generation})


def _forget(kb: KnowledgeBase, heard: Sequence[str]) -> None:
    """Drops what was kept of recordings that are committed now."""
    from .store.unfinished import Unfinished

    for sha256 in heard:
        Unfinished(kb.path).drop(sha256)


def _stage(
    writer: Writer,
    outcome: Outcome,
    recipe_of: Callable[[Source, str], str],
    refused: Mapping[tuple[str, str, str], tuple[str, str]],
) -> Taken | None:
    """Stages one file. ``None`` if it has to be read after all.

    Its bytes were there when it was looked at, and went with their last path before its turn came: two files that
    swapped their contents.
    """
    began = time.monotonic()
    source = outcome.source
    if source is None:
        writer.fail(str(outcome.path), None, outcome.code, outcome.detail)
        return Taken(outcome.path, outcome.code, outcome.detail, size=outcome.size)
    if outcome.code == TRANSCRIPT:
        writer.remove(source.uri)  # if it went in by itself before its recording stood beside it
        return Taken(outcome.path, TRANSCRIPT, outcome.detail, size=outcome.size)
    made_by = recipe_of(source, outcome.transcript)
    if before := refused.get((source.sha256, source.media_type, made_by)):
        return Taken(outcome.path, before[0], f"{before[1]} (not tried again: the same bytes)", size=outcome.size)
    if outcome.encoded is None and outcome.code != "known":
        if outcome.code in LASTING_CODES:
            writer.refuse(source, made_by, outcome.code, outcome.detail)
        writer.fail(source.uri, source, outcome.code, outcome.detail)
        return Taken(outcome.path, outcome.code, outcome.detail, size=outcome.size)
    state = writer.has(source, made_by)
    if state == "unchanged":
        return Taken(outcome.path, UNCHANGED, size=outcome.size)
    if state == "known":
        code, detail = _link(writer, outcome, source, made_by)
        return Taken(outcome.path, code, detail, size=outcome.size, seconds=time.monotonic() - began)
    if outcome.encoded is None:
        return None
    watch = Stopwatch()
    added = writer.add(_timed(outcome.encoded, watch), made_by, outcome.size, outcome.mtime_ns)
    encoding = Stage("encode", watch.began_ns, watch.seconds)
    whole = watch.lap("write")
    writing = replace(whole, began_ns=whole.began_ns + int(watch.seconds * 1e9), seconds=whole.seconds - watch.seconds)
    document, sound = outcome.encoded.document, outcome.encoded.sound
    counts = {"characters": len(document.text)}
    for span in outcome.encoded.spans:
        counts[span.scale.name] = counts.get(span.scale.name, 0) + 1
    if sound is not None:
        counts |= {"samples": sound.recording.samples, **added.counts}
    code = ADDED if state == "new" else UPDATED
    flags = (*document.flags, *added.flags)
    stages = (*outcome.stages, encoding, writing)
    return Taken(outcome.path, code, outcome.detail, flags, outcome.size, time.monotonic() - began, counts, stages)


def _timed(encoded: Encoded, watch: Stopwatch) -> Encoded:
    """The same, telling the watch how long its vectors take to make."""
    sound = encoded.sound
    if sound is not None:
        sound = replace(sound, utterances=watch.timing(sound.utterances))
    return replace(encoded, embeddings=watch.timing(encoded.embeddings), sound=sound)


def _link(writer: Writer, outcome: Outcome, source: Source, made_by: str) -> tuple[str, str]:
    """Points a path at bytes that are there; a path of theirs whose file is gone was moved."""
    before = writer.uris(source, made_by)
    writer.link(source, made_by, outcome.size, outcome.mtime_ns)
    gone = [uri for uri in before if uri != source.uri and is_gone(uri)]
    for uri in gone:
        writer.remove(uri)
    return linked(before, gone)
