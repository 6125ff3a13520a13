"""Streams: the samplings of one request as one source of candidates, each of which can be aborted.

A wave is one call of `Generator.sample`. Any number of waves may run at once. Each is read by one
task, which hands on candidates as they come, and the end of the wave.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bestofn.core.controller import Running
from bestofn.core.errors import RequestError
from bestofn.core.no_winner import GeneratorError
from bestofn.core.protocols import Generator, Sampling
from bestofn.core.types import Candidate, Rejection, Request, Score

logger = logging.getLogger(__name__)

GRACE = 0.25
"""Seconds that aborted candidates have to come back with what they cost, and that a sampling has to
end once all its candidates are back; vLLM answers an abort in about 10 ms (measured)."""

CLOSING_SECONDS = 5.0
"""That samplings have to close when the request is over; one that does not is left, and logged."""


class Sink(Protocol):
    """What is told of the candidates; the driver is one."""

    def on_snapshot(self, candidate: Candidate) -> None:
        """A running candidate has come so far."""
        ...

    def on_finished(self, candidate: Candidate, aborted_by: str | None) -> None:
        """A candidate came back; `aborted_by` names the rule whose abort ended it."""
        ...

    def on_missing(self, index: int, why: str) -> None:
        """A candidate will not come back: the engine lost it."""
        ...

    def on_wave_ended(self, indices: Sequence[int]) -> None:
        """None of these is sampled any more."""
        ...

    def on_error(self, error: BaseException) -> None:
        """The generator refuses the request, or is broken."""
        ...


@dataclass(slots=True, eq=False)
class _Wave:
    """One call of `Generator.sample`.

    Attributes:
        running: its indices that have not come back.
        why_missing: what is told of those that never do.
        closing: whether its sampling is being closed; that is waited for and not cut short.
        ended: whether its end was told.
        limit: tokens of a candidate, where that is another than the request's; an engine that
            refuses it fails these candidates alone.
        timer: cuts it off, once nothing more is to come.
    """

    indices: Sequence[int]
    sampling: Sampling
    running: set[int]
    why_missing: str = "the engine returned no candidate"
    closing: bool = False
    ended: bool = False
    limit: int | None = None
    timer: asyncio.TimerHandle | None = None


class Streams:
    """The samplings of one request.

    Args:
        generator: samples.
        request: whose candidates they are.
        sink: told of what comes.

    Attributes:
        request: as given.
        running: candidates that were started and have not come back, by index.
    """

    def __init__(self, generator: Generator, request: Request, sink: Sink) -> None:
        self._generator = generator
        self.request = request
        self._sink = sink
        self._loop = asyncio.get_running_loop()
        self._tasks: dict[asyncio.Task[None], _Wave] = {}
        self._waves = 0
        self._wave_of: dict[int, _Wave] = {}
        self._aborted: dict[int, str] = {}
        self._graces: dict[int, asyncio.TimerHandle] = {}
        self._closed = False
        self.running: dict[int, Running] = {}

    @property
    def active(self) -> bool:
        """Whether a wave is being read."""
        return self._waves > 0

    def start(self, indices: Sequence[int], max_tokens: int | None = None) -> None:
        """Begin a wave.

        Args:
            indices: of its candidates.
            max_tokens: of each, instead of the request's limit; None: that one.

        Raises:
            RequestError, GeneratorError: as `Generator.sample`; nothing runs then.
        """
        request = self.request
        if max_tokens is not None:
            request = dataclasses.replace(request, max_tokens=max_tokens)
        try:
            sampling = self._generator.sample(request, indices)
        except RequestError as error:
            if max_tokens is None:
                raise
            raise GeneratorError(_refused(max_tokens, error)) from error
        wave = _Wave(indices, sampling, set(indices), limit=max_tokens)
        for index in indices:
            self.running[index] = Running(index)
            self._wave_of[index] = wave
        self._waves += 1
        task = self._loop.create_task(self._read(wave))
        self._tasks[task] = wave
        task.add_done_callback(self._on_end)

    def abort(self, index: int, rule: str) -> None:
        """Stop a running candidate, which then has `GRACE` seconds to come back.

        One that does not is handed on as far as its newest snapshot goes.
        """
        if index not in self.running or index in self._aborted:
            return
        self._aborted[index] = rule
        self.running[index] = self.running[index]._replace(aborted_by=rule)
        self._graces[index] = self._loop.call_later(GRACE, self._give_up, index)
        try:
            self._wave_of[index].sampling.abort(index)
        except Exception as error:  # the engine's: the grace ends the candidate all the same
            logger.warning("candidate %d cannot be aborted", index, exc_info=error)

    def so_far(self, index: int) -> Candidate:
        """A running candidate as far as its newest snapshot goes, as one that was aborted."""
        latest = self.running[index].latest
        if latest is None:
            nothing = Candidate.without_answer(self.request, index, "abort")
            return dataclasses.replace(nothing, group_tokens=None)  # it may have come to some
        return dataclasses.replace(latest, finish_reason="abort")

    def on_score(self, candidate: Candidate, score: Score) -> None:
        """A snapshot of a running candidate was scored; without a reward the one before stands."""
        running = self.running.get(candidate.index)
        if running is not None:
            reward = running.reward if score.reward is None else score.reward
            self.running[candidate.index] = running._replace(
                reward=reward, scored_at=candidate.completion_tokens or 0
            )

    def on_check(self, candidate: Candidate, rejection: Rejection | None) -> None:
        """A snapshot of a running candidate was shown to the filters."""
        running = self.running.get(candidate.index)
        if running is not None:
            self.running[candidate.index] = running._replace(
                rejection=rejection, checked_at=candidate.completion_tokens or 0
            )

    def cancel(self) -> None:
        """Let whatever runs stop; nothing is handed on of it."""
        self._closed = True
        for timer in self._graces.values():
            timer.cancel()
        for task, wave in self._tasks.items():
            if wave.timer is not None:
                wave.timer.cancel()
            if not wave.closing:
                task.cancel()

    async def aclose(self) -> None:
        """Abort whatever still runs and wait until it has stopped; nothing is handed on of it."""
        self.cancel()
        if tasks := list(self._tasks):
            _, left = await asyncio.wait(tasks, timeout=CLOSING_SECONDS)
            if left:
                logger.error("request %s: its sampling does not close", self.request.id)
            for task in left:
                task.cancel()

    async def _read(self, wave: _Wave) -> None:
        try:
            try:
                async for candidate in wave.sampling:
                    self._take(candidate, wave)
            finally:
                wave.closing = True
                await wave.sampling.aclose()
        except GeneratorError as error:  # what came before it is still worth ranking
            logger.error("request %s: %s", self.request.id, error)
            wave.why_missing = str(error)
        except RequestError as error:
            if wave.limit is None:
                raise
            wave.why_missing = _refused(wave.limit, error)

    def _take(self, candidate: Candidate, wave: _Wave) -> None:
        index = candidate.index
        if index not in wave.running:
            if index in self._aborted and self._wave_of.get(index) is wave:
                return  # it came after its grace, and was handed on without
            raise GeneratorError(
                f"the engine returned candidate {index}, which was not asked for or came twice"
            )
        if candidate.finish_reason is None:
            tokens = candidate.completion_tokens or 0
            self.running[index] = self.running[index]._replace(latest=candidate, tokens=tokens)
            self._sink.on_snapshot(candidate)
            return
        if self._graces and (grace := self._graces.pop(index, None)) is not None:
            grace.cancel()
        cut = candidate.finish_reason == "abort"
        self._sink.on_finished(candidate, self._aborted.get(index) if cut else None)
        self._gone(index, wave)
        if not wave.running:
            wave.timer = self._loop.call_later(GRACE, self._cut_off, wave)

    def _gone(self, index: int, wave: _Wave) -> None:
        """The candidate has come back, or will not."""
        self.running.pop(index, None)
        wave.running.discard(index)

    def _give_up(self, index: int) -> None:
        """Hand on an aborted candidate that has not come back in time."""
        wave = self._wave_of[index]
        if index not in self.running:
            return
        cut = self.so_far(index)
        self._gone(index, wave)
        try:
            self._sink.on_finished(cut, self._aborted[index])
        except Exception as error:  # an observer's: the request fails by it
            self._sink.on_error(error)
        if not wave.running:
            self._cut_off(wave)

    def _cut_off(self, wave: _Wave) -> None:
        """End a wave from which nothing more is to come, although its sampling has not ended."""
        for task, each in self._tasks.items():
            if each is wave and not wave.closing:
                task.cancel()
        self._tell_end(wave)

    def _on_end(self, task: asyncio.Task[None]) -> None:
        wave = self._tasks.pop(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._sink.on_error(error)
        self._tell_end(wave, failed=error is not None)

    def _tell_end(self, wave: _Wave, *, failed: bool = False) -> None:
        """Tell of what is missing of a wave, and of its end; once."""
        if wave.ended:
            return
        wave.ended = True
        self._waves -= 1
        if wave.timer is not None:
            wave.timer.cancel()
        try:
            for index in [*wave.running]:
                self._gone(index, wave)
                if not self._closed and not failed:
                    self._sink.on_missing(index, wave.why_missing)
            self._sink.on_wave_ended(wave.indices)
        except Exception as error:  # an observer's: the request fails by it
            self._sink.on_error(error)


def _refused(limit: int, error: RequestError) -> str:
    """What is told of candidates whose raised limit the engine does not take."""
    return f"the engine does not take the raised max_tokens {limit}: {error}"
