"""Stops when two answers agree, by a controller and an answer key of one's own."""

import asyncio
from dataclasses import replace

import bestofn
from bestofn import Candidate, Decision, Policy, Progress, Request, Settings
from bestofn.control.waves import Waves
from bestofn.selection.vote import VoteSelector


class LastWord:
    """Two answers that end in the same word say the same."""

    def key(self, request: Request, candidate: Candidate) -> str | None:
        """None does not vote."""
        return next(reversed(candidate.text.strip(" .。").split()), None)


class TwoAgree:
    """Enough once two accepted candidates have the same key."""

    def decide(self, progress: Progress) -> Decision:
        """Told after every event."""
        keys = [LastWord().key(progress.request, each.candidate) for each in progress.accepted]
        return Decision(stop="two_agree") if len(set(keys)) < len(keys) else Decision()


async def main() -> None:
    """Rank one prompt with both."""
    async with bestofn.open_pipeline(Settings(reward_model="none")) as opened:
        two = Policy(sampling=Waves(2), stop=TwoAgree())
        pipeline = replace(opened, policy=two, selector=VoteSelector(LastWord()))
        ranking = await bestofn.best_of_n(Request.from_prompt("What is 8 - 5?"), pipeline)
    print("best:", ranking.best[0].text, "of", len(ranking.candidates), ranking.stopped_by)


if __name__ == "__main__":
    asyncio.run(main())
