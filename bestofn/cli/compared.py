"""A comparison as `bestofn compare` prints it: tables for a reader, or JSON."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from bestofn.tuning.compare import Outcome
    from bestofn.tuning.page import Compared


def print_json(compared: Compared, best: Outcome | None) -> None:
    """One object; the keys are part of the interface. What is not known is null.

    Args:
        compared: what is printed.
        best: the recommended outcome; None: none was asked for.
    """
    from bestofn.tuning.recommend import profile_of

    told: dict[str, Any] = {
        "graded_by": compared.graded.by,
        "rows": len(compared.graded.rows),
        "outcomes": [
            {
                "best_of": each.plan.best_of,
                "selector": each.plan.selector.name,
                "stop": each.plan.stop.model_dump(exclude_defaults=True),
                "accuracy": _known(each.accuracy),
                "interval": [_known(each.low), _known(each.high)],
                "tokens": _known(each.tokens),
                "steps": _known(each.steps),
                "sampled": _known(each.sampled),
            }
            for each in compared.outcomes
        ],
        "at_k": [
            {
                "k": each.k,
                "pass": _estimate(each.any_right),
                "maj": _estimate(each.majority),
                "rm": _estimate(each.reward),
            }
            for each in compared.at_k
        ],
        "over_optimisation": None if compared.fall is None else dataclasses.asdict(compared.fall),
        "length": None
        if compared.length_bias is None
        else dataclasses.asdict(compared.length_bias),
    }
    if best is not None:
        told["recommended"] = profile_of(best)
    typer.echo(json.dumps(told))


def print_tables(compared: Compared, best: Outcome | None) -> None:
    """Outcomes, pass@k and its like, hints, and the recommended profile; arguments as
    `print_json`."""
    import yaml
    from rich.console import Console
    from rich.table import Table

    from bestofn.tuning.page import HEADINGS, at_k_cells, cells
    from bestofn.tuning.recommend import profile_of

    graded, whole = compared.graded, compared.whole
    table = Table(
        title=f"{len(graded.rows)} rows, right by {graded.by}; costs as shares of best of "
        f"{whole.plan.best_of} without stopping"
    )
    for heading in HEADINGS:
        table.add_column(heading, justify="left" if heading.startswith("chosen") else "right")
    for each in compared.outcomes:
        table.add_row(*cells(each, whole))
    columns, rows = at_k_cells(compared)
    by_size = Table(title="by the number of candidates, with 95 % intervals")
    for heading in columns:
        by_size.add_column(heading, justify="right")
    for row in rows:
        by_size.add_row(*row)
    console = Console()
    console.print(table)
    console.print(by_size)
    for hint in compared.hints:
        console.print(hint, highlight=False)
    if best is not None:
        typer.echo(yaml.safe_dump({"profiles": {"recommended": profile_of(best)}}))


def _known(value: float) -> float | None:
    """JSON has no nan."""
    return None if math.isnan(value) else value


def _estimate(estimate: Any) -> dict[str, float] | None:
    return None if estimate is None else dataclasses.asdict(estimate)
