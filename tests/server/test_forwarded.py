"""What passes through to the engine tells which fields had no effect there."""

from __future__ import annotations

from collections.abc import Sequence

from bestofn import Pipeline, Request, Settings
from bestofn.selection.argmax import ArgmaxSelector
from bestofn_server.app import create_app
from tests.support.forwarding import ForwardingGenerator
from tests.support.serving import ask, client_of

CHUNK = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "a"}}]}


class Forgetful(ForwardingGenerator):
    """Ignores `store`, and does what else it is told."""

    def ignored(self, request: Request) -> Sequence[str]:
        return [name for name in request.options if name == "store"]


async def test_ignored_fields_are_noted_whole_and_in_the_first_chunk() -> None:
    pipeline = Pipeline(Forgetful(chunks=[CHUNK, CHUNK]), ArgmaxSelector())
    asked = ask(best_of=1, store=True)
    async with client_of(create_app(Settings(), pipeline)) as client:
        whole = await client.post("/v1/chat/completions", json=asked)
        plain = await client.post("/v1/chat/completions", json=ask(best_of=1))
        stream = await client.post("/v1/chat/completions", json={**asked, "stream": True})
    note = "without an effect on this engine: store"
    assert whole.json()["bestofn"] == {"notes": [note]}
    assert "bestofn" not in plain.json()
    first, second, _ = stream.text.strip().split("\n\n")
    assert note in first
    assert "bestofn" not in second
