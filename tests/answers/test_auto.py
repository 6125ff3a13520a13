"""The key that suits: found from the request and from most of the answers, or none at all."""

from __future__ import annotations

from typing import Any

import pytest

from bestofn.answers import announced
from bestofn.answers.auto import AutoKey
from bestofn.core.protocols import NamedKey
from bestofn.core.types import Candidate, Request
from tests.support.answers import called, said

ESSAY = "Rivers shape the land in many ways, and over a long time. " * 6
JSON = {"response_format": {"type": "json_object"}}
OPTIONS = "Which?\nA) one\nB) two"


def _kind(prompt: str, *answers: str | Candidate, **options: Any) -> str | None:
    request = Request.from_prompt(prompt, options=options)
    given = [said(each) if isinstance(each, str) else each for each in answers]
    found = AutoKey().suited(request, given)
    backwards = AutoKey().suited(request, given[::-1])
    assert type(found) is type(backwards)
    if found is None:
        return None
    assert isinstance(found, NamedKey)
    return found.kind


@pytest.mark.parametrize(
    ("kind", "prompt", "answers", "options"),
    [
        ("tool_calls", "Book it.", [called(("f", "{}")), called(("g", "{}")), "done"], {}),
        ("text", "Book it.", [called(("f", "{}")), "done", "done"], {}),
        ("json", "List them.", ["{}", "no", "no"], JSON),
        ("choice", OPTIONS, ["B", "The answer is A", ESSAY], {}),
        ("number", "Solve.", [ESSAY + r"\boxed{2}", ESSAY + r"\boxed{3}", "2"], {}),
        ("number", "Solve.", [ESSAY + "\n#### 2", ESSAY + "\n#### 3", ESSAY], {}),
        ("number", "Solve.", [ESSAY + "The answer is 7.", ESSAY + "The answer is 8."], {}),
        ("number", "Solve.", [ESSAY + "So the total is 7 shells.", ESSAY + "x = 8"], {}),
        ("number", "算一算。", [ESSAY + "所以一共是7个。", ESSAY + "等于8"], {}),
        (None, "Write.", ["#### Conclusion\n" + ESSAY, ESSAY + "\n#### Summary"], {}),
        ("text", "Capital?", ["Paris", "It is Paris.", ESSAY], {}),
        ("text", "5 + 3?", ["8", "5 + 3 = 8"], {}),
        (None, "Write.", [ESSAY, ESSAY + "!", "short"], {}),
        (None, "Write.", [ESSAY + "It was 1969, a year like others, and so it went."] * 2, {}),
        (None, OPTIONS, [ESSAY, ESSAY], {}),
    ],
)  # fmt: skip
def test_the_kind_is_what_most_answers_have(
    kind: str | None, prompt: str, answers: list[Any], options: dict[str, Any]
) -> None:
    assert _kind(prompt, *answers, **options) == kind


def test_one_candidate_alone_has_the_key_of_its_kind() -> None:
    request = Request.from_prompt("5 + 3?")
    assert AutoKey().key(request, said("It is 8.")) == "8"
    assert AutoKey().key(request, said(ESSAY)) is None


def test_a_text_is_read_once_however_often_candidates_come(monkeypatch: pytest.MonkeyPatch) -> None:
    given = [said(f"{ESSAY} It is {at}.", at) for at in range(9)]
    read: list[str] = []
    box = announced._BOX

    class Counting:
        def finditer(self, text: str) -> Any:
            read.append(text)
            return box.finditer(text)

    monkeypatch.setattr(announced, "_BOX", Counting())
    for count in range(1, 10):
        AutoKey().suited(Request.from_prompt("Write."), given[:count])
    assert len(read) == len(set(read)) == 9
