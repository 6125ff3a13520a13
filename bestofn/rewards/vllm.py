"""Reward model in a vLLM engine of its own: conversations in, raw rewards out.

For models that vLLM runs faster than transformers, or over several GPUs. What the engine is given
are the tokens that `bestofn.rewards.transformers` would read; its prefix cache computes a prompt
once while it lasts.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from bestofn.core.errors import ModelError
from bestofn.core.no_winner import RewardError
from bestofn.core.types import Candidate, Failure, Request, Score
from bestofn.rewards.checkpoints.loading import LANGUAGE_MODELS
from bestofn.rewards.checkpoints.text_only import load_text_maker
from bestofn.rewards.text.fit import EncodedText
from bestofn.rewards.text.text_maker import TextMaker
from bestofn.rewards.text.text_thread import TextThread
from bestofn.settings.choices import Images, TooLong
from bestofn.settings.rewards import RewardSettings
from bestofn.support.checkpoint import architecture_of, config_of
from bestofn.support.concurrency import gather_or_cancel
from bestofn.vllm_engine.pooling import PoolingEngine, open_pooling_engine


class VllmRewardModel:
    """A reward model in a running engine; make it with `vllm_reward_model`.

    Args:
        engine: the engine.
        texts: makes what it reads.
    """

    def __init__(self, engine: PoolingEngine, texts: TextMaker) -> None:
        self._engine = engine
        self._texts = texts
        self._text_thread = TextThread()

    async def refusal(self, request: Request) -> str | None:
        """See `bestofn.core.protocols.Refusing`."""
        return await self._texts.refusal(request, self._text_thread)

    def notes_on(self, request: Request) -> Sequence[str]:
        """See `bestofn.core.protocols.Noting`."""
        return self._texts.notes_on(request)

    async def score(self, request: Request, candidates: Sequence[Candidate]) -> list[Score]:
        """One `Score` per candidate, in the order given; see `bestofn.core.protocols.RewardModel`.

        Failures: as `TransformersRewardModel.score`'s. Cancelling aborts what is running.

        Raises:
            RewardError: the engine failed.
        """
        prepared = await self._text_thread.run(self._texts.of_candidates, request, candidates)
        return await gather_or_cancel(self._score(text) for text in prepared)

    async def _score(self, text: EncodedText | Failure) -> Score:
        if isinstance(text, Failure):
            return Score(None, failure=text)
        values = await self._engine.rewards(text.ids)
        if len(values) != 1:
            raise RewardError(f"the engine gives {len(values)} numbers for a text: one is a reward")
        return Score.of(values[0], tokens=len(text.ids), cut=text.cut)

    def close(self) -> None:
        """End the thread that prepares texts; the engine is not its own."""
        self._text_thread.close()


@contextlib.asynccontextmanager
async def vllm_reward_model(
    model: str,
    *,
    engine_args: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    format: str | None = None,  # noqa: A002 - the setting's name everywhere
    template: str | None = None,
    reasoning: bool = False,
    images: Images = "placeholder",
    too_long: TooLong = "error",
    trust_remote_code: bool = False,
) -> AsyncIterator[VllmRewardModel]:
    """A reward model in a vLLM engine that is started here, and shut down at the end.

    Args:
        model: folder or hub name, of a sequence classifier that vLLM reads, of Ziya, UltraRM or
            Qwen2.5-Math-RM.
        engine_args: flags of `vllm serve` for the engine, one item each.
        environment: variables set while it starts, where they are not set already.
        format: see `bestofn.settings.rewards.RewardSettings`.
        template: likewise.
        reasoning: likewise.
        images: likewise.
        too_long: likewise.
        trust_remote_code: whether code that came with the checkpoint may run.

    Raises:
        ConfigError: an argument is wrong, or vLLM is not installed.
        ModelError: the model cannot be loaded, is no reward model, or nothing says how its text
            is made.
    """
    config = config_of(model)
    if architecture_of(config).endswith(LANGUAGE_MODELS):
        raise ModelError(f"{architecture_of(config)}: no reward head; {model} is a language model")
    settings = RewardSettings(
        format=format,
        template=template,
        reasoning=reasoning,
        images=images,
        too_long=too_long,
        trust_remote_code=trust_remote_code,
    )
    texts = load_text_maker(model, settings)
    arguments = [*_one_label(config), *engine_args]
    if trust_remote_code:
        arguments.append("--trust-remote-code")
    async with open_pooling_engine(model, arguments, environment) as engine:
        most = min(texts.max_tokens or engine.max_tokens, engine.max_tokens)
        scorer = VllmRewardModel(engine, dataclasses.replace(texts, max_tokens=most))
        try:
            yield scorer
        finally:
            scorer.close()


def _one_label(config: Mapping[str, Any]) -> list[str]:
    """One label, where the config does not say how many: transformers would assume two."""
    if config.keys() & {"num_labels", "id2label"}:
        return []
    return [f"--hf-overrides={json.dumps({'num_labels': 1})}"]
