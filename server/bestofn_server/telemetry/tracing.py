"""Export of OpenTelemetry spans to an OTLP collector, where the environment names one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from opentelemetry.trace import TracerProvider

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
"""OpenTelemetry's own variables; the exporter reads them, and their siblings, itself."""


@contextlib.contextmanager
def tracer_provider() -> Iterator[TracerProvider | None]:
    """A provider that exports, flushed at the end; None where no collector is named."""
    if not any(os.environ.get(name) for name in _ENDPOINTS):
        yield None
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider as Exporting
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    os.environ.setdefault("OTEL_SERVICE_NAME", "bestofn")
    provider = Exporting(resource=Resource.create())
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    try:
        yield provider
    finally:
        provider.shutdown()
