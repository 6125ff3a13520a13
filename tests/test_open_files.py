"""The limit of open files: raised, kept to, and told from a server that is not there."""

from __future__ import annotations

import errno
import logging
import resource
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from bestofn.core.no_winner import GeneratorBusyError
from bestofn.openai_api.client import ApiClient
from bestofn.openai_api.connection import open_http
from bestofn.settings.server_limits import ConnectionSettings
from bestofn.support.open_files import MOST, out_of_files, raise_open_files
from bestofn_server.http.open_files import affordable

_RAISED = (
    "import resource\n"
    "from bestofn.support.open_files import raise_open_files\n"
    "print(raise_open_files(), *resource.getrlimit(resource.RLIMIT_NOFILE))"
)


def test_the_soft_limit_is_raised_to_the_hard_one() -> None:
    command = 'ulimit -n 300 && ulimit -Sn 100 && exec "$0" -c "$1"'
    said = subprocess.check_output(["bash", "-c", command, sys.executable, _RAISED], text=True)
    assert said.split() == ["300", "300", "300"]


def test_where_there_is_no_hard_limit_what_the_system_takes_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As on macOS, which says that there is none and takes no more than 10,240."""
    asked: list[int] = []

    def take(kind: int, limits: tuple[int, int]) -> None:
        asked.append(limits[0])
        if limits[0] > 10_240:
            raise ValueError("not allowed")

    monkeypatch.setattr(resource, "getrlimit", lambda kind: (256, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", take)
    assert raise_open_files() == 10_240
    assert asked == [MOST, 10_240]


@pytest.mark.parametrize(
    ("files", "most"),
    [(None, 1024), (65_536, 1024), (1600, 1024), (1599, 1023), (1100, 524), (300, 86), (64, 1)],
)
def test_connections_leave_files_for_what_answers_them(
    files: int | None,
    most: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("bestofn_server.http.open_files.raise_open_files", lambda needed: files)
    with caplog.at_level(logging.WARNING):
        limits = affordable(ConnectionSettings(header_seconds=7))
    assert (limits.most, limits.header_seconds) == (most, 7)
    told = [record.getMessage() for record in caplog.records]
    assert told == (
        []
        if most == 1024
        else [
            f"this process may have {files} files open (`ulimit -n`): {most} connections at once, "
            "not 1024 (`server.connections.most`)"
        ]
    )


@pytest.mark.parametrize("cause", [None, OSError(errno.EMFILE, "Too many open files")])
def test_a_chain_of_causes_is_followed_to_its_end_or_for_a_while(cause: OSError | None) -> None:
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__context__ = other, cause or one
    assert out_of_files(one) is (cause is not None)


async def test_a_process_without_a_file_left_does_not_blame_the_upstream() -> None:
    asked = 0

    async def fail(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        cause = OSError(errno.EMFILE, "Too many open files")
        raise httpx.ConnectTimeout("Cannot connect to host") from cause

    async with httpx.AsyncClient(
        base_url="http://upstream/v1/", transport=httpx.MockTransport(fail)
    ) as http:
        client = ApiClient(http, attempts=1, breakers=True)
        for _ in range(12):  # ten in a row would be enough for the upstream to be left alone
            with pytest.raises(GeneratorBusyError, match="this process has too many files open"):
                await client.post("chat/completions", {})
    assert asked == 12


async def test_that_is_what_a_connection_without_a_file_comes_to() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with open_http("http://127.0.0.1:9") as http:
        client = ApiClient(http, attempts=1)
        with Path("/dev/null").open() as last:
            resource.setrlimit(resource.RLIMIT_NOFILE, (last.fileno(), hard))
            try:
                with pytest.raises(GeneratorBusyError, match=r"`ulimit -n`"):
                    await client.post("chat/completions", {})
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
