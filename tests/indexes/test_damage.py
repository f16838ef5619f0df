"""One flipped bit, anywhere: ``verify`` names the file, and search refuses to answer from it."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.store.kinds import FLAT, IVF_SQ8, Band
from octavo.pipeline.errors import DamagedFile, OctavoError
from octavo.pipeline.scale import CHARACTER, SENTENCE

from .world import TermVectors, add_all, encode, vector_of, write_text

ROUNDS = 6
BANDS = (Band(200, (FLAT,)), Band(float("inf"), (IVF_SQ8, FLAT)))


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A knowledge base with several shards, an approximate index, a deleted source and a page of everything."""
    path = tmp_path_factory.mktemp("sound") / "kb"
    with KnowledgeBase.open(path, create=True, term_encoder=TermVectors()) as base:
        add_all(base, [encode(f"/d/{seed}.txt", write_text(seed, 3, 3, 4)) for seed in range(8)])
        base.compact(BANDS)
        add_all(base, [encode(f"/d/{seed}.txt", write_text(seed)) for seed in range(8, 10)])
        base.delete(["/d/3.txt"])
        assert base.verify().clean
        assert {scale.scale: scale.kinds for scale in base.status().scales}["sentence"] == {"flat": 1, "ivf-sq8": 1}
    return path


def flip(path: Path, position: int) -> None:
    """Flips one bit."""
    with path.open("r+b") as file:
        file.seek(position // 8)
        byte = file.read(1)[0]
        file.seek(position // 8)
        file.write(bytes([byte ^ (1 << position % 8)]))


def problems(path: Path) -> set[str]:
    """Files that are named when a knowledge base is opened and verified."""
    try:
        with KnowledgeBase.open(path) as base:
            return {problem.file for problem in base.verify().problems}
    except OctavoError as error:
        # too damaged to open; or, by a flipped application id or format number, no catalog of ours or a newer one
        return {"catalog.sqlite"} if "catalog.sqlite" in str(error) else {str(error)}


def files(path: Path) -> list[str]:
    return sorted(str(file.relative_to(path)) for file in path.rglob("*") if file.is_file() and file.stat().st_size)


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_every_flipped_bit_is_found_and_named(sound: Path, tmp_path: Path, seed: int) -> None:
    generator = random.Random(seed)
    names = files(sound)
    assert sum(name.endswith(".faiss") for name in names) >= 1
    assert "catalog.sqlite" in names
    for number, name in enumerate(names):
        copy = tmp_path / f"kb{number}"
        shutil.copytree(sound, copy)
        flip(copy / name, generator.randrange(8 * (copy / name).stat().st_size))
        assert problems(copy) == {name}
        shutil.rmtree(copy)


def test_the_catalog_s_first_page_is_watched(sound: Path, tmp_path: Path) -> None:
    """The header decides how everything else is read, so each of its bits counts."""
    for position in range(0, 8 * 100, 7):
        copy = tmp_path / "kb"
        shutil.copytree(sound, copy)
        flip(copy / "catalog.sqlite", position)
        assert problems(copy) == {"catalog.sqlite"}, f"bit {position}"
        shutil.rmtree(copy)


@pytest.mark.parametrize("suffix", [".f16", ".faiss"])
def test_search_refuses_a_damaged_shard(
    sound: Path, tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("octavo.indexes.store.scale_index._EXACT_ROWS", 0)  # so that the index is asked at all
    shutil.copytree(sound, tmp_path / "kb")
    damaged = max((tmp_path / "kb" / "vectors" / "sentence").glob(f"*{suffix}"), key=lambda path: path.stat().st_size)
    flip(damaged, 8 * 100 + 3)
    with KnowledgeBase.open(tmp_path / "kb") as base, base.snapshot() as snapshot:
        for _ in range(2):
            with pytest.raises(DamagedFile, match=damaged.name):
                snapshot.index(SENTENCE).search(vector_of("x")[None], 3)
        assert snapshot.index(CHARACTER).search(vector_of("n1", 8)[None], 1).ids[0, 0] > 0


def test_lost_and_shortened_files_are_named(sound: Path, tmp_path: Path) -> None:
    shutil.copytree(sound, tmp_path / "kb")
    lost, cut = sorted((tmp_path / "kb" / "vectors" / "sentence").glob("*.f16"))
    lost.unlink()
    with cut.open("r+b") as file:
        file.truncate(cut.stat().st_size - 8)
    with KnowledgeBase.open(tmp_path / "kb") as base:
        named = {problem.file for problem in base.verify().problems}
        assert named == {str(path.relative_to(tmp_path / "kb")) for path in (lost, cut)}
        with base.snapshot() as snapshot, pytest.raises(DamagedFile, match="missing"):
            snapshot.index(SENTENCE)
        with base.snapshot() as snapshot:
            assert len(snapshot.texts(snapshot.between(snapshot.ranges()))) > 0


def test_strays_are_reported_and_collected(sound: Path, tmp_path: Path) -> None:
    shutil.copytree(sound, tmp_path / "kb")
    for name in ("a.f16", "b.f16.part", "c.faiss"):
        (tmp_path / "kb" / "vectors" / "sentence" / name).write_bytes(b"left over")
    with KnowledgeBase.open(tmp_path / "kb") as base:
        report = base.verify()
        assert report.clean
        assert len(report.orphans) == 3
        with base.writer():
            pass
        assert base.verify().orphans == ()


def test_a_catalog_cut_to_nothing_is_not_taken_for_a_new_one(sound: Path, tmp_path: Path) -> None:
    shutil.copytree(sound, tmp_path / "kb")
    (tmp_path / "kb" / "catalog.sqlite").write_bytes(b"")
    for create in (False, True):
        with pytest.raises(OctavoError, match=r"catalog\.sqlite"):
            KnowledgeBase.open(tmp_path / "kb", create=create)
    assert (tmp_path / "kb" / "catalog.sqlite").stat().st_size == 0
