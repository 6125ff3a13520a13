"""Row of the input: what it asks, its key and its seed, or why it cannot be read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, ValidationError

from bestofn.core.errors import RequestError
from bestofn.core.types import Message, Request
from bestofn.dataset.prompts.layouts import Fields, find_fields, is_conversation
from bestofn.dataset.prompts.messages import (
    MessageError,
    beside_chat,
    chat_messages,
    read_tools,
    written_moment,
)
from bestofn.support.conversation import Conversation
from bestofn.support.error_text import faults
from bestofn.support.seeding import seed_from

MOST_CANDIDATES = 10_000
"""`best_of` of a row at most: the most that anybody reports to have sampled of one prompt ("Large
Language Monkeys", arXiv 2407.21787)."""

MOST_TOKENS = 2**31 - 1
"""`max_tokens` of a row at most: what 32 bits hold, as engines and tables count them."""

_LONGEST_LIST = 20
"""Columns that are named in an error."""


def _no_truth(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be a number")
    return value


class _Asked(Conversation):
    """What is sampled needs a prompt that says something; what is only scored does not."""

    model_config = ConfigDict(extra="forbid")
    prompt: str | None = Field(default=None, min_length=1)
    best_of: Annotated[int | None, BeforeValidator(_no_truth)] = Field(
        default=None, ge=1, le=MOST_CANDIDATES
    )
    temperature: float | None = Field(default=None, ge=0, le=2)
    max_tokens: Annotated[int | None, BeforeValidator(_no_truth)] = Field(
        default=None, ge=1, le=MOST_TOKENS
    )
    tools: Any = None


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds for rows that do not say otherwise; see `Request`. With `raw` each prompt is a
    text that is continued as it is."""

    best_of: int
    temperature: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    raw: bool = False

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
        told: which columns were read as what, for a reader.
    """

    number: int
    source: str
    key: str
    request: Request | None = None
    error: str | None = None
    told: str = ""


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
        columns: see `bestofn.dataset.prompts.layouts.find_fields`.
        defaults: for what it does not say.
    """
    if isinstance(record, str):
        return Row(number, source, key_of(record), error=record)
    found = find_fields(record, columns)
    key = key_of(found.values)
    try:
        check_text(found)
        asked = _Asked.model_validate(found.values)
        messages = conversation_of(asked)
        _refuse_blank(messages)
        request = Request(
            messages,
            best_of=asked.best_of or defaults.best_of,
            temperature=_first(asked.temperature, defaults.temperature),
            max_tokens=_first(asked.max_tokens, defaults.max_tokens),
            seed=defaults.seed_of(number),
            options=_options(asked.tools, raw=defaults.raw),
            raw=defaults.raw,
            reference=_json_value(asked.reference),
            id=f"row-{number}",
        )
    except ValidationError as error:
        return Row(number, source, key, error=fault_of(error, columns, record))
    except (RequestError, MessageError) as error:
        return Row(number, source, key, error=str(error))
    return Row(number, source, key, request, told=_told(found, request, columns))


def check_text(found: Fields) -> None:
    """Return if all texts of a row are texts.

    Raises:
        MessageError: one holds what no UTF-8 can say, or what asks is none.
    """
    if found.fault:
        raise MessageError(found.fault)
    try:
        _written(found.values).encode()
    except UnicodeEncodeError as error:
        raise MessageError("it holds half of a surrogate pair, which is no text") from error


def conversation_of(asked: Conversation) -> tuple[Message, ...]:
    """The messages of a row, as `chat_messages` makes them, after its system message.

    Raises:
        MessageError: as `chat_messages`.
    """
    given = asked.messages or ({"role": "user", "content": asked.prompt},)
    system = {"role": "system", "content": asked.system}
    return chat_messages([system, *given] if asked.system else given)


def fault_of(error: ValidationError, columns: Mapping[str, str], record: Mapping[str, Any]) -> str:
    """What is wrong with a record's fields, in a sentence that names its columns.

    Args:
        error: of a `Conversation`, or what extends it.
        columns: see `bestofn.dataset.prompts.layouts.find_fields`.
        record: its columns.
    """
    first = faults(error)[0]
    if not first.path:
        named = " and ".join(columns.get(name, name) for name in ("prompt", "messages"))
        there = [f"{name!s:.40}" for name in list(record)[:_LONGEST_LIST]]
        more = ", ..." if len(record) > _LONGEST_LIST else ""
        other = "" if columns else "; --column prompt=NAME names another"
        return (
            f"{first.message}: the columns are {', '.join(there)}{more} "
            f"({named} are looked for{other})"
        )
    return f"{columns.get(first.path, first.path)}: {first.message}"


def key_of(content: Any) -> str:
    """The key of a content: equal for equal ones."""
    written = _written(content).encode(errors="backslashreplace")
    return hashlib.sha256(written).hexdigest()[:32]


def _written(content: Any) -> str:
    return json.dumps(content, sort_keys=True, ensure_ascii=False, default=str)


def _json_value(value: Any) -> Any:
    """The value, or, where a table has moments in it, one that JSON can say.

    Raises:
        MessageError: it holds something else that JSON cannot say.
    """
    try:
        json.dumps(value)
    except TypeError:
        return json.loads(json.dumps(value, default=written_moment))
    return value


def _first(own: Any, default: Any) -> Any:
    return default if own is None else own


def _options(tools: Any, *, raw: bool) -> dict[str, Any]:
    """What the request asks for besides.

    Raises:
        MessageError: the tools are none, or a text is to be continued, which calls none.
    """
    read = [] if tools is None else read_tools(tools)
    if read and raw:
        raise MessageError("tools: a text that is continued as it is calls none")
    return {"tools": read} if read else {}


def _refuse_blank(messages: tuple[Message, ...]) -> None:
    """Return if something is asked.

    Raises:
        MessageError: the newest message is the user's, and blank.
    """
    newest = messages[-1]
    content = newest.get("content")
    if newest["role"] == "user" and isinstance(content, str) and not content.strip():
        raise MessageError("it is blank: nothing is asked")


def _told(found: Fields, request: Request, columns: Mapping[str, str]) -> str:
    given: Any = found.values.get("messages")
    ahead = bool(found.values.get("system"))
    answered = is_conversation(given) and len(given) + ahead > len(request.messages)
    named = (
        f", `{column}` as {field}"
        for field, column in columns.items()
        if field not in _TOLD_BESIDES and field in found.values
    )
    told = found.told + (", without the answer at its end" if answered else "") + "".join(named)
    if is_conversation(given) and (beside := beside_chat(given)):
        shown = ", ".join(f"`{name:.40}`" for name in beside[:_LONGEST_LIST])
        told += f", without {shown} of its messages"
    return told + (f", with `{columns.get('tools', 'tools')}`" if request.options else "")


_TOLD_BESIDES = ("prompt", "messages", "tools")
"""Fields that are told in words of their own, mapped or not."""
