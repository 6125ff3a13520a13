"""A server of chats and completions on a real socket, which does what a test's script says."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Script = Callable[[dict[str, Any]], Response | Awaitable[Response]]


def completion(*texts: str, tokens: int | None = 7) -> Response:
    """A chat completion of one choice per text; `tokens` are those of all of them."""
    choices = [
        {
            "index": index,
            "message": {"role": "assistant", "content": text, "refusal": None},
            "finish_reason": "stop",
        }
        for index, text in enumerate(texts)
    ]
    return JSONResponse(
        {"choices": choices, "usage": {"prompt_tokens": 3, "completion_tokens": tokens}}
    )


def failure(status: int, message: str = "no", **headers: str) -> Response:
    """OpenAI's error envelope."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return JSONResponse({"error": {"message": message}}, status, names)


@dataclass
class Upstream:
    """A running stub.

    Attributes:
        script: answers a request's body.
        models: what it lists.
        key: the API key it wants, if any.
        bodies: what it was asked, in order.
        paths: where.
        most: the most requests that were in flight at once.
        gone: how many clients hung up before their answer.
        context: tokens that its models take, as vLLM lists them; None: not listed.
    """

    script: Script
    models: list[str] = field(default_factory=lambda: ["stub"])
    key: str | None = None
    bodies: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    url: str = ""
    context: int | None = None
    most: int = 0
    gone: int = 0
    _running: int = 0

    async def chat(self, request: Request) -> Response:
        self.bodies.append(await request.json())
        self.paths.append(request.url.path)
        self._running += 1
        self.most = max(self.most, self._running)
        try:
            answer = self.script(self.bodies[-1])
            response = answer if isinstance(answer, Response) else await answer
            self.gone += await request.is_disconnected()
            return response
        finally:
            self._running -= 1

    def _listed(self, name: str) -> dict[str, Any]:
        return {"id": name} if self.context is None else {"id": name, "max_model_len": self.context}

    async def list(self, request: Request) -> Response:
        if self.key and request.headers.get("authorization") != f"Bearer {self.key}":
            return failure(401)
        return JSONResponse({"data": [self._listed(name) for name in self.models]})


@contextlib.contextmanager
def running(upstream: Upstream) -> Iterator[Upstream]:
    """The stub on a free port."""
    asked = [
        Route(f"/v1/{path}", upstream.chat, methods=["POST"])
        for path in ("chat/completions", "completions")
    ]
    with served(Starlette(routes=[*asked, Route("/v1/models", upstream.list)])) as url:
        upstream.url = url
        yield upstream


@contextlib.contextmanager
def served(app: Starlette) -> Iterator[str]:
    """An application on a free port, in a thread of its own; its address."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)
