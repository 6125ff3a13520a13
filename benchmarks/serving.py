"""Prints what the service costs, beside bare vLLM and over an upstream without a model, in one run.

    .venv/bin/python -m benchmarks.serving [--rounds 3] [--part engine | upstream] [--model FOLDER]

engine: 16 clients ask vLLM's own server for n = N and `bestofn serve` for best_of = N, in turn,
with the seeds that make both sample the same tokens; each client asks again once it is answered.
The bare scoring is one unpadded forward of transformers' own class for every text that the service
scored. The ratio is the service's time over the sum of the other two.

upstream: the upstream is `benchmarks.stub`, whose every answer takes 50 ms. Clients ask it for n =
8, and then `bestofn serve --upstream` for best_of = 8. With `ignores n` the stub gives one choice
however many are asked for, so that every candidate is a request of its own.

Servers and clients share the machine. With --model the pair is a real model's (`benchmarks.pairs`),
with 4 clients and 12 requests a round; the part `engine` alone is run.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
from typing import Any

from benchmarks.bare import BareRewardModel
from benchmarks.load import Load, closed_loop
from benchmarks.pairs import Pair, add_model_flag
from benchmarks.processes import VLLM, running
from bestofn.vllm_engine.arguments import CPU_DEFAULTS

PROMPTS = (
    "What is 7 + 5?",
    "I have 7 shells and find 3 more. How many shells do I have now?",
    "Arrange the numbers 6, 4, 9 in descending order.",
    "7和2哪个大？",
)
CLIENTS = 16
SIZES = (1, 4, 8, 16)
PER_ROUND = 96
STUB_REQUESTS = {1: 60, 4: 240, 32: 1500}
"""Requests per number of clients in a round."""


def bodies(count: int, seed: int, limit: int | None, **fields: Any) -> list[dict[str, Any]]:
    """`count` requests whose candidates' seeds do not meet."""
    return [
        {
            "messages": [{"role": "user", "content": PROMPTS[at % len(PROMPTS)]}],
            "temperature": 1.0,
            "seed": seed + max(SIZES) * at,
            **({} if limit is None else {"max_tokens": limit}),
            **fields,
        }
        for at in range(count)
    ]


def scored(answers: list[dict[str, Any]], asked: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """The prompts and answers that the service scored: each request's distinct ones."""
    pairs = []
    for body, answer in zip(asked, answers, strict=True):
        candidates = answer.get("bestofn", {}).get("candidates", ())
        texts = {each["text"] for each in candidates if each["reward"] is not None}
        pairs += [(body["messages"][0]["content"], text) for text in sorted(texts)]
    return pairs


def tokens(load: Load) -> int:
    """All that were sampled."""
    return sum(answer["usage"]["completion_tokens"] for answer in load.answers)


def latencies(load: Load) -> str:
    """Percentiles in milliseconds."""
    return " / ".join(f"{1000 * load.percentile(percent):.0f}" for percent in (50, 95, 99))


async def engine(rounds: int, pair: Pair) -> None:
    """Print a row per N."""
    quiet = {**pair.environment, "VLLM_LOGGING_LEVEL": "ERROR", "HF_HUB_OFFLINE": "1"}
    flags = ["--model", str(pair.generator), *pair.engine_args, *CPU_DEFAULTS]
    bare_model = BareRewardModel.load(pair.reward())
    clients, per_round = CLIENTS, PER_ROUND
    sizes: tuple[int, ...] = SIZES
    if pair.model is not None:
        clients, per_round, sizes = 4, 12, (1, 8)
    print(f"{clients} clients, {per_round} requests a round")
    print(
        "| N | vLLM, n = N | p50 / p95 / p99 ms | bestofn, best_of = N | p50 / p95 / p99 ms "
        "| bare scoring | tokens, bestofn / vLLM | bestofn / (vLLM + scoring) |"
    )
    print("|---:|---:|---:|---:|---:|---:|---:|---:|")
    with (
        running(VLLM, *flags, environment=quiet) as vllm,
        running("bestofn", "serve", *pair.serve_flags()) as service,
    ):
        for n in sizes:
            rows = []
            for at in range(rounds + 1):
                seed = 100_000 * at
                bare = await closed_loop(
                    vllm, bodies(per_round, seed, pair.max_tokens, n=n), clients
                )
                report = {"return_candidates": "full", "on_exhausted": "best_rejected"}
                # best_of 1 is passed through where nothing else is asked for
                ranked = {"bestofn": report} if n > 1 else {}
                asked = bodies(per_round, seed, pair.max_tokens, best_of=n, **ranked)
                ours = await closed_loop(service, asked, clients)
                scoring = bare_model.score(scored(ours.answers, asked))
                rows.append((bare, ours, scoring, ours.seconds / (bare.seconds + scoring)))
            rows = rows[1:]  # the first warms up caches and threads
            ratios = sorted(row[3] for row in rows)
            bare, ours, scoring, _ = min(
                rows, key=lambda row: abs(row[3] - statistics.median(ratios))
            )
            print(
                f"| {n} | {bare.rate:.1f}/s | {latencies(bare)} | {ours.rate:.1f}/s "
                f"| {latencies(ours)} | {scoring:.2f} s | {tokens(ours) / tokens(bare):.2f} "
                f"| **{statistics.median(ratios):.2f}** ({ratios[0]:.2f} to {ratios[-1]:.2f}) |",
                flush=True,
            )


async def upstream(rounds: int, *, ignores_n: bool) -> None:
    """Print a row per number of clients."""
    stub_flags = ["--ignores-n"] if ignores_n else []
    message = {"role": "user", "content": PROMPTS[0]}
    n = 8
    with (
        running("benchmarks.stub", *stub_flags) as stub,
        running("bestofn", "serve", "--upstream", stub, "--reward-model", "none") as service,
    ):
        await closed_loop(service, [{"messages": [message], "best_of": n}] * 100, 8)
        for clients, count in STUB_REQUESTS.items():
            added, rates = [], []
            for _ in range(rounds):
                asked = [{"messages": [message], "n": n}] * count
                bare = await closed_loop(stub, asked, clients)
                asked = [{"messages": [message], "best_of": n}] * count
                ours = await closed_loop(service, asked, clients)
                added.append(1000 * (ours.percentile(50) - bare.percentile(50)))
                rates.append(ours.rate)
            print(
                f"| {'ignores n' if ignores_n else 'honours n'} | {clients} "
                f"| {statistics.median(added):.1f} ms | {statistics.median(rates):.0f}/s |",
                flush=True,
            )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    add_model_flag(parser)
    parser.add_argument("--part", choices=("engine", "upstream"))
    arguments = parser.parse_args()
    print(f"medians of {arguments.rounds} rounds; {os.cpu_count()} cores\n")
    pair = Pair(arguments.model)
    if arguments.part != "upstream":
        asyncio.run(engine(arguments.rounds, pair))
    if arguments.part != "engine" and pair.model is None:
        print("\nN = 8\n| upstream | clients | added to the median | requests |")
        print("|---|---:|---:|---:|")
        for ignores_n in (False, True):
            asyncio.run(upstream(arguments.rounds, ignores_n=ignores_n))


if __name__ == "__main__":
    main()
