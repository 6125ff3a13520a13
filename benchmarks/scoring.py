"""Prints what scoring N candidates of one prompt costs, over the least that it could, in one run.

    python -m benchmarks.scoring [--threads 1 --threads 2] [--rounds 5] [--compile] [--vllm]
    python -m benchmarks.scoring --shape 8b --dtype bfloat16          # on a GPU
    python -m benchmarks.scoring --model FOLDER --rounds 2            # a real model's trunk

P is the prompt's tokens, R the mean of the answers', drawn evenly from R/3 to 5R/3. The floor is
one unpadded forward, through the same trunk, of P + sum(R) tokens: as many as have to be computed
if the prompt is computed once. Its attention spans them all, so a ratio may be below 1. The ways
are timed in turn, round after round; ratios are taken within a round, and their median is printed
with the least and the largest. Every way has to find the rewards of the first, to a tolerance.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import os
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch

from benchmarks.pairs import add_model_flag
from benchmarks.scoring_vllm import temporary, vllm_way
from benchmarks.scoring_ways import VOCABULARY, Random, Texts, Way
from bestofn.rewards.local.token_budget import CPU_BATCH_TOKENS
from bestofn.settings.rewards import MAX_BATCH_TOKENS

CASES = ((400, 180, 16), (1500, 180, 16), (100, 300, 8), (50, 50, 64))
"""(P, R, N)."""

CASES_OF_A_MODEL = ((400, 60, 8), (100, 60, 16))
"""The same for a real model's trunk with a random head, which a CPU takes seconds for."""


def texts_of(prompt: int, answer: int, count: int) -> tuple[Texts, int]:
    """The texts, and the tokens that have to be computed."""
    drawn = random.Random(prompt)

    def some(tokens: int) -> list[int]:
        return [drawn.randrange(VOCABULARY) for _ in range(tokens)]

    shared = some(prompt)
    answers = [some(drawn.randint(answer // 3, answer * 5 // 3)) for _ in range(count)]
    return [shared + each for each in answers], prompt + sum(map(len, answers))


def measure(
    model: Random, ways: dict[str, Way], texts: Texts, tokens: int, rounds: int
) -> dict[str, list[float]]:
    """Ratios to the floor, one for each round, and the seconds of the floor itself."""
    expected = ways["one by one"](texts)
    tolerance = 1e-4 if model.trunk.dtype == torch.float32 else 0.3
    for name, way in ways.items():  # warms up, too
        worst = max(abs(a - b) for a, b in zip(way(texts), expected, strict=True))
        if worst > tolerance:
            raise SystemExit(f"{name} differs by {worst:.2g}")
    model.floor(tokens)
    found: dict[str, list[float]] = {"floor": [], **{name: [] for name in ways}}
    for _ in range(rounds):
        floor = _seconds(lambda: model.floor(tokens))
        found["floor"].append(floor)
        for name, way in ways.items():
            found[name].append(_seconds(functools.partial(way, texts)) / floor)
    return found


def _seconds(act: object) -> float:
    assert callable(act)
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def run(arguments: argparse.Namespace) -> None:
    """One table, on the threads this process has."""
    cuda = torch.cuda.is_available()
    device = "cuda" if cuda else "cpu"
    dtype = getattr(torch, arguments.dtype)
    budget = MAX_BATCH_TOKENS if cuda else CPU_BATCH_TOKENS
    if arguments.model is None:
        model = Random.of(arguments.shape, device, dtype, budget)
    else:
        model = Random.on_trunk(arguments.model, device, dtype, budget)
    ways = dict(model.ways())
    if arguments.compile:
        ways["bestofn, compiled"] = model.compiled()
    with contextlib.ExitStack() as stack:
        if arguments.vllm:
            ways["vLLM, pooling"] = vllm_way(model, Path(stack.enter_context(temporary())))
        where = torch.cuda.get_device_name() if cuda else f"{torch.get_num_threads()} thread(s)"
        named = arguments.model.name if arguments.model else f"shape {arguments.shape}"
        print(f"\n{where}, {named}, {arguments.dtype}, medians over the floor\n")
        print("| P, R, N | floor | " + " | ".join(ways) + " |")
        print("|---|---:" + "|---:" * len(ways) + "|")
        for case in CASES if arguments.model is None else CASES_OF_A_MODEL:
            texts, tokens = texts_of(*case)
            found = measure(model, ways, texts, tokens, arguments.rounds)
            if arguments.raw:
                print(json.dumps({"case": case, **found}), file=sys.stderr)
            cells = [_cell(found[name]) for name in ways]
            floor = statistics.median(found["floor"])
            print(f"| {', '.join(map(str, case))} | {floor:.3f} s | {' | '.join(cells)} |")
            sys.stdout.flush()


def _cell(ratios: list[float]) -> str:
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def main() -> None:
    """The command line; each number of threads in a process of its own."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--shape", choices=("small", "8b"), default="small")
    add_model_flag(parser)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, action="append", help="may be given several times")
    parser.add_argument("--compile", action="store_true", help="ours with reward.compile too")
    parser.add_argument("--vllm", action="store_true", help="its pooling engine too")
    parser.add_argument("--raw", action="store_true", help="every ratio, on standard error")
    arguments = parser.parse_args()
    if not arguments.threads:
        run(arguments)
        return
    for threads in arguments.threads:
        command = [sys.executable, "-m", "benchmarks.scoring"]
        command += [f"--shape={arguments.shape}", f"--dtype={arguments.dtype}"]
        command += [f"--rounds={arguments.rounds}"]
        command += [] if arguments.model is None else [f"--model={arguments.model}"]
        command += [f"--{flag}" for flag in ("compile", "vllm", "raw") if getattr(arguments, flag)]
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        subprocess.run(command, check=True, env=environment)


if __name__ == "__main__":
    main()
