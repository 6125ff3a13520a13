"""Owns the in-process reward model over transformers: conversations in, raw rewards out.

Making the text, tokenising, the forward and the read-out are separate steps, each in its module;
what differs between families of checkpoints is behind
`bestofn.rewards.checkpoints.interface.Loaded`.
"""

from __future__ import annotations

import asyncio
import functools
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch

from bestofn.core.errors import ConfigError, ModelError
from bestofn.core.no_winner import RewardError
from bestofn.core.types import Candidate, Failure, Request, Score
from bestofn.rewards.checkpoints.interface import Loaded
from bestofn.rewards.checkpoints.loading import load
from bestofn.rewards.checkpoints.weights import Placement
from bestofn.rewards.local.batcher import Batcher
from bestofn.rewards.local.choose_reader import CACHE_TOKENS
from bestofn.rewards.local.compiling import compile_layers
from bestofn.rewards.local.malloc import keep_freed_memory
from bestofn.rewards.local.readers import Reader, Reading
from bestofn.rewards.local.token_budget import TokenBudget
from bestofn.rewards.text.fit import Text
from bestofn.rewards.text.formats import named_format
from bestofn.rewards.text.steps import StepOptions
from bestofn.rewards.text.text_maker import TextMaker, text_maker
from bestofn.settings.choices import Aggregate, Quantization, TooLong
from bestofn.support.checkpoint import locate, read_config

MAX_BATCH_TOKENS = 8192
"""Tokens of one forward, by default."""

CPU_BATCH_TOKENS = 2048
"""On a CPU a forward takes no more than this: larger ones fall out of its caches, and out of what
`keep_freed_memory` keeps. Measured on two cores with models of hidden size 200, 512, 896 and 2,048:
within 6 % of the best of 256 to 8,192 tokens; 1,024 were up to 7 % slower than 2,048, 3,072 up to
16 %."""

NOT_FINITE = "reward_not_finite"
NO_MEMORY = "reward_out_of_memory"


class TransformersRewardModel:
    """A reward model in this process; make it with `load`.

    `score` may be called from any number of tasks and loops at once: their candidates share
    forwards, and what texts begin with alike is computed once
    (`bestofn.rewards.local.packed_reader`). Rewards are the head's raw output, without a sigmoid.
    They move in the last digits with what shares a forward, in half precision visibly.
    """

    def __init__(
        self,
        loaded: Loaded,
        texts: TextMaker,
        *,
        max_batch_tokens: int,
        threads: int | None = None,
    ) -> None:
        self.max_tokens = texts.max_tokens
        self._loaded = loaded
        self._texts = texts
        self._batcher: Batcher[Reading] = Batcher(
            loaded.reader,
            loaded.reader.plan,
            TokenBudget(max_batch_tokens),
            begin=functools.partial(_begin, threads, loaded.device),
            exhausted=torch.OutOfMemoryError,
            release=functools.partial(_release, loaded.reader),
        )
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
        quantization: Quantization | None = None,
        max_batch_tokens: int = MAX_BATCH_TOKENS,
        cache_tokens: int = CACHE_TOKENS,
        too_long: TooLong = "error",
        threads: int | None = None,
        compile: bool = False,  # noqa: A002 - as above
        trust_remote_code: bool = False,
        step_separator: str | None = None,
        aggregate: Aggregate | None = None,
    ) -> TransformersRewardModel:
        """Read a reward model from a folder or the hub.

        Args:
            model: folder or hub name; of a family in `bestofn.rewards.text.formats`.
            format: a name from there; None: `template`, else the format that the checkpoint is
                recognised by, else the model's own chat template.
            template: Jinja for the text, with the variables of `bestofn.rewards.text.renderer`.
            device: a torch device; auto: CUDA where there is one.
            dtype: a torch dtype's name; auto: float32 on a CPU, on a GPU the checkpoint's own half
                precision, or bfloat16 (Ziya: float16) where it is stored in float32.
            quantization: of the matrices but embeddings and heads, by bitsandbytes: a half or a
                quarter of the memory. What an int8 matrix gives moves a little with what shares a
                forward, since outliers are told by all of it.
            max_batch_tokens: tokens of one forward at most, shared beginnings once, padding (where
                a model needs it) counted; a longer text goes alone, and a CPU takes fewer
                (`CPU_BATCH_TOKENS`). Halved where memory runs out, until it does not.
            cache_tokens: tokens whose keys and values are kept from one forward to the next, so
                that a prompt is not computed again for candidates that come later.
            too_long: what becomes of a text that is longer than the model reads.
            threads: of the CPU for one forward; None: as many as torch takes by itself.
            compile: have `torch.compile` make kernels for the model's layers, at once: loading
                takes longer by some seconds to minutes, forwards may be faster.
            trust_remote_code: whether code that came with the checkpoint may run.
            step_separator: what the steps of an answer are split at; None: blank lines.
            aggregate: what makes one reward of those of steps; None: what the model's authors
                select among N with.

        Raises:
            ConfigError: an argument is wrong.
            ModelError: the model is not there, cannot be read, is no reward model, has no trained
                head, cannot be compiled, or nothing says how its text is made.
        """
        if format is not None and template is not None:
            raise ConfigError("format and template are both given: give one of them")
        if max_batch_tokens < 1:
            raise ConfigError(f"max_batch_tokens is {max_batch_tokens}; it must be at least 1")
        named = named_format(format) if format is not None else None
        steps = StepOptions(step_separator, aggregate)
        placement = Placement.of(device, dtype, quantization)
        folder = locate(model)
        config = read_config(folder)
        loaded = load(
            folder, config, placement, trust_remote_code, cache_tokens, named=named, steps=steps
        )
        texts = text_maker(
            loaded.written, model, own=loaded.format, template=template, too_long=too_long
        )
        if placement.device.type == "cpu":
            max_batch_tokens = min(max_batch_tokens, CPU_BATCH_TOKENS)
        if compile:
            compile_layers(loaded.reader.model, model)
        made = cls(loaded, texts, max_batch_tokens=max_batch_tokens, threads=threads)
        if compile:
            made._warm_up(model)
        return made

    def _warm_up(self, model: str) -> None:
        """Score a conversation, on the thread and with the number of threads that scores later.

        Raises:
            ModelError: that fails.
        """
        made = self._texts.of_candidates(
            Request.from_prompt("What is 8 - 5?"),
            [Candidate(0, {"role": "assistant", "content": "8 - 5 = 3.\n\n3 is left."}, "stop")],
        )
        texts = [text.ids for text in made if isinstance(text, Text)]
        try:
            self._batcher.submit(texts).result()
        except RewardError as error:
            self.close()
            raise ModelError(f"{model} cannot be compiled: {error}") from error

    async def score(self, request: Request, candidates: Sequence[Candidate]) -> list[Score]:
        """One `Score` per candidate, in the order given; see `bestofn.core.protocols.RewardModel`.

        Failures: the template cannot show the conversation, the text is empty, too long (unless
        `too_long` says otherwise; `Score.cut` then says how much was left out) or has no place
        where the model is read, it does not fit in memory, the reward is not finite. Cancelling
        drops the candidates that no forward has taken yet.

        Raises:
            RewardError: a forward failed, none of the texts fits in memory, or the model is closed.
        """
        return await self._score(self._texts.of_candidates, request, candidates)

    async def score_texts(self, texts: Sequence[str]) -> list[Score]:
        """One `Score` per text, in the order given: as `score`, for texts that are ready-made.

        The tokenizer frames each as it frames any single text.

        Raises:
            RewardError: a forward failed, or the model is closed.
        """
        return await self._score(self._texts.of_texts, texts, [True] * len(texts))

    async def _score(self, prepare: Callable[..., list[Text | Failure]], *what: Any) -> list[Score]:
        if self._closed:
            raise RewardError("the reward model is closed")
        loop = asyncio.get_running_loop()
        prepared = await loop.run_in_executor(self._preparer, prepare, *what)
        sequences = [text.ids for text in prepared if isinstance(text, Text)]
        read = await asyncio.wrap_future(self._batcher.submit(sequences))
        if read and not any(read):
            raise RewardError("the reward model is out of memory, for one text alone too")
        readings = iter(read)
        return [
            Score(None, failure=text)
            if isinstance(text, Failure)
            else self._verdict(next(readings), text)
            for text in prepared
        ]

    def _verdict(self, reading: Reading | None, text: Text) -> Score:
        if reading is None:
            return Score(
                None,
                failure=Failure(
                    NO_MEMORY, f"a text of {len(text.ids):,} tokens does not fit in memory"
                ),
            )
        reward, components = self._loaded.verdict(reading.values)
        if not math.isfinite(reward):
            failure = Failure(NOT_FINITE, f"the reward model returned {reward}")
            return Score(None, reading.tokens, failure)
        return Score(reward, reading.tokens, components=components, cut=text.cut)

    def close(self) -> None:
        """Fail what waits, let the running forward end, end the threads; safe to call twice."""
        self._closed = True
        self._preparer.shutdown()
        self._batcher.close()


def _begin(threads: int | None, device: torch.device) -> None:
    """Prepare the worker thread: its share of the CPU and memory that is not given back between
    layers, and a stream of its own on a GPU, so that forwards do not wait for what other threads
    have queued there."""
    if threads is not None:
        # torch keeps the number for each thread that calls it, but a thread that has not asked for
        # it yet takes the last one that any thread has set (vLLM sets one while it starts).
        torch.get_num_threads()
        torch.set_num_threads(threads)
    if device.type == "cpu":
        keep_freed_memory()
    if device.type == "cuda":
        torch.cuda.synchronize(device)  # the weights were copied on another stream
        torch.cuda.set_stream(torch.cuda.Stream(device))  # type: ignore[no-untyped-call]


def _release(reader: Reader) -> bool:
    """Free what the reader keeps, and give back what torch keeps; whether the reader kept some."""
    freed = reader.release()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return freed
