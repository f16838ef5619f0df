"""Spoken questions: understood as words of the knowledge base, and found as sound."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.hit import Answer
from octavo.indexes.sound.by_example import by_example, telling_windows
from octavo.indexes.sound.keyword import Alignment, best_phones, example
from octavo.indexes.sound.question_audio import ask_aloud
from octavo.indexes.sound.question_recording import listen_to
from octavo.indexes.sound.understanding import COST_OF_A_WORD, WORTH_A_PHONE, cover, understand
from octavo.pipeline.errors import EmptySource, QueryError
from octavo.pipeline.phones import phone_ids
from octavo.pipeline.posteriors import FRAME

from .library import BagOfWords, document, encoded
from .sound_world import (
    FakeSpeech,
    FakeTermSounds,
    encoders_of,
    hearing_of,
    kb_of,
    phones_of,
    posteriors_of,
    recording_of,
    utterance_of,
)

TEXT = """# Router
The router is broken again. Send the router to the supervisor.

# Modem
The modem is my octavo. Thank you.

# Warranty
Please send the invoice. The warranty is broken.
"""
SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "answer.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def kb(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    folder = tmp_path_factory.mktemp("aloud")
    return kb_of(
        folder / "kb",
        encoded(document("manual.md", TEXT), BagOfWords()),
        recording_of(folder, "call", ["my router is broken", "please send the invoice again"]),
        recording_of(folder, "memo", ["the modem is my router", "the supervisor is broken"]),
        pronouncer=FakeTermSounds(),
    )


def aloud(kb: KnowledgeBase, *lines: str, slips: float = 0.0, **options: Any) -> Answer:
    at, utterances = 0, []
    for number, line in enumerate(lines):
        utterances.append(utterance_of(phones_of(line), at, slips=slips, seed=40 + number))
        at = utterances[-1].stop + 1600
    with kb.snapshot() as snapshot:
        return ask_aloud(utterances, snapshot, encoders_of(), **options)


def test_a_question_is_understood_with_its_times(kb: KnowledgeBase) -> None:
    answer = aloud(kb, "is the warranty broken")
    assert answer.query == "is the warranty broken"
    assert [word.text for word in answer.heard_words] == ["is", "the", "warranty", "broken"]
    warranty = answer.heard_words[2]
    start = len(phones_of("is the")) * 5 * FRAME / 16_000
    assert warranty.start_seconds == pytest.approx(start, abs=0.08)
    assert warranty.stop_seconds == pytest.approx(start + len(phones_of("warranty")) * 0.1, abs=0.08)
    assert warranty.probability > 0.8
    first = answer.hits[0]
    assert Path(first.citation.source.uri).name == "manual.md"
    assert "warranty is broken" in first.text
    jsonschema.validate(json.loads(json.dumps(answer.to_json())), SCHEMA)


def test_recordings_answer_a_spoken_question_too(kb: KnowledgeBase) -> None:
    answer = aloud(kb, "please send the invoice", k=10)
    sound = [hit for hit in answer.hits if hit.scale == "phoneme"]
    assert Path(sound[0].citation.source.uri).name == "call.wav"


def test_slips_leave_most_words(kb: KnowledgeBase) -> None:
    answer = aloud(kb, "please send the supervisor the warranty", slips=0.15)
    assert {"supervisor", "warranty"} <= {word.text for word in answer.heard_words}


def test_words_of_several_utterances_come_in_order(kb: KnowledgeBase) -> None:
    answer = aloud(kb, "my modem", "send the invoice")
    assert answer.query == "my modem send the invoice"
    starts = [word.start_seconds for word in answer.heard_words]
    assert starts == sorted(starts)


def test_words_of_a_recogniser_are_fused(kb: KnowledgeBase) -> None:
    with kb.snapshot() as snapshot:
        made = understand([utterance_of(phones_of("the warranty"))], snapshot, hearing_of(), "The guarantee, please")
    assert made.query == "The guarantee, please warranty"


def test_an_example_finds_where_it_is_said(kb: KnowledgeBase) -> None:
    answer = aloud(kb, "router", scales=("phoneme",), k=10)
    assert answer.query == ""
    assert {Path(hit.citation.source.uri).name for hit in answer.hits[:2]} == {"call.wav", "memo.wav"}
    assert all(hit.heard == "R AW T ER" for hit in answer.hits[:2])
    jsonschema.validate(json.loads(json.dumps(answer.to_json())), SCHEMA)


@pytest.mark.parametrize("exhaustive", [True, False])
def test_a_slip_in_the_example_is_forgiven(kb: KnowledgeBase, exhaustive: bool) -> None:
    said = list(phones_of("supervisor"))
    said[3] = phone_ids("B")[0]
    with kb.snapshot() as snapshot:
        hits = by_example([utterance_of(said)], snapshot, hearing_of(), k=3, exhaustive=exhaustive)
        first = snapshot.content(hits[0].content).source.uri
    assert Path(first).name == "memo.wav"


def test_a_name_that_no_text_holds_is_found_as_sound(kb: KnowledgeBase, tmp_path: Path) -> None:
    sound_only = kb_of(tmp_path / "kb", recording_of(tmp_path, "call", ["my octavo is broken", "thank you"]))
    answer = aloud(sound_only, "octavo")
    assert answer.query == ""
    assert "no word" in answer.warnings[0]
    assert answer.hits[0].heard == "AA K T AA V OW"


def test_a_budget_counts_text_only(kb: KnowledgeBase) -> None:
    answer = aloud(kb, "the warranty", budget=200)
    assert answer.hits
    assert all(hit.scale != "phoneme" for hit in answer.hits)
    with pytest.raises(QueryError, match="budget of 200"):
        aloud(kb, "the warranty", budget=200, scales=("phoneme",))


def test_what_is_heard_is_a_few_likely_sequences() -> None:
    said = phones_of("router")
    posteriors, _ = posteriors_of(said)
    ways = example(posteriors)
    assert ways[0].phones == said == best_phones(posteriors)
    assert ways[0].log_probability == 0
    assert 1 < len(ways) <= 10
    assert [way.log_probability for way in ways] == sorted((way.log_probability for way in ways), reverse=True)
    assert len({way.phones for way in ways}) == len(ways)


def test_telling_windows_hold_the_word() -> None:
    utterance = utterance_of(phones_of("router"))
    assert 1 <= len(telling_windows(utterance)) <= len(utterance.windows)


def alignment(start: int, stop: int, score: float, phones: int) -> Alignment:
    return Alignment(0, 0, score, phones, ((start, start + 1), (stop - 1, stop)), start, stop)


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(0, 12), st.integers(2, 6), st.floats(-6, 0), st.integers(1, 6)), min_size=0, max_size=7
    )
)
def test_the_cover_is_the_best_of_all(rows: list[tuple[int, int, float, int]]) -> None:
    candidates = [alignment(start, start + length, score, phones) for start, length, score, phones in rows]

    def worth(chosen: tuple[int, ...]) -> float:
        total = sum(candidates[at].score + WORTH_A_PHONE * candidates[at].phones - COST_OF_A_WORD for at in chosen)
        return float(total)

    def apart(chosen: tuple[int, ...]) -> bool:
        spans = sorted((candidates[at].peaks[0][0], candidates[at].peaks[-1][1]) for at in chosen)
        return all(a[1] <= b[0] for a, b in itertools.pairwise(spans))

    sets = (chosen for size in range(len(rows) + 1) for chosen in itertools.combinations(range(len(rows)), size))
    best = max(worth(chosen) for chosen in sets if apart(chosen))
    found = tuple(cover(candidates, [1] * len(rows)))
    assert apart(found)
    assert worth(found) == pytest.approx(best, abs=1e-4)


def test_of_words_that_sound_alike_the_frequent_one_is_taken() -> None:
    twins = [alignment(0, 10, -1.0, 4), alignment(0, 10, -1.0, 4)]
    assert cover(twins, [2, 9]) == [1]
    assert cover(twins, [9, 2]) == [0]


class _Reads:
    """A reader that gives a recording of silence."""

    def __init__(self, made: object) -> None:
        self.made = made

    def __call__(self) -> _Reads:
        return self

    def __enter__(self) -> _Reads:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def read(self, path: Path) -> object:
        return self.made


def test_only_recordings_with_speech_are_questions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    speech = FakeSpeech()
    hearing = hearing_of(speech)
    sound = recording_of(tmp_path, "question", ["my router"]).sound
    assert sound is not None
    monkeypatch.setattr("octavo.pipeline.reading.Reader", _Reads(sound.recording))
    with pytest.raises(EmptySource, match="no speech"):
        listen_to(tmp_path / "question.wav", hearing)
    long = recording_of(tmp_path, "long", ["my router is broken"] * 40).sound
    assert long is not None
    monkeypatch.setattr("octavo.pipeline.reading.Reader", _Reads(long.recording))
    with pytest.raises(QueryError, match="lasts"):
        listen_to(tmp_path / "long.wav", hearing)
    monkeypatch.setattr("octavo.pipeline.reading.Reader", _Reads(document("manual.md", TEXT)))
    with pytest.raises(QueryError, match="not a recording"):
        listen_to(tmp_path / "manual.md", hearing)
    again = recording_of(tmp_path, "again", ["my router"]).sound
    assert again is not None
    speech.hears = (utterance_of(phones_of("my router")),)
    monkeypatch.setattr("octavo.pipeline.reading.Reader", _Reads(again.recording))
    assert np.array_equal(listen_to(tmp_path / "a.wav", hearing)[0].windows, speech.hears[0].windows)
