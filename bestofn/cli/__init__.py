"""The command line: a file for each command, with its flags and its work.

    options, dataset_options    flags that several commands have
    running, interrupt, usage   how a command ends: exit codes, Ctrl-C, a flag that is wrong
    console, tables, json_lines what is printed, for people and for programs; output its encoding

Exit codes: 0; 1 the engine or the reward model failed; 2 bad arguments or input; 3 nothing
acceptable was left and the policy is `error`; 4 no row could be read; 130 interrupted (Ctrl-C),
143 terminated (SIGTERM).

A command imports what it works with inside its functions, so that `bestofn --help` is there at
once. A new command is one new file and one line here.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from bestofn import __version__
from bestofn.cli import (
    ask,
    batch,
    compare,
    config,
    doctor,
    export,
    models,
    plan,
    report,
    sample,
    score,
    serve,
    verify,
)
from bestofn.cli import filter as filter_data
from bestofn.cli.output import take_every_character
from bestofn.cli.running import exit_codes
from bestofn.cli.usage import Commands

app = typer.Typer(
    cls=Commands,
    help="Sample N answers, reject the repetitive and the truncated, return the best.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)
app.command()(ask.ask)
app.command(cls=serve.TakesEngineFlags, epilog="After `--`: any flag of `vllm serve`.")(serve.serve)
app.command(cls=serve.TakesEngineFlags, epilog="After `--`: any flag of `vllm serve`.")(batch.batch)
app.command()(score.score)
app.command("filter")(filter_data.filter_)
app.command()(plan.plan)
app.command()(models.models)
app.command()(sample.sample)
app.command()(export.export)
app.command()(report.report)
app.command()(compare.compare)
app.command()(verify.verify)
app.add_typer(config.group, name="config")
app.command()(doctor.doctor)


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
    take_every_character()
    try:
        with exit_codes():  # of what is no command's: --help, --version
            app()
    except typer.Exit as error:
        sys.exit(error.exit_code)
