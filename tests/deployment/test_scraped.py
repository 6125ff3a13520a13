"""A real Prometheus over a running server in trouble: every query of the dashboard returns data,
and the alerts fire that should."""

from __future__ import annotations

import asyncio
import math
import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from starlette.responses import JSONResponse, Response

from bestofn import embedded
from bestofn_server.telemetry.dashboard import dashboard
from tests.support.prometheus import Prometheus, scraping
from tests.support.served_process import serving_process
from tests.support.serving import ask
from tests.support.streamed import END, events, said
from tests.support.upstream import Upstream, completion, failure, running

pytestmark = pytest.mark.slow

SERVER = Path(__file__).parents[2] / "server"
RULES = SERVER / "helm/bestofn/files/rules.yaml"
ALERTS: Sequence[dict[str, Any]] = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"][0][
    "rules"
]
BOARD = dashboard()
QUERIES = [target["expr"] for panel in BOARD["panels"] for target in panel.get("targets", ())]

CHAT = "/v1/chat/completions"
KEY = {"authorization": "Bearer secret"}
SETTINGS = {
    "best_of": 4,
    "reward_model": str(embedded.reward_path()),
    "server": {"api_keys": ["alice:secret"], "max_tokens_in_flight": 1000},
}
NEVER = {"BestofnSlow": "no request of a test takes a minute"}
"""Alerts that do not fire here, and why; their left side has to return data none the less."""


class Troubled:
    """An upstream that does what the last message says."""

    def __init__(self) -> None:
        self.turn = 0
        self.go = threading.Event()

    def __call__(self, body: dict[str, Any]) -> Response:
        what = body["messages"][-1]["content"]
        if what == "down":
            return failure(500)
        if what == "half":
            self.turn += 1
            if self.turn % 2:
                return events([said("The answer is 3."), *END])
            return events([said("The answer "), said("is "), *[said("so ")] * 600], pause=0.05)
        answer = completion(*["The answer is 3.", "It is 4.", "3", "5"][: body.get("n", 1)])
        if what in ("cut", "odd"):
            return JSONResponse(_spoilt(answer, what))
        return answer


def _spoilt(answer: Response, how: str) -> Any:
    """The same choices, all cut at the limit; or all but one without an answer."""
    body = httpx.Response(200, content=bytes(answer.body)).json()
    for choice in body["choices"]:
        if how == "cut":
            choice["finish_reason"] = "length"
        elif choice["index"]:
            choice["message"] = 7
    return body


async def _round(client: httpx.AsyncClient) -> None:
    """One request of each kind that a metric counts."""

    async def status(what: str, **fields: Any) -> int:
        body = {**ask(max_tokens=100, **fields), "messages": [{"role": "user", "content": what}]}
        return (await client.post(CHAT, json=body, headers=KEY)).status_code

    assert await status("fine") == 200
    assert await status("cut") == 200
    assert await status("odd") == 200
    assert await status("down") == 502
    assert await status("half", bestofn={"stop": {"rule": "accepted", "count": 2}}) == 200
    rule = {"rule": "accepted", "count": 8}
    late = asyncio.create_task(
        status("half", best_of=8, bestofn={"stop": rule, "deadline_ms": 1500})
    )
    while not (await client.get("/load")).json()["server_load"]:
        await asyncio.sleep(0.01)
    assert await status("fine") == 429
    assert await late == 200


async def _counted(client: httpx.AsyncClient) -> float:
    """Requests that the server itself has counted."""
    page = (await client.get("/metrics")).text
    return sum(
        sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == "bestofn_requests_total"
    )


@pytest.fixture(scope="module")
async def scraped(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Prometheus after it has seen the metrics grow."""
    folder = tmp_path_factory.mktemp("prometheus")
    config = folder / "bestofn.yaml"
    with running(Upstream(Troubled())) as upstream:
        config.write_text(yaml.safe_dump({**SETTINGS, "upstream": upstream.url}), encoding="utf-8")
        async with serving_process(f"--config={config}") as (_, client):
            target = f"{client.base_url.host}:{client.base_url.port}"
            with scraping(target, SERVER / "prometheus/prometheus.yml", RULES, folder) as found:
                for _ in range(2):  # a rate takes a series that was there before it grew
                    await _round(client)
                    counted = await _counted(client)
                    await asyncio.to_thread(found.wait_for, "sum(bestofn_requests_total)", counted)
                yield found


def _asked(query: str) -> str:
    """As Grafana sends it, where all jobs and models are chosen."""
    return query.replace("$__rate_interval", "1m").replace("$job", ".*").replace("$model", ".*")


@pytest.mark.parametrize("query", QUERIES)
async def test_every_query_of_the_dashboard_returns_data(query: str, scraped: Prometheus) -> None:
    values = scraped.values(_asked(query))
    assert values
    assert all(math.isfinite(each) for each in values)
    if query.startswith("sum") and "rate(" in query and " / " not in query:
        assert max(values) > 0, "nothing of it happened"


async def test_every_variable_of_the_dashboard_has_a_value(scraped: Prometheus) -> None:
    found = {}
    for each in BOARD["templating"]["list"]:
        named = re.fullmatch(r"label_values\((\w+), (\w+)\)", each["query"])
        assert named is not None
        found[each["name"]] = scraped.get(f"label/{named[2]}/values", **{"match[]": named[1]})
    assert found == {"job": ["bestofn"], "model": ["stub"]}


@pytest.mark.parametrize("alert", ALERTS, ids=[each["alert"] for each in ALERTS])
async def test_every_alert_is_about_data_and_comes_where_it_should(
    alert: dict[str, Any], scraped: Prometheus
) -> None:
    left, _, limit = alert["expr"].rpartition(" > ")
    (value,) = scraped.values(left)
    assert math.isfinite(value)
    assert (value > float(limit)) is (alert["alert"] not in NEVER)
    (rule,) = (
        each
        for group in scraped.get("rules")["groups"]
        for each in group["rules"]
        if each["name"] == alert["alert"]
    )
    assert rule["health"] == "ok"
    assert rule["state"] == ("inactive" if alert["alert"] in NEVER else "pending")
