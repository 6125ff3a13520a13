"""Wall time and tokens of requests with and without a stopping rule, sampled and not replayed.

    python -m benchmarks.live --model FOLDER [--questions 30] [--best-of 16] [--place engine]

The model (`python -m benchmarks.real_model` makes one) answers the questions of
`benchmarks.questions` on vLLM in this process, and over an upstream, which is vLLM's own server.
Each question is asked with every rule in turn, alone, in an order that rotates. Tokens are all that
the engine generated, those of aborted candidates too: in process as the ranking counts them, over
the upstream as the server does. Shares are of the same questions without a rule.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import generated_tokens
from benchmarks.questions import LANGUAGES
from benchmarks.real_model import ENGINE_ARGS, ENVIRONMENT, serving
from benchmarks.recorded_run import Problem, asked
from bestofn import Pipeline, Request, Settings, best_of_n, open_pipeline
from bestofn.builders.choosing import build_answer_key
from bestofn.builders.stopping import stopped_by
from bestofn.cli.console import set_quiet
from bestofn.settings.sections import AnswerKeySettings
from bestofn.settings.stopping import StopSettings

RULES = {
    "none": StopSettings(),
    "auto": StopSettings(rule="auto"),
    "auto, waves of 4": StopSettings(rule="auto", waves=4),
    "accepted: 3 of 4": StopSettings(rule="accepted", count=12),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: how long it took, what was generated, and whether the winner is right."""

    seconds: float
    tokens: int
    right: bool


@contextlib.asynccontextmanager
async def opened(model: Path, place: str) -> AsyncIterator[tuple[Pipeline, str | None]]:
    """A pipeline without a reward model, and the URL of its upstream."""
    policy = {"on_exhausted": "best_rejected", "max_rounds": 1}
    if place == "engine":
        os.environ.update(ENVIRONMENT)
        settings = Settings.load(
            model=str(model),
            reward_model="none",
            policy=policy,
            engine="vllm",
            engine_args=[*ENGINE_ARGS],
        )
        async with open_pipeline(settings) as pipeline:
            yield pipeline, None
        return
    with serving(model) as url:
        settings = Settings.load(upstream=[url], reward_model="none", policy=policy)
        async with open_pipeline(settings) as pipeline:
            yield pipeline, url


async def ask(pipeline: Pipeline, problem: Problem, best_of: int, url: str | None) -> Asked:
    """Ask once, alone."""
    request = Request(
        messages=problem.messages,
        best_of=best_of,
        temperature=1.0,
        max_tokens=problem.max_tokens,
    )
    before = 0 if url is None else await generated_tokens(url)
    started = time.perf_counter()
    ranking = await best_of_n(request, pipeline)
    seconds = time.perf_counter() - started
    counted = ranking.usage.completion_tokens or 0
    tokens = counted if url is None else await generated_tokens(url) - before
    assert ranking.winner is not None
    return Asked(seconds, tokens, problem.is_right(ranking.winner.text))


async def measure(model: Path, place: str, problems: Sequence[Problem], best_of: int) -> None:
    """Print the rows of one place."""
    found: dict[str, list[Asked]] = {name: [] for name in RULES}
    async with opened(model, place) as (pipeline, url):
        key = build_answer_key(AnswerKeySettings())
        ways = {name: stopped_by(stop, key, pipeline) for name, stop in RULES.items()}
        for name in RULES:  # to warm up
            await ask(ways[name], problems[-1], best_of, url)
        for at, problem in enumerate(problems):
            turn = at % len(RULES)
            names = [*RULES][turn:] + [*RULES][:turn]
            for name in names:
                found[name].append(await ask(ways[name], problem, best_of, url))
    whole = found["none"]
    for name, rows in found.items():
        ratios = [one.seconds / other.seconds for one, other in zip(rows, whole, strict=True)]
        tokens = sum(row.tokens for row in rows)
        print(
            f"| {place} | {name} | {statistics.fmean(row.right for row in rows):.0%} "
            f"| {tokens / len(rows):.0f} | {tokens / sum(row.tokens for row in whole):.2f} "
            f"| {statistics.median(row.seconds for row in rows):.2f} s "
            f"| {sum(row.seconds for row in rows) / sum(row.seconds for row in whole):.2f} "
            f"| {statistics.median(ratios):.2f} |",
            flush=True,
        )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--questions", type=int, default=30)
    parser.add_argument("--best-of", type=int, default=16)
    parser.add_argument("--languages", nargs="+", choices=LANGUAGES, default=["en", "zh"])
    parser.add_argument("--examples", action="store_true", help="before them: answers are short")
    parser.add_argument("--place", choices=("engine", "upstream"), help="default: both")
    given = parser.parse_args()
    set_quiet()
    print(f"{given.questions} questions, best of {given.best_of}, one request at a time")
    print("| where | stop | right | tokens | share | median time | all time | median of ratios |")
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    problems = asked(given.questions, given.languages, short=given.examples)
    for place in (given.place,) if given.place else ("engine", "upstream"):
        asyncio.run(measure(given.model, place, problems, given.best_of))


if __name__ == "__main__":
    main()
