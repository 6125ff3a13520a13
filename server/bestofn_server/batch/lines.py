"""Lines of a batch: a request each, as OpenAI and `vllm run-batch` read them.

{"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {...}}
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError

from bestofn.support.error_text import faults
from bestofn.support.plain_json import parsed

ANSWER = "batch_req_"
"""What the id of an answer begins with."""

MAX_ID = 512
"""Characters of a `custom_id`."""

Code = Literal["invalid_line", "duplicate_custom_id"]


class _Line(BaseModel):
    custom_id: Annotated[str, Field(min_length=1, max_length=MAX_ID)]
    method: Literal["POST"]
    url: Annotated[str, Field(pattern="^/[!-~]*$", max_length=MAX_ID)]
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class BatchLine:
    """One line.

    Args:
        number: from 1.
        identity: of the line's contents, which becomes the `id` of its answer: where a line is
            changed, what was answered before does not count.
        custom_id: the client's; None: it has none.
        url: whom it asks, without a slash at its end: the server has its paths without, and sends
            who asks with one there.
        body: what it asks.
        code, error: why it asks nothing; None: it does.
    """

    number: int
    identity: str
    custom_id: str | None = None
    url: str = ""
    body: Mapping[str, Any] | None = None
    code: Code | None = None
    error: str | None = None


def batch_lines(lines: Iterable[bytes]) -> Iterator[BatchLine]:
    """The lines of a file that are not blank, in order. One whose `custom_id` an earlier line has
    asks nothing."""
    seen: dict[str, int] = {}
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        line = _read(number, text)
        if line.custom_id is not None and line.code is None:
            first = seen.setdefault(line.custom_id, number)
            if first != number:
                line = dataclasses.replace(line, identity=_identity(text, number), body=None)
                line = _refused(line, "duplicate_custom_id", f"line {first} has that custom_id too")
        yield line


def _read(number: int, text: bytes) -> BatchLine:
    identity = _identity(text, number)
    try:
        given = parsed(text.strip())
    except ValueError as error:
        return _refused(BatchLine(number, identity), "invalid_line", f"it is no JSON: {error}")
    custom_id = given.get("custom_id") if isinstance(given, dict) else None
    named = BatchLine(number, identity, custom_id if isinstance(custom_id, str) else None)
    try:
        line = _Line.model_validate(given, strict=True)
    except ValidationError as error:
        return _refused(named, "invalid_line", str(faults(error)[0]))
    if "\ufffd" in line.custom_id and b"\\ud" in text.lower():
        return _refused(named, "invalid_line", "custom_id: it holds half of a surrogate pair")
    if line.body.get("stream"):
        return _refused(named, "invalid_line", "body.stream: a batch is answered in whole")
    same = json.dumps([line.custom_id, line.url, line.body], sort_keys=True)
    path = line.url.rstrip("/") or "/"
    return BatchLine(number, _identity(same.encode()), line.custom_id, path, line.body)


def _refused(line: BatchLine, code: Code, why: str) -> BatchLine:
    return BatchLine(
        line.number, line.identity, line.custom_id, code=code, error=f"line {line.number}: {why}"
    )


def _identity(text: bytes, number: int | None = None) -> str:
    digest = hashlib.sha256(text if number is None else b"%d:%s" % (number, text))
    return f"{ANSWER}{digest.hexdigest()[:32]}"
