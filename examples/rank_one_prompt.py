"""Samples eight answers with the embedded pair, prints the best and what became of the others."""

from __future__ import annotations

import asyncio

from bestofn import Request, best_of_n, open_pipeline


async def main() -> None:
    """Rank one prompt."""
    async with open_pipeline() as pipeline:
        ranking = await best_of_n(Request.from_prompt("What is 8 - 5?", seed=1), pipeline)
    assert ranking.winner is not None
    print("best:", ranking.winner.text)
    for each in ranking.candidates:
        print(each.rank, each.reward, [r.detail for r in each.rejections], each.text)


if __name__ == "__main__":  # vLLM starts processes, which import this file again
    asyncio.run(main())
