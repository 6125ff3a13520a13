"""Layouts of rows that people have: what is asked is found by the columns' names, and told."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bestofn.dataset.prompts.rows import MOST_CANDIDATES, Defaults, Row, read_row
from bestofn.dataset.prompts.source import PromptSource

SYSTEM = {"role": "system", "content": "Be kind."}
USER = {"role": "user", "content": "Hi"}
ANSWER = {"role": "assistant", "content": "Hello."}
MORE = {"role": "user", "content": "More?"}
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}


def row(record: Any, columns: Mapping[str, str] | None = None) -> Row:
    return read_row(0, "a.jsonl:1", record, columns or {}, Defaults(4))


def asked(record: Any, columns: Mapping[str, str] | None = None) -> list[Any]:
    read = row(record, columns)
    assert read.request is not None, read.error
    return list(read.request.messages)


LAYOUTS: list[tuple[str, dict[str, Any], list[Any], str]] = [
    ("a text", {"prompt": "Hi"}, [USER], "`prompt` as text"),
    ("messages", {"messages": [SYSTEM, USER]}, [SYSTEM, USER], "`messages` as messages"),
    (
        "messages that end with an answer",
        {"messages": [USER, ANSWER, MORE, ANSWER]},
        [USER, ANSWER, MORE],
        "`messages` as messages, without the answer at its end",
    ),
    ("TRL's prompt", {"prompt": [USER], "completion": [ANSWER]}, [USER], "`prompt` as messages"),
    (
        "verl",
        {"prompt": [USER], "reward_model": {"style": "rule", "ground_truth": "4"}},
        [USER],
        "`prompt` as messages and `reward_model.ground_truth` as reference (verl)",
    ),
    (
        "ShareGPT",
        {
            "id": "1",
            "conversations": [
                {"from": "system", "value": "Be kind."},
                {"from": "human", "value": "Hi"},
                {"from": "gpt", "value": "Hello.", "markdown": None},
                {"from": "human", "value": "More?"},
                {"from": "gpt", "value": "No."},
            ],
        },
        [SYSTEM, USER, ANSWER, MORE],
        "`conversations` as ShareGPT, without the answer at its end",
    ),
    (
        "ShareGPT under another name",
        {"messages": [{"from": "human", "value": "Hi"}]},
        [USER],
        "`messages` as ShareGPT",
    ),
    (
        "conversations in OpenAI's form, with a system message beside",
        {"conversations": [USER], "system": "Be kind."},
        [SYSTEM, USER],
        "`conversations` as messages",
    ),
    (
        "Alpaca",
        {"instruction": "Add.", "input": "2, 3", "output": "5"},
        [{"role": "user", "content": "Add.\n\n2, 3"}],
        "`instruction` and `input` as Alpaca",
    ),
    (
        "Alpaca without input, after a history",
        {"instruction": "More?", "input": "", "history": [["Hi", "Hello."]], "system": ""},
        [USER, ANSWER, MORE],
        "`instruction` as Alpaca, after `history`",
    ),
    (
        "Alpaca with a number",
        {"instruction": "Double this number.", "input": 5},
        [{"role": "user", "content": "Double this number.\n\n5"}],
        "`instruction` and `input` as Alpaca",
    ),
    (
        "UltraFeedback",
        {"instruction": "Hi", "completions": [{"response": "Hello."}]},
        [USER],
        "`instruction` as Alpaca",
    ),
    (
        "UltraFeedback, binarized",
        {"prompt": "Hi", "messages": [USER, ANSWER], "chosen": [USER, ANSWER]},
        [USER],
        "`messages`, which hold the prompt, without the answer at its end",
    ),
    (
        "UltraChat",
        {"prompt": "Hi", "messages": [USER, ANSWER, MORE, ANSWER]},
        [USER, ANSWER, MORE],
        "`messages`, which hold the prompt, without the answer at its end",
    ),
    (
        "TRL's preferences without a prompt",
        {"chosen": [SYSTEM, USER, ANSWER], "rejected": [SYSTEM, USER, {**ANSWER, "content": "!"}]},
        [SYSTEM, USER],
        "what `chosen` and `rejected` have in common as messages",
    ),
    (
        "bestofn's own pairs",
        {"row": 0, "key": "k", "prompt": [USER], "chosen": [ANSWER], "rejected": [ANSWER]},
        [USER],
        "`prompt` as messages",
    ),
]


@pytest.mark.parametrize(
    ("record", "messages", "told"), [each[1:] for each in LAYOUTS], ids=[e[0] for e in LAYOUTS]
)
def test_what_is_asked_is_found_and_told(
    record: dict[str, Any], messages: list[Any], told: str
) -> None:
    assert asked(record) == messages
    assert row(record).told == told


def test_the_right_answer_is_taken_where_verl_keeps_it() -> None:
    verl = {"prompt": [USER], "reward_model": {"ground_truth": "4"}}
    read = row(verl).request
    assert read is not None
    assert read.reference == "4"
    read = row({**verl, "reference": "5"}).request
    assert read is not None
    assert read.reference == "5"


@pytest.mark.parametrize(
    ("columns", "record", "messages"),
    [
        ({"messages": "prompt"}, {"prompt": [USER]}, [USER]),
        ({"messages": "prompt"}, {"prompt": "Hi"}, [USER]),
        ({"prompt": "question"}, {"question": "Hi", "prompt": "no"}, [USER]),
        ({"prompt": "question"}, {"question": "Hi", "messages": [MORE]}, [USER]),
        ({"prompt": "turns"}, {"turns": [{"from": "human", "value": "Hi"}]}, [USER]),
        ({"prompt": "extra.question"}, {"extra": {"question": "Hi"}}, [USER]),
        ({"prompt": "instruction"}, {"instruction": "Hi", "input": "not this"}, [USER]),
    ],
)
def test_a_mapped_column_is_read_whatever_its_form(
    columns: dict[str, str], record: dict[str, Any], messages: list[Any]
) -> None:
    assert asked(record, columns) == messages


def test_parts_of_text_are_joined_and_nulls_of_tables_left_out(tmp_path: Path) -> None:
    parts = [{"type": "text", "text": "H"}, {"type": "text", "text": "i"}]
    image = {"type": "image_url", "image_url": {"url": "data:,"}}
    called = {"role": "assistant", "tool_calls": [CALL]}
    result = {"role": "tool", "content": "4", "tool_call_id": "c"}
    assert asked({"messages": [{"role": "user", "content": parts}]}) == [USER]
    assert asked({"messages": [{**USER, "weight": 1, "tool_calls": []}]}) == [USER]
    conversation = [{"role": "user", "content": [parts[0], image]}, called, result]
    table = pa.Table.from_pylist([{"messages": conversation[:1]}, {"messages": [USER]}][:1])
    pq.write_table(table, tmp_path / "a.parquet")
    table = pa.Table.from_pylist([{"messages": [USER, called, result]}])
    assert table.to_pylist()[0]["messages"][0] != USER  # a null for what others have
    assert asked(table.to_pylist()[0]) == [USER, called, result]
    (read,) = PromptSource(str(tmp_path / "a.parquet")).rows(Defaults(4))
    assert read.request is not None
    assert list(read.request.messages) == conversation[:1]


@pytest.mark.parametrize(
    ("tools", "expected"),
    [
        ([TOOL], [TOOL]),
        ([{**TOOL, "strict": None}], [TOOL]),
        ([TOOL["function"]], [TOOL]),
        ('[{"name": "f", "parameters": {}}]', [TOOL]),
        ([], None),
        ("", None),
        (None, None),
    ],
)
def test_tools_of_a_row_are_asked_with_it(tools: Any, expected: Any) -> None:
    read = row({"prompt": "Hi", "tools": tools})
    assert read.request is not None
    assert read.request.options.get("tools") == expected
    assert read.told.endswith("with `tools`") == (expected is not None)


UNREADABLE: list[tuple[dict[str, Any], str]] = [
    ({"prompt": " \n"}, "it is blank"),
    ({"messages": [{"role": "user", "content": ""}]}, "it is blank"),
    ({"messages": [{"role": "user", "content": 5}]}, "messages.0.content: it is no text and no"),
    ({"messages": [{"role": "user", "content": {"text": "Hi"}}]}, "messages.0.content: it is no t"),
    ({"messages": [USER, {"role": "tool", "content": [5]}]}, "messages.1.content.0: it is no part"),
    (
        {"messages": [{"role": "user", "content": [{"type": "text", "text": 5}]}]},
        "messages.0.content.0.text: it is no text",
    ),
    ({"messages": [{"content": "Hi"}]}, "messages.0: it has no role"),
    ({"messages": [{"role": "human", "content": "Hi"}]}, "messages.0: it has the role 'human'"),
    ({"messages": [{"role": "user"}]}, "messages.0: it has no content"),
    ({"messages": [USER, {"role": "assistant"}, MORE]}, "messages.1: it has no content"),
    ({"messages": [ANSWER]}, "messages: there is nothing but an answer"),
    ({"conversations": [{"from": "observation", "value": "4"}]}, "messages.0: it is from 'observ"),
    ({"conversations": [{"from": "human", "value": 5}]}, "messages.0.content: it is no text"),
    ({"messages": "Hi"}, "messages: must be a list"),
    ({"instruction": "Add these.", "input": [2, 3]}, "input: it is no text but list"),
    ({"instruction": "Deny this.", "input": True}, "input: it is no text but bool"),
    ({"prompt": 123}, "prompt: must be a text"),
    ({"prompt": "half \ud83d pair"}, "it holds half of a surrogate pair"),
    ({"prompt": "Hi", "best_of": 10**400}, "best_of: must be at most 10000"),
    ({"prompt": "Hi", "best_of": MOST_CANDIDATES + 1}, "best_of: must be at most 10000"),
    ({"prompt": "Hi", "max_tokens": 10**400}, "max_tokens: must be at most 2147483647"),
    ({"prompt": "Hi", "temperature": 10**400}, "temperature: must be a number"),
    ({"prompt": "Hi", "tools": 5}, "tools: it is no list of functions"),
    ({"prompt": "Hi", "tools": "{"}, "tools: it is no JSON"),
    ({f"column {n}": 1 for n in range(10_000)}, "give either prompt or messages: the columns are"),
]


@pytest.mark.parametrize(("record", "sentence"), UNREADABLE)
def test_a_row_that_cannot_be_read_says_why_in_a_sentence(
    record: dict[str, Any], sentence: str
) -> None:
    read = row(record)
    assert read.request is None
    assert read.error is not None
    assert read.error.startswith(sentence)
    assert len(read.error) < 1000
    assert len(read.key) == 32


def test_what_no_chat_message_has_is_not_asked_and_told(tmp_path: Path) -> None:
    said = datetime(2024, 5, 6, 7, 8, tzinfo=UTC)
    turns = [
        {**USER, "timestamp": said, "toxic": False, "hashed_ip": "x"},
        {**ANSWER, "timestamp": said, "score": math.nan},
        {**MORE, "timestamp": None},
    ]
    pq.write_table(pa.Table.from_pylist([{"messages": turns}]), tmp_path / "a.parquet")
    (read,) = PromptSource(str(tmp_path / "a.parquet")).rows(Defaults(4))
    assert read.request is not None, read.error
    assert list(read.request.messages) == [USER, ANSWER, MORE]
    assert read.told.endswith(
        ", without `timestamp`, `toxic`, `hashed_ip`, `score` of its messages"
    )


def test_a_moment_is_a_reference_as_it_is_written_and_bytes_are_none() -> None:
    said = datetime(2024, 5, 6, 7, 8, tzinfo=UTC)
    read = row({"prompt": "When?", "reference": {"at": said}})
    assert read.request is not None
    assert read.request.reference == {"at": "2024-05-06T07:08:00+00:00"}
    assert "of the type bytes" in str(row({"prompt": "When?", "reference": {"at": b"x"}}).error)
    assert "best_of: must be a number" in str(row({"prompt": "x", "best_of": True}).error)


def test_a_missing_value_is_none_whether_null_or_no_number() -> None:
    read = row({"prompt": "Hi", "reference": float("nan"), "system": None, "best_of": float("nan")})
    assert read.request is not None
    assert (read.request.reference, read.request.best_of) == (None, 4)


def test_a_key_is_that_of_0_1() -> None:
    """Runs that 0.1 began go on, so what it could read has the key that it had."""
    assert row({"prompt": "Hi", "more": 1}).key == "84e776c34c85b096ba951dec24d6aad7"
    assert row({"messages": [USER, ANSWER]}).key == "a6627bf4bd92ba7b7d600cb1263253c1"


def test_the_layouts_of_the_first_rows_are_told_with_their_counts(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"prompt": "1"}\n{"prompt": "2"}\n{"instruction": "3"}\n{}\n', "utf-8")
    assert PromptSource(str(path)).described(Defaults(4)) == (
        "reads `prompt` as text (2 of 4 rows); `instruction` as Alpaca (1 of 4 rows)"
    )
    assert PromptSource(str(path), limit=2).described(Defaults(4)) == "reads `prompt` as text"
