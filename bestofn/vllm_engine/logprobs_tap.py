"""Log-probabilities of sampled tokens, read below vLLM's OpenAI layer.

The layer makes an object of four fields, its bytes and a list for each token, which cost more than
the sampling of a small model's token. Rules that choose and stop read one number of them, so those
are taken from the engine's own output, as one flat list, before the layer sees it.

    state.openai_serving_chat.engine_client = tap = LogprobsTap(llm)
    with tap.noting("chatcmpl-7") as logprobs:
        await chat.create_chat_completion(...)        # its engine's request has that id
    logprobs                                          # [-0.1, -2.3, ...]
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Iterator
from typing import Any


class LogprobsTap:
    """vLLM's engine client as its OpenAI layer has it, which notes logprobs of some requests.

    Args:
        client: the AsyncLLM itself; everything but `generate` is its own.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._noted: dict[str, list[float]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    @contextlib.contextmanager
    def noting(self, request_id: str) -> Iterator[list[float]]:
        """The logprobs of the tokens sampled so far by one request of one candidate, in order.

        Args:
            request_id: the engine's, of a request that starts inside.
        """
        noted: list[float] = []
        self._noted[request_id] = noted
        try:
            yield noted
        finally:
            del self._noted[request_id]

    def generate(
        self, prompt: Any, sampling_params: Any, request_id: str, **rest: Any
    ) -> AsyncGenerator[Any]:
        """The engine's outputs, as they are."""
        noted = self._noted.get(request_id)
        if noted is None:
            outputs: AsyncGenerator[Any] = self._client.generate(
                prompt, sampling_params, request_id, **rest
            )
            return outputs
        sampling_params.logprobs = 0  # of the sampled tokens, and no others
        sampling_params.flat_logprobs = True
        outputs = self._client.generate(prompt, sampling_params, request_id, **rest)
        return _noting(outputs, noted)


async def _noting(outputs: AsyncGenerator[Any], noted: list[float]) -> AsyncGenerator[Any]:
    async with contextlib.aclosing(outputs):
        async for output in outputs:
            if output.outputs and (found := output.outputs[0].logprobs) is not None:
                noted[:] = found.logprobs
            yield output
