"""The documented commands that end, run as they are written: on the embedded pair in the place of
the models that they name, and on a stub in the place of the servers."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bestofn import embedded
from tests.support.documented import documented_commands
from tests.support.rewards import ziya_replica
from tests.support.upstream import Upstream, completion, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

BIN = Path(sys.executable).parent
NAMED = {
    "Qwen/Qwen3-8B": embedded.generator_path,
    "Skywork/Skywork-Reward-V2-Qwen3-0.6B": embedded.reward_path,
}
LINES = {each.line for each in documented_commands()}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """The hub's cache with the models that are named, the engine without a start of its own, and
    the stub for whatever host is asked."""
    cache = tmp_path_factory.mktemp("hub")
    ziya = tmp_path_factory.mktemp("ziya")
    ziya_replica.write(ziya)
    places: dict[str, Any] = {name: path() for name, path in NAMED.items()}
    for name, folder in (places | {"IDEA-CCNL/Ziya-LLaMA-7B-Reward": ziya}).items():
        held = cache / f"models--{name.replace('/', '--')}"
        (held / "refs").mkdir(parents=True)
        (held / "refs" / "main").write_text("0" * 40)
        (held / "snapshots").mkdir()
        (held / "snapshots" / ("0" * 40)).symlink_to(folder)
    answers = Upstream(lambda body: completion(*["8 - 5 = 3."] * (body.get("n") or 1)))
    with running(answers) as stub:
        yield {
            **os.environ,
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "HF_HUB_CACHE": str(cache),
            "HF_HUB_OFFLINE": "1",
            "HTTP_PROXY": stub.url,
            "http_proxy": stub.url,
            "BESTOFN_ENGINE": "transformers",
            "BESTOFN_MAX_TOKENS": "24",
            "COLUMNS": "200",
        }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that the commands read."""
    made = tmp_path_factory.mktemp("work")
    rows = [{"question": f"What is {at} + 1?", "answer": str(at + 1)} for at in range(3)]
    (made / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    answered = {"prompt": "What is 8 - 5?", "responses": ["8 - 5 = 3.", "It is 4."]}
    (made / "responses.jsonl").write_text(json.dumps(answered) + "\n")
    (made / "docs").mkdir()
    return made


def run(line: str, folder: Path, environment: Mapping[str, str], **more: str) -> str:
    assert line in LINES, f"{line} is not documented so any more"
    done = subprocess.run(
        shlex.split(line),
        cwd=folder,
        env={**environment, **more},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def test_a_dataset(folder: Path, environment: Mapping[str, str]) -> None:
    run(
        "bestofn sample prompts.jsonl --output run --best-of 16 --seed 1 --column prompt=question "
        "--column reference=answer",
        folder,
        environment,
    )
    run("bestofn export run --format dpo --keep margin --value 0.5", folder, environment)
    run("bestofn verify run", folder, environment)
    run("bestofn report run", folder, environment)
    assert (folder / "run" / "report.html").stat().st_size > 1000


def test_a_batch(folder: Path, environment: Mapping[str, str]) -> None:
    body = {"messages": [{"role": "user", "content": "What is 8 - 5?"}], "max_tokens": 8}
    asked = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": body}
    (folder / "requests.jsonl").write_text(json.dumps(asked) + "\n")
    line = "bestofn batch requests.jsonl -o answers.jsonl --upstream http://gpu-3:8000 --best-of 16"
    run(line, folder, environment, BESTOFN_ENGINE="auto")
    (answer,) = map(json.loads, (folder / "answers.jsonl").read_text().splitlines())
    assert answer["response"]["body"]["bestofn"]["sampled"] == 16
    assert answer["response"]["body"]["choices"][0]["message"]["content"] == "8 - 5 = 3."


SIMPLE = {
    'bestofn ask "3、9、5 从小到大怎么排？" --best-of 16': "",
    'bestofn ask "..." --model Qwen/Qwen3-8B --reward-model Skywork/Skywork-Reward-V2-Qwen3-0.6B '
    "--json": '"rank"',
    'bestofn ask "..." --upstream http://gpu-3:8000 --reward-model '
    "Skywork/Skywork-Reward-V2-Qwen3-0.6B": "8 - 5 = 3.",
    "bestofn score responses.jsonl --reward-model Skywork/Skywork-Reward-V2-Qwen3-0.6B --json": "8",
    "bestofn models": "ziya",
    "python -c \"help('bestofn.filters')\"": "bestofn.filters",
}


@pytest.mark.parametrize("line", SIMPLE, ids=range(len(SIMPLE)))
def test_a_command(line: str, folder: Path, environment: Mapping[str, str]) -> None:
    more = {"BESTOFN_ENGINE": "auto"} if "--upstream" in line else {}
    assert SIMPLE[line] in run(line, folder, environment, **more)
