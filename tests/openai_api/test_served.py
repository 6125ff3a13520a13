"""What a server serves, by its own word: redirects, pages instead of lists, and lists too late."""

from __future__ import annotations

import asyncio
import logging
import re

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bestofn.core.errors import ConfigError
from bestofn.core.no_winner import GeneratorError
from bestofn.openai_api import served
from bestofn.openai_api.client import ApiClient
from bestofn.openai_api.connection import open_http
from bestofn.openai_api.served import listed_models, model_of_all, served_model
from tests.support.upstream import served as application

URL = "http://me:secret@stub/v1"


def _always(status: int, content: str = "", **headers: str) -> httpx.AsyncClient:
    """A client of a server in this process that has one answer."""
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    transport = httpx.MockTransport(lambda _: httpx.Response(status, text=content, headers=told))
    return httpx.AsyncClient(transport=transport, base_url="http://stub/v1/")


@pytest.mark.parametrize("model", [None, "named"])
@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("https://stub/v1/models", "leads to https://stub/v1: give that URL"),
        ("https://me:secret@a/api/models?key=secret", "leads to https://a/api: give that URL"),
        ("/api/v1/models", "leads to http://stub/api/v1: give that URL"),
        ("/v1/models/", "leads to http://stub/v1/models/: give the URL of the API itself"),
        ("https://login/?next=secret", "leads to https://login/: give the URL of the API itself"),
        ("http://a/" + "b" * 9000, r"leads to http://a/b+\.\.\.b+: give the URL of the API itself"),
        (None, "does not say where it leads: give the URL of the API itself"),
    ],
)
async def test_a_server_that_redirects_is_told_with_where_it_leads(
    location: str | None, said: str, model: str | None
) -> None:
    headers = {} if location is None else {"location": location}
    for status in (301, 307, 308):
        with pytest.raises(ConfigError) as caught:
            await listed_models(_always(status, **headers), URL, model)
        sentence = str(caught.value)
        assert re.match(rf"http://stub/v1 answers {status} \([A-Za-z ]+\) and ", sentence)
        assert re.search((said if "+" in said else re.escape(said)) + "$", sentence)
        assert "secret" not in sentence
        assert len(sentence) < 350


async def test_what_is_no_url_is_shown_where_a_server_leads_to_it() -> None:
    async def away(request: Request) -> Response:
        return Response(status_code=302, headers={"location": "http://me:secret@a:port?secret"})

    with application(Starlette(routes=[Route("/v1/models", away)])) as url:
        async with open_http(url) as http:
            with pytest.raises(ConfigError, match=r"and leads to http://a:port: give the URL of"):
                await listed_models(http, url)


@pytest.mark.parametrize(
    ("content", "headers", "said"),
    [
        ("<html>login", {"content_type": "text/html; charset=x"}, "answers text/html, no list"),
        ("{}", {"content_type": "application/json"}, "answers application/json, no list"),
        ("", {}, r"answers nothing \(status 200\), no list"),
        ("x", {"content_type": "a" * 9000}, r"answers a+\.\.\.a+, no list"),
    ],
)
async def test_what_is_no_list_of_models_is_told_where_one_is_needed(
    content: str, headers: dict[str, str], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    http = _always(200, content, **headers)
    with pytest.raises(ConfigError, match=f"^http://stub/v1 {said} of models: is this the") as told:
        await served_model(http, URL, None)
    assert len(str(told.value)) < 200
    with caplog.at_level(logging.WARNING):
        assert await served_model(http, URL, "named") == "named"
    assert caplog.messages == [str(told.value)]


@pytest.mark.parametrize("status", [404, 405, 501])
async def test_a_server_without_a_list_is_asked_for_a_model_that_is_named(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    http = _always(status, "not here")
    assert await model_of_all({URL: http}, "named") == ("named", None)
    assert not caplog.messages
    said = rf"^name the model that http://stub/v1 is to be asked for: it answers {status} \("
    with pytest.raises(ConfigError, match=said):
        await model_of_all({URL: http}, None)


async def test_a_list_that_does_not_come_stops_only_who_needs_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(served, "PATIENCE", 0.1)

    async def late(request: Request) -> Response:
        await asyncio.sleep(1)
        return Response('{"data": [{"id": "stub", "max_model_len": 9}]}')

    with application(Starlette(routes=[Route("/v1/models", late)])) as url:
        async with open_http(url) as http:
            with caplog.at_level(logging.WARNING):
                assert await model_of_all({url: http}, "stub") == ("stub", None)
            assert caplog.messages == [
                f"{url} has not listed its models within 0.1 s: the context of stub is not known"
            ]
            assert await model_of_all({url: http}, None) == ("stub", 9)
    with pytest.raises(ConfigError, match="cannot be reached"):
        async with open_http(url) as http:
            await model_of_all({url: http}, "stub")


async def test_a_redirect_of_a_request_is_a_fault_whose_place_is_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    http = _always(307, location="https://me:secret@inside.example/v1/chat?key=secret")
    client = ApiClient(http, who="the stub", attempts=1)
    for ask in (client.post("chat/completions", {}), client.stream("chat/completions", {})):
        caplog.clear()
        with pytest.raises(GeneratorError) as caught:
            await ask
        assert str(caught.value) == (
            "the stub answers 307 (Temporary Redirect): it redirects, and the log has where to"
        )
        assert "it leads to https://inside.example/v1/chat;" in caplog.text
        assert "secret" not in caplog.text


async def test_a_server_that_redirects_is_not_alive() -> None:
    with pytest.raises(GeneratorError, match=r"answers 302 \(Found\): it redirects"):
        await ApiClient(_always(302, location="https://login")).check_alive()
    await ApiClient(_always(404)).check_alive()
