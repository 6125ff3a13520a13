"""Requests that ask for another protocol (``Upgrade: websocket``, ``h2c``), as ones that do not.

A server may ignore what they ask for (RFC 9110, 7.8), and this one has no other protocol. Java's
client asks for ``h2c`` with its first request over plain HTTP, whatever it sends.
"""

from __future__ import annotations

from collections.abc import Iterable

_ASKING = frozenset({b"upgrade", b"http2-settings"})
"""Headers that ask, and their names in `Connection`."""


def head_without_upgrade(
    method: bytes, url: bytes, version: str, headers: Iterable[tuple[bytes, bytes]]
) -> bytes:
    """The head of a request, which asks for no other protocol.

    Args:
        method, url, version: as they were sent.
        headers: in their order, names in lower case.
    """
    lines = [b"%s %s HTTP/%s" % (method, url, version.encode())]
    for name, value in headers:
        if name == b"connection":
            kept = [each for each in value.split(b",") if each.strip().lower() not in _ASKING]
            value = b",".join(kept)
        if name not in _ASKING:
            lines.append(b"%s: %s" % (name, value))
    return b"\r\n".join([*lines, b"", b""])
