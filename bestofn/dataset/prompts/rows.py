"""Row of the input: what it asks, its key and its seed, or why it cannot be read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ConfigDict, Field, ValidationError

from bestofn.core.errors import RequestError
from bestofn.core.types import Request
from bestofn.support.conversation import Conversation
from bestofn.support.error_text import faults
from bestofn.support.seeding import seed_from

COLUMNS = ("prompt", "messages", "system", "reference", "best_of", "temperature", "max_tokens")
"""What a row may hold, under the names that they have where no column is mapped."""


class _Fields(Conversation):
    """What is sampled needs a prompt that says something; what is only scored does not."""

    model_config = ConfigDict(extra="forbid")
    prompt: str | None = Field(default=None, min_length=1)
    best_of: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0, le=2)
    max_tokens: int | None = Field(default=None, ge=1)


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds for rows that do not say otherwise; see `Request`."""

    best_of: int
    temperature: float | None = None
    max_tokens: int | None = None
    seed: int | None = None

    def seed_of(self, number: int) -> int | None:
        """The seed of the row of that number: 31 bits, the same in every run."""
        if self.seed is None:
            return None
        return seed_from(f"{self.seed}:{number}", bits=31)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the input.

    Args:
        number: its place in the input, from 0, broken rows counted.
        source: where it stands, for a reader: file and line, or the dataset and its row.
        key: tells its content from others': the first 32 hex digits of a SHA-256.
        request: what is sampled; None where `error` says why not.
        error: one sentence.
    """

    number: int
    source: str
    key: str
    request: Request | None = None
    error: str | None = None


def read_row(
    number: int,
    source: str,
    record: Mapping[str, Any] | str,
    columns: Mapping[str, str],
    defaults: Defaults,
) -> Row:
    """The row that a record of the input is.

    Args:
        number: see `Row`.
        source: see `Row`.
        record: its columns; a text says why it is none.
        columns: where a field of `COLUMNS` stands, if not under its own name.
        defaults: for what it does not say.
    """
    if isinstance(record, str):
        return Row(number, source, key_of(record), error=record)
    given = {name: record.get(columns.get(name, name)) for name in COLUMNS}
    given = {name: value for name, value in given.items() if value is not None}
    key = key_of(given)
    try:
        fields = _Fields.model_validate(given)
        request = Request(
            fields.conversation,
            best_of=fields.best_of or defaults.best_of,
            temperature=_first(fields.temperature, defaults.temperature),
            max_tokens=_first(fields.max_tokens, defaults.max_tokens),
            seed=defaults.seed_of(number),
            reference=fields.reference,
            id=f"row-{number}",
        )
    except ValidationError as error:
        return Row(number, source, key, error=_sentence(error, columns, record))
    except RequestError as error:
        return Row(number, source, key, error=str(error))
    return Row(number, source, key, request)


def key_of(content: Any) -> str:
    """The key of a content: equal for equal ones."""
    written = json.dumps(content, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(written.encode()).hexdigest()[:32]


def _first(own: Any, default: Any) -> Any:
    return default if own is None else own


def _sentence(error: ValidationError, columns: Mapping[str, str], record: Mapping[str, Any]) -> str:
    first = faults(error)[0]
    if not first.path:
        named = " and ".join(columns.get(name, name) for name in ("prompt", "messages"))
        there = ", ".join(map(str, record))
        return f"{first.message}: the columns are {there} ({named} are looked for)"
    return f"{columns.get(first.path, first.path)}: {first.message}"
