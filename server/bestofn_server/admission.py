"""Admission control: candidate tokens in flight, shares of API keys, and a 429 for what does not
fit.

    with admission.admit(8 * 512, key="alice"):
        ...                                  # 4,096 tokens are held, of all and of alice's
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from bestofn.settings.server_limits import KeyLimits
from bestofn_server.errors import InvalidBodyError, NotReadyError, OverloadedError

_WEIGHT = 0.1
"""Of the newest request in the running mean of their durations."""

ANYBODY = "-"
"""The name of who asks where no key is needed."""


class Admission:
    """Lets requests in while the tokens that they may still sample fit the limit.

    There is no queue: what does not fit is refused at once, with the time after which a place is
    likely. What could never fit is an error of the request.

    Args:
        limit: candidate tokens in flight, at most.
        key_limits: of each key that `keys` does not name.
        keys: limits by the names of keys.

    Attributes:
        tokens: in flight now.
        requests: in flight now.
        closed: whether nothing is let in any more, since the server stops.
    """

    def __init__(
        self,
        limit: int,
        key_limits: KeyLimits | None = None,
        keys: Mapping[str, KeyLimits] | None = None,
    ) -> None:
        self._limit = limit
        self._key_limits = key_limits or KeyLimits()
        self._keys = keys or {}
        self._accounts: dict[str, _Account] = {}
        self._seconds = 1.0
        self.tokens = 0
        self.requests = 0
        self.closed = False

    def most(self, key: str = ANYBODY) -> int:
        """Tokens that one request with this key may hold."""
        return self._account(key).most

    @contextlib.contextmanager
    def admit(self, tokens: int, key: str = ANYBODY) -> Iterator[None]:
        """Hold a place for `tokens` as long as the context.

        Args:
            tokens: that may be sampled.
            key: the name of the API key that asks.

        Raises:
            InvalidBodyError: there could never be one: it is more than the limit, or the key's.
            OverloadedError: there is none, or the key has used what it may.
            NotReadyError: the server is stopping.
        """
        if self.closed:
            raise NotReadyError("the server is stopping")
        account = self._account(key)
        if tokens > account.most:
            raise InvalidBodyError(
                f"the request may sample {tokens:,} candidate tokens (prompts times best_of times "
                f"max_tokens), and this server takes at most {account.most:,} at once: ask for "
                "fewer",
                code="too_many_tokens",
            )
        if self.tokens and self.tokens + tokens > self._limit:
            raise OverloadedError(
                f"{self.tokens:,} candidate tokens are in flight, which leaves no room for "
                f"{tokens:,} more: try again later",
                retry_after=self._soon,
            )
        account.charge(tokens, self._soon)
        started = time.monotonic()
        self.tokens += tokens
        self.requests += 1
        try:
            yield
        finally:
            self.tokens -= tokens
            self.requests -= 1
            account.release(tokens)
            self._seconds += _WEIGHT * (time.monotonic() - started - self._seconds)

    @property
    def _soon(self) -> int:
        """Seconds after which a place is likely."""
        return max(1, math.ceil(self._seconds))

    def _account(self, key: str) -> _Account:
        if key not in self._accounts:
            limits = self._keys.get(key, self._key_limits)
            self._accounts[key] = _Account(limits, max(1, int(self._limit * limits.share)))
        return self._accounts[key]


@dataclass(slots=True)
class _Account:
    """What one key uses.

    Args:
        limits: of it.
        share: tokens that it may hold.
    """

    limits: KeyLimits
    share: int
    tokens: int = 0
    requests: int = 0
    _asked: _Bucket | None = field(init=False)
    _sampled: _Bucket | None = field(init=False)

    def __post_init__(self) -> None:
        self._asked = _bucket(self.limits.requests_per_minute)
        self._sampled = _bucket(self.limits.tokens_per_minute)

    @property
    def most(self) -> int:
        """Tokens that one request may ask for."""
        return min(self.share, self.limits.tokens_per_minute or self.share)

    def charge(self, tokens: int, soon: int) -> None:
        """Take it on.

        Raises:
            OverloadedError: the key has used what it may; nothing is charged.
        """
        most = self.limits.requests_in_flight
        if most is not None and self.requests >= most:
            raise OverloadedError(f"this key has {most:,} requests in flight already", soon)
        if self.tokens + tokens > self.share:
            raise OverloadedError(
                f"this key has {self.tokens:,} candidate tokens in flight, which leaves no room in "
                f"its share for {tokens:,} more",
                soon,
            )
        buckets = [
            (bucket, amount, what)
            for bucket, amount, what in (
                (self._asked, 1, "requests"),
                (self._sampled, tokens, "candidate tokens"),
            )
            if bucket is not None
        ]
        for bucket, amount, what in buckets:
            if (wait := bucket.wait(amount)) > 0:
                raise OverloadedError(
                    f"this key has used its {bucket.per_minute:,} {what} a minute",
                    max(1, math.ceil(wait)),
                )
        for bucket, amount, _ in buckets:
            bucket.level -= amount
        self.tokens += tokens
        self.requests += 1

    def release(self, tokens: int) -> None:
        """It is over. What was asked for stays counted in its minute, as OpenAI counts too."""
        self.tokens -= tokens
        self.requests -= 1


@dataclass(slots=True)
class _Bucket:
    """A token bucket: a minute's worth at most, filled evenly.

    Args:
        per_minute: what flows in, and what it holds.
        level: what is there.
        at: when that was so, by the monotonic clock.
    """

    per_minute: int
    level: float
    at: float

    def wait(self, amount: int) -> float:
        """Seconds until `amount` is there; 0: it is."""
        now = time.monotonic()
        rate = self.per_minute / 60
        self.level = min(self.per_minute, self.level + (now - self.at) * rate)
        self.at = now
        return max(0.0, (amount - self.level) / rate)


def _bucket(per_minute: int | None) -> _Bucket | None:
    return None if per_minute is None else _Bucket(per_minute, per_minute, time.monotonic())
