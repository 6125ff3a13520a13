"""Owns the command line: its commands, their flags and their exit codes.

Exit codes: 0; 1 the engine or the reward model failed; 2 bad arguments or input; 3 nothing
acceptable was left and the policy is `error`; 130 interrupted.
"""

from __future__ import annotations

from typing import Annotated

import typer

from bestofn import __version__
from bestofn.cli import answers
from bestofn.cli import dataset_options as datasets

app = typer.Typer(
    help="Sample N answers, reject the repetitive and the truncated, return the best.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(answers.app)
app.add_typer(datasets.app)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)
    ] = False,
) -> None:
    if version:
        typer.echo(f"bestofn {__version__}")
        raise typer.Exit


def main() -> None:
    """The console script."""
    app()
