"""What a generator offers besides, where its tokenizer can be asked: text to tokens and back.

await generator.tokenize({"prompt": "2 + 3"})        {"count": 3, "max_model_len": 1024,
                                                      "tokens": [17, 10, 18]}
await generator.detokenize({"tokens": [17, 10, 18]}) {"prompt": "2 + 3"}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from bestofn.core.errors import RequestError


class NoTokenizerError(RequestError):
    """What samples turned out to have no tokenizer that can be asked: another server's answer."""


@runtime_checkable
class Tokenizing(Protocol):
    """A tokenizer behind vLLM's two requests, whose fields `body` has."""

    async def tokenize(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """``count``, ``max_model_len``, ``tokens`` and, where ``return_token_strs`` is set,
        ``token_strs`` of a ``prompt``, or of ``messages`` as the chat template shows them.

        Raises:
            RequestError: the request does not fit the engine.
            NoTokenizerError: it cannot be asked after all.
            GeneratorError: it is gone, or fails.
        """
        ...

    async def detokenize(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """``prompt``: the text of ``tokens``; errors as `tokenize`."""
        ...
