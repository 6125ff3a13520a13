"""Prints what best_of_n costs above its two unavoidable parts, in one run on one machine.

    .venv/bin/python -m benchmarks.overhead [--rounds 9] [--model FOLDER]

The parts are the bare engine sampling as many candidates (one n=N request per prompt, straight to
AsyncLLM) and the bare reward model scoring the very texts that best_of_n scored, in unpadded
forwards (one text each, ids made beforehand, transformers' own class). The three are timed in
turn, round after round, with the seeds that make best_of_n and the bare engine sample the same
tokens; the ratio is taken within each round and its median is printed. Each part's peak memory (PSS
of the process and its children: shared pages count once) is measured in a process of its own.
With --model the pair is a real model's, see `benchmarks.pairs`; its memory is not measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

import psutil
import torch

from benchmarks.bare import BareRewardModel
from benchmarks.pairs import Pair, add_model_flag
from bestofn import Pipeline, Ranking, Request, best_of_n, embedded, open_pipeline
from bestofn.cli.console import set_quiet
from bestofn.generators.vllm import VllmGenerator

N = 8
PROMPTS = (
    "What is 7 + 5?",
    "I have 7 shells and find 3 more. How many shells do I have now?",
    "Arrange the numbers 6, 4, 9 in descending order.",
    "7和2哪个大？",
)
PARTS = ("sampling", "scoring", "best_of_n")


def requests(count: int, seed: int, limit: int | None = None) -> list[Request]:
    """`count` requests of N candidates of at most `limit` tokens, whose seeds do not meet."""
    return [
        Request.from_prompt(
            PROMPTS[at % len(PROMPTS)],
            best_of=N,
            temperature=1.0,
            max_tokens=limit,
            seed=seed + N * at,
        )
        for at in range(count)
    ]


async def sample_bare(
    generator: VllmGenerator, batch: Sequence[Request], limit: int
) -> tuple[float, int]:
    """Seconds and tokens of one n=N request per prompt, templating and detokenising included."""
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    llm = generator.engine.llm

    async def one(request: Request) -> int:
        ids = llm.get_tokenizer().apply_chat_template(
            list(request.messages), add_generation_prompt=True, return_dict=False
        )
        params = SamplingParams(
            n=N,
            temperature=1.0,
            seed=request.seed,
            max_tokens=limit,
            output_kind=RequestOutputKind.FINAL_ONLY,
        )
        prompt = {"prompt_token_ids": ids}
        async for output in llm.generate(prompt, params, f"bare-{request.id}"):
            final = output
        return sum(len(each.token_ids) for each in final.outputs)

    started = time.perf_counter()
    tokens = sum(await asyncio.gather(*map(one, batch)))
    return time.perf_counter() - started, tokens


def scored_texts(rankings: Sequence[Ranking]) -> list[tuple[str, str]]:
    """Every distinct prompt and answer that was scored."""
    return sorted(
        {
            (ranking.request.last_user_text, each.text)
            for ranking in rankings
            for each in ranking.ranked
        }
    )


def embedded_limit() -> int:
    """The embedded generator's own limit on completion tokens."""
    path = embedded.generator_path() / "generation_config.json"
    return int(json.loads(path.read_text())["max_new_tokens"])


async def run_ours(pipeline: Pipeline, batch: Sequence[Request]) -> tuple[float, list[Ranking]]:
    """Seconds and rankings of best_of_n over all requests at once."""
    started = time.perf_counter()
    rankings = await asyncio.gather(*(best_of_n(each, pipeline) for each in batch))
    return time.perf_counter() - started, rankings


async def timings(rounds: int, pair: Pair) -> None:
    """Print the table of ratios."""
    print(f"N = {N}; medians of {rounds} rounds; {os.cpu_count()} cores, torch {torch.__version__}")
    print(
        "| prompts | bare sampling | bare scoring | best_of_n | tokens ours / bare "
        "| best_of_n / (sampling + scoring) | best_of_n / sampling |"
    )
    print("|---|---|---|---|---|---|---|")
    bare = BareRewardModel.load(pair.reward())
    limit = pair.max_tokens or embedded_limit()
    async with open_pipeline(pair.settings()) as pipeline:
        assert isinstance(pipeline.generator, VllmGenerator)
        for count in (1, 16 if pair.model is None else 4):
            rows = []
            for at in range(rounds + pair.warm_up):
                batch = requests(count, seed=1000 * at, limit=pair.max_tokens)
                ours, rankings = await run_ours(pipeline, batch)
                sampling, tokens = await sample_bare(pipeline.generator, batch, limit)
                scoring = bare.score(scored_texts(rankings))
                mine = sum(ranking.usage.completion_tokens or 0 for ranking in rankings)
                rows.append((sampling, scoring, ours, mine / tokens))
            rows = rows[pair.warm_up :]
            both = [ours / (sampling + scoring) for sampling, scoring, ours, _ in rows]
            alone = [ours / sampling for sampling, _, ours, _ in rows]
            columns = [statistics.median(column) for column in zip(*rows, strict=True)]
            print(
                f"| {count} | {columns[0]:.3f} s | {columns[1]:.3f} s | {columns[2]:.3f} s "
                f"| {columns[3]:.2f} | **{statistics.median(both):.2f}** "
                f"({min(both):.2f} to {max(both):.2f}) | {statistics.median(alone):.2f} |",
                flush=True,
            )


async def work(part: str) -> None:
    """Do one part alone, for its memory."""
    batch = requests(16, seed=0)
    if part == "scoring":
        bare = BareRewardModel.load()
        text = ("a question of some forty tokens " * 6).strip()
        bare.score([(text, text)] * 64)
        return
    async with open_pipeline(Pair().settings(scoring=part == "best_of_n")) as pipeline:
        assert isinstance(pipeline.generator, VllmGenerator)
        if part == "sampling":
            await sample_bare(pipeline.generator, batch, embedded_limit())
        else:
            await run_ours(pipeline, batch)


def peak_memory(part: str) -> float:
    """MiB that `work(part)` takes at most, its child processes included."""
    command = [sys.executable, "-m", "benchmarks.overhead", "--part", part]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    root, peak = psutil.Process(process.pid), 0
    while process.poll() is None:
        total = 0
        try:
            for each in [root, *root.children(recursive=True)]:
                total += each.memory_full_info().pss
        except psutil.Error:
            continue  # a process ended between listing and reading
        peak = max(peak, total)
        time.sleep(0.1)
    if process.returncode:
        raise SystemExit(f"the part {part} failed: run {' '.join(command)}")
    return peak / 2**20


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=9)
    add_model_flag(parser)
    parser.add_argument("--part", choices=PARTS, help="do one part alone, print nothing")
    arguments = parser.parse_args()
    set_quiet()
    if arguments.part:
        asyncio.run(work(arguments.part))
        return
    pair = Pair(arguments.model)
    asyncio.run(timings(arguments.rounds, pair))
    if pair.model is not None:
        return
    peaks = "; ".join(f"{part} {peak_memory(part):.0f} MiB" for part in PARTS)
    print(f"\npeak memory, engine processes included: {peaks}")


if __name__ == "__main__":
    main()
