"""Readiness: a probe of the engine and of the reward model."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from bestofn.core.errors import BestOfNError
from bestofn.core.pipeline import Pipeline
from bestofn.core.types import Candidate, Request

logger = logging.getLogger(__name__)

PROBE_TIMEOUT = 5.0
"""Seconds after which an idle engine counts as one that does not answer."""

PATIENCE = 120.0
"""Seconds for which a busy engine may leave a probe waiting since it last finished a candidate: a
probe queues behind requests, and one of those can take minutes."""

PROMPT = 0.5
"""Seconds in which an answer comes where one is known: Kubernetes' own probes wait 1."""

_PONG = Candidate(0, {"role": "assistant", "content": "pong"}, "stop")
_PING = Candidate(1, {"role": "assistant", "content": "ping"}, "stop")


class Readiness:
    """Asks the engine for a token and the reward model for a reward, at most every so often.

    An upstream is asked what it serves instead: a token there may cost money; so are several
    generators, of which one has to answer. A request that was answered is a probe too, so that none
    starves behind the requests of a busy server.

    Args:
        pipeline: what is asked.
        remote: whether the generator is an upstream.
        lasts: seconds for which an answer counts.
        busy: whether requests run now.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        *,
        remote: bool,
        lasts: float,
        busy: Callable[[], bool] = lambda: False,
    ) -> None:
        self._pipeline = pipeline
        self._remote = remote
        self._lasts = lasts
        self._busy = busy
        self._asked = self._alive = -float("inf")
        self._fault: str | None = "no probe was answered yet"
        self._probe: asyncio.Task[None] | None = None

    def seen(self) -> None:
        """Take note that engine and reward model have just answered."""
        self._asked = self._alive = time.monotonic()
        self._fault = None

    def stirred(self) -> None:
        """Take note that the engine has just finished a candidate."""
        self._alive = time.monotonic()

    def doubt(self) -> None:
        """Take note that the engine has just failed: what was known counts no more."""
        self._asked = self._alive = -float("inf")
        self._fault = self._fault or "the engine failed, and no probe was answered since"

    async def fault(self) -> str | None:
        """Why it cannot answer; None: it can."""
        if time.monotonic() - self._asked <= self._lasts:
            return self._fault
        if self._probe is None or self._probe.done():
            self._probe = asyncio.create_task(self._ask_once())
        known = self._fault is None and time.monotonic() - self._alive < PATIENCE
        await asyncio.wait([self._probe], timeout=PROMPT if known else None)
        return self._fault

    async def _ask_once(self) -> None:
        fault = await self._found()
        if fault is None:
            self.seen()
            return
        self._asked = time.monotonic()
        self._fault = fault

    async def _found(self) -> str | None:
        try:
            async with asyncio.timeout(PROBE_TIMEOUT):
                await self._ask()
        except TimeoutError:
            if self._busy() and time.monotonic() - self._alive < PATIENCE:
                return self._fault
            return f"no answer to a probe within {PROBE_TIMEOUT:g} s"
        except BestOfNError as error:
            return str(error)
        except Exception as error:  # a user's code: the answer says it, the log has the trace
            logger.exception("the probe failed")
            return f"{type(error).__name__}: {error}"
        return None

    async def _ask(self) -> None:
        request = Request.from_prompt("ping", best_of=1, max_tokens=1)
        generator, forwarder = self._pipeline.generator, self._pipeline.forwarder
        reward_model = self._pipeline.reward_model
        candidate = None
        if self._pipeline.mixed is not None:
            await self._pipeline.mixed.check_alive()
        elif self._remote and forwarder is not None:
            await forwarder.models()
        else:
            sampling = generator.sample(request, [0])
            try:
                candidate = await anext(sampling)
            finally:
                await sampling.aclose()
            if candidate.error is not None:
                raise BestOfNError(candidate.error)
        if reward_model is not None:
            # What compares asks nobody about one alone.
            probes = [_PONG, _PING] if self._pipeline.compares else [candidate or _PONG]
            await reward_model.score(request, probes)
