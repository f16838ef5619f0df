"""Recordings in a knowledge base: what goes in comes out, nothing goes in by half, and what is deleted is gone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import apsw
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.store import measures as measuring
from octavo.indexes.store import schema
from octavo.indexes.store.catalog import NAME
from octavo.indexes.store.filter import Filter
from octavo.indexes.store.kinds import FLAT, IVF_SQ8, Band
from octavo.indexes.store.ranges import (
    WINDOWS,
    normalised,
    window_ids,
    window_ranges,
    windows_of,
    within,
)
from octavo.indexes.store.ranges import (
    utterances_of as owners,
)
from octavo.indexes.store.staged_shards import MERGE_ABOVE
from octavo.pipeline.document import TIMES_DTYPE
from octavo.pipeline.embed import Encoded, Utterance
from octavo.pipeline.errors import FingerprintMismatch, KnowledgeBaseError
from octavo.pipeline.posteriors import FRAME, window_grid
from octavo.pipeline.scale import CHARACTER, PHONEME, PRONUNCIATION, PROSODY, SENTENCE, Medium
from octavo.pipeline.voice.measures import MEASURES

from .recording_world import recording_of, sound_of, transcribed, utterance, utterances_of, wordless
from .world import RECIPE, TermVectors, add_all, encode, sentence, unit, vector_of, write_text

BANDS = (Band(200, (FLAT,)), Band(float("inf"), (IVF_SQ8, FLAT)))


@pytest.fixture
def base(tmp_path: Path) -> KnowledgeBase:
    return KnowledgeBase.open(tmp_path / "kb", create=True, term_encoder=TermVectors())


def spoken(folder: Path, seed: int, seconds: float = 20.0) -> Encoded:
    return wordless(recording_of(folder, f"/r/{seed}.wav", seconds))


def test_what_was_heard_comes_back(base: KnowledgeBase, tmp_path: Path) -> None:
    recordings = [recording_of(tmp_path, f"/r/{seed}.wav", 20, 1_500_000) for seed in range(3)]
    add_all(base, [encode("/d/a.txt", write_text(1)), *map(wordless, recordings)])
    with base.snapshot() as snapshot:
        assert snapshot.scales[-2:] == (PHONEME, PROSODY)
        for recording in recordings:
            said = list(utterances_of(recording))
            (span,) = snapshot.contents(Filter(sources=(recording.source.uri,)))
            rows = snapshot.sounds_between(span[None])
            assert list(rows.id) == list(range(*span))
            content = snapshot.content(int(rows.content[0]))
            assert (content.samples, content.start_us, content.format) == (20 * 16000, 1_500_000, "wav, mono")
            assert content.medium is Medium.AUDIO
            assert content.text_length == 0
            ids = rows.id[rows.parent == -1]
            heard = snapshot.heard(ids[::-1])
            assert list(heard.id) == list(ids[::-1])
            for one, expected, start, posteriors in zip(
                ids[::-1].tolist(), said[::-1], heard.start, heard.posteriors, strict=True
            ):
                assert start == expected.start
                assert np.array_equal(posteriors.symbols, expected.posteriors.symbols)
                assert np.array_equal(posteriors.costs, expected.posteriors.costs)
                phrases = snapshot.sounds_between(np.array([[one + 1, one + 1 + len(expected.phrases)]]))
                assert np.array_equal(np.stack((phrases.start, phrases.stop), 1), expected.phrases)
                assert set(phrases.parent.tolist()) <= {one}
                at = np.arange(one, one + len(expected.manners))
                assert np.array_equal(snapshot.manners(at), expected.measures, equal_nan=True)
                windows = window_ids(one, len(expected.windows))
                assert np.abs(snapshot.index(PHONEME).vectors(windows) - expected.windows).max() < 1e-3
                assert np.abs(snapshot.index(PROSODY).vectors(at) - expected.manners).max() < 1e-3
        everything = [rows.id for rows in snapshot.heard_between(snapshot.ranges())]
        assert len(np.concatenate(everything)) == sum(len(list(utterances_of(one))) for one in recordings)
    assert base.verify().clean
    status = base.status()
    assert (status.recordings, status.transcribed, status.sound_seconds) == (3, 0, 60.0)
    speech = sum(one.stop - one.start for recording in recordings for one in utterances_of(recording))
    assert status.speech_seconds == speech / 16000
    units = {scale.scale: scale.units for scale in status.scales}
    assert units["phoneme"] == len(np.concatenate(everything))
    assert [source.samples for source in base.sources()] == [0, 320000, 320000, 320000]


def test_measures_by_range_are_those_by_id(base: KnowledgeBase, tmp_path: Path) -> None:
    add_all(base, [spoken(tmp_path, 1, 900), encode("/d/a.txt", write_text(1)), spoken(tmp_path, 2)])
    generator = np.random.default_rng(1)
    with base.snapshot() as snapshot:
        top = int(snapshot.ranges()[-1, 1])
        whole, rows = snapshot.manners_between(snapshot.ranges())
        assert list(whole) == list(snapshot.sounds_between(snapshot.ranges()).id)
        assert len(whole) > 600, "more than one piece"
        for _ in range(20):
            ranges = normalised(generator.integers(0, top, (3, 2)))
            ids, measures = snapshot.manners_between(ranges)
            chosen = within(whole, ranges)
            assert np.array_equal(ids, whole[chosen])
            assert np.array_equal(measures, rows[chosen], equal_nan=True)
            asked = generator.permutation(np.concatenate((whole[chosen], whole[chosen][:3], [1, top + 5])))
            assert np.array_equal(
                snapshot.manners(asked)[np.isin(asked, ids)],
                rows[np.searchsorted(whole, asked[np.isin(asked, ids)])],
                equal_nan=True,
            )
        assert np.isnan(snapshot.manners(np.array([top + 5]))).all()


def test_measures_outlive_a_change_of_what_is_measured(
    base: KnowledgeBase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_all(base, [spoken(tmp_path, 1)])
    names = measuring.measure_names()
    with base.snapshot() as snapshot:
        ids, before = snapshot.manners_between(snapshot.ranges())
    monkeypatch.setattr("octavo.indexes.store.sounds.measure_names", lambda: (names[3], "another", names[0]))
    with base.snapshot() as snapshot:
        after = snapshot.manners(ids)
    assert np.array_equal(after[:, [0, 2]], before[:, [3, 0]], equal_nan=True)
    assert np.isnan(after[:, 1]).all()


def test_a_transcript_is_text_with_times(base: KnowledgeBase, tmp_path: Path) -> None:
    recording = recording_of(tmp_path, "/r/a.wav", 60)
    body = write_text(3, 3, 4, 5)
    spans = [(span.start, span.stop) for span in encode("x", body).spans if span.scale == SENTENCE]
    rows = [(start, stop, 16000 * n, 16000 * n + 12000) for n, (start, stop) in enumerate(spans)]
    made = transcribed(recording, body, np.array(rows, TIMES_DTYPE))
    add_all(base, [encode("/d/a.txt", write_text(1)), made])
    with base.snapshot() as snapshot:
        found = snapshot.index(SENTENCE).search(vector_of(sentence(made, 7))[None], 1).ids[0]
        span = snapshot.spans(found)
        content = int(span.content[0])
        times = snapshot.times(content, int(span.start[0]), int(span.stop[0]))
        assert [tuple(row) for row in times.tolist()] == [rows[7]]
        assert snapshot.said(content, 7 * 16000 + 5, 8 * 16000 + 5) == (spans[7][0], spans[8][1])
        assert snapshot.said(content, 7 * 16000 + 12000, 8 * 16000) is None
        first = snapshot.content(content).first
        assert len(snapshot.between(np.array([[first, first + len(made.spans)]]))) == len(made.spans)
        assert len(snapshot.sounds_between(np.array([[first, first + len(made.spans)]]))) == 0
        with pytest.raises(KnowledgeBaseError, match="no sound"):
            snapshot.sounds(found)
        assert len(snapshot.times(snapshot.content(content).id - 1, 0, 100)) == 0
    assert base.status().transcribed == 1
    assert base.verify().clean


def test_a_phrase_is_no_utterance(base: KnowledgeBase, tmp_path: Path) -> None:
    add_all(base, [spoken(tmp_path, 1)])
    with base.snapshot() as snapshot:
        rows = snapshot.sounds_between(snapshot.ranges())
        with pytest.raises(KnowledgeBaseError, match="no utterance"):
            snapshot.heard(rows.id[rows.parent >= 0][:1])
        with pytest.raises(KnowledgeBaseError, match="no span"):
            snapshot.spans(rows.id[:1])


def broken(recording: object, say: Iterator[Utterance]) -> Iterator[Utterance]:
    yield from (next(say) for _ in range(3))
    raise RuntimeError("the encoder broke")


def test_a_recording_goes_in_wholly_or_not_at_all(base: KnowledgeBase, tmp_path: Path) -> None:
    add_all(base, [spoken(tmp_path, 0)])
    good, bad = recording_of(tmp_path, "/r/1.wav", 20), recording_of(tmp_path, "/r/2.wav", 20)
    with base.writer() as writer:
        writer.add(wordless(good), RECIPE, 1, 1)
        with pytest.raises(RuntimeError, match="broke"):
            writer.add(wordless(bad, broken(bad, utterances_of(bad))), RECIPE, 1, 1)
        writer.add(wordless(recording_of(tmp_path, "/r/3.wav", 20)), RECIPE, 1, 1)
        writer.commit()
    assert [source.uri for source in base.sources()] == ["/r/0.wav", "/r/1.wav", "/r/3.wav"]
    assert base.verify().clean
    with base.snapshot() as snapshot:
        ids = snapshot.sounds_between(np.array([[0, 1 << 40]])).id
        assert list(ids) == list(range(1, len(ids) + 1)), "no id was lost to what failed"


def test_utterances_that_do_not_fit_are_refused(base: KnowledgeBase, tmp_path: Path) -> None:
    recording = recording_of(tmp_path, "/r/a.wav", 300)
    one = utterance((1,), 3200, 50, 0)
    long = utterance((1,), 0, 7000, 0)
    assert len(window_grid(750)) < WINDOWS < len(window_grid(7000)), "15 s are far below the limit of 12 bits"
    wrong_measures = Utterance(
        0, 3200, one.posteriors[:10], unit(np.ones((5, 32))), one.phrases, one.manners, one.measures[:, 1:]
    )
    for said, message in (
        ((one, utterance((2,), 3200, 50, 0)), "begins before"),
        ((utterance((1,), 299 * 16000, 100, 0),), "goes on after"),
        ((long,), "cut it at its pauses"),
        ((wrong_measures,), "measures of shape"),
    ):
        with base.writer() as writer, pytest.raises(KnowledgeBaseError, match=message):
            writer.add(wordless(recording, iter(said)), RECIPE, 1, 1)
    add_all(base, [wordless(recording, iter([one]))])
    other = recording_of(tmp_path, "/r/b.wav", 10)
    sound = sound_of(other)
    mixed = Encoded(
        wordless(other).document,
        (),
        wordless(other).lexis,
        (),
        {},
        type(sound)(other, sound.utterances, "x", "manners-1"),
    )
    with base.writer() as writer, pytest.raises(FingerprintMismatch, match="phoneme vectors"):
        writer.add(mixed, RECIPE, 1, 1)
    assert base.verify().clean


def test_a_recording_without_speech_says_so(base: KnowledgeBase, tmp_path: Path) -> None:
    add_all(base, [wordless(recording_of(tmp_path, "/r/a.wav", 10), iter([])), encode("/d/a.txt", write_text(1))])
    assert base.status().flags == {"no-speech": 1}
    assert base.verify().clean
    base.delete(["/r/a.wav"])
    base.compact()
    assert base.verify().clean


@pytest.mark.parametrize("bands", [None, BANDS])
def test_what_is_deleted_is_not_found_and_then_gone(
    base: KnowledgeBase, tmp_path: Path, bands: tuple[Band, ...] | None
) -> None:
    for seed in range(6):
        add_all(base, [spoken(tmp_path, seed), encode(f"/d/{seed}.txt", write_text(seed))])
    dead = list(utterances_of(recording_of(tmp_path, "/r/2.wav", 20)))
    base.delete(["/r/2.wav", "/d/3.txt"])
    with base.snapshot() as snapshot:
        for scale, rows in ((PHONEME, dead[0].windows[:5]), (PROSODY, dead[0].manners[:1])):
            found = snapshot.index(scale).search(rows, 3)
            assert (found.scores[:, 0] < 0.99).all(), "its own vectors are dead"
            ids = owners(found.ids) if scale is PHONEME else found.ids
            assert within(ids, snapshot.ranges()).all()
    assert base.verify().clean
    done = base.compact(bands) if bands else base.compact()
    windows = sum(len(one.windows) for one in dead)
    assert done.vectors > windows
    assert base.verify().clean
    with base.snapshot() as snapshot:
        assert len(snapshot.index(PHONEME)) == sum(
            len(one.windows)
            for seed in (0, 1, 3, 4, 5)
            for one in utterances_of(recording_of(tmp_path, f"/r/{seed}.wav", 20))
        )
    counts = "SELECT (SELECT count(*) FROM sound), (SELECT count(*) FROM heard), (SELECT count(*) FROM recording)"
    said = [one for seed in (0, 1, 3, 4, 5) for one in utterances_of(recording_of(tmp_path, f"/r/{seed}.wav", 20))]
    assert raw(base).execute(counts).fetchall() == [(sum(len(one.manners) for one in said), len(said), 5)]
    assert base.status().recordings == 5


def raw(base: KnowledgeBase) -> apsw.Connection:
    return apsw.Connection(str(base.path / NAME), vfs="cksmvfs")


def test_many_small_commits_are_merged(base: KnowledgeBase, tmp_path: Path) -> None:
    for seed in range(MERGE_ABOVE + 2):
        add_all(base, [spoken(tmp_path, seed, 4)])
    assert {scale.shards <= MERGE_ABOVE for scale in base.status().scales} == {True}
    assert base.verify().clean


def test_a_filter_on_windows_equals_brute_force(base: KnowledgeBase, tmp_path: Path) -> None:
    recordings = [recording_of(tmp_path, f"/{'ab'[seed % 2]}/{seed}.wav", 20) for seed in range(6)]
    add_all(base, list(map(wordless, recordings)))
    query = unit(np.random.default_rng(5).normal(size=(4, 32)))
    with base.snapshot() as snapshot:
        ranges = snapshot.contents(Filter(sources=("/a/*",)))
        found = snapshot.index(PHONEME).search(query, 10, ranges=window_ranges(ranges))
        rows, ids = [], []
        for recording in recordings[::2]:
            (span,) = snapshot.contents(Filter(sources=(recording.source.uri,)))
            sounds = snapshot.sounds_between(span[None])
            for one, said in zip(sounds.id[sounds.parent == -1].tolist(), utterances_of(recording), strict=True):
                rows.append(said.windows)
                ids.append(window_ids(one, len(said.windows)))
        scores = query @ np.concatenate(rows).T
        order = np.argsort(-scores, axis=1)[:, :10]
        assert np.abs(np.take_along_axis(scores, order, 1) - found.scores).max() < 2e-3
        assert (np.concatenate(ids)[order[:, 0]] == found.ids[:, 0]).all()
        assert len(snapshot.heard(owners(found.ids[0]))) == 10
        assert windows_of(found.ids).max() < 1000


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=6),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, WINDOWS - 1)), max_size=40),
)
def test_ranges_of_windows_hold_the_windows_of_their_utterances(
    ranges: list[tuple[int, int]], windows: list[tuple[int, int]]
) -> None:
    spans = normalised(np.array(ranges, np.int64).reshape(-1, 2))
    ids = np.array([int(window_ids(one, at + 1)[-1]) for one, at in windows], np.int64)
    assert owners(ids).tolist() == [one for one, _ in windows]
    assert windows_of(ids).tolist() == [at for _, at in windows]
    expected = within(np.array([one for one, _ in windows], np.int64), spans)
    assert np.array_equal(within(ids, normalised(window_ranges(spans))), expected)


def test_no_more_windows_than_twelve_bits() -> None:
    assert window_ids(7, WINDOWS)[-1] + 1 == window_ids(8, 1)[0]
    with pytest.raises(ValueError, match="cut it"):
        window_ids(7, WINDOWS + 1)


class Sounds:
    """Vectors of terms by how they sound; what holds a digit cannot be said."""

    fingerprint = "sounds-1"
    width = 32

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, terms: Sequence[str]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        self.asked += terms
        which = np.array([at for at, term in enumerate(terms) if term.isalpha()], np.int64)
        rows = [vector_of(terms[at], self.width) for at in which.tolist()]
        return np.array(rows, np.float32).reshape(-1, self.width), which


def test_terms_that_can_be_said_are_found_by_their_sound(tmp_path: Path) -> None:
    with KnowledgeBase.open(tmp_path / "kb", create=True, term_encoder=TermVectors()) as bare:
        add_all(bare, [encode("/d/1.txt", write_text(1))])
    sounds = Sounds()
    base = KnowledgeBase.open(tmp_path / "kb", term_encoder=TermVectors(), pronouncer=sounds)
    with base.snapshot() as snapshot:
        assert not snapshot.holds(PRONUNCIATION)
    add_all(base, [encode("/d/2.txt", write_text(2))])
    add_all(base, [encode("/d/3.txt", write_text(3))])
    assert len(sounds.asked) == len(set(sounds.asked)) == base.status().terms
    with base.snapshot() as snapshot:
        assert PRONUNCIATION not in snapshot.scales
        word = next(term for term in sounds.asked if term.isalpha())
        found = snapshot.index(PRONUNCIATION).search(vector_of(word, 32)[None], 1)
        assert snapshot.terms(found.ids[0])[0][0] == word
        assert len(snapshot.index(PRONUNCIATION)) == sum(term.isalpha() for term in sounds.asked)
        assert len(snapshot.index(CHARACTER)) == len(sounds.asked)
    assert base.verify().clean
    base.delete(["/d/2.txt"])
    base.compact()
    assert base.verify().clean
    assert base.status().terms > 0


def test_another_way_of_saying_terms_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    for fingerprint in ("sounds-1", "sounds-2"):
        sounds = Sounds()
        sounds.fingerprint = fingerprint
        with KnowledgeBase.open(tmp_path / "kb", create=True, pronouncer=sounds) as base:
            add_all(base, [encode(f"/d/{fingerprint}.txt", write_text(len(fingerprint)))])
            add_all(base, [encode(f"/d/{fingerprint}2.txt", write_text(int(fingerprint[-1])))])
            assert len(sounds.asked) == base.status().terms
            with base.snapshot() as snapshot:
                assert snapshot.fingerprint(PRONUNCIATION) == fingerprint
                assert len(snapshot.index(PRONUNCIATION)) == sum(term.isalpha() for term in sounds.asked)
            assert base.verify().clean


def test_format_one_is_lifted_with_what_it_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A catalog as the first release made it: without the tables of recordings."""
    encoded = encode("/d/a.txt", write_text(1))
    with KnowledgeBase.open(tmp_path / "kb", create=True, term_encoder=TermVectors()) as base:
        add_all(base, [encoded])
    connection = raw(base)
    with connection:
        later = ("past_content", "past_source", "failure", "lexical_places", "token_states")
        for name in ("recording", "sound", "heard", "manner", "time", *later):
            connection.execute(f"DROP TABLE {name}")
        connection.execute("DELETE FROM setting WHERE key = 'manifests_from'")
        connection.pragma("user_version", 1)
    first = apsw.Connection(":memory:")
    schema.migrate(first, schema.MIGRATIONS[:1])
    tables = "SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name"
    assert connection.execute(tables).fetchall() == first.execute(tables).fetchall(), "this is format 1"
    connection.close()
    with KnowledgeBase.open(tmp_path / "kb", term_encoder=TermVectors()) as base:
        add_all(base, [spoken(tmp_path, 1)])
        assert base.verify().clean
        assert [source.uri for source in base.sources()] == ["/d/a.txt", "/r/1.wav"]
        with base.snapshot() as snapshot:
            found = snapshot.index(SENTENCE).search(vector_of(sentence(encoded))[None], 1)
            assert snapshot.texts(snapshot.spans(found.ids[0])) == [sentence(encoded)]
    assert raw(base).pragma("user_version") == schema.FORMAT


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE heard SET posteriors = x'00' WHERE span_id = (SELECT min(span_id) FROM heard)", "cannot be read"),
        ("UPDATE sound SET stop = stop + 320 WHERE id = (SELECT min(id) FROM sound)", "posteriors of"),
        ("DELETE FROM heard WHERE span_id = (SELECT max(span_id) FROM heard)", "no posteriors"),
        ("UPDATE sound SET stop = 99999999 WHERE id = (SELECT max(id) FROM sound)", "reach out"),
        ("UPDATE sound SET parent = 1 WHERE id = (SELECT max(id) FROM sound WHERE parent > 1)", "lie in no utterance"),
        ("DELETE FROM sound WHERE id = (SELECT max(id) FROM sound)", "were committed"),
        ("DELETE FROM manner WHERE first = (SELECT max(first) FROM manner)", "are not those of its sounds"),
        ("UPDATE manner SET measures = substr(measures, 5)", "are not those of its sounds"),
        ("UPDATE recording SET utterances = utterances + 1", "other utterances"),
        ("DELETE FROM recording", "not among those of their recording"),
        ("UPDATE time SET rows = x'1234'", "cannot be read"),
        ("UPDATE time SET stop = stop + 1", "do not fit its text"),
    ],
)
def test_verification_finds_what_does_not_fit(base: KnowledgeBase, tmp_path: Path, change: str, said: str) -> None:
    recording = recording_of(tmp_path, "/r/a.wav", 40)
    made = transcribed(recording, write_text(3), np.array([(0, 5, 0, 100), (6, 9, 100, 200)], TIMES_DTYPE))
    add_all(base, [made, spoken(tmp_path, 1)])
    assert base.verify().clean
    with raw(base) as connection:
        connection.execute(change)
    assert any(said in problem.what for problem in base.verify().problems), base.verify().problems


def test_the_catalog_holds_the_names_of_measures(base: KnowledgeBase, tmp_path: Path) -> None:
    add_all(base, [spoken(tmp_path, 1)])
    ((names,),) = raw(base).execute("SELECT measures FROM recording").fetchall()
    assert json.loads(str(names)) == [measure.name for measure in MEASURES]
    assert FRAME == 320
