"""Several generators as one: the candidates of a request come from different models, and compete.

Each candidate is sampled by one generator, as `bestofn.generators.shares` says, with the request's
own seed ``seed + index``; it carries that generator's name (`Candidate.generator`). One that fails,
or refuses the request, costs its own candidates.

    generator = MixedGenerator([Member("small", small, 3), Member("large", large, 1)])
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bestofn.core.errors import RequestError
from bestofn.core.model_facts import ContextLimit
from bestofn.core.no_winner import GeneratorBusyError, GeneratorError
from bestofn.core.protocols import (
    EngineStatus,
    Forwarder,
    Generator,
    Ignoring,
    Sampling,
    Snapshotting,
)
from bestofn.core.types import Candidate, Request
from bestofn.generators.shares import assigned
from bestofn.support.concurrency import cancel_and_wait

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)  # a generator need not be hashable
class Member:
    """One of several generators.

    Args:
        name: what its candidates carry; unique.
        generator: samples.
        share: of the candidates, above 0; only ratios count.
    """

    name: str
    generator: Generator
    share: float = 1.0


class MixedGenerator:
    """Samples each candidate from one of several generators.

    At temperature 0 the first candidates are one of each generator. A request's `model` is not
    handed on: each generator has its own.

    Args:
        members: at least one; the order decides ties.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        self._members = tuple(members)
        self._shares = tuple(each.share for each in members)

    @property
    def sources(self) -> int:
        """See `bestofn.core.model_facts.Mixed`."""
        return len(self._members)

    @property
    def snapshots(self) -> bool:
        """Whether one of them sends unfinished candidates."""
        found = [each.generator for each in self._members]
        return any(isinstance(each, Snapshotting) and each.snapshots for each in found)

    @property
    def context(self) -> int | None:
        """The least that one of them says; None: none says any."""
        found = [each.generator for each in self._members]
        said = [each.context for each in found if isinstance(each, ContextLimit)]
        return min((each for each in said if each is not None), default=None)

    @property
    def dead(self) -> bool:
        """Whether all of them have an engine in this process, and each has died."""
        found = [each.generator for each in self._members]
        return all(isinstance(each, EngineStatus) and each.dead for each in found)

    def ignored(self, request: Request) -> Sequence[str]:
        """Fields without an effect on at least one of them; see `bestofn.core.protocols.Ignoring`.

        Raises:
            RequestError: none of them can do what the request asks for.
        """
        names: set[str] = set()
        faults: list[RequestError] = []
        for each in self._members:
            if isinstance(each.generator, Ignoring):
                try:
                    names.update(each.generator.ignored(request))
                except RequestError as error:
                    faults.append(error)
        if len(faults) == len(self._members):
            raise faults[0]
        return sorted(names)

    async def check_alive(self) -> None:
        """See `bestofn.core.model_facts.Mixed`: each that has an API is asked what it serves."""
        fault = None
        for each in self._members:
            if not isinstance(each.generator, Forwarder):
                return
            try:
                await each.generator.models()
            except GeneratorError as error:
                fault = fault or error
            else:
                return
        if fault is not None:
            raise fault

    def sample(self, request: Request, indices: Sequence[int]) -> MixedSampling:
        """One candidate per index, each from its generator; see `Generator`."""
        plan = self._plan(request)
        plain = {name: each for name, each in request.options.items() if name != "model"}
        handed = dataclasses.replace(request, options=plain)
        parts: dict[Member, list[int]] = {}
        for index in indices:
            parts.setdefault(self._members[plan[index % len(plan)]], []).append(index)
        asked = {self._members[place] for place in plan}
        return MixedSampling(handed, parts, only_part=parts.keys() != asked)

    def _plan(self, request: Request) -> Sequence[int]:
        if request.temperature == 0:
            return range(min(len(self._members), request.best_of))
        return assigned(self._shares, request.best_of)


@dataclass(slots=True, eq=False)
class _Part:
    """What one generator samples of a wave; `sampling` is None where it did not begin."""

    member: Member
    left: set[int]
    sampling: Sampling | None = None
    refused: RequestError | None = None


class MixedSampling:
    """The `Sampling` over those of several generators, in order of completion.

    Args:
        request: whose candidates they are.
        parts: the indices that each generator samples.
        only_part: whether other candidates of the request come from generators that are not here.
    """

    def __init__(
        self, request: Request, parts: Mapping[Member, Sequence[int]], *, only_part: bool
    ) -> None:
        self._request = request
        self._only_part = only_part
        self._parts = [_Part(member, set(indices)) for member, indices in parts.items()]
        self._of = {index: part for part in self._parts for index in part.left}
        self._finished: asyncio.Queue[Candidate | RequestError | None] = asyncio.Queue()
        self._ended = False
        for part in self._parts:
            with self._faults(part):
                part.sampling = _begun(part.member, request, sorted(part.left))
        self._reading = [asyncio.create_task(self._read(part)) for part in self._parts]
        self._running = len(self._reading)

    def __aiter__(self) -> MixedSampling:
        return self

    async def __anext__(self) -> Candidate:
        """The next candidate to finish, of whichever generator.

        Raises:
            RequestError: every generator of the request refuses it.
        """
        if self._ended:
            raise StopAsyncIteration
        finished = await self._finished.get()
        if isinstance(finished, Candidate):
            return finished
        self._ended = True
        if finished is None:
            raise StopAsyncIteration
        raise finished

    def abort(self, index: int) -> None:
        """Stop candidate `index`, if its generator still samples it."""
        part = self._of[index]
        if part.sampling is not None and index in part.left:
            part.sampling.abort(index)

    async def aclose(self) -> None:
        """Stop whatever still runs, of every generator."""
        self._ended = True
        await cancel_and_wait(*self._reading)
        open_ = [each.sampling.aclose() for each in self._parts if each.sampling is not None]
        for fault in await asyncio.gather(*open_, return_exceptions=True):
            if isinstance(fault, Exception):
                logger.warning("a sampling does not close", exc_info=fault)

    async def _read(self, part: _Part) -> None:
        with self._faults(part):
            if part.sampling is not None:
                async for candidate in part.sampling:
                    self._take(candidate, part)
        if part.refused is None:
            self._give_up(part, GeneratorError("the engine returned no candidate"))
        self._running -= 1
        if not self._running:
            self._end()

    @contextlib.contextmanager
    def _faults(self, part: _Part) -> Iterator[None]:
        """What a generator raises costs its own candidates; a refusal of the request is kept until
        it is known whether all refuse it."""
        try:
            yield
        except RequestError as error:
            part.refused = error
        except GeneratorError as error:
            logger.error("request %s: %s: %s", self._request.id, part.member.name, error)
            self._give_up(part, error)
        except Exception as error:  # a generator's own fault, whatever it is
            logger.exception("request %s: %s failed", self._request.id, part.member.name)
            self._give_up(part, GeneratorError(f"{type(error).__name__}: {error}"))

    def _take(self, candidate: Candidate, part: _Part) -> None:
        if candidate.index not in part.left:
            raise GeneratorError(
                f"the engine returned candidate {candidate.index}, which was not asked for or came "
                "twice"
            )
        if candidate.finish_reason is not None:
            part.left.discard(candidate.index)
        self._finished.put_nowait(dataclasses.replace(candidate, generator=part.member.name))

    def _give_up(self, part: _Part, error: GeneratorError | RequestError) -> None:
        """What is left of a part has failed."""
        name = part.member.name
        wait = error.retry_after if isinstance(error, GeneratorBusyError) else None
        for index in sorted(part.left):
            said = f"{name}: {error}"
            failed = Candidate.without_answer(self._request, index, "error", said, wait)
            self._finished.put_nowait(dataclasses.replace(failed, generator=name))
        part.left.clear()

    def _end(self) -> None:
        refused = [part.refused for part in self._parts if part.refused is not None]
        if len(refused) == len(self._parts) and not self._only_part:
            self._finished.put_nowait(refused[0])
            return
        for part in self._parts:
            if part.refused is not None:
                self._give_up(part, part.refused)
        self._finished.put_nowait(None)


def _begun(member: Member, request: Request, indices: Sequence[int]) -> Sampling:
    """The sampling of one generator's part.

    Raises:
        RequestError: it cannot do what the request asks for.
        GeneratorError: as `Generator.sample`.
    """
    if isinstance(member.generator, Ignoring):
        member.generator.ignored(request)
    return member.generator.sample(request, indices)
