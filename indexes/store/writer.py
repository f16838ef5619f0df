"""The write side: many sources, one commit."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Literal

from ...pipeline.document import Flag, Metadata, Source, Span
from ...pipeline.embed import Embeddings, Encoded
from ...pipeline.errors import KnowledgeBaseError
from ...pipeline.scale import TERM_SCALES, Medium
from .catalog import Catalog
from .commits import newest_generation, record_generation
from .filter import instant
from .folder import remove_files
from .lock import WriterLock
from .sound_vectors import drop_all, heard_before, made_by_others
from .sounding import stage_sound
from .staged_shards import StagedShards
from .staging import Words, stage
from .stored import read_uri, storable, stored_flags, stored_uri
from .term_vectors import TermScale
from .text_vectors import SpanEncoder, encode_anew, made_by
from .token_rows import kept_by, stage_tokens

State = Literal["unchanged", "known", "changed", "new"]

NO_SPEECH = Flag("no-speech", "no utterance was heard in it")


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a document or recording that was added.

    Attributes:
        counts: Utterances, phrases and samples of speech; empty for documents.
        flags: What was found missing only as its sound was heard.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    flags: tuple[Flag, ...] = ()


class Writer:
    """The one writer of a knowledge base: stages sources, and commits them together.

    What is staged is seen by nobody, and gone if the writer ends without a commit, by an error, or by a kill.
    """

    def __init__(self, root: Path, catalog: Catalog, lock: WriterLock, terms: Sequence[TermScale] = ()) -> None:
        """Args:
        terms: Scales of terms that get vectors with each commit.
        """
        self._root, self._catalog, self._lock, self._terms = root, catalog, lock, terms
        self._words = Words(catalog)
        self._begin()

    def _begin(self) -> None:
        self._catalog.begin_writing()
        self._shards = StagedShards(self._root, self._catalog)
        self._changed = False
        self._settings: dict[str, str] = {}
        self.generation = newest_generation(self._catalog) + 1

    # Asking

    def has(self, source: Source, recipe: str) -> State:
        """What would have to be done for a source, staged ones counted.

        Returns:
            ``unchanged``: the path is there with these bytes, made by this recipe: nothing. ``known``: the bytes
            are there under another path: :meth:`link` (and :meth:`remove` of a path whose file is gone: a move).
            ``changed``: the path is there with other bytes or another recipe: :meth:`add`. ``new``: :meth:`add`.
        """
        content = self._content(source, recipe)
        current = self._catalog.value(
            "SELECT content_id FROM source WHERE uri = ? AND removed IS NULL", (stored_uri(source.uri),)
        )
        if content is not None:
            return "unchanged" if current == content else "known"
        return "new" if current is None else "changed"

    def uris(self, source: Source, recipe: str) -> list[str]:
        """All paths under which the bytes of a source are there."""
        rows = self._catalog.rows(
            "SELECT uri FROM source WHERE content_id = ? AND removed IS NULL ORDER BY id",
            (self._content(source, recipe),),
        )
        return [read_uri(row[0]) for row in rows]

    def _content(self, source: Source, recipe: str) -> int | None:
        value = self._catalog.value(
            "SELECT id FROM content WHERE sha256 = ? AND media_type = ? AND recipe = ? AND removed IS NULL",
            (source.sha256, source.media_type, recipe),
        )
        return None if value is None else int(value)

    # Staging

    def link(self, source: Source, recipe: str, bytes: int, mtime_ns: int) -> None:
        """Stages a path for bytes that are there already, or new file times for a path that is.

        Raises:
            KnowledgeBaseError: The bytes are not there.
        """
        content = self._content(source, recipe)
        if content is None:
            raise KnowledgeBaseError(f"{source.uri} cannot be linked: its bytes are not in the knowledge base; add it")
        with self._catalog.step():
            modified, created = self._catalog.rows("SELECT modified, created FROM content WHERE id = ?", (content,))[0]
            self._point(source.uri, content, bytes, mtime_ns, Metadata(created=created, modified=modified))

    def remove(self, uri: str) -> bool:
        """Stages the removal of a path; its content goes with its last path. False if the path is not there."""
        with self._catalog.step():
            content = self._catalog.value(
                "UPDATE source SET removed = ? WHERE uri = ? AND removed IS NULL RETURNING content_id",
                (self.generation, stored_uri(uri)),
            )
            if content is None:
                return False
            self._drop_if_unused(content)
        self._changed = True
        return True

    def refuse(self, source: Source, recipe: str, code: str, detail: str) -> None:
        """Stages that the bytes of a source give nothing under a recipe."""
        with self._catalog.step():
            self._catalog.rows(
                "INSERT OR REPLACE INTO refusal VALUES (?, ?, ?, ?, ?)",
                (source.sha256, source.media_type, recipe, code, storable(detail)),
            )
        self._changed = True

    def fail(self, uri: str, source: Source | None, code: str, detail: str) -> None:
        """Stages the record of a file that gave nothing; by itself it makes no generation.

        Args:
            source: ``None`` if the file could not even be opened.
        """
        digest, kind = (source.sha256, source.media_type) if source else ("", "")
        self._catalog.rows(
            "INSERT INTO failure VALUES (?, ?, ?, ?, ?, ?)",
            (self.generation, stored_uri(uri), digest, kind, code, storable(detail)),
        )

    def refusals(self) -> dict[tuple[str, str, str], tuple[str, str]]:
        """Code and detail of all bytes known to give nothing, by digest, media type and recipe."""
        rows = self._catalog.rows("SELECT sha256, media_type, recipe, code, detail FROM refusal")
        return {(digest, kind, recipe): (code, detail) for digest, kind, recipe, code, detail in rows}

    def add(self, encoded: Encoded, recipe: str, bytes: int, mtime_ns: int) -> Added:
        """Stages a document or recording in place of what its path held before, wholly or not at all.

        Vectors go to disk as they are made; the document's embeddings and the recording's utterances are read once.

        Args:
            recipe: Everything that shaped the result besides the bytes: versions and settings of the stages.
            bytes, mtime_ns: Of the file, for a later look at whether it changed.

        Raises:
            FingerprintMismatch: The vectors are of another encoder than those that are there.
            KnowledgeBaseError: Spans, words, utterances or vectors do not fit together.
        """
        source = encoded.document.source
        added = Added()
        marks = self._shards.marks()
        try:
            with self._catalog.step():
                content = self._content(source, recipe)
                if content is None:
                    content, added = self._insert(encoded, recipe)
                self._point(source.uri, content, bytes, mtime_ns, encoded.document.metadata)
        except BaseException:
            self._words.forget()
            self._shards.go_back(marks)
            raise
        return added

    def _point(self, uri: str, content: int, bytes: int, mtime_ns: int, metadata: Metadata) -> None:
        """Makes a path point to a content."""
        dated = instant(metadata.modified) or instant(metadata.created) or mtime_ns / 1e9
        old = self._catalog.rows(
            "UPDATE source SET removed = ? WHERE uri = ? AND removed IS NULL RETURNING content_id",
            (self.generation, stored_uri(uri)),
        )
        self._catalog.rows(
            "INSERT INTO source (uri, content_id, bytes, mtime_ns, dated, added) VALUES (?, ?, ?, ?, ?, ?)",
            (stored_uri(uri), content, bytes, mtime_ns, dated, self.generation),
        )
        for (previous,) in old:
            self._drop_if_unused(previous)
        self._changed = True

    def _drop_if_unused(self, content: int) -> None:
        self._catalog.rows(
            "UPDATE content SET removed = ?1 WHERE id = ?2"
            " AND NOT EXISTS (SELECT 1 FROM source WHERE content_id = ?2 AND removed IS NULL)",
            (self.generation, content),
        )

    def _insert(self, encoded: Encoded, recipe: str) -> tuple[int, Added]:
        staged = stage(self._catalog, encoded, recipe, self._words, self.generation)
        counts: dict[str, int] = {}
        for embeddings in encoded.embeddings:
            stage_tokens(self._catalog, staged.first, embeddings, self.keep)
            self._insert_vectors(embeddings, staged.first, encoded.spans)
            counts[embeddings.scale.name] = counts.get(embeddings.scale.name, 0) + len(embeddings.spans)
        added = Added()
        if encoded.sound is not None:
            first = staged.first + len(encoded.spans)
            sounded = stage_sound(self._catalog, self._shards.of, encoded.sound, staged.content, first)
            counts |= sounded.vectors
            flags = () if sounded.utterances else (NO_SPEECH,)
            counted = {"utterance": sounded.utterances, "phrase": sounded.phrases, "speech": sounded.speech}
            added = Added(counted, flags)
            self._catalog.rows("UPDATE setting SET value = ? WHERE key = 'next_span'", (sounded.stop,))
            self._catalog.rows(
                "UPDATE content SET stop = ?, flags = ? WHERE id = ?",
                (sounded.stop, stored_flags((*encoded.document.flags, *flags)), staged.content),
            )
        self._catalog.rows("UPDATE content SET vectors = ? WHERE id = ?", (json.dumps(counts), staged.content))
        return staged.content, added

    def _insert_vectors(self, embeddings: Embeddings, first: int, spans: Sequence[Span]) -> None:
        scale = embeddings.scale
        if scale in TERM_SCALES:
            raise KnowledgeBaseError(
                f"{scale} vectors belong to terms, not to documents: give the writer a term encoder"
            )
        if scale.medium is Medium.AUDIO:
            raise KnowledgeBaseError(f"{scale} vectors come with their utterances, as the sound of a recording")
        if any(spans[at].scale != scale for at in embeddings.spans.tolist()):
            raise KnowledgeBaseError(f"{scale} vectors were given for spans of another scale")
        self._shards.of(scale.name, embeddings.vectors.shape[1], embeddings.fingerprint).add(
            first + embeddings.spans, embeddings.vectors
        )

    def keep(self, key: str, value: str) -> None:
        """Stages a setting, which the record of the generation holds too."""
        self._catalog.rows("INSERT OR REPLACE INTO setting VALUES (?, ?)", (key, value))
        self._settings[key] = value
        self._changed = True

    # Committing

    def commit(self, what: Mapping[str, object] | None = None) -> int:
        """Makes everything staged durable and visible at once; the writer can go on with the next commit.

        Args:
            what: For the record of the generation, JSON.

        Returns:
            The new generation; the newest there is if nothing was staged.
        """
        if not self._changed:
            return self.generation - 1
        for terms in self._terms:
            terms.encode_new(self._catalog, self._shards.of)
        replaced = self._shards.finish(self.generation)
        record = {**(what or {}), **({"settings": self._settings} if self._settings else {})}
        record_generation(self._catalog, self.generation, record)
        self._shards.hand_over()
        self._catalog.commit()
        remove_files([path for row in replaced for path in row.paths(self._root)])
        committed = self.generation
        self._begin()
        return committed

    def renew_terms(self) -> list[str]:
        """Stages new vectors for scales of terms that another encoder made; the names of these scales.

        Until the commit, and for whoever holds an older generation, the vectors that are there answer.
        """
        stale = [terms.scale.name for terms in self._terms if terms.stale(self._catalog)]
        self._changed |= bool(stale)
        return stale

    def renew_text(self, encoder: SpanEncoder, told: Callable[[int, int], None] = lambda done, of: None) -> bool:
        """Stages new vectors for all text if another encoder made those that are there; whether it did.

        Until the commit, and for whoever holds an older generation, the vectors that are there answer.

        Args:
            told: Told how many characters of how many are done.
        """
        made = made_by(self._catalog)
        # Encoders of tests and of others need not keep token states.
        tokens = getattr(encoder, "token_fingerprint", "")
        if not made or (made == encoder.fingerprint and tokens == kept_by(self._catalog)):
            return False
        with self._catalog.step():
            encode_anew(self._catalog, encoder, self._shards.of, self.keep, told)
        self._changed = True
        return True

    def renew_sound(self, phoneme: str, prosody: str) -> bool:
        """Makes room for recordings that are heard anew, if another encoder heard those that are there; whether it did.

        Until the commit, and for whoever holds an older generation, the vectors that are there answer.

        Args:
            phoneme, prosody: Fingerprints of the encoder that hears them anew.
        """
        if not made_by_others(self._catalog, phoneme, prosody):
            return False
        with self._catalog.step():
            drop_all(self._catalog)
        self._changed = True
        return True

    def heard_before(self) -> list[str]:
        """Paths of live recordings that this transaction has not heard anew, sorted."""
        return heard_before(self._catalog, self.generation)

    # Ending

    def close(self) -> None:
        """Drops what is staged and lets the next writer in."""
        try:
            self._shards.abandon()
            self._catalog.end()
            self._shards.remove()
        finally:
            self._catalog.close()
            self._lock.release()

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
