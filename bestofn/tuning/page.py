"""The page of a comparison: curves of accuracy against tokens, decode steps and N."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bestofn.dataset.report.plots import LAYOUT
from bestofn.dataset.store.atomic_files import disk_faults, replace_text
from bestofn.tuning.compare import Outcome, pass_at
from bestofn.tuning.grading import Graded

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

BY = {
    "check": "a verifier",
    "reference": "the references of the rows",
    "agreement": "agreement with the winner of all candidates",
}


def write_page(path: Path, graded: Graded, outcomes: Sequence[Outcome], whole: Outcome) -> None:
    """Write the page to `path`: one file that needs no network.

    Args:
        path: of the file.
        graded: what was compared.
        outcomes: of every plan.
        whole: the most candidates, nothing stopped; costs are shares of its.

    Raises:
        ConfigError: it cannot be written.
    """
    from plotly.offline import get_plotlyjs

    figures = {
        "What more candidates give": _by_size(graded, outcomes),
        "Accuracy against tokens": _by_cost(outcomes, whole, "tokens"),
        "Accuracy against decode steps (time beside a batch of its own)": _by_cost(
            outcomes, whole, "steps"
        ),
    }
    title = f"{len(graded.rows)} rows, right by {BY[graded.by]}"
    parts = [
        "<!doctype html><html lang=en><head><meta charset=utf-8>",
        '<meta name=viewport content="width=device-width, initial-scale=1">',
        f"<title>bestofn compare: {html.escape(title)}</title>",
        "<style>body{font:15px/1.5 system-ui,sans-serif;max-width:1100px;margin:2rem auto;"
        "padding:0 1rem}h1,h2{font-weight:600}</style>",
        f"<script>{get_plotlyjs()}</script></head><body><h1>{html.escape(title)}</h1>",
    ]
    for heading, figure in figures.items():
        drawn = figure.to_html(full_html=False, include_plotlyjs=False)
        parts.append(f"<h2>{html.escape(heading)}</h2>{drawn}")
    with disk_faults(path):
        replace_text(path, "\n".join([*parts, "</body></html>\n"]))


def _by_size(graded: Graded, outcomes: Sequence[Outcome]) -> Figure:
    from plotly.graph_objects import Figure, Scatter

    figure = Figure(layout=LAYOUT)
    whole = [each for each in outcomes if each.plan.stop.rule == "none"]
    sizes = sorted({each.plan.best_of for each in whole})
    oracle = [pass_at(graded.rows, graded.right, size) for size in sizes]
    figure.add_trace(Scatter(x=sizes, y=oracle, name="any of them (pass@k)", line={"dash": "dot"}))
    for name in dict.fromkeys(each.plan.selector.name for each in whole):
        mine = [each for each in whole if each.plan.selector.name == name]
        figure.add_trace(
            Scatter(
                x=[each.plan.best_of for each in mine],
                y=[each.accuracy for each in mine],
                name=name,
                mode="lines+markers",
            )
        )
    figure.update_layout(xaxis_title="candidates", yaxis_title="right", yaxis_tickformat=".0%")
    return figure


def _by_cost(outcomes: Sequence[Outcome], whole: Outcome, cost: str) -> Figure:
    from plotly.graph_objects import Figure, Scatter

    figure = Figure(layout=LAYOUT)
    most = getattr(whole, cost) or 1.0
    for rule in dict.fromkeys(each.plan.stop.rule for each in outcomes):
        mine = [
            each
            for each in outcomes
            if each.plan.stop.rule == rule and each.plan.selector.name == whole.plan.selector.name
        ]
        mine.sort(key=lambda each: getattr(each, cost))
        figure.add_trace(
            Scatter(
                x=[getattr(each, cost) / most for each in mine],
                y=[each.accuracy for each in mine],
                error_y={
                    "type": "data",
                    "symmetric": False,
                    "array": [each.high - each.accuracy for each in mine],
                    "arrayminus": [each.accuracy - each.low for each in mine],
                    "thickness": 1,
                },
                text=[f"best of {each.plan.best_of}: {each.plan.title}" for each in mine],
                name="sampled whole" if rule == "none" else rule,
                mode="lines+markers",
            )
        )
    figure.update_layout(
        xaxis_title=f"{cost}, as a share of best of {whole.plan.best_of}",
        yaxis_title="right",
        yaxis_tickformat=".0%",
    )
    return figure
