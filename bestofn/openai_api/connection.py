"""Connections to servers of OpenAI's API: their root, the key, limits of time and length.

Example:
    async with open_http("http://localhost:8000") as http:
        response = await http.get("models")
"""

from __future__ import annotations

import contextlib
import re
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from bestofn.core.errors import ConfigError
from bestofn.openai_api.bounded_body import BoundedTransport
from bestofn.support.secrets import kept_secret
from bestofn.support.url import shown_url

TIMEOUT = httpx.Timeout(600.0, connect=10.0, pool=None)
"""Seconds without a byte (the openai client's own default), and for a connection; a slot in the
pool is waited for as long as it takes."""

MOST_BYTES = 16 * 2**20
"""Of one body, unpacked, by default: 64 answers of 4,096 tokens are about 1 MB, and 8 of 2,048 with
5 log-probabilities a token about 8 MB. Other requests wait while a body is read at once."""

_PLAIN = re.compile(r"version|model|deployment|region|timeout", re.IGNORECASE)
"""Names of what stands in a URL's query and lets nobody in, as Azure's `api-version`."""

MOST_PATHS = 64
"""Of one API that are remembered."""

TRANSPORT_ERRORS = (httpx.RequestError, aiohttp.ClientError)
"""What goes wrong below HTTP's statuses; httpx's aiohttp transport lets some of aiohttp's own
through."""


@contextlib.asynccontextmanager
async def open_http(
    url: str,
    *,
    root: str = "/v1",
    api_key: str | None = None,
    concurrency: int = 256,
    most_bytes: int = MOST_BYTES,
) -> AsyncIterator[httpx.AsyncClient]:
    """A connection pool whose base_url is the root of the API at `url`.

    Args:
        url: the API's root, or a server without a path, to which `root` is added. Its user and
            password are sent as HTTP's basic authentication, its query with each request.
        root: where APIs of this kind usually stand.
        api_key: sent as a bearer token.
        concurrency: connections at most.
        most_bytes: of one body that comes back, unpacked.

    Raises:
        ConfigError: it is no URL of a server, or the key cannot be sent.
    """
    base = _parsed(url)
    headers = {}
    if base.userinfo:
        login = b64encode(f"{base.username}:{base.password}".encode()).decode()
        headers["authorization"] = f"Basic {login}"
    if api_key:
        if headers:
            raise ConfigError(
                f"{shown_url(url)} is given a user and password in its URL, and an API key: give "
                "one of them"
            )
        headers["authorization"] = f"Bearer {_sendable(api_key, url)}"
    path = base.path if base.path.strip("/") else root
    sent = headers.get("authorization", "").rpartition(" ")[2]
    asked = [value for name, value in base.params.multi_items() if not _PLAIN.search(name)]
    with kept_secret(sent, base.password or base.username, *asked):
        async with _BoundedClient(
            most_bytes,
            base_url=base.copy_with(userinfo=b"", path=path, query=None, fragment=None),
            params=base.params,
            headers=headers,
            timeout=TIMEOUT,
            limits=httpx.Limits(max_connections=concurrency),
        ) as http:
            yield http


class _CookielessTransport(AiohttpTransport):
    """A transport that keeps no cookies: one client's would be sent with the next one's request,
    and a balancer's would hold all of them to one of its servers."""

    def get_client(self) -> aiohttp.ClientSession:
        """See `AiohttpTransport`."""
        session = super().get_client()
        kept = aiohttp.ClientSession(
            connector=session.connector, cookie_jar=aiohttp.DummyCookieJar()
        )
        session.detach()
        return kept


class _BoundedClient(httpx.AsyncClient):
    """A client whose responses are bounded, also those that come through a proxy of the
    environment, and that sends a request once: APIs of models ask for no second round, with a
    redirect or a password, and httpx's way through these takes as long as aiohttp takes to send the
    request and read the answer."""

    def __init__(self, most_bytes: int, **options: Any) -> None:
        self._most_bytes = most_bytes
        self._root: httpx.URL | None = None
        self._absolute: dict[str, httpx.URL] = {}
        super().__init__(**options)

    def build_request(self, method: str, url: httpx.URL | str, **options: Any) -> httpx.Request:
        """See `httpx.AsyncClient`; the few paths of an API are joined to its root once."""
        if self.base_url is not self._root:
            self._root, self._absolute = self.base_url, {}
        if isinstance(url, str):
            if url not in self._absolute and len(self._absolute) < MOST_PATHS:
                self._absolute[url] = self._merge_url(url)
            url = self._absolute.get(url, url)
        return super().build_request(method, url, **options)

    async def send(
        self,
        request: httpx.Request,
        *,
        stream: bool = False,
        auth: object = httpx.USE_CLIENT_DEFAULT,
        follow_redirects: object = httpx.USE_CLIENT_DEFAULT,
    ) -> httpx.Response:
        """The response, read unless it is streamed.

        Args:
            request: as `build_request` makes it.
            stream: whether the caller reads the body.
            auth, follow_redirects: httpx's; another than the client's cannot be asked for.

        Raises:
            RuntimeError: the client is closed.
            httpx.RequestError, aiohttp.ClientError: none came, or not all of it (see
                `TRANSPORT_ERRORS`).
        """
        if self.is_closed:
            raise RuntimeError("the connections are closed")
        assert auth is follow_redirects is httpx.USE_CLIENT_DEFAULT
        transport = self._transport_for_url(request.url)
        response = await transport.handle_async_request(request)
        try:
            response.request = request
            if not stream:
                await response.aread()
        except BaseException:
            await response.aclose()
            raise
        return response

    def _init_transport(self, *_: Any, **options: Any) -> httpx.AsyncBaseTransport:
        return BoundedTransport(_CookielessTransport(**options), self._most_bytes)

    def _init_proxy_transport(
        self, proxy: httpx.Proxy, *_: Any, **options: Any
    ) -> httpx.AsyncBaseTransport:
        return BoundedTransport(_CookielessTransport(proxy=proxy, **options), self._most_bytes)


def _parsed(url: str) -> httpx.URL:
    """The URL.

    Raises:
        ConfigError: it is that of no server.
    """
    try:
        base = httpx.URL(url.strip())
    except (httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise ConfigError(f"{shown_url(url)} is no URL: {error}") from error
    if base.scheme not in ("http", "https") or not base.host:
        raise ConfigError(
            f"{shown_url(url)} is no URL of a server: it has to begin with http:// or https://"
        )
    if base.port is not None and not 1 <= base.port <= 65535:
        raise ConfigError(f"{shown_url(url)} is no URL of a server: {base.port} is no port")
    return base


def _sendable(api_key: str, url: str) -> str:
    """The key.

    Raises:
        ConfigError: a header cannot carry it (RFC 9110, 5.5).
    """
    if not api_key.isascii() or not api_key.isprintable():
        raise ConfigError(
            f"the API key for {shown_url(url)} holds a line break or another character that no "
            "header may carry"
        )
    return api_key
