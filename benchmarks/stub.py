"""A server of chat completions without a model: every answer takes the same time.

.venv/bin/python -m benchmarks.stub --port 8001 [--latency-ms 50] [--ignores-n]
"""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import Any

import uvicorn

TEXT = "The answer is 3, since 8 has 5 more than that."


def main() -> None:
    """Serve until a signal ends it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--latency-ms", type=float, default=50)
    parser.add_argument("--ignores-n", action="store_true", help="one choice, whatever n says")
    arguments = parser.parse_args()

    # A bare ASGI function: the less the stub takes of the machine, the more is the service's.
    async def app(scope: Any, receive: Any, send: Any) -> None:
        content = b""
        more = True
        while more:
            message = await receive()
            content += message.get("body", b"")
            more = message.get("more_body", False)
        if scope["method"] == "POST":
            await asyncio.sleep(arguments.latency_ms / 1000)
            n = 1 if arguments.ignores_n else int(json.loads(content).get("n") or 1)
            answer = _completion(n)
        else:
            answer = {"object": "list", "data": [{"id": "stub", "object": "model"}]}
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    uvicorn.run(
        app,
        port=arguments.port,
        log_level="warning",
        access_log=False,
        lifespan="off",
        backlog=2048,
    )


def _completion(n: int) -> dict[str, Any]:
    choices = [
        {
            "index": index,
            "message": {"role": "assistant", "content": f"{TEXT} ({index})"},
            "finish_reason": "stop",
        }
        for index in range(n)
    ]
    usage = {"prompt_tokens": 20, "completion_tokens": 15 * n, "total_tokens": 20 + 15 * n}
    return {
        "id": "stub",
        "object": "chat.completion",
        "created": 0,
        "model": "stub",
        "choices": choices,
        "usage": usage,
    }


if __name__ == "__main__":
    main()
