"""Prints what is gained by scoring candidates as they finish instead of all at the end, in one run.

    .venv/bin/python -m benchmarks.overlap [--rounds 9] [--best-of 16] [--model FOLDER]

Both modes are `best_of_n` over the same pipeline: vLLM on the embedded generator and the embedded
reward model, with the same seeds, so that they sample and score the same. They are timed in turn,
round after round, beside sampling alone (the pipeline without a reward model). Ratios are taken
within each round and their median is printed with the least and the largest. Hidden is the part of
the scoring's time that the sampling covers: (at the end - as they finish) / (at the end - sampling
alone), of the medians.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from benchmarks.overhead import PROMPTS
from benchmarks.pairs import Pair, add_model_flag
from bestofn import Pipeline, Request, best_of_n, open_pipeline
from bestofn.cli.console import set_quiet
from bestofn.core.protocols import RewardModel
from bestofn.core.types import Candidate, Score


@dataclass(frozen=True, slots=True)
class AtTheEnd:
    """A reward model that is called when all candidates are there, as one that compares is."""

    reward_model: RewardModel
    compares: bool = True

    async def score(self, request: Request, candidates: Sequence[Candidate]) -> list[Score]:
        """See `bestofn.core.protocols.RewardModel`."""
        return await self.reward_model.score(request, candidates)


def requests(count: int, best_of: int, seed: int, limit: int | None) -> list[Request]:
    """`count` requests whose candidates' seeds do not meet, of at most `limit` tokens each."""
    return [
        Request.from_prompt(
            PROMPTS[at % len(PROMPTS)],
            best_of=best_of,
            temperature=1.0,
            max_tokens=limit,
            seed=seed + best_of * at,
        )
        for at in range(count)
    ]


async def seconds(pipeline: Pipeline, batch: Sequence[Request]) -> tuple[float, list[int | None]]:
    """The wall time of all requests at once, and each one's winner."""
    started = time.perf_counter()
    rankings = await asyncio.gather(*(best_of_n(each, pipeline) for each in batch))
    took = time.perf_counter() - started
    return took, [None if r.winner is None else r.winner.index for r in rankings]


async def timings(rounds: int, best_of: int, pair: Pair) -> None:
    """Print the table."""
    print(f"N = {best_of}, {rounds} rounds, {os.cpu_count()} cores, torch {torch.__version__}")
    print(
        "| prompts | sampling alone | as they finish | all at the end "
        "| as they finish / at the end | hidden |"
    )
    print("|---:|---:|---:|---:|---:|---:|")
    async with open_pipeline(pair.settings()) as pipeline:
        assert pipeline.reward_model is not None
        ways = (
            replace(pipeline, reward_model=None),
            pipeline,
            replace(pipeline, reward_model=AtTheEnd(pipeline.reward_model)),
        )
        for count in (1, 4, 16) if pair.model is None else (1, 4):
            rows: list[list[float]] = []
            for at in range(rounds + pair.warm_up):
                batch = requests(count, best_of, 1000 * at, pair.max_tokens)
                order = range(3) if at % 2 else (2, 1, 0)  # neither always goes first
                took = {way: await seconds(ways[way], batch) for way in order}
                if took[1][1] != took[2][1]:
                    raise SystemExit("the modes choose different winners")
                rows.append([took[way][0] for way in range(3)])
            alone, early, late = (
                statistics.median(column) for column in zip(*rows[pair.warm_up :], strict=True)
            )
            ratios = [row[1] / row[2] for row in rows[pair.warm_up :]]
            hidden = (late - early) / (late - alone)
            print(
                f"| {count} | {alone:.3f} s | {early:.3f} s | {late:.3f} s "
                f"| **{statistics.median(ratios):.2f}** ({min(ratios):.2f} to {max(ratios):.2f}) "
                f"| {hidden:.0%} |",
                flush=True,
            )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--best-of", type=int, default=16)
    add_model_flag(parser)
    arguments = parser.parse_args()
    set_quiet()
    asyncio.run(timings(arguments.rounds, arguments.best_of, Pair(arguments.model)))


if __name__ == "__main__":
    main()
