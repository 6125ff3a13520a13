"""The reward model of another bestofn server (``POST /v1/rewards``): texts in, rewards out."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, Field

from bestofn.core.no_winner import RewardError
from bestofn.core.types import Candidate, Failure, Request, Score
from bestofn.openai_api.client import ApiClient
from bestofn.openai_api.completions import token_count
from bestofn.rewards.remote.replies import reply_or_failure
from bestofn.rewards.remote.shown import scores_of_shown
from bestofn.rewards.remote.wire_formats import WHO, Count, Number, read_reply

PATH = "v1/rewards"


FAILED = "reward_server_failed"
"""Why there is no reward where the server says it in no word of ours."""

MOST_REASONS = 32
"""Of one server: each is a label of the metrics."""

MOST_COMPONENTS, LONGEST_NAME = 4096, 256
"""Components of one candidate, and characters of a name: a process reward has one a step."""

MOST_CUT = 2**31 - 1
"""Tokens; records hold no more."""

_REASON = re.compile(r"[a-z][a-z0-9_]{0,63}")


class _Failure(BaseModel):
    reason: str


class _Item(BaseModel):
    index: Count
    reward: Annotated[Number, Field(allow_inf_nan=False)] | None
    components: dict[str, Number] = Field(default_factory=dict)
    cut: Count = 0
    failure: _Failure | None = None


class _Usage(BaseModel):
    total_tokens: Any = None


class _Rewards(BaseModel):
    data: list[_Item]
    usage: _Usage = _Usage()


class BestofnServer:
    """Another bestofn server's reward model; make it with `open_reward_server`.

    Args:
        client: asks it.
        model: its name there; None: the server's only one.
        compares: whether it compares candidates; see `bestofn.core.protocols.Comparing`.
    """

    def __init__(self, client: ApiClient, model: str | None, *, compares: bool = False) -> None:
        self.compares = compares
        self._client = client
        self._model = model
        self._reasons = {FAILED}

    async def score(self, request: Request, candidates: Sequence[Candidate]) -> list[Score]:
        """One `Score` per candidate, in the order given; see `bestofn.core.protocols.RewardModel`.

        The tokens that the server read stand on the first of them. Tool calls are sent as JSON in
        the text, since the API has no other place for them.

        Raises:
            RewardError: the server cannot be reached, fails, or answers in another form.
        """
        return await scores_of_shown(candidates, functools.partial(self._scores, request))

    async def _scores(
        self, request: Request, candidates: Sequence[Candidate], texts: Sequence[str]
    ) -> Sequence[Score]:
        body = {
            "messages": [dict(message) for message in request.messages],
            "responses": [
                {"text": text, "finish_reason": each.finish_reason or "length"}
                for each, text in zip(candidates, texts, strict=True)
            ],
            "filters": [],
            **({} if self._model is None else {"model": self._model}),
            **({} if request.reference is None else {"reference": request.reference}),
        }
        said = await reply_or_failure(self._client.post(PATH, body))
        if isinstance(said, Failure):
            return [Score(None, failure=said) for _ in candidates]
        read: _Rewards = read_reply(_Rewards.model_validate_json, said)
        items = {item.index: item for item in read.data}
        if items.keys() != set(range(len(candidates))):
            raise RewardError(f"{WHO} answers {len(items)} of {len(candidates)} candidates")
        return [
            self._score(items[at], token_count(read.usage.total_tokens) or 0 if at == 0 else 0)
            for at in range(len(candidates))
        ]

    def _score(self, item: _Item, tokens: int) -> Score:
        if not 0 <= item.cut <= MOST_CUT:
            detail = f"{WHO} says that it was not shown {item.cut} tokens"
            return Score(None, tokens, Failure(FAILED, detail))
        if item.reward is None:
            if item.failure is None:
                raise RewardError(f"{WHO} gives neither a reward nor a reason for one candidate")
            return Score(None, tokens, self._failure(item.failure.reason))
        sane = [
            (name, each)
            for name, each in item.components.items()
            if math.isfinite(each) and len(name) <= LONGEST_NAME
        ]
        components = dict(sane[:MOST_COMPONENTS])
        return Score.of(item.reward, tokens=tokens, components=components, cut=item.cut, by=WHO)

    def _failure(self, reason: str) -> Failure:
        """Why there is no reward: the server's word, and not its text, which may hold anything."""
        if reason not in self._reasons and len(self._reasons) < MOST_REASONS:
            self._reasons |= {reason} if _REASON.fullmatch(reason) else set()
        known = reason if reason in self._reasons else FAILED
        return Failure(known, f"{WHO} has no reward for it ({known})")
