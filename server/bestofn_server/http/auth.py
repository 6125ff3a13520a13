"""API keys: who may ask, and the middleware in front of every guarded path."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Sequence
from pathlib import Path

from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from bestofn.core.errors import ConfigError
from bestofn_server.errors import INVALID, ErrorBody, error_content

logger = logging.getLogger(__name__)

OPEN = frozenset({"/health", "/ready", "/metrics", "/docs", "/redoc", "/openapi.json"})
"""Paths that need no key: what orchestrators ask, and the documentation."""


class ApiKeys:
    """The keys that let in; none at all lets everybody in.

    Args:
        given: keys from flags, environment or settings.
        file: one key a line, blank lines and lines from `#` on left out; read again by `reload`.

    Raises:
        ConfigError: a given key is empty; the file cannot be read, or holds no key.
    """

    def __init__(self, given: Sequence[SecretStr] = (), file: Path | None = None) -> None:
        keys = [key.get_secret_value() for key in given]
        if not all(key.strip() for key in keys):
            raise ConfigError("an API key is empty")
        self._given = [_digest(key) for key in keys]
        self._file = file
        self._digests: list[bytes] = []
        self.reload()

    def reload(self) -> None:
        """Read the file again.

        Raises:
            ConfigError: it cannot be read or holds no key; the keys stay as they were.
        """
        self._digests = [*self._given, *self._from_file()]

    @property
    def guarded(self) -> bool:
        """Whether a key is needed."""
        return bool(self._digests)

    def admit(self, key: str) -> bool:
        """Whether `key` is one of them, in a time that does not depend on which, or how nearly."""
        asked = _digest(key)
        return sum(hmac.compare_digest(asked, known) for known in self._digests) > 0

    def _from_file(self) -> list[bytes]:
        if self._file is None:
            return []
        try:
            lines = [line.strip() for line in self._file.read_text(encoding="utf-8").splitlines()]
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"the API keys in {self._file} cannot be read: {error}") from error
        keys = [line for line in lines if line and not line.startswith("#")]
        if not keys:
            raise ConfigError(f"{self._file} holds no API key")
        return [_digest(key) for key in keys]


class RequireKey:
    """ASGI middleware: 401 without one of the keys, except on `OPEN` paths."""

    def __init__(self, app: ASGIApp, keys: ApiKeys) -> None:
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may pass."""
        guarded = scope["type"] == "http" and self._keys.guarded and scope["path"] not in OPEN
        if guarded and scope["method"] != "OPTIONS":  # a browser asks CORS without the key
            scheme, _, key = Headers(scope=scope).get("authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not self._keys.admit(key.strip()):
                await _refuse(scope, receive, send)
                return
        await self._app(scope, receive, send)


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    from starlette.responses import JSONResponse

    body = ErrorBody(
        message="a valid API key is needed: Authorization: Bearer KEY",
        type=INVALID,
        code="invalid_api_key",
    )
    answer = JSONResponse(error_content(body), 401, {"www-authenticate": "Bearer"})
    await answer(scope, receive, send)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
