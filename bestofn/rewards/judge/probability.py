"""The judge by probability (generative verifier): how likely its first word is Yes, and not No.

Generative verifiers are read so (GenRM, arXiv 2408.15240): nothing is decoded beyond one token.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from bestofn.core.types import Candidate, Failure, Request, Score
from bestofn.openai_api.logprobs import is_logprob
from bestofn.rewards.judge.client import JudgeClient
from bestofn.rewards.judge.question import Questioner, QuestionTemplate
from bestofn.rewards.judge.replies import UNPARSABLE, Reply, require_reachable
from bestofn.support.concurrency import gather_or_cancel

TOP = 20
"""Tokens whose probability is asked for: the most that OpenAI's API gives, and vLLM by default."""

FIELDS = {"temperature": 0, "max_completion_tokens": 1, "logprobs": True, "top_logprobs": TOP}


class ProbabilityJudge(Questioner):
    """The reward is P(yes) / (P(yes) + P(no)), from 0 to 1.

    Tokens count for a word whatever their case and the white space around it. One of the two that
    is not among the `TOP` most likely counts as impossible; where neither is, the candidate fails.

    Args:
        client: asks the judge.
        question: makes the questions.
        words: for yes and for no.
    """

    def __init__(
        self, client: JudgeClient, question: QuestionTemplate, words: tuple[str, str]
    ) -> None:
        self._client = client
        super().__init__(question)
        self._words = words

    async def score(self, request: Request, candidates: Sequence[Candidate]) -> list[Score]:
        """One `Score` per candidate, in the order given; see `bestofn.core.protocols.RewardModel`.

        Raises:
            RewardError: the judge's server failed for all of them.
        """
        return require_reachable(
            await gather_or_cancel(self._score(request, each) for each in candidates)
        )

    async def _score(self, request: Request, candidate: Candidate) -> Score:
        prompt = self._question.render_one(request, candidate)
        if isinstance(prompt, Failure):
            return Score(None, failure=prompt)
        return self._read(await self._client.ask(prompt, FIELDS))

    def _read(self, reply: Reply) -> Score:
        if reply.failure is not None:
            return Score(None, reply.tokens, reply.failure)
        if reply.first_tokens is None:
            return self._unread(reply, "the judge's server gives no log-probabilities")
        chances = [
            math.fsum(
                math.exp(logprob)
                for token, logprob in reply.first_tokens
                if is_logprob(logprob) and _same(token, word)
            )
            for word in self._words
        ]
        yes, both = chances[0], math.fsum(chances)
        if not both > 0:
            words = " nor ".join(self._words)
            return self._unread(
                reply,
                f"neither {words} is among the judge's {len(reply.first_tokens)} likeliest words",
            )
        return Score(yes / both, reply.tokens)

    @staticmethod
    def _unread(reply: Reply, why: str) -> Score:
        return Score(None, reply.tokens, Failure(UNPARSABLE, why))


def _same(token: str, word: str) -> bool:
    return token.strip().casefold() == word.casefold()
