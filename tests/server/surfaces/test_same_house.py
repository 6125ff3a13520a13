"""Bounds, admission, keys, draining and metrics hold on the new surfaces as on chat completions."""

from __future__ import annotations

import importlib.util
import json
import re
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from bestofn import Policy, Settings
from bestofn.settings.sections import ServerSettings
from bestofn.testing import FakeCompletion
from bestofn_server.app import create_app
from bestofn_server.http.auth import ApiKeys
from bestofn_server.routes import answers
from tests.support.scripts import pipeline_of
from tests.support.serving import app_of, client_of, error_of
from tests.support.surfaces import check_message, check_response, events_of

TURNS = [{"role": "user", "content": "What?"}]
BODIES: dict[str, dict[str, Any]] = {
    "/v1/responses": {"input": "What?", "max_output_tokens": 8},
    "/v1/messages": {"max_tokens": 8, "messages": TURNS},
}
both = pytest.mark.parametrize("path", BODIES)
HUGE = 10**400
HALF = "half \ud83d"


def told(response: httpx.Response) -> tuple[str, str]:
    """Type and message of an error, each in its API's envelope."""
    if "/v1/messages" in str(response.url):
        body = response.json()
        assert body.keys() == {"type", "error"}
        assert body["type"] == "error"
        assert body["error"].keys() == {"type", "message"}
        return body["error"]["type"], body["error"]["message"]
    error = error_of(response)
    return error["type"], error["message"]


CASES: list[tuple[str, dict[str, Any], str]] = [
    ("/v1/responses", {"best_of": HUGE}, "best_of"),
    ("/v1/responses", {"max_output_tokens": 2**40}, "max_output_tokens"),
    ("/v1/responses", {"input": HALF}, "input"),
    ("/v1/responses", {"input": []}, "input"),
    ("/v1/responses", {"input": [{}] * 4097}, "input"),
    ("/v1/responses", {"input": [{"role": "user", "content": HALF}]}, "input.0.content"),
    ("/v1/responses", {"tools": [{}] * 4097}, "tools"),
    ("/v1/responses", {"include": ["everything"]}, "include.0"),
    ("/v1/responses", {"background": True}, "background"),
    ("/v1/responses", {"conversation": "conv_1"}, "conversation"),
    ("/v1/responses", {"seed": 2**63}, "seed"),
    ("/v1/responses", {"top_k": HUGE}, "top_k"),
    ("/v1/messages", {"max_tokens": HUGE}, "max_tokens"),
    ("/v1/messages", {"max_tokens": None}, "max_tokens"),
    ("/v1/messages", {"messages": []}, "messages"),
    ("/v1/messages", {"messages": TURNS * 4097}, "messages"),
    ("/v1/messages", {"stop_sequences": [HALF]}, "stop_sequences.0"),
    ("/v1/messages", {"system": HALF}, "system"),
    ("/v1/messages", {"thinking": {"type": "sometimes"}}, "thinking"),
    ("/v1/messages", {"container": "c"}, "container"),
    ("/v1/messages", {"mcp_servers": [{}]}, "mcp_servers"),
    ("/v1/messages", {"bestofn": {"deadline_ms": HUGE}}, "bestofn.deadline_ms"),
]


@pytest.mark.parametrize(("path", "fields", "field"), CASES, ids=[f"{c[0]} {c[2]}" for c in CASES])
async def test_what_is_out_of_bounds_is_a_400_that_names_its_field(
    path: str, fields: dict[str, Any], field: str
) -> None:
    async with client_of(app_of()) as client:
        content = json.dumps({**BODIES[path], **fields})
        response = await client.post(
            path, content=content, headers={"content-type": "application/json"}
        )
    assert response.status_code == 400, response.text
    kind, message = told(response)
    assert kind == "invalid_request_error"
    assert message.startswith(field)
    assert len(message) <= 300


@both
async def test_errors_below_the_route_are_in_its_envelope(path: str) -> None:
    keys = ApiKeys([SecretStr("right")])
    async with client_of(app_of(keys=keys, max_body_bytes=2048)) as client:
        unknown = await client.post(path, json=BODIES[path], headers={"x-api-key": "wrong"})
        assert unknown.status_code == 401
        assert "X-Api-Key" in told(unknown)[1]
        right = {"x-api-key": "right"}
        assert (await client.post(path, json=BODIES[path], headers=right)).status_code == 200
        large = await client.post(path, json={"x": "a" * 4096}, headers=right)
        assert large.status_code == 413
        kind = "request_too_large" if "messages" in path else "invalid_request_error"
        assert told(large)[0] == kind
        method = await client.get(path, headers=right)
        assert method.status_code == 405
        missing = await client.post(f"{path}/batches", json={}, headers=right)
        assert missing.status_code == 404
        for answer in (unknown, large, method, missing):
            told(answer)


@both
async def test_admission_counts_and_refuses(path: str) -> None:
    async with client_of(app_of(max_tokens_in_flight=10)) as client:
        refused = await client.post(path, json=BODIES[path])
        metrics = (await client.get("/metrics")).text
    assert refused.status_code == 400
    assert "16 candidate tokens" in told(refused)[1]
    row = rf'^bestofn_requests_total{{.*path="{path}",.*status="400"}} 1'
    assert re.search(row, metrics, re.MULTILINE)


@both
async def test_a_draining_server_says_so(path: str) -> None:
    app = app_of()
    async with client_of(app) as client:
        app.state.bestofn.admission.closed = True
        response = await client.post(path, json=BODIES[path])
    assert response.status_code == 503
    assert told(response) == (
        "overloaded_error" if path == "/v1/messages" else "server_error",
        "the server is stopping",
    )


@both
async def test_nothing_acceptable_is_an_error_before_the_stream_or_in_it(path: str) -> None:
    for delay, in_stream in ((0.0, False), (0.2, True)):
        script = [FakeCompletion("cut", "length", delay=delay)]
        pipeline = pipeline_of(script, policy=Policy("error"))[0]
        settings = Settings(best_of=2, server=ServerSettings(keep_alive_seconds=0.05))
        async with client_of(create_app(settings, pipeline)) as client:
            answer = await client.post(path, json={**BODIES[path], "stream": True})
        assert answer.status_code == (200 if in_stream else 422)
        if not in_stream:
            assert told(answer)[0] == "invalid_request_error"
        elif path == "/v1/responses":
            response = check_response(events_of(answer.content))
            assert response["status"] == "failed"
        else:
            check_message(events := events_of(answer.content))
            assert events[-1]["error"]["type"] == "invalid_request_error"


async def test_both_names_of_a_requests_id_are_there_for_anthropics_clients() -> None:
    async with client_of(app_of()) as client:
        said = {"x-request-id": "mine"}
        answer = await client.post("/v1/messages", json=BODIES["/v1/messages"], headers=said)
    assert answer.headers["request-id"] == answer.headers["x-request-id"] == "mine"


def test_without_the_extra_there_are_no_messages_and_the_log_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found, said = importlib.util.find_spec, list[str]()
    missing = {"anthropic"}
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *_: None if name in missing else found(name)
    )
    monkeypatch.setattr(answers.logger, "info", said.append)
    paths = app_of().openapi()["paths"]
    assert "/v1/responses" in paths
    assert not [path for path in paths if path.startswith("/v1/messages")]
    assert said[0].startswith("/v1/messages is not served: it needs the package anthropic")
