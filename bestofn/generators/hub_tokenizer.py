"""A tokenizer of transformers, asked for tokens as vLLM's server is."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from bestofn.core.errors import RequestError


class HubTokenizer:
    """Text to tokens and back; see `bestofn.core.tokenizing.Tokenizing`.

    Args:
        tokenizer: of transformers, with a chat template.
        context: tokens that the model reads and writes.
    """

    def __init__(self, tokenizer: Any, context: int) -> None:
        self._tokenizer = tokenizer
        self._context = context

    async def tokenize(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """See `Tokenizing`."""
        ids = await asyncio.to_thread(self._ids, body)
        found = {"count": len(ids), "max_model_len": self._context, "tokens": ids}
        if body.get("return_token_strs"):
            found["token_strs"] = self._tokenizer.convert_ids_to_tokens(ids)
        return found

    async def detokenize(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """See `Tokenizing`."""
        tokens = body["tokens"]
        if tokens and not 0 <= min(tokens) <= max(tokens) < len(self._tokenizer):
            raise RequestError(f"tokens: an id is outside of 0 to {len(self._tokenizer) - 1:,}")
        return {"prompt": await asyncio.to_thread(self._tokenizer.decode, tokens)}

    def _ids(self, body: Mapping[str, Any]) -> list[int]:
        ids: list[int]
        if "prompt" in body:
            framed = body.get("add_special_tokens", True)
            ids = self._tokenizer(body["prompt"], add_special_tokens=framed)["input_ids"]
            return ids
        try:
            text = self._tokenizer.apply_chat_template(
                [dict(message) for message in body["messages"]],
                tools=body.get("tools"),
                add_generation_prompt=body.get("add_generation_prompt", True),
                continue_final_message=body.get("continue_final_message", False),
                tokenize=False,
                **body.get("chat_template_kwargs", {}),
            )
        except Exception as error:  # whatever a template makes of these messages
            said = str(error).splitlines() or [type(error).__name__]
            raise RequestError(
                f"the chat template cannot show these messages: {said[0]}"
            ) from error
        framed = body.get("add_special_tokens", False)
        ids = self._tokenizer(text, add_special_tokens=framed)["input_ids"]
        return ids
