"""The script for a GPU: its dry run on a CPU, and that a fault of one part costs no other."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from benchmarks import gpu
from benchmarks.on_gpu.findings import LOG, Finding, Findings, Skip, Verdict, read, relative, write
from benchmarks.on_gpu.tables import document
from benchmarks.on_gpu.wheels import trim

ROOT = Path(__file__).parents[2]


def run_gpu(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.gpu", *arguments]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ}
    )


@pytest.fixture(scope="module")
def dry_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any, str]:
    """The folder, gpu.json and what was printed."""
    folder = tmp_path_factory.mktemp("gpu")
    done = run_gpu(
        f"--output={folder}", "--shape=tiny", "--device=cpu", "--skip=compiled", "--minutes=4"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, json.loads((folder / "gpu.json").read_text()), done.stdout


@pytest.mark.slow
def test_a_dry_run_finds_everything_right_or_says_why_not(
    dry_run: tuple[Path, Any, str],
) -> None:
    _, result, _ = dry_run
    findings = result["findings"]
    assert {finding["part"] for finding in findings} == set(gpu.PARTS) - {"compiled"}
    outcomes = {finding["outcome"] for finding in findings}
    assert outcomes == {"right", "measured", "skipped"}
    skipped = {
        (f["part"], f["name"].partition(",")[0]) for f in findings if f["outcome"] == "skipped"
    }
    assert skipped == {("kernels", "attend_ragged"), ("scoring", "peak against the plan")}
    right = [finding["part"] for finding in findings if finding["outcome"] == "right"]
    assert {part: right.count(part) for part in ("kernels", "rewards", "limits", "quantised")} == {
        "kernels": 27,
        "rewards": 9,
        "limits": 5,
        "quantised": 2,
    }


@pytest.mark.slow
def test_a_dry_run_writes_the_tables(dry_run: tuple[Path, Any, str]) -> None:
    folder, result, printed = dry_run
    tables = (folder / "gpu.md").read_text()
    assert tables in printed
    cases = [f["values"] for f in result["findings"] if "rounds" in f["values"]]
    assert len(cases) == 4
    for case in cases:
        named = ", ".join(map(str, case["case"]))
        assert len(re.findall(rf"^\| {named} \|", tables, re.MULTILINE)) == 2
    assert result["device"]["name"] in tables


@pytest.mark.model
def test_a_part_that_takes_too_long_is_stopped_and_the_next_one_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu, "PARTS", {"kernels": 0.2, "rewards": 0.2})
    run = gpu.Run(tmp_path, "tiny", "bfloat16", "cuda", ("kernels", "rewards"), minutes=1)
    assert gpu.run_all(run) == 1
    found = read(tmp_path / LOG)
    assert [(f.part, f.outcome, f.detail) for f in found] == [
        ("kernels", "failed", "stopped after 0 s"),
        ("rewards", "failed", "stopped after 0 s"),
    ]
    assert json.loads((tmp_path / "gpu.json").read_text())["findings"]


@pytest.mark.slow
def test_without_a_gpu_each_part_says_so_and_the_run_ends_in_1(tmp_path: Path) -> None:
    done = run_gpu(
        f"--output={tmp_path}",
        "--device=cuda",
        *(f"--skip={p}" for p in gpu.PARTS if p != "kernels"),
    )
    if read(tmp_path / LOG)[0].outcome == "measured":
        pytest.skip("there is a GPU here")
    assert done.returncode == 1
    assert {finding.outcome for finding in read(tmp_path / LOG)} == {"failed"}


def test_a_check_that_raises_is_a_finding_and_the_next_one_is_made(tmp_path: Path) -> None:
    findings = Findings("some", tmp_path / LOG)

    def raises() -> Verdict:
        raise RuntimeError("an illegal access")

    def skips() -> Verdict:
        raise Skip("not here")

    findings.check("one", raises)
    findings.check("two", skips)
    findings.check("three", lambda: Verdict.within(0.1, 0.2))
    findings.check("four", lambda: Verdict.within(float("nan"), 0.2))
    assert [(f.name, f.outcome) for f in read(tmp_path / LOG)] == [
        ("one", "failed"),
        ("two", "skipped"),
        ("three", "right"),
        ("four", "wrong"),
    ]
    assert read(tmp_path / LOG)[0].detail == "RuntimeError: an illegal access"


def test_a_line_that_was_cut_off_costs_the_others_nothing(tmp_path: Path) -> None:
    write(tmp_path / LOG, Finding("some", "one", "right", "", {}, 0.1))
    with (tmp_path / LOG).open("a") as file:
        file.write('{"part": "some", "na')
    assert [finding.name for finding in read(tmp_path / LOG)] == ["one"]


def test_the_relative_error_is_of_norms() -> None:
    assert relative([3.0, 4.0], [3.0, 4.0]) == 0
    assert relative([0.0, 0.0], [3.0, 4.0]) == 1
    assert relative([3.0, 4.5], [3.0, 4.0]) == pytest.approx(0.1)


def test_without_findings_the_tables_say_that_there_are_none() -> None:
    assert "0 checks right, 0 wrong" in document({}, [])


def test_the_package_allows_what_such_a_machine_has() -> None:
    """torch 2.11 and transformers 5.17, Python 3.12, and no vLLM."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    required = {each.name: each for each in map(Requirement, project["dependencies"])}
    assert required["torch"].specifier.contains("2.11.0")
    assert required["transformers"].specifier.contains("5.17.0")
    assert Requirement(f"python{project['requires-python']}").specifier.contains("3.12.3")
    assert not [name for name in required if name.startswith("vllm")]


def test_a_trimmed_wheel_has_one_cuda_library_and_a_record_of_what_is_there(
    tmp_path: Path,
) -> None:
    wheel = tmp_path / "bitsandbytes-1-py3-none-any.whl"
    names = ["bitsandbytes/__init__.py", "bitsandbytes/libbitsandbytes_cpu.so"]
    cuda = [f"bitsandbytes/libbitsandbytes_cuda{version}.so" for version in (118, 129, 130)]
    record = "bitsandbytes-1.dist-info/RECORD"
    with zipfile.ZipFile(wheel, "w") as whole:
        for name in [*names, *cuda]:
            whole.writestr(name, name)
        whole.writestr(record, "".join(f"{name},,\n" for name in [*names, *cuda, record]))
    trim(wheel)
    with zipfile.ZipFile(wheel) as smaller:
        kept = [*names, "bitsandbytes/libbitsandbytes_cuda130.so"]
        assert smaller.namelist() == [*kept, record]
        assert smaller.read(record).decode() == "".join(f"{n},,\n" for n in [*kept, record])
