"""Formats, locks, folders: the ways in which a catalog is opened or refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import apsw
import pytest
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.store import schema
from octavo.indexes.store.catalog import NAME, Catalog
from octavo.pipeline.errors import KnowledgeBaseBusy, KnowledgeBaseError, NotAKnowledgeBase

from .world import TermVectors, add_all, encode, nearest, sentence, write_text


def raw(path: Path) -> apsw.Connection:
    """The database as SQLite sees it, checksums kept."""
    Catalog(path, "read").close()  # registers the extension
    return apsw.Connection(str(path), vfs="cksmvfs")


def test_an_empty_format_is_lifted_all_the_way(tmp_path: Path) -> None:
    """Format 0 by hand: a database of ours without a table."""
    KnowledgeBase.open(tmp_path / "other", create=True).close()  # registers the extension
    (tmp_path / "kb" / "vectors").mkdir(parents=True)
    connection = apsw.Connection(str(tmp_path / "kb" / NAME), vfs="cksmvfs")
    connection.reserve_bytes(reserve=8)
    connection.pragma("journal_mode", "wal")
    connection.pragma("application_id", schema.APPLICATION_ID)
    connection.close()
    with pytest.raises(NotAKnowledgeBase, match="older format 0"):
        KnowledgeBase.open(tmp_path / "kb", read_only=True)
    base = KnowledgeBase.open(tmp_path / "kb", term_encoder=TermVectors())
    add_all(base, [encode("/d/a.txt", write_text(1))])
    assert base.verify().clean
    assert raw(tmp_path / "kb" / NAME).pragma("user_version") == schema.FORMAT


def test_a_later_format_keeps_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = encode("/d/a.txt", write_text(1))
    with KnowledgeBase.open(tmp_path / "kb", create=True) as base:
        add_all(base, [encoded])

    def rename(connection: apsw.Connection) -> None:
        connection.execute("ALTER TABLE content ADD COLUMN note TEXT NOT NULL DEFAULT 'none'")

    def fail(connection: apsw.Connection) -> None:
        connection.execute("DELETE FROM content")
        raise RuntimeError("power cut")

    monkeypatch.setattr("octavo.indexes.store.catalog.FORMAT", schema.FORMAT + 2)
    monkeypatch.setattr(
        "octavo.indexes.store.catalog.migrate", lambda c: schema.migrate(c, (*schema.MIGRATIONS, rename, fail))
    )
    with pytest.raises(RuntimeError, match="power cut"):
        KnowledgeBase.open(tmp_path / "kb")
    connection = raw_of(tmp_path / "kb" / NAME)
    assert connection.pragma("user_version") == schema.FORMAT + 1  # the good step stays, the bad one left nothing
    assert connection.execute("SELECT count(*), min(note) FROM content").fetchall() == [(1, "none")]
    connection.close()
    monkeypatch.setattr("octavo.indexes.store.catalog.FORMAT", schema.FORMAT + 1)
    with KnowledgeBase.open(tmp_path / "kb") as base:
        assert nearest(base, sentence(encoded)) == sentence(encoded)


def raw_of(path: Path) -> apsw.Connection:
    return apsw.Connection(str(path), vfs="cksmvfs")


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    KnowledgeBase.open(tmp_path / "kb", create=True).close()
    connection = raw(tmp_path / "kb" / NAME)
    connection.pragma("user_version", schema.FORMAT + 1)
    connection.close()
    for read_only in (False, True):
        with pytest.raises(NotAKnowledgeBase, match="newer Octavo"):
            KnowledgeBase.open(tmp_path / "kb", read_only=read_only)


def test_other_folders_are_left_alone(tmp_path: Path) -> None:
    with pytest.raises(NotAKnowledgeBase, match="holds no knowledge base"):
        KnowledgeBase.open(tmp_path)
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(NotAKnowledgeBase, match=r"thesis\.tex"):
        KnowledgeBase.open(tmp_path, create=True)
    (tmp_path / "db").mkdir()
    apsw.Connection(str(tmp_path / "db" / NAME)).execute("CREATE TABLE mine (x)")
    with pytest.raises(NotAKnowledgeBase, match="no catalog of Octavo"):
        KnowledgeBase.open(tmp_path / "db", create=True)


def test_creating_again_is_opening(tmp_path: Path) -> None:
    with KnowledgeBase.open(tmp_path / "a" / "kb", create=True) as base:
        add_all(base, [encode("/d/a.txt", write_text(1))])
    assert KnowledgeBase.open(tmp_path / "a" / "kb", create=True).generation == 1
    assert sorted(path.name for path in (tmp_path / "a" / "kb").iterdir() if path.stat().st_size) == [NAME, "vectors"]


def test_an_interrupted_creation_is_finished(tmp_path: Path) -> None:
    (tmp_path / "kb").mkdir()
    (tmp_path / "kb" / "lock").touch()
    (tmp_path / "kb" / f"{NAME}.part").write_bytes(b"half")
    base = KnowledgeBase.open(tmp_path / "kb", create=True)
    assert base.generation == 0
    assert base.verify().clean


def test_read_only_reads(tmp_path: Path) -> None:
    encoded = encode("/d/a.txt", write_text(1))
    with KnowledgeBase.open(tmp_path / "kb", create=True) as base:
        add_all(base, [encoded])
    with KnowledgeBase.open(tmp_path / "kb", read_only=True) as base:
        assert nearest(base, sentence(encoded)) == sentence(encoded)
        for action in (base.writer, base.compact, lambda: base.delete(["/d/a.txt"])):
            with pytest.raises(KnowledgeBaseError, match="read-only"):
                action()
    with pytest.raises(KnowledgeBaseError, match="read-only"):
        KnowledgeBase.open(tmp_path / "new", create=True, read_only=True)


def test_a_read_only_medium_can_be_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = encode("/d/a.txt", write_text(1))
    with KnowledgeBase.open(tmp_path / "kb", create=True) as base:
        add_all(base, [encoded])
    # As root nothing is unwritable: the answer of the system is what is replaced.
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    (tmp_path / "kb" / NAME).chmod(0o400)
    (tmp_path / "kb").chmod(0o500)
    try:
        with KnowledgeBase.open(tmp_path / "kb", read_only=True) as base:
            assert nearest(base, sentence(encoded)) == sentence(encoded)
    finally:
        (tmp_path / "kb").chmod(0o700)


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    base = KnowledgeBase.open(tmp_path / "kb", create=True)
    again = KnowledgeBase.open(tmp_path / "kb")
    with base.writer():
        with pytest.raises(KnowledgeBaseBusy, match="this very process"):
            again.writer()
        with pytest.raises(KnowledgeBaseBusy):
            again.compact()
        code = (
            "import sys; from octavo.indexes.collection import KnowledgeBase\n"
            "from octavo.pipeline.errors import KnowledgeBaseBusy\n"
            "try: KnowledgeBase.open(sys.argv[1]).writer()\n"
            "except KnowledgeBaseBusy as error: print(error)"
        )
        said = subprocess.run([sys.executable, "-c", code, str(tmp_path / "kb")], capture_output=True, text=True)
        assert f"process {os.getpid()}" in said.stdout, said.stderr
    with again.writer():
        pass
    assert (tmp_path / "kb" / "lock").stat().st_size == 0


class Full:
    """A connection on a disk without room to fold the log."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self.asked = 0

    def pragma(self, name: str, *values: object) -> object:
        if name == "wal_checkpoint":
            self.asked += 1
            raise apsw.FullError("database or disk is full")
        return self._connection.pragma(name, *values)

    def __getattr__(self, name: str) -> object:
        return getattr(self._connection, name)


def test_a_commit_is_in_though_its_log_cannot_be_folded(tmp_path: Path) -> None:
    KnowledgeBase.open(tmp_path / "kb", create=True).close()
    catalog = Catalog(tmp_path / "kb" / NAME, "write")
    full = Full(catalog._connection)
    catalog._connection = full  # type: ignore[assignment]
    catalog.begin_writing()
    catalog.rows("INSERT INTO setting VALUES ('colour', 'red')")
    catalog.commit()
    assert full.asked
    other = Catalog(tmp_path / "kb" / NAME, "read")
    assert other.value("SELECT value FROM setting WHERE key = 'colour'") == "red"
    other.close()
    catalog.close()
