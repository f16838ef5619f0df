"""Where spans and metrics go when a program of ours runs by itself: as OpenTelemetry's environment variables say."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

from .tracing import SCOPE


def set_up(environment: Mapping[str, str] = os.environ) -> str:
    """Sends spans and metrics where the standard variables of OpenTelemetry say, for a program of ours.

    Looked at are ``OTEL_TRACES_EXPORTER`` and ``OTEL_METRICS_EXPORTER`` (``otlp``, ``console`` or ``none``) and
    ``OTEL_EXPORTER_OTLP_ENDPOINT``, which sends both by OTLP over HTTP; all other ``OTEL_`` variables are the SDK's.

    Returns:
        What the user should know: that the extra is missing; else "".
    """
    everywhere = "otlp" if environment.get("OTEL_EXPORTER_OTLP_ENDPOINT") else "none"
    own = {
        signal: environment.get(f"OTEL_{signal}_EXPORTER")
        or ("otlp" if environment.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT") else everywhere)
        for signal in ("TRACES", "METRICS")
    }
    if set(own.values()) <= {"none"} or environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return ""
    try:
        _trace_to(own["TRACES"])
        _measure_to(own["METRICS"])
    except ImportError as error:
        return f"the environment asks for traces, but {error.name or error} is missing: pip install 'octavo[trace]'"
    return ""


def _trace_to(exporter: str) -> None:
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter

    if exporter == "none":
        return
    made: SpanExporter
    if exporter == "console":
        made = ConsoleSpanExporter(out=sys.stderr)  # standard output is for answers
    else:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        made = OTLPSpanExporter()
    provider = TracerProvider(resource=_resource())
    provider.add_span_processor(BatchSpanProcessor(made))
    trace.set_tracer_provider(provider)


def _measure_to(exporter: str) -> None:
    from opentelemetry import metrics
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, MetricExporter, PeriodicExportingMetricReader

    if exporter == "none":
        return
    made: MetricExporter
    if exporter == "console":
        made = ConsoleMetricExporter(out=sys.stderr)
    else:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

        made = OTLPMetricExporter()
    metrics.set_meter_provider(MeterProvider([PeriodicExportingMetricReader(made)], resource=_resource()))


def _resource() -> Any:
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource

    return Resource.create({"service.name": SCOPE}).merge(OTELResourceDetector().detect())
