"""Ranks with a filter and a reward model of one's own: the seams need no base class."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from bestofn import Candidate, Rejection, Request, Score, Settings, best_of_n, open_pipeline


class NoQuestions:
    """Rejects answers that ask back."""

    name = "no_questions"

    def check(self, request: Request, candidate: Candidate) -> Rejection | None:
        """See `bestofn.Filter`."""
        asks = candidate.text.rstrip().endswith(("?", "？"))
        return Rejection(self.name, "asks_back", "it ends in a question") if asks else None


class Brevity:
    """Prefers short answers."""

    async def score(self, request: Request, candidates: Sequence[Candidate]) -> list[Score]:
        """Minus the number of characters."""
        return [Score(-float(len(candidate.text))) for candidate in candidates]


async def main() -> None:
    """Rank one prompt with both."""
    async with open_pipeline(Settings(reward_model="none")) as opened:
        filters = (*opened.filters, NoQuestions())
        pipeline = replace(opened, filters=filters, reward_model=Brevity())
        ranking = await best_of_n(Request.from_prompt("3、9、5 从小到大怎么排？", seed=1), pipeline)
    print([(each.reward, each.text) for each in ranking.best])


if __name__ == "__main__":
    asyncio.run(main())
