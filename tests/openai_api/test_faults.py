"""A server's own words in the log: never what lets somebody in."""

from __future__ import annotations

import base64
import logging
from typing import Any

import pytest
from starlette.responses import Response

from bestofn.core.no_winner import GeneratorError
from bestofn.openai_api.client import ApiClient
from bestofn.openai_api.connection import open_http
from bestofn.openai_api.faults import without_keys
from bestofn.support.secrets import kept_secret, masked
from tests.support.upstream import Upstream, failure, running

KEY = "3f9c0dabcdef0123456789"
LOGIN = base64.b64encode(b"me:open-sesame").decode()


@pytest.mark.parametrize(
    ("said", "logged"),
    [
        (f"Incorrect API key provided: {KEY}.", "Incorrect API key provided: ***"),
        (f"Invalid token: {KEY}", "Invalid token: ***"),
        ("unauthorized: csk-abc123", "unauthorized: csk-***"),
        (f"Authorization: Basic {LOGIN}", "Authorization: Basic ***"),
        ("sk-abc is no key", "sk-*** is no key"),
        ("unexpected token: }", "unexpected token: }"),
        ("basic authentication failed", "basic authentication failed"),
        ("max_tokens: 5 is too many tokens", "max_tokens: 5 is too many tokens"),
    ],
)
def test_what_looks_like_a_key_is_left_out(said: str, logged: str) -> None:
    assert without_keys(said) == logged


def test_a_secret_is_masked_while_it_is_one() -> None:
    with kept_secret(KEY, None, "ab"), kept_secret(KEY, f"{KEY}-longer"):
        assert masked(f"{KEY}-longer, {KEY}, ab") == "***, ***, ab"
    assert masked(KEY) == KEY


@pytest.mark.parametrize("status", [401, 403, 500])
async def test_what_was_sent_to_get_in_is_in_no_log(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    def echo(body: dict[str, Any]) -> Response:
        said = f"nobody knows <{KEY}>, <{LOGIN}> or <open-sesame>, of ?code=q-secret"
        return failure(status, f"{said} for version 2024-10-21")

    with running(Upstream(echo)) as upstream, caplog.at_level(logging.DEBUG):
        place = upstream.url.removeprefix("http://")
        for url, key in (
            (f"http://me:open-sesame@{place}?code=q-secret&api-version=2024-10-21", None),
            (upstream.url, KEY),
            (f"http://{KEY}@{place}", None),
        ):
            async with open_http(url, api_key=key) as http:
                with pytest.raises(GeneratorError):
                    await ApiClient(http, attempts=1).post("chat/completions", {})
    with_login, *with_key = [each for each in caplog.messages if "nobody knows" in each]
    for secret in (LOGIN, "open-sesame", "q-secret"):
        assert secret not in with_login
    assert "2024-10-21" in with_login, "it lets nobody in"
    assert len(with_key) == 2
    assert not any(KEY in each for each in with_key)
