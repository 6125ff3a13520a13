"""The suites of other projects, each in its own environment, against the server both ways.

BESTOFN_SUITES=FOLDER .venv/bin/pytest tests/benchmarks/test_suites_of_clients.py

FOLDER holds an environment for each suite, by its name (docs/guides/clients.md says of what), and
openai-python's repository as `openai-python-checkout`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.client_suites.__main__ import SUITES, WAYS

pytestmark = pytest.mark.slow

NAMES = ("openai-python", *SUITES)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("suite", NAMES)
def test_all_passes_that_has_to(suite: str, way: str) -> None:
    folder = os.environ.get("BESTOFN_SUITES")
    if folder is None:
        pytest.skip("BESTOFN_SUITES names no folder of environments: see docs/guides/clients.md")
    python = Path(folder, suite, "bin", "python")
    checkout = Path(folder, "openai-python-checkout")
    for each in (python, checkout) if suite == "openai-python" else (python,):
        if not each.exists():
            pytest.skip(f"{each} is not here: see docs/guides/clients.md")
    command = [sys.executable, "-m", "benchmarks.client_suites", suite, f"--python={python}"]
    flags = [f"--way={way}", f"--checkout={checkout}"]
    done = subprocess.run([*command, *flags], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{suite}, {way}" in done.stdout
