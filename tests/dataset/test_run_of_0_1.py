"""Runs that bestofn 0.1 began: read, checked, exported, and gone on with."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bestofn.core.errors import ConfigError
from bestofn.core.no_winner import GeneratorError
from bestofn.core.types import Request
from bestofn.dataset.export.export import export
from bestofn.dataset.export.formats import NAMES
from bestofn.dataset.export.options import ExportOptions
from bestofn.dataset.prompts.rows import Row
from bestofn.dataset.run.counts import Counts
from bestofn.dataset.run.local import run
from bestofn.dataset.run.options import RunOptions
from bestofn.dataset.store.identity import going_on, identity_of
from bestofn.dataset.store.journal import JOURNAL
from bestofn.dataset.store.records import Record
from bestofn.dataset.store.rollouts import read_rollouts
from bestofn.dataset.store.shards import ROLLOUTS
from bestofn.dataset.store.store import Store
from bestofn.dataset.store.verify import faults
from bestofn.settings.sections import FilterSpec, SelectorSettings
from bestofn.settings.settings import Settings
from bestofn.testing import FakeCompletion
from tests.support import dataset_fakes as fakes
from tests.support.run_of_0_1 import rewrite_as_0_1, says_certain

pytestmark = pytest.mark.long

ROWS = 35


async def do(folder: Path, rows: Iterator[Row], pipeline: Any = None) -> Counts:
    with contextlib.closing(Store.open(folder, fakes.CONFIG, rows_per_shard=10)) as store:
        return await run(rows, store, pipeline or fakes.pipeline(), RunOptions(in_flight=4))


def breaking(count: int) -> Iterator[Row]:
    yield from fakes.rows(count)
    raise GeneratorError("the input breaks")


def fourth_fails(request: Request, index: int) -> FakeCompletion:
    if request.last_user_text == "question 4":
        return FakeCompletion(error="out of memory")
    return fakes.answer(request, index)


@pytest.fixture
async def begun(tmp_path: Path) -> Path:
    """Two shards, of which one has a row that failed, and a journal with a few rows more."""
    folder = tmp_path / "run"
    with pytest.raises(GeneratorError):
        await do(folder, breaking(25), fakes.pipeline(fourth_fails))
    rewrite_as_0_1(folder)
    assert (folder / JOURNAL).stat().st_size > 0
    assert [says_certain(each) for each in shards(folder)] == [False, False]
    return folder


def shards(folder: Path) -> list[Path]:
    return sorted((folder / ROLLOUTS).glob("part-*.parquet"))


def rejections(records: list[Record]) -> list[dict[str, Any]]:
    return [r for record in records for c in record["candidates"] for r in c["rejections"]]


async def test_what_0_1_wrote_is_whole_and_its_rejections_were_certain(begun: Path) -> None:
    assert list(faults(begun)) == []
    found = rejections(list(read_rollouts(begun)))
    assert found
    assert {each["certain"] for each in found} == {True}


async def test_a_run_of_0_1_goes_on_to_what_an_undisturbed_one_holds(
    begun: Path, tmp_path: Path
) -> None:
    counts = await do(begun, fakes.rows(ROWS))
    assert counts.read == ROWS
    assert counts.skipped >= 20 - 1
    await do(tmp_path / "undisturbed", fakes.rows(ROWS))
    assert list(read_rollouts(begun)) == list(read_rollouts(tmp_path / "undisturbed"))
    assert list(faults(begun)) == []
    # The first was written again for the row that failed; what was whole is left as it is.
    assert [says_certain(each) for each in shards(begun)] == [True, False, True, True]


async def test_a_run_of_old_and_new_shards_is_exported_as_one(begun: Path, tmp_path: Path) -> None:
    await do(begun, fakes.rows(ROWS))
    await do(tmp_path / "undisturbed", fakes.rows(ROWS))
    made = []
    for folder in (begun, tmp_path / "undisturbed"):
        export(folder, read_rollouts(folder), NAMES, ExportOptions())
        made.append([(folder / name / "train.jsonl").read_text("utf-8") for name in NAMES])
    assert made[0] == made[1]


async def test_a_kill_while_a_shard_is_replaced_leaves_a_whole_run(
    begun: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(BaseException):
        pass

    def kill(*_: object) -> None:
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(Store, "_add_to_manifest", kill)
        patched.setattr(Store, "add_session", kill)  # a kill leaves no time to note anything
        with pytest.raises(KilledError):
            await do(begun, fakes.rows(10))
    counts = await do(begun, fakes.rows(ROWS))
    assert counts.read == ROWS
    assert list(faults(begun)) == []


FILTERS_OF_0_1 = [FilterSpec(name=n) for n in ("empty", "repetition", "truncation")]


ARGMAX = SelectorSettings(name="argmax")


def test_a_run_begun_with_the_filters_of_0_1_goes_on_with_them() -> None:
    then = Settings(filters=FILTERS_OF_0_1, selector=ARGMAX)
    begun = identity_of(then, source="x.jsonl", columns={})
    now = going_on(Settings.load(), begun)
    assert identity_of(now, source="x.jsonl", columns={}) == begun
    assert going_on(Settings.load(), None).filters == Settings().filters


def test_a_run_begun_with_the_selector_of_0_1_goes_on_with_it(tmp_path: Path) -> None:
    begun = identity_of(Settings(selector=ARGMAX), source="x.jsonl", columns={})
    assert begun["selection"] == {"name": "argmax", "options": {}}
    assert not {"selector", "answer_key"} & begun.keys()  # a run of 0.1 has neither
    assert going_on(Settings.load(), begun).selector == ARGMAX
    assert going_on(Settings.load(selector="vote"), begun).selector.name == "vote"
    assert going_on(Settings.load(), None).selector.name == "auto"
    tolerant = SelectorSettings(name="argmax", options={"tolerance": 0.1})
    other = identity_of(Settings(selector=tolerant), source="x.jsonl", columns={})
    assert going_on(Settings.load(), other).selector.name == "auto"


def test_another_answer_key_is_another_run() -> None:
    one, other = (
        identity_of(Settings.load(answer_key=name), source="x.jsonl", columns={})
        for name in (None, "number")
    )
    assert one != other


def test_filters_that_the_settings_name_are_not_replaced(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("filters: [empty]\n", encoding="utf-8")
    begun = identity_of(Settings(filters=FILTERS_OF_0_1), source="x.jsonl", columns={})
    assert [each.name for each in going_on(Settings.load(file), begun).filters] == ["empty"]
    other = identity_of(Settings(filters=[FilterSpec(name="empty")]), source="x.jsonl", columns={})
    assert going_on(Settings.load(), other).filters == Settings().filters


def test_a_run_that_0_1_began_with_explore_says_what_to_do() -> None:
    begun = {**identity_of(Settings(), source="x.jsonl", columns={}), "explore": 4}
    with pytest.raises(ConfigError, match=r"begun with --explore 4, which is gone: finish it with"):
        going_on(Settings.load(), begun)
    assert going_on(Settings.load(), {**begun, "explore": None}).stop == Settings.load().stop
