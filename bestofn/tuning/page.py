"""The page of a comparison: tables, and curves of accuracy against tokens, decode steps and N.

`sections` are what stands in a run's report, too; `write_page` makes a page of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bestofn.dataset.report.document import Section, Table, document
from bestofn.dataset.report.layout import LAYOUT
from bestofn.dataset.store.atomic_files import replace_text
from bestofn.settings.sections import AnswerKeySettings
from bestofn.support.disk_faults import disk_faults
from bestofn.tuning.at_k import AtK, Estimate, at_k, sizes_up_to
from bestofn.tuning.compare import Outcome
from bestofn.tuning.grading import Graded
from bestofn.tuning.hints import Fall, LengthBias, fall, length_bias

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

BY = {
    "check": "a verifier",
    "reference": "the references of the rows",
    "agreement": "agreement with the winner of all candidates",
}

COSTS = {
    "tokens": "Accuracy against tokens",
    "steps": "Accuracy against decode steps (time beside a batch of its own)",
}
"""Headings of the curves."""

HEADINGS = ("best of", "chosen and stopped by", "right", "95 %", "tokens", "steps")
"""Of the table of outcomes, on the page and in the terminal."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What a comparison came to.

    Args:
        graded: what was compared.
        outcomes: of every plan.
        whole: the most candidates, nothing stopped; costs are shares of its.
        answer_key: what was voted on.
        left_out: rows that have fewer candidates; where a rule stopped sampling, those are the
            easier ones.

    Attributes:
        at_k: pass@k, maj@k and rm@k for k = 1, 2, 4, ... up to the most candidates.
        fall: of rm@k with k; None: it cannot be told.
        length_bias: of the rewards; None: there are none.
    """

    graded: Graded
    outcomes: Sequence[Outcome]
    whole: Outcome
    answer_key: AnswerKeySettings
    left_out: int = 0
    at_k: Sequence[AtK] = field(init=False)
    fall: Fall | None = field(init=False)
    length_bias: LengthBias | None = field(init=False)

    def __post_init__(self) -> None:
        sizes = sizes_up_to(self.whole.plan.best_of)
        set_once = object.__setattr__
        set_once(self, "at_k", at_k(self.graded, sizes, self.answer_key))
        set_once(self, "fall", fall(self.graded, sizes))
        set_once(self, "length_bias", length_bias(self.graded))

    @property
    def title(self) -> str:
        """How many rows, and what right means."""
        return f"{len(self.graded.rows):,} rows, right by {BY[self.graded.by]}"

    @property
    def uncounted(self) -> str | None:
        """A sentence on rows that take no part in the costs; None: all do."""
        rows = self.graded.rows
        lost = sum(not row.counted for row in rows)
        if lost == len(rows):
            return "The run does not tell the tokens of its candidates: there are no costs."
        if lost:
            return (
                f"Rows whose candidates' tokens were not counted are left out of costs: {lost:,}."
            )
        return None

    @property
    def hints(self) -> list[str]:
        """Sentences on what was left out, of the costs too, over-optimisation and length."""
        found = (self.uncounted, self.fall, self.length_bias)
        told = [str(each) for each in found if each is not None]
        if self.left_out:
            told.insert(0, f"Rows with fewer candidates are left out: {self.left_out:,}.")
        return told


def cells(outcome: Outcome, whole: Outcome) -> tuple[str, ...]:
    """What stands under `HEADINGS`; costs are shares of those of `whole`, where it has any."""
    return (
        str(outcome.plan.best_of),
        outcome.plan.title,
        f"{outcome.accuracy:.1%}",
        f"{outcome.low:.0%} to {outcome.high:.0%}",
        f"{outcome.tokens / whole.tokens:.2f}" if whole.tokens > 0 else "-",
        f"{outcome.steps / whole.steps:.2f}" if whole.steps > 0 else "-",
    )


def at_k_cells(compared: Compared) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Headings and rows of pass@k, maj@k and rm@k; those that there are none of are left out."""
    kinds = {
        "pass@k": [each.any_right for each in compared.at_k],
        "maj@k": [each.majority for each in compared.at_k],
        "rm@k": [each.reward for each in compared.at_k],
    }
    held = {name: estimates for name, estimates in kinds.items() if any(estimates)}
    rows = [
        (str(each.k), *(_told(estimates[at]) for estimates in held.values()))
        for at, each in enumerate(compared.at_k)
    ]
    return ("k", *held), rows


def write_page(path: Path, compared: Compared) -> None:
    """Write the page to `path`: one file that needs no network.

    Raises:
        DatasetError: it cannot be written.
    """
    page = document(f"bestofn compare: {compared.title}", sections(compared))
    with disk_faults(path):
        replace_text(path, page)


def sections(compared: Compared) -> list[Section]:
    """What stands on the page, and in the report of a run."""
    whole, outcomes = compared.whole, compared.outcomes
    columns, rows = at_k_cells(compared)
    shares = f"Costs are shares of best of {whole.plan.best_of} without stopping."
    return [
        Section(
            "What more candidates give",
            " ".join([f"{compared.title}.", *compared.hints]),
            Table(columns, rows, words=frozenset()),
            _by_size(compared),
        ),
        *(
            Section(heading, shares, None, _by_cost(outcomes, whole, cost))
            for cost, heading in COSTS.items()
            if getattr(whole, cost) > 0
        ),
        Section(
            "Selectors and stopping rules",
            f"{shares} Replayed from the recorded candidates; nothing was sampled.",
            Table(HEADINGS, [cells(each, whole) for each in outcomes], words=frozenset({1})),
        ),
    ]


def _told(estimate: Estimate | None) -> str:
    if estimate is None:
        return "-"
    return f"{estimate.value:.1%} ({estimate.low:.0%} to {estimate.high:.0%})"


def _by_size(compared: Compared) -> Figure:
    from plotly.graph_objects import Figure, Scatter

    figure = Figure(layout=LAYOUT)
    dotted = {
        "any of them (pass@k)": [(each.k, each.any_right) for each in compared.at_k],
        "majority (maj@k)": [(each.k, each.majority) for each in compared.at_k],
        "highest reward (rm@k)": [(each.k, each.reward) for each in compared.at_k],
    }
    for name, held in dotted.items():
        points = [(k, each.value) for k, each in held if each is not None]
        if points:
            x, y = zip(*points, strict=True)
            figure.add_trace(Scatter(x=x, y=y, name=name, line={"dash": "dot"}))
    whole = [each for each in compared.outcomes if each.plan.stop.rule == "none"]
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
    most = getattr(whole, cost)
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
