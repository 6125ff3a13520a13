"""Runs `bestofn`: the installed console script as a user does, or the same in this process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import run_here

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
    return run_here
