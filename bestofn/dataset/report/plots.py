"""Plots of a report, as plotly's figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bestofn.dataset.report.decision_plots import (
    CONFIDENCE,
    STOPPING,
    confidence_figure,
    stopping_figure,
)
from bestofn.dataset.report.findings import REASONS, Findings
from bestofn.dataset.report.layout import LAYOUT
from bestofn.dataset.store.manifest import Session

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

BINS = 60

TAILS = (0.001, 0.999)
"""Quantiles of the rewards that the bins of their histogram reach from and to."""


def figures(found: Findings, sessions: Sequence[Session]) -> Mapping[str, Figure]:
    """The figures by their titles, in the order of the page; those without data are left out."""
    made = {
        "Rewards of the winners and of all accepted": _distribution(found),
        "The winner against the first accepted sample": _against_first(found),
        "What more samples give": _against_n(found),
        CONFIDENCE: confidence_figure(found.decisions),
        STOPPING: stopping_figure(found.decisions),
        "Rejections and failures by reason": _reasons(found),
        "Length against reward": _lengths(found),
        "Tokens and time": _sessions(sessions),
    }
    return {title: figure for title, figure in made.items() if figure is not None}


def _distribution(found: Findings) -> Figure | None:
    from plotly.graph_objects import Bar, Figure

    if not found.accepted.values:
        return None
    # One far-off reward must not leave all others in one bin: the outer bins hold what is beyond.
    low, high = np.quantile(found.accepted.values, TAILS)
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    figure = Figure(layout=LAYOUT)
    for name, values in (
        ("all accepted", found.accepted.values),
        ("winners", found.winners.values),
    ):
        counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
        density = counts / (len(values) * (edges[1] - edges[0]))
        figure.add_trace(
            Bar(x=_short((edges[:-1] + edges[1:]) / 2), y=_short(density), name=name, opacity=0.6)
        )
    figure.update_layout(barmode="overlay", bargap=0, xaxis_title="reward", yaxis_title="density")
    return figure


def _against_first(found: Findings) -> Figure | None:
    from plotly.graph_objects import Figure, Scatter

    if not found.pairs.values:
        return None
    first, winner = zip(*found.pairs.values, strict=True)
    figure = Figure(layout=LAYOUT)
    figure.add_trace(
        Scatter(
            x=_short(first),
            y=_short(winner),
            mode="markers",
            marker={"size": 4, "opacity": 0.4},
            name="prompts",
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
    names = [name for name, _ in reversed(found.reasons.most_common(REASONS))]
    figure = Figure(layout=LAYOUT)
    for kind, counts in found.kinds.items():
        if any(counts[name] for name in names):
            x = [counts[name] for name in names]
            figure.add_trace(Bar(x=x, y=names, orientation="h", name=kind))
    figure.update_layout(
        barmode="stack",
        xaxis_title="candidates",
        margin={**LAYOUT["margin"], "l": 160},  # type: ignore[dict-item]
        height=max(380, 120 + 22 * len(names)),
    )
    return figure


def _lengths(found: Findings) -> Figure | None:
    from plotly.graph_objects import Figure, Scatter

    if not found.lengths.values:
        return None
    tokens, rewards = zip(*found.lengths.values, strict=True)
    figure = Figure(layout=LAYOUT)
    figure.add_trace(
        Scatter(x=tokens, y=_short(rewards), mode="markers", marker={"size": 4, "opacity": 0.3})
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


def _short(values: Iterable[float]) -> list[float]:
    """To four digits, which is more than a plot shows and a third of the bytes."""
    return [float(f"{value:.4g}") for value in values]
