"""The table of answer quality against N, for the embedded pair on held-out prompts.

Every prompt goes once through `best_of_n` with N = 16, with the default filters. What a smaller N
would have given is then computed over all subsets of the 16, without sampling them:

- random: any candidate, so the share of right ones.
- random accepted: any accepted candidate of the subset; where it has none, any rejected one.
- reward: the accepted candidate that the pipeline ranked first in the subset; where the subset has
  no accepted one, any rejected one (rejected candidates have no reward, and a real run would sample
  again or score them).
- oracle: right as soon as one candidate of the subset is, accepted or not.

"way" is (reward - random) / (oracle - random): the share of what choosing can gain that was gained.
Right is what `training.world.is_correct` says: the value, and a complete answer without
loops in the language of the prompt.

    python -m benchmarks.quality [--prompts 300] [--seed 0] [--engine auto]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass
from math import comb

from bestofn import Request
from bestofn.builders.pipeline import open_pipeline
from bestofn.cli.console import set_quiet
from bestofn.core.best_of_n import best_of_n
from bestofn.core.ranking import Ranking
from bestofn.settings.sections import PolicySettings
from bestofn.settings.settings import Settings
from training.world import Task, held_out_tasks, is_correct

SAMPLED = 16
SIZES = (1, 2, 4, 8, 16)
CONCURRENT = 8
MAX_TOKENS = 200
"""Enough for every complete answer of the world; only loops are longer."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One prompt's candidates: whether each is right, the accepted ones best first."""

    kind: str
    accepted: tuple[bool, ...]
    rejected: tuple[bool, ...]

    @property
    def right(self) -> int:
        """How many of all candidates are right."""
        return sum(self.accepted) + sum(self.rejected)


def accuracies(outcome: Outcome, n: int) -> dict[str, float]:
    """The chance that each way of choosing gives a right answer, over all subsets of size `n`."""
    total = len(outcome.accepted) + len(outcome.rejected)
    subsets = comb(total, n)
    none_accepted = comb(len(outcome.rejected), n) / subsets
    any_rejected = none_accepted * _share(outcome.rejected)
    # The accepted candidate at place i is chosen by the subsets that hold it and none before it.
    by_reward = sum(
        comb(total - 1 - place, n - 1) / subsets
        for place, right in enumerate(outcome.accepted)
        if right
    )
    return {
        "random": outcome.right / total,
        "random accepted": (1 - none_accepted) * _share(outcome.accepted) + any_rejected,
        "reward": by_reward + any_rejected,
        "oracle": 1 - comb(total - outcome.right, n) / subsets,
    }


def _share(right: tuple[bool, ...]) -> float:
    return sum(right) / len(right) if right else 0.0


def outcome_of(task: Task, ranking: Ranking) -> Outcome:
    """What a ranking says of its task; candidates that failed count as rejected."""
    accepted = [c for c in ranking.ranked if c.accepted]
    others = [c for c in ranking.candidates if not c.accepted]
    return Outcome(
        f"{task.kind} {task.language}",
        tuple(is_correct(task, c.text) for c in accepted),
        tuple(is_correct(task, c.text) for c in others),
    )


async def measure(
    prompts: int, seed: int, settings: Settings
) -> tuple[list[Outcome], Counter[str]]:
    """The outcomes of `prompts` held-out prompts, and how often each rejection reason came."""
    reasons: Counter[str] = Counter()
    gate = asyncio.Semaphore(CONCURRENT)
    async with open_pipeline(settings) as pipeline:

        async def one(number: int, task: Task) -> Outcome:
            request = Request.from_prompt(
                task.prompt,
                best_of=SAMPLED,
                temperature=1.0,
                max_tokens=MAX_TOKENS,
                seed=seed + number * SAMPLED,
            )
            async with gate:
                ranking = await best_of_n(request, pipeline)
            reasons.update(ranking.rejected)
            reasons.update(ranking.failed)
            return outcome_of(task, ranking)

        tasks = held_out_tasks(prompts, seed)
        outcomes = await asyncio.gather(*(one(i, task) for i, task in enumerate(tasks)))
    return list(outcomes), reasons


def table(outcomes: list[Outcome]) -> dict[int, dict[str, float]]:
    """The mean of `accuracies` per N, and the way from random to oracle."""
    rows = {}
    for n in SIZES:
        each = [accuracies(outcome, n) for outcome in outcomes]
        row = {name: sum(one[name] for one in each) / len(each) for name in each[0]}
        gain = row["oracle"] - row["random"]
        rows[n] = {**row, "way": (row["reward"] - row["random"]) / gain if gain else 0.0}
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality")
    parser.add_argument("--prompts", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--engine", choices=("auto", "vllm", "transformers"), default="auto")
    parser.add_argument("--json", action="store_true", help="print the table as JSON")
    arguments = parser.parse_args()
    set_quiet()
    settings = Settings(
        engine=arguments.engine,
        policy=PolicySettings(on_exhausted="best_rejected", max_rounds=1),
    )
    started = time.monotonic()
    outcomes, reasons = asyncio.run(measure(arguments.prompts, arguments.seed, settings))
    rows = table(outcomes)
    if arguments.json:
        print(json.dumps(rows, indent=1))
        return
    print(f"{len(outcomes)} held-out prompts, {SAMPLED} candidates each, temperature 1")
    print("\n|  N | random | random accepted | reward | oracle | way from random to oracle |")
    print("|---:|---:|---:|---:|---:|---:|")
    for n, row in rows.items():
        cells = (f"{row[name]:.1%}" for name in ("random", "random accepted", "reward", "oracle"))
        way = f"{row['way']:.1%}" if n > 1 else "-"
        print(f"| {n} | {' | '.join(cells)} | {way} |")
    print("\n| kind | prompts | random | reward at 8 | oracle at 8 |\n|---|---:|---:|---:|---:|")
    for kind in sorted({outcome.kind for outcome in outcomes}):
        own = [outcome for outcome in outcomes if outcome.kind == kind]
        row = table(own)[8]
        print(
            f"| {kind} | {len(own)} | {row['random']:.1%} | {row['reward']:.1%} "
            f"| {row['oracle']:.1%} |"
        )
    total = SAMPLED * len(outcomes)
    print("\nrejected: " + ", ".join(f"{r} {n / total:.1%}" for r, n in reasons.most_common()))
    print(f"took {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
