"""Prints how fast a run of `bestofn sample` is beside its unavoidable parts, and its memory.

    .venv/bin/python -m benchmarks.sampling [--prompts 2000] [--memory]
    .venv/bin/python -m benchmarks.sampling --model FOLDER --prompts 24

The run is that of the command, over the embedded pair on vLLM: 2,000 held-out prompts, N = 8, to
shards on the disk and the formats of trainers. The parts are bare `vllm.LLM.generate(n=8)` on the
same prompts, and bare scoring of every distinct answer that the run scored, one unpadded forward
each. Each is timed in a process of its own, one after the other, loading not counted. The run
judges itself too: the share of right answers, by ground truth, among the kept rows and among the
first samples of the same prompts.

With --model the pair is a real model's (`benchmarks.pairs`): few prompts take minutes.
With --memory: peak memory (RSS) of a run over a fake generator for 1,000 and for 100,000 prompts.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.pairs import Pair, add_model_flag
from bestofn import Settings, open_pipeline
from bestofn.cli.console import set_quiet
from bestofn.dataset.export.export import export
from bestofn.dataset.export.formats import NAMES
from bestofn.dataset.export.keep_rule import KeepRule
from bestofn.dataset.export.options import ExportOptions
from bestofn.dataset.prompts.reader import read_records
from bestofn.dataset.prompts.rows import Defaults, Row, read_row
from bestofn.dataset.run.local import run
from bestofn.dataset.run.options import RunOptions
from bestofn.dataset.store.identity import identity_of
from bestofn.dataset.store.records import ranked_candidates
from bestofn.dataset.store.rollouts import read_rollouts
from bestofn.dataset.store.store import Store
from training.world import Task, is_correct, stream

N = 8
MAX_TOKENS = 200
IN_FLIGHT = 64
EMBEDDED = Pair()


def drawn(prompts: int) -> list[Task]:
    """Held-out tasks as they come: some prompts more than once, each row with a seed of its own."""
    return list(itertools.islice(stream(0, held_out=True), prompts))


def write_prompts(path: Path, prompts: int) -> None:
    """A file of as many rows."""
    lines = [json.dumps({"prompt": t.prompt}, ensure_ascii=False) + "\n" for t in drawn(prompts)]
    path.write_text("".join(lines), encoding="utf-8")


def rows(source: str, defaults: Defaults) -> Iterator[Row]:
    """The rows of a file of prompts."""
    for number, (where, record) in enumerate(read_records(source)):
        yield read_row(number, where, record, {}, defaults)


async def sample(folder: Path, prompts: Path, pair: Pair) -> dict[str, float]:
    """The run: its seconds, and its tokens."""
    limit = pair.max_tokens or MAX_TOKENS
    settings = Settings.load(engine="vllm", best_of=N, temperature=1.0, max_tokens=limit)
    if pair.model is not None:
        settings = pair.settings(best_of=N, temperature=1.0)
    settings = settings.model_copy(update={"seed": 0})
    defaults = Defaults(N, 1.0, limit, 0)
    identity = identity_of(settings, source=str(prompts), columns={})
    async with open_pipeline(settings) as pipeline:
        with contextlib.closing(Store.open(folder, identity)) as store:
            started = time.perf_counter()
            asked, options = rows(str(prompts), defaults), RunOptions(IN_FLIGHT)
            counts = await run(asked, store, pipeline, options)
            export(folder, read_rollouts(folder), NAMES, ExportOptions(KeepRule()))
            seconds = time.perf_counter() - started
    return {"seconds": seconds, "tokens": counts.completion_tokens}


def generate(prompts: Path, pair: Pair) -> dict[str, float]:
    """Bare generation by vLLM's own offline class, with the engine flags of the run."""
    from vllm import LLM, SamplingParams

    for name, value in pair.environment.items():
        os.environ.setdefault(name, value)
    more: dict[str, Any] = {"kv_cache_memory_bytes": 256 * 2**20}
    if pair.model is not None:
        more = {"kv_cache_memory_bytes": 3 * 2**29, "max_model_len": 1024, "max_num_seqs": 128}
        more["dtype"] = "float32"
    engine: Any = LLM(
        model=str(pair.generator),
        enforce_eager=True,
        block_size=32,
        max_num_batched_tokens=2048,
        gpu_memory_utilization=0.1,
        enable_chunked_prefill=False,
        **more,
    )
    asked = [json.loads(line)["prompt"] for line in prompts.read_text().splitlines()]
    conversations = [[{"role": "user", "content": prompt}] for prompt in asked]
    params = SamplingParams(n=N, temperature=1.0, max_tokens=pair.max_tokens or MAX_TOKENS, seed=0)
    engine.chat(conversations[:8], params, use_tqdm=False)
    started = time.perf_counter()
    outputs = engine.chat(conversations, params, use_tqdm=False)
    seconds = time.perf_counter() - started
    tokens = sum(len(each.token_ids) for output in outputs for each in output.outputs)
    return {"seconds": seconds, "tokens": tokens}


def score(folder: Path, pair: Pair) -> dict[str, float]:
    """Bare scoring of the distinct answers that the run scored."""
    import torch

    from benchmarks.bare import BareRewardModel

    if pair.model is None:
        torch.set_num_threads(1)  # as the run has it: the engine needs the other core
    pairs = {
        (json.loads(record["messages"])[-1]["content"], each["text"])
        for record in read_rollouts(folder)
        for each in record["candidates"]
        if each["reward"] is not None
    }
    bare = BareRewardModel.load(pair.reward())
    bare.score([("warm", "up")] * 8)
    return {"seconds": bare.score(sorted(pairs)), "texts": len(pairs)}


def accuracy(folder: Path, prompts: int) -> tuple[float, float, int]:
    """Right answers among the kept rows and the first samples of the same prompts; how many."""
    tasks = drawn(prompts)
    kept = first = count = 0
    for record in read_rollouts(folder):
        best = next(iter(ranked_candidates(record)), None)
        if best is None:
            continue
        task = tasks[record["row"]]
        count += 1
        kept += is_correct(task, best["text"])
        first += is_correct(task, record["candidates"][0]["text"])
    return kept / count, first / count, count


def memory(count: int) -> float:
    """MiB at most of a run over fakes."""
    from bestofn.core.pipeline import Pipeline
    from bestofn.core.types import Request
    from bestofn.selection.argmax import ArgmaxSelector
    from bestofn.testing import FakeGenerator, FakeRewardModel

    def script(request: Request, index: int) -> str:
        return f"answer {index} of some ten words to {request.last_user_text}, and a few more"

    def asked() -> Iterator[Row]:
        defaults = Defaults(N, seed=0)
        for number in range(count):
            record = {"prompt": f"question {number} " * 10}
            yield read_row(number, f"row {number}", record, {}, defaults)

    generator = FakeGenerator(script)
    generator.requests = generator.sampled = _Nothing()  # what fakes note is not the run's
    scripted = FakeRewardModel(lambda _, each: float(len(each.text)))
    scripted.calls = _Nothing()
    pipeline = Pipeline(generator, ArgmaxSelector(), (), scripted)
    with tempfile.TemporaryDirectory() as given:
        folder = Path(given) / "run"
        with contextlib.closing(Store.open(folder, {"fake": True})) as store:
            asyncio.run(run(asked(), store, pipeline, RunOptions(in_flight=IN_FLIGHT)))
        export(folder, read_rollouts(folder), NAMES, ExportOptions())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class _Nothing(list[Any]):
    def append(self, item: object) -> None:
        pass

    def extend(self, items: object) -> None:
        pass


def part(name: str, *arguments: str, pair: Pair = EMBEDDED) -> dict[str, float]:
    """What a part prints, run in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.sampling", "--part", name, *arguments]
    if pair.model is not None:
        command += ["--model", str(pair.model)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"the part {name} failed:\n{done.stderr[-3000:]}")
    said: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return said


def table(prompts: int, pair: Pair) -> None:
    """Print rates and accuracy."""
    with tempfile.TemporaryDirectory() as given:
        folder, source = Path(given) / "run", Path(given) / "prompts.jsonl"
        write_prompts(source, prompts)
        ours = part("run", str(folder), str(source), pair=pair)
        bare = part("generate", str(source), pair=pair)
        scoring = part("score", str(folder), pair=pair)
        kept, first, count = accuracy(folder, prompts)
    # Bare generation samples other texts: its time is taken for as many tokens as the run's.
    generation = bare["seconds"] * ours["tokens"] / bare["tokens"]
    allowed = generation + scoring["seconds"]
    print(f"{prompts:,} prompts, N = {N}, {os.cpu_count()} cores")
    print("| | seconds | rows/s | tokens/s |")
    print("|---|---:|---:|---:|")
    for name, seconds in (
        ("vllm.LLM.generate(n=8), as many tokens", generation),
        (f"bare scoring of {scoring['texts']:,.0f} texts", scoring["seconds"]),
        ("both, one after the other", allowed),
        ("bestofn sample", ours["seconds"]),
    ):
        rates = f"{prompts / seconds:.1f} | {ours['tokens'] / seconds:,.0f}"
        print(f"| {name} | {seconds:.1f} | {rates} |")
    print(f"\nrate of the run / rate that the parts allow: {allowed / ours['seconds']:.2f}")
    if pair.model is not None:
        return  # a random reward model chooses nothing
    print(
        f"right answers, of {count:,} prompts with a kept row: kept {kept:.1%}, first sample "
        f"{first:.1%}"
    )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--prompts", type=int, default=2000)
    parser.add_argument("--memory", action="store_true")
    add_model_flag(parser)
    parser.add_argument("--part", nargs="+", help="do one part alone")
    arguments = parser.parse_args()
    set_quiet()
    pair = Pair(arguments.model)
    if arguments.part:
        name, *given = arguments.part
        if name == "run":
            said: Any = asyncio.run(sample(Path(given[0]), Path(given[1]), pair))
        elif name == "memory":
            said = {"mib": memory(int(given[0]))}
        else:
            said = {"generate": generate, "score": score}[name](Path(given[0]), pair)
        print(json.dumps(said))
    elif arguments.memory:
        small, large = (part("memory", str(count))["mib"] for count in (1_000, 100_000))
        print(f"peak memory: 1,000 prompts {small:.0f} MiB, 100,000 prompts {large:.0f} MiB")
        print(f"ratio {large / small:.2f}")
    else:
        table(arguments.prompts, pair)


if __name__ == "__main__":
    main()
