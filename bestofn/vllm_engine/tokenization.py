"""vLLM's tokenizer, asked through its own OpenAI layer (`serving_tokenization`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bestofn.vllm_engine.refusals import fault_in, refusal_of


class EngineTokenizer:
    """Text to tokens and back, with the engine's chat template.

    Args:
        serving: what vLLM's `init_app_state` made.
    """

    def __init__(self, serving: Any) -> None:
        self._serving = serving

    async def tokenize(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """See `bestofn.core.tokenizing.Tokenizing`."""
        from vllm.entrypoints.serve.tokenize.protocol import (
            TokenizeChatRequest,
            TokenizeCompletionRequest,
        )

        kind: Any = TokenizeChatRequest if "messages" in body else TokenizeCompletionRequest
        return await self._answer(self._serving.create_tokenize, kind, body)

    async def detokenize(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """See `bestofn.core.tokenizing.Tokenizing`."""
        from vllm.entrypoints.serve.tokenize.protocol import DetokenizeRequest

        return await self._answer(self._serving.create_detokenize, DetokenizeRequest, body)

    async def _answer(self, ask: Any, kind: Any, body: Mapping[str, Any]) -> dict[str, Any]:
        from vllm.exceptions import VLLMClientError

        try:
            answer = await ask(kind(**body), None)
        except (VLLMClientError, ValueError, TypeError, IndexError, OverflowError) as error:
            raise refusal_of(error) from error
        if (fault := fault_in(answer)) is not None:
            raise fault
        said_whole: dict[str, Any] = answer.model_dump(exclude_none=True)
        return said_whole
