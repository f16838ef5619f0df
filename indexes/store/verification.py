"""Whether a knowledge base is what was committed: every byte of every file."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...pipeline.errors import DamagedFile, KnowledgeBaseError
from ...pipeline.posteriors import FRAME, window_grid
from ...pipeline.scale import CHARACTER, PHONEME, PROSODY, SCALES, TERM_SCALES, Scale
from .catalog import NAME, Catalog, Ids, Row
from .commits import newest_generation
from .compaction import live_ranges
from .durable import check_file
from .folder import stray_files
from .ranges import WINDOWS, utterances_of, vector_ranges, within
from .shard import Shard, ShardRow
from .sound_verification import sound_faults
from .stored import shard_rows
from .term_vectors import progress_key
from .token_rows import token_faults
from .unfinished import Unfinished

_BATCH = 4096
_TERMS = {scale.name: scale for scale in TERM_SCALES}


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong.

    Attributes:
        file: Path inside the knowledge base's folder.
        what: What is wrong with it.
    """

    file: str
    what: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What a check of a knowledge base found.

    Attributes:
        generation: Checked; -1 if the catalog is too damaged to tell.
        problems: What must not be.
        orphans: Files that no commit names: left by a process that was killed, removed by the next writer, harmless.
        files, bytes: Looked at.
        unfinished: What was heard of recordings whose ingest was cut off; the next ingest of them goes on from there,
            and does without whatever of it is damaged.
    """

    generation: int
    problems: tuple[Problem, ...]
    orphans: tuple[str, ...]
    files: int
    bytes: int
    unfinished: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


class Verifier:
    """One check of one knowledge base, while others may write."""

    def __init__(self, root: Path, catalog: Catalog) -> None:
        self._root, self._catalog = root, catalog
        self._problems: list[Problem] = []
        self._files = 1
        self._bytes = catalog.path.stat().st_size

    def run(self) -> Verification:
        """Checks everything; a damaged catalog ends the check, since nothing can be compared with it."""
        generation = -1
        stray: list[Path] = []
        try:
            with self._catalog.reading():
                generation = newest_generation(self._catalog)
                rows = shard_rows(self._catalog)
                opened = [(row, self._open(row)) for row in rows]
                for fault in self._catalog.damage():
                    self._add(self._root / NAME, fault)
                if not self._problems:
                    self._check_contents()
                    for fault in (*sound_faults(self._catalog), *token_faults(self._catalog)):
                        self._add(self._root / NAME, fault)
                for row, shard in opened:
                    self._check_shard(row, shard)
                self._check_vectors(opened)
                stray = stray_files(self._root, self._catalog)
        except DamagedFile as error:
            self._add(self._root / NAME, str(error))
        return Verification(
            generation,
            tuple(dict.fromkeys(self._problems)),
            tuple(str(path.relative_to(self._root)) for path in stray),
            self._files,
            self._bytes,
            tuple(str(path.relative_to(self._root)) for path in Unfinished(self._root).files()),
        )

    def _add(self, file: Path, what: str) -> None:
        self._problems.append(Problem(str(file.relative_to(self._root)), what))

    def _open(self, row: ShardRow) -> Shard | None:
        try:
            return Shard(self._root, row)
        except FileNotFoundError as error:
            self._add(Path(error.filename), "is missing")
            return None

    def _check_shard(self, row: ShardRow, shard: Shard | None) -> None:
        if shard is None:
            return
        self._files += 1 + bool(row.index_checksum)
        self._bytes += row.bytes + row.index_bytes
        index = row.index_path(self._root)
        if index is not None and (fault := check_file(index, row.index_bytes, row.index_checksum)):
            self._add(index, fault)
        path = row.vectors_path(self._root)
        try:
            ids = shard.ids
        except KnowledgeBaseError as error:
            self._add(path, str(error))
            return
        if np.any(ids[1:] <= ids[:-1]):
            self._add(path, "its ids do not rise")
        bottom, top = 1, int(self._catalog.value("SELECT value FROM setting WHERE key = 'next_span'")) - 1
        if row.scale in _TERMS:
            top = int(self._catalog.value("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'term'"))
        elif row.scale == PHONEME.name:
            bottom, top = WINDOWS, top * WINDOWS + WINDOWS - 1
        if len(ids) and (ids[0] < bottom or ids[-1] > top):
            self._add(path, f"it holds ids from {ids[0]} to {ids[-1]}, the catalog gave out {bottom} to {top}")

    def _check_vectors(self, opened: list[tuple[ShardRow, Shard | None]]) -> None:
        """Every live content has as many vectors at each scale as were committed, each for a span of that scale."""
        contents = self._catalog.rows("SELECT first, stop, vectors FROM content WHERE removed IS NULL")
        expected: Counter[str] = Counter()
        for _, _, vectors in contents:
            expected.update(json.loads(vectors))
        live = live_ranges(self._catalog)
        for scale in {row.scale for row, _ in opened} | set(expected):
            own = [shard for row, shard in opened if row.scale == scale]
            if any(shard is None for shard in own):
                continue
            try:
                ids = np.sort(np.concatenate([shard.ids for shard in own if shard] or [np.empty(0, np.int64)]))
            except KnowledgeBaseError:
                continue  # named already
            ranges = vector_ranges(scale, live)
            if ranges is None:
                self._check_terms(_TERMS[scale], ids)
                continue
            living = ids[within(ids, ranges)]
            if len(living) != expected[scale] or len(np.unique(living)) != len(living):
                self._add(
                    self._root / NAME, f"{expected[scale]} live {scale} vectors were committed, {len(living)} are there"
                )
            if strangers := self._strangers(SCALES[scale], living):
                self._add(self._root / NAME, f"{strangers} {scale} vectors belong to no span of that scale")

    def _check_terms(self, scale: Scale, ids: Ids) -> None:
        known = np.array([row[0] for row in self._catalog.rows("SELECT id FROM term ORDER BY id")], np.int64)
        done = int(self._catalog.value("SELECT value FROM setting WHERE key = ?", (progress_key(scale),)) or 0)
        # Not every term can be said, but every one can be spelt.
        lacking = np.setdiff1d(known[known <= done], ids) if scale == CHARACTER else known[:0]
        if len(lacking):
            self._add(self._root / NAME, f"{len(lacking)} terms have no {scale} vector, term {lacking[0]} first")
        if len(np.unique(ids)) != len(ids):
            self._add(self._root / NAME, f"some terms have two {scale} vectors")

    def _strangers(self, scale: Scale, living: Ids) -> int:
        """How many vectors belong to no span or sound of their scale."""
        if scale == PHONEME:
            utterances, windows = np.unique(utterances_of(living), return_counts=True)
            found = self._among("SELECT id, stop - start FROM sound WHERE parent = -1 AND id IN", utterances)
            there = {one: len(window_grid(samples // FRAME)) for one, samples in found}
            return sum(
                count if one not in there else abs(count - there[one])
                for one, count in zip(utterances.tolist(), windows.tolist(), strict=True)
            )
        if scale == PROSODY:
            return len(living) - len(self._among("SELECT id FROM sound WHERE id IN", living))
        return len(living) - len(self._among(f"SELECT id FROM span WHERE rank = {scale.rank} AND id IN", living))

    def _among(self, sql: str, ids: Ids) -> list[Row]:
        rows: list[Row] = []
        for at in range(0, len(ids), _BATCH):
            rows += self._catalog.among(f"{sql} (SELECT value FROM carray(?))", ids[at : at + _BATCH])
        return rows

    def _check_contents(self) -> None:
        """Texts are as long as they were, spans as many, and every source has its content."""
        catalog, file = self._catalog, self._root / NAME
        for content, length, found in catalog.rows(
            "SELECT c.id, c.text_length, coalesce((SELECT sum(stop - start) FROM text WHERE content_id = c.id), 0)"
            " FROM content AS c"
        ):
            if length != found:
                self._add(file, f"content {content} has {found} characters of text, {length} were committed")
        for content, number, found in catalog.rows(
            "SELECT c.id, c.stop - c.first, (SELECT count(*) FROM span WHERE id >= c.first AND id < c.stop)"
            " + (SELECT count(*) FROM sound WHERE id >= c.first AND id < c.stop) FROM content AS c"
        ):
            if number != found:
                self._add(file, f"content {content} has {found} spans and sounds, {number} were committed")
        lost = catalog.value(
            "SELECT count(*) FROM source AS s WHERE s.removed IS NULL"
            " AND NOT EXISTS (SELECT 1 FROM content AS c WHERE c.id = s.content_id AND c.removed IS NULL)"
        )
        if lost:
            self._add(file, f"{lost} sources have no content")
        paragraphs = catalog.value("SELECT coalesce(sum(paragraphs), 0) FROM content")
        indexed = catalog.value("SELECT count(*) FROM lexical")
        if paragraphs != indexed:
            self._add(file, f"the lexical index holds {indexed} paragraphs, {paragraphs} were committed")
