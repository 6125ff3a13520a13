"""Progress of a run for a person: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from bestofn.dataset.run.counts import Counts
from bestofn.dataset.run.recorder import Watch

LINE_SECONDS = 10.0
"""Between lines where there is no terminal."""


@contextlib.contextmanager
def progress(console: Console, total: int | None) -> Iterator[Watch]:
    """What `run` is to be watched with.

    Args:
        console: where it is shown.
        total: rows of the input; None: nobody knows.
    """
    started = time.perf_counter()
    if not console.is_terminal:
        yield _Lines(console, total, started)
        return
    bar = Progress(
        TextColumn("{task.completed:,.0f} of {task.fields[of]} rows"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[rates]}"),
        console=console,
    )
    task = bar.add_task("", total=total, of="?" if total is None else f"{total:,}", rates="")

    def watch(counts: Counts) -> None:
        bar.update(
            task,
            completed=counts.skipped + counts.done,
            rates=rates(counts, time.perf_counter() - started),
        )

    with bar:
        yield watch


class _Lines:
    def __init__(self, console: Console, total: int | None, started: float) -> None:
        self._console = console
        self._total = total
        self._started = started
        self._next = started + LINE_SECONDS

    def __call__(self, counts: Counts) -> None:
        now = time.perf_counter()
        if now >= self._next:
            self._next = now + LINE_SECONDS
            seconds = now - self._started
            of = "" if self._total is None else f" of {self._total:,}"
            left = self._left(counts, seconds)
            line = f"{counts.skipped + counts.done:,}{of} rows; {rates(counts, seconds)}{left}"
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _left(self, counts: Counts, seconds: float) -> str:
        if self._total is None or not counts.done:
            return ""
        rows = self._total - counts.skipped - counts.done
        minutes = rows * seconds / counts.done / 60
        return f"; {minutes:.0f} min left"


def rates(counts: Counts, seconds: float) -> str:
    """Rows and tokens a second, the accepted part, the reasons of the rejected, the mean reward."""
    parts: list[Any] = [
        f"{counts.done / max(seconds, 1e-9):.1f} rows/s",
        f"{counts.completion_tokens / max(seconds, 1e-9):,.0f} tokens/s",
    ]
    if counts.candidates:
        parts.append(f"{counts.accepted / counts.candidates:.0%} accepted")
    common = sorted(counts.rejected.items(), key=lambda item: -item[1])[:3]
    parts += [f"{reason} {count:,}" for reason, count in common]
    if counts.reward_count:
        parts.append(f"mean reward {counts.reward_sum / counts.reward_count:.3f}")
    failed = counts.statuses.get("failed", 0) + counts.statuses.get("unreadable", 0)
    if failed:
        parts.append(f"{failed:,} rows failed")
    return ", ".join(parts)


def outcome(counts: Counts) -> list[str]:
    """What a session came to, a line each: what was sampled, could not be read, and failed."""
    lines = [f"{counts.sampled:,} rows sampled, {counts.skipped:,} were finished before"]
    if counts.unreadable:
        lines.append(_first_of(counts.unreadable, "cannot be read", counts.first_unreadable))
    if counts.failed:
        lines.append(_first_of(counts.failed, "failed", counts.first_failed))
    return lines


def _first_of(count: int, what: str, first: str) -> str:
    return f"{count:,} row{'s' if count > 1 else ''} {what}, the first is {first}"
