"""Limits of the server as sections: what one connection may do, and what one API key.

server:
  connections: {most: 1024, header_seconds: 10}
  key_limits: {requests_per_minute: 600, share: 0.5}
  keys: {nightly-batch: {requests_in_flight: 4}}
"""

from __future__ import annotations

from pydantic import Field

from bestofn.settings.section import Section


class ConnectionSettings(Section):
    """What `bestofn serve` grants a connection, before anything is known of who it is.

    Of the numbers, nginx's defaults are the model where it has one (client_header_timeout and
    client_body_timeout 60 s, large_client_header_buffers 4 of 8 kB, keepalive_timeout 75 s).
    """

    most: int = Field(
        default=1024,
        ge=1,
        description="connections at once; above it only /health, /ready, /ping and /metrics are "
        "answered",
    )
    header_bytes: int = Field(
        default=32 * 2**10, ge=1024, description="of a request line and its headers; above: 431"
    )
    headers: int = Field(default=128, ge=8, description="of a request; above: 431")
    header_seconds: float = Field(
        default=20, gt=0, description="from a request's first byte, or a connection, to its headers"
    )
    body_seconds: float = Field(
        default=60, gt=0, description="from the headers to the last byte of the body; above: 408"
    )
    idle_seconds: float = Field(
        default=75,
        gt=0,
        description="between two requests; longer than a proxy in front keeps its own",
    )
    write_seconds: float = Field(
        default=60, gt=0, description="that a client may read nothing of an answer"
    )


class KeyLimits(Section):
    """What one API key may use. Without keys all clients together are one."""

    requests_per_minute: int | None = Field(
        default=None, ge=1, description="above: 429; null: no limit of its own"
    )
    tokens_per_minute: int | None = Field(
        default=None,
        ge=1,
        description="candidate tokens asked for (best_of times the limit each); above: 429",
    )
    requests_in_flight: int | None = Field(default=None, ge=1, description="at once; above: 429")
    share: float = Field(
        default=1, gt=0, le=1, description="of max_tokens_in_flight that it may hold at once"
    )
