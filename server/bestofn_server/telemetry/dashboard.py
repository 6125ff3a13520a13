"""The Grafana dashboard of a server, made from the metrics' own definitions.

    python -m bestofn_server.telemetry.dashboard > server/helm/bestofn/files/dashboard.json

A panel is a metric and the label by which it is drawn apart. Its title is the metric's own help;
its query follows from the metric's type: rates of counters, quantiles of histograms, gauges as they
are.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric

from bestofn.settings.server_limits import KeyLimits
from bestofn_server.admission import Admission
from bestofn_server.telemetry.metrics import Metrics

WIDTH, HEIGHT, COLUMNS = 8, 7, 3
"""Of a panel in Grafana's grid of 24 columns, and how many stand beside each other."""

QUANTILES = (0.5, 0.95)

SELECTED = '{job=~"$job",model=~"$model"}'
ANY = '{job=~"$job"}'


@dataclass(frozen=True, slots=True)
class Panel:
    """One drawing.

    Args:
        metric: its name without ``bestofn_`` and without what Prometheus adds to it.
        by: the label whose values are drawn apart; '': all in one.
        unit: Grafana's name for the unit.
        mean: of a histogram the mean, rather than quantiles; not where values may be negative: such
            a sum is no counter, and one with buckets below 0 is not exported.
    """

    metric: str
    by: str = ""
    unit: str = "short"
    mean: bool = False


ROWS: Mapping[str, Sequence[Panel]] = {
    "Requests": (
        Panel("requests", "status", "reqps"),
        Panel("request_seconds", unit="s"),
        Panel("requests_in_flight"),
        Panel("first_candidate_seconds", unit="s"),
        Panel("refused", unit="reqps"),
        Panel("tasks"),
    ),
    "Candidates": (
        Panel("candidates", "outcome", "ops"),
        Panel("rejections", "reason", "ops"),
        Panel("failures", "reason", "ops"),
        Panel("best_of", mean=True),
        Panel("sampled", mean=True),
        Panel("fallbacks", "fallback", "ops"),
    ),
    "Choosing": (
        Panel("confidence", "rule", "percentunit", mean=True),
        Panel("winner_index"),
        Panel("reward", "of"),
        Panel("reward_gain"),
        Panel("deadlines", unit="ops"),
        Panel("tokens_saved", "rule", "ops"),
    ),
    "Tokens": (
        Panel("tokens", "kind", "ops"),
        Panel("tokens_in_flight"),
        Panel("tokens_aborted", "rule", "ops"),
    ),
    "Reward model": (
        Panel("score_seconds", unit="s"),
        Panel("score_batch_candidates", mean=True),
        Panel("candidates_in_scoring"),
    ),
    "Keys": (
        Panel("key_requests", "key", "reqps"),
        Panel("key_tokens", "key", "ops"),
    ),
}


def families() -> dict[str, Metric]:
    """The metrics of a server by their names without ``bestofn_``."""
    registry = CollectorRegistry()
    Metrics(registry, Admission(1, KeyLimits(), {}))
    return {each.name.removeprefix("bestofn_"): each for each in registry.collect()}


def queries(panel: Panel, family: Metric, labels: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(query, legend) of a panel.

    Args:
        panel: what is drawn.
        family: its metric.
        labels: that the metric has.
    """
    name = family.name
    chosen = SELECTED if "model" in labels else ANY
    apart, legend = (f"by ({panel.by}) ", f"{{{{{panel.by}}}}}") if panel.by else ("", "")
    if family.type == "counter":
        yield f"sum {apart}(rate({name}_total{chosen}[$__rate_interval]))", legend
    elif family.type == "gauge":
        yield f"sum {apart}({name}{chosen})", legend
    elif panel.mean:
        total = f"sum {apart}(rate({name}_sum{chosen}[$__rate_interval]))"
        count = f"sum {apart}(rate({name}_count{chosen}[$__rate_interval]))"
        yield f"{total} / {count}", legend or "mean"
    else:
        grouped = ", ".join(filter(None, ("le", panel.by)))
        buckets = f"sum by ({grouped}) (rate({name}_bucket{chosen}[$__rate_interval]))"
        for quantile in QUANTILES:
            yield f"histogram_quantile({quantile}, {buckets})", f"{legend} {quantile:.0%}".strip()


def dashboard() -> dict[str, Any]:
    """The dashboard as Grafana imports it."""
    known, labels = families(), _labels()
    panels: list[dict[str, Any]] = []
    top = 0
    for title, row in ROWS.items():
        place = {"h": 1, "w": 24, "x": 0, "y": top}
        panels.append({"type": "row", "title": title, "gridPos": place, "panels": []})
        for at, panel in enumerate(row):
            line, column = divmod(at, COLUMNS)
            where = {"h": HEIGHT, "w": WIDTH, "x": column * WIDTH, "y": top + 1 + line * HEIGHT}
            panels.append(_drawn(panel, known[panel.metric], labels.get(panel.metric, ()), where))
        top += 1 + HEIGHT * -(-len(row) // COLUMNS)
    for number, made in enumerate(panels, start=1):
        made["id"] = number
    return {
        "title": "bestofn",
        "uid": "bestofn",
        "tags": ["bestofn", "llm"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {
            "list": [
                _variable("job", "label_values(bestofn_requests_in_flight, job)"),
                _variable("model", "label_values(bestofn_candidates_total, model)"),
            ]
        },
        "panels": panels,
    }


def _drawn(
    panel: Panel, family: Metric, labels: Sequence[str], where: Mapping[str, int]
) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "prometheus"}
    targets = [
        {"refId": chr(ord("A") + at), "expr": query, "legendFormat": legend, "datasource": source}
        for at, (query, legend) in enumerate(queries(panel, family, labels))
    ]
    return {
        "type": "timeseries",
        "title": family.documentation.rstrip("."),
        "datasource": source,
        "gridPos": dict(where),
        "targets": targets,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": None}, "overrides": []},
    }


def _variable(name: str, query: str) -> dict[str, Any]:
    return {
        "name": name,
        "type": "query",
        "datasource": {"type": "prometheus", "uid": "prometheus"},
        "query": query,
        "includeAll": True,
        "multi": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }


def _labels() -> dict[str, tuple[str, ...]]:
    """The labels of each counter and histogram; gauges have none."""
    return Metrics(CollectorRegistry(), Admission(1, KeyLimits(), {})).labels


if __name__ == "__main__":
    json.dump(dashboard(), sys.stdout, indent=1)
    sys.stdout.write("\n")
