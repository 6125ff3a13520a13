"""What stands around every path: the size limit, the request id, and errors of HTTP itself."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator

import httpx
import pytest

from bestofn.testing import FakeGenerator
from tests.support.serving import app_of, ask, client_of, error_of

pytestmark = pytest.mark.model

CHAT = "/v1/chat/completions"
LIMIT = 2048


async def _chunked(content: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(content), 500):
        yield content[at : at + 500]


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_above_the_limit_is_a_413(chunked: bool) -> None:
    generator = FakeGenerator(["good", "better"])
    bare = httpx.Request("POST", "http://test", json=ask(user="")).content
    headers = {"content-type": "application/json"}
    async with client_of(app_of(generator, max_body_bytes=LIMIT), headers=headers) as client:
        for size, status in ((LIMIT, 200), (LIMIT + 1, 413), (2**21, 413), (LIMIT, 200)):
            content = bare.replace(b'"user":""', b'"user":"%s"' % (b"x" * (size - len(bare))))
            assert len(content) == size
            sent = _chunked(content) if chunked else content
            response = await client.post(CHAT, content=sent)
            assert response.status_code == status
            assert ("content-length" in response.request.headers) is not chunked
            if status == 413:
                assert f"{LIMIT:,} bytes" in error_of(response)["message"]
                assert error_of(response)["type"] == "invalid_request_error"
    assert len(generator.requests) == 2


async def test_a_compressed_body_is_a_415() -> None:
    plain = httpx.Request("POST", "http://test", json=ask()).content
    headers = {"content-type": "application/json"}
    async with client_of(app_of(), headers=headers) as client:

        async def answered(content: bytes, *codings: str, path: str = CHAT) -> httpx.Response:
            said = [("content-encoding", coding) for coding in codings]
            return await client.post(path, content=content, headers=said)

        for codings in (["gzip"], ["BR"], ["identity, zstd"], ["identity", "deflate"]):
            response = await answered(gzip.compress(plain), *codings)
            assert response.status_code == 415
            assert response.headers["accept-encoding"] == "identity"
            error = error_of(response)
            assert error["type"] == "invalid_request_error"
            assert error["code"] == "unsupported_content_encoding"
            assert error["message"].startswith("compressed bodies are not read: ")
        for codings in ([], [""], ["Identity"]):
            assert (await answered(plain, *codings)).status_code == 200
        other = (await answered(gzip.compress(plain), "gzip", path="/v1/messages")).json()
        assert other["error"]["message"].startswith("compressed bodies are not read: ")


async def test_the_request_id_is_the_clients_or_a_new_one() -> None:
    async with client_of(app_of()) as client:

        async def answered(*named: str, path: str = CHAT) -> str:
            headers = [(b"x-request-id", name.encode("latin-1")) for name in named]
            response = await client.post(path, json=ask(), headers=headers)
            return str(response.headers["x-request-id"])

        assert await answered("order-17/b") == "order-17/b"
        assert await answered("x" * 128) == "x" * 128
        assert await answered("in-an-error", path="/v1/completions") == "in-an-error"
        made = [await answered(*each) for each in ((), ("",), ("x" * 129,), ("a\tb",), ("a\x85b",))]
        assert len(set(made)) == len(made)
        assert all(len(identity) == 32 and int(identity, 16) for identity in made)


async def test_an_unknown_path_is_a_404_and_a_wrong_method_a_405() -> None:
    async with client_of(app_of()) as client:
        nowhere = await client.get("/v1/none/such")
        assert (nowhere.status_code, error_of(nowhere)["message"]) == (404, "Not Found")
        for path in (CHAT, "/classify"):
            wrong = await client.get(path, headers={"x-request-id": "mine"})
            assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
            assert error_of(wrong)["type"] == "invalid_request_error"
            assert wrong.headers["x-request-id"] == "mine"
        metrics = (await client.get("/metrics")).text
    by = f'model="",path="{CHAT}",profile="",status="405"'
    assert f"bestofn_requests_total{{{by}}} 1.0" in metrics
