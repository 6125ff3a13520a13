"""The Sampling over an upstream that streams: snapshots of every candidate, one stream each.

One stream a candidate and not all in one with ``n``, since rules that read snapshots stop single
candidates, and a server ends what is asked for in one request only as a whole.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any

from bestofn.core.no_winner import GeneratorError
from bestofn.core.types import Candidate, Request
from bestofn.generators.found_out import NOT_TAKEN
from bestofn.generators.task_sampling import TaskSampling
from bestofn.openai_api.completions import Completion, completion_of
from bestofn.openai_api.growing_choice import GrowingChoice
from bestofn.openai_api.to_candidate import failed_candidate, to_candidate
from bestofn.support.one_request import one_request

Chunks = AsyncGenerator[dict[str, Any]]


class StreamedSampling(TaskSampling):
    """The `Sampling` of candidates that are streams of their own.

    One that is stopped comes back as far as it has come, with what it has cost. A stream that
    breaks costs its candidate. Where the server refuses to stream, each is asked for in one piece.

    Args:
        request: whose candidates they are; without `Request.snapshot_tokens` no snapshots come.
        indices: which of them.
        opened: opens the stream of the candidate with that index.
        whole: asks for it in one piece.
        most: characters of a candidate; a longer one fails.
    """

    def __init__(
        self,
        request: Request,
        indices: Sequence[int],
        opened: Callable[[int], Coroutine[Any, Any, Chunks]],
        whole: Callable[[int], Coroutine[Any, Any, Completion]],
        most: int,
    ) -> None:
        self._request = request
        self._opened = opened
        self._whole = whole
        self._most = most
        self._wanted = set(indices)
        self._calls: dict[int, asyncio.Task[Any]] = {}
        self._choices = {index: GrowingChoice() for index in indices}
        super().__init__(indices, self._run, self._stop)

    async def _run(self, index: int) -> Candidate:
        if index not in self._wanted:  # stopped before it started
            return self._so_far(index, "abort")
        call = asyncio.current_task()
        assert call is not None
        self._calls[index] = call
        try:
            with one_request(self._request.id):
                completion = await self._answer(index)
            return to_candidate(completion, 0, self._request, index)
        except GeneratorError as error:
            failed = failed_candidate(self._request, index, error)
            return replace(failed, completion_tokens=self._choices[index].tokens or None)
        except asyncio.CancelledError:
            if index in self._wanted:
                raise
            return self._so_far(index, "abort")

    async def _answer(self, index: int) -> Completion:
        try:
            chunks = await self._opened(index)
        except NOT_TAKEN:
            # It may be the stream that is refused; where it is not, this raises the same.
            return await self._whole(index)
        return await self._read(index, chunks)

    async def _read(self, index: int, chunks: Chunks) -> Completion:
        choice, told = self._choices[index], 0
        every, usage = self._request.snapshot_tokens, None
        async with contextlib.aclosing(chunks):
            async for chunk in chunks:
                usage = chunk.get("usage") or usage
                for part in chunk["choices"]:
                    if part.get("index") in (0, None):
                        choice.add(part)
                if choice.characters > self._most:
                    raise GeneratorError(
                        f"the upstream's answer is above {self._most:,} characters"
                    )
                if every is None or choice.finish_reason is not None:
                    continue
                if choice.tokens >= told + every:
                    told = choice.tokens
                    self.tell(self._so_far(index, None))
        counted = usage or {"completion_tokens": choice.tokens}
        return completion_of({"choices": [choice.whole], "usage": counted}, "the upstream")

    def _so_far(self, index: int, finish_reason: str | None) -> Candidate:
        """The candidate as far as it has come."""
        choice = self._choices[index]
        if not choice.parts and finish_reason is not None:
            return Candidate.without_answer(self._request, index, finish_reason)
        return Candidate(
            index,
            choice.message,
            finish_reason,
            completion_tokens=choice.tokens,
            seed=self._request.seed_of(index),
        )

    def _stop(self, index: int) -> None:
        self._wanted.discard(index)
        if (call := self._calls.get(index)) is not None:
            call.cancel()
