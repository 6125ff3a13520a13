"""`bestofn ask -`: the prompt from standard input."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.responses import Response
from typer.testing import CliRunner

from bestofn.cli import app
from tests.support.upstream import Upstream, completion, running


def test_the_prompt_is_what_is_piped_in() -> None:
    asked: list[dict[str, Any]] = []

    def answer(body: dict[str, Any]) -> Response:
        asked.append(body)
        return completion(*["It is 3."] * (body.get("n") or 1))

    with running(Upstream(answer)) as stub:
        flags = ["--upstream", stub.url, "--best-of", "2", "--json"]
        done = CliRunner().invoke(app, ["ask", "-", *flags], input="What is\n8 - 5?\n")
    assert done.exit_code == 0, done.output
    assert asked[0]["messages"] == [{"role": "user", "content": "What is\n8 - 5?"}]
    assert json.loads(done.stdout)["winner"]["text"] == "It is 3."


@pytest.mark.parametrize(
    ("piped", "said"), [(b"", "the prompt is empty"), (b"\xff\xfe", "standard input is no UTF-8")]
)
def test_what_is_no_prompt_is_one_sentence(piped: bytes, said: str) -> None:
    done = CliRunner().invoke(app, ["ask", "-"], input=piped)
    assert done.exit_code == 2
    assert said in done.stderr
