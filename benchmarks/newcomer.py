"""Times a newcomer's path: the commands of the README as they stand in it, after `make setup`.

.venv/bin/python -m benchmarks.newcomer

Prints the seconds to the first ranked answer, from the start of the server to a curl that answers,
and to a row of a data set that one can train on; ends with 1 where one took two minutes or more.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
ADDRESS = "127.0.0.1:8000"
"""Where the README's server listens."""
LIMIT = 120.0
"""Seconds that each of the three may take."""


@dataclass(frozen=True, slots=True)
class Typed:
    """What the README tells a newcomer to type.

    Args:
        ask: prints the first ranked answer.
        serve: starts the server.
        curl: asks it.
        dataset: makes a data set, and shows a row of it.
    """

    ask: str
    serve: str
    curl: str
    dataset: Sequence[str]

    @classmethod
    def of(cls, readme: str) -> Typed:
        """The commands of the README's section of three commands."""
        section = readme.partition("## Three commands")[2].partition("\n## ")[0]
        lines = re.findall(r"^    (\.venv/bin/.*)$", section, re.MULTILINE)
        ask, serve, *dataset = (re.sub(r"\s{2,}#.*$", "", line) for line in lines)
        (curl,) = re.findall(r"```sh\n(curl .*?)```", section, re.DOTALL)
        return cls(ask, serve, curl, dataset)


@dataclass(frozen=True, slots=True)
class Place:
    """A folder that looks like a fresh clone to the commands.

    Args:
        folder: holds `.venv` and `examples`, and takes what the commands write.
        environment: of the commands.
    """

    folder: Path
    environment: Mapping[str, str]

    def run(self, command: str) -> tuple[float, str]:
        """Seconds, and what it printed.

        Raises:
            SystemExit: it failed.
        """
        began = time.perf_counter()
        done = subprocess.run(
            command,
            shell=True,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{command}: {done.returncode}\n{done.stderr}")
        return time.perf_counter() - began, done.stdout

    def answered(self, serve: str, curl: str) -> float:
        """Seconds from the start of a server until the call is answered."""
        began = time.perf_counter()
        with subprocess.Popen(
            shlex.split(serve),
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as server:
            try:
                while True:
                    if server.poll() is not None:
                        raise SystemExit(f"{serve}: {server.returncode}")
                    done = subprocess.run(curl, shell=True, capture_output=True, check=False)
                    if not done.returncode and "choices" in json.loads(done.stdout):
                        return time.perf_counter() - began
                    time.sleep(0.2)
            finally:
                server.terminate()


def walk(typed: Typed, port: int) -> Mapping[str, float]:
    """Seconds of each of the three, by what it leads to."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for name in (".venv", "examples"):
            (folder / name).symlink_to((ROOT / name).resolve())
        environment = {**os.environ, "BESTOFN_SERVER__PORT": str(port), "HF_HUB_OFFLINE": "1"}
        place = Place(folder, environment)
        asked, _ = place.run(typed.ask)
        curl = typed.curl.replace(ADDRESS, f"127.0.0.1:{port}")
        served = place.answered(typed.serve, curl)
        steps = [place.run(command) for command in typed.dataset]
        if "chosen" not in steps[-1][1]:
            raise SystemExit(f"{typed.dataset[-1]}: it shows no pair\n{steps[-1][1]}")
    return {
        "the first ranked answer": asked,
        "a curl that answers": served,
        "a row that one can train on": sum(seconds for seconds, _ in steps),
    }


def main() -> int:
    """The command line."""
    argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0]).parse_args()
    typed = Typed.of((ROOT / "README.md").read_text(encoding="utf-8"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    seconds = walk(typed, port)
    for name, value in seconds.items():
        print(f"{value:6.1f} s  {name}")
    return int(max(seconds.values()) >= LIMIT)


if __name__ == "__main__":
    raise SystemExit(main())
