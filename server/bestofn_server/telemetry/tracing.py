"""Export of OpenTelemetry spans and events to the OTLP collector that the environment names."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import NamedTuple

from opentelemetry._logs import LoggerProvider
from opentelemetry.trace import TracerProvider

_COLLECTOR = "OTEL_EXPORTER_OTLP_ENDPOINT"
"""OpenTelemetry's own variables; the exporters read them, and their siblings, themselves."""


class Exports(NamedTuple):
    """Providers that export; None: nobody collects it."""

    spans: TracerProvider | None = None
    events: LoggerProvider | None = None


@contextlib.contextmanager
def exports() -> Iterator[Exports]:
    """What is collected, flushed at the end.

    ``OTEL_TRACES_EXPORTER=none`` and ``OTEL_LOGS_EXPORTER=none`` leave one of them out.
    """
    with contextlib.ExitStack() as stack:
        spans = stack.enter_context(_spans()) if _collected("TRACES") else None
        events = stack.enter_context(_events()) if _collected("LOGS") else None
        yield Exports(spans, events)


def _collected(signal: str) -> bool:
    if os.environ.get(f"OTEL_{signal}_EXPORTER") == "none":
        return False
    named = f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"
    return any(os.environ.get(name) for name in (_COLLECTOR, named))


@contextlib.contextmanager
def _spans() -> Iterator[TracerProvider]:
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


@contextlib.contextmanager
def _events() -> Iterator[LoggerProvider]:
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.sdk._logs import LoggerProvider as Exporting
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.resources import Resource

    os.environ.setdefault("OTEL_SERVICE_NAME", "bestofn")
    provider = Exporting(resource=Resource.create())
    provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
    try:
        yield provider
    finally:
        provider.shutdown()
