"""Rerankers as reward models: the prompt is the query, the candidates are the documents."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from bestofn.core.message import image_count
from bestofn.core.no_winner import RewardError
from bestofn.core.types import Candidate, Failure, Message, Request, Score
from bestofn.openai_api.client import ApiClient
from bestofn.rewards.remote.replies import reply_or_failure, score_of
from bestofn.rewards.remote.shown import scores_of_shown
from bestofn.rewards.remote.wire_formats import RerankApi, read_reply
from bestofn.rewards.text.messages import image_notes, plain_message


class RerankServer:
    """A reranker; make it with `open_reward_server`.

    It sees the newest user message and each candidate's text, and no more of the conversation; a
    placeholder stands in that message where it holds a picture.

    Args:
        api: how it is asked.
        client: asks it.
        model: its name there; None: the server has one.
    """

    def __init__(self, api: RerankApi, client: ApiClient, model: str | None) -> None:
        self._api = api
        self._client = client
        self._model = model

    async def score(self, request: Request, candidates: Sequence[Candidate]) -> list[Score]:
        """One `Score` per candidate, in the order given; see `bestofn.core.protocols.RewardModel`.

        What the server refuses fails for all of them, since they go in one request. A document is
        an answer's text, with its tool calls as JSON.

        Raises:
            RewardError: the server cannot be reached, fails, or answers in another form.
        """
        return await scores_of_shown(candidates, functools.partial(self._scores, request))

    async def _scores(
        self, request: Request, candidates: Sequence[Candidate], texts: Sequence[str]
    ) -> Sequence[Score]:
        said = await reply_or_failure(self.values(_query(request), texts, activation=False))
        if isinstance(said, Failure):
            return [Score(None, failure=said) for _ in candidates]
        return [score_of([value]) for value in said]

    def notes_on(self, request: Request) -> Sequence[str]:
        """See `bestofn.core.protocols.Noting`."""
        return image_notes(_asked(request), "placeholder")

    async def values(
        self, query: str, documents: Sequence[str], *, activation: bool
    ) -> Sequence[float]:
        """The number of each document, in the order given.

        Raises:
            RequestError: the server refuses the question.
            GeneratorError: it cannot be reached, or fails.
            RewardError: it answers in another form, or leaves a document out.
        """
        body = self._api.body(self._model, query, documents, activation)
        said = dict(read_reply(self._api.read, await self._client.post(self._api.path, body)))
        if said.keys() != set(range(len(documents))):
            raise RewardError(
                f"the reward server numbers {len(said)} documents of {len(documents)}, or others"
            )
        return [said[index] for index in range(len(documents))]


def _asked(request: Request) -> tuple[Message, ...]:
    """The newest user message, where there is one."""
    return tuple(each for each in request.messages if each.get("role") == "user")[-1:]


def _query(request: Request) -> str:
    """Its text, with placeholders for its pictures; '' where there is none."""
    if not image_count(asked := _asked(request)):
        return request.last_user_text
    return str(plain_message(asked[0], "placeholder")["content"])
