"""The tokenizer of an upstream: `/tokenize` and `/detokenize`, which vLLM and SGLang have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bestofn.core.no_winner import GeneratorError
from bestofn.core.tokenizing import NoTokenizerError
from bestofn.openai_api.client import ApiClient
from bestofn.openai_api.faults import NoRouteError, UnimplementedError
from bestofn.support.plain_json import parsed


@dataclass(frozen=True, slots=True)
class UpstreamTokenizer:
    """Text to tokens and back; see `bestofn.core.tokenizing.Tokenizing`.

    Args:
        client: asks the server.
        model: its name there, where a request names none.
    """

    client: ApiClient
    model: str

    async def tokenize(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The server's own answer."""
        return await self._beside("tokenize", body)

    async def detokenize(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The same of tokens."""
        return await self._beside("detokenize", body)

    async def _beside(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The answer of a path that stands beside the API's root, at the server's.

        Raises:
            NoTokenizerError: the server has no such path.
            GeneratorError: it is no JSON object.
        """
        try:
            content = await self.client.post(f"../{path}", {"model": self.model, **body})
        except (NoRouteError, UnimplementedError) as error:
            raise NoTokenizerError(
                f"the upstream has no /{path}; vLLM and SGLang have one"
            ) from error
        try:
            answer = parsed(content)
        except ValueError as error:
            raise GeneratorError("the upstream's answer is no JSON") from error
        if not isinstance(answer, dict):
            raise GeneratorError("the upstream's answer is no JSON object")
        return answer
