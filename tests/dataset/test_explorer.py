"""Samples that are shared out over rows: by their rewards, within the budget, whatever happens."""

from __future__ import annotations

import contextlib
import itertools
import random
import statistics
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bestofn.core.errors import ConfigError
from bestofn.core.pipeline import Pipeline
from bestofn.core.types import Request
from bestofn.dataset.prompts.rows import Defaults, read_row
from bestofn.dataset.run.allocation import FirstSamples, allocate
from bestofn.dataset.run.local import run
from bestofn.dataset.run.options import BATCH, LEAST_IN_FLIGHT, RunOptions
from bestofn.dataset.store.records import Record
from bestofn.dataset.store.rollouts import read_rollouts
from bestofn.dataset.store.store import Store
from bestofn.testing import FakeCompletion
from tests.support import dataset_fakes as fakes

OPTIONS = RunOptions(in_flight=LEAST_IN_FLIGHT, explore=2)
FLAT = (1.0, 1.0, 1.0, 1.0)
NARROW, WIDE = (0.0, 2.0, 4.0, 6.0), (-5.0, 0.0, 5.0, 10.0)


def explored(*rows: Sequence[float]) -> list[FirstSamples]:
    return [FirstSamples(tuple(row), 4, 8) for row in rows]


def test_samples_go_where_rewards_spread() -> None:
    flat, narrow, wide = allocate(explored(FLAT, NARROW, WIDE))
    assert (flat, flat + narrow + wide) == (0, 12)
    assert 0 < narrow < wide
    assert allocate(explored(WIDE, WIDE, WIDE)) == [4, 4, 4]
    assert allocate(explored(FLAT, FLAT)) == [0, 0]


def test_rewards_of_a_row_may_be_moved() -> None:
    moved = [reward + 100 for reward in WIDE]
    assert allocate(explored(NARROW, WIDE)) == allocate(explored(NARROW, moved))


def test_a_row_of_which_little_is_known_gets_what_it_wants() -> None:
    assert allocate(explored((), (3.0,), WIDE, NARROW))[:2] == [4, 4]
    assert sum(allocate(explored((), (3.0,), WIDE, NARROW))) == 16


def test_a_row_that_is_mostly_rejected_gains_less_from_each() -> None:
    often, seldom = FirstSamples((0.0, 1.0), 2, 6), FirstSamples((0.0, 1.0), 4, 6)
    assert allocate([often, seldom])[0] > allocate([often, seldom])[1]


@pytest.mark.long
@given(
    st.lists(
        st.builds(
            FirstSamples,
            st.lists(st.floats(-50, 50), max_size=4).map(tuple),
            st.just(4),
            st.integers(1, 12),
        ),
        max_size=8,
    )
)
def test_the_budget_is_kept(rows: list[FirstSamples]) -> None:
    given_out = allocate(rows)
    assert all(each >= 0 for each in given_out)
    assert sum(given_out) <= sum(max(0, row.wanted - row.sampled) for row in rows)


def test_the_sum_of_the_best_rewards_is_greatest_for_the_density() -> None:
    """Against a simulation of the kernel density, over all ways to share out six samples."""
    rows = [(0.0, 1.0, 2.0, 2.5), (-4.0, 0.0, 3.0, 3.5), (1.0, 1.1, 1.3, 1.2)]
    drawn = random.Random(0)

    def gains(rewards: tuple[float, ...]) -> list[float]:
        width = statistics.stdev(rewards) * len(rewards) ** -0.2
        sums = [0.0] * 7
        for _ in range(20_000):
            best = max(rewards)
            for j in range(1, 7):
                best = max(best, drawn.gauss(drawn.choice(rewards), width))
                sums[j] += best - max(rewards)
        return [each / 20_000 for each in sums]

    table = [gains(row) for row in rows]
    ways = [way for way in itertools.product(range(7), repeat=3) if sum(way) == 6]
    best = max(sum(table[i][n] for i, n in enumerate(way)) for way in ways)
    found = allocate([FirstSamples(row, 4, 6) for row in rows])
    assert sum(found) == 6
    assert sum(table[i][n] for i, n in enumerate(found)) >= best - 0.03


async def do(
    folder: Path, count: int, *, pipeline: Pipeline | None = None, rows_per_shard: int = 10
) -> list[Record]:
    with contextlib.closing(
        Store.open(folder, fakes.CONFIG, rows_per_shard=rows_per_shard)
    ) as store:
        await run(fakes.rows(count, [5]), store, pipeline or fakes.pipeline(), OPTIONS)
    return list(read_rollouts(folder))


async def test_a_run_shares_out_within_its_batches(tmp_path: Path) -> None:
    records = await do(tmp_path, 40)
    sizes = [len(record["candidates"]) for record in records]
    assert sizes[5] == 0  # it is unreadable
    assert min(sizes[:5]) >= 2
    assert len(set(sizes)) > 2
    for begin in range(0, 40, BATCH):
        of_batch = sizes[begin : begin + BATCH]
        assert sum(of_batch) <= 4 * len(of_batch)
    for record in records:
        assert [each["index"] for each in record["candidates"]] == [
            *range(len(record["candidates"]))
        ]


async def test_a_row_that_fails_takes_no_part_and_is_sampled_again(tmp_path: Path) -> None:
    gone = True

    def script(request: Request, index: int) -> FakeCompletion:
        if gone and request.last_user_text == "question 20":
            return FakeCompletion(error="out of memory")
        return fakes.answer(request, index)

    failed = await do(tmp_path / "run", 40, pipeline=fakes.pipeline(script))
    assert failed[20]["status"] == "failed"
    gone = False
    again = await do(tmp_path / "run", 40, pipeline=fakes.pipeline(script))
    whole = await do(tmp_path / "whole", 40)
    assert again[20]["status"] != "failed"
    assert again[20] == whole[20]  # by what is known of the others, which are in shards
    assert again[:BATCH] == whole[:BATCH]


async def test_temperature_zero_takes_no_part(tmp_path: Path) -> None:
    cold = Defaults(4, temperature=0.0, seed=1)
    rows = [
        read_row(n, f"row {n}", {"prompt": f"question {n}"}, {}, fakes.DEFAULTS if n % 2 else cold)
        for n in range(20)
    ]
    with contextlib.closing(Store.open(tmp_path, fakes.CONFIG)) as store:
        await run(iter(rows), store, fakes.pipeline(), OPTIONS)
    records = list(read_rollouts(tmp_path))
    assert {len(record["candidates"]) for record in records[::2]} == {1}


@pytest.mark.parametrize(
    ("explore", "in_flight", "said"),
    [(1, 64, "at least 2 samples"), (2, 8, "in_flight is 8: a run that explores needs 32")],
)
async def test_what_does_not_go_together_is_refused(
    tmp_path: Path, explore: int, in_flight: int, said: str
) -> None:
    with (
        contextlib.closing(Store.open(tmp_path, fakes.CONFIG)) as store,
        pytest.raises(ConfigError, match=said),
    ):
        await run(
            fakes.rows(3), store, fakes.pipeline(), RunOptions(in_flight=in_flight, explore=explore)
        )
