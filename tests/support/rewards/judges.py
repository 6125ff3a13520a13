"""Stub judges: servers on real sockets that read the question and answer as a test says."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from starlette.responses import JSONResponse, Response

from bestofn.core.protocols import RewardModel
from bestofn.core.types import Candidate, Request, Score
from bestofn.rewards.judge.open import open_judge
from bestofn.settings.judge import JudgeSettings
from tests.support.upstream import Script, Upstream, running

REQUEST = Request.from_prompt("What is 8 - 5?")
TOKENS = 11
"""What `reply` counts for a question and its answer."""

Say = Callable[[dict[str, str]], str]
"""The answers in a question, by name, to the judge's reply."""


def reply(text: str | None, finish_reason: str = "stop", **choice: Any) -> Response:
    """A chat completion; its usage sums to `TOKENS`."""
    message = {"role": "assistant", "content": text}
    choices = [{"index": 0, "message": message, "finish_reason": finish_reason, **choice}]
    usage = {"prompt_tokens": TOKENS - 2, "completion_tokens": 2}
    return JSONResponse({"choices": choices, "usage": usage})


def prompt_of(body: dict[str, Any]) -> str:
    """What the judge is asked, which is one message."""
    (message,) = body["messages"]
    assert message["role"] == "user"
    return str(message["content"])


def answers_in(body: dict[str, Any]) -> dict[str, str]:
    """What stands between the marks of the answers, by their names, in order."""
    blocks = re.findall(
        r"<<(answer[^>]*?) ([0-9a-f]{16})>>\n(.*?)\n<<end of \1 \2>>", prompt_of(body), re.DOTALL
    )
    return {name: text for name, _, text in blocks}


def saying(say: Say) -> Script:
    """A script that replies with what `say` makes of the answers."""
    return lambda body: reply(say(answers_in(body)))


def verdict(**fields: Any) -> str:
    """A verdict as JSON."""
    return json.dumps({"reasoning": "because", **fields})


@contextlib.asynccontextmanager
async def judging(script: Script, **options: Any) -> AsyncIterator[tuple[RewardModel, Upstream]]:
    """A judge over a stub that plays `script`, and the stub."""
    with running(Upstream(script)) as upstream:
        async with open_judge(JudgeSettings(url=upstream.url, **options)) as judge:
            yield judge, upstream


def candidates(texts: Sequence[str], finish_reason: str = "stop") -> list[Candidate]:
    """One for each text, in order."""
    return [
        Candidate(index, {"role": "assistant", "content": text}, finish_reason)
        for index, text in enumerate(texts)
    ]


def rewards_of(scores: Sequence[Score]) -> list[float | None]:
    """The reward of each, or None."""
    return [score.reward for score in scores]


def reasons_of(scores: Sequence[Score]) -> list[str]:
    """The failures' reasons; each candidate has one, and no reward."""
    assert [score.reward for score in scores] == [None] * len(scores)
    return [score.failure.reason for score in scores if score.failure is not None]
