"""The table of a cleaning for people: what each reason took, with a few examples."""

from __future__ import annotations

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from bestofn.dataset.cleaning.tally import Tally


def tally_view(tally: Tally) -> Group:
    """The counts in a line, then each reason, the most frequent first, with its examples below."""
    table = Table(box=box.SIMPLE_HEAD, expand=True)
    table.add_column("filter", no_wrap=True)
    table.add_column("reason", no_wrap=True)
    table.add_column("certain", justify="right", no_wrap=True)
    table.add_column("suspected", justify="right", no_wrap=True)
    table.add_column("examples", ratio=1, overflow="fold")
    for (name, reason), held in tally.sorted():
        shown = Text()
        for each in held.examples:
            shown.append(f"{each['source']}: {each['detail']}\n", style="yellow")
            shown.append(f"{' '.join(each['text'].split())}\n", style="dim")
        table.add_row(name, reason, str(held.certain), str(held.suspected), shown)
    counts = tally.answers
    line = f"{tally.rows:,} rows, {counts.total():,} answers: " + ", ".join(
        f"{counts[state]:,} {state}"
        for state in ("accepted", "suspected", "rejected", "failed")
        if counts[state] or state != "failed"
    )
    if tally.without_prompt:
        line += f"; {tally.without_prompt:,} rows without a prompt"
    if tally.mended:
        line += f"; a template's token was taken off {tally.mended:,}"
    if tally.cut:
        line += f"; parted with the answers: {', '.join(sorted(tally.cut))}"
    if tally.left_whole:
        line += f"; as long as the answers, and left whole: {', '.join(sorted(tally.left_whole))}"
    return Group(table, Text(line)) if tally.reasons else Group(Text(line))
