"""What stopping candidates in mid-decode saves, and what the reward of half an answer says.

    python -m benchmarks.choosing --record FILE             # once, samples the embedded pair
    python -m benchmarks.mid_decode --record FILE [--live 20]
    python -m benchmarks.mid_decode --record OTHER --model FOLDER [--live 20]   # samples, once
                                    [--temperature 0.2] [--tokens 512]

The first table replays the rule `loops`: every candidate's text is cut after so many of its tokens,
and shown to the repetition filter as the rule asks for it. "rejected cost" are the tokens of the
candidates that filters rejected, "saved" the share of them that the rule would not have sampled.
"stopped though kept" has to be 0: then every winner is what it was.

The second table scores the accepted answers after 25, 50 and 75 % of their tokens with the embedded
reward model: the mean rank correlation (Spearman) with the final rewards within a prompt, how often
the final best is in the lower half (`prune: 0.5` would have stopped it), and how often it would be
by chance, and right answers where the lower half is left out.

With --live so many prompts are sampled again, with the rule and without, from the same seeds.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from benchmarks.partial_rewards import report_rewards, snapshots
from benchmarks.real_model import ENGINE_ARGS
from benchmarks.recorded_run import HELD_OUT_TOKENS, Prompt, Recorded, read, write
from bestofn import Request, embedded
from bestofn.builders.pipeline import build_filters, open_pipeline
from bestofn.cli.console import set_quiet
from bestofn.control.loops import Loops
from bestofn.control.policy import Policy
from bestofn.core.best_of_n import best_of_n
from bestofn.core.controller import Progress, Running
from bestofn.core.filtering import Filtering
from bestofn.core.ranking import Ranking
from bestofn.core.types import Candidate
from bestofn.settings.settings import Settings

REAL_CANDIDATES = 4
"""Of each prompt to another model."""

PROMPTS = (
    *(f"What is the capital of {name}?" for name in ("France", "Japan", "Peru", "Kenya")),
    *(f"What is the opposite of {word}?" for word in ("hot", "tall", "early")),
    *(f"Write a short story about {what}." for what in ("a lighthouse", "a lost dog", "rain")),
    *(f"List ten {what}." for what in ("fruits", "rivers", "tools", "animals of the sea")),
    *(f"Write a poem about {what}." for what in ("autumn", "the sea")),
    "Explain in two sentences why the sky is blue.",
    "Write a Python function that adds two numbers.",
    "Name three primary colours, as a JSON list.",
    "What is 17 + 5? Explain each step.",
    "Écris une phrase sur la mer.",
    "Quelle est la capitale de l'Italie ?",
    "Erzähle eine kurze Geschichte über einen Hund.",
    "Was ist das Gegenteil von kalt?",
)
"""What another model is asked: short and long answers, lists, code, four languages."""


@dataclasses.dataclass(frozen=True, slots=True)
class Sampled:
    """How another model samples; the embedded pair has its own limit."""

    temperature: float
    tokens: int


def stopped_at(
    request: Request, each: Recorded, filtering: Filtering, tokenizer: Any
) -> int | None:
    """After how many tokens `Loops` stops a candidate; None: it lets it finish."""
    rule, tokens = Loops(), each.tokens or 0
    now, other = Running(0), Running(1)
    counts = range(rule.snapshot_tokens, tokens, rule.snapshot_tokens)
    for count, text in zip(counts, snapshots(each.text, tokens, tokenizer, counts), strict=True):
        seen = Candidate(0, {"role": "assistant", "content": text}, None, count)
        now = now._replace(latest=seen, tokens=count)
        said = rule.decide(Progress(request, {}, {0: now, 1: other}, False, 1, 1, 0.0))
        if 0 in said.check:
            found = filtering.foreseen(request, seen)
            now = now._replace(rejection=found, checked_at=count)
            if found is not None:
                return count
    return None


def report_loops(prompts: Sequence[Prompt], tokenizer: Any) -> None:
    """Print the first table."""
    filtering = Filtering.of(build_filters(Settings().filters))
    cost = saved = whole = stopped = kept = rejected = 0
    began = time.perf_counter()
    for prompt in prompts:
        request = Request.from_prompt(prompt.prompt, best_of=len(prompt.candidates))
        for each in prompt.candidates:
            tokens = each.tokens or 0
            at = stopped_at(request, each, filtering, tokenizer)
            whole += tokens
            rejected += each.rejected
            cost += tokens if each.rejected else 0
            if at is not None:
                stopped, saved = stopped + 1, saved + tokens - at
                kept += not each.rejected
    seconds = time.perf_counter() - began
    print(
        "| candidates | rejected | stopped | stopped though kept | tokens | rejected cost | saved |"
    )
    print("|---:|---:|---:|---:|---:|---:|---:|")
    count = sum(len(each.candidates) for each in prompts)
    print(
        f"| {count} | {rejected} | {stopped} | {kept} | {whole} | {cost} "
        f"| {saved} ({saved / max(1, cost):.1%} of it, {saved / max(1, whole):.1%} of all) |"
    )
    print(
        f"replayed in {seconds:.1f} s, tokenising included: {1e6 * seconds / whole:.1f} us a token"
    )


def settings_of(model: str | None) -> Settings:
    """The embedded pair, or another model without a reward model, on vLLM."""
    if model is None:
        return Settings(engine="vllm")
    return Settings(model=model, reward_model="none", engine="vllm", engine_args=[*ENGINE_ARGS])


def requests_of(prompts: Sequence[str], model: str | None, given: Sampled) -> Sequence[Request]:
    """What is sampled, from fixed seeds."""
    count, tokens = (16, HELD_OUT_TOKENS) if model is None else (REAL_CANDIDATES, given.tokens)
    return [
        Request.from_prompt(
            text,
            best_of=count,
            temperature=given.temperature,
            max_tokens=tokens,
            seed=1000 * number,
        )
        for number, text in enumerate(prompts)
    ]


async def sample(requests: Sequence[Request], pipeline: Any, **policy: Any) -> list[Ranking]:
    """Each request once, four at a time, in one round."""
    gate = asyncio.Semaphore(4)
    once = dataclasses.replace(pipeline, policy=Policy("best_rejected", max_rounds=1, **policy))

    async def one(request: Request) -> Ranking:
        async with gate:
            return await best_of_n(request, once)

    return list(await asyncio.gather(*map(one, requests)))


async def record(path: Path, model: str, given: Sampled) -> None:
    """Sample the prompts with another model, and keep what comes of it."""
    async with open_pipeline(settings_of(model)) as pipeline:
        rankings = await sample(requests_of(PROMPTS, model, given), pipeline)
    write(path, [_recorded(each) for each in rankings])


def _recorded(ranking: Ranking) -> Prompt:
    records = sorted(ranking.candidates, key=lambda each: each.index)
    kept = tuple(
        Recorded(
            each.text,
            each.candidate.finish_reason,
            each.candidate.completion_tokens,
            each.suspected,
            not each.kept,
            each.reward,
            each.candidate.mean_logprob,
            right=False,
        )
        for each in records
    )
    return Prompt(ranking.request.last_user_text, "", kept)


async def live(prompts: Sequence[str], model: str | None, given: Sampled) -> None:
    """Sample with the rule and without, in turn, from the same seeds."""
    requests = requests_of(prompts, model, given)
    async with open_pipeline(settings_of(model)) as pipeline:
        await sample(requests[:2], pipeline)  # what the engine does only once
        runs: dict[str, tuple[list[Ranking], float]] = {}
        for name, policy in (("without", {}), ("loops", {"mid_decode": Loops()})):
            began = time.perf_counter()
            runs[name] = await sample(requests, pipeline, **policy), time.perf_counter() - began
    print("| live | tokens | of rejected and stopped | stopped | tokens_saved told | seconds |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, (rankings, seconds) in runs.items():
        records = [each for ranking in rankings for each in ranking.candidates]
        lost = [each.candidate.completion_tokens or 0 for each in records if not each.kept]
        tokens = sum(each.candidate.completion_tokens or 0 for each in records)
        stopped = sum(each.stopped is not None for each in records)
        told = sum(ranking.tokens_saved for ranking in rankings)
        print(f"| {name} | {tokens} | {sum(lost)} | {stopped} | {told} | {seconds:.1f} |")
    pairs = list(zip(*(rankings for rankings, _ in runs.values()), strict=True))
    same = sum(_winner(one) == _winner(other) for one, other in pairs)
    print(f"{same} of {len(pairs)} winners are the same, word for word")


def _winner(ranking: Ranking) -> Mapping[str, Any] | None:
    return None if ranking.winner is None else ranking.winner.candidate.message


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--record", type=Path, required=True)
    parser.add_argument("--model", help="a folder; without: the embedded pair")
    parser.add_argument("--prompts", type=int, help="of the record, for the second table")
    parser.add_argument(
        "--temperature", type=float, default=1.0, help="low ones make small models loop"
    )
    parser.add_argument("--tokens", type=int, default=256, help="of an answer of another model")
    parser.add_argument("--live", type=int, default=0, help="prompts that are sampled again")
    given = parser.parse_args()
    sampled = Sampled(given.temperature, given.tokens)
    set_quiet()
    if given.model is not None and not given.record.is_file():
        asyncio.run(record(given.record, given.model, sampled))
    prompts = read(given.record)
    if given.live:
        asked = [each.prompt for each in prompts[: given.live]]
        asyncio.run(live(asked, given.model, sampled))
        return
    tokenizer = AutoTokenizer.from_pretrained(given.model or str(embedded.generator_path()))
    report_loops(prompts, tokenizer)
    if given.model is None:
        asyncio.run(report_rewards(prompts[: given.prompts], tokenizer))


if __name__ == "__main__":
    main()
