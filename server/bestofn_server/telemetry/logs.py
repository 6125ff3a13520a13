"""The log: one line a record, text or JSON, each with the id of its request."""

from __future__ import annotations

import contextvars
import logging
import sys

from pythonjsonlogger.json import JsonFormatter

from bestofn.settings.choices import LogFormat

request_id: contextvars.ContextVar[str] = contextvars.ContextVar("bestofn_request_id", default="-")
"""The id of the request that the current task answers."""

_FIELDS = ("method", "path", "status", "seconds", "key")


def set_up_logs(form: LogFormat) -> None:
    """Send the records of bestofn and uvicorn to standard error. No prompt is above DEBUG."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_with_request_id)
    if form == "json":
        names = "%(asctime)s %(levelname)s %(name)s %(request_id)s %(message)s"
        handler.setFormatter(JsonFormatter(names))
    else:
        handler.setFormatter(
            _Text("%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s")
        )
    levels = {
        "bestofn": logging.INFO,
        "bestofn_server": logging.INFO,
        "uvicorn.error": logging.WARNING,
    }
    for name, level in levels.items():
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(level)
        logger.propagate = False


def _with_request_id(record: logging.LogRecord) -> bool:
    record.request_id = request_id.get()
    return True


class _Text(logging.Formatter):
    """The message, then the fields of a request's line."""

    def format(self, record: logging.LogRecord) -> str:
        fields = [f"{name}={getattr(record, name)}" for name in _FIELDS if hasattr(record, name)]
        return " ".join([super().format(record), *fields])
