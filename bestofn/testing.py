"""Fakes for unit tests: a generator and a reward model that follow a script.

They need neither torch nor vllm, so that code on top of bestofn is tested in milliseconds:

    generator = FakeGenerator(["good", FakeCompletion("cut", finish_reason="length")])
    reward_model = FakeRewardModel({"good": 1.0, "cut": -1.0})
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bestofn.core.errors import BestOfNError
from bestofn.core.token_details import TokenDetails
from bestofn.core.types import Candidate, Failure, Message, Request, Score


@dataclass(frozen=True, slots=True)
class FakeCompletion:
    """What `FakeGenerator` samples for one candidate.

    Args:
        text: the answer; its words count as its tokens.
        finish_reason: the engine's word.
        delay: seconds until it finishes.
        error: why sampling it fails; then its finish_reason is "error" and its text is ''.
        message: the whole assistant message, instead of one that holds `text` only.
        snapshots: texts that it sends on its way, at equal parts of its delay.
        details: of its tokens, as an engine tells them; None: nothing.
        counted: whether its tokens are counted, as not every server does.
    """

    text: str = ""
    finish_reason: str = "stop"
    delay: float = 0.0
    error: str | None = None
    message: Message | None = None
    snapshots: Sequence[str] = ()
    details: TokenDetails | None = None
    counted: bool = True

    def candidate(self, request: Request, index: int) -> Candidate:
        """It as candidate `index` of `request`."""
        text = "" if self.error is not None else self.text
        return Candidate(
            index=index,
            message=self.message or {"role": "assistant", "content": text},
            finish_reason="error" if self.error is not None else self.finish_reason,
            completion_tokens=len(text.split()) if self.counted else None,
            group_tokens=0 if self.counted else None,
            prompt_tokens=len(request.last_user_text.split()),
            seed=request.seed_of(index),
            error=self.error,
            details=self.details,
        )

    def snapshot(self, request: Request, index: int, text: str) -> Candidate:
        """How far it has come: `text`, and no finish_reason."""
        so_far = FakeCompletion(text).candidate(request, index)
        return dataclasses.replace(so_far, finish_reason=None)


Script = Sequence[str | FakeCompletion] | Callable[[Request, int], str | FakeCompletion]
"""Completion i for candidate i, from the start again after the last; or a function of both."""


class FakeGenerator:
    """A `Generator` that plays a script; candidates of equal delay finish in order of index.

    It sends the snapshots that the script has.

    Args:
        script: what is sampled.
        raises: raised by the iterator instead of the first candidate, as when the engine is gone.

    Attributes:
        requests: every request it was asked for, in order; a resampled one again.
        sampled: every index it started, in order.
        aborted: every index that was stopped before it finished, by `abort` or `aclose`.
        closed: how many samplings were closed.
    """

    snapshots = True

    def __init__(self, script: Script, *, raises: BestOfNError | None = None) -> None:
        if not callable(script) and not script:
            raise ValueError("the script is empty")
        self._script = script
        self._raises = raises
        self.requests: list[Request] = []
        self.sampled: list[int] = []
        self.aborted: list[int] = []
        self.closed = 0

    def sample(self, request: Request, indices: Sequence[int]) -> FakeSampling:
        """See `bestofn.core.protocols.Generator`; needs a running event loop."""
        self.requests.append(request)
        self.sampled.extend(indices)
        return FakeSampling(self, request, indices, self._raises)

    def completion(self, request: Request, index: int) -> FakeCompletion:
        """What the script says for candidate `index`."""
        if callable(self._script):
            scripted = self._script(request, index)
        else:
            scripted = self._script[index % len(self._script)]
        return scripted if isinstance(scripted, FakeCompletion) else FakeCompletion(scripted)


class FakeSampling:
    """The `Sampling` of a `FakeGenerator`: one task per candidate."""

    def __init__(
        self,
        generator: FakeGenerator,
        request: Request,
        indices: Sequence[int],
        raises: BestOfNError | None,
    ) -> None:
        self._generator = generator
        self._raises = raises
        self._closed = False
        self._finished: asyncio.Queue[Candidate] = asyncio.Queue()
        self._stops = {index: asyncio.Event() for index in indices}
        self._left = len(self._stops)
        self._tasks = [asyncio.create_task(self._play(request, index)) for index in indices]

    def __aiter__(self) -> FakeSampling:
        return self

    async def __anext__(self) -> Candidate:
        """The next candidate to finish."""
        if self._raises is not None:
            raise self._raises
        if not self._left or self._closed:
            raise StopAsyncIteration
        candidate = await self._finished.get()
        self._left -= candidate.finish_reason is not None
        return candidate

    def abort(self, index: int) -> None:
        """Stop candidate `index` if it still runs; it comes with finish_reason "abort"."""
        if (stop := self._stops.get(index)) is not None:
            stop.set()

    async def aclose(self) -> None:
        """Stop whatever still runs."""
        if not self._closed:
            self._closed = True
            self._generator.closed += 1
        for stop in self._stops.values():
            stop.set()
        await asyncio.gather(*self._tasks)

    async def _play(self, request: Request, index: int) -> None:
        completion = self._generator.completion(request, index)
        candidate = completion.candidate(request, index)
        stop = self._stops[index]
        if completion.delay:
            part = completion.delay / (len(completion.snapshots) + 1)
            for text in completion.snapshots:
                await _waited(stop, part)
                if not stop.is_set():
                    self._finished.put_nowait(completion.snapshot(request, index, text))
            await _waited(stop, part)
        if stop.is_set():
            self._generator.aborted.append(index)
            aborted = FakeCompletion(completion.text, "abort", message=completion.message)
            candidate = aborted.candidate(request, index)
        del self._stops[index]
        self._finished.put_nowait(candidate)


async def _waited(stop: asyncio.Event, seconds: float) -> None:
    """Return after so many seconds, or when stopped."""
    if not stop.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)


Verdict = float | Failure | Score
"""What a script says of one candidate; a float may be NaN, to test what handles it."""


class FakeRewardModel:
    """A `RewardModel` that plays a script.

    Args:
        rewards: by the candidate's text (one that is not there fails, reason ``unscripted``), or
            a function of request and candidate.
        delay: seconds that every call takes.
        raises: raised by every call.
        compares: see `bestofn.core.protocols.Comparing`.

    Attributes:
        calls: request and candidates of every call, in order, those that raised too.
        finished: how many calls were answered; a cancelled one is not.
    """

    def __init__(
        self,
        rewards: Mapping[str, Verdict] | Callable[[Request, Candidate], Verdict],
        *,
        delay: float = 0.0,
        raises: Exception | None = None,
        compares: bool = False,
    ) -> None:
        self.compares = compares
        self._rewards = rewards
        self._delay = delay
        self._raises = raises
        self.calls: list[tuple[Request, tuple[Candidate, ...]]] = []
        self.finished = 0

    async def score(self, request: Request, candidates: Sequence[Candidate]) -> list[Score]:
        """See `bestofn.core.protocols.RewardModel`; `Score.tokens` counts the candidate's words."""
        self.calls.append((request, tuple(candidates)))
        await asyncio.sleep(self._delay)
        if self._raises is not None:
            raise self._raises
        scores = [self._score(request, candidate) for candidate in candidates]
        self.finished += 1
        return scores

    def _score(self, request: Request, candidate: Candidate) -> Score:
        if callable(self._rewards):
            verdict = self._rewards(request, candidate)
        else:
            missing = Failure("unscripted", "the fake reward model has no reward for this text")
            verdict = self._rewards.get(candidate.text, missing)
        if isinstance(verdict, Score):
            return verdict
        if isinstance(verdict, Failure):
            return Score(None, failure=verdict)
        return Score(verdict, tokens=len(candidate.text.split()))
