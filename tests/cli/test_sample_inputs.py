"""`sample` and `ask` over a stub of a server: what is told, counted, and when they give up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.responses import JSONResponse, Response

from tests.cli.conftest import Run
from tests.support.upstream import Upstream, completion, running

pytestmark = pytest.mark.model  # processes of their own


async def _never(body: object) -> Response:
    await asyncio.sleep(3600)
    return JSONResponse({})


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with running(Upstream(lambda body: completion("One answer."))) as stub:
        yield stub


def flags(upstream: Upstream) -> list[str]:
    return ["--upstream", upstream.url, "--reward-model", "none", "--best-of", "2"]


def test_what_is_read_is_told_and_what_is_not_is_counted(
    bestofn: Run, upstream: Upstream, tmp_path: Path
) -> None:
    rows = [{"conversations": [{"from": "human", "value": f"{n}?"}]} for n in range(3)]
    lines = [*map(json.dumps, rows), '{"conversations": [{"from": "crowd", "value": "!"}]}']
    (tmp_path / "chats.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    home = {"HOME": str(tmp_path)}
    command = ["sample", "~/chats.jsonl", "--output=~/run", *flags(upstream), "--format", "sft"]
    done = bestofn(*command, environment=home)
    assert done.returncode == 0, done.stderr
    said = done.stderr.splitlines()
    assert said[0] == "~/chats.jsonl: reads `conversations` as ShareGPT"
    assert "3 rows sampled, 0 were finished before" in said
    assert said[-2].startswith("1 row cannot be read, the first is chats.jsonl:4: messages.0: it")
    assert said[-1].endswith("run/sft: 3 rows of 3 prompts")
    assert bestofn("verify", "~/run", environment=home).returncode == 0
    journal = tmp_path / "run" / "journal.jsonl"
    journal.write_text("{damaged\n", encoding="utf-8")
    again = bestofn(*command, environment=home)
    assert again.returncode == 0, again.stderr
    assert "journal.jsonl:1 is damaged; its row is sampled again" in again.stderr
    assert "0 rows sampled, 4 were finished before" in again.stderr


def test_an_input_of_which_nothing_is_read_ends_with_4_and_leaves_nothing(
    bestofn: Run, upstream: Upstream, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text("text\nhello\n" * 9, encoding="utf-8")
    done = bestofn("sample", str(tmp_path / "a.csv"), "-o", str(tmp_path / "r"), *flags(upstream))
    assert done.returncode == 4
    assert "none of 17 rows can be read, the first is a.csv:2: give either prompt" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "r").exists()


def test_a_rule_about_rewards_needs_a_reward_model(
    bestofn: Run, upstream: Upstream, tmp_path: Path
) -> None:
    (tmp_path / "a.jsonl").write_text('{"prompt": "Hi"}\n', encoding="utf-8")
    command = ["sample", str(tmp_path / "a.jsonl"), "-o", str(tmp_path / "r"), "--keep", "zscore"]
    done = bestofn(*command, *flags(upstream))
    assert done.returncode == 2
    assert "--keep zscore needs rewards, and no reward model is to give any" in done.stderr


@pytest.mark.slow
def test_a_server_that_says_nothing_at_all_ends_in_a_code(bestofn: Run) -> None:
    stub = Upstream(_never)
    stub.list = _never  # type: ignore[method-assign, assignment]
    with running(stub):
        asked = bestofn("ask", "Hi", *flags(stub), "--request-timeout", "1")
    assert asked.returncode == 1
    assert "the upstream said nothing within 10 s" in asked.stderr


@pytest.mark.slow
def test_a_server_whose_answers_hang_ends_in_a_code(bestofn: Run, tmp_path: Path) -> None:
    stub = Upstream(_never)
    (tmp_path / "a.jsonl").write_text('{"prompt": "Hi"}\n', encoding="utf-8")
    with running(stub):
        limit = [*flags(stub), "--request-timeout", "1"]
        asked = bestofn("ask", "Hi", *limit)
        sampled = bestofn("sample", str(tmp_path / "a.jsonl"), "-o", str(tmp_path / "r"), *limit)
    assert (asked.returncode, sampled.returncode) == (1, 1)
    assert "no answer within 1 s (--request-timeout)" in asked.stderr
    assert "1 row failed, the first is a.jsonl:1: it was not done within 1 s" in sampled.stderr
    assert "nothing was sampled" in sampled.stderr


def test_a_run_that_is_not_finished_is_told_to_be_so(
    bestofn: Run, upstream: Upstream, tmp_path: Path
) -> None:
    (tmp_path / "a.jsonl").write_text('{"prompt": "Hi"}\n' * 2, encoding="utf-8")
    run = tmp_path / "run"
    command = ["sample", str(tmp_path / "a.jsonl"), "-o", str(run), *flags(upstream)]
    assert bestofn(*command).returncode == 0
    manifest = json.loads((run / "run.json").read_text(encoding="utf-8"))
    (run / "run.json").write_text(json.dumps({**manifest, "rows": None}), encoding="utf-8")
    said = "the run is not finished: 2 rows are there; the same `bestofn sample` goes on with it"
    verified = bestofn("verify", str(run))
    assert verified.returncode == 1
    assert f"what is there is as it was written, but {said}" in verified.stderr
    for command in (["export", str(run), "--format", "sft"], ["report", str(run)]):
        done = bestofn(*command)
        assert done.returncode == 0, done.stderr
        assert said in done.stderr
    pushed = bestofn("export", str(run), "--push-to-hub", "a/b")
    assert pushed.returncode != 0


@pytest.mark.parametrize(("output", "code"), [("taken", 2), ("taken/run", 1), ("/proc/run", 1)])
def test_an_output_that_cannot_be_written_is_refused_before_anything_is_sampled(
    bestofn: Run, upstream: Upstream, tmp_path: Path, output: str, code: int
) -> None:
    (tmp_path / "taken").touch()
    (tmp_path / "a.jsonl").write_text('{"prompt": "Hi"}\n', encoding="utf-8")
    before = len(upstream.bodies)
    folder = tmp_path / output  # an absolute path stays one
    done = bestofn("sample", str(tmp_path / "a.jsonl"), f"--output={folder}", *flags(upstream))
    assert done.returncode == code
    assert len(done.stderr.splitlines()) == 1
    assert str(folder) in done.stderr
    assert len(upstream.bodies) == before
