"""Values held against JSON schemas of clients, within a bound on the time.

A client's schema may be made to take for ever: a pattern that backtracks, ``uniqueItems`` over
thousands, references that double. Schemas that can do so, and long values, are judged in a worker
process that is killed at the limit; the others are judged at once. `waits` says which: filters that
hold values against schemas are asked in a thread then (`bestofn.core.protocols.Waiting`).
"""

from __future__ import annotations

import json
import threading
from typing import IO, Any

from bestofn.core.worker_process import WorkerProcess
from bestofn.filters.schema_cost import is_cheap
from bestofn.support.schema_validator import validator_of

LIMIT_SECONDS = 1.0
"""Longest time that one value may take."""

START_SECONDS = 20.0
"""Longest time that a worker may take to start."""

LONG = 20_000
"""Characters of a value, as JSON, from which it is judged in the worker."""


REMEMBERED = 64
"""Schemas that are known to be usable: as many as have their validators at hand."""

_USED: set[str] = set()


class SchemaTimeoutError(Exception):
    """The value could not be judged within the limit."""


def waits(schema: Any, characters: int) -> bool:
    """Whether judging a value of so many characters may take long: a schema that was not used
    before has to be checked itself, and the first of all loads the library.

    Raises:
        TypeError, ValueError: the schema cannot be written as JSON.
    """
    text = json.dumps(schema, sort_keys=True)
    return text not in _USED or characters >= LONG or len(text) >= LONG or not is_cheap(text)


def fault_of(schema: Any) -> str | None:
    """Why a schema cannot be used; None: it can. What can is known from then on."""
    try:
        _use(json.dumps(schema, sort_keys=True))
    except RecursionError:
        return "it is nested too deeply"
    except (TypeError, ValueError) as error:
        return str(error)
    return None


def mismatch_of(schema: Any, value: Any) -> str | None:
    """What does not fit, as a sentence with its place; None where all does.

    An unusable schema of a tool judges nothing: None.

    Raises:
        SchemaTimeoutError: as `judge`.
    """
    try:
        return judge(json.dumps(schema, sort_keys=True), value)
    except (ValueError, TypeError, RecursionError):
        return None


def judge(schema: str, value: Any) -> str | None:
    """As `mismatch_of`, for a schema as JSON text.

    Raises:
        ValueError: the schema is none, or refers to what is not in it. TypeError: as well.
        SchemaTimeoutError: it took longer than `LIMIT_SECONDS`.
    """
    _use(schema)
    text = json.dumps(value)
    if len(text) >= LONG or not is_cheap(schema):
        return _WORKER.judge(schema, text)
    return best_mismatch(schema, value)


def _use(schema: str) -> None:
    """Check a schema that was not used before.

    Raises:
        ValueError, TypeError: as `judge`.
    """
    if schema in _USED:
        return
    validator_of(schema)
    if len(_USED) >= REMEMBERED:
        _USED.clear()
    _USED.add(schema)


def best_mismatch(schema: str, value: Any) -> str | None:
    """The most telling mismatch, found here and now."""
    from jsonschema.exceptions import best_match

    mismatch = best_match(validator_of(schema).iter_errors(value))
    if mismatch is None:
        return None
    message = str(mismatch.message)
    shown = message if len(message) <= 200 else message[:199] + "…"
    return f"at {mismatch.json_path}: {shown}"


class _Worker:
    """One process that judges values, killed at the limit."""

    def __init__(self) -> None:
        self._process = WorkerProcess(
            "bestofn.filters.schema_worker", _line, start_seconds=START_SECONDS
        )
        self._lock = threading.Lock()

    def judge(self, schema: str, value: str) -> str | None:
        with self._lock:
            try:
                self._process.send(json.dumps([schema, value]).encode() + b"\n")
                answer = self._process.receive(LIMIT_SECONDS)
            except (EOFError, OSError) as error:
                self._process.close()
                raise SchemaTimeoutError(f"it takes longer than {LIMIT_SECONDS:g} s") from error
            return None if answer is None else str(answer)


def _line(pipe: IO[bytes]) -> Any:
    """The next line of JSON.

    Raises:
        EOFError: there is none, or only a part of one.
    """
    line = pipe.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    return json.loads(line)


_WORKER = _Worker()
