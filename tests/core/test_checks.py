"""Long texts are judged beside the event loop, in processes that are killed at a limit."""

from __future__ import annotations

import dataclasses
import os
import queue
import sys
from typing import Any

import pytest

from bestofn.control.enough import Enough
from bestofn.control.policy import Policy
from bestofn.control.waves import Waves
from bestofn.core import check_process
from bestofn.core.best_of_n import best_of_n
from bestofn.core.controller import Chain
from bestofn.core.filtering import LONG, Filtering
from bestofn.core.protocols import Filter
from bestofn.core.ranking import Ranking
from bestofn.core.types import Request
from bestofn.filters.empty import EmptyFilter
from bestofn.filters.json_schema import JsonSchemaFilter
from bestofn.filters.repetition.filter import RepetitionFilter
from bestofn.filters.tool_calls import ToolCallsFilter
from bestofn.testing import FakeRewardModel
from tests.support.filter_checking import candidate
from tests.support.process_filters import Ends, Hangs, Raises, Says
from tests.support.scripts import pipeline_of, states

pytestmark = [pytest.mark.model, pytest.mark.timeout(120)]

WORDS = "of the valleys beyond the second river nobody has drawn a map "
SENTENCES = "".join(f"{number} {WORDS}{number * 7}. " for number in range(LONG // 40))
SHORT, LOOP = "good", SENTENCES + "the big red fox " * 40


async def judged(*filters: Filter, text: str = SENTENCES, **request: Any) -> Any:
    """The record of one candidate."""
    asked = Request.from_prompt("x", **request)
    filtering = Filtering.of(filters)
    assert filtering.takes_long(asked, candidate(text))
    return await filtering.judge_beside(asked, candidate(text))


async def ranked(script: Any, filters: Any, policy: Policy, best_of: int) -> Ranking:
    """The ranking of fakes, whose reward is their length."""
    rewards = FakeRewardModel(lambda request, each: float(len(each.text)))
    pipeline, _, _ = pipeline_of(script, rewards, filters=filters, policy=policy)
    return await best_of_n(Request.from_prompt("x", best_of=best_of), pipeline)


async def test_a_long_text_is_judged_as_ever_and_in_another_process() -> None:
    record = await judged(Says(), RepetitionFilter(), Says(portable=False), text=LOOP)
    there, loop, here = record.rejections
    assert int(there.detail) != os.getpid()
    assert int(here.detail) == os.getpid()
    assert loop == RepetitionFilter().check(Request.from_prompt("x"), candidate(LOOP))


def test_a_short_text_is_judged_at_once() -> None:
    filtering = Filtering.of([Says()])
    request = Request.from_prompt("x")
    assert not filtering.takes_long(request, candidate("x" * (LONG - 1)))
    assert filtering.takes_long(request, candidate("x" * LONG))
    call = {"function": {"name": "f", "arguments": "x" * LONG}}
    assert filtering.takes_long(request, candidate(None, "tool_calls", tool_calls=[call]))
    assert filtering.judge(request, candidate("x")).rejections[0].detail == str(os.getpid())


async def test_a_check_that_takes_too_long_is_a_suspicion_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await judged(Says())  # its process is there: only the check is late
    monkeypatch.setattr(check_process, "CHECK_SECONDS", 0.5)
    record = await judged(Says(), Hangs(name="hangs"), Says())
    assert [each.reason for each in record.rejections] == ["said", "unchecked", "said"]
    unchecked = record.rejections[1]
    assert (unchecked.filter, unchecked.certain) == ("hangs", False)
    assert unchecked.detail == "the filter hangs took longer than 0.5 s, so nobody has checked it"


async def test_a_filter_that_ends_its_process_leaves_a_suspicion() -> None:
    record = await judged(Ends(name="ends"), Says())
    assert [each.reason for each in record.rejections] == ["unchecked", "said"]
    assert "ends ended its process" in record.rejections[0].detail


async def test_a_filter_that_raises_there_fails_its_candidate() -> None:
    record = await judged(Raises(name="raises"), Says())
    assert record.failure.reason == "filter_error"
    assert "raises raised ZeroDivisionError" in record.failure.detail
    assert [each.reason for each in record.rejections] == ["said"]


async def test_what_cannot_be_sent_is_judged_here() -> None:
    record = await judged(Says(), options={"x": lambda: None})
    assert int(record.rejections[0].detail) == os.getpid()


class Mine(Says):
    """As a script defines one: it is pickled here, and found in no other process."""


class Unreadable:
    """Can be pickled, and not be loaded."""

    def __reduce__(self) -> Any:
        return int, ("no number",)


async def test_a_filter_of_a_script_is_judged_here_and_the_others_as_ever(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Mine, "__module__", "__main__")
    monkeypatch.setattr(sys.modules["__main__"], "Mine", Mine, raising=False)
    record = await judged(EmptyFilter(), Mine(name="mine"), Says(), text=" " * 2 * LONG)
    empty, mine, says = record.rejections
    assert (empty.filter, empty.reason, empty.certain) == ("empty", "whitespace_only", True)
    assert (mine.filter, int(mine.detail)) == ("mine", os.getpid())
    assert int(says.detail) != os.getpid()
    assert "Traceback" not in capfd.readouterr().err


async def test_a_filter_that_cannot_be_pickled_is_judged_here_and_the_others_as_ever() -> None:
    @dataclasses.dataclass(frozen=True)
    class Local(Says):
        pass

    local, says = (await judged(Local(), Says())).rejections
    assert int(local.detail) == os.getpid()
    assert int(says.detail) != os.getpid()


async def test_a_request_that_no_other_process_can_load_is_judged_here() -> None:
    asked = Request.from_prompt("x", options={"x": Unreadable()})
    with pytest.raises(check_process.UnsendableError, match="cannot be loaded: ValueError"):
        check_process.outcomes([Says()], asked, candidate(SENTENCES))
    record = await judged(Says(), options={"x": Unreadable()})
    assert int(record.rejections[0].detail) == os.getpid()


async def test_a_process_that_does_not_get_ready_is_no_fault_of_a_filter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow = check_process._Process()
    monkeypatch.setattr(slow._worker, "receive", _never)
    idle: queue.LifoQueue[Any] = queue.LifoQueue()
    idle.put(slow)
    monkeypatch.setattr(check_process, "_IDLE", idle)
    monkeypatch.setattr(check_process, "CHECK_SECONDS", 0.0)  # the start takes longer
    record = await judged(Says(), Says())
    assert [int(each.detail) for each in record.rejections] == [os.getpid()] * 2


def _never(seconds: float) -> Any:
    raise EOFError


async def test_what_is_being_judged_counts_as_running() -> None:
    policy = Policy("best_rejected", sampling=Chain((Waves(1), Enough(100.0))))
    ranking = await ranked([SENTENCES, SHORT], [EmptyFilter()], policy, 4)
    assert states(ranking) == {0: "rank 1"}
    assert ranking.stopped_by == "enough"


async def test_what_is_not_judged_at_the_deadline_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_process, "CHECK_SECONDS", 1.0)
    policy = Policy("error", deadline_seconds=0.3)
    ranking = await ranked([SHORT, SENTENCES], [Hangs()], policy, 2)
    assert states(ranking) == {0: "rank 1", 1: "deadline"}
    failure = ranking.candidates[1].failure
    assert failure is not None
    assert failure.detail == "not checked at the deadline"


def test_a_schema_that_was_not_used_before_or_is_costly_is_waited_for() -> None:
    def asked(schema: Any) -> Request:
        wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
        tool = {"type": "function", "function": {"name": "f", "parameters": schema}}
        return Request.from_prompt("x", options={"response_format": wanted, "tools": [tool]})

    structured, calls = JsonSchemaFilter(), ToolCallsFilter()
    called = candidate(None, tool_calls=[{"function": {"name": "f", "arguments": "{}"}}])
    new, costly = asked({"title": "used nowhere else"}), asked({"pattern": "(a+)+$"})
    for request in (new, costly):
        assert structured.waits(request, candidate("{}"))
        assert calls.waits(request, called)
        assert structured.check(request, candidate("{}")) is None
    assert not structured.waits(new, candidate("{}"))
    assert not calls.waits(new, called)
    assert structured.waits(costly, candidate("{}"))
    assert structured.waits(new, candidate("x" * 20_000))
    assert not structured.waits(Request.from_prompt("x"), candidate("{}"))
