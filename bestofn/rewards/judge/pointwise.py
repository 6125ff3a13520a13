"""The pointwise judge: each answer alone gets a score on a scale."""

from __future__ import annotations

import functools
import statistics
from collections.abc import Sequence

from bestofn.core.types import Candidate, Failure, Request, Score
from bestofn.rewards.judge.client import Decoding, JudgeClient
from bestofn.rewards.judge.parsing import parse_score
from bestofn.rewards.judge.question import Questioner, QuestionTemplate
from bestofn.rewards.judge.replies import require_reachable, verdict_of
from bestofn.rewards.judge.seeding import request_seed
from bestofn.support.concurrency import gather_or_cancel


class PointwiseJudge(Questioner):
    """The reward is the score, or the mean of several votes, each a reply of its own.

    The votes that can be read count; they stand in `Score.components` as ``vote_1``, ... where
    there are several. A candidate fails where none can be read.

    Args:
        client: asks the judge.
        question: makes the questions.
        decoding: of the replies.
        scale: the least and the highest score.
        samples: votes for each candidate.
    """

    def __init__(
        self,
        client: JudgeClient,
        question: QuestionTemplate,
        decoding: Decoding,
        scale: tuple[int, int],
        samples: int,
    ) -> None:
        self._client = client
        super().__init__(question)
        self._decoding = decoding
        low, high = scale
        score = {"type": "integer", "minimum": low, "maximum": high}
        self._schema = decoding.schema("score", score)
        self._parse = functools.partial(parse_score, low=low, high=high)
        self._samples = samples

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
        seed = request_seed(request)
        asked = (
            self._client.ask(prompt, self._decoding.fields(seed + vote), self._schema)
            for vote in range(self._samples)
        )
        verdicts = [verdict_of(reply, self._parse) for reply in await gather_or_cancel(asked)]
        tokens = sum(verdict.tokens for verdict in verdicts)
        votes = {
            f"vote_{number}": verdict.value
            for number, verdict in enumerate(verdicts, start=1)
            if verdict.value is not None
        }
        if not votes:
            return Score(None, tokens, verdicts[0].failure)
        components = votes if self._samples > 1 else {}
        return Score(statistics.fmean(votes.values()), tokens, components=components)
