"""bestofn beside its_hub and optillm: the same questions over the same upstream, by turns.

    python -m benchmarks.peers --model FOLDER [--questions 50] [--sizes 8 16] [--record FILE]
    python -m benchmarks.peers --latency             # what each adds, over a stub of 50 ms

The upstream is vLLM's own server with that model (`python -m benchmarks.real_model` makes one), the
questions are those of `benchmarks.questions`. The peers run their own classes in an environment of
their own, which is made in a temporary folder from the package index and thrown away: its_hub with
what it requires, optillm with what its two approaches import, since all that it requires brings
torch with CUDA. For each question and N every way is asked once, alone, in an order that rotates,
so that none has the quieter minutes. Nothing has a seed.

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
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import httpx

from benchmarks.processes import generated_tokens, running
from benchmarks.questions import Question, questions
from benchmarks.real_model import serving
from bestofn import Pipeline, Request, Settings, best_of_n, open_pipeline
from bestofn.cli.console import set_quiet
from bestofn.settings.stopping import StopSettings
from bestofn.tuning.compare import interval

NEEDED = ("its_hub[lm]==1.2.0",)
WITHOUT_WHAT_IT_NEEDS = "optillm==0.4.0"
IMPORTED = (
    *("aiohttp", "cerebras_cloud_sdk", "flask", "math-verify", "networkx", "numpy", "openai"),
    *("PyYAML", "requests", "sympy", "z3-solver<=4.15.4.0"),
)
"""What the two approaches of optillm import."""

SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
"""The system message that the model's own template adds: optillm sends one of its own otherwise."""

MAX_TOKENS = 64
OURS = {
    "bestofn": StopSettings(),
    "bestofn, stop auto": StopSettings(rule="auto"),
    "bestofn, stop auto, waves of 4": StopSettings(rule="auto", waves=4),
}
PEERS = (
    "its_hub SelfConsistency",
    "its_hub SelfConsistency, same key",
    "its_hub BetaSelfConsistency",
    "its_hub BetaSelfConsistency, same key",
    "optillm self_consistency",
    "optillm bon",
)
ONE = "one sample"

Ask = Callable[[str, int], Mapping[str, Any]]
"""From a prompt and N to the answer's text and the seconds it took."""


class Peers:
    """The peers' process; see `benchmarks.peers_worker`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, way: str, prompt: str, n: int) -> Mapping[str, Any]:
        """The answer of one of their ways.

        Raises:
            SystemExit: it raised, or the process has ended: then no figure counts.
        """
        pipe: tuple[IO[str] | None, IO[str] | None] = (self._process.stdin, self._process.stdout)
        assert pipe[0] is not None
        assert pipe[1] is not None
        pipe[0].write(json.dumps({"way": way, "n": n, "prompt": prompt}) + "\n")
        pipe[0].flush()
        line = pipe[1].readline()
        told: dict[str, Any] = json.loads(line) if line else {"error": "its process has ended"}
        if "error" in told:
            raise SystemExit(f"{way}: {told['error']}")
        return told


def environment(folder: Path) -> Path:
    """The Python of an environment with both peers; what is there already is used again."""
    python = folder / "bin" / "python"
    if not python.is_file():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet"]
        subprocess.run([*install, *NEEDED, *IMPORTED], check=True)
        subprocess.run([*install, "--no-deps", WITHOUT_WHAT_IT_NEEDS], check=True)
    return python


@contextlib.contextmanager
def peers(python: Path, url: str, model: str) -> Iterator[Peers]:
    """Their process over this server."""
    worker = Path(__file__).with_name("peers_worker.py")
    flags = [f"--url={url}", f"--model={model}", f"--system={SYSTEM}", f"--max-tokens={MAX_TOKENS}"]
    with subprocess.Popen(
        [python, worker, *flags],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            yield Peers(process)
        finally:
            process.terminate()


async def ask_us(pipeline: Pipeline, prompt: str, n: int) -> Mapping[str, Any]:
    """bestofn's answer."""
    request = Request.from_prompt(
        prompt, system=SYSTEM, best_of=n, temperature=1.0, max_tokens=MAX_TOKENS
    )
    started = time.perf_counter()
    ranking = await best_of_n(request, pipeline)
    assert ranking.winner is not None
    return {"text": ranking.winner.text, "seconds": time.perf_counter() - started}


async def opened_ways(stack: contextlib.AsyncExitStack, url: str, python: Path) -> dict[str, Any]:
    """Every way by its name, ready to be asked."""
    model = httpx.get(f"{url}/v1/models").raise_for_status().json()["data"][0]["id"]
    worker = stack.enter_context(peers(python, url, model))
    ways: dict[str, Any] = {}
    for name, stop in OURS.items():
        settings = Settings.load(
            upstream=[url], reward_model="none", stop=stop, policy={"on_exhausted": "best_rejected"}
        )
        pipeline = await stack.enter_async_context(open_pipeline(settings))
        ways[name] = lambda prompt, n, of=pipeline: ask_us(of, prompt, n)
        ways.setdefault(ONE, lambda prompt, n, of=pipeline: ask_us(of, prompt, 1))
    for name in PEERS:
        ways[name] = lambda prompt, n, of=name: asyncio.to_thread(worker.ask, of, prompt, n)
    return ways


async def ask_all(
    ways: Mapping[str, Any],
    asked: Sequence[Question],
    sizes: Sequence[int],
    url: str,
    path: Path,
    seconds: float,
) -> None:
    """Ask what is not in the record yet, and record it."""
    done = {(row["question"], row["n"]) for row in read(path)}
    left = [(at, n) for at in range(len(asked)) for n in sizes if (at, n) not in done]
    if not left:
        return
    for way in ways.values():  # what is loaded, connected and found out once is no part of it
        await way("What is 1 + 1?", 2)
    until = time.monotonic() + seconds
    for at, n in left:
        if time.monotonic() > until:
            return
        names = [*ways]
        turn = at % len(names)
        rows = []
        for name in [*names[turn:], *names[:turn]]:
            before = await generated_tokens(url)
            told = await ways[name](asked[at].prompt, n)
            tokens = await generated_tokens(url) - before
            right = asked[at].is_right(told["text"])
            rows.append({"question": at, "n": n, "way": name, "right": right, "tokens": tokens})
            rows[-1] |= {"seconds": told["seconds"], "text": told["text"]}
        with path.open("a", encoding="utf-8") as lines:
            lines.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


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
        for way in (ONE, *OURS, *PEERS):
            found = by_way[way]
            right = [float(found[at]["right"]) for at in sorted(found)]
            low, high = interval(right)
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

            async def bare(prompt: str, n: int) -> Mapping[str, Any]:
                started = time.perf_counter()
                (await http.post(f"{url}/v1/chat/completions", json=body)).raise_for_status()
                return {"seconds": time.perf_counter() - started}

            names = {"the stub, n = 8": bare, **{each: ways[each] for each in (*OURS, *PEERS)}}
            took: dict[str, list[float]] = {name: [] for name in names}
            for at in range(rounds + 2):  # two to warm up
                for name, way in names.items():
                    told = await way(f"What is {at} - 5?", 8)
                    took[name].append(told["seconds"])
    medians = {name: statistics.median(times[2:]) for name, times in took.items()}
    base = medians["the stub, n = 8"]
    print(f"\nN = 8, medians of {rounds} rounds\n| over a stub of 50 ms | seconds | added |")
    print("|---|---:|---:|")
    for name, median in medians.items():
        print(f"| {name} | {median:.3f} | {1000 * (median - base):.0f} ms |")


async def measure(given: argparse.Namespace, python: Path) -> None:
    """Ask over vLLM's server, and print the tables."""
    asked = questions()[: given.questions]
    path = given.record or Path(tempfile.mkdtemp()) / "peers.jsonl"
    with serving(given.model) as url:
        async with contextlib.AsyncExitStack() as stack:
            ways = await opened_ways(stack, url, python)
            await ask_all(ways, asked, given.sizes, url, path, given.seconds)
    report(read(path))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--model", type=Path, help="a folder that vLLM serves")
    what.add_argument("--latency", action="store_true")
    parser.add_argument("--questions", type=int, default=50)
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
