"""Plots of a report, as plotly's figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bestofn.dataset.report.findings import Findings
from bestofn.dataset.store.manifest import Session

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

BINS = 60
LAYOUT = {
    "template": "plotly_white",
    "height": 380,
    "margin": {"l": 60, "r": 20, "t": 40, "b": 50},
    "legend": {"orientation": "h", "y": 1, "yanchor": "bottom"},
}


def figures(found: Findings, sessions: Sequence[Session]) -> Mapping[str, Figure]:
    """The figures by their titles, in the order of the page; those without data are left out."""
    made = {
        "Rewards of the winners and of all accepted": _distribution(found),
        "The winner against the first accepted sample": _against_first(found),
        "What more samples give": _against_n(found),
        "Rejections and failures by reason": _reasons(found),
        "Length against reward": _lengths(found),
        "Tokens and time": _sessions(sessions),
    }
    return {title: figure for title, figure in made.items() if figure is not None}


def _distribution(found: Findings) -> Figure | None:
    from plotly.graph_objects import Figure, Histogram

    if not found.accepted.values:
        return None
    figure = Figure(layout=LAYOUT)
    for name, values in (
        ("all accepted", found.accepted.values),
        ("winners", found.winners.values),
    ):
        figure.add_trace(
            Histogram(x=values, name=name, nbinsx=BINS, histnorm="probability density", opacity=0.6)
        )
    figure.update_layout(barmode="overlay", xaxis_title="reward", yaxis_title="density")
    return figure


def _against_first(found: Findings) -> Figure | None:
    from plotly.graph_objects import Figure, Scatter

    if not found.pairs.values:
        return None
    first, winner = zip(*found.pairs.values, strict=True)
    figure = Figure(layout=LAYOUT)
    figure.add_trace(
        Scatter(
            x=first, y=winner, mode="markers", marker={"size": 4, "opacity": 0.4}, name="prompts"
        )
    )
    ends = [min(first), max(winner)]
    figure.add_trace(Scatter(x=ends, y=ends, mode="lines", name="no gain"))
    figure.update_layout(
        xaxis_title="reward of the first accepted sample", yaxis_title="reward of the winner"
    )
    return figure


def _against_n(found: Findings) -> Figure | None:
    from plotly.graph_objects import Figure, Scatter

    if not found.gains:
        return None
    counts = sorted(found.gains)
    means = [found.gains[n][0] / found.gains[n][1] for n in counts]
    figure = Figure(layout=LAYOUT)
    figure.add_trace(Scatter(x=counts, y=means, mode="lines+markers", name="expected best"))
    figure.update_layout(
        xaxis_title="accepted samples",
        yaxis_title="expected best reward (z-score in the prompt)",
    )
    return figure


def _reasons(found: Findings) -> Figure | None:
    from plotly.graph_objects import Bar, Figure

    if not found.reasons:
        return None
    ordered = found.reasons.most_common()
    figure = Figure(layout=LAYOUT)
    names, counts = zip(*reversed(ordered), strict=True)
    figure.add_trace(Bar(x=counts, y=names, orientation="h"))
    figure.update_layout(xaxis_title="candidates", margin={**LAYOUT["margin"], "l": 160})  # type: ignore[dict-item]
    return figure


def _lengths(found: Findings) -> Figure | None:
    from plotly.graph_objects import Figure, Scatter

    if not found.lengths.values:
        return None
    tokens, rewards = zip(*found.lengths.values, strict=True)
    figure = Figure(layout=LAYOUT)
    figure.add_trace(
        Scatter(x=tokens, y=rewards, mode="markers", marker={"size": 4, "opacity": 0.3})
    )
    figure.update_layout(
        xaxis_title="completion tokens",
        yaxis_title="reward (z-score in the prompt)",
    )
    return figure


def _sessions(sessions: Sequence[Session]) -> Figure | None:
    from plotly.graph_objects import Bar, Figure

    worked = [each for each in sessions if each.rows]
    if not worked:
        return None
    starts = [each.started for each in worked]
    figure = Figure(layout=LAYOUT)
    for name, values in (
        ("completion tokens", [each.completion_tokens for each in worked]),
        ("reward tokens", [each.reward_tokens for each in worked]),
    ):
        figure.add_trace(Bar(x=starts, y=values, name=name, hovertext=_rates(worked)))
    figure.update_layout(xaxis_title="session", yaxis_title="tokens", xaxis_type="category")
    return figure


def _rates(worked: Sequence[Session]) -> list[str]:
    return [
        f"{each.rows:,} rows in {each.seconds:,.0f} s: {each.rows / max(each.seconds, 1e-9):.1f}/s"
        for each in worked
    ]
