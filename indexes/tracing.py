"""Traces and metrics of what Octavo does, by OpenTelemetry with the names of OpenInference. With :mod:`.trace_export`,
the only door to both.

Nothing is imported and next to nothing is done until the program around Octavo has imported OpenTelemetry itself, or
:func:`.trace_export.set_up` finds that the environment asks for it. The names are those of the OpenInference semantic
conventions (https://github.com/Arize-ai/openinference), so that its viewers show a search as a retriever with its
documents.

Texts of questions and documents leave this process only where an exporter was set up. ``OPENINFERENCE_HIDE_INPUTS``
and ``OPENINFERENCE_HIDE_OUTPUTS``, set to ``true``, keep those of questions and those of documents out of the spans.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from enum import StrEnum
from functools import cache
from importlib.util import find_spec
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ..pipeline.stages import Stage
    from .hit import Hit

SCOPE: Final = "octavo"
"""Name of the instrumentation scope."""

REDACTED: Final = "__REDACTED__"
"""What OpenInference writes where a text is hidden."""

_MOST_DOCUMENTS: Final = 50
"""Hits of an answer that its span describes."""


class Kind(StrEnum):
    """What a span is about, to OpenInference."""

    CHAIN = "CHAIN"
    RETRIEVER = "RETRIEVER"
    EMBEDDING = "EMBEDDING"


class Traced:
    """A span that is being made. False where nobody records it: then nothing need be worked out for it."""

    __slots__ = ("_span",)

    def __init__(self, span: Any = None) -> None:
        self._span = span

    def __bool__(self) -> bool:
        return self._span is not None

    def set(self, attributes: Mapping[str, str | bool | int | float]) -> None:
        """Attributes by name."""
        if self._span is not None:
            self._span.set_attributes(attributes)

    def asked(self, question: str) -> None:
        """The question, as the input of the span."""
        if self._span is not None:
            from openinference.semconv.trace import OpenInferenceMimeTypeValues, SpanAttributes

            self._span.set_attributes(
                {
                    SpanAttributes.INPUT_VALUE: REDACTED if _hidden("INPUTS") else question,
                    SpanAttributes.INPUT_MIME_TYPE: OpenInferenceMimeTypeValues.TEXT.value,
                }
            )

    def embedded(self, question: str, model: str) -> None:
        """What was encoded and by which model; the vector itself is left out."""
        if self._span is not None:
            from openinference.semconv.trace import EmbeddingAttributes, SpanAttributes

            text = f"{SpanAttributes.EMBEDDING_EMBEDDINGS}.0.{EmbeddingAttributes.EMBEDDING_TEXT}"
            self._span.set_attributes(
                {SpanAttributes.EMBEDDING_MODEL_NAME: model, text: REDACTED if _hidden("INPUTS") else question}
            )

    def found(self, hits: Sequence[Hit]) -> None:
        """The hits, as retrieved documents."""
        if self._span is not None:
            for number, hit in enumerate(hits[:_MOST_DOCUMENTS]):
                self._span.set_attributes(_document(number, hit))


NOTHING: Final = Traced()


class _Nowhere:
    """The context of a span that nobody asked for; one for all."""

    def __enter__(self) -> Traced:
        return NOTHING

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


_NOWHERE: Final = _Nowhere()


def span(name: str, kind: Kind = Kind.CHAIN) -> AbstractContextManager[Traced]:
    """A span around a piece of work, inside the one that is open; an error ends it and is noted in it."""
    if "opentelemetry.trace" not in sys.modules:
        return _NOWHERE
    return _span(name, kind) if _tracer() is not None else _NOWHERE


@contextmanager
def _span(name: str, kind: Kind) -> Iterator[Traced]:
    with _tracer().start_as_current_span(name, attributes=_kind(kind)) as made:
        yield Traced(made) if made.is_recording() else NOTHING


@contextmanager
def timed(timings: dict[str, float], stage: str, kind: Kind = Kind.CHAIN) -> Iterator[Traced]:
    """A stage: its milliseconds go into ``timings``, and it is a span."""
    with span(stage, kind) as traced, clocked(timings, stage):
        yield traced


@contextmanager
def clocked(timings: dict[str, float], stage: str) -> Iterator[None]:
    """The milliseconds of what is no span of its own."""
    began = perf_counter()
    yield
    timings[stage] = (perf_counter() - began) * 1000


class Ingest:
    """The span of an ingest. Its parts are told one by one: an ingest hands out reports while it goes on, and whoever
    takes them must not find its own spans inside this one."""

    def __init__(self, files: int, model: str) -> None:
        self._root: Any = None
        if "opentelemetry.trace" in sys.modules and (tracer := _tracer()) is not None:
            about = {"octavo.ingest.files": files, "octavo.model": model, **_kind(Kind.CHAIN)}
            root = tracer.start_span("octavo ingest", attributes=about)
            self._root = root if root.is_recording() else None
        self._counts: dict[str, float] = {}

    def file(
        self,
        uri: str,
        code: str,
        detail: str,
        size: int,
        counts: Mapping[str, int],
        stages: Sequence[Stage],
        done: bool,
    ) -> None:
        """A file was staged, or could not be.

        Args:
            code: What became of it.
            detail: Why, where it could not be.
            counts: Characters, spans by scale, samples.
            stages: Those that it went through; their spans are inside its own.
            done: Whether it is in; else its span says that it failed.
        """
        self._add(f"octavo.ingest.{code}", 1)
        self._add("octavo.ingest.bytes", size)
        for name, count in counts.items():
            self._add(f"octavo.ingest.{name}", count)
        for stage in stages:
            measure("octavo.ingest.duration", stage.seconds * 1000, "ms", {"stage": stage.name})
        if self._root is None:
            return
        about: dict[str, str | int] = {"octavo.source.uri": _encodable(uri), "octavo.code": code, "octavo.bytes": size}
        about |= {f"octavo.{name}": count for name, count in counts.items()}
        began = min((stage.began_ns for stage in stages), default=time.time_ns())
        own = self._child(self._root, "file", began, about)
        for stage in stages:
            self._child(own, stage.name, stage.began_ns, {}).end(stage.began_ns + int(stage.seconds * 1e9))
        if not done:
            _failed(own, f"{code}: {detail}")
        own.end()

    def stage(self, stage: Stage, counts: Mapping[str, int]) -> None:
        """A stage of all files together was done."""
        measure("octavo.ingest.duration", stage.seconds * 1000, "ms", {"stage": stage.name})
        if self._root is not None:
            about = {f"octavo.{name}": count for name, count in counts.items()}
            made = self._child(self._root, stage.name, stage.began_ns, about)
            made.end(stage.began_ns + int(stage.seconds * 1e9))

    def end(self, error: BaseException | None = None) -> None:
        """All is told; an error, or Ctrl-C, marks the whole ingest."""
        if self._root is not None:
            self._root.set_attributes(self._counts)
            if error is not None:
                self._root.record_exception(error)
                _failed(self._root, str(error) or type(error).__name__)
            self._root.end()
            self._root = None

    def _add(self, name: str, amount: float) -> None:
        if self._root is not None:
            self._counts[name] = self._counts.get(name, 0) + amount

    def _child(self, parent: Any, name: str, began_ns: int, attributes: Mapping[str, str | int]) -> Any:
        from opentelemetry.trace import set_span_in_context

        return _tracer().start_span(
            name,
            context=set_span_in_context(parent),
            attributes={**attributes, **_kind(Kind.CHAIN)},
            start_time=began_ns,
        )


def _failed(made: Any, why: str) -> None:
    from opentelemetry.trace import StatusCode

    made.set_status(StatusCode.ERROR, _encodable(why))


def measure(name: str, value: float, unit: str, attributes: Mapping[str, str] | None = None) -> None:
    """A value for a histogram of OpenTelemetry's metrics."""
    if "opentelemetry.metrics" in sys.modules and (instrument := _histogram(name, unit)) is not None:
        instrument.record(value, dict(attributes or {}))


@cache
def _tracer() -> Any:
    """A proxy: a provider that is set later counts too. ``None`` where the conventions are not installed."""
    if find_spec("openinference") is None:
        return None
    from opentelemetry import trace

    return trace.get_tracer(SCOPE)


@cache
def _histogram(name: str, unit: str) -> Any:
    from opentelemetry import metrics

    return metrics.get_meter(SCOPE).create_histogram(name, unit=unit)


def _kind(kind: Kind) -> dict[str, str]:
    from openinference.semconv.trace import SpanAttributes

    return {SpanAttributes.OPENINFERENCE_SPAN_KIND: kind.value}


def _document(number: int, hit: Hit) -> dict[str, str | float]:
    from openinference.semconv.trace import DocumentAttributes, SpanAttributes

    own = f"{SpanAttributes.RETRIEVAL_DOCUMENTS}.{number}."
    cited = hit.citation
    about = {
        "uri": cited.source.uri,
        "media_type": cited.source.media_type,
        "sha256": cited.source.sha256,
        "scale": hit.scale,
        "start": cited.start,
        "stop": cited.stop,
        "page": next((place.page for place in cited.places), None),
        "start_seconds": next((place.start_seconds for place in cited.places), None),
        "contributions": {name: round(share, 6) for name, share in hit.contributions.items()},
    }
    hidden = _hidden("OUTPUTS")
    if not hidden:
        about |= {"title": cited.title, "heading": cited.heading, "heard": hit.heard}
    return {
        own + DocumentAttributes.DOCUMENT_ID: f"{cited.source.sha256}:{cited.start}-{cited.stop}",
        own + DocumentAttributes.DOCUMENT_SCORE: hit.score,
        own + DocumentAttributes.DOCUMENT_CONTENT: REDACTED if hidden else _encodable(hit.text),
        own + DocumentAttributes.DOCUMENT_METADATA: json.dumps(about),
    }


def _hidden(what: str) -> bool:
    return os.environ.get(f"OPENINFERENCE_HIDE_{what}", "").strip().lower() == "true"


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
