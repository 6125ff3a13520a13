"""Pairwise ranker in this process (PairRM): candidates compared two by two, mean margins out."""

from __future__ import annotations

import asyncio
import itertools
import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from bestofn.core.errors import ConfigError, ModelError
from bestofn.core.no_winner import RewardError
from bestofn.core.types import Candidate, Failure, Request, Score
from bestofn.rewards.checkpoints.assembly import read_tokenizer, transformers_config
from bestofn.rewards.checkpoints.interface import Checkpoint
from bestofn.rewards.checkpoints.weights import Placement, read_weights
from bestofn.rewards.local.batcher import OUT_OF_MEMORY, Batcher
from bestofn.rewards.local.readers import Reading
from bestofn.rewards.local.token_budget import TokenBudget
from bestofn.rewards.pairwise.reader import Marks, PairModel, PairReader
from bestofn.rewards.pairwise.texts import (
    CANDIDATE_TOKENS,
    SOURCE_TOKENS,
    PairEncoder,
    PairInputs,
    pair_encoder,
)
from bestofn.rewards.text.fit import EncodedText
from bestofn.rewards.text.formats import PAIRWISE_ARCHITECTURE
from bestofn.rewards.text.messages import image_notes, images_refused
from bestofn.rewards.text.text_thread import TextThread
from bestofn.settings.choices import Images, TooLong
from bestofn.settings.rewards import MAX_BATCH_TOKENS, RewardSettings
from bestofn.support.checkpoint import architecture_of

ALONE = 0.0
"""The reward of one that there is nothing to compare with: its margin against itself."""

Pair = tuple[int, int]
"""Two candidates, by their place among those given, in the order in which they are read."""


class PairwiseRanker:
    """A pairwise ranker in this process (PairRM and its kin); make it with `load`.

    Every pair is read in both orders. The margin of a over b is half of (a before b) less (b before
    a), so that a preference for a position cancels out; the reward is the mean margin over the
    others, a logit. N candidates take N (N - 1) readings, which share forwards with those of other
    callers. `score` may be called from any number of tasks at once.
    """

    compares = True

    def __init__(self, reader: PairReader, encoder: PairEncoder, budget: TokenBudget) -> None:
        self._encoder = encoder
        self._batcher: Batcher[Reading] = Batcher(
            reader,
            reader.plan,
            budget,
            exhausted=torch.OutOfMemoryError,
            release=_release,
        )
        self._text_thread = TextThread()
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
        images: Images = "placeholder",
        too_long: TooLong = "error",
    ) -> PairwiseRanker:
        """Read a pairwise ranker from a folder or the hub.

        Args:
            model: folder or hub name, e.g. llm-blender/PairRM-hf.
            device: a torch device; auto: CUDA where there is one.
            dtype: a torch dtype's name; auto: float32 on a CPU, on a GPU the checkpoint's own half
                precision, or bfloat16 where it is stored in float32.
            max_batch_tokens: tokens of one forward at most, padding counted; a longer pair goes
                alone, and a CPU takes fewer (`bestofn.rewards.local.token_budget`).
            source_tokens: of the conversation, at most.
            candidate_tokens: of each candidate, at most, where the conversation has all of its own;
                what it does not need is theirs.
            images: what becomes of pictures in a conversation.
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
        checkpoint = Checkpoint.find(model, RewardSettings(), placement)
        _refuse_others(model, checkpoint.config)
        config = transformers_config(checkpoint)
        encoder = pair_encoder(
            read_tokenizer(checkpoint),
            source_tokens=source_tokens,
            candidate_tokens=candidate_tokens,
            too_long=too_long,
            vocabulary=config.vocab_size,
            images=images,
        )
        _check_marks(checkpoint, encoder.marks)
        pair_model: Any = read_weights(
            PairModel, checkpoint.folder, config, placement, placement.dtype_for(config)
        )
        reader = PairReader(pair_model, encoder.marks)
        return cls(reader, encoder, TokenBudget.on(placement.device, max_batch_tokens))

    async def refusal(self, request: Request) -> str | None:
        """See `bestofn.core.protocols.Refusing`."""
        return images_refused(request, self._encoder.images)

    def notes_on(self, request: Request) -> Sequence[str]:
        """See `bestofn.core.protocols.Noting`."""
        return image_notes(request.messages, self._encoder.images)

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
        inputs = await self._text_thread.run(self._encoder.encode, request, candidates)
        if isinstance(inputs, Failure):
            return [Score(None, failure=inputs)] * len(candidates)
        texts = {
            at: each for at, each in enumerate(inputs.candidates) if isinstance(each, EncodedText)
        }
        pairs = list(itertools.permutations(texts, 2))
        ids = {at: text.ids for at, text in texts.items()}
        joined = await self._text_thread.run(self._encoder.pairs, inputs.source, ids, pairs)
        read = await asyncio.wrap_future(self._batcher.submit(joined))
        if read and not any(read):
            raise RewardError("the pairwise ranker is out of memory, for one pair alone too")
        readings = dict(zip(pairs, read, strict=True))
        return [_score(at, inputs, readings) for at in range(len(candidates))]

    def close(self) -> None:
        """Fail what waits, let the running forward end, end the threads; safe to call twice."""
        self._closed = True
        self._text_thread.close()
        self._batcher.close()


def _score(at: int, inputs: PairInputs, readings: Mapping[Pair, Reading | None]) -> Score:
    text = inputs.candidates[at]
    if isinstance(text, Failure):
        return Score(None, failure=text)
    cut = inputs.cut + text.cut
    others = [second for first, second in readings if first == at]
    if not others:
        return Score(ALONE, cut=cut)
    both = [(readings[at, other], readings[other, at]) for other in others]
    tokens = sum(front.tokens for front, _ in both if front is not None)
    fitting = [(front, back) for front, back in both if front is not None and back is not None]
    if not fitting:
        return Score(None, tokens, Failure(OUT_OF_MEMORY, "none of its pairs fits in memory"))
    margins = [(front.values[0] - back.values[0]) / 2 for front, back in fitting]
    finite = [margin for margin in margins if math.isfinite(margin)]
    margin = statistics.fmean(finite) if finite else margins[0]
    return Score.of(margin, tokens=tokens, cut=cut, by="the ranker")


def _refuse_others(model: str, config: Mapping[str, Any]) -> None:
    """Refuse what is no pairwise ranker.

    Raises:
        ModelError: it is something else.
    """
    architecture = architecture_of(dict(config))
    if architecture == PAIRWISE_ARCHITECTURE:
        return
    if "ranker_type" in config:
        raise ModelError(
            f"{model} is in LLM-Blender's own form, which does not say what its trunk is: name one "
            "that was converted, such as llm-blender/PairRM-hf"
        )
    raise ModelError(
        f"{architecture or model} is no pairwise ranker that is known here "
        f"({PAIRWISE_ARCHITECTURE}): if it scores one answer by itself, load it as any other "
        "reward model"
    )


def _check_marks(checkpoint: Checkpoint, marks: Marks) -> None:
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
        said = checkpoint.config.get(name, found)
        if said != found:
            raise ModelError(
                f"{checkpoint.folder}/config.json has {name} {said}, and the tokenizer beside it "
                f"has {found}: they do not belong together"
            )


def _release() -> bool:
    """Give back what torch keeps; nothing else is kept."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return False
