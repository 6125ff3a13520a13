"""Tables for people: the live one of candidates, the ranked one, and the winner below it."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from bestofn.core.ranking import Ranking, ScoredCandidate


def candidate_table(candidates: Sequence[ScoredCandidate], *, title: str | None = None) -> Table:
    """One row a candidate, in the order given: rank, reward or reason, tokens, text."""
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", expand=True)
    table.add_column("rank", justify="right", no_wrap=True)
    table.add_column("#", justify="right", no_wrap=True)
    table.add_column("reward", justify="right", no_wrap=True)
    table.add_column("tokens", justify="right", no_wrap=True)
    table.add_column("answer, or why it is out", ratio=1, overflow="fold")
    for record in candidates:
        tokens = record.candidate.completion_tokens
        table.add_row(
            "" if record.rank is None else str(record.rank),
            str(record.index),
            "" if record.reward is None else f"{record.reward:+.3f}",
            "" if tokens is None else str(tokens),
            _verdict(record),
            style=None if record.kept else "dim",
        )
    return table


def ranking_view(ranking: Ranking) -> Group:
    """The whole result: every candidate, then the winner."""
    parts: list[Table | Panel | Text] = [candidate_table(ranking.candidates)]
    parts += [Text(f"note: {note}", style="yellow") for note in ranking.notes]
    if ranking.winner is not None:
        title = f"best of {len(ranking.candidates)}{_choice(ranking)}"
        if ranking.fallback is not None:
            title += f": none was acceptable, so the {ranking.fallback.replace('_', ' ')} one"
        border = "green" if ranking.fallback is None else "yellow"
        parts.append(Panel(Text(ranking.winner.text), title=title, border_style=border))
    parts.append(Text(_summary(ranking), style="dim"))
    return Group(*parts)


class LiveCandidates:
    """Shows candidates as they finish; on a stream that is no terminal it shows nothing."""

    def __init__(self, console: Console, best_of: int) -> None:
        self._best_of = best_of
        self._records: dict[int, ScoredCandidate] = {}
        self._live = Live(console=console, transient=True, refresh_per_second=8)
        self._shown = console.is_terminal

    def __enter__(self) -> LiveCandidates:
        if self._shown:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            self._live.stop()

    def update(self, record: ScoredCandidate) -> None:
        """Show the newest state of one candidate (an observer of `best_of_n`)."""
        self._records[record.index] = record
        title = f"{len(self._records)} of {self._best_of} finished"
        self._live.update(candidate_table(list(self._records.values()), title=title))


def _verdict(record: ScoredCandidate) -> Text:
    text = Text(record.text.strip())
    if record.failure is not None:
        state = "[red]failed[/]" if record.stopped is None else f"[cyan]{escape(record.stopped)}[/]"
        return Text.from_markup(f"{state} {escape(record.failure.detail)}")
    if record.rejections:
        why = Text("suspected: " if record.suspected else "", style="yellow")
        for rejection in record.rejections:
            why.append(f"{rejection.reason}", style="bold yellow")
            why.append(f" {rejection.detail}\n")
        text.truncate(160, overflow="ellipsis")
        return why + text
    return text + Text(_parts(record), style="dim")


def _parts(record: ScoredCandidate) -> str:
    """Which of several generators sampled it, what the reward is made of, and what the reward model
    was not shown; '' for none."""
    parts = [f"by {record.candidate.generator}"] if record.candidate.generator else []
    parts += [f"{name} {value:+.3f}" for name, value in record.components.items()]
    if record.cut:
        parts.append(f"{record.cut} tokens were too many for the reward model")
    return f"\n{', '.join(parts)}" if parts else ""


def _choice(ranking: Ranking) -> str:
    """How the winner was chosen, and how sure the choice is."""
    by = ranking.chosen_by
    if by is None or len(ranking.ranked) < 2:
        return ""
    rule = by.rule.replace("_", " ")
    on = f" on {by.answer_key.replace('_', ' ')}" if by.answer_key is not None else ""
    sure = "" if ranking.confidence is None else f", {ranking.confidence:.0%} confident"
    winner = ranking.ranked[0].candidate.generator
    of = "" if winner is None else f", sampled by {winner}"
    return f" by {rule}{on}{sure}{of}"


def _summary(ranking: Ranking) -> str:
    usage, timings = ranking.usage, ranking.timings
    rejected = ", ".join(f"{n} {reason}" for reason, n in ranking.rejected.items())
    suspected = ", ".join(f"{n} {reason}" for reason, n in ranking.suspected.items())
    stopped = ", ".join(f"{n} {rule}" for rule, n in ranking.stopped.items())
    accepted = sum(c.accepted for c in ranking.candidates)
    return (
        f"{len(ranking.candidates)} sampled, {accepted} accepted"
        + (f", rejected: {rejected}" if rejected else "")
        + (f", suspected: {suspected}" if suspected else "")
        + (f", stopped: {stopped}" if stopped else "")
        + (f", enough by {ranking.stopped_by}" if ranking.stopped_by else "")
        + f" · {_number(usage.completion_tokens)} tokens sampled, {usage.reward_tokens} scored"
        + (f", about {ranking.tokens_saved} saved" if ranking.tokens_saved else "")
        + f" · {timings.total:.2f} s"
    )


def _number(tokens: int | None) -> str:
    return "an unknown number of" if tokens is None else str(tokens)
