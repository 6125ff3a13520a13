"""Layouts of answers that people have: what was asked is found as a run finds it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from bestofn.core.errors import ConfigError
from bestofn.dataset.cleaning.answers import Answered, read_answers
from bestofn.dataset.prompts.reader import open_records
from tests.dataset.test_cleaning import ASKED, GOOD, LOOP, cleaned, said

SYSTEM = {"role": "system", "content": "Be kind."}
HUMAN = {"from": "human", "value": ASKED["content"]}
GPT = {"from": "gpt", "value": f"{GOOD}<|im_end|>"}
ALPACA = {"instruction": "What is", "input": "8 - 5?", "output": GOOD}
PRE_ALPACA = {"role": "user", "content": "What is\n\n8 - 5?"}


def read(record: dict[str, Any], **columns: str) -> Answered:
    return read_answers(0, "x:1", record, columns)


LAYOUTS: list[tuple[str, dict[str, Any], dict[str, str], list[Any], list[str]]] = [
    ("ShareGPT", {"conversations": [HUMAN, {**GPT, "value": GOOD}]}, {}, [ASKED], [GOOD]),
    (
        "ShareGPT, named",
        {"conversations": [HUMAN, {**GPT, "value": GOOD}]},
        {"messages": "conversations"},
        [ASKED],
        [GOOD],
    ),
    (
        "UltraChat",
        {"prompt": ASKED["content"], "messages": [ASKED, said(GOOD)]},
        {},
        [ASKED],
        [GOOD],
    ),
    (
        "UltraFeedback, binarized",
        {
            "prompt": ASKED["content"],
            "messages": [ASKED, said(GOOD)],
            "chosen": [ASKED, said(GOOD)],
            "rejected": [ASKED, said("4")],
        },
        {},
        [ASKED],
        [GOOD, "4"],
    ),
    (
        "UltraFeedback",
        {"instruction": ASKED["content"], "completions": [{"response": GOOD, "model": "m"}]},
        {},
        [ASKED],
        [GOOD],
    ),
    (
        "a run's own ranked rows",
        {"prompt": [ASKED], "completions": [[said(GOOD)], [said("4")]], "rewards": [2.0, 1.0]},
        {},
        [ASKED],
        [GOOD, "4"],
    ),
    ("Alpaca", ALPACA, {}, [PRE_ALPACA], [GOOD]),
    ("Alpaca, named", ALPACA, {"response": "output"}, [PRE_ALPACA], [GOOD]),
    (
        "a prompt that ends in the answer",
        {"prompt": [SYSTEM, ASKED, said(GOOD)]},
        {},
        [SYSTEM, ASKED],
        [GOOD],
    ),
    (
        "columns within columns",
        {"q": {"text": ASKED["content"]}, "a": {"text": GOOD}},
        {"prompt": "q.text", "response": "a.text"},
        [ASKED],
        [GOOD],
    ),
    ("preferences", {"chosen": [ASKED, said(GOOD)], "rejected": [ASKED, said("4")]}, {}, [ASKED],
     [GOOD, "4"]),
    (
        "what is named goes before what is found",
        {"prompt": ASKED["content"], "responses": ["4"], "best": GOOD},
        {"response": "best"},
        [ASKED],
        [GOOD],
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("record", "columns", "messages", "answers"),
    [each[1:] for each in LAYOUTS],
    ids=[each[0] for each in LAYOUTS],
)
def test_what_was_asked_and_what_was_answered_is_found(
    record: dict[str, Any], columns: dict[str, str], messages: list[Any], answers: list[str]
) -> None:
    answered = read(record, **columns)
    assert list(answered.request.messages) == messages
    assert [each.text for each in answered.candidates] == answers
    assert answered.asked
    kept, rejected, tally, broken = cleaned(record, columns=columns)
    assert (kept, rejected, broken) == ([record], [], [])
    assert tally.without_prompt == 0


def test_an_answer_is_mended_in_its_form() -> None:
    (kept,), _, _, _ = cleaned({"conversations": [HUMAN, GPT]})
    assert kept == {"conversations": [HUMAN, {**GPT, "value": GOOD}]}
    within = {"q": "x", "a": {"text": f"{GOOD}<|im_end|>", "more": 1}}
    (kept,), _, _, _ = cleaned(within, columns={"prompt": "q", "response": "a.text"})
    assert kept == {"q": "x", "a": {"text": GOOD, "more": 1}}


def test_of_an_object_in_a_list_the_text_is_judged() -> None:
    record = {"instruction": "x", "completions": [{"response": GOOD}, {"response": LOOP}]}
    (kept,), (rejected,), _, _ = cleaned(record)
    assert kept["completions"] == [{"response": GOOD}]
    assert rejected["completions"] == [{"response": LOOP}]


def test_answers_without_a_prompt_are_judged_and_counted() -> None:
    kept, _, tally, _ = cleaned({"response": GOOD}, {"messages": [said(GOOD)]})
    assert (len(kept), tally.without_prompt) == (2, 2)


def test_a_run_does_not_read_standard_input() -> None:
    with pytest.raises(ConfigError, match="standard input, which can be read once"):
        open_records("-")


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_run_does_not_read_a_pipe(tmp_path: Path, kind: str) -> None:
    source = Path(os.devnull)
    if kind == "pipe":
        source = tmp_path / "rows.jsonl"
        os.mkfifo(source)
    with pytest.raises(ConfigError, match=r"is a pipe or a device, not a file, and this input"):
        open_records(str(source))
