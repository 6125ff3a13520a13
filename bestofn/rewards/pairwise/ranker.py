"""Owns the in-process pairwise ranker: candidates in, compared two by two, mean margins out."""

from __future__ import annotations

import asyncio
import itertools
import math
import statistics
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch

from bestofn.core.errors import ConfigError, ModelError
from bestofn.core.no_winner import RewardError
from bestofn.core.types import Candidate, Failure, Request, Score
from bestofn.rewards.checkpoints.common import read_settings, read_tokenizer
from bestofn.rewards.checkpoints.interface import Source
from bestofn.rewards.checkpoints.weights import Placement, read_weights, tensor_names
from bestofn.rewards.local.batcher import Batcher
from bestofn.rewards.local.readers import Reading
from bestofn.rewards.local.token_budget import TokenBudget
from bestofn.rewards.pairwise.reader import ARCHITECTURE, Marks, PairModel, PairReader
from bestofn.rewards.pairwise.texts import (
    CANDIDATE_TOKENS,
    SOURCE_TOKENS,
    PairEncoder,
    Shown,
    pair_encoder,
)
from bestofn.rewards.text.fit import Text
from bestofn.rewards.text.formats import FORMATS
from bestofn.rewards.text.steps import StepOptions
from bestofn.rewards.transformers import CPU_BATCH_TOKENS, MAX_BATCH_TOKENS, NO_MEMORY, NOT_FINITE
from bestofn.settings.choices import TooLong
from bestofn.support.checkpoint import architecture_of, locate, read_config

ALONE = 0.0
"""The reward of one that there is nothing to compare with: its margin against itself."""

Pair = tuple[int, int]
"""Two candidates' places, in the order in which they are read."""


class PairwiseRanker:
    """A pairwise ranker in this process (PairRM and its kin); make it with `load`.

    Every pair is read in both orders. The margin of a over b is half of (a before b) less (b before
    a), so that a preference for a position cancels out; the reward is the mean margin over the
    others, a logit. N candidates take N (N - 1) readings, which share forwards with those of other
    callers. `score` may be called from any number of tasks at once.
    """

    compares = True

    def __init__(self, reader: PairReader, encoder: PairEncoder, *, max_batch_tokens: int) -> None:
        self._encoder = encoder
        self._batcher: Batcher[Reading] = Batcher(
            reader,
            reader.plan,
            TokenBudget(max_batch_tokens),
            exhausted=torch.OutOfMemoryError,
            release=_release,
        )
        # One thread of its own: tokenizers of transformers may not be used from two at once.
        self._preparer = ThreadPoolExecutor(1, thread_name_prefix="bestofn-pair-text")
        self._closed = False

    @classmethod
    def load(
        cls,
        model: str,
        *,
        device: str = "auto",
        dtype: str = "auto",
        max_batch_tokens: int = MAX_BATCH_TOKENS,
        source_tokens: int = SOURCE_TOKENS,
        candidate_tokens: int = CANDIDATE_TOKENS,
        too_long: TooLong = "error",
    ) -> PairwiseRanker:
        """Read a pairwise ranker from a folder or the hub.

        Args:
            model: folder or hub name, e.g. llm-blender/PairRM-hf.
            device: a torch device; auto: CUDA where there is one.
            dtype: a torch dtype's name; auto: float32 on a CPU, on a GPU the checkpoint's own half
                precision, or bfloat16 where it is stored in float32.
            max_batch_tokens: tokens of one forward at most, padding counted; a longer pair goes
                alone, and a CPU takes fewer (`bestofn.rewards.transformers.CPU_BATCH_TOKENS`).
            source_tokens: of the conversation, at most.
            candidate_tokens: of each candidate, at most, where the conversation has all of its own;
                what it does not need is theirs.
            too_long: what becomes of a longer text; PairRM's authors truncate on the right.

        Raises:
            ConfigError: an argument is wrong.
            ModelError: the model is not there, cannot be read, or is no pairwise ranker.
        """
        for name, value in (
            ("max_batch_tokens", max_batch_tokens),
            ("source_tokens", source_tokens),
            ("candidate_tokens", candidate_tokens),
        ):
            if value < 1:
                raise ConfigError(f"{name} is {value}; it must be at least 1")
        placement = Placement.of(device, dtype)
        folder = locate(model)
        config = read_config(folder)
        _refuse_others(model, config)
        source = Source(
            folder,
            config,
            tensor_names(folder),
            FORMATS["chat"],
            placement,
            trust=False,
            cache_tokens=0,
            steps=StepOptions(),
        )
        settings = read_settings(source)
        encoder = pair_encoder(
            read_tokenizer(source),
            source_tokens=source_tokens,
            candidate_tokens=candidate_tokens,
            too_long=too_long,
        )
        _check_marks(folder, config, encoder.marks)
        loaded: Any = read_weights(
            PairModel, folder, settings, placement, placement.dtype_for(settings)
        )
        if placement.device.type == "cpu":
            max_batch_tokens = min(max_batch_tokens, CPU_BATCH_TOKENS)
        reader = PairReader(loaded, encoder.marks)
        return cls(reader, encoder, max_batch_tokens=max_batch_tokens)

    async def score(self, request: Request, candidates: Sequence[Candidate]) -> list[Score]:
        """One `Score` per candidate, in the order given; see `bestofn.core.protocols.RewardModel`.

        `Score.tokens` are those of the pairs in which the candidate is the first; `Score.cut`
        counts the conversation's too. One candidate alone gets `ALONE` without a forward.

        Failures: the conversation or the candidate cannot be shown, or is too long (unless
        `too_long` says otherwise); none of the candidate's pairs fits in memory, or none has a
        finite margin. Otherwise the pairs that have one count.

        Raises:
            RewardError: a forward failed, no pair fits in memory, or the ranker is closed.
        """
        if self._closed:
            raise RewardError("the pairwise ranker is closed")
        if not candidates:
            return []
        loop = asyncio.get_running_loop()
        shown = await loop.run_in_executor(self._preparer, self._encoder.show, request, candidates)
        if isinstance(shown, Failure):
            return [Score(None, failure=shown)] * len(candidates)
        texts = {at: each for at, each in enumerate(shown.candidates) if isinstance(each, Text)}
        pairs = list(itertools.permutations(texts, 2))
        inputs = [
            self._encoder.pair(shown.source, texts[first].ids, texts[second].ids)
            for first, second in pairs
        ]
        read = await asyncio.wrap_future(self._batcher.submit(inputs))
        if read and not any(read):
            raise RewardError("the pairwise ranker is out of memory, for one pair alone too")
        readings = dict(zip(pairs, read, strict=True))
        return [_score(place, shown, readings) for place in range(len(candidates))]

    def close(self) -> None:
        """Fail what waits, let the running forward end, end the threads; safe to call twice."""
        self._closed = True
        self._preparer.shutdown()
        self._batcher.close()


def _score(place: int, shown: Shown, readings: Mapping[Pair, Reading | None]) -> Score:
    text = shown.candidates[place]
    if isinstance(text, Failure):
        return Score(None, failure=text)
    cut = shown.cut + text.cut
    others = [second for first, second in readings if first == place]
    if not others:
        return Score(ALONE, cut=cut)
    both = [(readings[place, other], readings[other, place]) for other in others]
    tokens = sum(front.tokens for front, _ in both if front is not None)
    fitting = [(front, back) for front, back in both if front is not None and back is not None]
    if not fitting:
        return Score(None, tokens, Failure(NO_MEMORY, "none of its pairs fits in memory"))
    margins = [(front.values[0] - back.values[0]) / 2 for front, back in fitting]
    finite = [margin for margin in margins if math.isfinite(margin)]
    if not finite:
        return Score(None, tokens, Failure(NOT_FINITE, f"the ranker returned {margins[0]}"))
    return Score(statistics.fmean(finite), tokens, cut=cut)


def _refuse_others(model: str, config: Mapping[str, Any]) -> None:
    """Refuse what is no pairwise ranker.

    Raises:
        ModelError: it is something else.
    """
    architecture = architecture_of(dict(config))
    if architecture == ARCHITECTURE:
        return
    if "ranker_type" in config:
        raise ModelError(
            f"{model} is in LLM-Blender's own form, which does not say what its trunk is: name one "
            "that was converted, such as llm-blender/PairRM-hf"
        )
    raise ModelError(
        f"{architecture or model} is no pairwise ranker that is known here ({ARCHITECTURE}): if it "
        "scores one answer by itself, load it as any other reward model"
    )


def _check_marks(folder: Path, config: Mapping[str, Any], marks: Marks) -> None:
    """Refuse a tokenizer that is not the one the model was trained with.

    Raises:
        ModelError: the config has other ids for the marks.
    """
    named = {
        "source_prefix_id": marks.source,
        "cand1_prefix_id": marks.first,
        "cand2_prefix_id": marks.second,
    }
    for name, found in named.items():
        if config.get(name, found) != found:
            raise ModelError(
                f"{folder}/config.json has {name} {config[name]}, and the tokenizer beside it has "
                f"{found}: they do not belong together"
            )


def _release() -> bool:
    """Give back what torch keeps; nothing else is kept."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return False
