"""vLLM's pooling engine: token ids in, raw rewards out; and the registry of models vLLM lacks.

Written, like `bestofn.vllm_engine.engine`, against vLLM 0.32.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Literal

from bestofn.core.errors import ConfigError, ModelError
from bestofn.core.no_winner import RewardError
from bestofn.support.parent_death import die_with_parent
from bestofn.vllm_engine.arguments import parse_pooling_arguments
from bestofn.vllm_engine.engine import first_sentence, running_llm

REGISTERED: Mapping[str, str] = {
    "LlamaRewardModel": "bestofn.vllm_engine.reward_models:LlamaRewardModel"
}
"""Architectures that vLLM would take for something else, and what reads them."""


Task = Literal["classify", "token_classify"]

TASKS: tuple[Task, ...] = ("classify", "token_classify")
"""What reward models do in vLLM: a text's number, or one for each token, of which the last counts.
The first is preferred where both are offered."""


def register_reward_models() -> None:
    """Tell vLLM of `REGISTERED`; vLLM calls it in each process (`vllm.general_plugins`), and the
    engine's and the workers' end there with the process that started them: after a kill -9 of a
    server they would keep its memory."""
    from vllm import ModelRegistry

    die_with_parent()

    known = ModelRegistry.get_supported_archs()
    for architecture, path in REGISTERED.items():
        if architecture not in known:
            ModelRegistry.register_model(architecture, path)


class PoolingEngine:
    """An AsyncLLM that classifies, without an activation. Make it with `open_pooling_engine`.

    Args:
        llm: the AsyncLLM itself.
        task: one of `TASKS`.
        max_tokens: the longest text that it takes.
    """

    def __init__(self, llm: Any, task: Task, max_tokens: int) -> None:
        from vllm import PoolingParams

        self.max_tokens = max_tokens
        self._llm = llm
        self._raw = PoolingParams(task=task, use_activation=False)
        self._ids = itertools.count()

    async def rewards(self, ids: Sequence[int]) -> list[float]:
        """What the head says of one text, one number for each label; cancelling aborts it.

        Args:
            ids: the text's tokens.

        Raises:
            RewardError: the engine is gone, or failed on this text.
        """
        from vllm.exceptions import VLLMClientError, VLLMServerError

        prompt = {"prompt_token_ids": list(ids)}
        stream = self._llm.encode(prompt, self._raw, f"reward-{next(self._ids)}")
        try:
            async with contextlib.aclosing(stream):
                async for output in stream:
                    if output.finished:
                        data = output.outputs.data
                        last = data[-1] if data.dim() > 1 else data
                        return [float(value) for value in last]
        except (VLLMClientError, VLLMServerError, ValueError) as error:
            raise RewardError(f"vLLM failed to score: {first_sentence(error)}") from error
        raise RewardError("vLLM aborted a text before it was scored")

    @property
    def dead(self) -> bool:
        """Whether the engine process has gone."""
        return bool(self._llm.errored)


@contextlib.asynccontextmanager
async def open_pooling_engine(
    model: str,
    arguments: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[PoolingEngine]:
    """Start an engine that scores, and shut it down at the end.

    Args:
        model: a folder or a hub name.
        arguments: any flags of `vllm serve` that are the engine's.
        environment: variables set while the engine process starts, where they are not set already.

    Raises:
        ConfigError: vLLM is not installed, or an argument is wrong.
        ModelError: the model cannot be loaded, or does not classify.
    """
    try:
        from vllm.v1.engine import async_llm  # noqa: F401 - only to see whether it is there
    except ImportError as error:
        raise ConfigError(
            f"vLLM 0.32 cannot be imported ({error}): install the extra `cuda` or `cpu`, or leave "
            "out kind: vllm"
        ) from error

    register_reward_models()
    namespace = parse_pooling_arguments(model, arguments)
    with running_llm(namespace, environment) as llm:
        tasks = await llm.get_supported_tasks()
        task: Task | None = next((each for each in TASKS if each in tasks), None)
        if task is None:
            raise ModelError(f"vLLM does not read {model} as a reward model: it offers {tasks}")
        yield PoolingEngine(llm, task, llm.model_config.max_model_len)
