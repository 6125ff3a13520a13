"""The one thread on which a reward model's texts are rendered and tokenised."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from bestofn.core.no_winner import RewardError

T = TypeVar("T")


class TextThread:
    """One thread of its own for each reward model.

    Texts are made while a forward runs or a server answers, and the event loop stays free; and
    tokenizers of transformers may not be used from two threads at once.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="bestofn-reward-text")

    async def run(self, make: Callable[..., T], *given: object) -> T:
        """What ``make(*given)`` returns there.

        Raises:
            RewardError: the thread was closed, as the reward model was.
        """
        try:
            made = asyncio.get_running_loop().run_in_executor(self._thread, make, *given)
        except RuntimeError as error:
            raise RewardError("the reward model is closed") from error
        return await made

    def close(self) -> None:
        """End the thread, once what it is asked for is made; safe to call twice."""
        self._thread.shutdown()
