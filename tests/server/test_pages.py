"""The pages beside the API: documentation without another host, and who may read it."""

from __future__ import annotations

import re

import pytest

from tests.support.serving import app_of, client_of

PAGES = {"/docs": "docs", "/openapi.json": "docs", "/metrics": "metrics"}
KEY = {"authorization": "Bearer one"}


async def test_the_documentation_loads_nothing_from_another_host() -> None:
    async with client_of(app_of(api_keys=["one"])) as client:
        page = (await client.get("/docs")).text
        assert "SwaggerUIBundle(" in page
        assert "//" not in re.sub(r"//(?= )", "", re.sub(r"<!--.*?-->", "", page))
        loaded = re.findall(r'(?:src|href)="([^"]+)"', page)
        assert len(loaded) == 3
        for path in [*loaded, "/openapi.json"]:
            assert (await client.get(path)).status_code == 200, path
        assert (await client.get("/redoc")).status_code == 401  # there is none


@pytest.mark.parametrize(
    ("access", "without", "with_key"),
    [
        ("open", 200, 200),
        ("key", 401, 200),
        ("off", 401, 404),
    ],
)
async def test_pages_are_open_or_behind_the_key_or_not_there(
    access: str, without: int, with_key: int
) -> None:
    async with client_of(app_of(api_keys=["one"], docs=access, metrics=access)) as client:
        for path in PAGES:
            expected = without if access != "off" else 404
            assert (await client.get(path)).status_code == expected, path
            assert (await client.get(path, headers=KEY)).status_code == with_key, path
        for path in ("/health", "/ready"):
            assert (await client.get(path)).status_code == 200


async def test_without_keys_what_is_off_is_not_there_either() -> None:
    async with client_of(app_of(docs="off", metrics="off")) as client:
        for path in PAGES:
            assert (await client.get(path)).status_code == 404, path
        assert (await client.get("/docs/assets/swagger-ui.css")).status_code == 404


async def test_the_page_says_which_paths_need_the_key() -> None:
    app = app_of(api_keys=["one"], metrics="key")
    paths = app.openapi()["paths"]
    open_paths = {path for path, each in paths.items() if each.get("get", {}).get("security") == []}
    assert open_paths == {"/health", "/ready", "/ping", "/load"}
