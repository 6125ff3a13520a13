"""`bestofn score`: the responses of a JSONL file ranked, row by row."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bestofn.cli.options import (
    AnswerKeyOption,
    ConfigOption,
    JsonOption,
    RewardModelOption,
    SelectorOption,
    TrustOption,
    UnsafeCodeOption,
    VerboseOption,
    at_home,
    named,
    trusting,
)
from bestofn.cli.rows_read import check_read, records_of
from bestofn.cli.running import exit_codes, run_to_end
from bestofn.core.errors import ConfigError
from bestofn.core.no_winner import NothingAcceptableError, RewardError
from bestofn.core.ranking import Ranking

if TYPE_CHECKING:
    from bestofn.cli.json_lines import ScoreRow
    from bestofn.settings.settings import Settings

IN_FLIGHT = 32
"""Rows scored at once, so that their candidates share forwards; order is kept all the same."""

Outcome = Ranking | NothingAcceptableError | RewardError | str
"""What comes of a row; a text says why it cannot be read."""


def score(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.jsonl",
            help='Rows of {"prompt" or "messages", "responses"}; - reads standard input.',
            show_default=False,
            parser=at_home,
        ),
    ],
    reward_model: RewardModelOption = None,
    trust_remote_code: TrustOption = None,
    selector: SelectorOption = None,
    answer_key: AnswerKeyOption = None,
    unsafe_code: UnsafeCodeOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Rank responses that already exist."""
    with exit_codes():
        from bestofn.settings.settings import Settings, no_file

        settings = Settings.load(
            config,
            reward_model=reward_model,
            reward=trusting(trust_remote_code),
            selector=named(selector),
            answer_key=named(answer_key),
            unsafe_code=unsafe_code,
        )
        if str(file) != "-" and not file.is_file():
            raise ConfigError(no_file(file))
        run_to_end(_score(file, settings, as_json=as_json, verbose=verbose))


async def _score(file: Path, settings: Settings, *, as_json: bool, verbose: bool) -> None:
    """Print one ranking per row, in order. A broken row is named and the others are still done; as
    JSON there is a line for it too, so that there are as many lines as rows.

    The reward model is loaded once there is a row for it.

    Raises:
        ConfigError: the file cannot be read, or has no rows, or broken ones (after the last row).
        UnreadableError: none of its rows can be read.
        ModelError: the reward model cannot be loaded.
        RewardError: the reward model failed on some row (after the last row).
    """
    from bestofn.builders.choosing import build_answer_key, build_selector
    from bestofn.builders.pipeline import build_filters
    from bestofn.builders.reward_plan import RewardPlan
    from bestofn.builders.rewards import open_reward_model
    from bestofn.cli.console import quiet_engines
    from bestofn.cli.json_lines import read_rows
    from bestofn.control.policy import Policy
    from bestofn.core.best_of_n import best_of_n
    from bestofn.core.pipeline import Pipeline
    from bestofn.generators.replay import ReplayGenerator

    filters = build_filters(settings.filters)
    selector = build_selector(settings.selector, build_answer_key(settings.answer_key))
    plan = RewardPlan.of(settings)
    failure: RewardError | None = None
    rows = _Rows(file, read_rows(records_of(str(file)).records))
    async with contextlib.AsyncExitStack() as stack:
        console = stack.enter_context(quiet_engines(verbose))
        told = rows.told(functools.partial(console.print, markup=False, soft_wrap=True))
        for first in told:
            if first.error is None:
                break
            _print(first, first.error, as_json=as_json)
        else:
            rows.check()
            return
        reward_model = await stack.enter_async_context(open_reward_model(plan))

        async def rank(row: ScoreRow) -> Outcome:
            if row.request is None:
                return row.error or ""
            generator = ReplayGenerator(row.candidates)
            pipeline = Pipeline(generator, selector, filters, reward_model, Policy("error"))
            try:
                return await best_of_n(row.request, pipeline)
            except (NothingAcceptableError, RewardError) as error:
                return error

        async for row, outcome in _in_order(itertools.chain([first], told), rank):
            if isinstance(outcome, RewardError):
                failure = failure or outcome
            _print(row, outcome, as_json=as_json)
    if failure is not None:
        raise failure
    rows.check()


def _print(row: ScoreRow, outcome: Outcome, *, as_json: bool) -> None:
    """Print what came of a row; where there is no ranking, for a reader of JSON why."""
    from bestofn.cli.console import print_line, print_ranking

    ranking = outcome
    if isinstance(outcome, NothingAcceptableError | RewardError):
        ranking = outcome.ranking or str(outcome)
    if isinstance(ranking, Ranking):
        print_ranking(ranking, as_json=as_json, place=row.place)
    elif as_json:
        print_line({**row.place, "error": ranking})


class _Rows:
    """The rows of a file, counted as they are read."""

    def __init__(self, file: Path, rows: Iterable[ScoreRow]) -> None:
        self._file = file
        self._rows = rows
        self._read = self._broken = 0

    def told(self, tell: Callable[[str], object]) -> Iterator[ScoreRow]:
        """The rows, in order; `tell` prints why one cannot be read."""
        for row in self._rows:
            self._read += 1
            if row.error is not None:
                self._broken += 1
                tell(f"bestofn: {self._file.with_name(row.where)}: {row.error}")
            yield row

    def check(self) -> None:
        """See that all could be read; errors as `check_read`."""
        check_read(str(self._file), self._read, self._broken)


async def _in_order(
    rows: Iterable[ScoreRow], rank: Callable[[ScoreRow], Awaitable[Outcome]]
) -> AsyncIterator[tuple[ScoreRow, Outcome]]:
    """Each row with its outcome, in order, `IN_FLIGHT` at once.

    Raises:
        ConfigError: the rows end before their file does; what stands before that is done.
    """
    running: deque[tuple[ScoreRow, asyncio.Task[Outcome]]] = deque()
    fault: ConfigError | None = None
    read = iter(rows)
    try:
        while True:
            try:
                row = next(read, None)
            except ConfigError as error:
                row, fault = None, error
            if row is not None:
                running.append((row, asyncio.ensure_future(rank(row))))
            if not running:
                break
            if row is None or len(running) >= IN_FLIGHT:
                first, task = running.popleft()
                yield first, await task
    finally:
        for _, task in running:
            task.cancel()
    if fault is not None:
        raise fault
