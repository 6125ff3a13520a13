"""The table of stopping rules: right answers, tokens and decode steps against best of 16.

It replays a recorded run (`benchmarks.recorded_run`) through the product's own rules, as `bestofn
compare` does over a run of yours. Candidates come in the order in which an engine finishes them.
Rows "all at once" start all 16 and abort the rest; "one by one" samples the next candidate only
once the one before was judged: fewest tokens, most steps.

    python -m benchmarks.stopping [--record FILE] [--best-of 16] [--draws 4] [--without-rewards]
    python -m benchmarks.stopping --model FOLDER     # the questions of `benchmarks.questions`

Shares are of best of 16 chosen by the highest reward (without rewards: by `auto`) without stopping.
The prior of `evidence` is a quantile of the scores of the other half of the prompts.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
from collections.abc import Mapping, Sequence

from benchmarks.recorded_run import Prompt, add_options, has_rewards, of_options
from bestofn import Request
from bestofn.settings.sections import SelectorSettings
from bestofn.tuning.compare import Outcome
from bestofn.tuning.compare import outcomes as replayed
from bestofn.tuning.plans import Plan, prior_of, stopping_plans
from bestofn.tuning.recorded import RecordedRow

Rows = Sequence[RecordedRow]
Verdicts = Sequence[Mapping[int, bool]]


def rows_of(prompts: Sequence[Prompt], *, scored: bool) -> tuple[Rows, Verdicts]:
    """The recorded prompts as rows, and whether each candidate is right."""
    rows, right = [], []
    for prompt in prompts:
        found = [each.candidate(i, scored=scored) for i, each in enumerate(prompt.candidates)]
        request = Request.from_prompt(prompt.prompt, best_of=len(found))
        rows.append(RecordedRow(request, tuple(found)))
        right.append({i: each.right for i, each in enumerate(prompt.candidates)})
    return rows, right


def plans_of(best_of: int, prior: float | None, rows: Rows) -> list[Plan]:
    """What is compared: the whole, and each rule one by one and all at once."""
    auto = SelectorSettings(name="auto")
    made = [Plan(best_of, auto)]
    for plan in stopping_plans(rows, best_of):
        stop = plan.stop
        if "prior" in stop.model_fields_set and prior is not None:
            stop = stop.model_copy(update={"prior": round(prior, 4)})
        if stop.rule == "reward" and prior is not None:
            stop = stop.model_copy(update={"reward": round(prior, 4)})
        made.append(dataclasses.replace(plan, stop=stop))
    return made


def told(outcome: Outcome, whole: Outcome) -> str:
    """A row of the table."""
    way = "all at once" if outcome.plan.stop.waves is None else "one by one"
    return (
        f"| {outcome.plan.title.removesuffix(', one by one')} | {way} | {outcome.accuracy:.1%} "
        f"| {outcome.accuracy / whole.accuracy:.3f} | {outcome.tokens / whole.tokens:.2f} "
        f"| {outcome.steps / whole.steps:.2f} | {outcome.sampled:.1f} |"
    )


async def measure(prompts: Sequence[Prompt], best_of: int, draws: int, *, scored: bool) -> None:
    """Print the table."""
    halves = prompts[::2], prompts[1::2]
    found: list[list[Outcome]] = []
    for half, other in (halves, halves[::-1]):
        rows, right = rows_of(half, scored=scored)
        prior = prior_of(rows_of(other, scored=scored)[0])
        base = SelectorSettings(name="argmax" if scored else "auto")
        plans = [Plan(best_of, base), *plans_of(best_of, prior, rows)]
        compared = replayed(rows, right, plans, draws=draws)
        found.append([each async for each in compared])
    whole, *outcomes = [_joined(*pair) for pair in zip(*found, strict=True)]
    print(
        f"{len(prompts)} prompts, {draws} draws each, best of {best_of}, "
        f"{'with' if scored else 'without'} rewards; {whole.plan.selector.name} without stopping: "
        f"{whole.accuracy:.1%} right, {whole.tokens:.0f} tokens, {whole.steps:.0f} steps"
    )
    print("| chosen and stopped by | sampled | right | of best of n's | tokens | steps | started |")
    print("|---|---|---:|---:|---:|---:|---:|")
    for outcome in outcomes:
        print(told(outcome, whole))


def _joined(one: Outcome, other: Outcome) -> Outcome:
    """The mean of both halves, as one."""
    fields = ("accuracy", "low", "high", "tokens", "steps", "sampled")
    means = {name: (getattr(one, name) + getattr(other, name)) / 2 for name in fields}
    return dataclasses.replace(one, **means)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    add_options(parser)
    parser.add_argument("--best-of", type=int, default=16)
    parser.add_argument("--draws", type=int, default=4)
    parser.add_argument("--without-rewards", action="store_true")
    given = parser.parse_args()
    prompts = of_options(given)
    scored = has_rewards(prompts) and not given.without_rewards
    asyncio.run(measure(prompts, given.best_of, given.draws, scored=scored))


if __name__ == "__main__":
    main()
