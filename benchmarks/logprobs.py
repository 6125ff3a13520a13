"""Prints what log-probabilities cost: none, those that rules read, and those that a client asks.

    .venv/bin/python -m benchmarks.logprobs [--rounds 9] [--model FOLDER]

The same requests with the same seeds go through `best_of_n` over one vLLM engine, without a reward
model, in turn, round after round: chosen in the order of their numbers, which reads nothing; in
the same way while the engine is asked for the tokens' log-probabilities (`Request.token_logprobs`,
which selectors and stopping rules have set); and with `logprobs` in the request's own options, as
OpenAI documents it. Ratios are taken within a round; their median is printed with the least and
the most.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from benchmarks.overhead import N, requests
from benchmarks.pairs import Pair, add_model_flag
from bestofn import Pipeline, Ranking, Request, best_of_n, open_pipeline
from bestofn.cli.console import set_quiet
from bestofn.core.ranking import ScoredCandidate, Selection

NONE, RULES, CLIENT = "none", "read by rules", "asked by the client"


@dataclass(frozen=True, slots=True)
class AsSampled:
    """A selector that reads nothing: candidates in the order of their indices."""

    needs_rewards: ClassVar[bool] = False

    async def select(self, request: Request, accepted: Sequence[ScoredCandidate]) -> Selection:
        """See `bestofn.core.protocols.Selector`."""
        return Selection(tuple(sorted(each.index for each in accepted)), {})


def asked(batch: Sequence[Request]) -> Mapping[str, Sequence[Request]]:
    """The requests in the three ways."""
    return {
        NONE: batch,
        RULES: [replace(each, token_logprobs=True) for each in batch],
        CLIENT: [replace(each, options={"logprobs": True}) for each in batch],
    }


async def seconds(pipeline: Pipeline, batch: Sequence[Request]) -> tuple[float, list[Ranking]]:
    """The wall time of all requests at once, and what came of them."""
    started = time.perf_counter()
    rankings = await asyncio.gather(*(best_of_n(each, pipeline) for each in batch))
    return time.perf_counter() - started, rankings


def check(way: str, rankings: Sequence[Ranking]) -> int:
    """Tokens, once it is seen that the way did what it says.

    Raises:
        SystemExit: it did not.
    """
    candidates = [each.candidate for ranking in rankings for each in ranking.candidates]
    answered = [each for each in candidates if each.token_ids]
    if any((each.mean_logprob is None) != (way == NONE) for each in answered):
        raise SystemExit(f"{way}: the log-probabilities are not as they should be")
    return sum(each.completion_tokens or 0 for each in candidates)


async def timings(rounds: int, pair: Pair) -> None:
    """Print the table."""
    print(f"N = {N}; medians of {rounds} rounds; {os.cpu_count()} cores")
    print(f"| prompts | {NONE} | {RULES} | ratio | {CLIENT} | ratio |")
    print("|---:|---:|---:|---:|---:|---:|")
    async with open_pipeline(pair.settings(scoring=False)) as opened:
        pipeline = replace(opened, selector=AsSampled())
        for count in (1, 16 if pair.model is None else 4):
            rows: list[dict[str, float]] = []
            for at in range(rounds + pair.warm_up):
                ways = asked(requests(count, seed=1000 * at, limit=pair.max_tokens))
                took, tokens = {}, set()
                # each way is first in one of three rounds
                for way in (*list(ways)[at % 3 :], *list(ways)[: at % 3]):
                    took[way], rankings = await seconds(pipeline, ways[way])
                    tokens.add(check(way, rankings))
                if len(tokens) > 1:
                    raise SystemExit(f"the ways sample different tokens: {tokens}")
                rows.append(took)
            rows = rows[pair.warm_up :]
            middle = {way: statistics.median(row[way] for row in rows) for way in rows[0]}
            print(
                f"| {count} | {middle[NONE]:.3f} s | {middle[RULES]:.3f} s | {ratio(rows, RULES)} "
                f"| {middle[CLIENT]:.3f} s | {ratio(rows, CLIENT)} |",
                flush=True,
            )


def ratio(rows: Sequence[Mapping[str, float]], way: str) -> str:
    """Of one way over none."""
    ratios = [row[way] / row[NONE] for row in rows]
    return f"**{statistics.median(ratios):.2f}** ({min(ratios):.2f} to {max(ratios):.2f})"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=9)
    add_model_flag(parser)
    arguments = parser.parse_args()
    set_quiet()
    asyncio.run(timings(arguments.rounds, Pair(arguments.model)))


if __name__ == "__main__":
    main()
