"""Readiness: a probe of the engine and of the reward model."""

from __future__ import annotations

import asyncio
import logging
import time

from bestofn.core.errors import BestOfNError
from bestofn.core.pipeline import Pipeline
from bestofn.core.types import Candidate, Request

logger = logging.getLogger(__name__)

PROBE_TIMEOUT = 5.0
"""Seconds; Kubernetes' own probes wait 1 by default, and one that is late counts as failed."""


_PONG = Candidate(0, {"role": "assistant", "content": "pong"}, "stop")


class Readiness:
    """Asks the engine for a token and the reward model for a reward, at most every so often.

    An upstream is asked what it serves instead: a token there may cost money.

    Args:
        pipeline: what is asked.
        remote: whether the generator is an upstream.
        lasts: seconds for which an answer counts.
    """

    def __init__(self, pipeline: Pipeline, *, remote: bool, lasts: float) -> None:
        self._pipeline = pipeline
        self._remote = remote
        self._lasts = lasts
        self._asked = -float("inf")
        self._fault: str | None = None
        self._probing = asyncio.Lock()

    async def fault(self) -> str | None:
        """Why it cannot answer; None: it can."""
        async with self._probing:
            if time.monotonic() - self._asked > self._lasts:
                self._fault = await self._probe()
                self._asked = time.monotonic()
        return self._fault

    async def _probe(self) -> str | None:
        try:
            async with asyncio.timeout(PROBE_TIMEOUT):
                await self._ask()
        except TimeoutError:
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
        if self._remote and forwarder is not None:
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
            await reward_model.score(request, [candidate or _PONG])
