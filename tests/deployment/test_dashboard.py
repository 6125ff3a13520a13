"""The dashboard and the alerts: made of the metrics that a server has, and taken by Prometheus."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from bestofn_server.telemetry.dashboard import ROWS, dashboard, families
from tests.support.scripts import CUT
from tests.support.serving import app_of, ask, client_of

FILES = Path(__file__).parents[2] / "server/helm/bestofn/files"
RULES: dict[str, Any] = yaml.safe_load((FILES / "rules.yaml").read_text(encoding="utf-8"))
ALERTS = RULES["groups"][0]["rules"]
QUERIES = [target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", ())]
_METRIC = re.compile(r"bestofn_\w+")
_LABELS = re.compile(r"by \(([\w, ]+)\)")


def test_the_file_is_what_the_code_makes() -> None:
    assert json.loads((FILES / "dashboard.json").read_text(encoding="utf-8")) == dashboard()


def test_every_metric_is_drawn_once() -> None:
    drawn = [panel.metric for row in ROWS.values() for panel in row]
    assert sorted(drawn) == sorted(families())


def test_panels_do_not_lie_over_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells


@pytest.mark.long
async def test_every_query_finds_series_with_its_labels_in_a_scrape() -> None:
    async with client_of(app_of(["good", "better", CUT, "a loop"])) as client:
        for body in (ask(best_of=4), ask(best_of=4, bestofn={"stop": "agreement"}), ask(n="x")):
            await client.post("/v1/chat/completions", json=body)
        page = (await client.get("/metrics")).text
    series: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(page):
        series.setdefault(family.name, set())
        for sample in family.samples:
            series.setdefault(sample.name, set()).update(sample.labels)
    known = {name.removeprefix("bestofn_") for name in series}
    for query in [*QUERIES, *(alert["expr"] for alert in ALERTS)]:
        for name in _METRIC.findall(query):
            base = re.sub(r"_(total|bucket|sum|count)$", "", name.removeprefix("bestofn_"))
            assert base in known or name in series, query
            seen = f"bestofn_{base}_count" in series
            assert name in series or not seen, f"{query}: a scrape has no {name}"
            labels = {each.strip() for found in _LABELS.findall(query) for each in found.split(",")}
            if series.get(name):
                assert labels - {"job"} <= series[name], query


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not here")
def test_promtool_takes_the_rules() -> None:
    done = subprocess.run(
        ["promtool", "check", "rules", str(FILES / "rules.yaml")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_says_what_to_look_at() -> None:
    for alert in ALERTS:
        assert alert["annotations"]["summary"]
        assert "{{ $value" in alert["annotations"]["description"]
        assert alert["labels"]["severity"] in ("critical", "warning")
