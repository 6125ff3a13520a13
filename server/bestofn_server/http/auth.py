"""API keys: who may ask, by which name, and the middleware in front of every guarded path."""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from bestofn.core.errors import ConfigError
from bestofn.settings.choices import Access
from bestofn_server.admission import ANYBODY
from bestofn_server.errors import InvalidKeyError
from bestofn_server.surfaces.envelope import response_at

logger = logging.getLogger(__name__)

PAGES: Mapping[str, str] = {
    "/health": "health",
    "/ready": "health",
    "/ping": "health",
    "/load": "health",
    "/metrics": "metrics",
    "/docs": "docs",
    "/openapi.json": "docs",
    "/": "playground",
}
"""Paths that may need no key, and the setting that says so: what orchestrators ask (always open),
and the documentation."""

ASSETS = "/docs/assets/"
"""What the page of the documentation loads."""

PLAYGROUND = "/playground/static/"
"""What the page at / loads."""

KEY = "bestofn.key"
"""The entry of an ASGI scope that holds the name of the key."""

_NAMED = re.compile(r"([A-Za-z0-9_.-]{1,64}):(.*)", re.DOTALL)
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
"""What a header can carry: RFC 9110 allows no more in a token that is not quoted."""


class ApiKeys:
    """The keys that let in; none at all lets everybody in.

    A key without a name of its own is called by its place: key-1, key-2, ...

    Args:
        given: keys, or `name:key`, from flags, environment or settings.
        file: one a line, blank lines and lines from `#` on left out; read again by `reload`.

    Raises:
        ConfigError: a key or its name is empty, or no header can carry it; the file cannot be read,
            or holds no key.
    """

    def __init__(self, given: Sequence[SecretStr] = (), file: Path | None = None) -> None:
        self._given = [key.get_secret_value() for key in given]
        self._file = file
        self._names: dict[bytes, str] = {}
        self.reload()

    def reload(self) -> None:
        """Read the file again.

        Raises:
            ConfigError: as the class; the keys stay as they were.
        """
        given = [(f"API key {place}", key) for place, key in enumerate(self._given, start=1)]
        self._names = _named([*given, *self._from_file()])

    @property
    def guarded(self) -> bool:
        """Whether a key is needed."""
        return bool(self._names)

    def name_of(self, key: str) -> str | None:
        """The name of `key`, None where it is none of them; in a time that does not depend on
        which it is, or how nearly."""
        asked, found = _digest(key), None
        for known, name in self._names.items():
            if hmac.compare_digest(asked, known):
                found = name
        return found

    def _from_file(self) -> list[tuple[str, str]]:
        """Where each key of the file stands, and the key."""
        if self._file is None:
            return []
        try:  # editors of Windows write a mark at the beginning
            text = self._file.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"the API keys in {self._file} cannot be read: {error}") from error
        lines = enumerate(map(str.strip, text.splitlines()), start=1)
        keys = [(f"{self._file}:{at}", line) for at, line in lines if line and line[0] != "#"]
        if not keys:
            raise ConfigError(f"{self._file} holds no API key")
        return keys


class RequireKey:
    """ASGI middleware: 401 without one of the keys, except on pages that are open.

    Args:
        app: what is guarded.
        keys: who is let in.
        access: of the pages in `PAGES`, by the setting's name.
        refused: told of each request that is not let in, before it is answered.
    """

    def __init__(
        self,
        app: ASGIApp,
        keys: ApiKeys,
        access: Mapping[str, Access],
        refused: Callable[[Scope], object],
    ) -> None:
        self._app = app
        self._keys = keys
        self._access = access
        self._refused = refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may pass, with the name of the key."""
        scope[KEY] = ANYBODY
        guarded = scope["type"] == "http" and self._keys.guarded
        guarded = guarded and not is_open(scope["path"], self._access)
        if guarded and scope["method"] != "OPTIONS":  # a browser asks CORS without the key
            name = self._name(Headers(scope=scope))
            if name is None:
                self._refused(scope)
                await _refuse(scope, receive, send)
                return
            scope[KEY] = name
        await self._app(scope, receive, send)

    def _name(self, headers: Headers) -> str | None:
        """Of the key that a request shows, as OpenAI's clients do or as Anthropic's; None: none."""
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        shown = [bearer] if scheme.lower() == "bearer" else []
        shown += [headers["x-api-key"]] if "x-api-key" in headers else []
        return next(filter(None, (self._keys.name_of(key.strip()) for key in shown)), None)


class KeyAsBearer:
    """ASGI middleware before a guard that is not ours: a key in `X-Api-Key`, where Anthropic's
    clients have it, stands in `Authorization` too.

    Args:
        app: the guard, and what it guards.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with that header."""
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            if "x-api-key" in headers and "authorization" not in headers:
                bearer = (b"authorization", f"Bearer {headers['x-api-key']}".encode("latin-1"))
                scope = {**scope, "headers": [*scope["headers"], bearer]}
        await self._app(scope, receive, send)


def is_open(path: str, access: Mapping[str, Access]) -> bool:
    """Whether a path needs no key, with this access to the pages."""
    loaded = {ASSETS: "docs", PLAYGROUND: "playground"}
    page = next((loaded[each] for each in loaded if path.startswith(each)), PAGES.get(path))
    return page is not None and access.get(page, "open") != "key"


def key_of(scope: Scope) -> str:
    """The name of the key that asks."""
    name: str = scope.get(KEY, ANYBODY)
    return name


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    answer = response_at(scope["path"], InvalidKeyError())
    await answer(scope, receive, send)


def _named(given: Iterable[tuple[str, str]]) -> dict[bytes, str]:
    """Names by the digests of their keys.

    Args:
        given: where each key is given, and the key.

    Raises:
        ConfigError: one is no key.
    """
    names: dict[bytes, str] = {}
    for place, (where, text) in enumerate(given, start=1):
        if text.startswith(":"):
            raise ConfigError(f"{where}: the name of the key, before its colon, is empty")
        match = _NAMED.fullmatch(text)
        name, key = match.groups() if match else (f"key-{place}", text)
        if not key.strip():
            raise ConfigError("an API key is empty")
        if not _PRINTABLE.fullmatch(key):
            raise ConfigError(
                f"the API key {name} holds a space, a line break or another character that no "
                "header can carry"
            )
        names[_digest(key)] = name
    return names


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
