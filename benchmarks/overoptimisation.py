"""Shows how a reward model that was made worse is over-optimised, and which selectors resist.

    python -m benchmarks.overoptimisation --record FILE [--output docs/overoptimisation.svg]

FILE is the record of `benchmarks.choosing --record FILE`: held-out prompts of the embedded pair, 32
candidates each, with rewards and with what is right. Nothing is sampled. The rewards are made worse
in ways that real reward models are, in units of their standard deviation within a prompt; for each
N random subsets of the candidates are drawn, and each selector, made from settings as a user's is,
chooses among the accepted of each subset. Of the ensemble three members are worse each in their own
way (noise of their own, and biases of 0, 1 and 2 times the strength), `EnsembleRewardModel` joins
them by the mean of z-scores, and the best wins. "oracle" is right as soon as one of them is.

Prints a table of right answers in % and draws it; the ± are two standard errors over prompts.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import random
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.choosing import eligible, subsets
from benchmarks.line_charts import Chart, draw
from benchmarks.recorded_run import Prompt, Recorded, read
from bestofn.builders.choosing import build_selector
from bestofn.core.protocols import Selector
from bestofn.core.ranking import ScoredCandidate
from bestofn.core.types import Candidate, Request, Score
from bestofn.rewards.ensemble import EnsembleRewardModel, Member
from bestofn.settings.sections import SelectorSettings

SIZES = (1, 2, 4, 8, 16, 32)
SELECTORS = ("argmax", "weighted_vote", "best_of_majority", "consensus")
MEMBERS = (0.0, 1.0, 2.0)
"""Biases of an ensemble's members, as shares of the scenario's; their mean is 1."""

Draw = Callable[[random.Random], float]


@dataclass(frozen=True, slots=True)
class Scenario:
    """How the rewards are made worse.

    Args:
        title: for a reader.
        noise: standard deviations of the rewards that are added to each, at random.
        draw: one value of the noise.
        length: standard deviations that are added for each standard deviation of the length.
    """

    title: str
    noise: float = 0.0
    draw: Draw = lambda drawn: drawn.gauss(0, 1)
    length: float = 0.0

    def worse(self, prompt: Prompt, member: str = "", share: float = 1.0) -> list[float | None]:
        """The rewards of a prompt's candidates; None where there is none.

        Args:
            prompt: as recorded.
            member: whose noise it is.
            share: of the bias.
        """
        drawn = random.Random(f"{prompt.prompt}:{self.title}:{member}")
        added = [self.noise * self.draw(drawn) for _ in prompt.candidates]
        scale = _deviation([each.reward for each in prompt.candidates if each.reward is not None])
        tokens = [float(each.tokens or 0) for each in prompt.candidates if each.reward is not None]
        mean, spread = statistics.fmean(tokens or [0.0]), _deviation(tokens)
        return [
            None
            if each.reward is None
            else each.reward
            + scale * (noise + share * self.length * ((each.tokens or 0) - mean) / spread)
            for each, noise in zip(prompt.candidates, added, strict=True)
        ]


def _deviation(values: Sequence[float]) -> float:
    return (statistics.pstdev(values) if len(values) > 1 else 0.0) or 1.0


def heavy_tailed(drawn: random.Random) -> float:
    """Student's t with two degrees of freedom: mostly small, now and then huge. Rewards that err so
    lose all that best-of-n gives as N grows ("Catastrophic Goodhart", arXiv 2407.14503)."""
    return drawn.gauss(0, 1) / math.sqrt(drawn.expovariate(1.0))


SCENARIOS = (
    Scenario("the reward model as it is"),
    Scenario("noise of 2 deviations", noise=2.0),
    Scenario("heavy-tailed noise", noise=1.0, draw=heavy_tailed),
    Scenario("bias of 2 deviations to length", length=2.0),
)


@dataclass(frozen=True, slots=True)
class Lookup:
    """A reward model that has its rewards by index."""

    rewards: Sequence[float | None]

    async def score(self, request: Request, candidates: Sequence[Candidate]) -> list[Score]:
        """See `bestofn.core.protocols.RewardModel`."""
        return [Score.of(self.rewards[each.index]) for each in candidates]


def with_rewards(prompt: Prompt, rewards: Sequence[float | None]) -> Prompt:
    """The prompt, scored otherwise."""
    candidates: Sequence[Recorded] = [
        replace(each, reward=reward)
        for each, reward in zip(prompt.candidates, rewards, strict=True)
    ]
    return replace(prompt, candidates=tuple(candidates))


async def by_ensemble(
    request: Request,
    among: Sequence[ScoredCandidate],
    members: Sequence[Sequence[float | None]],
    argmax: Selector,
) -> int:
    """The index that an ensemble of these members likes best."""
    ensemble = EnsembleRewardModel(
        [Member(f"member {at}", Lookup(rewards)) for at, rewards in enumerate(members)]
    )
    scores = await ensemble.score(request, [each.candidate for each in among])
    scored = [each.with_score(score) for each, score in zip(among, scores, strict=True)]
    return (await argmax.select(request, scored)).order[0]


Shares = Mapping[str, list[float]]
"""For each way the share of right answers by prompt."""


async def outcomes(prompts: Sequence[Prompt], scenario: Scenario, size: int, count: int) -> Shares:
    """How each way does with `size` candidates."""
    chosen = {name: build_selector(SelectorSettings(name=name)) for name in SELECTORS}
    shares: dict[str, list[float]] = {name: [] for name in (*SELECTORS, "ensemble", "oracle")}
    for prompt in prompts:
        worse = with_rewards(prompt, scenario.worse(prompt))
        members = [scenario.worse(prompt, f"{at}", each) for at, each in enumerate(MEMBERS)]
        request = Request.from_prompt(prompt.prompt, best_of=size, seed=0)
        won: dict[str, list[bool]] = {name: [] for name in shares}
        for among in _drawn(worse, size, count):
            best = dict.fromkeys((*SELECTORS, "ensemble"), among[0].index)
            if len(among) > 1:  # else there is nothing to choose, and perhaps nothing scored
                for name, selector in chosen.items():
                    best[name] = (await selector.select(request, among)).order[0]
                best["ensemble"] = await by_ensemble(request, among, members, chosen["argmax"])
            for name, index in best.items():
                won[name].append(prompt.candidates[index].right)
            won["oracle"].append(any(prompt.candidates[each.index].right for each in among))
        for name, values in won.items():
            shares[name].append(statistics.fmean(values))
    return shares


def _drawn(prompt: Prompt, size: int, count: int) -> Iterator[list[ScoredCandidate]]:
    for subset in subsets(prompt, size, count):
        yield eligible(prompt, subset, scored=True)


async def charts(prompts: Sequence[Prompt], count: int) -> list[Chart]:
    """A chart for each scenario; its table is printed."""
    most = min(len(each.candidates) for each in prompts)
    sizes = [size for size in SIZES if size <= most]
    made = []
    for scenario in SCENARIOS:
        found = {size: await outcomes(prompts, scenario, size, count) for size in sizes}
        print(f"\n| {scenario.title} | {' | '.join(f'N={size}' for size in sizes)} |")
        print("|---|" + "---:|" * len(sizes))
        lines = {}
        for name in (*SELECTORS, "ensemble", "oracle"):
            lines[name] = [100 * statistics.fmean(found[size][name]) for size in sizes]
            print(f"| {name} | {' | '.join(_cell(found[size][name]) for size in sizes)} |")
        made.append(Chart(scenario.title, sizes, lines))
    return made


def _cell(shares: Sequence[float]) -> str:
    error = 200 * statistics.stdev(shares) / len(shares) ** 0.5 if len(shares) > 1 else 0.0
    return f"{100 * statistics.fmean(shares):.1f} ± {error:.1f}"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--record", type=Path, required=True)
    parser.add_argument("--subsets", type=int, default=6)
    parser.add_argument("--output", type=Path, help="the SVG")
    arguments = parser.parse_args()
    if not arguments.record.is_file():
        parser.error(
            f"no record is there: python -m benchmarks.choosing --record {arguments.record}"
        )
    prompts = read(arguments.record)
    print(f"{len(prompts)} held-out prompts, {arguments.subsets} subsets; right answers in %")
    made = asyncio.run(charts(prompts, arguments.subsets))
    if arguments.output is not None:
        arguments.output.write_text(draw(made, "candidates (N)", "right answers, %"))
        print(f"\ndrawn: {arguments.output}")


if __name__ == "__main__":
    main()
