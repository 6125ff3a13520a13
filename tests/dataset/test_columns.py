"""Columns that are mapped: all of them are told, and one that is not there is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bestofn.core.errors import ConfigError
from bestofn.dataset.prompts.columns import LOOKED_AT, with_checked_columns
from bestofn.dataset.prompts.rows import Defaults
from bestofn.dataset.prompts.source import PromptSource

QUESTIONS = "question,answer,system\n2 + 3?,5,\n2 + 4?,6,\n"


def described(path: Path, content: str, **columns: str) -> str:
    path.write_text(content, encoding="utf-8")
    return PromptSource(str(path), columns).described(Defaults(4))


def test_every_mapped_field_is_told(tmp_path: Path) -> None:
    told = described(tmp_path / "a.csv", QUESTIONS, prompt="question", reference="answer")
    assert told == "reads `question` as text, `answer` as reference"
    lines = (
        '{"q": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}], '
        '"a": {"b": 5}, "f": [{"name": "f"}]}\n{"q": "Hi", "a": null, "f": null}\n'
    )
    told = described(tmp_path / "a.jsonl", lines, prompt="q", reference="a.b", tools="f")
    assert told == (
        "reads `q` as messages, without the answer at its end, `a.b` as reference, with `f` "
        "(1 of 2 rows); `q` as text (1 of 2 rows)"
    )


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        (
            {"prompt": "question", "reference": "anwser"},
            r"a\.csv: none of its first 2 rows has the column anwser \(reference=anwser\); did you "
            "mean answer",
        ),
        ({"prompt": "qestion"}, r"column qestion \(prompt=qestion\); did you mean question\?"),
        ({"prompt": "question", "tools": "x"}, r"\(tools=x\); it has question, answer, system$"),
        ({"prompt": "question.text"}, r"column question\.text"),
    ],
)
def test_one_that_no_row_has_is_refused(
    tmp_path: Path, columns: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        described(tmp_path / "a.csv", QUESTIONS, **columns)


def test_a_run_that_began_with_it_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(QUESTIONS, encoding="utf-8")
    source = PromptSource(str(path), {"prompt": "question", "reference": "anwser"})
    assert source.described(Defaults(4), going_on=True) == "reads `question` as text"


def test_one_that_is_empty_is_there(tmp_path: Path) -> None:
    columns = {"prompt": "question", "system": "system"}
    assert described(tmp_path / "a.csv", QUESTIONS, **columns) == "reads `question` as text"


def test_of_rows_that_cannot_be_read_no_column_is_missed(tmp_path: Path) -> None:
    assert described(tmp_path / "a.jsonl", "{oops\n", prompt="question") == ""


def test_what_cleans_looks_at_the_first_rows_too() -> None:
    rows: list[Any] = [(f"a:{n}", {"q": str(n)}) for n in range(3 * LOOKED_AT)]
    assert list(with_checked_columns("a", iter(rows), {"prompt": "q"})) == rows
    with pytest.raises(ConfigError, match="none of its first 64 rows has the column p "):
        next(with_checked_columns("a", iter(rows), {"prompt": "p"}))
