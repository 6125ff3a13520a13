"""`bestofn batch` as a user runs it: killed and run again, it loses and repeats nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response

from tests.cli.conftest import SCRIPT, Run
from tests.support.upstream import Upstream, completion, running

pytestmark = pytest.mark.slow

LINES = 12


class Held:
    """An upstream that answers the first so many requests, and leaves the others waiting."""

    def __init__(self, first: int) -> None:
        self.left = first
        self.open = threading.Event()

    def __call__(self, body: dict[str, Any]) -> Response:
        self.left -= 1
        if self.left < 0:
            self.open.wait(60)
        return completion("It is three.")


def _requests(folder: Path) -> Path:
    made = folder / "in.jsonl"
    lines = [
        {
            "custom_id": f"row-{at}",
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {"messages": [{"role": "user", "content": f"row {at}"}], "best_of": 1},
        }
        for at in range(LINES)
    ]
    made.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return made


def _asked(stub: Upstream) -> list[str]:
    return [body["messages"][0]["content"] for body in stub.bodies]


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_what_was_answered_survives_and_is_not_asked_again(
    tmp_path: Path, bestofn: Run, end: signal.Signals
) -> None:
    source, target = _requests(tmp_path), tmp_path / "out.jsonl"
    held = Held(5)
    with running(Upstream(held)) as stub:
        flags = ["batch", str(source), "-o", str(target), "--upstream", stub.url]
        with subprocess.Popen(
            [SCRIPT, *flags, "--concurrency", "1"],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "COLUMNS": "200"},
        ) as process:
            deadline = time.monotonic() + 120
            while not (target.exists() and target.read_bytes().count(b"\n") >= 5):
                assert time.monotonic() < deadline, process.poll()
                time.sleep(0.05)
            process.send_signal(end)
            held.open.set()
            _, said = process.communicate(timeout=30)
        assert process.returncode == (130 if end == signal.SIGINT else -9)
        assert "Traceback" not in said
        first = target.read_bytes()
        with target.open("ab") as file:
            file.write(b'{"id": "batch_req_torn')
        before = len(stub.bodies)
        done = bestofn(*flags)
        assert done.returncode == 0, done.stderr
        assert f"{LINES} of {LINES} lines, " in done.stderr
        again = _asked(stub)[before:]
    answers = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    assert sorted(each["custom_id"] for each in answers) == sorted(
        f"row-{at}" for at in range(LINES)
    )
    assert all(each["response"]["status_code"] == 200 for each in answers)
    assert target.read_bytes().startswith(first)
    kept = {json.loads(line)["custom_id"] for line in first.splitlines()}
    assert len(kept) >= 5
    assert not {f"row {name.removeprefix('row-')}" for name in kept} & set(again)


def test_bad_lines_and_failures_have_exit_codes(tmp_path: Path, bestofn: Run) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"custom_id": "a"}\n', encoding="utf-8")
    with running(Upstream(lambda body: completion("x"))) as stub:
        flags = ["batch", str(source), "-o", str(target), "--upstream", stub.url]
        done = bestofn(*flags)
        assert done.returncode == 2
        assert "1 of 1 lines were refused" in done.stderr
        missing = bestofn("batch", str(tmp_path / "none"), "-o", str(target))
        assert (missing.returncode, "no such file" in missing.stderr) == (2, True)
        (tmp_path / "empty").touch()
        empty = bestofn("batch", str(tmp_path / "empty"), "-o", str(target))
        assert (empty.returncode, "empty: no lines" in empty.stderr) == (2, True)
        same = bestofn("batch", str(source), "-o", str(source))
        assert same.returncode == 2
        assert source.read_text(encoding="utf-8") == '{"custom_id": "a"}\n'
