"""The repetition filter on snapshots: certain only where the finished answer would be rejected."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.foresight import foreseen, outputs
from bestofn.core.types import Candidate, Rejection, Request
from bestofn.filters.repetition.filter import RepetitionFilter

REAL = Path(__file__).parents[3] / "shared" / "real_outputs.jsonl.gz"
JUDGE = RepetitionFilter()


def says(text: str, prompt: str = "Tell me more.", *, finished: bool = False) -> Rejection | None:
    candidate = Candidate(0, {"role": "assistant", "content": text}, "stop" if finished else None)
    found = JUDGE.check(Request.from_prompt(prompt, best_of=2), candidate)
    return found if found is not None and found.certain else None


MILLER = "The old miller walks down to the wide river again today. "


def test_a_loop_is_seen_while_it_goes_on() -> None:
    found = says(MILLER * 5 + MILLER[:20])
    assert found is not None
    assert found.reason == "exact_loop"
    assert says(MILLER * 2) is None


@pytest.mark.parametrize(
    ("so_far", "rest", "prompt"),
    [
        pytest.param(
            "[" + '{"name": "cell", "value": "empty slot"}, ' * 8,
            '{"name": "cell", "value": "empty slot"}]',
            "Give me the board.",
            id="JSON that comes to parse",
        ),
        pytest.param(
            "woof " * 18, "woof " * 22, "Give me 40 barks.", id="copies that were asked for"
        ),
        pytest.param(
            "la la la la la la\n" * 4,
            "".join(
                f"I walked the {word} road to you\nAnd sang along the way\n"
                for word in ("long", "old", "dark", "green", "stony", "last", "quiet")
            ),
            "Something for my children.",
            id="lines that turn out a song",
        ),
    ],
)
def test_what_may_still_be_excused_is_not_certain_yet(so_far: str, rest: str, prompt: str) -> None:
    whole = so_far + rest
    for length in range(8, len(whole), 8):
        found = says(whole[:length], prompt)
        assert found is None or says(whole, prompt, finished=True) is not None, found


def test_a_count_is_certain_only_where_it_is_too_long_for_data() -> None:
    def counted(copies: int) -> str:
        return "".join(f"{at} old mill by the lake, " for at in range(1, copies + 1))

    assert says(counted(12), finished=True) is not None
    assert says(counted(12)) is None
    assert says(counted(60)) is not None


def test_shares_of_a_text_say_nothing_before_its_end() -> None:
    lines = {
        "a": "The committee met again and found that nothing had changed.\n",
        "b": "A witness from the harbour spoke about the winter storms.\n",
        "c": "Nobody on the council could remember who had signed it.\n",
        "d": "They agreed to read every letter once more before spring.\n",
    }
    request = Request.from_prompt("x", best_of=2)
    text = "".join(lines[each] for each in "abcdcadbbdacadbccbda")
    finished = Candidate(0, {"role": "assistant", "content": text}, "stop")
    unfinished = Candidate(0, {"role": "assistant", "content": text}, None)
    found = JUDGE.check(request, finished)
    assert found is not None
    assert not found.certain
    assert JUDGE.check(request, unfinished) is None


@pytest.mark.parametrize(
    "text", ["", " ", "\ufffd", '<tool_call>\n{"name": "a', "{", "```", "\n" * 9]
)
def test_beginnings_of_any_kind_are_let_pass(text: str) -> None:
    assert says(text) is None


def test_half_a_call_is_read_as_far_as_it_goes() -> None:
    call = {"function": {"name": "say", "arguments": '{"text": "' + MILLER * 14}}
    candidate = Candidate(0, {"role": "assistant", "content": None, "tool_calls": [call]}, None)
    request = Request.from_prompt("x", best_of=2)
    found = JUDGE.check(request, candidate)
    assert found is not None, "twelve copies are a loop in JSON, too"
    short = {"function": {"name": "say", "arguments": '{"text": "' + MILLER * 6}}
    message = {"role": "assistant", "content": None, "tool_calls": [short]}
    assert JUDGE.check(request, Candidate(0, message, None)) is None


@pytest.mark.skipif(not REAL.is_file(), reason="../shared/real_outputs.jsonl.gz is not there")
def test_no_snapshot_of_a_real_output_is_rejected_that_is_not_rejected_in_the_end() -> None:
    found = [foreseen(row["prompt"], row["text"][:3000], JUDGE) for row in outputs(REAL, 100)]
    assert len(found) > 40
    assert [each.detail for each in found if each.at is not None and not each.rejected] == []
