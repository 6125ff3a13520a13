"""The generator of a server that only scores (`engine: none`): no model, and it samples nothing.

    bestofn serve --engine none --reward-model IDEA-CCNL/Ziya-LLaMA-7B-Reward

/v1/rewards and its like answer; what asks for a completion is refused with one sentence. It stands
in the pipeline as any generator does, so that nothing else has to know.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from bestofn.core.errors import RequestError
from bestofn.core.protocols import Sampling
from bestofn.core.types import Endpoint, Request

ONLY_SCORES = "this server only scores: it was started with the engine none"


@dataclass(frozen=True, slots=True)
class NoGenerator:
    """Refuses to sample.

    Args:
        reward_name: the model that the server lists: the one that scores.
    """

    reward_name: str

    @property
    def changes(self) -> bool:
        """Whether `models` may answer otherwise later."""
        return False

    def sample(self, request: Request, indices: Sequence[int]) -> Sampling:
        """Refuse.

        Raises:
            RequestError: always.
        """
        _refuse()

    async def models(self) -> list[dict[str, Any]]:
        """OpenAI's model object of what scores, as vLLM lists a reward model that it serves."""
        return [{"id": self.reward_name, "object": "model", "owned_by": "bestofn"}]

    async def answer(self, endpoint: Endpoint, body: Mapping[str, Any]) -> dict[str, Any]:
        """Refuse, as `sample`."""
        _refuse()

    async def stream(
        self, endpoint: Endpoint, body: Mapping[str, Any]
    ) -> AsyncGenerator[dict[str, Any]]:
        """Refuse, as `sample`."""
        _refuse()


def _refuse() -> NoReturn:
    raise RequestError(ONLY_SCORES)
