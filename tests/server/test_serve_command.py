"""`bestofn serve` as a process: its signals, its address, and what it refuses."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import threading
import time
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.responses import Response

from tests.support.command import run_here
from tests.support.served_process import serving_process, started
from tests.support.serving import ask, error_of
from tests.support.upstream import Upstream, completion, running

pytestmark = pytest.mark.engine

CHAT = "/v1/chat/completions"


async def _refused(*flags: str) -> tuple[int | None, str]:
    """Exit code and standard error of a server that does not start."""
    process = await started(*flags)
    _, errors = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, errors.decode()


def _over(upstream: Upstream) -> list[str]:
    """Flags that sample there, and score nothing."""
    return [f"--upstream={upstream.url}", "--reward-model=none", "--best-of=2"]


async def _late(url: httpx.URL) -> httpx.Response:
    """What /ready says on a connection of its own."""
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        return await client.get("/ready")


async def _ended(process: Process) -> tuple[int | None, str]:
    _, errors = await asyncio.wait_for(process.communicate(), 20)
    return process.returncode, errors.decode()


async def test_the_readmes_path_to_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BESTOFN_SEED", "4")  # by chance none of the first eight is acceptable
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert "    make setup\n    .venv/bin/bestofn serve " in readme
    asked = re.search(r"```sh\n(curl .*?)```", readme, re.DOTALL)
    assert asked is not None
    async with serving_process() as (process, client):
        command = asked[1].replace("http://127.0.0.1:8000", str(client.base_url).rstrip("/"))
        assert command != asked[1]
        curl = await asyncio.create_subprocess_shell(command, stdout=PIPE)
        out, _ = await asyncio.wait_for(curl.communicate(), 60)
        answer = json.loads(out)
        process.send_signal(signal.SIGTERM)
        code, errors = await _ended(process)
    assert [choice["index"] for choice in answer["choices"]] == [0]
    assert answer["choices"][0]["message"]["content"]
    report = answer["bestofn"]
    assert (report["best_of"], report["sampled"], len(report["rewards"])) == (8, 8, 1)
    assert report["rewards"][0] is not None
    assert code == 0
    assert "Traceback" not in errors


async def test_sigterm_in_mid_stream_lets_it_end_and_answers_503_meanwhile() -> None:
    release = threading.Event()

    async def slow(body: dict[str, Any]) -> Response:
        await asyncio.to_thread(release.wait, 60)
        return completion(*["slow"] * body.get("n", 1))

    with running(Upstream(slow)) as upstream:
        async with serving_process(*_over(upstream)) as (process, client):
            streamed = asyncio.create_task(client.post(CHAT, json=ask(stream=True)))
            while not upstream.bodies:
                await asyncio.sleep(0.01)
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(20):
                while (late := await _late(client.base_url)).status_code == 200:
                    await asyncio.sleep(0.01)
            assert (late.status_code, error_of(late)["code"]) == (503, "not_ready")
            assert not streamed.done()
            release.set()
            response = await streamed
            events = response.text.strip().split("\n\n")
            assert '"content":"slow"' in "".join(events)
            assert events[-1] == "data: [DONE]"
            code, errors = await _ended(process)
    assert code == 0
    assert "stopping: 1 requests are running" in errors
    assert "Traceback" not in errors


async def test_sigint_winds_up_and_is_130() -> None:
    with running(Upstream(lambda body: completion("good", "better"))) as upstream:
        async with serving_process(*_over(upstream)) as (process, client):
            assert (await client.post(CHAT, json=ask())).status_code == 200
            process.send_signal(signal.SIGINT)
            code, errors = await _ended(process)
    assert code == 130
    assert errors.endswith("bestofn: interrupted\n")
    assert "Traceback" not in errors


async def test_sigterm_ends_a_server_that_still_loads() -> None:
    """Also as the first process of a container, which the kernel ends by no signal of itself."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        upstream = f"--upstream=http://127.0.0.1:{silent.getsockname()[1]}"
        process = await started("--port=0", upstream, "--reward-model=none")
        assert process.stderr is not None
        while b"loading the models" not in await asyncio.wait_for(process.stderr.readline(), 60):
            assert not process.stderr.at_eof()
        process.send_signal(signal.SIGTERM)
        code, errors = await _ended(process)
    assert code == 143
    assert errors.endswith("bestofn: terminated\n")
    assert "Traceback" not in errors


async def test_sighup_reads_the_keys_again(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("old\n")
    with running(Upstream(lambda body: completion("good", "better"))) as upstream:
        async with serving_process(*_over(upstream), f"--api-key-file={keys}") as (process, client):

            async def status(key: str) -> int:
                headers = {"authorization": f"Bearer {key}"}
                return int((await client.get("/v1/models", headers=headers)).status_code)

            assert (await status("old"), await status("new")) == (200, 401)
            assert error_of(await client.get("/v1/models"))["code"] == "invalid_api_key"
            keys.write_text("new\n")
            process.send_signal(signal.SIGHUP)
            started = time.monotonic()
            while await status("new") != 200:
                assert time.monotonic() - started < 5
            assert await status("old") == 401
            keys.write_text("\n")
            process.send_signal(signal.SIGHUP)
            process.send_signal(signal.SIGTERM)
            code, errors = await _ended(process)
    assert code == 0
    assert "the API keys were read again" in errors
    assert "the API keys stay as they were" in errors
    assert "Bearer" not in errors


async def test_a_port_that_is_taken_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, errors = await _refused(f"--port={port}", "--upstream=http://127.0.0.1:9")
    assert code == 2
    assert errors.splitlines()[-1].startswith(f"bestofn: cannot serve on 127.0.0.1:{port}: ")


@pytest.mark.slow
async def test_an_open_address_is_served_with_a_key_or_where_no_auth_says_so() -> None:
    with running(Upstream(lambda body: completion("good", "better"))) as upstream:
        for guard in ("--api-key=one", "--no-auth"):
            flags = [*_over(upstream), "--host=0.0.0.0", guard]
            async with serving_process(*flags) as (process, client):
                status = (await client.post(CHAT, json=ask())).status_code
                assert status == (200 if guard == "--no-auth" else 401)
                process.send_signal(signal.SIGTERM)
                assert (await _ended(process))[0] == 0


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (
            ["--port=0", "--upstream=http://127.0.0.1:9", "--reward-model=none"],
            "http://127.0.0.1:9 cannot be reached",
        ),
        (["--port=0", "/none/such", "--engine=transformers"], "/none/such"),
        (["--port=0", "--", "--port=1"], "--port"),
        (["--port=0", "--api-key-file=/none/such"], "/none/such cannot be read"),
        (["--port=0", "--api-key="], "an API key is empty"),
        (["--port=0", "--api-key=name:a\nb"], "the API key name holds a space, a line break"),
        (["--port=0", "--host=0.0.0.0"], "0.0.0.0 can be reached from other machines, and no API"),
    ],
)
def test_what_cannot_be_served_is_one_sentence(flags: list[str], said: str) -> None:
    done = run_here("serve", *flags)
    assert done.returncode == 2, done.stderr
    assert done.stderr.splitlines()[-1].startswith("bestofn: ")
    assert said in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
