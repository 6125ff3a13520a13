"""Ranks with a reward model and a check of the answer together; run it from the repository."""

import asyncio

from bestofn import Request, Settings, best_of_n, embedded, open_pipeline
from bestofn.core.types import Candidate


def names_the_number(request: Request, candidate: Candidate) -> bool:
    """Whether the answer names the number that is known to be right; runs in a worker process."""
    return str(request.reference) in candidate.text


async def main() -> None:
    """Rank one prompt; every component's reward is in the result."""
    settings = Settings.load(
        rewards=[
            {"name": "model", "model": str(embedded.reward_path())},
            {
                "name": "right",
                "kind": "verifier",
                "check": "examples.ensemble_with_verifier:names_the_number",
                "weight": 2,
            },
        ],
        ensemble={"combine": "mean", "normalise": "rank"},
    )
    request = Request.from_prompt("What is 8 - 5?", best_of=8, reference=3, seed=7)
    async with open_pipeline(settings) as pipeline:
        ranking = await best_of_n(request, pipeline)
    for each in ranking.ranked:
        parts = {name: round(value, 2) for name, value in each.components.items()}
        print(f"{each.rank}  {each.reward:.2f}  {parts}  {each.text}")


if __name__ == "__main__":
    asyncio.run(main())
