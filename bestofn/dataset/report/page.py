"""HTML page of a run: one file that needs no network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from bestofn.dataset.report.decision_plots import (
    CONFIDENCE,
    STOPPING,
    generators_section,
    stopping_table,
    suspicion_section,
)
from bestofn.dataset.report.document import Pair, Section, Table, document
from bestofn.dataset.report.findings import Example, Findings, Reservoir
from bestofn.dataset.report.plots import figures
from bestofn.dataset.store.atomic_files import replace_text
from bestofn.dataset.store.manifest import Manifest

NAME = "report.html"


def write_report(
    folder: Path, manifest: Manifest, found: Findings, compared: Sequence[Section] = ()
) -> Path:
    """Write the page into a run's folder; its path.

    Args:
        folder: of the run.
        manifest: of the run.
        found: in its records.
        compared: what its candidates come to under other rules; see `bestofn.tuning.page`.

    Raises:
        ConfigError: plotly is not installed.
    """
    title = f"Best of N: {folder.resolve().name}"
    sections = [*_sections(found, manifest), *compared, *_examples(found)]
    page = document(title, sections, _facts(found))
    path = folder / NAME
    replace_text(path, page)
    return path


def _facts(found: Findings) -> Table:
    summary, decisions = found.summary, found.decisions
    rows: list[tuple[object, ...]] = [
        ("prompts", summary.rows),
        *((status.replace("_", " "), count) for status, count in summary.statuses.items()),
        ("candidates", summary.candidates),
        ("accepted", summary.accepted),
        ("completion tokens", summary.completion_tokens),
    ]
    if decisions.suspected:
        rows.append(("suspected", decisions.suspected))
    rows += [(f"chosen by {name}", count) for name, count in decisions.chosen_by.most_common()]
    if decisions.mean_confidence is not None:
        rows.append(("mean confidence of the winners", decisions.mean_confidence))
    if decisions.rules:
        rows += [
            (
                "rows in which a rule stopped candidates",
                sum(r.rows for r in decisions.rules.values()),
            ),
            ("candidates that were aborted", sum(decisions.aborted.values())),
            ("tokens saved (estimated)", decisions.tokens_saved),
        ]
    return Table((), rows)


def _sections(found: Findings, manifest: Manifest) -> Iterator[Section]:
    decisions = found.decisions
    notes = {
        "Rewards of the winners and of all accepted": _drawn_from(found.accepted),
        "The winner against the first accepted sample": _drawn_from(found.pairs),
        "Length against reward": _drawn_from(found.lengths),
        CONFIDENCE: "The share of the votes, or of the agreement, that the winner has; the line is "
        "the share of the rows that `bestofn export --min-confidence` keeps.",
        STOPPING: "How many candidates were started, and what ended the rows. Tokens saved are "
        "estimated from the candidates that finished.",
    }
    tables = {STOPPING: stopping_table(decisions)}
    for title, figure in figures(found, manifest.sessions).items():
        yield Section(title, notes.get(title, ""), tables.get(title), figure)
    for made in (suspicion_section(decisions), generators_section(decisions)):
        if made is not None:
            yield made


def _drawn_from(held: Reservoir) -> str:
    """What a plot of a part shows; '' where it shows all."""
    if held.seen <= len(held.values):
        return ""
    return f"Drawn from {len(held.values):,} of {held.seen:,} values, each as likely as any other."


def _examples(found: Findings) -> Iterator[Section]:
    kinds = {
        "Where the choice was clearest": sorted(found.clearest, reverse=True),
        "Where it was closest": [example for _, example in sorted(found.closest, reverse=True)],
    }
    for heading, examples in kinds.items():
        if examples:
            yield Section(heading, pairs=[_pair(example) for example in examples])
    if found.rejected_texts:
        yield Section("Rejected, to read", texts=list(found.rejected_texts.items()))


def _pair(example: Example) -> Pair:
    (best, high), (worst, low) = example.best, example.worst
    return Pair(example.prompt, ((f"chosen, {high:.3f}", best), (f"last, {low:.3f}", worst)))
