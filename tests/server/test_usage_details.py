"""Cached and reasoning tokens, which an upstream counts, are in the usage of best_of > 1 too."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.responses import JSONResponse, Response

from bestofn import Pipeline, Settings
from bestofn.generators.openai import openai_generator
from bestofn.selection.argmax import ArgmaxSelector
from bestofn_server.app import create_app
from tests.support.serving import ask, client_of
from tests.support.upstream import Upstream, running


def _usage(completions: int) -> dict[str, Any]:
    return {
        "prompt_tokens": 9,
        "completion_tokens": 7 * completions,
        "prompt_tokens_details": {"cached_tokens": 5, "audio_tokens": None},
        "completion_tokens_details": {"reasoning_tokens": 3 * completions},
    }


@pytest.mark.parametrize("honours_n", [True, False])
@pytest.mark.parametrize("seed", [None, 1])
async def test_the_details_are_kept(honours_n: bool, seed: int | None) -> None:
    def script(body: dict[str, Any]) -> Response:
        count = body.get("n", 1) if honours_n else 1
        message = {"role": "assistant", "content": "It is three."}
        choices = [
            {"index": at, "message": message, "finish_reason": "stop"} for at in range(count)
        ]
        return JSONResponse({"choices": choices, "usage": _usage(count)})

    with running(Upstream(script)) as stub:
        async with openai_generator(stub.url) as generator:
            pipeline = Pipeline(generator, ArgmaxSelector())
            async with client_of(create_app(Settings(best_of=4), pipeline)) as client:
                whole = await client.post(CHAT, json=ask(seed=seed))
                options = {"include_usage": True}
                body = ask(seed=seed, stream=True, stream_options=options)
                streamed = (await client.post(CHAT, json=body)).text
    usage = whole.json()["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (9, 28)
    assert usage["prompt_tokens_details"] == {"cached_tokens": 5}
    assert usage["completion_tokens_details"] == {"reasoning_tokens": 12}
    assert '"completion_tokens_details":{"reasoning_tokens":12}' in streamed


CHAT = "/v1/chat/completions"
