"""bestofn beside its_hub and optillm: the same questions over the same upstream, by turns.

    python -m benchmarks.peers --model FOLDER [--questions 24] [--sizes 8 16] [--record FILE]
    python -m benchmarks.peers --recorded RUN        # over candidates that were sampled before
    python -m benchmarks.peers --latency             # what each adds, over a stub of 50 ms

The upstream is vLLM's own server with that model (`python -m benchmarks.real_model` makes one), or
what `benchmarks.choosing` recorded of it, served by `benchmarks.recorded_upstream`: there all
choose among the same candidates, and only optillm's bon, which asks the model to rate, has no part.
The questions are those of `benchmarks.questions`.

The peers run their own classes in an environment of their own, which is made in a temporary folder
from the package index and thrown away: its_hub with what it requires, optillm with what its two
approaches import, since all that it requires brings torch with CUDA. For each question and N every
way is asked once, alone, in an order that rotates, so that none has the quieter minutes. Nothing
has a seed.

Tokens are those that the server says it has generated, what was aborted and what rates answers
included. With `--record` each answer is kept as it comes, and the same command goes on where it
ended; `--seconds` ends it before, at a whole question.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from benchmarks.peers_process import PEERS, RATES, Peers, environment, peers
from benchmarks.processes import generated_tokens, running
from benchmarks.questions import questions
from benchmarks.real_model import serving
from benchmarks.recorded_upstream import MODEL as RECORDED
from bestofn import Pipeline, Request, Settings, best_of_n, open_pipeline
from bestofn.cli.console import set_quiet
from bestofn.settings.stopping import StopSettings
from bestofn.tuning.compare import share_interval

SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
"""The system message that the model's own template adds: optillm sends one of its own otherwise."""

MAX_TOKENS = 48
OURS = {
    "bestofn": StopSettings(),
    "bestofn, stop auto": StopSettings(rule="auto"),
    "bestofn, stop auto, waves of 4": StopSettings(rule="auto", waves=4),
}
ONE = "one sample"

Ask = Callable[[str, str, int], Awaitable[Mapping[str, Any]]]
"""From a model's name, a prompt and N to the answer's text and the seconds it took."""


async def ask_once(pipeline: Pipeline, model: str, prompt: str, n: int) -> Mapping[str, Any]:
    """One sample, whatever N is."""
    return await ask_us(pipeline, model, prompt, 1)


async def ask_us(pipeline: Pipeline, model: str, prompt: str, n: int) -> Mapping[str, Any]:
    """bestofn's answer."""
    request = Request.from_prompt(
        prompt,
        system=SYSTEM,
        best_of=n,
        temperature=1.0,
        max_tokens=MAX_TOKENS,
        options={"model": model},
    )
    started = time.perf_counter()
    ranking = await best_of_n(request, pipeline)
    assert ranking.winner is not None
    return {"text": ranking.winner.text, "seconds": time.perf_counter() - started}


async def ask_them(worker: Peers, way: str, model: str, prompt: str, n: int) -> Mapping[str, Any]:
    """The answer of one of the peers' ways."""
    return await asyncio.to_thread(worker.ask, way, model, prompt, n)


async def opened_ways(
    stack: contextlib.AsyncExitStack, url: str, python: Path
) -> Mapping[str, Ask]:
    """Every way by its name, ready to be asked."""
    worker = stack.enter_context(peers(python, url, SYSTEM, MAX_TOKENS))
    ways: dict[str, Ask] = {}
    for name, stop in OURS.items():
        settings = Settings.load(
            upstream=[url], reward_model="none", stop=stop, policy={"on_exhausted": "best_rejected"}
        )
        pipeline = await stack.enter_async_context(open_pipeline(settings))
        ways[name] = partial(ask_us, pipeline)
        ways.setdefault(ONE, partial(ask_once, pipeline))
    for name in PEERS:
        ways[name] = partial(ask_them, worker, name)
    return ways


async def ask_all(ways: Mapping[str, Ask], url: str, path: Path, given: argparse.Namespace) -> None:
    """Ask what is not in the record yet, and record it."""
    model = httpx.get(f"{url}/v1/models").raise_for_status().json()["data"][0]["id"]
    asked = questions()[: given.questions]
    done = {(row["question"], row["n"]) for row in read(path)}
    left = [(at, n) for at in range(len(asked)) for n in given.sizes if (at, n) not in done]
    for name, way in ways.items() if left else ():
        # What is loaded, connected and found out once is no part of it.
        await way(_drawing(model, f"{name} first"), asked[0].prompt, 2)
    until = time.monotonic() + given.seconds
    for at, n in left:
        if time.monotonic() > until:
            return
        names = [*ways]
        turn = at % len(names)
        rows = []
        for name in [*names[turn:], *names[:turn]]:
            before = await generated_tokens(url)
            told = await ways[name](_drawing(model, f"{name} {n}"), asked[at].prompt, n)
            tokens = await generated_tokens(url) - before
            right = asked[at].is_right(told["text"])
            rows.append({"question": at, "n": n, "way": name, "right": right, "tokens": tokens})
            rows[-1] |= {"seconds": told["seconds"], "text": told["text"]}
        with path.open("a", encoding="utf-8") as lines:
            lines.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _drawing(model: str, name: str) -> str:
    """The model's name; of recorded candidates each way at each N draws on its own."""
    return f"{model}/{name}" if model == RECORDED else model


def read(path: Path) -> list[dict[str, Any]]:
    """The record so far."""
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def report(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print a table for each N."""
    for n in sorted({row["n"] for row in rows}):
        by_way: dict[str, dict[int, Mapping[str, Any]]] = {}
        for row in rows:
            if row["n"] == n:
                by_way.setdefault(row["way"], {})[row["question"]] = row
        ours = by_way[next(iter(OURS))]
        print(f"\nN = {n}, {len(ours)} questions")
        print("| way | right | 95 % | bestofn less it | tokens a question | median seconds |")
        print("|---|---:|---:|---:|---:|---:|")
        for way in (each for each in (ONE, *OURS, *PEERS) if each in by_way):
            found = by_way[way]
            right = [float(found[at]["right"]) for at in sorted(found)]
            low, high = share_interval(right)
            gaps = [float(ours[at]["right"]) - float(found[at]["right"]) for at in sorted(found)]
            error = statistics.stdev(gaps) / len(gaps) ** 0.5
            tokens = statistics.fmean(row["tokens"] for row in found.values())
            seconds = statistics.median(row["seconds"] for row in found.values())
            print(
                f"| {way} | {statistics.fmean(right):.1%} | {low:.0%} to {high:.0%} "
                f"| {100 * statistics.fmean(gaps):+.1f} ± {200 * error:.1f} "
                f"| {tokens:.0f} | {seconds:.2f} |"
            )


async def latency(python: Path, rounds: int) -> None:
    """Print what each way adds to a server that takes 50 ms for an answer."""
    with running("benchmarks.stub") as url:
        async with contextlib.AsyncExitStack() as stack:
            ways = await opened_ways(stack, url, python)
            http = await stack.enter_async_context(httpx.AsyncClient())
            body = {"messages": [{"role": "user", "content": "What is 8 - 5?"}], "n": 8}

            async def bare(model: str, prompt: str, n: int) -> Mapping[str, Any]:
                started = time.perf_counter()
                (await http.post(f"{url}/v1/chat/completions", json=body)).raise_for_status()
                return {"seconds": time.perf_counter() - started}

            names = {"the stub, n = 8": bare, **{each: ways[each] for each in (*OURS, *PEERS)}}
            took: dict[str, list[float]] = {name: [] for name in names}
            for at in range(rounds + 2):  # two to warm up
                for name, way in names.items():
                    told = await way("stub", f"What is {at} - 5?", 8)
                    took[name].append(told["seconds"])
    medians = {name: statistics.median(times[2:]) for name, times in took.items()}
    base = medians["the stub, n = 8"]
    print(f"\nN = 8, medians of {rounds} rounds\n| over a stub of 50 ms | seconds | added |")
    print("|---|---:|---:|")
    for name, median in medians.items():
        print(f"| {name} | {median:.3f} | {1000 * (median - base):.0f} ms |")


async def measure(given: argparse.Namespace, python: Path) -> None:
    """Ask over the upstream, and print the tables."""
    path = given.record or Path(tempfile.mkdtemp()) / "peers.jsonl"
    if given.recorded is None:
        server = serving(given.model)
    else:
        server = running("benchmarks.recorded_upstream", f"--record={given.recorded}")
    with server as url:
        async with contextlib.AsyncExitStack() as stack:
            ways = dict(await opened_ways(stack, url, python))
            if given.recorded is not None:
                del ways[RATES]
            await ask_all(ways, url, path, given)
    report(read(path))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--model", type=Path, help="a folder that vLLM serves")
    what.add_argument("--recorded", type=Path, help="a run of benchmarks.choosing --model")
    what.add_argument("--latency", action="store_true")
    parser.add_argument("--questions", type=int, default=24)
    parser.add_argument("--sizes", type=int, nargs="+", default=[8, 16])
    parser.add_argument("--rounds", type=int, default=21, help="of --latency")
    parser.add_argument("--record", type=Path, help="the file; it is gone on with")
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--environment", type=Path, help="where the peers are, or will be kept")
    given = parser.parse_args()
    set_quiet()
    with tempfile.TemporaryDirectory(prefix="bestofn-peers-") as temporary:
        python = environment(given.environment or Path(temporary) / "venv")
        asyncio.run(latency(python, given.rounds) if given.latency else measure(given, python))


if __name__ == "__main__":
    main()
