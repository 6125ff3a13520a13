"""`bestofn models`: the table of reward model families that can be named or recognised."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import typer

from bestofn.cli.options import JsonOption
from bestofn.cli.running import exit_codes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.table import Table

    from bestofn.rewards.text.formats import Format


def models(as_json: JsonOption = False) -> None:
    """List the reward models that are read natively, and how each is recognised."""
    with exit_codes():
        from rich.console import Console

        from bestofn.rewards.text.formats import FORMATS

        if as_json:
            rows = [_row(known) for known in FORMATS.values()]
            typer.echo(json.dumps(rows, ensure_ascii=False))
        else:
            Console().print(_table(FORMATS.values()))


def _row(known: Format) -> dict[str, Any]:
    return {
        "format": known.name,
        "family": known.family,
        "examples": list(known.examples),
        "recognised_by": known.known_by,
        "head": known.head,
        "aggregate": known.aggregate,
        "shared_prefix": known.shares,
        "remote_code": known.remote,
    }


def _table(formats: Iterable[Format]) -> Table:
    """A block for each family: examples are as long as a narrow terminal, so no columns."""
    from rich.table import Table

    table = Table.grid(padding=(0, 2, 1, 0))
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for known in formats:
        steps = f"; one reward a step, the answer's is their {known.aggregate}"
        lines = [
            known.family,
            *(f"  {example}" for example in known.examples),
            f"recognised: {known.known_by}",
            f"head: {known.head}{steps if known.aggregate else ''}",
            f"prompt computed once for all candidates: {'yes' if known.shares else 'no'}",
        ]
        if known.remote:
            lines.append("runs code of the checkpoint's own: only with --trust-remote-code")
        table.add_row(known.name, "\n".join(lines))
    return table
