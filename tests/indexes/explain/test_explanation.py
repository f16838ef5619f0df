"""An explanation tells what the search did: its numbers sum to the score, and its places are the hit's."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from octavo.indexes.ask import Question
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.counters import WINDOW, Counters
from octavo.indexes.explain.explanation import Explanation, explain
from octavo.indexes.explain.scoring import apportioned
from octavo.indexes.explain.view import explanation_text
from octavo.indexes.hit import Answer
from octavo.indexes.retrieve import Encoders
from octavo.pipeline.document import BOXES_DTYPE, Page
from octavo.pipeline.encoders.character import CharacterEncoder
from octavo.pipeline.errors import QueryError
from rich.console import Console

from ..library import MANUAL, NOTES, BagOfWords, MeaningOfWords, document, encoded, shelf
from ..sound_world import FakeTermSounds, encoders_of, kb_of, phones_of, recording_of, utterance_of


@pytest.fixture(scope="module")
def kb(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    folder = tmp_path_factory.mktemp("explain")
    made = kb_of(
        folder / "kb",
        encoded(document("manual.md", MANUAL), BagOfWords()),
        encoded(document("notes.md", NOTES), BagOfWords()),
        recording_of(folder, "call", ["my router is broken", "please send the invoice again"]),
    )
    made.encoders = encoders_of  # type: ignore[method-assign]
    return made


@pytest.fixture(scope="module")
def with_tokens(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    path = tmp_path_factory.mktemp("tokens") / "kb"
    made = shelf(path, document("manual.md", MANUAL), document("notes.md", NOTES), encoder=MeaningOfWords())
    made.encoders = lambda: Encoders(MeaningOfWords(), CharacterEncoder())  # type: ignore[method-assign]
    return made


def why(kb: KnowledgeBase, question: str, rank: int = 1, place: str = "", **options: Any) -> Explanation:
    return explain(kb, Question(question, **options), rank=rank, place=place)


@pytest.mark.parametrize("question", ["What does E-4304 mean?", "warranty of the pump", "temprature"])
@pytest.mark.parametrize("which", ["kb", "with_tokens"])
def test_what_is_shown_sums_to_the_score(which: str, question: str, request: pytest.FixtureRequest) -> None:
    made = why(request.getfixturevalue(which), question)
    shown = Console(width=130, file=io.StringIO(), record=True)
    shown.print(explanation_text(made))
    told = shown.export_text()
    line = next(line for line in told.splitlines() if " meaning + " in line)
    *terms, total = re.findall(r"\d\.\d{3}", line.partition("(")[0])
    assert sum(map(Decimal, terms)) == Decimal(total)
    assert Decimal(total) == Decimal(str(round(made.hit.score if made.hit else 0.0, 3))).quantize(Decimal("0.001"))
    words = question != "temprature"  # a word that nothing in the text is, has no meaning either
    assert ("words in context" in line) == (which == "with_tokens" and words)
    assert (" names" in line) == ("headings: words worth" in told) == (question == "warranty of the pump")


@pytest.mark.parametrize("question", ["What does E-4304 mean?", "warranty of the pump", "temprature", "invoice"])
def test_shares_sum_to_the_score_and_the_hits_are_those_of_a_search(kb: KnowledgeBase, question: str) -> None:
    answer = kb.search(question)
    for rank, hit in enumerate(answer.hits, 1):
        made = why(kb, question, rank)
        assert made.hit == hit
        assert made.shares is not None
        assert sum(map(Decimal, map(str, made.shares.values()))) == Decimal(str(round(hit.score, 6)))
        for name, share in made.shares.items():
            assert share == pytest.approx(hit.contributions[name], abs=2e-5)
        text = Console(width=100, record=True, file=io.StringIO())
        text.print(explanation_text(made, verbose=True))
        assert made.to_json()["hit"]["score"] == round(hit.score, 6)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=14))
def test_apportioned_values_sum_exactly(values: list[float]) -> None:
    made = apportioned(values, sum(values), 3)
    assert sum(round(one * 1000) for one in made) == round(sum(values) * 1000)
    assert all(abs(a - b) <= 0.0011 for a, b in zip(made, values, strict=True))


def test_a_word_heard_is_explained_by_its_phones(kb: KnowledgeBase) -> None:
    made = why(kb, "router", scales=("phoneme",))
    assert made.heard[0].word == "router"
    assert made.heard[0].asked in {phones for phones, _ in made.heard[0].pronunciations}
    assert made.levels[0].scale.name == "prosody"


def test_expected_places_and_ranks_beyond_the_answer(kb: KnowledgeBase) -> None:
    start = MANUAL.index("Rinse the filter")
    made = why(kb, "What does E-4304 mean?", place=f"manual.md:{start}-{start + 20}", k=1)
    assert made.expected is not None
    assert made.expected.rank is None
    assert made.expected.score < made.answer.hits[0].score
    assert why(kb, "What does E-4304 mean?", 2, k=1).beyond
    with pytest.raises(QueryError, match="there is no hit"):
        why(kb, "What does E-4304 mean?", 999, k=1)
    with pytest.raises(QueryError, match="no place"):
        why(kb, "pump", place="manual.md")


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    """A recording with a transcript, whose file time begins at 10 s, and a document of two pages."""
    folder = tmp_path_factory.mktemp("calls")
    said = ["my router is broken", "please send the invoice again"]
    cut_at = MANUAL.index("# Warranty")
    pages = tuple(
        Page(number, start, stop, 595.0, 842.0, np.array([(start, stop, 72.0, 90.0, 500.0, 700.0)], BOXES_DTYPE))
        for number, start, stop in ((1, 0, cut_at), (2, cut_at, len(MANUAL)))
    )
    made = kb_of(
        folder / "kb",
        encoded(replace(document("manual.pdf", MANUAL), pages=pages), BagOfWords()),
        recording_of(folder, "call", said, transcribed=True, start_us=10_000_000),
    )
    with made.writer() as writer:
        writer.remove("/shelf/manual.pdf")
        writer.commit({"action": "delete"})
    made.encoders = encoders_of  # type: ignore[method-assign]
    return made


def test_pages_and_times_that_were_expected(calls: KnowledgeBase) -> None:
    def expected(question: str, place: str) -> Any:
        made = explain(calls, Question(question, k=1), place=place, generation=1).expected
        assert made is not None
        return made

    page = expected("What does E-4304 mean?", "manual.pdf:p2")
    assert page.seen.start >= MANUAL.index("# Warranty")
    assert page.seen.citation.places[0].page == 2
    assert page.rank is None
    assert expected("What does E-4304 mean?", "manual.pdf:p1").rank == 1
    with calls.snapshot(1) as snapshot:
        heard = snapshot.sounds_between(snapshot.ranges())
        at = [10 + (heard.start[1] + 100) / 16_000, 10 + heard.stop[1] / 16_000]
    said = expected("router", f"call.wav@{at[0]:.2f}-{at[1]:.2f}")
    assert "invoice" in said.seen.citation.quote
    for place, why_not in {
        "manual.pdf:p3": "no text on page 3, only on pages 1 to 2",
        "call.wav:p1": "no pages at all",
        "manual.pdf@0-1": "is no recording",
        "call.wav@0-1": "goes from 10.00",
        "call.wav@20-12": "ends before it begins",
        "nothing.pdf:p1": "names no source of generation 1",
    }.items():
        with pytest.raises(QueryError, match=why_not):
            expected("router", place)


def test_an_earlier_generation(calls: KnowledgeBase) -> None:
    """What was deleted since is explained by what was known then: its words, its source, its pages."""
    then = explain(calls, Question("What does E-4304 mean?"), generation=1)
    assert then.answer.generation == 1
    assert then.hit is not None
    assert then.origin is not None
    assert then.origin.content.source.uri == "/shelf/manual.pdf"
    assert then.hit.citation.places[0].page == 1
    assert {word.text: word.known for word in then.words}["e-4304"] == "exact"
    assert ("e-4304",) in [one.terms for word in then.words for one in word.stands_for]
    assert then.shares is not None
    assert sum(then.shares.values()) == pytest.approx(then.hit.score, abs=1e-6)
    text = Console(width=100, record=True, file=io.StringIO())
    text.print(explanation_text(then))
    shown = text.export_text()
    assert "manual.pdf page 1" in shown
    assert "the file is GONE" in shown
    now = explain(calls, Question("What does E-4304 mean?"))
    assert now.answer.generation == 2
    assert {word.text: word.known for word in now.words}["e-4304"] == "exact"  # rarity counts what was deleted
    assert all(hit.citation.source.uri == "/calls/call.wav" for hit in now.answer.hits)
    with pytest.raises(QueryError, match="no source of generation 2"):
        explain(calls, Question("pump"), place="manual.pdf:p1")
    with pytest.raises(QueryError, match="there is no generation 9"):
        explain(calls, Question("pump"), generation=9)


def test_budgets_and_questions_without_a_hit(kb: KnowledgeBase, tmp_path: Path) -> None:
    made = why(kb, "What does E-4304 mean?", budget=300)
    assert made.hit is not None
    assert made.shares is not None
    assert sum(made.shares.values()) == pytest.approx(made.hit.score, abs=1e-6)
    assert made.reasons == ("with a budget of 300 characters spans are taken best first as long as they fit",)
    empty = kb_of(tmp_path / "kb", encoded(document("notes.md", NOTES), BagOfWords()))
    empty.encoders = encoders_of  # type: ignore[method-assign]
    with empty.writer() as writer:
        writer.remove("/shelf/notes.md")
        writer.commit({"action": "delete"})
    made = explain(empty, Question("zebra"))
    assert (made.hit, made.answer.hits) == (None, ())
    text = Console(width=100, record=True, file=io.StringIO())
    text.print(explanation_text(made, verbose=True))
    assert "Nothing in the knowledge base answers this question." in text.export_text()
    assert made.to_json()["hit"] is None


def test_a_spoken_question(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kb = kb_of(
        tmp_path / "kb",
        encoded(document("manual.md", "# Warranty\nThe warranty is broken. Send the invoice.\n"), BagOfWords()),
        recording_of(tmp_path, "call", ["my router is broken", "please send the invoice again"]),
        pronouncer=FakeTermSounds(),
    )
    kb.encoders = encoders_of  # type: ignore[method-assign]
    said = (utterance_of(phones_of("please send the invoice"), 0),)
    monkeypatch.setattr("octavo.indexes.sound.question_recording.listen_to", lambda path, hearing: said)
    found = kb.search(audio="question.wav")
    assert {hit.citation.medium.value for hit in found.hits} == {"text", "audio"}
    for rank, hit in enumerate(found.hits, 1):
        made = explain(kb, Question(audio="question.wav"), rank=rank)
        assert made.hit == hit
        assert made.answer.query == found.query
        assert made.shares is not None
        assert sum(made.shares.values()) == pytest.approx(hit.score, abs=1e-5)
        text = Console(width=100, record=True, file=io.StringIO())
        text.print(explanation_text(made))
        assert hit.scale in text.export_text()


def test_percentiles_are_those_of_numpy_over_the_window() -> None:
    counters, values = Counters(), np.random.default_rng(0).random(WINDOW + 500)
    for value in values.tolist():
        counters.note(Answer("q", 1, (), {"total": value}), {"sentence": value})
    made, kept = counters.signals(), values[-WINDOW:]
    assert made.answers == WINDOW
    assert made.stage_ms["total"].p50 == pytest.approx(np.percentile(kept, 50), rel=1e-12)
    assert made.index_ms["sentence"].p95 == pytest.approx(np.percentile(kept, 95), rel=1e-12)
    assert made.empty == 1


def test_a_search_is_a_trace(kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openinference.semconv", reason="the extra trace is not installed")
    sdk = pytest.importorskip("opentelemetry.sdk.trace", reason="the extra trace is not installed")
    from octavo.indexes import tracing
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    provider = sdk.TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "_tracer", lambda: provider.get_tracer("octavo"))
    kb.search("pump")
    spans = {span.name: span for span in exporter.get_finished_spans()}
    root = spans["octavo search"]
    assert root.attributes is not None
    assert root.attributes["openinference.span.kind"] == "RETRIEVER"
    assert root.attributes["input.value"] == "pump"
    assert "pump" in str(root.attributes["retrieval.documents.0.document.content"])
    encode, index, search = (spans[name] for name in ("encode", "index sentence", "search"))
    assert encode.attributes is not None
    assert encode.attributes["embedding.model_name"] == "bag-of-words"
    assert index.parent is not None
    assert search.context is not None
    assert index.parent.span_id == search.context.span_id
    assert {"encode", "expand", "search", "score", "choose", "cite", "listen"} <= set(spans)
    monkeypatch.setenv("OPENINFERENCE_HIDE_INPUTS", "true")
    monkeypatch.setenv("OPENINFERENCE_HIDE_OUTPUTS", "true")
    exporter.clear()
    kb.search("pump")
    told = str([dict(span.attributes or {}) for span in exporter.get_finished_spans()])
    assert "pump" not in told.replace(str(Path("/shelf")), "")
