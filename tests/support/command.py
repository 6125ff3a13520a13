"""`bestofn` in this process."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping

from typer.testing import CliRunner

from bestofn.cli import app


def run_here(
    *arguments: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """What the command with these arguments prints, and its exit code; no sentence is wrapped.

    What a command sets in its process is taken back: variables, and what Ctrl-C and SIGTERM do.
    """
    before = dict(os.environ)
    handlers = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        wide = {"COLUMNS": "200", **(environment or {})}
        done = CliRunner().invoke(app, arguments, env=wide)
    finally:
        os.environ.clear()
        os.environ.update(before)
        for number, handler in handlers.items():
            signal.signal(number, handler)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)
