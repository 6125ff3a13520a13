"""Reward models on servers that read ready-made texts: vLLM's, SGLang's, TEI's /predict."""

from __future__ import annotations

from collections.abc import Sequence

from bestofn.core.types import Candidate, Failure, Request, Score
from bestofn.openai_api.client import ApiClient
from bestofn.rewards.remote.replies import reply_or_failure, score_of
from bestofn.rewards.remote.wire_formats import TextApi, read_reply
from bestofn.rewards.text.fit import EncodedText
from bestofn.rewards.text.text_maker import TextMaker
from bestofn.rewards.text.text_thread import TextThread
from bestofn.support.concurrency import gather_or_cancel


class TextServer:
    """A reward model on a server that reads texts; make it with `open_reward_server`.

    One request a candidate: the server batches them, and shares what they begin with if it has a
    prefix cache. A server that takes tokens gets those that `bestofn.rewards.transformers` would
    read; one that takes text puts its own special tokens around it, and is sent those that contents
    spell broken by a zero-width space, since it would take them for its own.

    Args:
        api: how it is asked.
        client: asks it.
        model: its name there; None: the server has one.
        texts: makes what it reads.
    """

    def __init__(
        self, api: TextApi, client: ApiClient, model: str | None, texts: TextMaker
    ) -> None:
        self._api = api
        self._client = client
        self._model = model
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

        Failures: as `TransformersRewardModel.score`'s, and what the server refuses.

        Raises:
            RewardError: the server cannot be reached, fails, or answers in another form.
        """
        made = await self._text_thread.run(self._make, request, candidates)
        return await gather_or_cancel(self._score(text) for text in made)

    async def values(
        self, request: Request, candidate: Candidate, *, activation: bool
    ) -> Sequence[float]:
        """What the server says of one candidate.

        Raises:
            RequestError: it refuses the question, or there is none to ask.
            GeneratorError: it cannot be reached, or fails.
            RewardError: it answers in another form.
        """
        (text,) = self._make(request, [candidate])
        assert not isinstance(text, Failure), text  # it is short and plain
        return await self._ask(text, activation)

    def close(self) -> None:
        """End the thread that prepares texts; the connections are not its own."""
        self._text_thread.close()

    def _make(
        self, request: Request, candidates: Sequence[Candidate]
    ) -> Sequence[str | EncodedText | Failure]:
        if self._api.takes_token_ids:
            return self._texts.of_candidates(request, candidates)
        return self._texts.renderer.render(request, candidates)

    async def _score(self, text: str | EncodedText | Failure) -> Score:
        if isinstance(text, Failure):
            return Score(None, failure=text)
        said = await reply_or_failure(self._ask(text, False))
        if isinstance(said, Failure):
            return Score(None, failure=said)
        if isinstance(text, str):
            return score_of(said)
        return score_of(said, len(text.ids), text.cut)

    async def _ask(self, text: str | EncodedText, activation: bool) -> Sequence[float]:
        given = text.ids if isinstance(text, EncodedText) else text
        body = self._api.body(self._model, given, activation)
        reply = await self._client.post(self._api.path, body)
        values: Sequence[float] = read_reply(self._api.read, reply)
        return values
