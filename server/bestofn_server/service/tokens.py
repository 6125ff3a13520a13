"""Text to tokens and back, as the engine of a model's name reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bestofn_server.service.service import Service


async def tokenize(
    service: Service, model: str | None, fields: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The tokens of a text.

    Raises:
        ModelNotFoundError: nothing has that name.
        RequestError: the engine refuses, or its tokenizer cannot be asked.
        EngineError: it failed.
    """
    tokenizing, body = await service.tokenizer(model, fields)
    with service.engine_faults():
        return await tokenizing.tokenize(body)


async def detokenize(
    service: Service, model: str | None, fields: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The text of tokens; errors as `tokenize`."""
    tokenizing, body = await service.tokenizer(model, fields)
    with service.engine_faults():
        return await tokenizing.detokenize(body)
