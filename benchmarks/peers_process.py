"""The peers of `benchmarks.peers`, in an environment and a process of their own.

its_hub comes with what it requires, optillm with what its two approaches import: all that it
requires brings torch with CUDA.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

NEEDED = ("its_hub[lm]==1.2.0",)
WITHOUT_WHAT_IT_NEEDS = "optillm==0.4.0"
IMPORTED = (
    *("aiohttp", "cerebras_cloud_sdk", "flask", "math-verify", "networkx", "numpy", "openai"),
    *("PyYAML", "requests", "sympy", "z3-solver<=4.15.4.0"),
)
"""What the two approaches of optillm import."""

RATES = "optillm bon"
PEERS = (
    "its_hub SelfConsistency",
    "its_hub SelfConsistency, same key",
    "its_hub BetaSelfConsistency",
    "its_hub BetaSelfConsistency, same key",
    "optillm self_consistency",
    RATES,
)


class Peers:
    """The peers' process; see `benchmarks.peers_worker`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, way: str, model: str, prompt: str, n: int) -> Mapping[str, Any]:
        """The answer of one of their ways.

        Raises:
            SystemExit: it raised, or the process has ended: then no figure counts.
        """
        pipe: tuple[IO[str] | None, IO[str] | None] = (self._process.stdin, self._process.stdout)
        assert pipe[0] is not None
        assert pipe[1] is not None
        pipe[0].write(json.dumps({"way": way, "model": model, "prompt": prompt, "n": n}) + "\n")
        pipe[0].flush()
        line = pipe[1].readline()
        told: dict[str, Any] = json.loads(line) if line else {"error": "its process has ended"}
        if "error" in told:
            raise SystemExit(f"{way}: {told['error']}")
        return told


def environment(folder: Path) -> Path:
    """The Python of an environment with both peers; what is there already is used again."""
    python = folder / "bin" / "python"
    if not python.is_file():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet"]
        subprocess.run([*install, *NEEDED, *IMPORTED], check=True)
        subprocess.run([*install, "--no-deps", WITHOUT_WHAT_IT_NEEDS], check=True)
    return python


@contextlib.contextmanager
def peers(python: Path, url: str, system: str, max_tokens: int) -> Iterator[Peers]:
    """Their process over this server."""
    worker = Path(__file__).with_name("peers_worker.py")
    flags = [f"--url={url}", f"--system={system}", f"--max-tokens={max_tokens}"]
    with subprocess.Popen(
        [python, worker, *flags],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            yield Peers(process)
        finally:
            process.terminate()
