"""`bestofn compare`: a recorded run under other selectors and stopping rules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bestofn.cli.dataset_options import RunFolder, state_of
from bestofn.cli.options import JsonOption, at_home
from bestofn.cli.running import exit_codes, run_to_end

if TYPE_CHECKING:
    from bestofn.tuning.compare import Outcome
    from bestofn.tuning.recommend import CostLimit


def compare(
    folder: RunFolder,
    check: Annotated[
        str | None,
        typer.Option(
            help="What says whether an answer is right: math, code, json_schema or "
            "package.module:function. Without: the rows' references, else agreement with all "
            "candidates."
        ),
    ] = None,
    best_of: Annotated[
        list[int] | None,
        typer.Option(min=1, help="How many candidates; may be given several times. \\[4, 8, 16]"),
    ] = None,
    draws: Annotated[int, typer.Option(min=1, max=64, help="Random draws of each row.")] = 4,
    rows: Annotated[int, typer.Option(min=1, help="Rows that are read at most.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of the draws.")] = 0,
    budget: Annotated[
        str | None,
        typer.Option(
            help="Print the best profile within it as YAML: tokens=0.4 or steps=0.3, shares of "
            "what it costs to sample them all.",
            show_default=False,
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            help="Write a page with the curves, too.",
            show_default=False,
            metavar="FILE",
            parser=at_home,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Replay a run under every selector and stopping rule: accuracy, tokens and decode steps.

    Nothing is sampled. The run should hold more candidates a row than you mean to sample.
    """
    with exit_codes():
        from bestofn.tuning.recommend import CostLimit

        limit = None if budget is None else CostLimit.parse(budget)
        sizes = sorted(set(best_of or (4, 8, 16)))
        run_to_end(_compare(folder, check, sizes, draws, rows, seed, limit, html, as_json))


async def _compare(
    folder: Path,
    check: str | None,
    sizes: list[int],
    draws: int,
    most_rows: int,
    seed: int,
    limit: CostLimit | None,
    html: Path | None,
    as_json: bool,
) -> None:
    from itertools import islice

    from bestofn.core.errors import ConfigError
    from bestofn.rewards.verifiers.open import open_verifier
    from bestofn.settings.verifier import VerifierSettings
    from bestofn.tuning.compare import compare as replayed
    from bestofn.tuning.grading import graded
    from bestofn.tuning.plans import choosing_plans, stopping_plans
    from bestofn.tuning.recommend import profile_of, recommended
    from bestofn.tuning.recorded import read_run

    state_of(folder)
    read = list(islice(read_run(folder), most_rows))
    if not read:
        raise ConfigError(f"{folder}: no row has two finished candidates")
    held = max(len(row.candidates) for row in read)
    usable = [size for size in sizes if size <= held]
    if not usable:
        raise ConfigError(f"{folder} holds {held} candidates a row at most: --best-of is more")
    verifier = None if check is None else open_verifier(VerifierSettings(check=check))
    try:
        found = await graded(read, verifier)
    finally:
        if verifier is not None:
            verifier.close()
    choosing = [*choosing_plans(found.rows, usable)]
    stopping = [*stopping_plans(found.rows, usable[-1])]
    outcomes = await replayed(
        found.rows, found.right, [*choosing, *stopping], draws=draws, seed=seed
    )
    whole = next(
        each
        for each in outcomes
        if each.plan.best_of == usable[-1] and each.plan.selector.name == "auto"
    )
    best = None if limit is None else recommended(outcomes, whole, limit)
    if limit is not None and best is None:
        raise ConfigError(f"budget: nothing that was compared keeps {limit.cost}={limit.share:g}")
    _print(found.by, len(found.rows), outcomes, whole, as_json=as_json)
    if best is not None:
        import yaml

        typer.echo(yaml.safe_dump({"profiles": {"recommended": profile_of(best)}}))
    if html is not None:
        from bestofn.tuning.page import write_page

        write_page(html, found, outcomes, whole)
        typer.echo(str(html), err=True)


def _print(by: str, rows: int, outcomes: list[Outcome], whole: Outcome, *, as_json: bool) -> None:
    import json

    from rich.console import Console
    from rich.table import Table

    told = [
        {
            "best_of": each.plan.best_of,
            "selector": each.plan.selector.name,
            "stop": each.plan.stop.model_dump(exclude_defaults=True),
            "accuracy": each.accuracy,
            "interval": [each.low, each.high],
            "tokens": each.tokens,
            "steps": each.steps,
            "sampled": each.sampled,
        }
        for each in outcomes
    ]
    if as_json:
        typer.echo(json.dumps({"graded_by": by, "rows": rows, "outcomes": told}))
        return
    table = Table(
        title=f"{rows} rows, right by {by}; costs as shares of best of "
        f"{whole.plan.best_of} without stopping"
    )
    for heading in ("best of", "chosen and stopped by", "right", "95 %", "tokens", "steps"):
        table.add_column(heading, justify="left" if heading.startswith("chosen") else "right")
    for each in outcomes:
        table.add_row(
            str(each.plan.best_of),
            each.plan.title,
            f"{each.accuracy:.1%}",
            f"{each.low:.0%} to {each.high:.0%}",
            f"{each.tokens / whole.tokens:.2f}" if whole.tokens else "-",
            f"{each.steps / whole.steps:.2f}" if whole.steps else "-",
        )
    Console().print(table)
