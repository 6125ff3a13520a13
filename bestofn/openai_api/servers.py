"""Servers that serve the same, in order, each with a breaker: which of them is asked next."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Collection, Hashable, Iterator, Sequence

import httpx

from bestofn.openai_api.breaker import Breaker
from bestofn.openai_api.faults import TransientError


class Servers:
    """Some servers.

    Args:
        https: a connection pool for each; the first is asked as long as it answers.
        who: what they are called in errors.
        breakers: whether one that fails again and again is left alone for a while.
    """

    def __init__(self, https: Sequence[httpx.AsyncClient], who: str, *, breakers: bool) -> None:
        self._https = https
        self._who = who
        self._breakers = [Breaker() if breakers else None for _ in https]

    def __len__(self) -> int:
        return len(self._https)

    def __getitem__(self, number: int) -> httpx.AsyncClient:
        return self._https[number]

    def choose(self, failed: Collection[int]) -> int:
        """The number of the first that may be asked; those in `failed` come last.

        Raises:
            TransientError: all of them are left alone.
        """
        numbers = sorted(range(len(self)), key=lambda number: number in failed)
        for number in numbers:
            breaker = self._breakers[number]
            if breaker is None or breaker.enter():
                return number
        raise self._shut(min(filter(None, self._breakers), key=lambda each: each.left))

    def another(self, failed: Collection[int]) -> bool:
        """Whether there is one that is not in `failed` and may be asked."""
        return any(
            number not in failed and not (breaker is not None and breaker.left)
            for number, breaker in enumerate(self._breakers)
        )

    def require_open(self, number: int) -> None:
        """Return if this one is not left alone.

        Raises:
            TransientError: it is.
        """
        breaker = self._breakers[number]
        if breaker is not None and breaker.left:
            raise self._shut(breaker)

    @contextlib.contextmanager
    def judged(self, number: int, request: Hashable) -> Iterator[None]:
        """Tell the breaker of this one how the attempt inside went.

        Args:
            number: of the server.
            request: the client's for which it is asked.
        """
        breaker = self._breakers[number]
        if breaker is None:
            yield
            return
        try:
            yield
        except TransientError as error:
            if error.busy:
                breaker.gave_up()
            else:
                breaker.failed_once(request if error.of_request else None)
            raise
        except Exception:  # it answers, whatever it says
            breaker.succeeded()
            raise
        except BaseException:
            breaker.gave_up()
            raise
        breaker.succeeded()

    def _shut(self, breaker: Breaker) -> TransientError:
        return TransientError(
            f"{self._who} failed {breaker.failed} times in a row, and is left alone for "
            f"{max(1, math.ceil(breaker.left))} s",
            after=breaker.left,
            shut=True,
        )
