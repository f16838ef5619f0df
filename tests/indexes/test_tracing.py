"""Traces: every stage of an ingest, what failed, and Ctrl-C; and all of it sent to a collector."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from octavo.indexes import tracing
from octavo.indexes.collection import KnowledgeBase
from octavo.indexes.intake import take_in

from .test_intake import SpanVectors
from .world import TermVectors

pytest.importorskip("openinference.semconv", reason="the extra trace is not installed")
sdk = pytest.importorskip("opentelemetry.sdk.trace", reason="the extra trace is not installed")


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Exporter that keeps every span."""
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    provider = sdk.TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "_tracer", lambda: provider.get_tracer("octavo"))
    return exporter


@pytest.fixture
def kb(tmp_path: Path) -> Iterator[KnowledgeBase]:
    with KnowledgeBase.open(tmp_path / "kb", create=True, term_encoder=TermVectors()) as opened:
        yield opened


def files(tmp_path: Path) -> list[Path]:
    (tmp_path / "a.md").write_text("# Title\n\nThe pump is kept in box 100.\n")
    (tmp_path / "empty.md").write_text("")
    return [tmp_path / "a.md", tmp_path / "empty.md"]


def test_every_stage_of_an_ingest_is_a_span(spans: Any, kb: KnowledgeBase, tmp_path: Path) -> None:
    taken = {one.path.name: one for one in take_in(kb, files(tmp_path), SpanVectors(), workers=1)}
    made = spans.get_finished_spans()
    (root,) = (span for span in made if span.name == "octavo ingest")
    assert root.attributes["octavo.ingest.added"] == 1
    assert root.attributes["octavo.ingest.empty"] == 1
    assert root.attributes["octavo.ingest.sentence"] >= 1
    assert root.status.is_ok or root.status.status_code.name == "UNSET"
    good, bad = sorted((span for span in made if span.name == "file"), key=lambda span: span.attributes["octavo.code"])
    assert good.attributes["octavo.code"] == "added"
    assert good.attributes["octavo.characters"] == taken["a.md"].counts["characters"]
    assert good.status.status_code.name == "UNSET"
    assert bad.status.status_code.name == "ERROR"
    assert bad.status.description.startswith("empty: ")
    stages = [span for span in made if span.parent and span.parent.span_id == good.context.span_id]
    assert [span.name for span in sorted(stages, key=lambda span: span.start_time)] == [
        "read",
        "segment",
        "encode",
        "write",
    ]
    for span in stages:
        assert good.start_time <= span.start_time <= span.end_time
    (commit,) = (span for span in made if span.name == "commit")
    assert commit.parent.span_id == root.context.span_id
    assert (commit.attributes["octavo.sources"], commit.attributes["octavo.generation"]) == (1, 1)
    assert set(taken["a.md"].to_json()["stages"]) == {"read", "segment", "encode", "write"}


def test_ctrl_c_and_errors_mark_the_ingest(spans: Any, kb: KnowledgeBase, tmp_path: Path) -> None:
    @contextmanager
    def pressed() -> Iterator[None]:
        for key in "c":
            raise KeyboardInterrupt(key)
        yield

    with pytest.raises(KeyboardInterrupt):
        list(take_in(kb, files(tmp_path), SpanVectors(), workers=1, interruptible=pressed))
    (root,) = (span for span in spans.get_finished_spans() if span.name == "octavo ingest")
    assert root.status.status_code.name == "ERROR"
    assert root.status.description == "c"
    spans.clear()
    with pytest.raises(ValueError, match="broken"):
        list(take_in(kb, files(tmp_path), SpanVectors("pump", ValueError("broken encoder")), workers=1))
    (root,) = (span for span in spans.get_finished_spans() if span.name == "octavo ingest")
    assert root.status.description == "broken encoder"
    assert root.events[0].name == "exception"


class Collector(ThreadingHTTPServer):
    """Takes what is sent by OTLP over HTTP."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taking)
        self.sent: dict[str, list[bytes]] = {}


class _Taking(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        import gzip

        assert isinstance(self.server, Collector)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.sent.setdefault(self.path, []).append(body)
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_a_collector_gets_spans_and_metrics(tmp_path: Path) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="the extra trace is not installed")
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    collector = Collector()
    serving = threading.Thread(target=collector.serve_forever, daemon=True)
    serving.start()
    try:
        address = f"http://127.0.0.1:{collector.server_port}"
        run = [sys.executable, "-m", "octavo.tests.indexes.trace_worker", str(tmp_path / "kb")]
        done = subprocess.run(
            [*run, *map(str, files(tmp_path))],
            env={**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": address, "OPENINFERENCE_HIDE_INPUTS": "true"},
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
    finally:
        collector.shutdown()
        serving.join()
        collector.server_close()
    assert done.stdout == "\n", "nothing is missing"
    assert set(collector.sent) == {"/v1/traces", "/v1/metrics"}
    names, inputs = set(), set()
    for body in collector.sent["/v1/traces"]:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = {one.key: one.value.string_value for one in resource.resource.attributes}
            assert service["service.name"] == "octavo"
            for scope in resource.scope_spans:
                names |= {span.name for span in scope.spans}
                for span in scope.spans:
                    inputs |= {one.value.string_value for one in span.attributes if one.key == "input.value"}
    assert {"octavo ingest", "file", "read", "segment", "encode", "write", "commit", "octavo search"} <= names
    assert inputs == {"__REDACTED__"}
    stages: dict[str, set[str]] = {}
    for body in collector.sent["/v1/metrics"]:
        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    points = metric.histogram.data_points
                    assert all(point.count for point in points)
                    stages.setdefault(metric.name, set()).update(
                        one.value.string_value for point in points for one in point.attributes
                    )
    assert {"read", "segment", "encode", "write", "commit"} <= stages["octavo.ingest.duration"]
    assert {"encode", "search", "score", "total"} <= stages["octavo.search.duration"]
    assert {"octavo.answer.confidence", "octavo.answer.abstained", "octavo.answer.characters"} <= set(stages)


def test_what_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from octavo.indexes.trace_export import set_up

    assert set_up({}) == ""
    assert set_up({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:1", "OTEL_SDK_DISABLED": "true"}) == ""
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    assert "octavo[trace]" in set_up({"OTEL_TRACES_EXPORTER": "otlp"})
