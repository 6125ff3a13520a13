"""`bestofn ask` over a server of vLLM that runs elsewhere."""

from __future__ import annotations

import json

from bestofn import embedded
from tests.cli.conftest import Run
from tests.cli.test_ask import QUESTION


def test_candidates_of_a_running_server_are_ranked_here(bestofn: Run, vllm_server: str) -> None:
    reward_model = ["--reward-model", str(embedded.reward_path())]
    flags = ["--stop", "none", "--seed", "4", "--json"]
    done = bestofn("ask", QUESTION, "--upstream", vllm_server, *reward_model, *flags)
    assert (done.returncode, done.stderr) == (0, "")
    answer = json.loads(done.stdout)
    assert len(answer["candidates"]) == 8
    assert answer["winner"]["reward"] is not None
    assert answer["usage"]["completion_tokens"] > 8
