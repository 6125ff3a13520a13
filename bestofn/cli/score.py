"""`bestofn score`: the responses of a JSONL file ranked, row by row."""

from __future__ import annotations

import asyncio
import contextlib
import sys
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
from bestofn.cli.running import exit_codes, run_to_end
from bestofn.core.errors import ConfigError
from bestofn.core.no_winner import NothingAcceptableError, RewardError
from bestofn.core.ranking import Ranking
from bestofn.core.types import Request

if TYPE_CHECKING:
    from bestofn.cli.json_lines import ScoreRow
    from bestofn.dataset.prompts.json_records import InputRecord
    from bestofn.settings.settings import Settings

IN_FLIGHT = 32
"""Rows scored at once, so that their candidates share forwards; order is kept all the same."""

Outcome = Ranking | NothingAcceptableError | RewardError


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
        from bestofn.settings.settings import Settings

        settings = Settings.load(
            config,
            reward_model=reward_model,
            reward=trusting(trust_remote_code),
            selector=named(selector),
            answer_key=named(answer_key),
            unsafe_code=unsafe_code,
        )
        if str(file) != "-" and not file.is_file():
            raise ConfigError(f"{file}: {'is a folder' if file.is_dir() else 'no such file'}")
        run_to_end(_score(file, settings, as_json=as_json, verbose=verbose))


async def _score(file: Path, settings: Settings, *, as_json: bool, verbose: bool) -> None:
    """Print one ranking per row, in order. A broken row is named and the others are still done.

    Raises:
        ConfigError: the file cannot be read, or has broken rows or none (after the last row).
        ModelError: the reward model cannot be loaded.
        RewardError: the reward model failed on some row (after the last row).
    """
    from bestofn.builders.choosing import build_answer_key, build_selector
    from bestofn.builders.pipeline import build_filters
    from bestofn.builders.reward_plan import RewardPlan
    from bestofn.builders.rewards import open_reward_model
    from bestofn.cli.console import print_ranking, quiet_engines
    from bestofn.cli.json_lines import read_rows
    from bestofn.control.policy import Policy
    from bestofn.core.best_of_n import best_of_n
    from bestofn.core.pipeline import Pipeline
    from bestofn.generators.replay import ReplayGenerator

    filters = build_filters(settings.filters)
    selector = build_selector(settings.selector, build_answer_key(settings.answer_key))
    failure: RewardError | None = None
    broken = done = 0
    async with contextlib.AsyncExitStack() as stack:
        console = stack.enter_context(quiet_engines(verbose))
        reward_model = await stack.enter_async_context(open_reward_model(RewardPlan.of(settings)))

        async def rank(request: Request, row: ScoreRow) -> Outcome:
            generator = ReplayGenerator(row.candidates)
            pipeline = Pipeline(generator, selector, filters, reward_model, Policy("error"))
            try:
                return await best_of_n(request, pipeline)
            except (NothingAcceptableError, RewardError) as error:
                return error

        async for row, outcome in _in_order(read_rows(_records(file)), rank):
            if outcome is None:
                where = f"bestofn: {file.with_name(row.where)}: {row.error}"
                console.print(where, markup=False, soft_wrap=True)
                broken += 1
                continue
            done += 1
            if isinstance(outcome, RewardError):
                failure = failure or outcome
            ranking = outcome if isinstance(outcome, Ranking) else outcome.ranking
            if ranking is not None:
                print_ranking(ranking, as_json=as_json)
    if failure is not None:
        raise failure
    if broken:
        raise ConfigError(f"{file}: {broken} of {broken + done} rows cannot be read")
    if not done:
        raise ConfigError(f"{file}: no rows")


async def _in_order(
    rows: Iterable[ScoreRow], rank: Callable[[Request, ScoreRow], Awaitable[Outcome]]
) -> AsyncIterator[tuple[ScoreRow, Outcome | None]]:
    """Each row with its outcome (None for a broken row), in order, `IN_FLIGHT` at once."""

    async def outcome(row: ScoreRow) -> Outcome | None:
        return None if row.request is None else await rank(row.request, row)

    running: deque[tuple[ScoreRow, asyncio.Task[Outcome | None]]] = deque()
    try:
        for row in rows:
            running.append((row, asyncio.create_task(outcome(row))))
            if len(running) >= IN_FLIGHT:
                row, task = running.popleft()
                yield row, await task
        while running:
            row, task = running.popleft()
            yield row, await task
    finally:
        for _, task in running:
            task.cancel()


def _records(file: Path) -> Iterator[InputRecord]:
    """The records of a file, or of standard input, as `sample` reads them.

    Raises:
        ConfigError: it cannot be read.
    """
    from bestofn.dataset.prompts.json_records import json_records
    from bestofn.dataset.prompts.reader import read_records

    if str(file) == "-":
        return json_records("-", sys.stdin.buffer, by_line=True)
    return read_records(str(file))
