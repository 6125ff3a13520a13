"""Clients of an OpenAI-compatible server that ask again as soon as they are answered."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp


@dataclass(frozen=True, slots=True)
class Load:
    """What a closed loop measured.

    Args:
        seconds: from the first request to the last answer.
        latencies: seconds of each request, in order.
        answers: the bodies of the answers, in the order of the requests.
    """

    seconds: float
    latencies: list[float]
    answers: list[dict[str, Any]]

    @property
    def rate(self) -> float:
        """Requests per second."""
        return len(self.latencies) / self.seconds

    def percentile(self, percent: int) -> float:
        """Seconds within which `percent` of 100 were answered."""
        if len(self.latencies) == 1:
            return self.latencies[0]
        return statistics.quantiles(self.latencies, n=100, method="inclusive")[percent - 1]


async def closed_loop(url: str, bodies: Iterable[Mapping[str, Any]], clients: int) -> Load:
    """Send every body to the chat completions of `url`, `clients` at a time.

    Raises:
        aiohttp.ClientResponseError: one was not answered with 200: then no figure counts.
    """
    asked = list(bodies)
    waiting = iter(enumerate(asked))
    latencies = [0.0] * len(asked)
    answers: list[dict[str, Any]] = [{}] * len(asked)
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=600)
    async with aiohttp.ClientSession(url, connector=connector, timeout=timeout) as session:

        async def client() -> None:
            for at, body in waiting:
                started = time.perf_counter()
                async with session.post("/v1/chat/completions", json=body) as response:
                    response.raise_for_status()
                    answers[at] = await response.json()
                latencies[at] = time.perf_counter() - started

        started = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(clients):
                group.create_task(client())
        return Load(time.perf_counter() - started, latencies, answers)
