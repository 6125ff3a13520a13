"""Runs `bestofn`: the installed console script as a user does, or the same in this process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bestofn.cli import app

SCRIPT = str(Path(sys.executable).with_name("bestofn"))
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def bestofn() -> Run:
    """`bestofn(*arguments, **subprocess options)`, output captured; it must not show a trace."""

    def run(
        *arguments: str, environment: Mapping[str, str] | None = None, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        # no sentence is wrapped
        wide = {**os.environ, "COLUMNS": "200", **(environment or {})}
        done = subprocess.run(
            [SCRIPT, *arguments],
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
            env=wide,
            **options,
        )
        assert "Traceback" not in done.stderr
        return done

    return run


@pytest.fixture(scope="session")
def bestofn_here() -> Run:
    """The same in this process, where torch and what else it needs is loaded once for all tests."""

    def run(
        *arguments: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        before, handler = dict(os.environ), signal.getsignal(signal.SIGINT)
        try:
            wide = {"COLUMNS": "200", **(environment or {})}
            done = CliRunner().invoke(app, arguments, env=wide)
        finally:
            os.environ.clear()
            os.environ.update(before)
            signal.signal(signal.SIGINT, handler)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)

    return run
