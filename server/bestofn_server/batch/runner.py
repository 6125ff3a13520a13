"""A batch's run: each line asked of the service in this process, and every one accounted for.

tally = await run_batch(app, Path("requests.jsonl"), Path("answers.jsonl"))
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from bestofn.core.errors import ConfigError
from bestofn.core.no_winner import GeneratorError
from bestofn.support.bounded_lines import bounded_lines
from bestofn_server.batch.answers import Answers, answer_of, may_pass, open_answers, refusal_of
from bestofn_server.batch.lines import BatchLine, batch_lines

IN_FLIGHT = 32
"""Lines that are asked at once."""

TRIES = 8
"""Of a line for which there is no room: the service says when to come again."""

LONGEST_WAIT = 30.0
"""Seconds between two of them."""


@dataclass(slots=True)
class Tally:
    """What became of the lines.

    Args:
        lines: of the input that are not blank.
        kept: answered by a run before.
        answered: with a status of 200, those of a run before included.
        refused: answered with another, or no request at all: another try would change nothing.
        failed: the service failed; another try may do.
    """

    lines: int = 0
    kept: int = 0
    answered: int = 0
    refused: int = 0
    failed: int = 0

    def count(self, status: int | None) -> None:
        """Count an answer by its status; None: the line asks nothing."""
        if status == 200:
            self.answered += 1
        elif status is not None and may_pass(status):
            self.failed += 1
        else:
            self.refused += 1


async def run_batch(
    app: FastAPI,
    source: Path,
    target: Path,
    *,
    in_flight: int = IN_FLIGHT,
    watch: Callable[[Tally], None] = lambda tally: None,
) -> Tally:
    """Ask what `source` holds and `target` does not answer yet.

    Answers are written when they are there, in any order. Cancelled, it leaves those that are.

    Args:
        app: the service, not started yet.
        source: the requests.
        target: the answers; a file that is there goes on.
        in_flight: lines that are asked at once.
        watch: told after each line.

    Raises:
        ConfigError: a file cannot be read or written, or another process writes there; a setting is
            wrong, a model is not there.
        DatasetError: the disk does not let it any more; what was answered is kept.
        GeneratorError: the engine has died; what was answered is kept.
    """
    asked = _asked(source)
    with open_answers(target, asked) as answers:
        tally = Tally(lines=sum(1 for _ in _lines(source)))
        async with app.router.lifespan_context(app), _client(app) as client:
            run = _Run(client, answers, tally, watch)
            await run.all(_lines(source), in_flight)
        return tally


class _Run:
    def __init__(
        self,
        client: httpx.AsyncClient,
        answers: Answers,
        tally: Tally,
        watch: Callable[[Tally], None],
    ) -> None:
        self._client = client
        self._answers = answers
        self._tally = tally
        self._watch = watch

    async def all(self, lines: Iterator[BatchLine], in_flight: int) -> None:
        places = asyncio.Semaphore(in_flight)
        async with _one_by_one() as group:
            for line in lines:
                if line.body is None:
                    self._answers.write(refusal_of(line))
                    self._done(None)
                elif (status := self._answers.kept.get(line.identity)) is not None:
                    self._tally.kept += 1
                    self._done(status)
                else:
                    await places.acquire()
                    group.create_task(self._one(line, places))

    async def _one(self, line: BatchLine, places: asyncio.Semaphore) -> None:
        try:
            status, body = await self._ask(line)
        finally:
            places.release()
        self._answers.write(answer_of(line, status, body))
        self._done(status)

    async def _ask(self, line: BatchLine) -> tuple[int, Any]:
        """Status and body of the answer.

        Raises:
            GeneratorError: the engine has died.
        """
        response = await self._asked(line)
        for _ in range(TRIES - 1):
            if response.status_code != 429:
                break
            await asyncio.sleep(min(LONGEST_WAIT, float(response.headers.get("retry-after", 1))))
            response = await self._asked(line)
        body = _json(response)
        if response.status_code == 503 and _code(body) == "engine_dead":
            raise GeneratorError(f"line {line.number}: {body['error']['message']}")
        if body is None:
            return 400, {"error": {"message": f"{line.url}: it does not answer with JSON"}}
        return response.status_code, body

    async def _asked(self, line: BatchLine) -> httpx.Response:
        headers = {"x-request-id": line.identity}
        return await self._client.post(line.url, json=line.body, headers=headers)

    def _done(self, status: int | None) -> None:
        self._tally.count(status)
        self._watch(self._tally)


@contextlib.asynccontextmanager
async def _one_by_one() -> AsyncIterator[asyncio.TaskGroup]:
    """A group of tasks, of whose errors the first is raised by itself."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as error:
        first = error.exceptions[0]
        raise first from None


def _client(app: FastAPI) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://batch", timeout=None)


def _asked(source: Path) -> dict[str, str]:
    """The id of the answer to each `custom_id` that asks something.

    Raises:
        ConfigError: the file cannot be read, or holds no line.
    """
    lines = 0
    asked: dict[str, str] = {}
    for line in _lines(source):
        lines += 1
        if line.custom_id is not None and line.body is not None:
            asked[line.custom_id] = line.identity
    if not lines:
        raise ConfigError(f"{source}: no lines")
    return asked


def _lines(source: Path) -> Iterator[BatchLine]:
    try:
        with source.open("rb") as lines:
            yield from batch_lines(bounded_lines(lines, str(source)))
    except OSError as error:
        raise ConfigError(f"{source} cannot be read: {error.strerror or error}") from error


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:  # a path that answers with something else, or with nothing
        if response.is_success:
            return None
        return {"error": {"message": response.text[:400] or f"status {response.status_code}"}}


def _code(body: Any) -> str | None:
    error = body.get("error") if isinstance(body, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, str) else None
