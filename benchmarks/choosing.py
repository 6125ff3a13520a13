"""The table of right answers against N for every selector, with and without the reward model.

Held-out prompts of the embedded pair go once through `best_of_n` with 32 candidates each, and what
comes of it is kept in a file. Everything else is computed from that file: for each N random subsets
of the candidates are drawn, and each selector, made from settings as a user's is, chooses among the
accepted of each subset; where none is accepted, among the suspected, and where there is none
either, the first. Right is what `training.world.is_correct` says.

    python -m benchmarks.choosing [--prompts 300] [--candidates 32] [--record FILE] [--subsets 6]

"first" is the first accepted candidate, "any" a random one of them, "oracle" right as soon as one
of the accepted is. Differences to argmax are paired by prompt, with two standard errors.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import random
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bestofn import Request
from bestofn.builders.choosing import build_selector
from bestofn.builders.pipeline import open_pipeline
from bestofn.cli.console import set_quiet
from bestofn.core.best_of_n import best_of_n
from bestofn.core.ranking import Ranking, ScoredCandidate
from bestofn.core.types import Candidate, Rejection
from bestofn.settings.sections import PolicySettings, SelectorSettings
from bestofn.settings.settings import Settings
from training.world import Task, held_out_tasks, is_correct

CONCURRENT = 8
MAX_TOKENS = 200
"""Enough for every complete answer of the world; only loops are longer."""

SIZES = (4, 8, 16, 32)
WITHOUT = ("consensus", "confidence", "vote", "weighted_vote", "auto")
WITH = (
    *("vote", "argmax", "length_corrected", "soft", "consensus"),
    *("best_of_majority", "majority_of_bests", "weighted_vote", "auto"),
)
BINS = (0.25, 0.5, 0.75, 1.01)
"""Upper ends of the groups of confidence."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A candidate of the recorded run; `suspected` and `rejected` are of its filters."""

    text: str
    finish_reason: str | None
    tokens: int | None
    suspected: bool
    rejected: bool
    reward: float | None
    mean_logprob: float | None
    right: bool

    @classmethod
    def of(cls, each: ScoredCandidate, task: Task) -> Recorded:
        """What is kept of a candidate."""
        return cls(
            each.text,
            each.candidate.finish_reason,
            each.candidate.completion_tokens,
            each.suspected,
            not each.kept,
            each.reward,
            each.candidate.mean_logprob,
            is_correct(task, each.text),
        )

    def candidate(self, index: int, *, scored: bool) -> ScoredCandidate:
        """It as a selector gets it, with its reward or without."""
        message = {"role": "assistant", "content": self.text}
        reason = Rejection("recorded", "recorded", "as recorded", certain=self.rejected)
        return ScoredCandidate(
            Candidate(
                index, message, self.finish_reason, self.tokens, mean_logprob=self.mean_logprob
            ),
            (reason,) if self.rejected or self.suspected else (),
            reward=self.reward if scored else None,
        )


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt with its candidates, in the order of their indices."""

    prompt: str
    kind: str
    candidates: tuple[Recorded, ...]


async def record(prompts: int, candidates: int, seed: int, settings: Settings) -> list[Prompt]:
    """Sample, filter and score, with logprobs, so that all selectors can be replayed."""
    gate = asyncio.Semaphore(CONCURRENT)
    async with open_pipeline(settings) as pipeline:
        reading = replace(pipeline, selector=build_selector(SelectorSettings(name="confidence")))

        async def one(number: int, task: Task) -> Prompt:
            request = Request.from_prompt(
                task.prompt,
                best_of=candidates,
                temperature=1.0,
                max_tokens=MAX_TOKENS,
                seed=seed + number * candidates,
            )
            async with gate:
                ranking: Ranking = await best_of_n(request, reading)
            in_order = sorted(ranking.candidates, key=lambda each: each.index)
            kept = tuple(Recorded.of(each, task) for each in in_order)
            return Prompt(task.prompt, f"{task.kind} {task.language}", kept)

        tasks = held_out_tasks(prompts, seed)
        return list(await asyncio.gather(*(one(i, task) for i, task in enumerate(tasks))))


def write(path: Path, prompts: Sequence[Prompt]) -> None:
    """One line a prompt."""
    with gzip.open(path, "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps(asdict(each), ensure_ascii=False) + "\n" for each in prompts)


def read(path: Path) -> list[Prompt]:
    """What `write` wrote."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [
        Prompt(row["prompt"], row["kind"], tuple(Recorded(**each) for each in row["candidates"]))
        for row in rows
    ]


def subsets(prompt: Prompt, size: int, count: int) -> Iterator[Sequence[int]]:
    """Random sets of candidates, in order of index; all of them is one set."""
    indices = range(len(prompt.candidates))
    if size >= len(indices):
        yield indices
        return
    draw = random.Random(f"{prompt.prompt}:{size}")
    for _ in range(count):
        yield sorted(draw.sample(indices, size))


def eligible(prompt: Prompt, subset: Sequence[int], *, scored: bool) -> list[ScoredCandidate]:
    """What is chosen among: the accepted, else the suspected, else the first of all."""
    given = [prompt.candidates[index].candidate(index, scored=scored) for index in subset]
    accepted = [each for each in given if each.accepted]
    return accepted or [each for each in given if each.suspected] or given[:1]


Outcomes = dict[str, list[float]]
"""For each way of choosing the share of right answers by prompt, in the order of the prompts."""


async def outcomes(
    prompts: Sequence[Prompt], size: int, count: int
) -> tuple[Outcomes, Mapping[float, list[bool]]]:
    """How each way does with `size` candidates; and whether auto without rewards was right, by the
    group of its confidence."""
    shares: Outcomes = defaultdict(list)
    sure: dict[float, list[bool]] = defaultdict(list)
    chosen = {name: build_selector(SelectorSettings(name=name)) for name in {*WITHOUT, *WITH}}
    for prompt in prompts:
        request = Request.from_prompt(prompt.prompt, best_of=size, seed=0)
        right = [each.right for each in prompt.candidates]
        drawn: dict[str, list[float]] = defaultdict(list)
        for subset in subsets(prompt, size, count):
            for scored, names in ((False, WITHOUT), (True, WITH)):
                among = eligible(prompt, subset, scored=scored)
                for name in names:
                    selection = await chosen[name].select(request, among)
                    won = right[selection.order[0]]
                    drawn[f"{name} {'with' if scored else 'without'}"].append(won)
                    if name == "auto" and selection.confidence is not None and not scored:
                        group = next(end for end in BINS if selection.confidence < end)
                        sure[group].append(won)
            rights = [right[each.index] for each in among]
            drawn["first"].append(rights[0])
            drawn["any"].append(statistics.fmean(rights))
            drawn["oracle"].append(any(rights))
        for name, values in drawn.items():
            shares[name].append(statistics.fmean(values))
    return shares, sure


def difference(one: Sequence[float], other: Sequence[float]) -> str:
    """The mean paired difference in points, with two standard errors."""
    gaps = [100 * (a - b) for a, b in zip(one, other, strict=True)]
    error = statistics.stdev(gaps) / len(gaps) ** 0.5 if len(gaps) > 1 else 0.0
    return f"{statistics.fmean(gaps):+.1f} ± {2 * error:.1f}"


async def report(prompts: Sequence[Prompt], count: int) -> None:
    """Print the tables."""
    most = min(len(each.candidates) for each in prompts)
    sizes = [size for size in SIZES if size <= most]
    found = {size: await outcomes(prompts, size, count) for size in sizes}
    print(
        f"{len(prompts)} held-out prompts, {most} candidates each, {count} subsets, temperature 1"
    )
    print(f"\n| right answers in % | {' | '.join(f'N={size}' for size in sizes)} |")
    print("|---|" + "---:|" * len(sizes))
    names = ["any", "first", *(f"{n} without" for n in WITHOUT), *(f"{n} with" for n in WITH)]
    for name in [*names, "oracle"]:
        cells = [f"{100 * statistics.fmean(found[size][0][name]):.1f}" for size in sizes]
        print(f"| {name} | {' | '.join(cells)} |")
    for name in ("weighted_vote with", "auto with"):
        cells = [difference(found[n][0][name], found[n][0]["argmax with"]) for n in sizes]
        print(f"| {name}, less argmax | {' | '.join(cells)} |")
    print("\n| confidence of auto without rewards | " + " | ".join(f"N={n}" for n in sizes) + " |")
    print("|---|" + "---:|" * len(sizes))
    for end in BINS:
        groups = [found[size][1].get(end, []) for size in sizes]
        cells = [f"{100 * statistics.fmean(g):.0f} % of {len(g)}" if g else "" for g in groups]
        print(f"| below {min(end, 1):g} | {' | '.join(cells)} |")


def main() -> None:
    """Record, unless there is a record, and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.choosing")
    parser.add_argument("--prompts", type=int, default=300)
    parser.add_argument("--candidates", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--subsets", type=int, default=6)
    parser.add_argument("--engine", choices=("auto", "vllm", "transformers"), default="auto")
    parser.add_argument("--record", type=Path, help="the file; read where it is there")
    arguments = parser.parse_args()
    set_quiet()
    named = f"bestofn-choosing-{arguments.prompts}-{arguments.candidates}-{arguments.seed}.gz"
    path = arguments.record or Path(tempfile.gettempdir()) / named
    if not path.is_file():
        settings = Settings(
            engine=arguments.engine,
            policy=PolicySettings(on_exhausted="best_rejected", max_rounds=1),
        )
        asked = arguments.prompts, arguments.candidates, arguments.seed
        write(path, asyncio.run(record(*asked, settings)))
    print(f"recorded in {path}")
    asyncio.run(report(read(path), arguments.subsets))


if __name__ == "__main__":
    main()
