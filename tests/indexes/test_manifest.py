"""What is on record of each generation: by whom it was made, what came, changed and went."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import apsw
import pytest
from octavo.cli import main
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.store.catalog import NAME, Catalog
from octavo.pipeline.document import Flag, Source
from octavo.pipeline.embed import Encoded
from octavo.pipeline.errors import GenerationGone, QueryError

from .world import RECIPE, TermVectors, add_all, encode, write_text


@pytest.fixture
def base(tmp_path: Path) -> KnowledgeBase:
    return KnowledgeBase.open(tmp_path / "kb", create=True, term_encoder=TermVectors())


def one(uri: str, seed: int, **options: object) -> Encoded:
    return encode(uri, write_text(seed), **options)  # type: ignore[arg-type]


def changes(base: KnowledgeBase, number: int) -> dict[str, str]:
    found = base.manifest(number)
    counts: dict[str, int] = {}
    for change in found.sources:
        counts[change.action] = counts.get(change.action, 0) + 1
    if found.failures:
        counts["failed"] = len(found.failures)
    assert counts == found.record.changes == base.generations()[number].changes
    return {change.uri: change.action for change in found.sources}


def write(base: KnowledgeBase) -> None:
    """Five generations: two come; one changes, one is read anew; one is linked, one moves; one goes; compaction."""
    add_all(base, [one("/d/a.txt", 1, flags=(Flag("no-text", "page 2"),)), one("/d/b.txt", 2)])
    with base.writer() as writer:
        writer.add(one("/d/a.txt", 3), RECIPE, 1, 1)
        writer.add(one("/d/b.txt", 2), "another recipe", 1, 1)
        writer.fail("/d/c.pdf", Source("/d/c.pdf", "application/pdf", "0" * 64), "encrypted", "needs a password")
        writer.fail("/d/gone", None, "missing", "there is no such file")
        writer.commit({"action": "ingest", "model": "m", "options": {"asr": "whisper"}})
    with base.writer() as writer:
        link = one("/e/a.txt", 3).document.source
        writer.link(link, RECIPE, 1, 1)
        writer.link(replace(one("/e/b.txt", 2).document.source), "another recipe", 1, 1)
        writer.remove("/d/b.txt")
        writer.commit({"action": "ingest"})
    base.delete(["/e/b.txt"])
    base.compact()


def test_what_came_changed_and_went(base: KnowledgeBase) -> None:
    write(base)
    for _ in range(2):
        assert changes(base, 1) == {"/d/a.txt": "added", "/d/b.txt": "added"}
        assert changes(base, 2) == {"/d/a.txt": "changed", "/d/b.txt": "reread"}
        assert changes(base, 3) == {"/e/a.txt": "linked", "/e/b.txt": "moved"}
        assert changes(base, 4) == {"/e/b.txt": "removed"}
        assert changes(base, 5) == {}
        base.compact()
    first = base.manifest(1).sources[0]
    assert first.before is None
    assert first.after is not None
    assert first.after.sha256 == one("/d/a.txt", 1).document.source.sha256
    assert (first.after.recipe, dict(first.after.made_by)) == (RECIPE, {"reader": "world"})
    assert first.after.flags == (Flag("no-text", "page 2"),)
    assert first.after.vectors == {"sentence": 12, "paragraph": 4, "section": 2, "document": 1}
    second = base.manifest(2)
    assert [failure.code for failure in second.failures] == ["encrypted", "missing"]
    assert second.record.what["options"] == {"asr": "whisper"}
    assert second.record.what["encoders"]["sentence"] == "world-1"
    assert next(change.before.sha256[:4] for change in second.sources if change.before) == first.after.sha256[:4]
    assert base.manifest(3).sources[1].moved_from == "/d/b.txt"
    with pytest.raises(QueryError, match="no generation 9, the newest is 5"):
        base.manifest(9)
    assert base.verify().clean


def test_a_path_that_went_is_cited_while_its_content_stays(base: KnowledgeBase) -> None:
    add_all(base, [one("/d/a.txt", 1), one("/d/z.txt", 9)])
    with base.writer() as writer:
        writer.link(one("/e/a.txt", 1).document.source, RECIPE, 1, 1)
        writer.remove("/d/a.txt")
        writer.commit()
    base.delete(["/d/z.txt"])
    base.compact()
    add_all(base, [one("/d/new.txt", 5)])
    with base.snapshot(3) as snapshot:
        content = snapshot.content(int(snapshot.content_ids()[0]))
        assert content.uris == ("/e/a.txt",)
    with pytest.raises(GenerationGone):
        base.snapshot(1)
    assert {source.content for source in base.sources()} == {1, 3}  # 2 is not given out again


def test_an_older_catalog_is_lifted_and_says_what_it_does_not_know(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with KnowledgeBase.open(tmp_path / "kb", create=True, term_encoder=TermVectors()) as base:
        add_all(base, [one("/d/a.txt", 1)])
        add_all(base, [one("/d/b.txt", 2)])
    Catalog(tmp_path / "kb" / NAME, "read").close()
    connection = apsw.Connection(str(tmp_path / "kb" / NAME), vfs="cksmvfs")
    for table in ("past_content", "past_source", "failure", "lexical_places", "token_states"):
        connection.execute(f"DROP TABLE {table}")
    connection.execute("DELETE FROM setting WHERE key = 'manifests_from'")
    connection.execute("""UPDATE generation SET what = '{"action": "ingest"}' WHERE number > 0""")
    connection.pragma("user_version", 2)
    connection.close()
    with KnowledgeBase.open(tmp_path / "kb", term_encoder=TermVectors()) as base:
        add_all(base, [one("/d/a.txt", 3)])
        assert [record.recorded for record in base.generations()] == [True, False, False, True]
        assert changes(base, 1) == {"/d/a.txt": "added"}
        with base.snapshot(2) as snapshot:
            assert len(snapshot.content_ids()) == 2
            assert "did not record its terms" in snapshot.notes[0]
        assert base.verify().clean
    assert main(["status", "--kb", str(tmp_path / "kb"), "--generations"]) == 0
    shown = capsys.readouterr().out
    assert "the rest is unknown" in shown
    assert main(["status", "--kb", str(tmp_path / "kb"), "--generation", "1", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert (made["octavo"], made["recorded"]) == ("unknown", False)


def test_on_the_command_line(base: KnowledgeBase, capsys: pytest.CaptureFixture[str]) -> None:
    write(base)
    assert main(["status", "--kb", str(base.path), "--generations", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert [record["changes"] for record in made["generations"]] == [
        {},
        {"added": 2},
        {"changed": 1, "reread": 1, "failed": 2},
        {"linked": 1, "moved": 1},
        {"removed": 1},
        {},
    ]
    assert main(["status", "--kb", str(base.path), "--generation", "2"]) == 0
    shown = capsys.readouterr().out
    assert "options: asr whisper" in shown
    assert "encrypted /d/c.pdf  needs a password" in shown
    assert main(["status", "--kb", str(base.path), "--generation", "77"]) == 2
