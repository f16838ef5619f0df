"""Questions about recordings, judged in milliseconds, against answers asked for one by one and scored by sets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from octavo import cli
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.evaluate import metrics
from octavo.indexes.evaluate.gold import Judge
from octavo.indexes.evaluate.granularity import evaluate
from octavo.indexes.evaluate.metrics import off_axis, on_axis
from octavo.indexes.evaluate.questions import Question, Relevant, parse_questions, write_questions
from octavo.indexes.evaluate.rows import FUSED, Kind
from octavo.indexes.evaluate.run import EvaluationRun
from octavo.indexes.evaluate.self_questions import self_questions
from octavo.indexes.evaluate.summary import summarise
from octavo.indexes.evaluate.table import show_evaluation
from octavo.indexes.hit import Answer
from octavo.indexes.report import plain_console
from octavo.indexes.retrieve import Encoders, retrieve
from octavo.indexes.sound.as_written import CHARACTERS_A_SECOND, as_written
from octavo.pipeline.errors import QueryError
from octavo.pipeline.posteriors import FRAME
from octavo.pipeline.scale import Medium

from ..library import MANUAL, BagOfWords, document, encoded
from ..sound_world import PHONE_FRAMES, encoders_of, kb_of, phones_of, recording_of

CALL = ["my router is broken", "please send the invoice again", "thank you"]
MEMO = ["the modem is my router", "send my warranty"]
BUDGETS = (20, 60, 150, 800)
ZERO = 2.5
"""File time of the call's first sample."""


def seconds(lines: list[str], number: int) -> tuple[float, float]:
    """When a line of a recording of the world begins and ends, from its first sample."""
    at = 1.0
    for line in lines[:number]:
        at += len(phones_of(line)) * PHONE_FRAMES * FRAME / 16_000 + 1.0
    return at, at + len(phones_of(lines[number])) * PHONE_FRAMES * FRAME / 16_000


def timed(source: str, lines: list[str], number: int, zero: float = 0.0, late: float = 0.0) -> Relevant:
    start, stop = seconds(lines, number)
    return Relevant(source, start_seconds=zero + start + late, stop_seconds=zero + stop + late)


WARRANTY = "The warranty covers pump, valve and boiler for two years."
PLACE = Relevant("manual.md", MANUAL.index(WARRANTY), MANUAL.index(WARRANTY) + len(WARRANTY))

QUESTIONS = (
    Question("is the router broken", (timed("call.wav", CALL, 0, ZERO),), "call", id="1"),
    Question("send the invoice", (timed("call.wav", CALL, 1, ZERO, late=0.5),), "call", id="2"),
    Question("send my warranty", (timed("memo", MEMO, 1),), "memo", id="3"),
    Question("the modem", (timed("memo", MEMO, 0, late=-0.25),), "memo", id="4"),
    Question("is the warranty of the router broken", (PLACE, timed("call", CALL, 0, ZERO)), "both", id="5"),
    Question("thank you", (Relevant("call"),), "whole", id="6"),
    Question("which pump is broken", (PLACE,), "manual", id="7"),
    Question("the router", (timed("memo", MEMO, 1), Relevant("memo", 0, 23)), "memo", id="8"),
)


@pytest.fixture(scope="module")
def kb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KnowledgeBase]:
    folder = tmp_path_factory.mktemp("timed")
    with kb_of(
        folder / "kb",
        encoded(document("manual.md", MANUAL), BagOfWords()),
        recording_of(folder, "call", CALL, start_us=round(ZERO * 1e6)),
        recording_of(folder, "memo", MEMO, transcribed=True),
    ) as base:
        yield base


@pytest.fixture(scope="module")
def run(kb: KnowledgeBase) -> EvaluationRun:
    return evaluate(kb, encoders_of(), QUESTIONS, BUDGETS).run


def found(question: Question, answer: Answer) -> set[tuple[str, int]]:
    """(source, character), or (source, millisecond) in recordings that the question names times of."""
    by_time = {Path(p.source).stem for p in question.relevant if p.start_seconds is not None}
    made: set[tuple[str, int]] = set()
    for hit in answer.hits:
        cited, name = hit.citation, Path(hit.citation.source.uri).stem
        zero = ZERO if name == "call" else 0.0
        if name in by_time:
            place = cited.places[0]
            assert place.start_seconds is not None
            assert place.stop_seconds is not None
            edges = [round((edge - zero) * 1e6) // 1000 for edge in (place.start_seconds, place.stop_seconds)]
        elif cited.medium is Medium.AUDIO and not hit.text:
            edges = as_written([cited.start, cited.stop]).tolist()
        else:
            edges = [cited.start, cited.stop]
            if cited.medium is Medium.AUDIO:  # with a transcript: the characters of its words
                edges = [TRANSCRIPT.index(hit.text), TRANSCRIPT.index(hit.text) + len(hit.text)]
        made |= {(name, at) for at in range(*edges)}
    return made


TRANSCRIPT = "The modem is my router. Send my warranty."


def wanted(question: Question) -> set[tuple[str, int]]:
    by_time = {Path(p.source).stem for p in question.relevant if p.start_seconds is not None}
    made: set[tuple[str, int]] = set()
    for place in question.relevant:
        name = Path(place.source).stem
        if place.start_seconds is not None and place.stop_seconds is not None:
            zero = ZERO if name == "call" else 0.0
            edges = [round((edge - zero) * 1e6) // 1000 for edge in (place.start_seconds, place.stop_seconds)]
            made |= {(name, at) for at in range(*edges)}
        elif place.start is not None and place.stop is not None:
            if name in by_time:  # characters of a transcript, in a recording that is judged by time
                edges = [round(1000 * edge) for edge in seconds(MEMO, 0)]
                made |= {(name, at) for at in range(*edges)}
            else:
                made |= {(name, at) for at in range(place.start, place.stop)}
    return made


def test_every_row_is_what_search_answers(kb: KnowledgeBase, run: EvaluationRun) -> None:
    names = [row.name for row in run.rows if row.kind is Kind.SINGLE]
    assert names == ["character", "sentence", "paragraph", "section", "document", "phoneme"]
    assert not any("phoneme" in row.scales for row in run.rows if row.kind is Kind.PAIR)
    for at, question in enumerate(QUESTIONS):
        by_time = {Path(p.source).stem for p in question.relevant if p.start_seconds is not None}
        gold = wanted(question)

        def weigh(places: set[tuple[str, int]], by_time: set[str] = by_time) -> float:
            return sum(CHARACTERS_A_SECOND / 1000 if name in by_time else 1.0 for name, _ in places)

        for name in ("sentence", "paragraph", "phoneme", FUSED):
            for budget in BUDGETS:
                with kb.snapshot() as snapshot:
                    scales = () if name == FUSED else (name,)
                    answer = retrieve(question.text, snapshot, encoders_of(), budget=budget, scales=scales)
                column = run.row(name)
                got = {of: run.scores[f"{of}@{budget}"][at, column] for of in ("recall", "precision")}
                places = found(question, answer)
                if not gold:
                    assert np.isnan(got["recall"])
                    continue
                both, all_found = weigh(gold & places), weigh(places)
                assert got["recall"] == pytest.approx(both / weigh(gold)), (name, question.text, budget)
                assert got["precision"] == pytest.approx(both / all_found if all_found else 0.0)
                assert run.scores[f"characters@{budget}"][at, column] <= budget


def test_sound_finds_what_has_no_transcript(run: EvaluationRun) -> None:
    recall = run.scores["recall@150"]
    for name in ("phoneme", FUSED):
        assert recall[0, run.row(name)] == pytest.approx(1.0)
        assert recall[1, run.row(name)] > 0.5
    assert recall[0, run.row("sentence")] == recall[0, run.row("without phoneme")] == 0
    assert recall[2, run.row("sentence")] == pytest.approx(1.0)
    assert run.scores["span-mrr"][0, run.row("phoneme")] == 1
    assert run.scores["span-recall@1"][0, run.row("phoneme")] == 1
    assert run.scores["precision-omega"][0, run.row("phoneme")] == pytest.approx(1.0)
    assert run.scores["source-mrr"][5, run.row("phoneme")] == 1
    assert (run.signals["ms listen"] > 0).all()
    assert (run.signals["citations broken"] == 0).all()


def test_the_table_tells_what_sound_adds(kb: KnowledgeBase, capsys: pytest.CaptureFixture[str]) -> None:
    run = evaluate(kb, encoders_of(), QUESTIONS[:2], BUDGETS).run
    summary = summarise(run)
    worth = {one.name: one for one in summary.worth}["phoneme"]
    assert worth.verdict == "earns"
    assert worth.ms > 0
    assert "listen" in summary.signals["slower_answers"]["ms"]
    show_evaluation(plain_console(), run, summary)
    said = capsys.readouterr().out
    assert "phoneme" in said
    assert "listen" in said


def test_recordings_alone_can_be_evaluated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Encoders, "load", classmethod(lambda cls, *given, **named: encoders_of()))
    write_questions(tmp_path / "questions.jsonl", QUESTIONS[:2])
    call = recording_of(tmp_path, "call", CALL, start_us=round(ZERO * 1e6))
    none = pytest.raises(QueryError, match="no text that a question could be made of")
    with kb_of(tmp_path / "kb", call) as base, none:
        self_questions(base)
    asked = ["eval", str(tmp_path / "questions.jsonl"), "--kb", str(tmp_path / "kb"), "--budgets", "60,400"]
    assert cli.main([*asked, "--json"]) == cli.DONE
    made = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in made["rows"]] == ["phoneme", FUSED, "without phoneme"]
    assert made["summary"]["estimates"]["recall@400"]["fused"]["mean"] > 0.7
    assert cli.main(asked) == cli.DONE
    assert "phoneme" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("place", "complaint"),
    [
        (Relevant("manual.md", start_seconds=1, stop_seconds=2), "is no recording"),
        (Relevant("call", start_seconds=1, stop_seconds=900), r"goes from 2\.50 to"),
        (Relevant("call", start_seconds=0.1, stop_seconds=0.2), r"goes from 2\.50 to"),
        (Relevant("call", start_seconds=1.6, stop_seconds=2.4), "outside"),
    ],
)
def test_a_time_that_is_not_there_is_named(kb: KnowledgeBase, place: Relevant, complaint: str) -> None:
    with kb.snapshot() as snapshot, pytest.raises(QueryError, match=complaint):
        Judge(kb, snapshot).gold(Question("?", (place,), id="9"))


def test_times_are_kept_in_milliseconds(kb: KnowledgeBase) -> None:
    with kb.snapshot() as snapshot:
        judge = Judge(kb, snapshot)
        gold = judge.gold(Question("?", (Relevant("call", start_seconds=3.5014, stop_seconds=4.25),)))
        assert off_axis(gold.starts)[1].tolist() == [1001]
        assert off_axis(gold.stops)[1].tolist() == [1750]
        assert gold.characters == pytest.approx(0.749 * CHARACTERS_A_SECOND)
        assert gold.written == ((int(gold.contents[0]), 15, 26),)
        said = judge.gold(QUESTIONS[2])
        assert [TRANSCRIPT[start:stop].strip() for _, start, stop in said.written] == ["Send my warranty."]


def test_times_come_back_from_a_line() -> None:
    line = json.dumps(QUESTIONS[0].to_json())
    assert parse_questions([line], "q") == [QUESTIONS[0]]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 999), st.integers(1, 99)), min_size=1, max_size=8))
def test_milliseconds_weigh_what_would_be_read(spans: list[tuple[int, int, int]]) -> None:
    table = np.array(spans, np.int64)
    starts, stops = on_axis(table[:, 0], table[:, 1]), on_axis(table[:, 0], table[:, 1] + table[:, 2])
    timed_contents = np.array([1, 3])
    by_hand = [length * (0.015 if content in (1, 3) else 1) for content, _, length in spans]
    assert metrics.extent(starts, stops, timed_contents).tolist() == pytest.approx(by_hand)
    assert off_axis(starts)[0].tolist() == table[:, 0].tolist()
