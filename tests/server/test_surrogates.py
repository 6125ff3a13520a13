"""Halves of surrogate pairs in what a client sends for scoring: replaced, or refused by their
field; never an error of the server, and never the loss of another response."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.serving import app_of, client_of, error_of

pytestmark = pytest.mark.model

HALF = "half \ud83d"
BODIES: tuple[dict[str, Any], ...] = (
    {"prompt": "q", "responses": ["good", HALF]},
    {"prompt": HALF, "responses": ["good"]},
    {"messages": [{"role": "user", "content": HALF}], "responses": ["good"]},
    {"prompt": "q", "responses": ["good", {"text": HALF, "finish_reason": "MAX_TOKENS"}]},
)


@pytest.mark.parametrize("body", BODIES, ids=range(4))
async def test_half_of_a_pair_costs_no_other_response(body: dict[str, Any]) -> None:
    script = {"good": 1.0, "half \ufffd": 2.0}
    async with client_of(app_of(script)) as client:
        response = await client.post("/v1/rewards", content=json.dumps({**body, "filters": []}))
    if response.status_code == 400:
        assert "\ud83d" not in error_of(response)["message"]
        return
    assert response.status_code == 200, response.text
    assert response.json()["data"][0]["reward"] is not None
