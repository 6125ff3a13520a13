"""`bestofn compare`: a recorded run under other selectors and stopping rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bestofn.cli.dataset_options import RunFolder, state_of
from bestofn.cli.options import JsonOption, at_home
from bestofn.cli.running import exit_codes, run_to_end
from bestofn.core.errors import ConfigError

if TYPE_CHECKING:
    from bestofn.settings.sections import AnswerKeySettings, SelectorSettings
    from bestofn.tuning.compare import Outcome
    from bestofn.tuning.grading import Graded
    from bestofn.tuning.recommend import CostLimit

SIZES = (4, 8, 16)
"""Candidates that are compared where nobody says how many."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the flags ask for.

    Args:
        folder: of the run.
        check: what says whether an answer is right; None: references, or agreement.
        sizes: how many candidates, ascending.
        draws: of each row.
        rows: that are read at most.
        seed: of the draws.
        selector: that the stopping rules are compared with.
        answer_key: what is voted on, and compared with references.
    """

    folder: Path
    check: str | None
    sizes: Sequence[int]
    draws: int
    rows: int
    seed: int
    selector: SelectorSettings
    answer_key: AnswerKeySettings


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
    selector: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What chooses where stopping rules are compared, as in `ask`. \\[auto]",
        ),
    ] = None,
    answer_key: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What of an answer is voted on, and compared with references. \\[the run's own]",
        ),
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
            metavar="FILE",
            help="Write a page with the curves, too.",
            show_default=False,
            parser=at_home,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Replay a run under every selector and stopping rule: accuracy, tokens and decode steps.

    Nothing is sampled. The run should hold more candidates a row than you mean to sample.
    """
    with exit_codes():
        from bestofn.cli.voting import voting
        from bestofn.support.place import place_of
        from bestofn.tuning.recommend import CostLimit

        limit = None if budget is None else CostLimit.parse(budget)
        if html is not None and html.is_dir():
            raise ConfigError(f"{html} is a folder: name a file in it")
        if html is not None and not place_of(html).parent.is_dir():
            raise ConfigError(f"{html}: there is no such folder")
        sizes = sorted(set(best_of or SIZES))
        chosen = voting(folder, selector, answer_key)
        asked = Comparison(folder, check, sizes, draws, rows, seed, *chosen)
        run_to_end(_compare(asked, limit, html, as_json=as_json))


async def _compare(
    asked: Comparison, limit: CostLimit | None, html: Path | None, *, as_json: bool
) -> None:
    from bestofn.cli.compared import print_json, print_tables
    from bestofn.tuning.page import Compared, write_page
    from bestofn.tuning.recommend import recommended

    graded, usable = await _graded(asked)
    outcomes = await _outcomes(asked, graded, usable)
    whole = next(
        each
        for each in outcomes
        if each.plan.best_of == usable[-1] and each.plan.selector == asked.selector
    )
    best = None if limit is None else recommended(outcomes, whole, limit)
    if limit is not None and best is None:
        raise ConfigError(f"budget: nothing that was compared keeps {limit.cost}={limit.share:g}")
    compared = Compared(graded, outcomes, whole, asked.answer_key)
    if as_json:
        if compared.uncounted is not None:
            _tell(compared.uncounted)
        print_json(compared, best)
    else:
        print_tables(compared, best)
    if html is not None:
        write_page(html, compared)
        typer.echo(str(html), err=True)


async def _graded(asked: Comparison) -> tuple[Graded, Sequence[int]]:
    """The rows of the run that hold as many candidates as are compared, with their verdicts, and
    the sizes that there are candidates for; what is left out is told."""
    from bestofn.rewards.verifiers.open import open_verifier
    from bestofn.settings.verifier import VerifierSettings
    from bestofn.tuning.grading import graded
    from bestofn.tuning.recorded import read_run

    state_of(asked.folder)
    read = list(islice(read_run(asked.folder), asked.rows))
    if not read:
        raise ConfigError(f"{asked.folder}: no row has two finished candidates")
    held = max(len(row.candidates) for row in read)
    usable = [size for size in asked.sizes if size <= held]
    if not usable:
        raise ConfigError(
            f"{asked.folder} holds {held} candidates a row at most: --best-of is more"
        )
    if beyond := [size for size in asked.sizes if size > held]:
        _tell(f"no row has {beyond[0]} finished candidates: compared up to {usable[-1]}")
    whole = [row for row in read if len(row.candidates) >= usable[-1]]
    if len(whole) < len(read):
        lost = len(read) - len(whole)
        _tell(f"{lost} of {len(read)} rows have fewer than {usable[-1]} candidates: left out")
    verifier = None if asked.check is None else open_verifier(VerifierSettings(check=asked.check))
    try:
        found = await graded(whole, verifier, asked.answer_key)
    finally:
        if verifier is not None:
            verifier.close()
    if len(found.rows) < len(whole):
        lost = len(whole) - len(found.rows)
        _tell(f"{lost} of {len(whole)} rows could not be graded by {found.by}: left out")
    return found, usable


def _tell(sentence: str) -> None:
    typer.echo(sentence, err=True)


async def _outcomes(asked: Comparison, graded: Graded, sizes: Sequence[int]) -> list[Outcome]:
    """Of every selector at every size, and of every rule at the largest; it takes its time."""
    from rich.console import Console
    from rich.progress import Progress

    from bestofn.tuning.compare import outcomes
    from bestofn.tuning.plans import NEED_REWARDS, choosing_plans, has_rewards, stopping_plans

    chosen = asked.selector, asked.answer_key
    if asked.selector.name in NEED_REWARDS and not has_rewards(graded.rows):
        raise ConfigError(f"--selector {asked.selector.name} needs rewards, and the run has none")
    plans = [
        *choosing_plans(graded.rows, sizes, *chosen),
        *stopping_plans(graded.rows, sizes[-1], *chosen),
    ]
    found = []
    with Progress(console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("replaying", total=len(plans))
        replayed = outcomes(graded.rows, graded.right, plans, draws=asked.draws, seed=asked.seed)
        async for each in replayed:
            found.append(each)
            shown.advance(task)
    return found
