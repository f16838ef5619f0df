"""Search by manner: examples, conditions, timelines."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from octavo.indexes.ask import Question, ask
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.hit import Answer
from octavo.indexes.sound.manner import Example, example_vector
from octavo.indexes.sound.manner_filter import MannerFilter
from octavo.indexes.sound.timeline import timeline
from octavo.indexes.store.filter import Filter
from octavo.indexes.view import timeline_text
from octavo.pipeline.embed import Encoded
from octavo.pipeline.encoders.speech import Stretch
from octavo.pipeline.errors import QueryError
from octavo.pipeline.voice.measures import MEASURES
from rich.console import Console

from .library import MANUAL, BagOfWords, document, encoded
from .sound_world import FakeSpeech, encoders_of, hearing_of, kb_of, recording_of
from .world import unit

NAMES = [measure.name for measure in MEASURES]
SLOW, QUICK, LIVELY = 2.0, 6.0, 7.0
SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "answer.schema.json").read_text(encoding="utf-8"))


def row(rate: float, f0_range: float) -> list[float]:
    made = [float("nan")] * len(MEASURES)
    made[NAMES.index("rate")], made[NAMES.index("f0_range")] = rate, f0_range
    return made


def spoken_so(folder: Path, name: str, lines: list[str], manners: list[tuple[float, float]], **options: Any) -> Encoded:
    """A recording whose prosody vectors are its rate and range, far apart for different manners."""
    made = recording_of(folder, name, lines, measures=[row(*one) for one in manners], **options)
    assert made.sound is not None
    utterances = [
        replace(utterance, manners=unit(np.array([[rate - 4, span - 5, 0.5]], np.float32)))
        for utterance, (rate, span) in zip(made.sound.utterances, manners, strict=True)
    ]
    return replace(made, sound=replace(made.sound, utterances=utterances))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("manner")


@pytest.fixture(scope="module")
def kb(folder: Path) -> KnowledgeBase:
    return kb_of(
        folder / "kb",
        encoded(document("manual.md", MANUAL), BagOfWords()),
        spoken_so(
            folder,
            "call",
            ["my router is broken", "please send the invoice", "thank you"],
            [(SLOW, 2), (QUICK, 9), (SLOW, 2.5)],
            start_us=1_000_000,
        ),
        spoken_so(folder, "memo", ["the modem is my router", "send my warranty"], [(QUICK, 9.5), (SLOW, 2)]),
        spoken_so(folder, "talk", ["the router is broken"], [(LIVELY, 12)], transcribed=True),
    )


def asked(kb: KnowledgeBase, text: str | None = None, **options: Any) -> Answer:
    with kb.snapshot() as snapshot:
        return ask(Question(text, **options), snapshot, encoders_of())


def names(answer: Answer) -> list[str]:
    return [Path(hit.citation.source.uri).stem for hit in answer.hits]


def second(kb: KnowledgeBase, name: str, number: int) -> tuple[float, float]:
    """When an utterance of a recording is said."""
    with kb.snapshot() as snapshot:
        line = timeline(snapshot, f"/calls/{name}.wav").lines[number]
    return line.start_seconds, line.stop_seconds


def test_an_example_finds_its_like_and_not_itself(kb: KnowledgeBase) -> None:
    start, stop = second(kb, "call", 1)
    answer = asked(kb, like=f"/calls/call.wav@{start:.2f}-{stop:.2f}", k=3)
    assert names(answer)[0] == "memo"
    first = answer.hits[0]
    assert first.scale == "prosody"
    assert first.measures == pytest.approx({"rate": QUICK, "f0_range": 9.5})
    place = first.citation.places[0]
    assert (place.start_seconds, place.stop_seconds) == pytest.approx(second(kb, "memo", 0))
    for hit in answer.hits:
        same = Path(hit.citation.source.uri).stem == "call"
        assert not same or abs((hit.citation.places[0].start_seconds or 0) - start) > 0.1
    jsonschema.validate(json.loads(json.dumps(answer.to_json())), SCHEMA)


def test_a_part_of_an_utterance_stands_for_it(kb: KnowledgeBase) -> None:
    start, stop = second(kb, "call", 1)
    whole = asked(kb, like=f"/calls/call.wav@{start:.2f}-{stop:.2f}", k=3)
    part = asked(kb, like=f"/calls/call.wav@{start + 0.3:.2f}-{start + 0.5:.2f}", k=3)
    assert names(part)[0] == names(whole)[0]


def test_a_file_that_is_not_in_is_encoded(kb: KnowledgeBase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = spoken_so(tmp_path, "other", ["my modem", "thank you"], [(SLOW, 2), (QUICK, 9)])
    assert other.sound is not None
    sound = other.sound
    utterances = tuple(sound.utterances)

    class Reads:
        def __enter__(self) -> Reads:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def read(self, path: Path) -> object:
            return sound.recording

    speech = FakeSpeech()
    speech.stretches = [Stretch(utterances, {}, sound.recording.samples)]
    monkeypatch.setattr("octavo.pipeline.reading.Reader", Reads)
    start, stop = utterances[1].start / 16_000, utterances[1].stop / 16_000
    with kb.snapshot() as snapshot:
        vector, itself = example_vector(Example(tmp_path / "other.wav", start, stop), snapshot, hearing_of(speech))
    assert itself is None
    assert vector == pytest.approx(utterances[1].manners[0])


def test_conditions_alone_list_what_meets_them(kb: KnowledgeBase) -> None:
    answer = asked(kb, manner="rate>5.5 and f0_range>8st", k=9)
    assert names(answer) == ["talk", "memo", "call"] or names(answer) == ["talk", "call", "memo"]
    assert all(hit.measures["rate"] > 5.5 and hit.measures["f0_range"] > 8 for hit in answer.hits)
    slow = asked(kb, manner="rate<3", k=9)
    assert len(slow.hits) == 3
    assert asked(kb, manner="rate>99").hits == ()
    assert [hit.rank for hit in slow.hits] == [1, 2, 3]


def test_conditions_restrict_a_question(kb: KnowledgeBase) -> None:
    free = asked(kb, "router", scales=("phoneme",), k=9)
    assert set(names(free)[:3]) == {"call", "memo", "talk"}
    quick = asked(kb, "router", scales=("phoneme",), manner="rate>5.5", k=9)
    assert set(names(quick)[:2]) == {"memo", "talk"}
    assert all(hit.scale == "phoneme" for hit in quick.hits)
    default = asked(kb, "router", manner="rate>6.5", k=9)
    assert set(names(default)) == {"talk"}


def test_where_conditions_leave_nothing_the_answer_is_sure_of_nothing(kb: KnowledgeBase) -> None:
    before = asked(kb, "warranty")
    assert before.hits
    answer = asked(kb, "warranty", manner="rate>99")
    assert (answer.hits, answer.confidence, answer.abstain) == ((), 0.0, True)
    assert answer.handoff is not None
    assert "--filter" in answer.handoff.reasons[0]


def test_an_example_moves_its_like_up(kb: KnowledgeBase) -> None:
    start, stop = second(kb, "call", 1)
    answer = asked(kb, "router", scales=("phoneme",), like=f"/calls/call.wav@{start:.2f}-{stop:.2f}", k=3)
    assert names(answer)[-1] == "call"
    assert answer.hits[0].contributions["prosody"] > 0
    for hit in answer.hits:
        assert sum(hit.contributions.values()) == pytest.approx(hit.score, abs=1e-5)
    assert len(answer.hits) == 3


def test_sources_filter_manner_too(kb: KnowledgeBase) -> None:
    answer = asked(kb, manner="rate>1", where=Filter(sources=("*memo*",)), k=9)
    assert set(names(answer)) == {"memo"}


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({}, "nothing is asked"),
        ({"text": "x", "audio": "y.wav"}, "not both"),
        ({"like": "a.wav", "budget": 10}, "budget of 10"),
        ({"manner": "rate>5", "scales": ("sentence",)}, "scale prosody only"),
        ({"manner": "rate>5", "k": 0}, "0 hits"),
        ({"manner": "speed>5"}, "'speed' is no measure; there are f0 .Hz"),
        ({"manner": "rate>5st"}, "rate is in syl/s"),
        ({"manner": "tempo>5st"}, "a number without a unit"),
        ({"manner": "rate"}, "no condition"),
        ({"manner": "rate>5 and"}, "no condition"),
        ({"manner": "__import__('os')>1"}, "no condition"),
        ({"like": "/calls/call.wav@9-3"}, "ends before it begins"),
        ({"like": "/calls/call.wav@900-903"}, "nothing is said"),
        ({"like": "/calls/call.wav@1.1.1-3"}, "is no time"),
    ],
)
def test_nonsense_is_refused_with_its_value(kb: KnowledgeBase, options: dict[str, Any], what: str) -> None:
    with pytest.raises(QueryError, match=what):
        asked(kb, **options)


def test_an_example_is_read_as_written() -> None:
    assert Example.parse("call.wav@62.1-66.4") == Example(Path("call.wav"), 62.1, 66.4)
    assert Example.parse("a@b/call.wav@1:02.5-1:06") == Example(Path("a@b/call.wav"), 62.5, 66.0)
    assert Example.parse("me@home.wav") == Example(Path("me@home.wav"))


@given(
    st.lists(
        st.lists(
            st.tuples(st.sampled_from(NAMES), st.sampled_from([">", ">=", "<", "<="]), st.integers(-9, 9)),
            min_size=1,
            max_size=3,
        ),
        min_size=1,
        max_size=3,
    ),
    st.integers(0, 10**6),
)
def test_conditions_mean_what_python_means(groups: list[list[tuple[str, str, int]]], seed: int) -> None:
    text = " or ".join(" and ".join(f"{name} {sign} {bound}" for name, sign, bound in group) for group in groups)
    measures = np.random.default_rng(seed).integers(-9, 10, (20, len(MEASURES))).astype(np.float32)
    measures[0] = np.nan
    held = MannerFilter.parse(text).holds(measures)
    for values, found in zip(measures, held, strict=True):
        known = dict(zip(NAMES, values.tolist(), strict=True))
        assert bool(found) == any(
            all(eval(f"{known[name]!r} {sign} {bound}", {"nan": float("nan")}) for name, sign, bound in group)
            for group in groups
        )


def test_units_and_shares() -> None:
    measures = np.full((2, len(MEASURES)), np.nan, np.float32)
    measures[:, NAMES.index("pauses")] = [0.1, 0.4]
    measures[:, NAMES.index("f0_range")] = [3, 9]
    assert MannerFilter.parse("pauses > 20%").holds(measures).tolist() == [False, True]
    assert MannerFilter.parse("f0_range<=3 ST").holds(measures).tolist() == [True, False]


def test_what_rounds_to_the_bound_is_not_above_it() -> None:
    measures = np.zeros((2, len(MEASURES)), np.float32)
    measures[:, NAMES.index("loudness")] = 3.6e-15, 0.01
    assert MannerFilter.parse("loudness>0").holds(measures).tolist() == [False, True]


def test_a_timeline_tells_utterances_in_order(kb: KnowledgeBase) -> None:
    with kb.snapshot() as snapshot:
        call, talk = timeline(snapshot, "/calls/call.wav"), timeline(snapshot, "/calls/talk.wav")
    assert [line.heard.split()[0] for line in call.lines] == ["M", "P", "TH"]
    assert call.lines[0].start_seconds == pytest.approx(2.0)
    assert all(a.stop_seconds <= b.start_seconds for a, b in zip(call.lines, call.lines[1:], strict=False))
    assert call.lines[1].measures == pytest.approx({"rate": QUICK, "f0_range": 9})
    assert call.lines[0].text == ""
    assert talk.lines[0].text == "The router is broken."
    made = json.loads(json.dumps(call.to_json()))
    assert len(made["utterances"]) == 3
    out = io.StringIO()
    Console(file=out, width=100).print(timeline_text(talk))
    assert "The router is broken." in out.getvalue()
    assert "0:01.0-" in out.getvalue()


def test_a_document_has_no_timeline(kb: KnowledgeBase) -> None:
    with kb.snapshot() as snapshot, pytest.raises(QueryError, match="no recording"):
        timeline(snapshot, "/shelf/manual.md")
