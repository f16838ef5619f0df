"""What made each generation: the sources that came, changed and went, and everything that shaped what they became.

Most of it stands in the rows of sources and contents themselves, which say when they came and went; what compaction
drops leaves its facts behind. Nothing is written twice, so a generation of 100,000 files costs its rows and no more.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ...pipeline.document import Flag
from .catalog import Catalog, Row
from .commits import check_generation, manifests_from
from .stored import read_flags, read_uri

Action = Literal["added", "changed", "reread", "linked", "moved", "removed"]
"""``reread``: the same bytes under another recipe; ``linked``: bytes that were there under another path; ``moved``: the
same, and that path went."""

_CONTENT_COLUMNS = "sha256, media_type, recipe, text_length, vectors, flags, manifest, added"
_OWN = ("action", "model", "octavo", "options", "encoder", "encoders", "settings", "terms", "term_vectors")


@dataclass(frozen=True, slots=True)
class Making:
    """What a file's bytes became, and how.

    Attributes:
        made_by: Versions and fingerprints by stage, and counts, as the stages told them.
        vectors: Number by scale.
        flags: What its reader could not do.
        generation: In which it was made.
    """

    sha256: str
    media_type: str
    recipe: str
    characters: int
    vectors: Mapping[str, int]
    flags: tuple[Flag, ...]
    made_by: Mapping[str, str]
    generation: int

    def to_json(self) -> dict[str, Any]:
        """As in ``octavo status --generation N --json``."""
        return {
            "sha256": self.sha256,
            "media_type": self.media_type,
            "generation": self.generation,
            "made_by": dict(self.made_by),
            "recipe": self.recipe,
            "characters": self.characters,
            "vectors": dict(self.vectors),
            "flags": [{"code": flag.code, "detail": flag.detail} for flag in self.flags],
        }


@dataclass(frozen=True, slots=True)
class SourceChange:
    """A path that came, changed or went.

    Attributes:
        before, after: What it was and what it is; ``None`` where it was not there, or is not any more.
        moved_from: The path it had before.
    """

    uri: str
    action: Action
    before: Making | None
    after: Making | None
    moved_from: str = ""

    def to_json(self) -> dict[str, Any]:
        """As in ``octavo status --generation N --json``."""
        return {
            "uri": self.uri,
            "action": self.action,
            "moved_from": self.moved_from,
            "before": self.before.to_json() if self.before else None,
            "after": self.after.to_json() if self.after else None,
        }


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that gave nothing.

    Attributes:
        sha256, media_type: Empty where it could not even be read.
    """

    uri: str
    sha256: str
    media_type: str
    code: str
    detail: str

    def to_json(self) -> dict[str, Any]:
        """As in ``octavo status --generation N --json``."""
        return {
            "uri": self.uri,
            "sha256": self.sha256,
            "media_type": self.media_type,
            "code": self.code,
            "detail": self.detail,
        }


@dataclass(frozen=True, slots=True)
class GenerationRecord:
    """A commit and what is on record of it.

    Attributes:
        action: ``create``, ``ingest``, ``delete``, ``compact``, ``reembed``, ``calibrate``; empty if none was named.
        recorded: Whether it was made by a version of Octavo that keeps manifests. If not, what is not in rows any more
            is unknown.
        what: Octavo's version, model, options and settings, fingerprints of encoders by scale, and what else the
            commit said of itself.
        changes: Number of sources by what happened to them; ``failed`` for those that gave nothing.
    """

    number: int
    committed_at: str
    action: str
    recorded: bool
    what: Mapping[str, Any]
    changes: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """As in ``octavo status --generations --json``."""
        unknown = None if self.recorded else "unknown"
        return {
            "generation": self.number,
            "committed_at": self.committed_at,
            "action": self.action or "unknown",
            "recorded": self.recorded,
            "changes": dict(self.changes),
            **{name: self.what.get(name, unknown) for name in _OWN[1:]},
            "more": {name: value for name, value in self.what.items() if name not in _OWN},
        }


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything on record of one generation."""

    record: GenerationRecord
    sources: tuple[SourceChange, ...]
    failures: tuple[Failure, ...]

    def to_json(self) -> dict[str, Any]:
        """As in ``octavo status --generation N --json``."""
        return {
            **self.record.to_json(),
            "sources": [change.to_json() for change in self.sources],
            "failures": [failure.to_json() for failure in self.failures],
        }


def records(catalog: Catalog) -> list[GenerationRecord]:
    """All generations, the oldest first."""
    counts: dict[int, Counter[str]] = {}
    for number, action in _actions(catalog):
        counts.setdefault(number, Counter())[action] += 1
    for number, failed in catalog.rows("SELECT generation, count(*) FROM failure GROUP BY generation"):
        counts.setdefault(number, Counter())["failed"] = failed
    since = manifests_from(catalog)
    return [
        _record(row, since, counts.get(row[0], {}))
        for row in catalog.rows("SELECT number, committed_at, what FROM generation ORDER BY number")
    ]


def manifest(catalog: Catalog, number: int) -> Manifest:
    """What is on record of a generation.

    Raises:
        QueryError: There never was such a generation.
    """
    check_generation(catalog, number)
    (found,) = catalog.rows("SELECT number, committed_at, what FROM generation WHERE number = ?", (number,))
    changes = tuple(_changes(catalog, number))
    failures = tuple(
        Failure(read_uri(uri), *rest)
        for uri, *rest in catalog.rows(
            "SELECT uri, sha256, media_type, code, detail FROM failure WHERE generation = ? ORDER BY uri", (number,)
        )
    )
    counts = Counter[str](change.action for change in changes)
    if failures:
        counts["failed"] = len(failures)
    return Manifest(_record(found, manifests_from(catalog), counts), changes, failures)


def _record(row: Row, since: int, changes: Mapping[str, int]) -> GenerationRecord:
    number, committed_at, what = row
    read = json.loads(what)
    return GenerationRecord(
        number, committed_at, read.get("action", ""), number >= since or not number, read, dict(changes)
    )


_SOURCES = (
    "(SELECT uri, content_id, added, removed FROM source UNION ALL"
    " SELECT uri, content_id, added, removed FROM past_source)"
)
_CONTENTS = f"(SELECT id, {_CONTENT_COLUMNS} FROM content UNION ALL SELECT id, {_CONTENT_COLUMNS} FROM past_content)"


def _changes(catalog: Catalog, number: int) -> Iterator[SourceChange]:
    """Paths that came or went in a generation, sorted; what came and went in one never was."""
    came, went = (
        {
            row[0]: row[1:]
            for row in catalog.rows(
                f"SELECT s.uri, c.id, {_CONTENT_COLUMNS.replace('added', 'c.added')} FROM {_SOURCES} AS s"
                f" JOIN {_CONTENTS} AS c ON c.id = s.content_id"
                f" WHERE s.{when} = ? AND (s.removed IS NULL OR s.removed > s.added)",
                (number,),
            )
        }
        for when in ("added", "removed")
    )
    left = {row[0]: uri for uri, row in went.items() if uri not in came}
    moved = {
        uri: left.pop(row[0])
        for uri, row in sorted(came.items(), key=lambda item: read_uri(item[0]))
        if uri not in went and row[0] in left
    }
    for uri in sorted((came.keys() | went.keys()) - set(moved.values()), key=read_uri):
        before, after = (_making(rows[uri][1:]) if uri in rows else None for rows in (went, came))
        action = _action(before, after, number, uri in moved)
        yield SourceChange(read_uri(uri), action, before, after, read_uri(moved[uri]) if uri in moved else "")


def _action(before: Making | None, after: Making | None, number: int, moved: bool) -> Action:
    if after is None:
        return "removed"
    if before is not None:
        return "changed" if before.sha256 != after.sha256 else "reread"
    if moved:
        return "moved"
    return "added" if after.generation == number else "linked"


def _actions(catalog: Catalog) -> Iterator[tuple[int, Action]]:
    """The generation and the action of every change there was, without what it was about."""
    facts = {row[0]: row[1:] for row in catalog.rows(f"SELECT id, sha256, added FROM {_CONTENTS}")}
    came: dict[tuple[int, str | bytes], int] = {}
    went: dict[tuple[int, str | bytes], int] = {}
    for uri, content, added, removed in catalog.rows(f"SELECT uri, content_id, added, removed FROM {_SOURCES}"):
        if removed != added:
            came[added, uri] = content
            if removed is not None:
                went[removed, uri] = content
    left = Counter((number, content) for (number, uri), content in went.items() if (number, uri) not in came)
    for (number, uri), content in came.items():
        old = went.get((number, uri))
        if old is not None:
            same = facts.get(old, ("",))[0] == facts.get(content, ("",))[0]
            yield number, "reread" if same else "changed"
        elif left[number, content]:
            left[number, content] -= 1
            yield number, "moved"
        else:
            yield number, "added" if facts.get(content, ("", number))[1] == number else "linked"
    for (number, _), count in left.items():
        yield from ((number, "removed"),) * count


def _making(row: Row) -> Making:
    digest, kind, recipe, characters, vectors, flags, made_by, added = row
    return Making(digest, kind, recipe, characters, json.loads(vectors), read_flags(flags), json.loads(made_by), added)
