"""A server of chat completions that gives recorded candidates again, at the pace of an engine.

    python -m benchmarks.recorded_upstream --port 8001 --record FILE [--ms-per-token 1]

FILE is what `benchmarks.choosing` records. Each name of a model draws on its own: whoever asks for
`recorded/a` and whoever asks for `recorded/b` get the same candidates of a prompt in the same
order, the next ones with each request, and from the start again after the last. So what is compared
chooses among the same samples, and no sampling noise is left between them. All choices of a request
are decoded in step, one token each a step; who hangs up has cost what was decoded by then.
`/metrics` counts tokens as vLLM's server does. Streams are refused.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import uvicorn

from benchmarks.recorded_run import Recorded, read

MODEL = "recorded"


class Upstream:
    """The server, as an ASGI application.

    Args:
        candidates: of each prompt, in the order in which they are given.
        seconds: a decode step takes.
    """

    def __init__(self, candidates: Mapping[str, Sequence[Recorded]], seconds: float) -> None:
        self._candidates = candidates
        self._seconds = seconds
        self._given: Counter[tuple[str, str]] = Counter()
        self._generated = 0
        self._running = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request."""
        if scope["method"] != "POST":
            metrics = scope["path"] == "/metrics"
            listed = {"object": "list", "data": [{"id": MODEL, "object": "model"}]}
            await _send(send, 200, self._metrics() if metrics else json.dumps(listed))
            return
        content, more = b"", True
        while more:
            message = await receive()
            content += message.get("body", b"")
            more = message.get("more_body", False)
        body = json.loads(content)
        found = self._candidates.get(str(body["messages"][-1].get("content")))
        if found is None or body.get("stream"):
            said = {"error": {"message": "no stream, and only prompts that are recorded"}}
            await _send(send, 400, json.dumps(said))
            return
        name, n = (str(body.get("model")), body["messages"][-1]["content"]), int(body.get("n") or 1)
        drawn = [found[(self._given[name] + i) % len(found)] for i in range(n)]
        self._given[name] += n
        if await self._decoded(drawn, receive):
            await _send(
                send, 200, json.dumps(_completion(drawn, logprobs=bool(body.get("logprobs"))))
            )

    async def _decoded(self, drawn: Sequence[Recorded], receive: Any) -> bool:
        """Take the time that decoding takes; False: the client has hung up before its end."""
        longest = max(each.tokens or 0 for each in drawn)
        started = time.monotonic()
        hung_up = asyncio.ensure_future(receive())
        self._running += 1
        done, _ = await asyncio.wait([hung_up], timeout=longest * self._seconds)
        hung_up.cancel()
        self._running -= 1
        steps = int((time.monotonic() - started) / self._seconds) if done else longest
        self._generated += sum(min(steps, each.tokens or 0) for each in drawn)
        return not done

    def _metrics(self) -> str:
        label = f'{{model_name="{MODEL}"}}'
        return (
            f"vllm:num_requests_running{label} {self._running}\n"
            f"vllm:generation_tokens_total{label} {self._generated}\n"
        )


async def _send(send: Any, status: int, body: str) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body.encode()})


def _completion(drawn: Sequence[Recorded], *, logprobs: bool) -> dict[str, Any]:
    total = sum(each.tokens or 0 for each in drawn)
    return {
        "id": "recorded",
        "object": "chat.completion",
        "created": 0,
        "model": MODEL,
        "choices": [_choice(at, each, logprobs) for at, each in enumerate(drawn)],
        "usage": {"prompt_tokens": 0, "completion_tokens": total, "total_tokens": total},
    }


def _choice(index: int, said: Recorded, logprobs: bool) -> dict[str, Any]:
    choice: dict[str, Any] = {
        "index": index,
        "message": {"role": "assistant", "content": said.text},
        "finish_reason": said.finish_reason,
    }
    if logprobs and said.mean_logprob is not None:  # only their mean is recorded
        token = {"token": "", "logprob": said.mean_logprob, "bytes": [], "top_logprobs": []}
        choice["logprobs"] = {"content": [token] * (said.tokens or 0)}
    return choice


def main() -> None:
    """Serve until a signal ends it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--record", type=Path, required=True)
    parser.add_argument("--ms-per-token", type=float, default=1.0)
    given = parser.parse_args()
    candidates = {}
    for prompt in read(given.record):
        drawn = [*prompt.candidates]
        random.Random(prompt.prompt).shuffle(drawn)
        candidates[prompt.prompt] = drawn
    app = Upstream(candidates, given.ms_per_token / 1000)
    uvicorn.run(app, port=given.port, log_level="warning", access_log=False, lifespan="off")


if __name__ == "__main__":
    main()
