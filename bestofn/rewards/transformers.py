"""Owns the in-process reward model over transformers: conversations in, raw rewards out.

Making the text, tokenising, the forward and the read-out are separate steps, each in its module;
what differs between families of checkpoints is behind `bestofn.rewards.loaded.Loaded`.
"""

from __future__ import annotations

import asyncio
import functools
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch

from bestofn.errors import ConfigError, ModelError, RewardError
from bestofn.rewards.batching import Batcher
from bestofn.rewards.checkpoint import locate, read_config
from bestofn.rewards.formats import Format, named_format, recognised_format
from bestofn.rewards.loaded import Loaded
from bestofn.rewards.loading import load
from bestofn.rewards.rendering import Renderer, is_chat_template
from bestofn.rewards.weights import Placement
from bestofn.types import Candidate, Failure, Request, Score

MAX_BATCH_TOKENS = 8192
"""Tokens of one forward, by default."""

CPU_BATCH_TOKENS = 1024
"""On a CPU a forward takes no more than this: larger ones fall out of its caches. Measured on two
cores, hidden 200, 4 layers, 128 texts of 55-65 tokens, time against one text at a time: 0.53 at
1,024 tokens, 0.56 to 0.73 at 512, 2,048 and 4,096, 0.87 at 16,384."""

TOO_LONG = "too_long_for_reward_model"
NOT_FINITE = "reward_not_finite"
EMPTY = "empty_for_reward_model"


class TransformersRewardModel:
    """A reward model in this process; make it with `load`.

    `score` may be called from any number of tasks and loops at once: their candidates share
    forwards, and what texts begin with alike is computed once (`bestofn.rewards.packed`). Rewards
    are the head's raw output, without a sigmoid. They move in the last digits with what shares a
    forward, in half precision visibly.
    """

    def __init__(
        self,
        loaded: Loaded,
        renderer: Renderer,
        *,
        max_tokens: int | None,
        max_batch_tokens: int,
        threads: int | None = None,
    ) -> None:
        self.max_tokens = max_tokens
        self._encoder = loaded.encoder
        self._renderer = renderer
        begin = None if threads is None else functools.partial(_take_threads, threads)
        reader = loaded.reader
        self._batcher = Batcher(reader, reader.plan, max_batch_tokens, begin=begin)
        # One thread of its own: texts are prepared while a forward runs, and tokenizers of
        # transformers may not be used from two threads at once.
        self._preparer = ThreadPoolExecutor(1, thread_name_prefix="bestofn-reward-text")
        self._closed = False

    @classmethod
    def load(
        cls,
        model: str,
        *,
        format: str | None = None,  # noqa: A002 - the setting's name everywhere
        template: str | None = None,
        device: str = "auto",
        dtype: str = "auto",
        max_batch_tokens: int = MAX_BATCH_TOKENS,
        threads: int | None = None,
        trust_remote_code: bool = False,
    ) -> TransformersRewardModel:
        """Read a reward model from a folder or the hub.

        Args:
            model: folder or hub name; a sequence classifier with one label, or Ziya's
                `LlamaRewardModel`.
            format: a name from `bestofn.rewards.formats`; None: `template`, else the format that
                the config is recognised by, else the model's own chat template.
            template: Jinja for the text, with the variables of `bestofn.rewards.rendering`.
            device: a torch device; auto: CUDA where there is one.
            dtype: a torch dtype's name; auto: float32 on a CPU, on a GPU the checkpoint's own half
                precision, or bfloat16 (Ziya: float16) where it is stored in float32.
            max_batch_tokens: tokens of one forward at most, shared beginnings once, padding (where
                a model needs it) counted; a longer text goes alone, and a CPU takes fewer
                (`CPU_BATCH_TOKENS`).
            threads: of the CPU for one forward; None: as many as torch takes by itself.
            trust_remote_code: whether code that came with the checkpoint may run.

        Raises:
            ConfigError: an argument is wrong.
            ModelError: the model is not there, cannot be read, is no reward model, has no trained
                head, or nothing says how its text is made.
        """
        if format is not None and template is not None:
            raise ConfigError("format and template are both given: give one of them")
        if max_batch_tokens < 1:
            raise ConfigError(f"max_batch_tokens is {max_batch_tokens}; it must be at least 1")
        named = named_format(format) if format is not None else None
        own_chat = is_chat_template(template) if template is not None else True
        placement = Placement.of(device, dtype)
        folder = locate(model)
        config = read_config(folder)
        wanted = named or (recognised_format(config) if template is None else None) or Format("")
        loaded = load(folder, config, placement, trust_remote_code)
        text = template or wanted.template or loaded.chat_template
        if text is None:
            raise ModelError(
                f"{model} has no chat template, so nothing says how its text is made: give a "
                "format or a template"
            )
        renderer = Renderer(
            text,
            loaded.special_tokens,
            continues=own_chat and wanted.template is None,
            fold_system=wanted.fold_system,
            ending=wanted.ending,
        )
        limits = [limit for limit in (loaded.max_tokens, wanted.max_tokens) if limit]
        if placement.device.type == "cpu":
            max_batch_tokens = min(max_batch_tokens, CPU_BATCH_TOKENS)
        return cls(
            loaded,
            renderer,
            max_tokens=min(limits, default=None),
            max_batch_tokens=max_batch_tokens,
            threads=threads,
        )

    async def score(self, request: Request, candidates: Sequence[Candidate]) -> list[Score]:
        """One `Score` per candidate, in the order given; see `bestofn.protocols.RewardModel`.

        `Score.tokens` is the length of the text that was read. Failures: the template cannot show
        the conversation, the text is empty or too long (never cut), the reward is not finite.
        Cancelling drops the candidates that no forward has taken yet.

        Raises:
            RewardError: a forward failed, or the model is closed.
        """
        return await self._score(self._prepare, request, candidates)

    async def score_texts(self, texts: Sequence[str]) -> list[Score]:
        """One `Score` per text, in the order given: as `score`, for texts that are ready-made.

        The tokenizer frames each as it frames any single text.

        Raises:
            RewardError: a forward failed, or the model is closed.
        """
        return await self._score(self._encode, texts, [True] * len(texts))

    async def _score(
        self, prepare: Callable[..., list[list[int] | Failure]], *what: Any
    ) -> list[Score]:
        if self._closed:
            raise RewardError("the reward model is closed")
        loop = asyncio.get_running_loop()
        prepared = await loop.run_in_executor(self._preparer, prepare, *what)
        sequences = [ids for ids in prepared if not isinstance(ids, Failure)]
        scored: list[float] = await asyncio.wrap_future(self._batcher.submit(sequences))
        rewards = iter(scored)
        return [
            Score(None, failure=ids)
            if isinstance(ids, Failure)
            else _score(next(rewards), len(ids))
            for ids in prepared
        ]

    def close(self) -> None:
        """Fail what waits, let the running forward end, end the threads; safe to call twice."""
        self._closed = True
        self._preparer.shutdown()
        self._batcher.close()

    def _prepare(
        self, request: Request, candidates: Sequence[Candidate]
    ) -> list[list[int] | Failure]:
        texts = self._renderer.render(request, candidates)
        return self._encode(texts, [candidate.ended for candidate in candidates])

    def _encode(
        self, texts: Sequence[str | Failure], ended: Sequence[bool]
    ) -> list[list[int] | Failure]:
        good = [i for i, text in enumerate(texts) if isinstance(text, str)]
        encoded = self._encoder(
            [text for text in texts if isinstance(text, str)], [ended[i] for i in good]
        )
        prepared: list[list[int] | Failure] = [
            text if isinstance(text, Failure) else Failure(EMPTY, "its text has no tokens")
            for text in texts
        ]
        for i, ids in zip(good, encoded, strict=True):
            if self.max_tokens is not None and len(ids) > self.max_tokens:
                prepared[i] = Failure(
                    TOO_LONG,
                    f"the text has {len(ids):,} tokens, "
                    f"the model reads at most {self.max_tokens:,}",
                )
            elif ids:
                prepared[i] = ids
        return prepared


def _score(reward: float, tokens: int) -> Score:
    if math.isfinite(reward):
        return Score(reward, tokens)
    return Score(None, tokens, Failure(NOT_FINITE, f"the reward model returned {reward}"))


def _take_threads(count: int) -> None:
    """Let this thread's forwards run on `count` threads of the CPU, and nobody else's.

    torch keeps the number for each thread that calls it, but a thread that has not asked for it yet
    takes the last one that any thread has set (vLLM sets one while it starts): so ask first.
    """
    torch.get_num_threads()
    torch.set_num_threads(count)
