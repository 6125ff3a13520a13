"""Checks the reward engine's paths on a GPU against the CPU, and measures an 8B shape there.

    python -m benchmarks.gpu --output FOLDER [--minutes 8]        # on a machine with a GPU
    python -m benchmarks.gpu --output FOLDER --shape tiny --device cpu       # a dry run
    python -m benchmarks.gpu --wheels FOLDER                      # what a bare machine has to get

It wants Python, torch, transformers and what `--wheels` fetches; neither vLLM nor a network nor
anybody's weights. Each part is a process of its own, which ends when its time is over, and takes
its faults with it. FOLDER gets a line of JSON for each finding at once, and after each part
gpu.json and gpu.md, the tables.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.on_gpu.findings import LOG, Finding, Findings, Verdict, read, write

PARTS = {
    "kernels": 120.0,  # the first to read torch from the disk
    "rewards": 100.0,
    "scoring": 200.0,
    "limits": 80.0,
    "compiled": 150.0,
    "quantised": 60.0,
}
"""The parts, in order, and the seconds that each may take on a GPU: what is worth most is first."""

LEAST = 15.0
"""Seconds below which a part is not begun."""


@dataclass(frozen=True, slots=True)
class Run:
    """What the command line asks for.

    Args:
        output: the folder.
        shape, dtype: of the model that is measured.
        device: where.
        parts: which, in order.
        minutes: for everything.
    """

    output: Path
    shape: str
    dtype: str
    device: str
    parts: tuple[str, ...]
    minutes: float


def run_all(run: Run) -> int:
    """Every part after the other; 1 where a finding is wrong or failed, else 0."""
    run.output.mkdir(parents=True, exist_ok=True)
    log = run.output / LOG
    log.unlink(missing_ok=True)
    began = time.monotonic()
    for part in run.parts:
        left = run.minutes * 60 - (time.monotonic() - began)
        if left < LEAST:
            write(log, Finding(part, "the part", "skipped", "no time was left", {}, 0.0))
            continue
        _run_part(run, part, left if run.device == "cpu" else min(PARTS[part], left))
        _write_results(run, time.monotonic() - began)
    _write_results(run, time.monotonic() - began)
    print((run.output / "gpu.md").read_text(encoding="utf-8"))
    return int(any(finding.outcome in ("wrong", "failed") for finding in read(log)))


def _run_part(run: Run, part: str, seconds: float) -> None:
    command = [
        *(sys.executable, "-m", "benchmarks.gpu", f"--part={part}", f"--output={run.output}"),
        *(f"--shape={run.shape}", f"--dtype={run.dtype}", f"--device={run.device}"),
        f"--seconds={seconds}",
    ]
    began = time.monotonic()
    # Threads that wait for each other on a busy CPU would take the most of a dry run.
    few = {"OMP_NUM_THREADS": "1"} if run.device == "cpu" else {}
    # A session of its own, so that what it has started ends with it.
    process = subprocess.Popen(command, start_new_session=True, env={**few, **os.environ})
    try:
        code: int | None = process.wait(seconds)
    except subprocess.TimeoutExpired:
        code = None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    took = time.monotonic() - began
    if code:
        write(run.output / LOG, Finding(part, "the part", "failed", f"exit code {code}", {}, took))
    if code is None:
        said = f"stopped after {seconds:.0f} s"
        write(run.output / LOG, Finding(part, "the part", "failed", said, {}, took))
    print(f"--- {part}: {took:.1f} s", flush=True)


def _write_results(run: Run, seconds: float) -> None:
    from benchmarks.on_gpu.tables import document

    findings = read(run.output / LOG)
    device = next((dict(f.values) for f in findings if f.name == "device"), {})
    result = {
        "device": device,
        "seconds": seconds,
        "findings": [asdict(finding) for finding in findings],
    }
    (run.output / "gpu.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
    (run.output / "gpu.md").write_text(document(device, findings) + "\n", encoding="utf-8")


def run_part(run: Run, part: str, seconds: float) -> None:
    """One part, in this process."""
    import torch
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    findings = Findings(part, run.output / LOG, seconds)
    device = torch.device(run.device)
    dtype = getattr(torch, run.dtype)
    held: list[int] = []

    def describe() -> Verdict:
        values, context = _device(run, device)
        held.append(context)
        return Verdict("measured", values["name"], values)

    findings.check("device", describe)
    if part == "kernels":
        from benchmarks.on_gpu.kernels import check_kernels

        check_kernels(findings, device)
    elif part == "rewards":
        from benchmarks.on_gpu.rewards import check_rewards

        check_rewards(findings, device)
    elif part == "quantised":
        from benchmarks.on_gpu.rewards import check_quantised

        check_quantised(findings, device)
    else:
        _with_model(run, part, findings, device, dtype, held[0] if held else 0)


def _with_model(
    run: Run, part: str, findings: Findings, device: Any, dtype: Any, context: int
) -> None:
    from benchmarks.on_gpu.limits import check_limits
    from benchmarks.on_gpu.memory import check_memory
    from benchmarks.on_gpu.models import random_model
    from benchmarks.on_gpu.scoring import check_compiled, check_scoring, measure_roofs
    from bestofn.rewards.local.token_budget import CPU_BATCH_TOKENS
    from bestofn.settings.rewards import MAX_BATCH_TOKENS

    # Recovery is as true of a smaller model, and sooner seen.
    shape = "1b" if part == "limits" and run.shape == "8b" else run.shape
    budget = CPU_BATCH_TOKENS if device.type == "cpu" else MAX_BATCH_TOKENS
    made = []

    def make() -> Verdict:
        made.append(random_model(shape, device, dtype, budget))
        count = sum(weight.numel() for weight in made[0].trunk.parameters())
        return Verdict("measured", f"{count / 1e9:.2f} billion weights, shape {shape}")

    findings.check("a random model", make)
    if not made:
        return
    if part == "limits":
        check_limits(findings, made[0])
        return
    roofs = measure_roofs(findings, device, dtype)
    if part == "compiled":
        check_compiled(findings, made[0], shape, roofs)
    else:
        check_memory(findings, made[0], shape, context)  # while nothing else was allocated
        check_scoring(findings, made[0], shape, roofs)


def _device(run: Run, device: Any) -> tuple[dict[str, Any], int]:
    """What it is called, and the bytes of its context, where it is a GPU."""
    import torch
    import transformers

    values: dict[str, Any] = {
        "name": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "cuda": torch.version.cuda,
        "shape": run.shape,
        "dtype": run.dtype,
        "threads": torch.get_num_threads(),
    }
    if device.type != "cuda":
        return values, 0
    torch.zeros(8, 8, device=device) @ torch.zeros(8, 8, device=device)
    free, total = torch.cuda.mem_get_info(device)
    values["name"] = torch.cuda.get_device_name(device)
    values["capability"] = list(torch.cuda.get_device_capability(device))
    values["memory"] = total
    return values, total - free - torch.cuda.memory_reserved(device)


def main() -> int:
    """The command line; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output", type=Path, help="the folder for what is found")
    parser.add_argument("--shape", choices=("8b", "tiny"), default="8b")
    parser.add_argument("--dtype", choices=("bfloat16", "float16", "float32"), default="bfloat16")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--minutes", type=float, default=8.0, help="for everything")
    parser.add_argument("--skip", action="append", choices=tuple(PARTS), default=[])
    parser.add_argument("--wheels", type=Path, help="only fetch what a bare machine lacks")
    parser.add_argument("--part", choices=tuple(PARTS), help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=float("inf"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.wheels:
        from benchmarks.on_gpu.wheels import fetch_wheels

        for wheel in fetch_wheels(arguments.wheels):
            print(f"{wheel.stat().st_size:>12,}  {wheel.name}")
        return 0
    if arguments.output is None:
        parser.error("--output says where the findings go")
    run = Run(
        arguments.output,
        arguments.shape,
        arguments.dtype,
        arguments.device,
        tuple(part for part in PARTS if part not in arguments.skip),
        arguments.minutes,
    )
    if arguments.part:
        run_part(run, arguments.part, arguments.seconds)
        return 0
    return run_all(run)


if __name__ == "__main__":
    sys.exit(main())
