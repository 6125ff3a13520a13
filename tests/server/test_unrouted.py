"""What no route answers is in the log and the metrics: refused keys, unknown paths."""

from __future__ import annotations

import logging

import pytest

from tests.support.serving import app_of, ask, client_of

CHAT = "/v1/chat/completions"
RIGHT, WRONG = ({"authorization": f"Bearer {key}"} for key in ("one", "wrong"))


async def test_it_is_counted_by_its_route_and_logged_with_its_path(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with client_of(app_of(api_keys=["one"])) as client:
        with caplog.at_level(logging.INFO, "bestofn_server.routes.unrouted"):
            for headers, status in ((WRONG, 401), ({}, 401), (RIGHT, 200)):
                answer = await client.post(CHAT, json=ask(), headers=headers)
                assert answer.status_code == status
            for headers, status in ((WRONG, 401), (RIGHT, 404)):
                answer = await client.get("/v1/no%0Asuch" + "x" * 1000, headers=headers)
                assert answer.status_code == status
        page = (await client.get("/metrics")).text
    for path, status, count in ((CHAT, 401, 2), ("other", 401, 1), ("other", 404, 1)):
        labels = f'model="",path="{path}",profile="",status="{status}"'
        assert f"bestofn_requests_total{{{labels}}} {count:.1f}" in page
    assert 'bestofn_key_requests_total{key="-",status="401"} 3.0' in page
    told = [(each.path, each.status, each.key) for each in caplog.records]  # type: ignore[attr-defined]
    assert told[:2] == [(CHAT, 401, "-"), (CHAT, 401, "-")]
    assert [(status, key) for _, status, key in told[2:]] == [(401, "-"), (404, "key-1")]
    assert all(r"/v1/no\nsuchxx" in path and len(path) <= 200 for path, _, _ in told[2:])
