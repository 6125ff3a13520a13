"""Text to tokens and back, as the engine of a model's name reads them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from bestofn.core.tokenizing import NoTokenizerError
from bestofn_server.errors import NotOfferedError
from bestofn_server.service.service import Service


async def tokenize(
    service: Service, model: str | None, fields: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The tokens of a text.

    Raises:
        ModelNotFoundError: nothing has that name.
        RequestError: the engine refuses.
        NotOfferedError: there is no tokenizer that can be asked.
        EngineError: it failed.
    """
    tokenizing, body = await service.tokenizer(model, fields)
    with service.engine_faults(), _offered():
        return await tokenizing.tokenize(body)


async def detokenize(
    service: Service, model: str | None, fields: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The text of tokens; errors as `tokenize`."""
    tokenizing, body = await service.tokenizer(model, fields)
    with service.engine_faults(), _offered():
        return await tokenizing.detokenize(body)


@contextlib.contextmanager
def _offered() -> Iterator[None]:
    try:
        yield
    except NoTokenizerError as error:
        raise NotOfferedError(str(error)) from error
