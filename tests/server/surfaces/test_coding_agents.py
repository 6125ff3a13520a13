"""Coding agents as they are installed, each over a server whose first candidate is always cut.

npm install --prefix FOLDER @openai/codex @qwen-code/qwen-code opencode-ai
BESTOFN_AGENTS=FOLDER/node_modules/.bin .venv/bin/pytest tests/server/surfaces/test_coding_agents.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from benchmarks.client_suites.scripted_model import ANSWER, ScriptedModel
from benchmarks.client_suites.upstream import application
from bestofn import Settings
from bestofn.settings.sections import ServerSettings
from bestofn_server.app import create_app
from tests.support.coding_agents import CODING_AGENTS, FILE, KEY, WRITTEN, CodingAgent
from tests.support.serving import serving
from tests.support.upstream import served

pytestmark = pytest.mark.slow

N = 4


@pytest.mark.parametrize("agent", CODING_AGENTS, ids=[each.command for each in CODING_AGENTS])
async def test_it_edits_a_file_though_a_candidate_was_cut(
    agent: CodingAgent, tmp_path: Path
) -> None:
    if agent.found is None:
        pytest.skip(f"{agent.command} is not here: npm install {agent.package}, see above")
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    (work / FILE).write_text("one\n")
    seen: list[Any] = []
    calls = agent.calls(work)
    (tool,) = calls
    with served(application(ScriptedModel(calls, only=True), seen)) as upstream:
        settings = Settings(
            upstream=f"{upstream}/v1",
            reward_model="none",
            best_of=N,
            server=ServerSettings(api_keys=[SecretStr(KEY)]),
        )
        async with serving(create_app(settings)) as url:
            code, said = await agent.run(url, home, work)
            headers = {"authorization": f"Bearer {KEY}"}
            async with httpx.AsyncClient(base_url=url, headers=headers) as client:
                metrics = (await client.get("/metrics")).text
    assert code == 0, said
    assert (work / FILE).read_text() == WRITTEN, said
    assert ANSWER in said
    asked = [body for body in seen if tool in _offered(body)]
    assert {body["n"] for body in asked} == {N}
    (called,) = {
        json.dumps(call["function"], sort_keys=True)
        for body in asked
        for message in body["messages"]
        for call in message.get("tool_calls") or ()
    }
    assert json.loads(json.loads(called)["arguments"]) == calls[tool]  # never the half of one
    assert _count(metrics, "bestofn_rejections_total", 'reason="length"') >= 2


def _offered(body: dict[str, Any]) -> set[str]:
    return {each["function"]["name"] for each in body.get("tools") or ()}


def _count(metrics: str, name: str, label: str) -> float:
    """The sum of a counter over its labels."""
    lines = [line for line in metrics.splitlines() if line.startswith(name) and label in line]
    return sum(float(line.rpartition(" ")[2]) for line in lines)
