"""Owns `bestofn models`: the table of reward model families that can be named or recognised."""

from __future__ import annotations

import json
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from bestofn.rewards.text.formats import FORMATS, Format


def run(*, as_json: bool) -> None:
    """Print every family: a table, or one JSON array of objects."""
    if as_json:
        typer.echo(json.dumps([_row(known) for known in FORMATS.values()], ensure_ascii=False))
    else:
        Console().print(_table())


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


def _table() -> Table:
    """A block for each family: examples are as long as a narrow terminal, so no columns."""
    table = Table.grid(padding=(0, 2, 1, 0))
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for known in FORMATS.values():
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
