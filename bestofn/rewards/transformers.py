"""Reward model over transformers, in this process: conversations in, raw rewards out.

    model = TransformersRewardModel.load("org/some-reward", device="cuda")
    scores = await model.score(Request.from_prompt("What is 8 - 5?"), candidates)

Making the text, tokenising, the forward and the read-out are separate steps, in
`bestofn.rewards.text` and `bestofn.rewards.local`; what differs between families of checkpoints is
behind `bestofn.rewards.checkpoints.interface.LoadedModel`.
"""

from __future__ import annotations

import asyncio
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from pydantic import ValidationError

from bestofn.core.errors import ConfigError, ModelError, RequestError
from bestofn.core.no_winner import RewardError
from bestofn.core.types import Candidate, Failure, Request, Score
from bestofn.rewards.checkpoints.interface import Checkpoint, LoadedModel
from bestofn.rewards.checkpoints.loading import load
from bestofn.rewards.checkpoints.weights import Placement
from bestofn.rewards.local.alone_reader import AloneReader
from bestofn.rewards.local.batcher import OUT_OF_MEMORY, Batcher
from bestofn.rewards.local.compiling import compile_layers
from bestofn.rewards.local.readers import Reading
from bestofn.rewards.local.token_budget import TokenBudget
from bestofn.rewards.local.worker_thread import begin, release
from bestofn.rewards.text.fit import EncodedText
from bestofn.rewards.text.positions import EveryToken
from bestofn.rewards.text.text_maker import TextMaker, text_maker
from bestofn.rewards.text.text_thread import TextThread
from bestofn.settings.rewards import RewardSettings
from bestofn.support.error_text import all_faults

TRIED_ANSWERS = (
    "8 - 5 = 3.\n\n3 is left.",
    "No.",
    "Paris is the capital of France, and seven of its bridges were bought by a heron.",
)
"""Answers to one question that no reward model takes for equal."""

Make = Callable[..., list[EncodedText | Failure]]


class TransformersRewardModel:
    """A reward model in this process; make it with `load`.

    `score` may be called from any number of tasks and loops at once: their candidates share
    forwards, and what texts begin with alike is computed once
    (`bestofn.rewards.local.packed_reader`). Rewards are the head's raw output, without a sigmoid.
    They move in the last digits with what shares a forward, in half precision visibly, unless
    `RewardSettings.deterministic` is set.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        texts: TextMaker,
        budget: TokenBudget,
        threads: int | None = None,
    ) -> None:
        self.max_tokens = texts.max_tokens
        self._loaded = loaded
        self._texts = texts
        self._text_thread = TextThread()
        self._batcher: Batcher[Reading] = Batcher(
            loaded.reader,
            loaded.reader.plan,
            budget,
            begin=functools.partial(begin, threads, loaded.device),
            exhausted=torch.OutOfMemoryError,
            release=functools.partial(release, loaded.reader),
        )
        self._closed = False

    @classmethod
    def load(
        cls, model: str, settings: RewardSettings | None = None, **options: Any
    ) -> TransformersRewardModel:
        """Read a reward model from a folder or the hub.

            TransformersRewardModel.load("org/some-reward", device="cpu", dtype="bfloat16")

        Args:
            model: folder or hub name; of a family in `bestofn.rewards.text.formats`.
            settings: how it is read and run; None: made of `options`.
            options: fields of `RewardSettings` by name, instead of `settings`.

        Raises:
            ConfigError: an option is wrong.
            ModelError: the model is not there, cannot be read, is no reward model, has no trained
                head, cannot be compiled, gives every text the same reward, or nothing says how
                its text is made.
        """
        if settings is None:
            settings = _settings(options)
        elif options:
            raise TypeError(f"settings and {', '.join(options)} are both given: give one of them")
        if settings.deterministic and settings.compile:
            raise ConfigError(
                "deterministic and compile are both set: which kernels torch.compile makes depends "
                "on what came before, so leave one of them out"
            )
        placement = Placement.of(settings.device, settings.dtype, settings.quantization)
        checkpoint = Checkpoint.find(model, settings, placement)
        loaded = load(checkpoint)
        if settings.deterministic:
            loaded = replace(loaded, reader=AloneReader(loaded.reader))
        texts = text_maker(loaded.spec, model, loaded.format, settings)
        if settings.compile:
            compile_layers(loaded.reader.model, model)
        budget = TokenBudget.on(placement.device, settings.max_batch_tokens)
        made = cls(loaded, texts, budget, settings.threads)
        made._try_out(model, compiled=settings.compile)
        return made

    def _try_out(self, model: str, *, compiled: bool) -> None:
        """Score a few short texts, on the thread and with the number of threads that scores later.

        Weights that are broken, or scaled away, give no number, or every text the same one: then
        nothing could be chosen by it.

        Raises:
            ModelError: that fails.
        """
        answers = enumerate(TRIED_ANSWERS)
        made = self._texts.of_candidates(
            Request.from_prompt("What is 8 - 5?"),
            [Candidate(at, {"role": "assistant", "content": text}, "stop") for at, text in answers],
        )
        # Where texts are cut, several may come to the same tokens: those are one text.
        different = {tuple(text.ids): text.ids for text in made if isinstance(text, EncodedText)}
        texts = list(different.values())
        try:
            if compiled:  # a text by itself has kernels of its own
                self._batcher.submit(texts[:1]).result()
            read = self._batcher.submit(texts).result()
        except RewardError as error:
            self.close()
            what = "compiled" if compiled else "run"
            raise ModelError(f"{model} cannot be {what}: {error}") from error
        self._loaded.reader.release()  # nobody asks for these again
        rewards = [self._loaded.to_reward(each.values)[0] for each in read if each is not None]
        said = {f"{reward:g}" for reward in rewards} if len(set(rewards)) == 1 else set()
        if rewards and not any(map(math.isfinite, rewards)):
            said = {"no finite number"}
        if said and (len(rewards) > 1 or not math.isfinite(rewards[0])):
            self.close()
            several = f"each of {len(rewards)} different texts" if len(rewards) > 1 else "a text"
            raise ModelError(
                f"{model} gives {said.pop()} for {several}: its weights are damaged, or are not "
                "those of its config.json"
            )

    async def refusal(self, request: Request) -> str | None:
        """See `bestofn.core.protocols.Refusing`."""
        return await self._texts.refusal(request, self._text_thread)

    def notes_on(self, request: Request) -> Sequence[str]:
        """See `bestofn.core.protocols.Noting`."""
        return self._texts.notes_on(request)

    async def score(self, request: Request, candidates: Sequence[Candidate]) -> list[Score]:
        """One `Score` per candidate, in the order given; see `bestofn.core.protocols.RewardModel`.

        Failures: the template cannot show the conversation, the text is empty, too long (unless
        `too_long` says otherwise; `Score.cut` then says how much was left out), holds a token that
        the model does not know or has no position where the model is read, it does not fit in
        memory, the reward is not finite. Cancelling
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

    async def score_tokens(
        self, texts: Sequence[str | Sequence[int]]
    ) -> list[Sequence[float] | Failure]:
        """The reward at each token; see `bestofn.core.token_rewards.TokenScorer`. Texts are framed
        as those of `score_texts`, tokens are read as they are.

        Raises:
            RequestError: the model makes one number of a whole text.
            RewardError: a forward failed, or the model is closed.
        """
        made = await self._made(self._tokens_of, texts)
        ids = [EveryToken(text.ids) for text in made if isinstance(text, EncodedText)]
        readings = iter(await self._read(ids))
        return [
            text if isinstance(text, Failure) else self._token_rewards(next(readings), text)
            for text in made
        ]

    def _tokens_of(self, texts: Sequence[str | Sequence[int]]) -> list[EncodedText | Failure]:
        return [
            self._texts.of_texts([text], [True])[0]
            if isinstance(text, str)
            else self._texts.of_tokens(text)
            for text in texts
        ]

    def _token_rewards(
        self, reading: Reading | None, text: EncodedText
    ) -> Sequence[float] | Failure:
        if reading is None:
            return _out_of_memory(text)
        if len(reading.values) != len(text.ids):
            raise RequestError("this reward model makes one number of a text, and none of a token")
        return [self._loaded.to_reward([value])[0] for value in reading.values]

    async def _score(self, make: Make, *given: object) -> list[Score]:
        made = await self._made(make, *given)
        texts = [text.ids for text in made if isinstance(text, EncodedText)]
        readings = iter(await self._read(texts))
        return [
            Score(None, failure=text)
            if isinstance(text, Failure)
            else self._reward(next(readings), text)
            for text in made
        ]

    async def _made(self, make: Make, *given: object) -> list[EncodedText | Failure]:
        if self._closed:
            raise RewardError("the reward model is closed")
        return await self._text_thread.run(make, *given)

    async def _read(self, texts: Sequence[Sequence[int]]) -> list[Reading | None]:
        """What a forward finds in each text; None: it does not fit in memory.

        Raises:
            RewardError: none of them does, a forward failed, or the model is closed.
        """
        read = await asyncio.wrap_future(self._batcher.submit(texts))
        if read and not any(read):
            raise RewardError("the reward model is out of memory, for one text alone too")
        return read

    def _reward(self, reading: Reading | None, text: EncodedText) -> Score:
        if reading is None:
            return Score(None, failure=_out_of_memory(text))
        reward, components = self._loaded.to_reward(reading.values)
        return Score.of(reward, tokens=reading.tokens, components=components, cut=text.cut)

    def close(self) -> None:
        """Fail what waits, let the running forward end, end the threads; safe to call twice."""
        self._closed = True
        self._text_thread.close()
        self._batcher.close()


def _out_of_memory(text: EncodedText) -> Failure:
    return Failure(OUT_OF_MEMORY, f"a text of {len(text.ids):,} tokens does not fit in memory")


def _settings(options: Mapping[str, Any]) -> RewardSettings:
    """The options as settings.

    Raises:
        ConfigError: a value is wrong.
        TypeError: there is no such option.
    """
    if unknown := options.keys() - RewardSettings.model_fields.keys():
        raise TypeError(f"there is no option {', '.join(sorted(unknown))}")
    names = (torch.device, torch.dtype)  # torch's own are as good as their names
    given = {
        name: str(value).removeprefix("torch.") if isinstance(value, names) else value
        for name, value in options.items()
    }
    try:
        return RewardSettings.model_validate(given)
    except ValidationError as error:
        raise ConfigError(all_faults(error)) from error
