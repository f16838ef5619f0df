"""An explanation tells what the search did: its numbers sum to the score, and its places are the hit's."""

from __future__ import annotations

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
from octavo.pipeline.errors import QueryError
from rich.console import Console

from ..library import MANUAL, NOTES, BagOfWords, document, encoded
from ..sound_world import encoders_of, kb_of, recording_of


@pytest.fixture(scope="module")
def kb(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    folder = tmp_path_factory.mktemp("explain")
    made = kb_of(
        folder / "kb",
        encoded(document("manual.md", MANUAL), BagOfWords()),
        encoded(document("notes.md", NOTES), BagOfWords()),
        recording_of(folder, "call", ["my router is broken", "please send the invoice again"]),
    )
    made._encoders = encoders_of()
    return made


def why(kb: KnowledgeBase, question: str, rank: int = 1, place: str = "", **options: Any) -> Explanation:
    return explain(kb, Question(question, **options), rank=rank, place=place)


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
        text = Console(width=100, record=True, quiet=True)
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
