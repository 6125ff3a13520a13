"""A batch: every line is answered or told why not, and a second run does what the first left."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bestofn import ConfigError, GeneratorError, Pipeline, Request, Settings
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.settings.sections import ServerSettings
from bestofn.testing import FakeCompletion, FakeGenerator, FakeRewardModel
from bestofn_server.app import create_app
from bestofn_server.batch.answers import may_pass
from bestofn_server.batch.runner import Tally, run_batch
from tests.support.serving import ask

CHAT, TEXT = "/v1/chat/completions", "/v1/completions"


def _line(custom_id: str, url: str = CHAT, **body: Any) -> dict[str, Any]:
    asked = body or ask()
    return {"custom_id": custom_id, "method": "POST", "url": url, "body": asked}


def _write(path: Path, *lines: dict[str, Any] | str) -> Path:
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return path


def _read(path: Path) -> dict[str | None, dict[str, Any]]:
    """The answers by their custom_id; there is one of each."""
    answers = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert all(each.keys() == {"id", "custom_id", "response", "error"} for each in answers)
    found = {each["custom_id"]: each for each in answers}
    assert len(found) == len(answers)
    return found


def _app(generator: FakeGenerator | None = None, **server: Any) -> Any:
    pipeline = Pipeline(
        generator or FakeGenerator(["good", "better"]),
        ArgmaxSelector(),
        (),
        FakeRewardModel(lambda request, candidate: float(len(candidate.text))),
    )
    return create_app(Settings(best_of=2, server=ServerSettings(**server)), pipeline)


async def test_every_line_is_accounted_for(tmp_path: Path) -> None:
    source = _write(
        tmp_path / "in.jsonl",
        _line("chat"),
        _line("text", TEXT, prompt="What?", n=2),
        _line("score", "/v1/score", text_1="What?", text_2="good"),
        _line("rerank", "/v2/rerank", query="What?", documents=["a", "bbb"]),
        "",
        _line("wrong", n=0, **ask()),
        _line("nowhere", "/v1/none"),
        _line("chat"),
        "{broken",
        _line("streamed", stream=True, **ask()),
    )
    target = tmp_path / "out.jsonl"
    seen: list[int] = []
    tally = await run_batch(
        _app(), source, target, watch=lambda t: seen.append(t.answered + t.refused + t.failed)
    )
    assert tally == Tally(lines=9, answered=4, refused=5)
    assert seen == list(range(1, 10))
    lines = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    assert Counter(each["custom_id"] for each in lines) == {
        **dict.fromkeys(["text", "score", "rerank", "wrong", "nowhere", "streamed", None], 1),
        "chat": 2,
    }
    good = {each["custom_id"]: each["response"] for each in lines if each["response"]}
    assert {name: each["status_code"] for name, each in good.items()} == {
        **dict.fromkeys(["chat", "text", "score", "rerank"], 200),
        "wrong": 400,
        "nowhere": 404,
    }
    assert good["chat"]["body"]["choices"][0]["message"]["content"] == "better"
    assert good["chat"]["body"]["bestofn"]["sampled"] == 2
    assert good["chat"]["request_id"].startswith("batch_req_")
    assert [each["text"] for each in good["text"]["body"]["choices"]] == ["better", "good"]
    assert good["score"]["body"]["data"][0]["score"] == 4.0
    assert [each["index"] for each in good["rerank"]["body"]["results"]] == [1, 0]
    errors = {each["custom_id"]: each["error"] for each in lines if each["error"]}
    assert errors["wrong"]["param"] == "n"
    assert errors["chat"] == {
        "code": "duplicate_custom_id",
        "message": "line 8: line 1 has that custom_id too",
        "line": 8,
    }
    assert (errors[None]["code"], errors[None]["line"]) == ("invalid_line", 9)
    assert await run_batch(_app(), source, target) == Tally(9, kept=6, answered=4, refused=5)
    assert len(target.read_text(encoding="utf-8").splitlines()) == 9


async def test_a_second_run_does_what_the_first_left(tmp_path: Path) -> None:
    def script(request: Request, index: int) -> FakeCompletion:
        stuck = request.last_user_text == "slow"
        return FakeCompletion("good", delay=60.0 * stuck)

    def asked(text: str) -> Any:
        return {"messages": [{"role": "user", "content": text}]}

    lines = [
        _line("a"),
        _line("slow", **asked("slow")),
        _line("b", **asked("later")),
        _line("c", **asked("changed")),
    ]
    source, target = _write(tmp_path / "in.jsonl", *lines, "{"), tmp_path / "out.jsonl"
    done = asyncio.Event()
    running = asyncio.create_task(
        run_batch(
            _app(FakeGenerator(script)),
            source,
            target,
            watch=lambda tally: done.set() if tally.answered == 3 else None,
        )
    )
    await asyncio.wait_for(done.wait(), 10)
    running.cancel()  # as Ctrl-C does
    await asyncio.gather(running, return_exceptions=True)
    before = _read(target)
    assert before.keys() == {"a", "b", "c", None}
    with target.open("ab") as file:
        file.write(b'{"id": "batch_req_torn", "custom_id": "slow", "resp')  # as a kill leaves it

    lines[3] = _line("c", **asked("other"))
    _write(source, *lines, "{")
    generator = FakeGenerator(["better"])
    tally = await run_batch(_app(generator), source, target)
    assert tally == Tally(lines=5, kept=2, answered=4, refused=1)
    assert sorted(request.last_user_text for request in generator.requests) == ["other", "slow"]
    after = _read(target)
    assert after.keys() == {"a", "b", "c", "slow", None}
    assert (after["a"], after["b"]) == (before["a"], before["b"]), "as it was answered before"
    assert after["c"]["response"]["body"]["choices"][0]["message"]["content"] == "better"

    again = FakeGenerator(["never asked"])
    assert (await run_batch(_app(again), source, target)).kept == 4
    assert again.requests == []
    assert _read(target) == after
    assert {each.name for each in tmp_path.iterdir()} == {"in.jsonl", "out.jsonl"}


async def test_what_failed_is_asked_again_and_what_was_refused_is_not(tmp_path: Path) -> None:
    source = _write(tmp_path / "in.jsonl", _line("a"), _line("wrong", n=0, **ask()))
    target = tmp_path / "out.jsonl"
    broken = FakeGenerator([FakeCompletion(error="out of memory")])
    assert await run_batch(_app(broken), source, target) == Tally(2, 0, 0, refused=1, failed=1)
    assert _read(target)["a"]["response"]["status_code"] == 500
    assert _read(target)["a"]["error"]["code"] == "engine_error"
    tally = await run_batch(_app(), source, target)
    assert tally == Tally(2, kept=1, answered=1, refused=1)
    assert _read(target)["a"]["response"]["status_code"] == 200


async def test_no_more_lines_than_asked_are_in_flight(tmp_path: Path) -> None:
    running = most = 0

    class Counting(FakeGenerator):
        def sample(self, request: Request, indices: Any) -> Any:
            nonlocal running, most
            running += 1
            most = max(most, running)
            return super().sample(request, indices)

    def script(request: Request, index: int) -> FakeCompletion:
        return FakeCompletion("good", delay=0.01)

    source = _write(tmp_path / "in.jsonl", *(_line(str(at)) for at in range(20)))

    def watch(tally: Tally) -> None:
        nonlocal running
        running -= 1

    tally = await run_batch(
        _app(Counting(script)), source, tmp_path / "out.jsonl", in_flight=3, watch=watch
    )
    assert (tally.answered, most <= 4) == (20, True)


async def test_a_line_for_which_there_is_no_room_waits(tmp_path: Path) -> None:
    slow = FakeGenerator(lambda request, index: FakeCompletion("good", delay=0.2))
    lines = [_line(str(at), max_tokens=100, **ask()) for at in range(3)]
    source = _write(tmp_path / "in.jsonl", *lines)
    tally = await run_batch(_app(slow, max_tokens_in_flight=400), source, tmp_path / "out.jsonl")
    assert tally == Tally(lines=3, answered=3)


async def test_a_dead_engine_ends_the_run_and_keeps_what_was_answered(tmp_path: Path) -> None:
    class Dying(FakeGenerator):
        dead = False

        def sample(self, request: Request, indices: Any) -> Any:
            if request.last_user_text == "die":
                self.dead = True
                raise GeneratorError("the engine is gone")
            return super().sample(request, indices)

    die: Any = {"messages": [{"role": "user", "content": "die"}]}
    source = _write(tmp_path / "in.jsonl", _line("a"), _line("b", **die), _line("c"))
    target = tmp_path / "out.jsonl"
    with pytest.raises(GeneratorError, match=r"line 2: .*the engine is gone"):
        await run_batch(_app(Dying(["good"])), source, target, in_flight=1)
    assert _read(target).keys() <= {"a", "c"}
    tally = await run_batch(_app(), source, target)
    assert (tally.answered, tally.failed) == (3, 0)


@pytest.mark.parametrize(
    ("there", "said"),
    [
        ("a letter\n", "line 1 is no answer of a batch"),
        ('{"custom_id": "a"}\n', "line 1 is no answer of a batch"),
    ],
)
async def test_a_file_that_is_something_else_is_left_as_it_is(
    tmp_path: Path, there: str, said: str
) -> None:
    source, target = _write(tmp_path / "in.jsonl", _line("a")), tmp_path / "letter.jsonl"
    target.write_text(there, encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        await run_batch(_app(), source, target)
    assert target.read_text(encoding="utf-8") == there


async def test_a_file_without_lines_is_an_error(tmp_path: Path) -> None:
    source = _write(tmp_path / "in.jsonl", "", "")
    with pytest.raises(ConfigError, match="no lines"):
        await run_batch(_app(), source, tmp_path / "out.jsonl")


def test_faults_that_may_pass() -> None:
    assert [
        status for status in (200, 400, 404, 408, 422, 429, 499, 500, 503) if may_pass(status)
    ] == [
        408,
        429,
        499,
        500,
        503,
    ]


async def test_what_a_batch_cannot_hold_is_refused_and_never_taken_for_an_answer(
    tmp_path: Path,
) -> None:
    source = _write(
        tmp_path / "in.jsonl",
        _line("events", "/v1/candidates"),
        '{"custom_id": "half \\ud800", "method": "POST", "url": "/v1/models", "body": {}}',
    )
    tally = await run_batch(_app(), source, tmp_path / "out.jsonl", in_flight=2)
    assert (tally.answered, tally.refused, tally.failed) == (0, 2, 0)
    texts = (tmp_path / "out.jsonl").read_text(encoding="utf-8")
    assert "it does not answer with JSON" in texts
    assert "half of a surrogate pair" in texts
