"""The Samplings over an upstream: N candidates in one HTTP request with ``n``, or in one each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any

from bestofn.core.no_winner import GeneratorError
from bestofn.core.types import Candidate, Request
from bestofn.generators.task_sampling import TaskSampling
from bestofn.openai_api.completions import Completion
from bestofn.openai_api.to_candidate import failed_candidate, to_candidate, without_answer
from bestofn.support.concurrency import cancel_and_wait
from bestofn.support.one_request import one_request

Call = Coroutine[Any, Any, Completion]


class SeparateSampling(TaskSampling):
    """The `Sampling` of candidates that are HTTP requests of their own.

    Args:
        request: whose candidates they are.
        indices: which of them.
        one: asks for the candidate with that index.
    """

    def __init__(
        self, request: Request, indices: Sequence[int], one: Callable[[int], Call]
    ) -> None:
        self._request = request
        self._one = one
        self._wanted = set(indices)
        self._calls: dict[int, asyncio.Task[Any]] = {}
        super().__init__(indices, self._run, self._stop)

    async def _run(self, index: int) -> Candidate:
        if index not in self._wanted:  # stopped before it started
            return without_answer(self._request, index, "abort")
        call = asyncio.current_task()
        assert call is not None
        self._calls[index] = call
        try:
            with one_request(self._request.id):
                completion = await self._one(index)
            return to_candidate(completion, 0, self._request, index)
        except GeneratorError as error:
            return failed_candidate(self._request, index, error)
        except asyncio.CancelledError:
            if index in self._wanted:
                raise
            return _uncounted(self._request, index)

    def _stop(self, index: int) -> None:
        self._wanted.discard(index)
        if (call := self._calls.get(index)) is not None:
            call.cancel()


class GroupSampling:
    """The `Sampling` of candidates that come in one HTTP request; what it brings too few of are
    requests of their own.

    A candidate that is stopped counts as stopped at once. The request itself ends when all are.

    Args:
        request: whose candidates they are.
        indices: which of them.
        group: asks for all of them.
        one: asks for the candidate with that index.
        turn: held while candidates are handed on, one by one; shared by all groups.
    """

    def __init__(
        self,
        request: Request,
        indices: Sequence[int],
        group: Call,
        one: Callable[[int], Call],
        turn: asyncio.Lock,
    ) -> None:
        self._request = request
        self._group = group
        self._one = one
        self._turn = turn
        self._waiting = list(indices)
        self._left = len(self._waiting)
        self._stopped: set[int] = set()
        self._rest: SeparateSampling | None = None
        self._finished: asyncio.Queue[Candidate | Exception] = asyncio.Queue()
        self._work = asyncio.create_task(self._drive())

    def __aiter__(self) -> GroupSampling:
        return self

    async def __anext__(self) -> Candidate:
        """The next candidate to finish; StopAsyncIteration after the last."""
        if not self._left:
            raise StopAsyncIteration
        finished = await self._finished.get()
        if isinstance(finished, Exception):
            self._left = 0
            raise finished
        self._left -= 1
        return finished

    def abort(self, index: int) -> None:
        """Stop candidate `index` if it still runs."""
        if self._rest is not None:
            self._rest.abort(index)
        elif index in self._waiting and index not in self._stopped:
            self._stopped.add(index)
            self._finished.put_nowait(_uncounted(self._request, index))
            if len(self._stopped) == len(self._waiting):
                self._work.cancel()

    async def aclose(self) -> None:
        """Cancel whatever still runs and wait until it has stopped."""
        self._left = 0
        await cancel_and_wait(self._work)
        self._group.close()  # where it was cancelled before it started
        if self._rest is not None:
            await self._rest.aclose()

    async def _drive(self) -> None:
        try:
            with one_request(self._request.id):
                completion = await self._group
            missing = self._waiting[len(completion.choices) :]
            arrived = self._waiting[: len(completion.choices)]
            self._waiting = []
            # Answers that came together are worked off one after the other, so that the first is
            # not as late as the last; between candidates the event loop gets round to new requests,
            # which are then on their way. Requests in step would otherwise stay in step: 4 clients
            # then wait 10 ms for what costs 4 (benchmarks/serving.py).
            async with self._turn:
                for place, index in enumerate(arrived):
                    if index not in self._stopped:
                        candidate = to_candidate(completion, place, self._request, index)
                        self._finished.put_nowait(candidate)
                    await asyncio.sleep(0)
            if wanted := [index for index in missing if index not in self._stopped]:
                self._rest = SeparateSampling(self._request, wanted, self._one)
                async for candidate in self._rest:
                    self._finished.put_nowait(candidate)
        except GeneratorError as error:
            for index in self._waiting:
                if index not in self._stopped:
                    self._finished.put_nowait(failed_candidate(self._request, index, error))
            self._waiting = []
        except Exception as error:  # raised where it is waited for: by the iterator
            self._finished.put_nowait(error)


def _uncounted(request: Request, index: int) -> Candidate:
    """A candidate that was asked for and stopped: what it had come to nobody counted."""
    return replace(without_answer(request, index, "abort"), group_tokens=None)
