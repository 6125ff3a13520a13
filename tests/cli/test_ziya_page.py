"""The commands of the guide to the Ziya family, run as they are written, on replicas."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest
from starlette.responses import JSONResponse, Response

from tests.support import ziya_generator
from tests.support.documented import documented_commands
from tests.support.rewards import ziya_replica
from tests.support.upstream import Upstream, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

BIN = Path(sys.executable).parent
GENERATORS = ("13B-v1", "13B-v1.1", "13B-Pretrain-v1")
PAGE = "docs/guides/ziya.md"
LINES = [each.line for each in documented_commands() if each.where.startswith(PAGE)]
ANSWER = "二氧化硫。"


def _completions(body: dict[str, Any]) -> Response:
    """A server without a chat template: raw completions, and the form is what is asked."""
    if "prompt" not in body:
        return JSONResponse({"error": {"message": "no chat template"}}, 400)
    assert body["prompt"] == "<human>:列举一种空气污染。\n<bot>:"
    choices = [
        {"index": at, "text": f"{ANSWER * (at + 1)}", "finish_reason": "stop"}
        for at in range(body.get("n") or 1)
    ]
    return JSONResponse({"choices": choices, "usage": {"prompt_tokens": 9}})


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """The hub's cache with replicas, and the stub for whatever host is asked."""
    cache = tmp_path_factory.mktemp("hub")
    held = {f"IDEA-CCNL/Ziya-LLaMA-{name}": tmp_path_factory.mktemp(name) for name in GENERATORS}
    for seed, folder in enumerate(held.values()):
        ziya_generator.write(folder, seed=seed)
    held["IDEA-CCNL/Ziya-LLaMA-7B-Reward"] = reward = tmp_path_factory.mktemp("reward")
    ziya_replica.write(reward)
    for name, folder in held.items():
        place = cache / f"models--{name.replace('/', '--')}"
        (place / "refs").mkdir(parents=True)
        (place / "refs" / "main").write_text("0" * 40)
        (place / "snapshots").mkdir()
        (place / "snapshots" / ("0" * 40)).symlink_to(folder)
    with running(Upstream(_completions, models=["my-ziya"])) as stub:
        yield {
            **os.environ,
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "HF_HUB_CACHE": str(cache),
            "HF_HUB_OFFLINE": "1",
            "HTTP_PROXY": stub.url,
            "http_proxy": stub.url,
            "BESTOFN_MAX_TOKENS": "48",
            "COLUMNS": "200",
        }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("work")
    for name in ("prompts.jsonl", "texts.jsonl"):
        rows = [{"prompt": f"天空是什么颜色？{at}"} for at in range(4)]
        (made / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return made


def _line(*words: str) -> str:
    """The one documented command with these words."""
    (line,) = [each for each in LINES if all(word in each for word in words)]
    return line


def _in_process(line: str, environment: Mapping[str, str]) -> Mapping[str, str]:
    engine = "auto" if "--upstream" in line else "transformers"
    return {**environment, "BESTOFN_ENGINE": engine}


def _run(line: str, folder: Path, environment: Mapping[str, str]) -> str:
    done = subprocess.run(
        shlex.split(line),
        cwd=folder,
        env=_in_process(line, environment),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


@contextlib.contextmanager
def _served(line: str, environment: Mapping[str, str]) -> Iterator[httpx.Client]:
    """A client of what a command serves, on a port that is free."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    named = {**_in_process(line, environment), "BESTOFN_SERVER__PORT": str(port)}
    with (
        subprocess.Popen(
            shlex.split(line), env=named, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as server,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120, trust_env=False) as client,
    ):
        try:
            deadline = time.monotonic() + 120
            while True:
                assert server.poll() is None, server.stdout and server.stdout.read()
                assert time.monotonic() < deadline
                with contextlib.suppress(httpx.TransportError):
                    if client.get("/v1/models").is_success:
                        break
                time.sleep(0.2)
            yield client
        finally:
            server.terminate()


def _asked(client: httpx.Client) -> Any:
    messages = [{"role": "user", "content": "列举一种空气污染。"}]
    body = {"messages": messages, "seed": 1, "bestofn": {"on_exhausted": "best_rejected"}}
    response = client.post("/v1/chat/completions", json=body)
    assert response.status_code == 200, response.text
    return response.json()


def test_every_command_of_the_page_is_one_of_these() -> None:
    assert len(LINES) == 8


def test_ask_and_serve(folder: Path, environment: Mapping[str, str]) -> None:
    assert "reward" in _run(_line("ask", "13B-v1 "), folder, environment)
    with _served(_line("serve", "13B-v1.1"), environment) as client:
        report = _asked(client)["bestofn"]
    assert report["sampled"] >= 8
    assert report["rewards"][0] is not None


def test_over_a_server(folder: Path, environment: Mapping[str, str]) -> None:
    assert ANSWER in _run(_line("ask", "--upstream"), folder, environment)
    with _served(_line("serve", "--upstream"), environment) as client:
        answer = _asked(client)
    assert answer["choices"][0]["message"]["content"].startswith(ANSWER)
    assert answer["bestofn"]["rewards"][0] is not None


def test_the_base_model(folder: Path, environment: Mapping[str, str]) -> None:
    _run(_line("sample", "--raw"), folder, environment)
    run = json.loads((folder / "continued" / "run.json").read_text())
    assert run["config"]["raw"] is True


def test_a_dpo_set(folder: Path, environment: Mapping[str, str]) -> None:
    _run(_line("sample", "ziya-run"), folder, environment)
    _run(_line("export", "ziya-run"), folder, environment)
    _run(_line("report", "ziya-run"), folder, environment)
    pairs = [
        row
        for file in (folder / "ziya-run" / "dpo").glob("*.parquet")
        for row in pq.read_table(file).to_pylist()
    ]
    assert pairs
    for pair in pairs:
        assert pair["chosen_reward"] > pair["rejected_reward"]
        assert pair["prompt"][0]["content"].startswith("天空是什么颜色？")
    assert (folder / "ziya-run" / "report.html").is_file()
