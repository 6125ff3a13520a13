"""Plots and tables of what was decided: confidence, stopping, suspicion, generators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bestofn.dataset.report.decisions import CONFIDENCE_BINS, Decisions
from bestofn.dataset.report.document import Section, Table
from bestofn.dataset.report.layout import LAYOUT

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

CONFIDENCE = "Confidence of the winners"
STOPPING = "Stopping"
SUSPICION = "Suspicion"
GENERATORS = "Which generator won"

MOST = 30
"""Rows of a table of reasons, the most frequent first."""


def confidence_figure(decisions: Decisions) -> Figure | None:
    """How many winners have which confidence, and how many rows `--min-confidence` would keep."""
    from plotly.graph_objects import Bar, Figure, Scatter

    if not decisions.confident:
        return None
    figure = Figure(layout=LAYOUT)
    middles = [(at + 0.5) / CONFIDENCE_BINS for at in range(CONFIDENCE_BINS)]
    edges = [at / CONFIDENCE_BINS for at in range(CONFIDENCE_BINS)]
    kept = [decisions.at_least(at) / decisions.confident for at in range(CONFIDENCE_BINS)]
    figure.add_trace(Bar(x=middles, y=decisions.confidences, name="winners"))
    figure.add_trace(Scatter(x=edges, y=kept, name="kept at or above", mode="lines", yaxis="y2"))
    figure.update_layout(
        bargap=0,
        xaxis={"title": "confidence", "range": [0, 1]},
        yaxis_title="rows",
        yaxis2={
            "overlaying": "y",
            "side": "right",
            "tickformat": ".0%",
            "tickvals": [0, 0.25, 0.5, 0.75, 1],
            "range": [0, 1.02],
            "showgrid": False,
        },
        margin={**LAYOUT["margin"], "r": 60},  # type: ignore[dict-item]
    )
    return figure


def stopping_figure(decisions: Decisions) -> Figure | None:
    """How many candidates were started; None: nothing was stopped."""
    from plotly.graph_objects import Bar, Figure

    if not decisions.rules:
        return None
    counts = sorted(decisions.sampled)
    figure = Figure(layout=LAYOUT)
    figure.add_trace(Bar(x=counts, y=[decisions.sampled[count] for count in counts], width=0.8))
    figure.update_layout(xaxis_title="candidates that were started", yaxis_title="rows")
    return figure


def stopping_table(decisions: Decisions) -> Table:
    """By rule: rows that it ended, what was started in them, what it aborted in any, and saved."""
    names = sorted({*decisions.rules, *decisions.aborted})
    rows = []
    for name in names:
        of = decisions.rules.get(name)
        ended = 0 if of is None else of.rows
        sampled = None if of is None else of.sampled / of.rows
        saved = None if of is None else of.tokens_saved
        rows.append((name, ended, sampled, decisions.aborted[name], saved))
    columns = ("rule", "rows ended", "sampled in these, mean", "aborted by it", "tokens saved")
    return Table(columns, rows)


def suspicion_section(decisions: Decisions) -> Section | None:
    """Suspected candidates by reason; None: there is none."""
    if not decisions.suspicions:
        return None
    ordered = sorted(decisions.suspicions.items(), key=lambda each: (-each[1].candidates, each[0]))
    rows = [(reason, of.candidates, of.won) for reason, of in ordered[:MOST]]
    left = "" if len(ordered) <= MOST else f" {len(ordered) - MOST} rarer reasons are left out."
    return Section(
        SUSPICION,
        "A suspicion is a rejection that is not certain: its candidate stands behind all others. "
        f"{decisions.suspected:,} candidates are suspected, and {decisions.suspected_winners:,} "
        f"winners, where nothing else was there.{left}",
        Table(("reason", "suspected", "of these won"), rows),
    )


def generators_section(decisions: Decisions) -> Section | None:
    """What each generator gave and won; None: there were not several."""
    if len(decisions.generators) < 2:
        return None
    won = sum(of.won for of in decisions.generators.values())
    sampled = sum(of.candidates for of in decisions.generators.values())
    rows = [
        (
            name,
            of.candidates,
            f"{of.candidates / sampled:.1%}",
            f"{of.accepted / of.candidates:.1%}",
            of.won,
            f"{of.won / won:.1%}" if won else None,
            of.completion_tokens / of.candidates,
        )
        for name, of in sorted(decisions.generators.items())
    ]
    columns = (
        "generator",
        "candidates",
        "share",
        "accepted",
        "won",
        "share of wins",
        "mean tokens",
    )
    note = "One that wins more than its share of the candidates gives the better ones."
    return Section(GENERATORS, note, Table(columns, rows))
