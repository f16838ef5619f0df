"""Search against brute force: exact kinds give the same answer, approximate kinds the recall they claim."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import hypothesis.strategies as st
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from octavo.indexes.store.build import HeldOut, build_index, fewest_probes
from octavo.indexes.store.exact_search import brute_force, top
from octavo.indexes.store.faiss_index import gpus
from octavo.indexes.store.kinds import FLAT, IVF_HNSW_PQ4, IVF_SQ8, KINDS, Band, IndexKind, band_for
from octavo.indexes.store.ranges import normalised, within
from octavo.indexes.store.scale_index import Neighbours, ScaleIndex
from octavo.indexes.store.shard import Shard, ShardWriter
from octavo.pipeline.errors import KnowledgeBaseError, QueryError

from .world import unit

WIDTH = 16


def rows_of(count: int, width: int = WIDTH, seed: int = 0) -> npt.NDArray[np.float32]:
    """Unit vectors in clusters, as embeddings are; the same clusters for every seed."""
    generator = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(200, width))
    return unit(centres[generator.integers(len(centres), size=count)] + 0.5 * generator.normal(size=(count, width)))


def expected(
    ids: npt.NDArray[np.int64], vectors: npt.NDArray[np.float32], queries: npt.NDArray[np.float32], k: int
) -> npt.NDArray[np.float32]:
    """Scores of the k best by numpy, padded. *Shape:* (q, k)."""
    scores = queries @ vectors.astype(np.float16).astype(np.float32).T
    best = np.sort(scores, axis=1)[:, ::-1][:, :k]
    return np.pad(best, ((0, 0), (0, k - best.shape[1])), constant_values=-np.inf).astype(np.float32)


def assert_same(
    found: Neighbours,
    ids: npt.NDArray[np.int64],
    vectors: npt.NDArray[np.float32],
    queries: npt.NDArray[np.float32],
) -> None:
    """Same scores as brute force, and every id has the score it is given (equal scores may come in any order)."""
    k = found.ids.shape[1]
    np.testing.assert_allclose(found.scores, expected(ids, vectors, queries, k), atol=1e-5)
    for row, query in enumerate(queries):
        own = found.ids[row][found.ids[row] >= 0]
        assert len(set(own.tolist())) == len(own) == min(k, len(ids))
        stored = vectors[np.searchsorted(ids, own)].astype(np.float16).astype(np.float32)
        np.testing.assert_allclose(stored @ query, found.scores[row][: len(own)], atol=1e-5)


@st.composite
def ranges(draw: st.DrawFn) -> npt.NDArray[np.int64]:
    pairs = draw(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 60)), max_size=6))
    return np.array([(start, start + length) for start, length in pairs], np.int64).reshape(-1, 2)


@settings(max_examples=60)
@given(
    counts=st.lists(st.integers(0, 90), max_size=4),
    k=st.integers(1, 40),
    asked=st.none() | ranges(),
    live=st.none() | ranges(),
    seed=st.integers(0, 1000),
)
def test_exact_search_is_brute_force(
    counts: list[int],
    k: int,
    asked: npt.NDArray[np.int64] | None,
    live: npt.NDArray[np.int64] | None,
    seed: int,
) -> None:
    generator = np.random.default_rng(seed)
    ids = np.sort(generator.choice(400, sum(counts), replace=False)).astype(np.int64)
    vectors = rows_of(len(ids), seed=seed)
    index = ScaleIndex(WIDTH, live=None if live is None else normalised(live))
    owner = generator.permutation(np.repeat(np.arange(len(counts)), counts))
    for shard in range(len(counts)):
        index.add(ids[owner == shard], vectors[owner == shard])
    queries = rows_of(3, seed=seed + 1)
    keep = np.ones(len(ids), np.bool_)
    for allowed in (asked, live):
        if allowed is not None:
            keep &= np.array([any(a <= one < b for a, b in allowed.tolist()) for one in ids.tolist()], np.bool_)
    assert_same(index.search(queries, k, asked), ids[keep], vectors[keep], queries)


def test_selectors_are_brute_force_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a filter leaves many rows FAISS filters them itself."""
    monkeypatch.setattr("octavo.indexes.store.scale_index._EXACT_ROWS", 0)
    ids, vectors, queries = np.arange(0, 4000, 2), rows_of(2000), rows_of(20, seed=1)
    index = ScaleIndex(WIDTH, live=np.array([[0, 3000]]))
    index.add(ids, vectors)
    keep = ((ids >= 100) & (ids < 300)) | ((ids >= 2500) & (ids < 3000))
    assert_same(index.search(queries, 10, np.array([[2500, 9999], [100, 300]])), ids[keep], vectors[keep], queries)


@given(ranges())
def test_ranges_are_sets(left: npt.NDArray[np.int64]) -> None:
    everything = np.arange(-5, 500)

    def members(some: npt.NDArray[np.int64]) -> set[int]:
        return {one for start, stop in some.tolist() for one in range(start, stop)}

    one = normalised(left)
    assert members(one) == members(left)
    assert np.all(one[1:, 0] > one[:-1, 1])
    assert set(everything[within(everything, one)].tolist()) == members(left)


def test_top_breaks_ties_by_column() -> None:
    columns, values = top(np.array([[1, 3, 3, 2, 3]], np.float32), 3)
    assert columns.tolist() == [[1, 2, 4]]
    assert values.tolist() == [[3, 3, 3]]


def test_kinds_for_wide_vectors_are_not_tried_with_narrow_ones(tmp_path: Path) -> None:
    writer = ShardWriter(tmp_path, "sentence", 32, "f")
    writer.add(np.arange(100), rows_of(100, 32))
    assert build_index(tmp_path, writer.finish(), (Band(float("inf"), (IVF_HNSW_PQ4, FLAT)),)).kind == "flat"


@pytest.mark.parametrize("kind", [IVF_SQ8, IVF_HNSW_PQ4])
def test_approximate_kinds_reach_the_recall_they_claim(tmp_path: Path, kind: IndexKind) -> None:
    count, width = 8000, max(32, kind.least_width)
    ids, vectors = np.arange(count) * 3 + 7, rows_of(count, width)
    writer = ShardWriter(tmp_path, "sentence", width, "f")
    for start in range(0, count, 1000):
        writer.add(ids[start : start + 1000], vectors[start : start + 1000])
    row = build_index(tmp_path, writer.finish(), (Band(10, (FLAT,)), Band(float("inf"), (kind, FLAT))))
    assert row.kind == kind.name
    assert row.recall >= 0.99
    assert row.probes >= 1
    queries = rows_of(200, width, seed=9)
    shard = Shard(tmp_path, row)
    found = ScaleIndex(width, [shard]).search(queries, 10)
    truth, scores = brute_force(queries, shard.halves, None, 10)
    recall = np.mean([len(np.intersect1d(a, b)) / 10 for a, b in zip(found.ids, ids[truth], strict=True)])
    assert recall >= 0.98  # other queries than those it was tuned on
    hits = found.ids == ids[truth]
    np.testing.assert_allclose(found.scores[hits], scores[hits], atol=1e-5)  # scores are exact
    half = ScaleIndex(width, [shard], live=np.array([[0, 12_000]])).search(queries, 10, np.array([[3000, 30_000]]))
    assert half.ids.min() >= 3000
    assert half.ids.max() < 12_000


def test_filtered_approximate_search_visits_more_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("octavo.indexes.store.scale_index._EXACT_ROWS", 0)
    ids, vectors = np.arange(8000), rows_of(8000)
    writer = ShardWriter(tmp_path, "sentence", WIDTH, "f")
    writer.add(ids, vectors)
    row = build_index(tmp_path, writer.finish(), (Band(float("inf"), (IVF_SQ8, FLAT)),))
    assert row.kind == IVF_SQ8.name
    queries = rows_of(100, seed=4)
    shard = Shard(tmp_path, row)
    found = ScaleIndex(WIDTH, [shard]).search(queries, 10, np.array([[1000, 2000]]))
    truth, _ = brute_force(queries, shard.halves, np.arange(1000, 2000), 10)
    assert np.mean([len(np.intersect1d(a, b)) / 10 for a, b in zip(found.ids, truth, strict=True)]) >= 0.95


def test_a_kind_that_misses_the_recall_is_not_taken(tmp_path: Path) -> None:
    writer = ShardWriter(tmp_path, "sentence", WIDTH, "f")
    writer.add(np.arange(2000), rows_of(2000))
    row = writer.finish()
    assert build_index(tmp_path, row, (Band(float("inf"), (IVF_SQ8, FLAT)),), target=1.01) == row
    assert row.kind == "flat"
    assert row.recall == 1.0


def test_fewest_probes_is_the_smallest_number_that_serves() -> None:
    for needed in range(1, 30):
        assert fewest_probes(lambda n, needed=needed: float(n >= needed), 32, 1.0)[0] == needed  # type: ignore[misc]
    assert fewest_probes(lambda n: n / 100, 32, 0.99) == (0, 0.32)


def test_a_row_is_not_its_own_neighbour() -> None:
    halves = rows_of(300).astype(np.float16)
    held_out = HeldOut.draw(halves, np.random.default_rng(0))
    assert held_out.truth.shape == (256, 10)
    assert (held_out.rows >= 0).sum() == 128
    assert not np.any(held_out.truth == held_out.rows[:, None])


def test_bands_are_data() -> None:
    assert band_for(49_999).kinds == (FLAT,)
    assert band_for(50_000).kinds[0] is IVF_SQ8
    assert band_for(5_000_000).kinds[0] is IVF_HNSW_PQ4
    assert all(KINDS[kind.name] is kind for kind in (FLAT, IVF_SQ8, IVF_HNSW_PQ4))
    with pytest.raises(ValueError, match="exact"):
        Band(10, (IVF_SQ8,))


def test_the_way_over_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it but the GPU: FAISS's GPU index stood in for by its CPU index."""
    import faiss

    monkeypatch.setattr("octavo.indexes.store.scale_index.gpus", lambda: 1)
    monkeypatch.setattr(faiss, "StandardGpuResources", object, raising=False)
    monkeypatch.setattr(faiss, "GpuIndexFlatConfig", SimpleNamespace, raising=False)
    monkeypatch.setattr(faiss, "GpuIndexFlatIP", lambda _, width, config: faiss.IndexFlatIP(width), raising=False)
    ids, vectors, queries = np.arange(0, 4000, 2), rows_of(2000), rows_of(20, seed=1)
    index = ScaleIndex(WIDTH, device="cuda")
    index.add(ids[:1500], vectors[:1500])
    index.add(ids[1500:], vectors[1500:])
    assert_same(index.search(queries, 10), ids, vectors, queries)
    few = index.search(queries, 10, np.array([[0, 50]]))  # filtered: on the CPU
    assert_same(few, ids[:25], vectors[:25], queries)
    assert_same(index.search(queries, 1900), ids, vectors, queries)


def test_a_gpu_that_is_not_there_is_asked_for_in_vain() -> None:
    if gpus():
        pytest.skip("there is a GPU")
    index = ScaleIndex(WIDTH, device="cuda")
    index.add(np.arange(3), rows_of(3))
    with pytest.raises(KnowledgeBaseError, match="no GPU"):
        index.search(rows_of(1), 1)


def test_vectors_come_back_by_id() -> None:
    ids, vectors = np.array([2, 5, 9, 11]), rows_of(4)
    index = ScaleIndex(WIDTH)
    index.add(ids[:2], vectors[:2])
    index.add(ids[2:], vectors[2:])
    back = index.vectors(np.array([11, 2, 11]))
    np.testing.assert_array_equal(back, vectors[[3, 0, 3]].astype(np.float16).astype(np.float32))
    with pytest.raises(KnowledgeBaseError, match="id 3"):
        index.vectors(np.array([2, 3]))


def test_nonsense_is_refused() -> None:
    index = ScaleIndex(WIDTH)
    index.add(np.arange(3), rows_of(3))
    with pytest.raises(QueryError, match="width"):
        index.search(rows_of(1, 8), 1)
    with pytest.raises(QueryError, match="at least 1"):
        index.search(rows_of(1), 0)
    with pytest.raises(KnowledgeBaseError, match="width"):
        index.add(np.arange(3), rows_of(3, 8))
    with pytest.raises(KnowledgeBaseError, match="rising"):
        index.add(np.array([3, 1, 2]), rows_of(3))
    with pytest.raises(QueryError, match="finite"):
        index.search(np.full((1, WIDTH), np.nan, np.float32), 1)


def test_an_empty_index_answers_with_padding() -> None:
    found = ScaleIndex(WIDTH).search(rows_of(2), 3)
    assert found.ids.tolist() == [[-1] * 3] * 2
    assert np.all(np.isneginf(found.scores))
    assert ScaleIndex(WIDTH).search(np.empty((0, WIDTH), np.float32), 3).ids.shape == (0, 3)
