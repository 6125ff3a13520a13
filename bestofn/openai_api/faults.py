"""What a server's refusals and failures become: errors with a sentence of ours.

A server's own words may hold a key, an address or a prompt: they go to the log, without what looks
like a key, and never into an error, which clients and records see. What they say that helps is
recognised: a context that is too short, a field by its name.
"""

from __future__ import annotations

import email.utils
import json
import logging
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from bestofn.core.errors import BestOfNError, RequestError
from bestofn.core.no_winner import GeneratorBusyError, GeneratorError
from bestofn.openai_api.redirect import location_of
from bestofn.openai_api.status import is_redirect, phrase_of
from bestofn.support.plain_json import AT_ONCE, parsed, well_formed
from bestofn.support.secrets import masked

logger = logging.getLogger(__name__)

RETRIED_STATUSES = frozenset({408, 409, 429, 500, 502, 503, 504, 529})
"""Statuses after which the same request may succeed; the openai client retries on the same ones
(529 is Anthropic's "overloaded")."""

_DOWN = frozenset({502, 503, 529})
"""Of those, the ones that say nothing of the request: the server is not there, or not ready."""

REFUSED_STATUSES = frozenset({400, 404, 405, 413, 415, 422})
"""Statuses that say the request itself is wrong."""

LONGEST_TEXT = 300
"""Characters of a server's own words in the log."""

_CONTEXT = re.compile(
    r"context.{0,3}(length|window|size)|maximum (context|prompt|input)"
    r"|\btoo long\b"
    r"|tokens too many|too many tokens|exceeds? the .{0,30}(context|limit)"
    r"|must have less than \d+ tokens|longer than the (model|context|maximum)",
    re.IGNORECASE,
)
_MODEL = re.compile(r"model.{0,80}(not exist|not found|unknown)|no such model", re.IGNORECASE)
_CONTENT = re.compile(r"content.?(policy|filter)|moderation|flagged", re.IGNORECASE)
_TEMPLATE = re.compile(r"(?i)\b(?:no|provide a|without a|lacks a) chat template")
_REASONS = (
    (_CONTEXT, "it is longer than its model's context"),
    (_MODEL, "it does not serve the model"),
    (_CONTENT, "its filter of contents refuses the prompt"),
    (_TEMPLATE, "it has no chat template; the setting chat_template has chats rendered here"),
)
_NOTHING_THERE = {
    404: "it has nothing at this path, or no such model",
    405: "nothing at this path takes a request",
}
_KEY = re.compile(
    r"(?i:(bearer\s+|\b(?:sk|csk|pk|hf|gsk|nvapi|xai|tgp)[-_]"
    r"|key(?: provided)?[\"']?\s*[:=]\s*)[^\s\"',;)]+"
    r"|((?:token|secret|password)[\"']?\s*[:=]\s*)[^\s\"',;)]{8,})"
    r"|((?i:basic)\s+)[A-Za-z0-9+/]*[A-Z0-9+/][A-Za-z0-9+/=]{7,}"
)


class TransientError(GeneratorError):
    """A fault that may be gone at the next attempt.

    Args:
        message: one sentence.
        after: seconds until then, at least; 0: the server does not say.
        busy: whether the server has too much to do, as against being at fault.
        shut: whether the server was not asked, since it is left alone.
        of_request: whether it may be this one request that the server cannot answer.
    """

    def __init__(
        self,
        message: str,
        after: float = 0.0,
        *,
        busy: bool = False,
        shut: bool = False,
        of_request: bool = False,
    ) -> None:
        super().__init__(message)
        self.after = after
        self.busy = busy
        self.shut = shut
        self.of_request = of_request

    @property
    def final(self) -> GeneratorError:
        """What it is where there is no further attempt."""
        if self.busy:
            return GeneratorBusyError(self.message, retry_after=max(1.0, self.after))
        return GeneratorError(self.message)


class NoRouteError(RequestError):
    """The server has nothing at the path that was asked, or nothing that takes a request's body."""


class UnimplementedError(GeneratorError):
    """The server says that it does not do this at all (status 501)."""


class MisconfiguredError(GeneratorError):
    """The server refuses the key, or redirects: it would again, and another one may answer."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a server says of a fault.

    Args:
        status: of HTTP, or the code in the body that stands for it.
        text: its own words.
        field: the field of the request that it names; None: none.
        after: seconds that it asks to be left alone; 0: it does not ask.
        inside: whether it came in an answer of success, as from a server that is there.
    """

    status: int
    text: str = ""
    field: str | None = None
    after: float = 0.0
    inside: bool = False


def fault_of(who: str, said: Said, fields: Collection[str]) -> BestOfNError:
    """The error that a fault is.

    Args:
        who: what the server is called.
        said: what it says.
        fields: names that the request has; no other word of the server's is repeated.
    """
    logger.warning("%s answers %d: %s", who, said.status, without_keys(said.text))
    status = said.status
    if status in (401, 403):
        return MisconfiguredError(f"{who} refuses the server's key (status {status})")
    if status in REFUSED_STATUSES:
        reason = next((text for found, text in _REASONS if found.search(said.text)), None)
        if reason is None and said.field in fields:
            reason = f"it names the field {said.field}"
        kind = RequestError
        if reason is None and status in _NOTHING_THERE:
            kind, reason = NoRouteError, _NOTHING_THERE[status]
        why = f": {reason}" if reason else ""
        param = said.field if said.field in fields else None
        return kind(f"{who} refuses the request (status {status}){why}", param=param)
    if status == HTTPStatus.NOT_IMPLEMENTED:
        return UnimplementedError(f"{who} answers {status}{phrase_of(status)}")
    if is_redirect(status):
        return MisconfiguredError(
            f"{who} answers {status}{phrase_of(status)}: it redirects, and the log has where to"
        )
    if status == 429:
        return TransientError(f"{who} has too much to do (status 429)", said.after, busy=True)
    sentence = f"{who} answers {status}{phrase_of(status)}"
    if status in RETRIED_STATUSES:
        return TransientError(sentence, said.after, of_request=said.inside or status not in _DOWN)
    return GeneratorError(sentence)


def read_fault(status: int, headers: Mapping[str, str], content: bytes) -> Said:
    """What a response says that is no success, in whichever envelope."""
    try:
        body = parsed(content) if len(content) <= AT_ONCE else None
    except ValueError:
        body = None
    text, field, _ = _envelope(body)
    if not text:
        text = content[: 4 * LONGEST_TEXT].decode("utf-8", "replace")
    if is_redirect(status):
        location = headers.get("location", "")
        text = f"it leads to {location_of(location) or 'no place that it says'}; {text}"
    return Said(status, text, field, retry_after(headers))


def fault_in_success(content: bytes, headers: Mapping[str, str]) -> Said | None:
    """What a response with a status of success says that holds an error instead of an answer; None:
    it holds an answer, or something else."""
    if len(content) > AT_ONCE or b'"error"' not in content:
        return None
    try:
        body = parsed(content)
    except ValueError:
        return None
    if not isinstance(body, dict):
        return None
    if not body.get("error") and body.get("object") != "error":
        return None
    if any(value and isinstance(value, list) for value in body.values()):
        return None  # there is an answer besides
    return said_in(body, headers)


def said_in(body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Said:
    """What an error says whose status is only in its body; without one the server is at fault."""
    text, field, code = _envelope(body)
    return Said(code, text, field, retry_after(headers or {}), inside=True)


def _envelope(body: Any) -> tuple[str, str | None, int]:
    """Text, field and code of an error: OpenAI's envelope, vLLM's, TGI's, FastAPI's."""
    if not isinstance(body, Mapping):
        return "", None, 502
    error = body.get("error") or body
    if not isinstance(error, Mapping):
        return str(error), None, _code(body)
    detail = error.get("detail")
    first = detail[0] if isinstance(detail, list) and detail else {}
    where = first.get("loc") if isinstance(first, Mapping) else None
    field = error.get("param") or (where[-1] if isinstance(where, list) and where else None)
    text = error.get("message") or detail or ""
    text = text if isinstance(text, str) else json.dumps(text)
    words = [text, *(str(error.get(name)) for name in ("code", "type") if error.get(name))]
    return " ".join(words), field if isinstance(field, str) else None, _code(error)


def _code(error: Mapping[str, Any]) -> int:
    """The HTTP status that an error in a body stands for."""
    for name in ("code", "status", "status_code", "http_status"):
        value = error.get(name)
        if isinstance(value, str) and value.isascii() and value.isdigit():
            value = int(value[:4])
        if isinstance(value, int) and 400 <= value <= 599:
            return value
    kind = f"{error.get('code')} {error.get('type')}".lower()
    if "rate_limit" in kind or "quota" in kind or "too_many" in kind or "overloaded" in kind:
        return 429
    if "invalid_request" in kind or "badrequest" in kind or "context_length" in kind:
        return 400
    return 401 if "authentication" in kind or "invalid_api_key" in kind else 502


LONGEST_WAIT = 86_400.0
"""Seconds that a server may ask to wait; more is no answer, and is told as a day."""


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds that a server asks to wait, 0 where it asks for none (RFC 9110, 10.2.3)."""
    value = headers.get("retry-after", "")
    try:
        seconds = float(value)
        return min(max(0.0, seconds), LONGEST_WAIT) if math.isfinite(seconds) else 0.0
    except ValueError:
        pass
    try:
        at = email.utils.parsedate_to_datetime(value)
        return min(max(0.0, (at - datetime.now(UTC)).total_seconds()), LONGEST_WAIT)
    except (ValueError, TypeError, OverflowError):
        return 0.0


def without_keys(text: str) -> str:
    """A server's own words for the log: on one line, cut, without what was sent to get in and what
    looks like a key."""
    line = " ".join(masked(well_formed(text[: 4 * LONGEST_TEXT])).split())
    return _KEY.sub(_starred, line)[:LONGEST_TEXT]


def _starred(key: re.Match[str]) -> str:
    return f"{next(filter(None, key.groups()))}***"
