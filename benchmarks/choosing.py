"""The table of right answers against N for every selector, with and without the reward model.

Every problem goes once through `best_of_n`, and what comes of it is kept in a file
(`benchmarks.recorded_run`). Everything else is computed from that file: for each N random subsets
of the candidates are drawn, and each selector, made from settings as a user's is, chooses among the
accepted of each subset; where none is accepted, among the suspected, and where there is none
either, the first.

    python -m benchmarks.choosing [--prompts 300] [--candidates 32] [--record FILE] [--subsets 24]
    python -m benchmarks.choosing --model FOLDER     # the questions of `benchmarks.questions`

"first" is the first accepted candidate, "any" a random one of them, "oracle" right as soon as one
of the accepted is. Differences to argmax, and the ratio of auto to the first, are paired by prompt,
with two standard errors.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from benchmarks.recorded_run import Prompt, add_options, has_rewards, of_options
from bestofn import Request
from bestofn.builders.choosing import build_selector
from bestofn.core.ranking import ScoredCandidate
from bestofn.settings.sections import SelectorSettings

SIZES = (4, 8, 16, 32)
WITHOUT = ("consensus", "confidence", "vote", "weighted_vote", "auto")
WITH = (
    *("vote", "argmax", "length_corrected", "soft", "consensus"),
    *("best_of_majority", "majority_of_bests", "weighted_vote", "auto"),
)
BINS = (0.25, 0.5, 0.75, 1.01)
"""Upper ends of the groups of confidence."""


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
    ways = [(False, WITHOUT), (True, WITH)] if has_rewards(prompts) else [(False, WITHOUT)]
    chosen = {name: build_selector(SelectorSettings(name=name)) for name in {*WITHOUT, *WITH}}
    for prompt in prompts:
        request = Request.from_prompt(prompt.prompt, best_of=size, seed=0)
        right = [each.right for each in prompt.candidates]
        drawn: dict[str, list[float]] = defaultdict(list)
        for subset in subsets(prompt, size, count):
            for scored, names in ways:
                among = eligible(prompt, subset, scored=scored)
                for name in names:
                    selection = await chosen[name].select(request, among)
                    won = right[selection.order[0]]
                    drawn[f"{name} {'with' if scored else 'without'}"].append(won)
                    if name == "auto" and selection.confidence is not None and not scored:
                        group = next(end for end in BINS if selection.confidence < end)
                        sure[group].append(won)
            rights = [right[each.index] for each in eligible(prompt, subset, scored=False)]
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


def ratio(one: Sequence[float], other: Sequence[float]) -> str:
    """The ratio of the means, with two standard errors of the linearised difference."""
    base = statistics.fmean(other)
    found = statistics.fmean(one) / base
    gaps = [(a - found * b) / base for a, b in zip(one, other, strict=True)]
    error = statistics.stdev(gaps) / len(gaps) ** 0.5 if len(gaps) > 1 else 0.0
    return f"{found:.2f} ± {2 * error:.2f}"


def by_kind(prompts: Sequence[Prompt], shares: Outcomes) -> None:
    """Print right answers by kind of problem, at one N."""
    names = ("first", "auto without", "oracle")
    print(f"\n| kind | prompts | {' | '.join(names)} |\n|---|---:|" + "---:|" * len(names))
    for kind in sorted({each.kind for each in prompts}):
        at = [i for i, each in enumerate(prompts) if each.kind == kind]
        cells = [f"{100 * statistics.fmean(shares[name][i] for i in at):.0f}" for name in names]
        print(f"| {kind} | {len(at)} | {' | '.join(cells)} |")


async def report(prompts: Sequence[Prompt], count: int) -> None:
    """Print the tables."""
    most = min(len(each.candidates) for each in prompts)
    sizes = [size for size in SIZES if size <= most]
    scored = has_rewards(prompts)
    found = {size: await outcomes(prompts, size, count) for size in sizes}
    print(f"{len(prompts)} prompts, {most} candidates each, {count} subsets, temperature 1")
    print(f"\n| right answers in % | {' | '.join(f'N={size}' for size in sizes)} |")
    print("|---|" + "---:|" * len(sizes))
    names = ["any", "first", *(f"{name} without" for name in WITHOUT)]
    names += [f"{name} with" for name in WITH] if scored else []
    for name in [*names, "oracle"]:
        cells = [f"{100 * statistics.fmean(found[size][0][name]):.1f}" for size in sizes]
        print(f"| {name} | {' | '.join(cells)} |")
    for name in ("weighted_vote with", "auto with") if scored else ():
        cells = [difference(found[n][0][name], found[n][0]["argmax with"]) for n in sizes]
        print(f"| {name}, less argmax | {' | '.join(cells)} |")
    cells = [ratio(found[n][0]["auto without"], found[n][0]["first"]) for n in sizes]
    print(f"| auto without, over the first | {' | '.join(cells)} |")
    by_kind(prompts, found[sizes[min(1, len(sizes) - 1)]][0])
    print("\n| confidence of auto without rewards | " + " | ".join(f"N={n}" for n in sizes) + " |")
    print("|---|" + "---:|" * len(sizes))
    for end in BINS:
        groups = [found[size][1].get(end, []) for size in sizes]
        cells = [f"{100 * statistics.fmean(g):.0f} % of {len(g)}" if g else "" for g in groups]
        print(f"| below {min(end, 1):g} | {' | '.join(cells)} |")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    add_options(parser)
    parser.add_argument("--subsets", type=int, default=24)
    given = parser.parse_args()
    asyncio.run(report(of_options(given), given.subsets))


if __name__ == "__main__":
    main()
