"""Columns that are mapped: all of them are told, and one that is not there is refused."""

from __future__ import annotations

import json
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


def lines(count: int, **last: str) -> str:
    """So many rows with a column q, as JSON lines; the last has other columns too."""
    rows = [{"q": str(n)} for n in range(count)]
    rows[-1].update(last)
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_one_that_may_come_later_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    several = {"prompt": "q", "system": "sys", "reference": "x.y"}
    told = described(path, lines(LOOKED_AT + 1, sys="Be brief."), **several)
    assert told == (
        "reads `q` as text; none of its first 64 rows has the column sys (system=sys) or x.y "
        "(reference=x.y)"
    )
    rows = list(PromptSource(str(path), several).rows(Defaults(4)))
    assert rows[-1].request is not None
    assert rows[-1].request.messages[0] == {"role": "system", "content": "Be brief."}


@pytest.mark.parametrize(("count", "limit"), [(LOOKED_AT, None), (2 * LOOKED_AT, 5)])
def test_one_that_cannot_come_later_is_refused(
    tmp_path: Path, count: int, limit: int | None
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(lines(count), encoding="utf-8")
    source = PromptSource(str(path), {"prompt": "q", "system": "sys"}, limit=limit)
    sentence = rf"first {limit or count} rows has the column sys \(system=sys\); it has q$"
    with pytest.raises(ConfigError, match=sentence):
        source.described(Defaults(4))


def test_a_slip_is_refused_though_more_rows_follow(tmp_path: Path) -> None:
    rows = '{"q": "Hi", "answer": "Ho"}\n' + lines(2 * LOOKED_AT)
    with pytest.raises(ConfigError, match=r"anwser \(reference=anwser\); did you mean answer\?"):
        described(tmp_path / "a.jsonl", rows, prompt="q", reference="anwser")


def test_a_column_that_is_mapped_itself_is_no_slip_for_another(tmp_path: Path) -> None:
    rows = '{"question": "Hi"}\n' * (LOOKED_AT + 1)
    columns = {"prompt": "question", "system": "question_system"}
    told = described(tmp_path / "a.jsonl", rows, **columns)
    assert told.endswith("has the column question_system (system=question_system)")


def test_names_inside_of_another_are_held_against_each_other(tmp_path: Path) -> None:
    rows = '{"q": "Hi", "metadata": {"lang": "en", "answer": 5}}\n' * (LOOKED_AT + 1)
    told = described(tmp_path / "a.jsonl", rows, prompt="q", system="metadata.sys")
    assert told.endswith("has the column metadata.sys (system=metadata.sys)")
    for slip in ("metadata.anwser", "metdata.answer"):
        with pytest.raises(ConfigError, match=r"; did you mean metadata\.answer\?"):
            described(tmp_path / "a.jsonl", rows, prompt="q", reference=slip)


def test_what_cleans_looks_at_the_first_rows_too() -> None:
    rows: list[Any] = [(f"a:{n}", {"question": str(n)}) for n in range(3 * LOOKED_AT)]
    told: list[str] = []
    assert list(with_checked_columns("a", iter(rows), {"prompt": "question"}, told.append)) == rows
    assert told == []
    assert list(with_checked_columns("a", iter(rows), {"system": "x"}, told.append)) == rows
    assert told == ["none of its first 64 rows has the column x (system=x)"]
    for columns, few in (({"prompt": "qestion"}, rows), ({"prompt": "x"}, rows[:LOOKED_AT])):
        with pytest.raises(ConfigError, match="none of its first 64 rows has the column "):
            next(with_checked_columns("a", iter(few), columns, told.append))
