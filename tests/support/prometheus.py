"""A real Prometheus that scrapes a server every second, and what it answers."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

SECONDS = 60.0
"""In which Prometheus is up, or has seen something."""


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A running one.

    Args:
        http: a client of it.
    """

    http: httpx.Client

    def get(self, path: str, **parameters: str) -> Any:
        """The data of an answer of its API."""
        answer = self.http.get(f"/api/v1/{path}", params=parameters)
        body = answer.json()
        assert body["status"] == "success", (parameters, body)
        return body["data"]

    def values(self, query: str) -> list[float]:
        """Of each series that an instant query finds."""
        return [float(each["value"][1]) for each in self.get("query", query=query)["result"]]

    def wait_for(self, query: str, value: float) -> None:
        """Until the one series of `query` has this value."""
        deadline = time.monotonic() + SECONDS
        while (found := self.values(query)) != [value]:
            assert time.monotonic() < deadline, f"{query} is {found}, and should become {value}"
            time.sleep(0.1)


@contextlib.contextmanager
def scraping(target: str, config: Path, rules: Path, folder: Path) -> Iterator[Prometheus]:
    """A Prometheus with the configuration and the rules that are shipped, but for the address that
    it scrapes, and how often; the test is skipped, saying so, where there is none.

    Args:
        target: host and port of the server.
        config: `prometheus.yml` as it is shipped.
        rules: the alerts.
        folder: takes what it writes.
    """
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("prometheus is not here: apt-get install prometheus")
    shipped = yaml.safe_load(config.read_text(encoding="utf-8"))
    shipped["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    shipped["rule_files"] = [str(rules)]
    shipped["scrape_configs"][0]["static_configs"][0]["targets"] = [target]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(shipped), encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [
        program,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
    ]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(command, stdout=log, stderr=log) as process,
        httpx.Client(base_url=f"http://{address}", timeout=10) as http,
    ):
        try:
            deadline = time.monotonic() + SECONDS
            while not _ready(http):
                said = (folder / "log").read_text(encoding="utf-8")
                assert process.poll() is None, said[-3000:]
                assert time.monotonic() < deadline, said[-3000:]
                time.sleep(0.1)
            yield Prometheus(http)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def _ready(http: httpx.Client) -> bool:
    try:
        return http.get("/-/ready").is_success
    except httpx.TransportError:
        return False
