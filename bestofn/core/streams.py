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
from bestofn.core.no_winner import GeneratorError
from bestofn.core.protocols import Generator, Sampling
from bestofn.core.types import Candidate, Request

logger = logging.getLogger(__name__)

GRACE = 0.25
"""Seconds that aborted candidates have to come back with what they cost; vLLM answers an abort in
about 10 ms (measured)."""


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
    """One call of `Generator.sample`."""

    indices: Sequence[int]
    sampling: Sampling
    why_missing: str = "the engine returned no candidate"


class Streams:
    """The samplings of one request.

    Args:
        generator: samples.
        request: whose candidates they are.
        sink: told of what comes.

    Attributes:
        running: candidates that were started and have not come back, by index.
    """

    def __init__(self, generator: Generator, request: Request, sink: Sink) -> None:
        self._generator = generator
        self._request = request
        self._sink = sink
        self._waves: dict[asyncio.Task[None], _Wave] = {}
        self._aborted: dict[int, str] = {}
        self._graces: list[asyncio.TimerHandle] = []
        self._closed = False
        self.running: dict[int, Running] = {}

    @property
    def active(self) -> bool:
        """Whether a wave is being read."""
        return bool(self._waves)

    def start(self, indices: Sequence[int]) -> None:
        """Begin a wave.

        Raises:
            RequestError, GeneratorError: as `Generator.sample`; nothing runs then.
        """
        wave = _Wave(indices, self._generator.sample(self._request, indices))
        for index in indices:
            self.running[index] = Running(index)
        task = asyncio.create_task(self._read(wave))
        self._waves[task] = wave
        task.add_done_callback(self._on_end)

    def abort(self, index: int, rule: str) -> None:
        """Stop a running candidate, which then has `GRACE` seconds to come back.

        One that does not is handed on as far as its newest snapshot goes.
        """
        if index not in self.running or index in self._aborted:
            return
        self._aborted[index] = rule
        for wave in self._waves.values():
            if index in wave.indices:
                wave.sampling.abort(index)
        loop = asyncio.get_running_loop()
        self._graces.append(loop.call_later(GRACE, self._give_up, index))

    async def aclose(self) -> None:
        """Abort whatever still runs and wait until it has stopped; nothing is handed on of it."""
        self._closed = True
        for timer in self._graces:
            timer.cancel()
        if tasks := list(self._waves):
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _read(self, wave: _Wave) -> None:
        try:
            async for candidate in wave.sampling:
                self._take(candidate, wave)
        except GeneratorError as error:  # what came before it is still worth ranking
            logger.error("request %s: %s", self._request.id, error)
            wave.why_missing = str(error)
        finally:
            await wave.sampling.aclose()

    def _take(self, candidate: Candidate, wave: _Wave) -> None:
        index = candidate.index
        running = self.running.get(index)
        if running is None or index not in wave.indices:
            if index in self._aborted:
                return  # it came after its grace, and was handed on without
            raise GeneratorError(
                f"the engine returned candidate {index}, which was not asked for or came twice"
            )
        if candidate.finish_reason is None:
            tokens = candidate.completion_tokens or 0
            self.running[index] = dataclasses.replace(running, latest=candidate, tokens=tokens)
            self._sink.on_snapshot(candidate)
            return
        del self.running[index]
        cut = candidate.finish_reason == "abort"
        self._sink.on_finished(candidate, self._aborted.get(index) if cut else None)

    def _give_up(self, index: int) -> None:
        """Hand on an aborted candidate that has not come back in time."""
        running = self.running.pop(index, None)
        if running is None:
            return
        if running.latest is None:
            cut = Candidate.without_answer(self._request, index, "abort")
        else:
            cut = dataclasses.replace(running.latest, finish_reason="abort")
        self._sink.on_finished(cut, self._aborted[index])
        for task, wave in self._waves.items():
            if not self.running.keys() & wave.indices:
                task.cancel()

    def _on_end(self, task: asyncio.Task[None]) -> None:
        wave = self._waves.pop(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._sink.on_error(error)
        for index in wave.indices:
            if self.running.pop(index, None) is not None and not self._closed:
                self._sink.on_missing(index, wave.why_missing)
        self._sink.on_wave_ended(wave.indices)
